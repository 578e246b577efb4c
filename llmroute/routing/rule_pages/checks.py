"""LR301 to LR320: what is allowed, and hardly meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.page import Page, example

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = """
    version: 1
    defaults: {model: ollama/llama3.1:8b}
"""
_BOX = """
    version: 1
    providers:
      gpu-box: {base_url: "https://gpu-box.example/v1", api_key: "${GPU_BOX_KEY}", model: qwen2.5-coder:32b}
    defaults: {provider: gpu-box}
"""

CHECKS: Mapping[str, Page] = {
    "alias-cycle": Page(
        why="Aliases are followed to their end, and these have none.",
        bad=example("""
            version: 1
            providers:
              ollama: {model: small, aliases: {small: fast, fast: small}}
            defaults: {provider: ollama}
        """),
        good=example("""
            version: 1
            providers:
              ollama: {model: small, aliases: {small: fast, fast: llama3.1:8b}}
            defaults: {provider: ollama}
        """),
        fix="Let the last alias name a model that the provider has.",
    ),
    "inline-secret": Page(
        why="A key in a file is a key in its history, its backups and in every chat the file is pasted into. The "
        "diagnostic names the place and never shows the key.",
        bad=example("""
            version: 1
            providers:
              anthropic: {api_key: sk-ant-api03-EXAMPLE-0123456789}
            defaults: {model: anthropic/claude-sonnet-5-5}
        """),
        good=example("""
            version: 1
            providers:
              anthropic: {api_key: "${ANTHROPIC_API_KEY}"}
            defaults: {model: anthropic/claude-sonnet-5-5}
        """),
        fix="Write `${VARIABLE}`, `{file: PATH}` or `{keyring: service/name}`. Have the key replaced by its vendor.",
    ),
    "credential-header": Page(
        why="A key has rules: it goes to its own origin only, and no output shows it. A credential in a header would "
        "have none of them.",
        bad=example("""
            version: 1
            providers:
              gpu-box:
                base_url: https://gpu-box.example/v1
                headers: {Authorization: "Bearer ${GPU_BOX_KEY}"}
                model: qwen2.5-coder:32b
            defaults: {provider: gpu-box}
        """),
        good=example(_BOX),
        fix="Write it as `api_key`, and how it travels as `auth`: bearer, x-api-key or api-key.",
    ),
    "vendor-key-elsewhere": Page(
        why="A vendor's key would be sent to a host that is not the vendor's. It may be meant, for a proxy of your "
        "own; it may be how somebody else's file collects your key.",
        bad=example("""
            version: 1
            providers:
              proxy: {base_url: "https://llm.example/v1", api_key: "${OPENAI_API_KEY}", model: gpt-6-luna}
            defaults: {provider: proxy}
        """),
        good=example("""
            version: 1
            providers:
              proxy: {base_url: "https://llm.example/v1", api_key: "${PROXY_KEY}", model: gpt-6-luna}
            defaults: {provider: proxy}
        """),
        fix="Use a variable of its own for that host.",
    ),
    "colliding-variables": Page(
        why="Two settings would be read from one variable: whoever sets it for the one changes the other. In the "
        "names of variables, `-`, `.`, `:`, `/` and `@` are all written `_`.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            purposes: {code-review: {}, code.review: {}}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            purposes: {code-review: {}, review: {}}
        """),
        fix="Rename one of the purposes, or name another variable in `env.names`.",
    ),
    "bad-interpolation": Page(
        why="A dollar sign begins `${NAME}` or `${NAME:-default}`, and nothing else: no `$NAME`, no nesting. `$$` is a "
        "dollar.",
        bad=example("""
            version: 1
            providers:
              gpu-box: {base_url: "http://$GPU_HOST:8000/v1", model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        good=example("""
            version: 1
            providers:
              gpu-box: {base_url: "http://${GPU_HOST:-localhost}:8000/v1", model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        fix="Add the braces, or double the dollar.",
    ),
    "unset-variable": Page(
        why="The spec asks for variables that are not set, and has no default for them. All of them are named, not "
        "just the first. It is a warning: another machine may have them.",
        bad=example(_BOX),
        good=replace(example(_BOX), environ={"GPU_BOX_KEY": "your-key"}),
        fix="Set them, or write a default: `${NAME:-default}`. An empty default (`${NAME:-}`) means «no key».",
    ),
    "locality-loosened": Page(
        why="How far away a server is, is read off its URL. `locality` may make that stricter, for a local port that "
        "forwards elsewhere; a remote server does not come nearer by being called local.",
        bad=example("""
            version: 1
            providers:
              gpu-box: {base_url: "https://gpu-box.example/v1", locality: local, model: qwen2.5-coder:32b}
            defaults: {provider: gpu-box}
        """),
        good=example("""
            version: 1
            providers:
              tunnel: {base_url: "http://localhost:9000/v1", locality: remote, model: qwen2.5-coder:32b}
            defaults: {provider: tunnel}
        """),
        fix="Leave `locality` out. `docs/privacy.md` has the table of what counts as local.",
    ),
    "setting-without-endpoint": Page(
        why="`api`, `auth`, `api_version`, `transport`, `headers` and `extra_body` belong to an endpoint and are won "
        "with it. On a scope that chooses none they have no effect.",
        bad=example("""
            version: 1
            defaults: {model: openai/gpt-6-luna}
            agents:
              reviewer: {headers: {X-Team: compilers}}
        """),
        good=example("""
            version: 1
            defaults: {model: openai/gpt-6-luna}
            agents:
              reviewer: {provider: openai, model: gpt-6-luna, headers: {X-Team: compilers}}
        """),
        fix="Write `provider` or `base_url` beside them, or move them to the provider under `providers`.",
    ),
    "reference-beside-url": Page(
        why="Beside `base_url`, the model `openai/gpt-6-luna` is read as model `gpt-6-luna` of the provider `openai`, "
        "at that URL. Many proxies want the whole text as the name of a model.",
        bad=example("""
            version: 1
            defaults: {base_url: "https://llm.example/v1", model: openai/gpt-6-luna}
        """),
        good=example("""
            version: 1
            defaults: {provider: openai, base_url: "https://llm.example/v1", model: gpt-6-luna}
        """),
        fix="Write `provider` beside it: then the text of `model` is sent as it stands.",
    ),
    "key-in-the-clear": Page(
        why="The key travels over plain HTTP to another machine; whoever is on the way can read it. Inside "
        "a private network (which the address is held to when connecting) this is a warning. `allow_http: true` says "
        "that the network is your own, `false` that the key may not travel there either; it holds for the origin it "
        "stands beside. This machine itself is exempt.",
        bad=example("""
            version: 1
            providers:
              far: {base_url: "http://llm.example.com/v1", api_key: "${FAR_KEY}", model: m}
            defaults: {provider: far}
        """),
        good=example("""
            version: 1
            providers:
              gpu-box:
                base_url: "http://192.168.1.20:8000/v1"
                allow_http: true
                api_key: "${GPU_BOX_KEY}"
                model: qwen2.5-coder:32b
            defaults: {provider: gpu-box}
        """),
        fix="Use `https://`, a tunnel that ends on this machine, or a server without a key. On a network of your own, "
        "write `allow_http: true` beside the `base_url`.",
    ),
    "repeated-target": Page(
        why="The target is in the chain already. One that failed is not asked again under another place in the chain; "
        "`max_retries` says how often it is asked in its own.",
        bad=example("""
            version: 1
            defaults:
              model: openai/gpt-6-luna
              fallbacks: [openai/gpt-6-luna]
        """),
        good=example("""
            version: 1
            defaults:
              model: openai/gpt-6-luna
              fallbacks: [anthropic/claude-haiku-5-5]
        """),
        fix="Take it out.",
    ),
    "homeless-model": Page(
        why="A bare model is sent to the endpoint of its own layer, or else to that of the default layer. Neither has "
        "one here, and the endpoint that a stronger or weaker layer chooses is not the model's.",
        bad=example(
            """
            version: 1
            providers: {ollama: {model: llama3.1:8b}}
            clients: {ci: {provider: ollama}}
            agents:
              reviewer: {model: gpt-6-sol}
        """,
            "explain",
            client="ci",
            agent="reviewer",
        ),
        good=example(
            """
            version: 1
            providers: {ollama: {model: llama3.1:8b}}
            clients: {ci: {provider: ollama}}
            agents:
              reviewer: {model: openai/gpt-6-sol}
        """,
            "explain",
            client="ci",
            agent="reviewer",
        ),
        fix="Write `provider/model`: that chooses the provider along with the model.",
    ),
    "foreign-model": Page(
        why="The model belongs to another endpoint than the one that wins whenever this program asks, so it is never "
        "sent. The provider's own model is, and a reader of the file may not see that.",
        bad=example(
            """
            version: 1
            providers: {ollama: {model: llama3.1:8b}}
            defaults: {model: anthropic/claude-sonnet-5-5}
        """,
            "explain",
            provider="ollama",
        ),
        good=example(
            """
            version: 1
            providers: {ollama: {model: llama3.1:8b, aliases: {claude-sonnet-5-5: llama3.1:8b}}}
            defaults: {model: anthropic/claude-sonnet-5-5}
        """,
            "explain",
            provider="ollama",
        ),
        fix="Write the model you want beside the provider that wins, or map the name with the provider's `aliases`.",
    ),
    "unknown-variable": Page(
        why="A variable with the prefix of this spec is set, and no setting reads it: most likely it is mistyped, and "
        "whoever set it waits for an effect.",
        bad=replace(example(_PLAIN), environ={"LLMROUTE_MODLE": "llama3.1:8b"}),
        good=replace(example(_PLAIN), environ={"LLMROUTE_MODEL": "llama3.1:8b"}),
        fix="Correct its name. `docs/environment.md` lists the settings; `env.names` adds names of your own.",
    ),
    "policy-matches-nothing": Page(
        why="A policy that names an agent, a purpose, a client or a provider that is not there protects nothing, and "
        "looks as if it did. Names that only the entry `*` takes in are not counted as missing.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            agents: {secret-notes: {}}
            policies:
              - {name: stays-here, agents: [secret-nots], require: {locality: local}}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            agents: {secret-notes: {}}
            policies:
              - {name: stays-here, agents: ["secret-*"], require: {locality: local}}
        """),
        fix="Correct the name, or write a glob that fits what is there.",
    ),
    "not-met": Page(
        why="A policy or a `require` with `warn: true` was not met. The target is kept, and each answer says so: "
        "`explain` shows it, and the program's log has it.",
        bad=example(
            """
            version: 1
            defaults: {model: anthropic/claude-sonnet-5-5}
            policies:
              - {name: prefer-here, require: {locality: local}, warn: true, because: prompts are personal}
        """,
            "explain",
        ),
        good=example(
            """
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            policies:
              - {name: prefer-here, require: {locality: local}, warn: true, because: prompts are personal}
        """,
            "explain",
        ),
        fix="Choose a target that meets it, or take `warn` away, so that no other is ever called.",
    ),
    "repeated-policy": Page(
        why="What a policy leaves out is told by the policy's name, and two of one name can't be told apart.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            policies:
              - {name: stays-here, require: {locality: local}}
              - {name: stays-here, deny: {hosts: ["*.example.com"]}}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            policies:
              - {name: stays-here, require: {locality: local}}
              - {name: no-example, deny: {hosts: ["*.example.com"]}}
        """),
        fix="Give each its own name, or write both into one.",
    ),
    "empty-policy": Page(
        why="A policy without `require` and `deny` holds for every target.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            policies:
              - {name: stays-here, agents: ["*"]}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            policies:
              - {name: stays-here, require: {locality: local}}
        """),
        fix="Write what it requires or denies, or take it out.",
    ),
    "transport-header": Page(
        why="Headers such as `Host`, `Content-Length` and `Connection` say where a request ends and whose it is. They "
        "are the transport's own: another `Host` could lead a request, with its key, to somebody else behind the same "
        "address.",
        bad=example("""
            version: 1
            providers:
              openai: {headers: {Host: relay.example}}
            defaults: {model: openai/gpt-6-luna}
        """),
        good=example("""
            version: 1
            providers:
              openai: {headers: {X-Team: search}}
            defaults: {model: openai/gpt-6-luna}
        """),
        fix="Take it out. `base_url` says where a request goes.",
    ),
}
