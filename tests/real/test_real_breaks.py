"""A real model takes over: a stream that broke, a conversation that was too long for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute import Router
from llmroute.errors import ContextLengthError
from llmroute.testing import Close, FaultServer, answer, sse, stream
from llmroute.wire.chat import Restart, TextDelta
from tests.adapters.samples import head, piece
from tests.real.serve_local_model import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

APIS = ("openai-chat", "anthropic-messages")
BASES = {"openai-chat": "/v1", "anthropic-messages": ""}
PROMPT = "Count from one to nine in words."
SPEC = """
version: 1
providers:
  shaky: {{api: {api}, base_url: "{shaky}{base}", model: m, max_retries: 0}}
  real: {{preset: llamacpp, api: {api}, base_url: "{real}{base}", model: {model}, max_retries: 0}}
defaults: {{provider: shaky, fallbacks: [real], max_tokens: 12, temperature: 0, timeout: 120}}
agents:
  writes-on: {{on_stream_break: continue}}
  begins-anew: {{on_stream_break: restart}}
  roomier: {{fallback_on: [context]}}
  long: {{provider: real}}
"""


@pytest.fixture
def shaky() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def router(api: str, shaky: FaultServer, real: str) -> Router:
    spec = SPEC.format(api=api, base=BASES[api], shaky=shaky.url, real=real, model=MODEL)
    return Router.from_str(spec, environ={})


@pytest.mark.parametrize("api", APIS)
def test_a_real_model_writes_on(api: str, shaky: FaultServer, local_model: str) -> None:
    shaky.default = stream(sse(*head(api), piece(api, "One, two, ")), end=(Close(),))
    with router(api, shaky, local_model) as made, made.stream(PROMPT, agent="writes-on") as running:
        shown = "".join(event.text for event in running if isinstance(event, TextDelta))
        reply = running.reply
    assert reply is not None
    assert reply.text == shown
    assert shown.startswith("One, two, three")
    assert reply.model == MODEL
    assert [row.kind for row in reply.attempts] == ["truncated", None]


@pytest.mark.parametrize("api", APIS)
def test_a_real_model_begins_anew(api: str, shaky: FaultServer, local_model: str) -> None:
    shaky.default = stream(sse(*head(api), piece(api, "Uno, dos, ")), end=(Close(),))
    with router(api, shaky, local_model) as made, made.stream(PROMPT, agent="begins-anew") as running:
        events = list(running)
        reply = running.reply
    assert reply is not None
    (place,) = [i for i, event in enumerate(events) if isinstance(event, Restart)]
    assert "".join(event.text for event in events[place:] if isinstance(event, TextDelta)) == reply.text
    assert reply.text
    assert "Uno" not in reply.text


@pytest.mark.parametrize("api", APIS)
def test_a_conversation_that_is_too_long(api: str, shaky: FaultServer, local_model: str) -> None:
    with router(api, shaky, local_model) as made, pytest.raises(ContextLengthError) as caught:
        made.complete("word " * 2000, agent="long")
    assert (caught.value.kind, caught.value.status) == ("context", 400)


@pytest.mark.parametrize("api", APIS)
def test_one_with_more_room_takes_it(api: str, shaky: FaultServer, local_model: str) -> None:
    said = {"type": "error", "error": {"type": "exceed_context_size_error", "code": 400, "message": "too long"}}
    shaky.default = answer(400, said)
    with router(api, shaky, local_model) as made:
        reply = made.complete(PROMPT, agent="roomier")
    assert reply.text
    assert [row.kind for row in reply.attempts] == ["context", None]
