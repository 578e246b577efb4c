"""What the records of the logger `llmroute` say to a program."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from limits.storage import MemoryStorage

from llmroute.dispatch.log_records import FIELDS, Event
from llmroute.dispatch.router import Router
from llmroute.errors import AuthenticationError, QuotaError, ServerError
from llmroute.routing.canonical import short_hash

if TYPE_CHECKING:
    from llmroute.adapters.mock import MockAdapter

KEY = "sk-canary-0123456789abcdef"
PROMPT = "the prompt that must never show up in any record"
SPEC = """
version: 1
providers:
  one: {preset: mock, model: m1, max_retries: 0}
  two: {preset: mock, model: m2, limits: {tokens_per_minute: 1000}}
  keyed: {api: mock, base_url: "mock://mock", model: m3, api_key: "${KEYED_KEY}"}
defaults: {provider: one, fallbacks: [two]}
purposes: {planning: {provider: two}}
agents:
  a: {provider: one, fallbacks: [two], fallback_on: [auth, quota, server]}
  b: {provider: one, fallbacks: [keyed]}
clients: {program: {}}
"""


SAID = tuple(name for name in FIELDS if name != "spec_hash")
PAGE = Path(__file__).resolve().parents[2] / "docs/observability.md"


class Lab:
    """A router that writes down its records."""

    def __init__(self, caplog: pytest.LogCaptureFixture, environ: dict[str, str] | None = None, **more: Any) -> None:
        caplog.set_level(logging.DEBUG)
        self.caplog = caplog
        self.router = Router.from_str(SPEC, environ=environ or {}, client="program", **more)
        mock: Any = self.router.adapter("mock")
        self.mock: MockAdapter = mock

    def records(self, event: str) -> list[dict[str, Any]]:
        """What the records of an event say, without what means nothing."""
        found = [vars(record) for record in self.caplog.records if record.name == "llmroute"]
        for row in found:
            assert {name for name in row if name.startswith("llmroute_")} == {
                "llmroute_event",
                *(f"llmroute_{name}" for name in FIELDS),
            }
            assert row["llmroute_event"] in get_args(Event)
            of_a_call = row["llmroute_event"] != "limits_storage_failed"
            assert row["llmroute_spec_hash"] == (short_hash(self.router.spec) if of_a_call else None)
        return [
            {name: row[f"llmroute_{name}"] for name in SAID if row[f"llmroute_{name}"] is not None}
            for row in found
            if row["llmroute_event"] == event
        ]

    def quiet(self) -> None:
        """No record holds a prompt or a key."""
        told = [f"{record.getMessage()} {vars(record)}" for record in self.caplog.records]
        assert told
        assert [text for text in told if PROMPT in text or KEY in text] == []


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    assert row.pop("elapsed_s") >= 0.0
    assert row.pop("wait_s") == 0.0
    return row


@pytest.mark.parametrize("way", ["complete", "acomplete", "stream"])
def test_each_attempt(caplog: pytest.LogCaptureFixture, way: str) -> None:
    lab = Lab(caplog)
    lab.mock.script(ServerError("broken", status=503))
    if way == "stream":
        with lab.router.stream(PROMPT, agent="a", purpose="planning") as events:
            list(events)
    elif way == "acomplete":
        asyncio.run(lab.router.acomplete(PROMPT, agent="a", purpose="planning"))
    else:
        lab.router.complete(PROMPT, agent="a", purpose="planning")
    common = {"agent": "a", "purpose": "planning", "client": "program"}
    assert [timeless(row) for row in lab.records("attempt")] == [
        {**common, "target": "one/m1", "attempt": 1, "kind": "server", "status": 503},
        {**common, "target": "two/m2", "attempt": 2, "status": 200},
    ]
    lab.quiet()


def test_nothing_is_made_for_a_level_that_nobody_hears(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    caplog.set_level(logging.INFO)
    lab.router.complete(PROMPT)
    assert lab.records("attempt") == []


def test_a_refused_key(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    lab.mock.script(AuthenticationError("no", status=401))
    lab.router.complete(PROMPT, agent="a")
    assert lab.records("key_refused") == [
        {
            "agent": "a",
            "client": "program",
            "target": "one/m1",
            "attempt": 1,
            "kind": "auth",
            "next_target": "two/m2",
        }
    ]
    ends_never = {"agent": "a", "client": "program", "target": "one/m1", "attempt": 1, "kind": "auth"}
    assert lab.records("endpoint_down") == [ends_never]


def test_an_endpoint_that_is_down(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    lab.mock.script(QuotaError("no credit"))
    lab.router.complete(PROMPT)
    assert lab.records("endpoint_down") == [
        {"client": "program", "target": "one/m1", "attempt": 1, "kind": "quota", "wait_s": 600.0}
    ]


def test_a_fallback_without_its_key(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    lab.router.complete(PROMPT, agent="b")
    assert lab.records("fallback_left_out") == [
        {"agent": "b", "client": "program", "target": "keyed/m3", "kind": "missing-key"}
    ]


def test_a_setting_that_was_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    lab.router.complete(PROMPT, purpose="planning")
    assert lab.records("setting_passed_over") == [{"purpose": "planning", "client": "program", "target": "two/m2"}]


def test_a_storage_out_of_reach(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(caplog, limits_storage=MemoryStorage())

    def lost(*_: Any, **__: Any) -> bool:
        raise ValueError(PROMPT)

    monkeypatch.setattr(MemoryStorage, "acquire_entry", lost)
    lab.router.complete(PROMPT, purpose="planning")
    assert lab.records("limits_storage_failed") == [{"target": "two/m2", "kind": "ValueError"}]
    lab.quiet()


def test_no_record_holds_a_prompt_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog, environ={"KEYED_KEY": KEY})
    lab.mock.script(ServerError("broken"), "an answer")
    lab.router.complete(PROMPT, agent="b")
    assert len(lab.records("attempt")) == 2
    lab.quiet()


def test_a_record_is_json_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    lab.mock.script(AuthenticationError("no", status=401))
    lab.router.complete(PROMPT, agent="a")
    for record in caplog.records:
        said = {name: value for name, value in vars(record).items() if name.startswith("llmroute_")}
        assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_every_event_and_every_field_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [event for event in get_args(Event) if f"| `{event}` |" not in page] == []
    assert [name for name in FIELDS if name not in {"agent", "purpose", "client"} and f"`{name}`" not in page] == []


def test_a_reply_knows_the_hash_of_its_spec(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab(caplog)
    reply = lab.router.complete(PROMPT, agent="a")
    assert reply.resolution.spec_hash == short_hash(lab.router.spec)
