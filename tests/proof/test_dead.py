"""What is called dead is dead: without it every answer is the same."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmroute.errors import RoutingError, SpecError
from llmroute.load import from_mapping, from_str
from llmroute.proof.findings.bounds import askable
from llmroute.proof.findings.dead import Dead, dead_configuration
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query, Resolution
from tests.properties.strategies import World, governed, worlds


def found(text: str) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in said(text)]


def said(text: str) -> list[Dead]:
    return dead_configuration(from_str(f"version: 1\n{text}", "routing.yaml"))


CHAIN = "model: ollama/m, fallbacks: [openai/a, anthropic/b]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The opt-in without a list
        ("defaults: {model: ollama/m, allow_remote_fallback: true}", ["setting defaults.allow_remote_fallback"]),
        (
            "agents: {a: {allow_remote_fallback: true, fallbacks: []}}",
            ["setting agents.a.allow_remote_fallback"],
        ),
        ("providers: {ollama: {allow_remote_fallback: true}}\ndefaults: {model: ollama/m}",
         ["setting providers.ollama.allow_remote_fallback"]),
        ("agents: {a: {allow_remote_fallback: true, fallbacks: [openai/m]}}", []),
        # Lists that no endpoint inherits
        ("defaults: {temperature: 0, fallbacks: [openai/m]}", ["fallback defaults.fallbacks"]),
        ("defaults: {model: m, fallbacks: [openai/m]}", ["fallback defaults.fallbacks"]),
        ("defaults: {model: '${M}', fallbacks: [openai/m]}", []),
        ("purposes: {p: {fallbacks: [openai/m]}}", ["fallback purposes.p.fallbacks"]),
        ("purposes: {p: {fallbacks: [openai/m]}}\ndefaults: {provider: ollama}", []),
        ("agents: {a: {fallbacks: [openai/m]}}", []),
        # Wildcards that take in nothing
        ("purposes: {p: {}}\nagents: {a: {purposes: {p: {}, '*': {}}}}", ["purpose agents.a.purposes.*"]),
        ("purposes: {p: {}, q: {}}\nagents: {a: {purposes: {p: {}, '*': {}}}}", []),
        ("purposes: {p: {}, '*': {}}\nagents: {a: {purposes: {p: {}, '*': {}}}}", []),
        ("clients: {c: {purposes: {'*': {}}}}", ["purpose clients.c.purposes.*"]),
        # Variables that were looked at before
        ("env: {names: {model: [LLMROUTE_MODEL, B, B]}}", ["variable env.names.model.0", "variable env.names.model.2"]),
        ("purposes: {p: {}}\nenv: {names: {model.p: [B, LLMROUTE_MODEL__P]}}", ["variable env.names.model.p.1"]),
        # Fallbacks and fallback_on
        (f"agents: {{a: {{{CHAIN}, fallback_on: [], allow_remote_fallback: true}}}}", ["fallback agents.a.fallbacks"]),
        (f"agents: {{a: {{{CHAIN}, fallback_on: [rate], allow_remote_fallback: true}}}}", []),
        (f"defaults: {{{CHAIN}, fallback_on: [], allow_remote_fallback: true}}", []),
        (
            (f"purposes: {{p: {{}}}}\n"
            f"agents: {{a: {{{CHAIN}, fallback_on: [], purposes: {{p: {{fallback_on: [rate]}}}}}}}}"),
            [],
        ),
        (
            f"purposes: {{p: {{}}}}\nagents: {{a: {{purposes: {{p: {{{CHAIN}, fallback_on: []}}}}}}}}",
            ["fallback agents.a.purposes.p.fallbacks"],
        ),
        (f"agents: {{a: {{{CHAIN}, fallback_on: [], require: {{tools: true}}}}}}", []),
        # What holds for the first target of a call
        (
            "defaults: {model: ollama/m, fallbacks: [{model: ollama/n, deadline: 5, max_attempts: 1, timeout: 1}]}",
            ["setting defaults.fallbacks.0.deadline", "setting defaults.fallbacks.0.max_attempts"],
        ),
        (
            ("defaults: {model: ollama/m, fallbacks: [{model: ollama/n, deadline: 5}]}\n"
            "policies: [{name: x, deny: {models: [m]}}]"),
            [],
        ),
        # Last resorts
        (
            "providers: {ollama: {timeout: 90, temperature: 0}}\ndefaults: {model: ollama/m, timeout: 9}",
            ["setting providers.ollama.timeout"],
        ),
        # Providers
        ("providers: {groq: {}}\ndefaults: {model: ollama/m}", ["outside provider providers.groq"]),
        ("providers: {groq: {}}\ndefaults: {model: '${M:-groq/m}'}", []),
        ("providers: {groq: {}}\ndefaults: {model: '${M}'}", ["outside provider providers.groq"]),
        ("providers: {groq: {}}\ndefaults: {model: ollama/m, fallbacks: [groq]}", []),
        ("providers: {groq: {fallbacks: [groq/m]}}", []),
        (
            "providers: {groq: {}}\ndefaults: {model: groq/m}\npolicies: [{name: x, deny: {providers: [groq]}}]",
            ["provider providers.groq"],
        ),
        (
            "providers: {x: {preset: groq}}\ndefaults: {model: x/m}\npolicies: [{name: x, deny: {providers: [groq]}}]",
            ["provider providers.x"],
        ),
        (
            ("providers: {groq: {}}\ndefaults: {model: groq/m}\n"
            "policies: [{name: x, warn: true, deny: {providers: [groq]}}]"),
            [],
        ),
        (
            ("providers: {groq: {}}\ndefaults: {model: groq/m}\nagents: {a: {}}\n"
            "policies: [{name: x, agents: [a], deny: {providers: [groq]}}]"),
            [],
        ),
        (
            (
                "providers: {groq: {fallbacks: [ollama/m], allow_remote_fallback: true}}\ndefaults: {model: groq/m}\n"
                "policies: [{name: x, deny: {providers: [groq]}}]"
            ),
            [],
        ),
        # Aliases and lists of models
        ("providers: {ollama: {aliases: {fast: m}}}\ndefaults: {model: ollama/fast}", []),
        ("providers: {ollama: {aliases: {fast: quick, quick: m}}}\nagents: {a: {provider: ollama, model: fast}}", []),
        (
            "providers: {ollama: {aliases: {fast: m}}}\ndefaults: {model: ollama/m}",
            ["outside alias providers.ollama.aliases.fast"],
        ),
        (
            "providers: {ollama: {aliases: {fast: m}, models: [n]}}\ndefaults: {model: ollama/n}",
            ["alias providers.ollama.aliases.fast"],
        ),
        (
            "providers: {ollama: {aliases: {fast: m}, models: [m, fast]}}\ndefaults: {model: ollama/fast}",
            ["model providers.ollama.models.1"],
        ),
        (
            "providers: {ollama: {aliases: {a: b, b: a}, models: [a, b]}}\ndefaults: {model: ollama/a}",
            [],
        ),
        # Fallbacks that a policy leaves out
        (
            f"defaults: {{{CHAIN}, allow_remote_fallback: true}}\npolicies: [{{name: x, deny: {{models: [A]}}}}]",
            ["fallback defaults.fallbacks.0"],
        ),
        (
            (f"agents: {{b: {{{CHAIN}, allow_remote_fallback: true}}}}\n"
            "policies: [{name: x, agents: [b], require: {providers: [ollama, openai]}}]"),
            ["fallback agents.b.fallbacks.1"],
        ),
        (
            ("defaults: {model: ollama/m, fallbacks: [openai, '${M}', {base_url: 'http://localhost:1', model: x}],"
            " allow_remote_fallback: true}\npolicies: [{name: x, deny: {providers: [openai], models: [x]}}]"),
            ["fallback defaults.fallbacks.0"],
        ),
        (
            ("providers: {ollama: {aliases: {f: g}}}\ndefaults: {model: ollama/m, fallbacks: [ollama/f]}\n"
            "policies: [{name: x, deny: {models: [g]}}]"),
            ["fallback defaults.fallbacks.0"],
        ),
        (
            ("agents: {'*': {model: ollama/m, fallbacks: [ollama/f]}}\n"
            "policies: [{name: x, agents: [a*], deny: {models: [f]}}]"),
            [],
        ),
    ],
)  # fmt: skip
def test_what_is_dead_and_what_is_not(text: str, expected: list[str]) -> None:
    found = [f"{'outside ' * item.only_from_outside}{item.kind} {item.name}" for item in said(text)]
    assert found == expected


def test_the_line_that_takes_the_effect_away_is_named() -> None:
    (item,) = said("providers:\n  ollama: {timeout: 90}\ndefaults:\n  model: ollama/m\n  timeout: 9")
    assert (str(item.origin), str(item.shadowed_by)) == ("routing.yaml:3", "routing.yaml:6")
    assert item.to_json() == {
        "kind": "setting",
        "name": "providers.ollama.timeout",
        "pointer": "/providers/ollama/timeout",
        "reason": "defaults has timeout too, and a provider's own parameters are the last resort",
        "origin": {"kind": "file", "path": "routing.yaml", "line": 3, "column": 21},
        "shadowed_by": {"kind": "file", "path": "routing.yaml", "line": 6, "column": 12},
        "only_from_outside": False,
    }


def test_the_reason_of_a_policy_is_told() -> None:
    (item,) = said(
        "providers: {groq: {}}\ndefaults: {model: groq/m}\n"
        "policies: [{name: eu, because: no contract, deny: {providers: [groq]}}]"
    )
    assert item.reason == "the policy eu leaves it out for every call: the provider groq is denied"
    entries = said(
        "defaults: {model: ollama/m, fallbacks: [openai/a], allow_remote_fallback: true}\n"
        "policies: [{name: eu, because: no contract, deny: {providers: [openai]}}]"
    )
    assert entries[0].reason == "the policy eu leaves it out: the provider openai is denied, because no contract"


_additions = st.fixed_dictionaries(
    {},
    optional={
        "allow_remote_fallback": st.sampled_from([True]),
        "fallback_on": st.sampled_from([[], ["rate"]]),
        "timeout": st.just(3),
        "max_attempts": st.just(2),
    },
)
_in_an_entry = st.sampled_from([{"deadline": 3}, {"max_attempts": 1}, {"sticky": "conversation"}, {"timeout": 8}])


@st.composite
def unruly(draw: Any) -> World:
    """A world in which more is dead."""
    world: World = draw(st.one_of(worlds(), governed()))
    document = world.document
    scopes = [document["defaults"], *document["agents"].values(), *document["purposes"].values()]
    scopes += document["providers"].values()
    draw(st.sampled_from(scopes)).update(draw(_additions))
    for scope in scopes:
        scope["fallbacks"] = [
            entry | draw(_in_an_entry) if isinstance(entry, dict) else entry for entry in scope.get("fallbacks", [])
        ]
        if not scope["fallbacks"] and draw(st.booleans()):
            del scope["fallbacks"]
    return world


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(unruly(), st.sampled_from(["a", "b", None]), st.sampled_from(["plan", "do", None]))
def test_without_what_is_dead_every_answer_is_the_same(world: World, agent: str | None, purpose: str | None) -> None:
    spec = from_mapping(world.document)
    asked = Query(**{**world.query, "agent": agent, "purpose": purpose})
    for item in dead_configuration(spec):
        # What only a variable or an argument can choose: here there is neither.
        query = Query(agent, purpose) if item.only_from_outside else asked
        environ = {} if item.only_from_outside else world.environ
        try:
            before = resolve(spec, query, environ)
        except RoutingError:
            continue
        if item.kind == "provider":
            assert item.path[1] not in {target.provider for target in before.route.targets}
        elif (after := _without(world.document, item, query, environ)) is not None:
            assert _shown(after) == _shown(before), item


def _without(document: dict[str, Any], item: Dead, query: Query, environ: dict[str, str]) -> Resolution | None:
    """The answer without one thing; None where no spec is left."""
    rest = deepcopy(document)
    *path, last = item.path
    place = rest
    for step in path:
        place = place[step]
    del place[last]
    try:
        return resolve(from_mapping(rest), query, environ)
    except SpecError:
        return None


def _shown(resolution: Resolution) -> list[Any]:
    """What dispatch makes of a route: what holds for the first target alone counts of it alone."""
    return [
        (
            target.to_json(),
            {
                name: value
                for name, value in target.params.items()
                if number == 0 or name not in {"deadline", "max_attempts", "sticky"}
            },
        )
        for number, target in enumerate(askable(resolution.route.targets))
    ]
