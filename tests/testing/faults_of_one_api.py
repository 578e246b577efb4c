"""Items 81, 82, 85 and 86: streams whose events are odd, each API in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.testing import sse, stream
from llmroute.testing.answers import ANTHROPIC, OPENAI, completion_chunk, head, piece, tail
from tests.testing.catalogue import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmroute.testing import Script

TAKEN: dict[str, Any] = {"streamed": True, "kept": True}


def faults() -> Iterator[Fault]:
    """All rows."""
    for name, payload in CHUNKS_THAT_SAY_NOTHING.items():
        yield Fault(item=81, name=name, script=_between(OPENAI, payload), apis=(OPENAI,), **TAKEN)
    for name, script in STRANGE_EVENTS.items():
        yield Fault(item=82, name=name, script=script, apis=(ANTHROPIC,), **TAKEN)
    before_the_call = sse(head(ANTHROPIC)[0], _arguments(0, "{}"))
    told: dict[str, Any] = {"kind": "malformed", "says": "came before the call", "streamed": True}
    yield Fault(item=82, name="arguments-before-the-call", script=stream(before_the_call), apis=(ANTHROPIC,), **told)
    for api in (OPENAI, ANTHROPIC):
        cut = {"text": "", "stop": "length", "calls": (("f", '{"x":"lo'),), "apis": (api,), **TAKEN}
        yield Fault(item=85, name="arguments-cut-by-the-limit", script=_cut_arguments(api), **cut)
    for name, (deltas, calls) in PARALLEL.items():
        script = _chunks(*({"tool_calls": rows} for rows in deltas))
        yield Fault(item=86, name=name, script=script, apis=(OPENAI,), text="", stop="tool_calls", calls=calls, **TAKEN)
    for name, (rows, calls) in BLOCKS.items():
        script = _message(*rows)
        yield Fault(
            item=86, name=name, script=script, apis=(ANTHROPIC,), text="", stop="tool_calls", calls=calls, **TAKEN
        )


# -- openai-chat


def _between(api: str, payload: dict[str, Any]) -> Script:
    return stream(sse(payload, *head(api), piece(api, "Fo"), payload, piece(api, "ur."), payload, *tail(api)))


CHUNKS_THAT_SAY_NOTHING: dict[str, dict[str, Any]] = {
    "choices-null": {**completion_chunk({}), "choices": None},
    "choices-empty": {**completion_chunk({}), "choices": []},
    "no-choices": {"id": "c-1"},
    "azure-first-chunk": {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
    "usage-only": {**completion_chunk({}), "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
    "delta-null": {**completion_chunk({}), "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
    "content-null": completion_chunk({"role": "assistant", "content": None}),
    "timings": {**completion_chunk({}), "timings": {"predicted_ms": 3.5}},
}


def _chunks(*deltas: dict[str, Any], finish: str = "tool_calls") -> Script:
    rows = (completion_chunk(delta) for delta in deltas)
    return stream(sse(*head(OPENAI), *rows, completion_chunk({}, finish), "[DONE]"))


def _call(
    arguments: Any, name: str | None = None, call_id: str | None = None, index: int | None = None
) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    row: dict[str, Any] = {"type": "function", "function": function}
    if call_id is not None:
        row["id"] = call_id
    return row if index is None else {**row, "index": index}


TWO = (("f", '{"x":1}'), ("g", '{"y":2}'))
PARALLEL: dict[str, tuple[Sequence[list[dict[str, Any]]], tuple[tuple[str, str], ...]]] = {
    "interleaved": (
        [
            [_call("", "f", "a", 0)],
            [_call("", "g", "b", 1)],
            [_call('{"x"', index=0)],
            [_call('{"y"', index=1)],
            [_call(":1}", index=0)],
            [_call(":2}", index=1)],
        ],
        TWO,
    ),
    "no-index-in-one-chunk": ([[_call('{"x":1}', "f", "a"), _call('{"y":2}', "g", "b")]], TWO),
    "no-index-one-by-one": ([[_call('{"x":1}', "f", "a")], [_call('{"y":2}', "g", "b")]], TWO),
    "no-index-no-id": ([[_call('{"x":1}', "f")], [_call('{"y":2}', "g")]], TWO),
    "index-always-0": ([[_call('{"x":1}', "f", "a", 0)], [_call('{"y":2}', "g", "b", 0)]], TWO),
    "same-id-in-every-piece": ([[_call('{"x"', "f", "a")], [_call(":1}", None, "a")]], TWO[:1]),
    "arguments-as-object": ([[_call({"x": 1}, "f", "a", 0)]], TWO[:1]),
    "arguments-empty": ([[_call("", "f", "a", 0)]], (("f", ""),)),
    "arguments-null": ([[_call(None, "f", "a", 0)]], (("f", ""),)),
}


# -- anthropic-messages


def _start(index: int, name: str, call_id: str, **given: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": call_id, "name": name, "input": given}
    return {"type": "content_block_start", "index": index, "content_block": block}


def _arguments(index: int, text: str) -> dict[str, Any]:
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def _message(*rows: dict[str, Any], stop: str = "tool_use") -> Script:
    delta = {"stop_reason": stop, "stop_sequence": None}
    last = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2}}
    return stream(sse(head(ANTHROPIC)[0], *rows, last, {"type": "message_stop"}))


BLOCKS: dict[str, tuple[Sequence[dict[str, Any]], tuple[tuple[str, str], ...]]] = {
    "one-after-another": (
        [
            _start(0, "f", "a"), _arguments(0, '{"x":1}'), _stop(0),
            _start(1, "g", "b"), _arguments(1, '{"y":2}'), _stop(1),
        ],
        TWO,
    ),
    "interleaved-blocks": (
        [
            _start(0, "f", "a"), _start(1, "g", "b"), _arguments(0, '{"x"'), _arguments(1, '{"y"'),
            _arguments(0, ":1}"), _arguments(1, ":2}"), _stop(0), _stop(1),
        ],
        TWO,
    ),
    "arguments-in-the-start": ([_start(0, "f", "a", x=1), _stop(0)], TWO[:1]),
    "arguments-empty": ([_start(0, "f", "a"), _arguments(0, ""), _stop(0)], (("f", ""),)),
    "no-block-stop": ([_start(0, "f", "a"), _arguments(0, '{"x":1}')], TWO[:1]),
    "index-gap": (
        [
            _start(0, "f", "a"), _arguments(0, '{"x":1}'), _stop(0),
            _start(7, "g", "b"), _arguments(7, '{"y":2}'), _stop(7),
        ],
        TWO,
    ),
}  # fmt: skip

START, OPEN = head(ANTHROPIC)
FOUR = piece(ANTHROPIC, "Four.")
END_OF_TEXT, *REST = tail(ANTHROPIC)
UNKNOWN = {"type": "content_block_delta", "index": 0, "delta": {"type": "aroma", "x": 1}}
LINES = sse(START, OPEN, FOUR, END_OF_TEXT, *REST).split("\n")
STRANGE_EVENTS: dict[str, Script] = {
    "no-event-lines": stream("\n".join(line for line in LINES if not line.startswith("event"))),
    "ping": _between(ANTHROPIC, {"type": "ping"}),
    "unknown-event": _between(ANTHROPIC, {"type": "surprise", "index": 0}),
    "unknown-delta": stream(sse(START, OPEN, UNKNOWN, FOUR, *tail(ANTHROPIC))),
    "delta-before-start": stream(sse(START, FOUR, *tail(ANTHROPIC))),
    "no-block-stop": stream(sse(START, OPEN, FOUR, *REST)),
    "two-message-starts": stream(sse(START, START, OPEN, FOUR, *tail(ANTHROPIC))),
    "index-gaps": stream(sse(START, {**OPEN, "index": 4}, {**FOUR, "index": 4}, {**END_OF_TEXT, "index": 4}, *REST)),
    "no-message-start": stream(sse(OPEN, FOUR, *tail(ANTHROPIC))),
}


# -- both


def _cut_arguments(api: str) -> Script:
    if api == OPENAI:
        return _chunks({"tool_calls": [_call('{"x":"lo', "f", "a", 0)]}, finish="length")
    return _message(_start(0, "f", "a"), _arguments(0, '{"x":"lo'), _stop(0), stop="max_tokens")
