"""Why a target does not win: what keeps it, and changes that really make it win."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import from_mapping
from llmroute.routing.policies import Requirements
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from llmroute.routing.why_not import WhyNot, why_not
from tests.properties.strategies import World, governed
from tests.routing.asking import LOCAL, spec_of


def answer(text: str, wanted: str, environ: dict[str, str] | None = None, **query: Any) -> WhyNot:
    return why_not(spec_of(text), Query(**query), environ or {}, wanted)


def test_it_wins() -> None:
    found = answer(LOCAL, "ollama/m")
    assert found == WhyNot(wins=True, reasons=("it wins: chosen by defaults (routing.yaml:2)",), remedies=())
    aliased = "providers: {ollama: {aliases: {a: m}}}\n" + LOCAL
    assert answer(aliased, "ollama/a").wins


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [("olama/m", "did you mean"), ("m", "write a preset's name, or declare"), ("ollama/", "write a preset")],
)
def test_what_is_no_target(wanted: str, hint: str) -> None:
    text = "providers: {ollama: {}}\n" + LOCAL if hint == "did you mean" else LOCAL
    found = answer(text, wanted)
    assert not found.wins
    assert hint in found.reasons[0]
    assert found.remedies == ()


def test_a_stronger_scope_chose_otherwise() -> None:
    text = f"{LOCAL}agents: {{a: {{model: openai/x}}}}\npurposes: {{p: {{}}}}\nclients: {{c: {{}}}}"
    found = answer(text, "ollama/m", agent="a", purpose="p", client="c")
    assert found.reasons == (
        "agents.a (routing.yaml:3) chose openai, and no stronger scope says otherwise",
        "defaults (routing.yaml:2) asks for it: weaker layer",
    )
    assert found.remedies == (
        "write agents.a: {model: ollama/m}",
        "take model out of agents.a",
        "write agents.a.purposes.p: {model: ollama/m}",
    )


def test_another_model_of_the_same_provider() -> None:
    text = "defaults: {model: ollama/n}\nagents: {a: {model: ollama/m}}"
    found = answer(text, "ollama/n", agent="a")
    assert found.reasons == (
        "agents.a (routing.yaml:3) chose the model m",
        "defaults (routing.yaml:2) asks for it: weaker layer",
    )


def test_the_environment_is_the_smallest_change() -> None:
    assert answer(LOCAL, "openai/x").remedies == ("set LLMROUTE_MODEL=openai/x", "pass --model openai/x")
    found = answer(LOCAL, "openai/x", {"LLMROUTE_PROVIDER": "groq", "LLMROUTE_MODEL": "y"})
    assert found.remedies == ("pass --model openai/x",)


def test_a_variable_may_have_to_go_too() -> None:
    environ = {"LLMROUTE_PROVIDER": "groq", "LLMROUTE_MODEL": "y", "LLMROUTE_BASE_URL": ""}
    args = {"model": "groq/z"}
    found = answer(LOCAL, "ollama/m", environ, args=args)
    assert found.remedies == ("pass --model ollama/m",)
    pinned = f"{LOCAL}agents: {{a: {{model: openai/y}}}}"
    assert answer(pinned, "ollama/m", {"LLMROUTE_MODEL": "groq/z"}, agent="a").remedies == (
        "write agents.a: {model: ollama/m}",
    )
    assert answer(LOCAL, "ollama/m", {"LLMROUTE_MODEL": "groq/z"}).remedies == (
        "set LLMROUTE_MODEL=ollama/m",
        "unset LLMROUTE_MODEL",
        "pass --model ollama/m",
    )


def test_arguments_beat_a_client() -> None:
    text = f"{LOCAL}clients: {{c: {{provider: ollama, model: n}}}}"
    found = answer(text, "openai/x", client="c", args={"temperature": 0, "provider": "groq", "model": "z"})
    assert found.remedies == ("pass --model openai/x, without --provider",)
    found = answer(text, "ollama/n", client="c", args={"provider": "groq", "model": "z"})
    assert "leave out --provider, --model" in found.remedies


def test_two_changes_where_one_is_not_enough() -> None:
    text = f"{LOCAL}purposes: {{p: {{model: ollama/n}}}}"
    found = answer(
        text, "openai/x", {"LLMROUTE_MODEL": "ollama/z"}, purpose="p", args={"base_url": "http://localhost:1"}
    )
    assert found.remedies == (
        "pass --model openai/x, without --base-url",
        "set LLMROUTE_MODEL=openai/x, and leave out --base-url",
        "set LLMROUTE_MODEL__P=openai/x, and leave out --base-url",
    )


def test_a_fallback_that_would_be_more_remote_has_to_go() -> None:
    text = "agents: {a: {provider: openai, model: x, fallbacks: [groq/y]}}"
    assert answer(text, "ollama/m", agent="a").remedies == (
        "write agents.a: {model: ollama/m}, without its provider, and take fallbacks out of agents.a",
    )


def test_another_model_where_the_provider_stays() -> None:
    text = "agents: {a: {provider: ollama, model: x}}"
    assert answer(text, "ollama/m", agent="a").remedies == ("write agents.a: {model: m}",)


def test_a_url_is_a_target_too() -> None:
    found = answer(LOCAL, "HTTP://localhost:1234/v1/ q")
    assert found.remedies == (
        "set LLMROUTE_BASE_URL=http://localhost:1234/v1, LLMROUTE_MODEL=q",
        "pass --base-url http://localhost:1234/v1 --model q",
    )
    other = "{base_url: 'http://localhost:1', model: z}"
    text = f"defaults: {{base_url: 'http://localhost:1234/v1', model: q, fallbacks: [{other}]}}"
    assert answer(text, "http://localhost:1234/v1 q").wins
    assert answer(text, "http://localhost:1234/v1").wins
    assert "number 1 in the fallbacks" in answer(text, "http://localhost:1 z").reasons[0]
    assert answer(text, "http://localhost:1234/v1 r").reasons == ("defaults (routing.yaml:2) chose the model q",)
    assert "user name" in answer(LOCAL, "http://a@localhost:1 q").reasons[0]


def test_a_url_that_is_left_out() -> None:
    text = "defaults: {base_url: 'https://a.example/v1', model: q, fallbacks: [ollama/m], require: {locality: local}}"
    found = answer(text, "https://a.example/v1 q")
    assert found.reasons[0].startswith("https://a.example/v1 is remote")
    assert answer(text, "https://a.example/v1").reasons[0] == found.reasons[0]
    able = "defaults: {provider: ollama, model: m}\npolicies: [{name: p, require: {tools: true}}]"
    assert answer(able, "https://a.example/v1 q").remedies == (
        "take the policy p out (routing.yaml:3), and set LLMROUTE_BASE_URL=https://a.example/v1, LLMROUTE_MODEL=q",
        "take the policy p out (routing.yaml:3), and pass --base-url https://a.example/v1 --model q",
    )


def test_a_provider_alone_is_any_model_of_it() -> None:
    text = f"providers: {{openai: {{model: x}}}}\n{LOCAL}"
    assert answer(text, "ollama").wins
    assert answer(text, "openai").remedies == ("set LLMROUTE_PROVIDER=openai", "pass --provider openai")
    found = answer(LOCAL, "openai")
    assert found.reasons[-1].startswith("and wherever it is chosen: no model for openai")
    assert found.remedies == ()
    refused = f"{text}policies: [{{name: p, deny: {{providers: [openai]}}}}]"
    assert "and wherever it is chosen: the provider openai is denied" in answer(refused, "openai").reasons[-1]


def test_what_stands_beside_it_has_to_go() -> None:
    text = "agents: {a: {provider: openai, model: x, auth: bearer, purposes: {p: {base_url: 'http://localhost:1'}}}}"
    found = answer(text + "\npurposes: {p: {}}", "ollama/m", agent="a", purpose="p")
    assert found.remedies == ("write agents.a.purposes.p: {model: ollama/m}, without its base_url",)
    found = answer(text, "ollama/m", agent="a")
    assert found.remedies == ("write agents.a: {model: ollama/m}, without its provider, auth",)


def test_other_fallbacks_and_other_targets_left_out_say_nothing() -> None:
    text = """\
defaults: {provider: ollama, model: m, require: {locality: local}, allow_remote_fallback: true,
  fallbacks: [openai/y, ollama/n]}
"""
    assert answer(text, "openai/x").reasons == (
        "defaults (routing.yaml:2) chose ollama, and no stronger scope says otherwise",
        (
            "and wherever it is chosen: "
            "https://api.openai.com/v1 is remote, and local is required [require.locality, routing.yaml:2]"
        ),
    )


def test_a_fallback_is_named() -> None:
    text = "defaults: {model: openai/x, fallbacks: [ollama/m]}"
    assert "number 1 in the fallbacks of openai/x" in answer(text, "ollama/m").reasons[0]


def test_left_out_by_a_requirement() -> None:
    text = "defaults: {model: openai/x, fallbacks: [ollama/m], require: {locality: local}}"
    found = answer(text, "openai/x")
    assert found.reasons[0] == (
        "https://api.openai.com/v1 is remote, and local is required [require.locality, routing.yaml:2]"
    )
    assert found.remedies == ("take require.locality out (routing.yaml:2)",)
    alone = answer("defaults: {provider: ollama, model: m, require: {locality: local}}", "openai/x")
    assert alone.remedies[0] == "take require.locality out (routing.yaml:2), and set LLMROUTE_MODEL=openai/x"


def test_left_out_by_a_requirement_of_a_purpose_and_by_one_of_the_program() -> None:
    text = f"{LOCAL}agents: {{a: {{purposes: {{p: {{require: {{locality: local}}}}}}}}}}\npurposes: {{p: {{}}}}"
    found = answer(text, "openai/x", agent="a", purpose="p")
    assert found.remedies[0] == "take require.locality out (routing.yaml:3), and set LLMROUTE_MODEL=openai/x"
    found = answer(LOCAL, "openai/x", args={"require": Requirements(locality="local")})
    assert found.remedies[0] == "take require.locality out (argument require), and set LLMROUTE_MODEL=openai/x"


def test_what_nothing_says_may_be_declared() -> None:
    text = "agents: {a: {provider: groq, model: z, require: {tools: true, context_window: 9000, vision: true}}}"
    spec = f"providers: {{ollama: {{capabilities: {{vision: false}}}}}}\n{text}"
    found = answer(spec, "ollama/q", agent="a")
    assert [reason.partition(":")[0] for reason in found.reasons[1:]] == ["and wherever it is chosen"] * 3
    (remedy,) = found.remedies
    assert remedy == (
        "declare providers.ollama.capabilities.tools, if it is so, and take require.vision out (routing.yaml:3), "
        "and declare providers.ollama.capabilities.context_window, if it is so, "
        "and write agents.a: {model: ollama/q}, without its provider"
    )


def test_left_out_by_several_policies() -> None:
    policies = "policies: [{name: p, deny: {providers: [openai]}}, {name: q, require: {locality: local}}]"
    found = answer(f"{LOCAL}{policies}", "openai/x")
    assert found.remedies[0] == (
        "take the policy p out (routing.yaml:3), and take the policy q out (routing.yaml:3), "
        "and set LLMROUTE_MODEL=openai/x"
    )


def test_more_policies_than_anybody_has() -> None:
    policies = ", ".join(f"{{name: p{number}, deny: {{providers: [openai]}}}}" for number in range(9))
    found = answer(f"{LOCAL}policies: [{policies}]", "openai/x")
    assert len(found.reasons) == 10
    assert found.remedies[0].count("take the policy") == 9


def test_a_requirement_that_an_alias_repeats() -> None:
    text = "defaults: {provider: ollama, model: m, require: &here {locality: local}}\nagents: {a: {require: *here}}"
    found = answer(text, "openai/x", agent="a")
    assert found.remedies[0] == "take require.locality out (routing.yaml:2), and set LLMROUTE_MODEL=openai/x"


def test_outside_of_a_closed_list() -> None:
    text = "providers: {openai: {models: [y]}}\n" + LOCAL
    found = answer(text, "openai/x")
    assert found.reasons[1] == "and wherever it is chosen: openai does not offer 'x' [model-not-offered]"
    assert found.remedies[0] == "add x to providers.openai.models, and set LLMROUTE_MODEL=openai/x"


def test_outside_of_the_closed_list_of_the_provider_that_wins() -> None:
    found = answer("providers: {openai: {models: [y]}}\ndefaults: {model: openai/y}", "openai/x")
    assert found.reasons == (
        "defaults (routing.yaml:3) chose the model y",
        "and wherever it is chosen: openai does not offer 'x' [model-not-offered]",
    )
    assert len(found.remedies) == 3


def test_where_nothing_wins() -> None:
    found = answer("defaults: {}", "openai/x")
    assert found.reasons == ("nothing wins: nothing names a provider or a URL for this query [no-endpoint]",)
    assert "set LLMROUTE_MODEL=openai/x" in found.remedies


def test_a_preset_that_a_declared_provider_names_and_nobody_knows() -> None:
    found = answer("providers: {work: {preset: opnai}}\n" + LOCAL, "work/m")
    assert not found.wins
    assert any("unknown provider 'opnai'" in reason for reason in found.reasons)


def test_names_are_checked() -> None:
    found = answer(LOCAL, "openai/x", agent="nobody")
    assert found == WhyNot(wins=False, reasons=("nothing wins: unknown agent 'nobody' [unknown-agent]",), remedies=())


# -- Each way out works


def applied(world: World, remedy: str) -> World:
    """A world in which the advice was followed."""
    document, query, environ = deepcopy(tuple(world))
    for text in remedy.split(", and "):
        if found := re.fullmatch(r"set (.+)", text):
            environ |= dict(part.split("=", 1) for part in found[1].split(", "))
        elif found := re.fullmatch(r"unset (\w+)", text):
            del environ[found[1]]
        elif found := re.fullmatch(r"pass (--.+?)(?:, without (.+))?", text):
            for name in _flags(found[2] or ""):
                del query["args"][name]
            words = found[1].split(" ")
            query["args"] |= dict(zip(_flags(" ".join(words[::2])), words[1::2], strict=True))
        elif found := re.fullmatch(r"leave out (.+)", text):
            for name in _flags(found[1]):
                del query["args"][name]
        else:
            _edited(document, text)
    return World(document, query, environ)


def _flags(text: str) -> list[str]:
    return [name.strip(",").removeprefix("--").replace("-", "_") for name in text.split()]


def _edited(document: dict[str, Any], text: str) -> None:
    """Follow advice about the spec."""
    if found := re.fullmatch(r"write ([\w.*-]+): \{model: ([^}]+)\}(?:, without its (.+))?", text):
        place = _place(document, found[1])
        for name in (found[3] or "").split(", "):
            place.pop(name, None)
        place["model"] = found[2]
    elif found := re.fullmatch(r"take ([\w, ]+) out of ([\w.*-]+)", text):
        for name in found[1].split(", "):
            del _place(document, found[2])[name]
    elif found := re.fullmatch(r"take require\.(\w+) out \(mapping /(.+)\)", text):
        del _place(document, found[2].rpartition("/")[0].replace("/", "."))[found[1]]
    elif found := re.fullmatch(r"take the policy (\S+) out .+", text):
        document["policies"] = [policy for policy in document["policies"] if policy["name"] != found[1]]
    elif found := re.fullmatch(r"declare ([\w.*-]+)\.(\w+), if it is so", text):
        _place(document, found[1])[found[2]] = 2**50 if found[2] == "context_window" else True
    else:
        found = re.fullmatch(r"add (\S+) to ([\w.]+)\.models", text)
        assert found is not None, text
        _place(document, found[2])["models"].append(found[1])


def _place(document: dict[str, Any], path: str) -> dict[str, Any]:
    for step in path.split("."):
        document = document.setdefault(step, {})
    return document


TARGETS = ["openai/m1", "ollama/m2", "box/m1", "anthropic/m9", "work/m1", "lmstudio/m1"]


@given(governed(), st.sampled_from(TARGETS))
def test_every_remedy_works(world: World, wanted: str) -> None:
    found = why_not(from_mapping(world.document), Query(**world.query), world.environ, wanted)
    assert found.reasons
    for remedy in found.remedies:
        document, query, environ = applied(world, remedy)
        target = resolve(from_mapping(document), Query(**query), environ).target
        assert target.provider == wanted.partition("/")[0], remedy
    if found.wins:
        target = resolve(from_mapping(world.document), Query(**world.query), world.environ).target
        assert target.provider == wanted.partition("/")[0]
