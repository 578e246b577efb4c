"""Why a target does not win: what keeps it, and changes that really make it win."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.load import from_mapping
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from llmroute.routing.why_not import WhyNot, why_not
from tests.properties.strategies import World, worlds
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
    assert found.remedies == ("write agents.a: {model: ollama/m}", "write agents.a.purposes.p: {model: ollama/m}")


def test_another_model_of_the_same_provider() -> None:
    text = "defaults: {model: ollama/n}\nagents: {a: {model: ollama/m}}"
    found = answer(text, "ollama/n", agent="a")
    assert found.reasons == (
        "agents.a (routing.yaml:3) chose the model m",
        "defaults (routing.yaml:2) asks for it: weaker layer",
    )


def test_the_environment_is_the_smallest_change() -> None:
    found = answer(LOCAL, "openai/x")
    assert found.remedies == ("set LLMROUTE_MODEL=openai/x", "pass --model openai/x")
    found = answer(LOCAL, "openai/x", {"LLMROUTE_PROVIDER": "groq", "LLMROUTE_MODEL": "y"})
    assert found.remedies[0] == "set LLMROUTE_MODEL=openai/x, and LLMROUTE_PROVIDER not at all"


def test_an_argument_beats_a_client() -> None:
    text = f"{LOCAL}clients: {{c: {{provider: ollama, model: n}}}}"
    found = answer(text, "openai/x", client="c", args={"temperature": 0, "provider": "groq", "model": "z"})
    assert found.remedies[0] == "pass --model openai/x"


def test_a_scope_of_a_purpose() -> None:
    text = f"{LOCAL}purposes: {{p: {{model: ollama/n}}}}"
    found = answer(
        text, "openai/x", {"LLMROUTE_MODEL": "ollama/z"}, purpose="p", args={"base_url": "http://localhost:1"}
    )
    assert found.remedies == ("pass --model openai/x",)


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
    found = answer(text, "openai/x")
    assert found.reasons == ("defaults (routing.yaml:2) chose ollama, and no stronger scope says otherwise",)


def test_a_fallback_is_named() -> None:
    text = "defaults: {model: openai/x, fallbacks: [ollama/m]}"
    assert "number 1 in the fallbacks of openai/x" in answer(text, "ollama/m").reasons[0]


def test_left_out_by_a_requirement() -> None:
    text = "defaults: {model: openai/x, fallbacks: [ollama/m], require: {locality: local}}"
    found = answer(text, "openai/x")
    assert found.reasons[0] == (
        "https://api.openai.com/v1 is remote, and local is required [require.locality, routing.yaml:2]"
    )
    assert found.remedies == ()
    alone = answer("defaults: {provider: ollama, model: m, require: {locality: local}}", "openai/x")
    assert "is not enough: no target meets the requirements" in alone.reasons[-1]


def test_outside_of_a_closed_list() -> None:
    text = "providers: {openai: {models: [y]}}\n" + LOCAL
    found = answer(text, "openai/x")
    assert found.reasons[0] == "openai does not offer 'x' [model-not-offered]"
    assert found.remedies == ()


def test_outside_of_the_closed_list_of_the_provider_that_wins() -> None:
    found = answer("providers: {openai: {models: [y]}}\ndefaults: {model: openai/y}", "openai/x")
    assert found.reasons[:2] == (
        "openai does not offer 'x' [model-not-offered]",
        "defaults (routing.yaml:3) chose the model y",
    )
    assert not found.wins


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


def applied(world: World, text: str) -> World:
    """A world in which the advice was followed."""
    document, query, environ = deepcopy(tuple(world))
    if found := re.fullmatch(r"set (\w+)=(.+?)(?:, and (\w+) not at all)?", text):
        environ[found[1]] = found[2]
        environ.pop(found[3], None)
    elif found := re.fullmatch(r"pass --model (.+)", text):
        for name in ("provider", "base_url", "api_key"):
            query["args"].pop(name, None)
        query["args"]["model"] = found[1]
    else:
        found = re.fullmatch(r"write ([\w.*-]+): \{model: ([^}]+)\}(?:, without its (.+))?", text)
        assert found is not None, text
        place = document
        for step in found[1].split("."):
            place = place.setdefault(step, {})
        for name in (found[3] or "").split(", "):
            place.pop(name, None)
        place["model"] = found[2]
    return World(document, query, environ)


@given(worlds(), st.sampled_from(["openai/m1", "ollama/m2", "box/m1", "anthropic/m9", "work/m1", "lmstudio/m1"]))
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
