"""What a real server sent, byte for byte, means what it is known to mean (see `tests/data/wire/README.md`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.base import Call
from llmroute.adapters.failures import from_error, from_status
from llmroute.errors import CallError, ContextLengthError, ModelNotFoundError, RequestError, ServerError
from llmroute.routing.route import Target
from llmroute.wire import anthropic_messages, openai_chat, sse
from llmroute.wire.chat import (
    ChatRequest,
    Finish,
    Reply,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageEvent,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from llmroute.wire.chat import Event

FOLDER = Path(__file__).parents[1] / "data" / "wire"
CODECS: dict[str, ModuleType] = {"openai-chat": openai_chat, "anthropic-messages": anthropic_messages}
MODEL = "smollm2-135m"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording, read from its files."""

    name: str
    request: Mapping[str, Any]
    status: int
    content_type: str
    body: bytes

    @property
    def api(self) -> str:
        return self.name.partition(".")[0]

    @property
    def codec(self) -> ModuleType:
        return CODECS[self.api]


def read(name: str) -> Recorded:
    head = json.loads((FOLDER / f"{name}.head.json").read_bytes())
    answer = head["response"]
    body = (FOLDER / answer["file"]).read_bytes()
    return Recorded(name, head["request"], answer["status"], answer["content_type"], body)


def events(recorded: Recorded, chunks: Iterable[bytes], decoder: Any = None) -> list[Event]:
    """What the stream tells, cut into these chunks."""
    decoder = decoder or recorded.codec.StreamDecoder()
    reader = sse.Decoder()
    told = [event for chunk in chunks for sent in reader.feed(chunk) for event in decoder.feed(sent)]
    return [*told, *decoder.close()]


def streamed(recorded: Recorded) -> Reply:
    last = events(recorded, [recorded.body])[-1]
    assert isinstance(last, Finish)
    return last.reply


ALL = sorted(path.name.removesuffix(".head.json") for path in FOLDER.glob("*.head.json"))
FAILED = [name for name in ALL if ".error-" in name]
STREAMS = [name for name in ALL if name.endswith("-stream") and name not in FAILED]
WHOLE = [name for name in ALL if name not in {*FAILED, *STREAMS}]

PARIS = ({"city": "Paris"},)
ELSEWHERE = {"city": "Nordpasse"}
EXPECTED: dict[str, tuple[str, str, tuple[dict[str, str], ...], tuple[int, int, int]]] = {
    # Text, stop reason, arguments of the calls, and tokens: input, of that from the cache, output.
    "openai-chat.text": ("One, two, three, three, three, three, three, three,", "length", (), (38, 37, 16)),
    "openai-chat.stop": ("One, two", "stop", (), (38, 37, 5)),
    "openai-chat.cut": ("One, two", "length", (), (38, 37, 3)),
    "openai-chat.utf8": ("日本語！！！！！！！！！", "length", (), (42, 41, 24)),  # noqa: RUF001 - the model's own
    "openai-chat.schema": ('{\n  "city" : "Paris",\n"capital" : false\n}', "stop", (), (34, 33, 28)),
    "openai-chat.tool": ("", "tool_calls", PARIS, (201, 200, 16)),
    "openai-chat.tools-parallel": ("", "length", (*PARIS, ELSEWHERE, ELSEWHERE, ELSEWHERE), (386, 385, 64)),
    "anthropic-messages.text": ("One, two, three, three, three, three, three, three,", "length", (), (38, 37, 16)),
    "anthropic-messages.stop": ("One, two", "stop", (), (38, 37, 5)),
    "anthropic-messages.cut": ("One, two", "length", (), (38, 37, 3)),
    "anthropic-messages.utf8": ("日本語！！！！！！！！！", "length", (), (42, 41, 24)),  # noqa: RUF001 - the model's own
    "anthropic-messages.schema-ignored": (
        "The city I'm referring to is New York City, USA.", "stop", (), (34, 33, 14),
    ),
    "anthropic-messages.tool": ("", "tool_calls", PARIS, (201, 200, 15)),
}  # fmt: skip


def check(reply: Reply, name: str) -> None:
    """The reply is what the recording is known to say."""
    text, stop_reason, calls, (inputs, cached, outputs) = EXPECTED[name]
    assert (reply.text, reply.stop_reason) == (text, stop_reason)
    assert tuple(call.parsed() for call in reply.tool_calls) == calls
    assert all(call.name == "get_weather" and call.complete for call in reply.tool_calls)
    assert len({call.id for call in reply.tool_calls}) == len(calls), "each call has its own id"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (inputs, cached, outputs)
    assert reply.model == MODEL
    assert reply.id.startswith("chatcmpl-"), "in either format"
    assert reply.warnings == ()
    assert len(reply.content) == max(1, len(calls)), "no empty part beside the calls"


def test_every_recording_is_expected() -> None:
    """One without an expectation would be decoration, an expectation without one a test that does not run."""
    cut = {f"{api}.tool-cut" for api in CODECS}
    assert set(WHOLE) == EXPECTED.keys() | cut
    assert {name.removesuffix("-stream") for name in STREAMS} == set(WHOLE), "each was asked for in both ways"
    assert {name.partition(".")[2] for name in FAILED} == set(FAILURES)


@pytest.mark.parametrize("name", ALL)
def test_the_head_fits_the_body(name: str) -> None:
    recorded = read(name)
    is_stream = recorded.content_type == "text/event-stream"
    assert is_stream or recorded.content_type == "application/json; charset=utf-8"
    assert recorded.body.startswith((b"data: ", b"event: ") if is_stream else b"{")


@pytest.mark.parametrize("name", EXPECTED)
def test_whole(name: str) -> None:
    recorded = read(name)
    check(recorded.codec.decode_reply(recorded.body), name)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "anthropic-messages.utf8"])
def test_streamed(name: str) -> None:
    check(streamed(read(f"{name}-stream")), name)


def test_a_messages_stream_without_its_start() -> None:
    """llama.cpp leaves `message_start` out where the first token is half of a character: the counts are not known."""
    recorded = read("anthropic-messages.utf8-stream")
    assert b"message_start" not in recorded.body
    reply, (text, *_) = streamed(recorded), EXPECTED["anthropic-messages.utf8"]
    assert (reply.text, reply.stop_reason, reply.usage) == (text, "length", Usage(output_tokens=24))
    assert (reply.id, reply.model) == ("", "")


def form(event: Event) -> Any:
    """An event as data, and the text up to it."""
    return event.to_json(), event.snapshot if isinstance(event, TextDelta) else None


@pytest.mark.parametrize("name", STREAMS)
def test_cut_anywhere_the_stream_tells_the_same(name: str) -> None:
    recorded = read(name)
    body = recorded.body
    told = [form(event) for event in events(recorded, [body])]
    assert [form(event) for event in events(recorded, (body[i : i + 1] for i in range(len(body))))] == told
    decoded = list(sse.Decoder().feed(body))
    for place in range(len(body) + 1):
        reader = sse.Decoder()
        assert [*reader.feed(body[:place]), *reader.feed(body[place:])] == decoded, place


@pytest.mark.parametrize("name", STREAMS)
def test_the_pieces_add_up(name: str) -> None:
    """One terminal event, the last; each call begins, grows and ends once; counts come before the end."""
    *before, last = events(recorded := read(name), [recorded.body])
    assert isinstance(last, Finish)
    assert not any(isinstance(event, Finish) for event in before)
    assert "".join(event.text for event in before if isinstance(event, TextDelta)) == last.reply.text
    starts = [event for event in before if isinstance(event, ToolCallStart)]
    ends = [event for event in before if isinstance(event, ToolCallEnd)]
    assert [event.index for event in starts] == [event.index for event in ends] == list(range(len(starts)))
    assert tuple(event.call for event in ends) == last.reply.tool_calls
    for end in ends:
        pieces = [e.arguments for e in before if isinstance(e, ToolCallDelta) and e.index == end.index]
        assert "".join(pieces) == end.call.arguments
    assert [event.usage for event in before if isinstance(event, UsageEvent)][-1] == last.reply.usage


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_without_its_end_is_no_success(name: str) -> None:
    """Cut before the event that says why the model stopped, at every event."""
    recorded = read(name)
    parts = recorded.body.split(b"\n\n")
    reasons = (b'"finish_reason":"', b'"stop_reason":"')
    last = next(i for i, part in enumerate(parts) if any(reason in part for reason in reasons))
    for kept in range(last + 1):
        with pytest.raises(CallError) as caught:
            events(recorded, [part + b"\n\n" for part in parts[:kept]])
        assert caught.value.kind == "truncated", kept


@pytest.mark.parametrize("name", ["openai-chat.tool-cut", "openai-chat.tool-cut-stream"])
def test_cut_arguments_are_kept_as_they_came(name: str) -> None:
    recorded = read(name)
    reply = streamed(recorded) if name in STREAMS else recorded.codec.decode_reply(recorded.body)
    (call,) = reply.tool_calls
    assert (reply.stop_reason, call.complete, call.arguments) == ("length", False, '{\n\n"city')


def test_cut_arguments_of_a_messages_stream() -> None:
    (call,) = streamed(read("anthropic-messages.tool-cut-stream")).tool_calls
    assert (call.complete, call.arguments) == (False, '{\n"city":')


def test_cut_arguments_of_a_whole_message() -> None:
    """The server writes `{}` for what was cut: the last call before the limit can't be known to be whole."""
    recorded = read("anthropic-messages.tool-cut")
    (call,) = recorded.codec.decode_reply(recorded.body).tool_calls
    assert not call.complete


@pytest.mark.parametrize("name", ["openai-chat.schema", "openai-chat.schema-stream"])
def test_an_answer_in_json_parses(name: str) -> None:
    recorded = read(name)
    reply = streamed(recorded) if name in STREAMS else recorded.codec.decode_reply(recorded.body)
    assert json.loads(reply.text) == {"city": "Paris", "capital": False}
    assert [type(part) for part in reply.content] == [Text]


# -- Failures

FAILURES: dict[str, type[CallError]] = {
    "error-no-json": RequestError,
    "error-no-messages": RequestError,
    "error-wrong-type": RequestError,
    "error-too-long": ContextLengthError,
    "error-too-long-stream": ContextLengthError,
    "error-unknown-path": ModelNotFoundError,
    "error-generating": ServerError,
    "error-generating-stream": ServerError,
}
AS_SERVER_FAULT = {"anthropic-messages.error-no-messages"}
"""The server answers 500 to what is the client's fault."""


def call_of(recorded: Recorded) -> Call:
    target = Target(provider="srv", api=recorded.api, base_url="http://127.0.0.1:1", model=MODEL, locality="local")
    return Call(target, ChatRequest((user("Hi."),)))


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_has_its_class(name: str) -> None:
    recorded = read(name)
    expected = ServerError if name in AS_SERVER_FAULT else FAILURES[name.partition(".")[2]]
    if recorded.status == 200:
        with pytest.raises(expected) as caught:
            failed_stream(recorded)
        error: CallError = caught.value
    else:
        error = from_status(recorded.status, {}, recorded.body, call_of(recorded))
    assert type(error) is expected
    assert error.status == recorded.status


def failed_stream(recorded: Recorded) -> None:
    call = call_of(recorded)
    decoder = recorded.codec.StreamDecoder(failure=lambda error: from_error(error, call))
    events(recorded, [recorded.body], decoder)


@pytest.mark.parametrize("name", [name for name in FAILED if name.endswith("generating-stream")])
def test_an_error_inside_of_a_stream_has_its_class_without_an_adapter(name: str) -> None:
    with pytest.raises(ServerError) as caught:
        events(recorded := read(name), [recorded.body])
    assert "grammar" not in str(caught.value), "the codec alone quotes no text of the server"


@pytest.mark.parametrize("name", [name for name in FAILED if not name.endswith("generating-stream")])
def test_an_error_body_is_never_a_reply(name: str) -> None:
    """Some servers send it with status 200."""
    recorded = read(name)
    with pytest.raises(CallError):
        recorded.codec.decode_reply(recorded.body)
