"""The data of the page is the resolver's: unpacked, each cell says what `explain` says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import RoutingError
from llmroute.inspection.data import MOST_TRIED, changed, page_data
from llmroute.routing.explain import key_text, shown
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query
from tests.inspection.conftest import VEIL, subject
from tests.inspection.specs import HOSTILE, SMALL, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.inspection.data import Subject
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Field

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("routing.yaml"))

AWKWARD = """\
version: 1
providers:
  here: {base_url: "http://127.0.0.1:1/v1", models: [m]}
  there: {base_url: "http://127.0.0.1:2/v1"}
defaults: {provider: here, model: m}
agents: {one: {model: here/x}, two: {model: here/x},
  three: {model: here/x}, "*": {}}
purposes:
  p: {}
  q: {}
  r: {model: other}
  "*": {}
clients:
  one: {purposes: {"*": {provider: there}, q: {provider: there, model: y}}}
policies:
  - {name: two-only, agents: [two], purposes: [q], deny: {providers: [here]}, because: "of agents.two"}
"""
NO_MODEL = """\
version: 1
providers:
  here: {base_url: "http://127.0.0.1:1/v1"}
  there: {base_url: "http://127.0.0.1:2/v1", model: z}
defaults: {provider: there}
agents:
  alpha:
    model: there/y
    purposes:
      p: {provider: here}
  beta:
    model: there/y
    purposes:
      p: {provider: here}

  gamma:
    model: there/y
    purposes:
      p: {provider: here}
  alphabet:
    provider: here
    model: ${UNSET_MODEL}
  alphabets:
    provider: here
    base_url: ${UNSET_URL}
  alphabetical:
    provider: here
    base_url: ${UNSET_URL}
purposes: {p: {}}
"""


def cells(data: dict[str, Any], numbers: list[int]) -> Iterator[tuple[str | None, str | None, str | None, int, int]]:
    """Client, agent, purpose, line of the agent and number of the answer of every cell."""
    purposes = data["purposes"]
    for c, client in enumerate(data["clients"]):
        for agent, kind, line in data["agents"]:
            for p, purpose in enumerate(purposes):
                yield client, agent, purpose, line, numbers[(c * data["kinds"] + kind) * len(purposes) + p]


def unpacked(data: dict[str, Any], number: int, agent: str | None, line: int, purpose: str | None) -> dict[str, Any]:
    """What the page's script makes of an answer; this and `detail.js` say the same."""

    def text(value: str) -> str:
        value = value.replace("\ue000", f"agents.{agent}")
        return re.sub("\ue001(-?\\d+)\ue001", lambda match: str(line + int(match[1])), value)

    def scope(name: str) -> str:
        return f"agents.{agent}{name[1:]}" if name.startswith("@") else name

    def place(value: int | str) -> str:
        if isinstance(value, int):
            return f"routing.yaml:{value}"
        return f"routing.yaml:{line + int(value[1:])}" if value.startswith("+") else value

    targets, fields, ladder, excluded, notes, error = data["answers"][number]
    return {
        "targets": [data["targets"][target] for target in targets],
        "fields": [
            (name, value, scope(of), [candidate_of(data["candidates"][one], text, scope, place) for one in candidates])
            for name, value, of, candidates in (data["fields"][field] for field in fields)
        ],
        "excluded": [(text(target), rule, text(reason), place(at)) for target, rule, reason, at in excluded],
        "notes": [(severity, rule, text(message), place(at)) for severity, rule, message, at in notes],
        "error": error and (error[0], text(error[1]), text(error[2])),
        "ladder": [re.sub(r"\.#$", f".{purpose}", scope(name)) for name, _ in data["ladders"][ladder]],
    }


def candidate_of(row: Any, text: Any, scope: Any, place: Any) -> tuple[str, ...]:
    of, layer, value, verdict, reason, at = row
    return (scope(of), layer, value, verdict, text(reason), place(at))


def asked(shown_subject: Subject, query: Query, environ: Any) -> dict[str, Any]:
    """What the resolver says, in the same form."""
    place = _place
    try:
        found = resolve(shown_subject.spec, query, environ)
    except RoutingError as error:
        message = error.message.partition("\n")[0].rstrip(":") if error.excluded else error.message
        told = (error.rule, VEIL.prose(message), VEIL.prose(error.hint))
        rows = [(out.target, out.rule, out.reason, place(out.origin)) for out in error.excluded]
        return {"targets": [], "fields": fields_of(error.fields), "excluded": rows, "notes": [], "error": told}
    return {
        "targets": [
            (
                *map(VEIL.prose, (t.name, t.provider or "", t.model, t.locality, t.base_url, t.api)),
                key_text(t.credential),
            )
            for t in found.route.targets
        ],
        "fields": fields_of(found.fields),
        "excluded": [(VEIL.prose(o.target), o.rule, VEIL.prose(o.reason), place(o.origin)) for o in found.excluded],
        "notes": [(n.severity, n.rule, VEIL.prose(n.message), place(n.origin)) for n in found.diagnostics],
        "error": None,
    }


def _place(origin: Origin) -> str:
    return VEIL.prose(str(origin))


def fields_of(fields: tuple[Field, ...]) -> list[Any]:
    def one(candidate: Any) -> tuple[str, ...]:
        value = VEIL.value(shown(candidate.value))
        reason = VEIL.prose(candidate.reason)
        return (candidate.scope, candidate.layer, value, candidate.verdict, reason, _place(candidate.origin))

    return [(f.field, VEIL.value(shown(f.value)), f.scope, [one(each) for each in f.candidates]) for f in fields]


def assert_every_cell_is_the_resolvers(shown_subject: Subject, numbers: list[int], environ: Any, args: Any) -> int:
    data = page_data(shown_subject)
    count = 0
    for client, agent, purpose, line, number in cells(data, numbers or data["cells"]):
        got = unpacked(data, number, agent, line, purpose)
        ladder = got.pop("ladder")
        assert got == asked(shown_subject, Query(agent, purpose, client, args), environ), (client, agent, purpose)
        # Whoever has a say stands in the ladder, in that order; providers and policies come behind.
        for _, _, _, candidates in got["fields"]:
            spoken = [scope for scope, layer, *_ in candidates if layer not in ("provider", "preset", "policy")]
            assert [scope for scope in ladder if scope in spoken] == list(dict.fromkeys(spoken))
        count += 1
    return count


@pytest.mark.parametrize("text", [SMALL, HOSTILE, AWKWARD, NO_MODEL, many(60, 6)])
@pytest.mark.parametrize("environ", [{}, {"LLMROUTE_MODEL": "openai/gpt-6-sol", "LLMROUTE_MODEL__P": "there/z"}])
def test_every_cell_is_what_the_resolver_says(text: str, environ: dict[str, str]) -> None:
    assert assert_every_cell_is_the_resolvers(subject(text, environ), [], environ, {})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_cell_of_the_examples(path: Path) -> None:
    assert assert_every_cell_is_the_resolvers(subject(path.read_text(encoding="utf-8")), [], {}, {})


@pytest.mark.parametrize("text", [SMALL, AWKWARD])
def test_every_change_that_is_computed_ahead_is_what_the_resolver_says(text: str) -> None:
    shown_subject = subject(text, {"LLMROUTE_PROVIDER": "here"})
    data = page_data(shown_subject)
    assert data["left_out"] == 0
    assert {(kind, name) for kind, name, *_ in data["changes"]} == {(kind, name) for kind, name, _ in data["offers"]}
    for kind, name, value, column, numbers in data["changes"]:
        given = {name: value}
        environ, asker = changed(shown_subject, given if kind == "env" else {}, given if kind != "env" else {})
        for index, (client, agent, purpose, line, _) in enumerate(cells(data, data["cells"])):
            if column >= 0 and purpose != data["purposes"][column]:
                continue
            c, p = divmod(index, len(data["agents"]) * len(data["purposes"]))[0], data["purposes"].index(purpose)
            kind_of = next(number for each, number, _ in data["agents"] if each == agent)
            at = c * data["kinds"] + kind_of
            got = unpacked(data, numbers[at if column >= 0 else at * len(data["purposes"]) + p], agent, line, purpose)
            got.pop("ladder")
            assert got == asked(shown_subject, replace(asker, agent=agent, purpose=purpose, client=client), environ)


def test_what_is_set_may_be_unset_and_what_a_variable_holds_is_not_offered_again() -> None:
    data = page_data(subject(SMALL, {"LLMROUTE_PROVIDER": "openai"}))
    values = next(values for kind, name, values in data["offers"] if (kind, name) == ("env", "LLMROUTE_PROVIDER"))
    assert values == [None, "anthropic", "ollama"]
    assert data["environ"] == [("LLMROUTE_PROVIDER", "openai")]


def test_without_answers_ahead_there_is_still_what_to_try() -> None:
    data = page_data(subject(SMALL), ahead=False)
    assert data["changes"] == []
    assert ["env", "LLMROUTE_MODEL__PLANNING"] in [offer[:2] for offer in data["offers"]]


def test_one_client_is_asked_for_where_one_is_named() -> None:
    data = page_data(subject(SMALL, asker=Query(client="ci", args={"model": "ollama/x"})))
    assert data["clients"] == ["ci"]
    assert data["arguments"] == ["model"]


def test_agents_that_are_written_alike_share_their_answers() -> None:
    data = page_data(subject(many(200, 4)))
    # Six sorts; temperatures and purposes make some more.
    assert data["kinds"] < 24
    assert [name for name, *_ in data["agents"]][:2] == [None, "agent-0"]


def test_agents_on_one_line_are_asked_one_by_one() -> None:
    data = page_data(subject(AWKWARD))
    assert data["kinds"] == len(data["agents"])


def test_a_thousand_agents_make_a_page_of_less_than_three_megabytes() -> None:
    shown_subject = subject(many())
    data = page_data(shown_subject)
    assert len(json.dumps(data)) < 1_500_000
    assert data["changes"]
    assert data["left_out"]


def test_a_thousand_agents_of_which_no_two_are_alike_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_TRIED > 0
    monkeypatch.setattr("llmroute.inspection.data.MOST_TRIED", 0)
    text = many(1_000, 3).replace("    temperature:", "    max_tokens: 99\n    temperature:")
    text = re.sub(r"  agent-(\d+): \{\}", r"  agent-\1: {seed: \1}", text)
    data = page_data(subject(text))
    assert data["kinds"] > 300
    assert len(json.dumps(data, separators=(",", ":"))) < 3_000_000


def test_of_too_many_clients_the_first_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmroute.inspection.data.MOST_ANSWERS", 13)
    data = page_data(subject(SMALL))
    assert (data["clients"], data["clients_left_out"]) == ([None], 1)
