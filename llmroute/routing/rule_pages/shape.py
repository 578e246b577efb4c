"""LR100 to LR114: the shape of the spec, and the names in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.page import Page, example

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEAM = """
    version: 1
    defaults: {model: openai/gpt-6-luna}
    agents:
      file-picker: {model: ollama/llama3.1:8b}
"""
_TEAM_AND_REST = """
    version: 1
    defaults: {model: openai/gpt-6-luna}
    agents:
      file-picker: {model: ollama/llama3.1:8b}
      "*": {}
"""
_FINE = example("""
    version: 1
    defaults: {model: ollama/llama3.1:8b}
""")

SHAPE: Mapping[str, Page] = {
    "unknown-key": Page(
        why="A key that the format does not know has no effect. Written for a reason and without effect is how a "
        "prompt goes where it should not, so it is an error.",
        bad=example("""
            version: 1
            defaults:
              model: anthropic/claude-sonnet-5-5
              fallback: [openai/gpt-6-luna]
        """),
        good=example("""
            version: 1
            defaults:
              model: anthropic/claude-sonnet-5-5
              fallbacks: [openai/gpt-6-luna]
        """),
        fix="Take the name that the hint offers. What is meant for your program, and not for llmroute, goes under "
        "`metadata`. Merge keys (`<<`) are YAML 1.1 and are not read.",
    ),
    "invalid-value": Page(
        why="A value has the wrong type, or is out of range. It would be refused by every server, at every call.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, temperature: 20}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, temperature: 0.2}
        """),
        fix="The message says what the field takes; the spec reference lists all of them.",
    ),
    "missing-field": Page(
        why="A field that must be there is not: `version` in a spec, `base_url` in a provider that no preset "
        "describes, `name` in a policy.",
        bad=example("""
            version: 1
            providers:
              gpu-box: {model: qwen2.5-coder:32b}
        """),
        good=example("""
            version: 1
            providers:
              gpu-box: {base_url: "http://192.168.1.20:8000/v1", model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        fix="Write the field. A provider under a name of your own can take its facts from a preset: `preset: vllm`.",
    ),
    "unknown-provider": Page(
        why="The provider is neither declared under `providers` nor the name of a preset. A weaker scope never steps "
        "in for it: that would send a prompt to a place nobody chose.",
        bad=example("""
            version: 1
            agents:
              file-picker: {provider: olama, model: llama3.1:8b}
        """),
        good=example("""
            version: 1
            agents:
              file-picker: {provider: ollama, model: llama3.1:8b}
        """),
        fix="Correct the name, or declare the provider with its `base_url`. `docs/reference/presets.md` lists the "
        "presets.",
    ),
    "unknown-purpose": Page(
        why="A purpose is declared under `purposes`, if only as `planning: {}`. One that is used and not declared is a "
        "typo until shown otherwise, and the settings under it would never be found.",
        bad=example("""
            version: 1
            purposes: {planning: {}}
            agents:
              orchestrator:
                model: anthropic/claude-sonnet-5-5
                purposes:
                  planing: {model: claude-opus-5-5}
        """),
        good=example("""
            version: 1
            purposes: {planning: {}}
            agents:
              orchestrator:
                model: anthropic/claude-sonnet-5-5
                purposes:
                  planning: {model: claude-opus-5-5}
        """),
        fix='Correct the name, declare the purpose, or declare `"*"` under `purposes` to allow any.',
    ),
    "bad-name": Page(
        why="Names appear in variables, in flags, in messages and in logs. Spaces, line breaks and characters that "
        "look like others would let two names look like one.",
        bad=example("""
            version: 1
            agents:
              file picker: {model: ollama/llama3.1:8b}
        """),
        good=example("""
            version: 1
            agents:
              file-picker: {model: ollama/llama3.1:8b}
        """),
        fix="Use ASCII letters, digits and `_ . : @ / -`, beginning with a letter, a digit or `_`. The name of a "
        "provider takes no `: @ /`, for these separate it from a model.",
    ),
    "unsupported-version": Page(
        why="`version` is the version of the format. This release reads version 1, and does not guess at another.",
        bad=example("""
            version: 2
            defaults: {model: ollama/llama3.1:8b}
        """),
        good=_FINE,
        fix="Write `version: 1`, or install a release that reads the newer format: `pip install -U llmroute`.",
    ),
    "null-value": Page(
        why="A field is written and left empty. It may be meant as «no setting», or its value was lost; the two lead "
        "to different places.",
        bad=example("""
            version: 1
            defaults:
              provider:
              model: ollama/llama3.1:8b
        """),
        good=_FINE,
        fix="Leave the field out to say nothing. An entry without settings is `{}`; an empty list is `[]`.",
    ),
    "wildcard-swallows": Page(
        why='The entry `"*"` takes in every name that has no entry of its own, so a mistyped name gets the settings '
        "of `*` and not those that were written for it.",
        bad=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            purposes:
              planning: {}
              "*": {}
            agents:
              orchestrator:
                purposes:
                  planing: {model: claude-opus-5-5}
        """),
        good=example("""
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            purposes:
              planning: {}
              "*": {}
            agents:
              orchestrator:
                purposes:
                  planning: {model: claude-opus-5-5}
        """),
        fix="Correct the name, or declare it as a name of its own.",
    ),
    "unknown-agent": Page(
        why="The query names an agent that the spec does not. It gets no route, and not that of `defaults`: a typo "
        "must not send the prompts of a local agent to the cloud.",
        bad=example(_TEAM, "explain", agent="file-pickr"),
        good=example(_TEAM, "explain", agent="file-picker"),
        fix='Correct the name, or declare the agent; `"*"` under `agents` takes in all names that have no entry.',
    ),
    "unknown-client": Page(
        why="The program calls itself by a name that the spec does not know under `clients`, so the settings that were "
        "written for it would not hold.",
        bad=example(_TEAM, "explain", client="ci"),
        good=example(_TEAM_AND_REST + "    clients: {ci: {}}\n", "explain", agent="any", client="ci"),
        fix='Correct the name, declare the client (`ci: {}` is enough), or declare `"*"` under `clients`.',
    ),
    "unknown-setting": Page(
        why="`env.names` gives a setting of the environment further variables. Under a name that is no such setting, "
        "nothing would ever be read.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            env: {names: {modell: [MYTOOL_MODEL]}}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            env: {names: {model: [MYTOOL_MODEL]}}
        """),
        fix="Use a setting that `docs/environment.md` lists, or `setting.purpose`.",
    ),
    "unknown-api": Page(
        why="The wire format is none that this release speaks by itself. A package with an adapter of that name (entry "
        "point group `llmroute.adapters`) would add it; without one, the first call fails.",
        bad=example("""
            version: 1
            providers:
              box: {base_url: "http://localhost:8000/v1", api: openai-caht, model: qwen2.5-coder:32b}
            defaults: {provider: box}
        """),
        good=example("""
            version: 1
            providers:
              box: {base_url: "http://localhost:8000/v1", api: openai-chat, model: qwen2.5-coder:32b}
            defaults: {provider: box}
        """),
        fix="Write a format that the server speaks and llmroute too; nearly every local server speaks `openai-chat`.",
    ),
}
