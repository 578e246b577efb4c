"""Items 67 to 84: what goes wrong in streams, or only looks as if it did."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from llmroute.testing import END, Close, Hang, Pause, Reset, sse, stream
from llmroute.testing.answers import OPENAI, head, piece, tail
from tests.testing.catalogue import Fault, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.testing import Script, Step

ENDED = "the stream ended before its answer did"
BROKE = "broke off before its end"
WARNING = "stream: it ended without"
INSIDE = "answered 200 with an error inside: no luck"
HEARD = Pause(0.03)
"""A reset throws away what the client has not read yet, so it comes a little later."""
LINE_ENDS = {"cr": "\r", "crlf": "\r\n"}
ODD_LINES = {
    "comments": ": OPENROUTER PROCESSING\n\n:\n\n",
    "retry-and-id": "retry: 3000\nid: 7\n\n",
    "unknown-fields": "datum: x\nfoo\n\n",
    "empty-data": "data:\n\ndata\n\n",
    "event-without-data": "event: ping\n\n",
}
ODD_TEXT = "a\u2028b\u2029c\x85d"


def faults() -> Iterator[Fault]:
    """All rows."""
    yield from _ends()
    yield from _lines()
    yield from _after_the_end()
    yield from _errors()
    yield from _no_events()
    yield from _stalls()


def begun(api: str, *texts: str) -> str:
    """The events of a stream up to these texts."""
    return sse(*head(api), *(piece(api, text) for text in texts))


def good(api: str, *texts: str) -> str:
    """All events of a stream."""
    return begun(api, *texts) + sse(*tail(api))


# -- 67 to 70: how a stream ends


def _without_marker(api: str) -> Script:
    return stream(begun(api, "Four."), sse(*tail(api)[:-1]))


def _cut(after: tuple[str, ...], rest: str, end: Step, api: str) -> Script:
    last = sse(*tail(api)[: 1 if api == OPENAI else 2])  # up to the reason to stop
    more = {"half": last[:20], "whole": last.rstrip("\n"), "": ""}[rest]
    return stream(begun(api, *after), more, *([HEARD] if after else []), end=[end])


def _ends() -> Iterator[Fault]:
    yield Fault(item=67, name="no-end-marker", script=_without_marker, streamed=True, kept=True, warns=WARNING)
    for name, end, says in (("end", END, ENDED), ("close", Close(), BROKE), ("reset", Reset(), BROKE)):
        kind: dict[str, Any] = {"kind": "truncated", "says": says, "streamed": True, "kept": end == END}
        seen: dict[str, Any] = {"began": True, "text": "Four", **kind}
        yield Fault(item=68, name=f"cut-{name}", script=partial(_cut, ("Fo", "ur"), "", end), **seen)
        for rest in ("half", "whole"):  # the last event has no blank line behind it, so it is none
            script = partial(_cut, ("Fo", "ur"), rest, end)
            yield Fault(item=69, name=f"cut-in-{rest}-event-{name}", script=script, **seen)
    kind = {"kind": "truncated", "says": ENDED, "streamed": True, "kept": True, "text": ""}
    yield Fault(item=70, name="empty", script=stream(), **kind)
    yield Fault(item=70, name="no-text", script=partial(_cut, (), "", END), **kind)
    yield Fault(item=70, name="comments-only", script=stream(": waiting\n\n" * 3), **kind)
    closed = {**kind, "kept": False, "says": BROKE}
    yield Fault(item=70, name="empty-closed", script=stream(end=[Close()]), **closed)


# -- 71 to 75: how lines are written


def _with(before: str, api: str) -> Script:
    return stream(before + good(api, "Fo", "ur."))


def _lines_end(line_end: str, api: str) -> Script:
    return stream(good(api, "Fo", "ur.").replace("\n", line_end))


def _mixed(api: str) -> Script:
    ends = ("\r\n", "\n", "\r")
    lines = good(api, "Fo", "ur.").split("\n")
    return stream("".join(line + ends[i % 3] for i, line in enumerate(lines[:-1])))


def _cr_and_lf_apart(api: str) -> Script:
    pieces = good(api, "Fo", "ur.").replace("\n", "\r\n").replace("\r\n", "\r\0\n").split("\0")
    return stream(*(step for one in pieces for step in (one, Pause(0.001))))


def _no_space(api: str) -> Script:
    return stream(good(api, "Fo", "ur.").replace("data: ", "data:").replace("event: ", "event:"))


def _data_in_lines(api: str) -> Script:
    return stream(good(api, "Fo", "ur.").replace(", ", ",\ndata: "))


def _odd_line_ends(api: str) -> Script:
    return stream(good(api, "|").replace("|", ODD_TEXT))


def _byte_by_byte(api: str) -> Script:
    return stream(*(bytes([byte]) for byte in good(api, "Fö", "ur 🦀.").encode()))


def _lines() -> Iterator[Fault]:
    taken: dict[str, Any] = {"streamed": True, "kept": True}
    yield Fault(item=71, name="byte-order-mark", script=partial(_with, "\ufeff"), **taken)
    for name, line_end in LINE_ENDS.items():
        yield Fault(item=72, name=name, script=partial(_lines_end, line_end), **taken)
    yield Fault(item=72, name="mixed-line-ends", script=_mixed, **taken)
    yield Fault(item=72, name="cr-and-lf-apart", script=_cr_and_lf_apart, **taken)
    yield Fault(item=73, name="byte-by-byte", script=_byte_by_byte, text="Föur 🦀.", **taken)
    yield Fault(item=74, name="no-space", script=_no_space, **taken)
    yield Fault(item=74, name="data-in-several-lines", script=_data_in_lines, **taken)
    for name, before in ODD_LINES.items():
        yield Fault(item=74, name=name, script=partial(_with, before), **taken)
    yield Fault(item=75, name="line-ends-that-are-none", script=_odd_line_ends, text=ODD_TEXT, **taken)


# -- 76 and 77: what is an end, and what comes after it


def _done_and_more(api: str) -> Script:
    return stream(begun(api, "Four."), "data: [DONE] x\n\n", sse(*tail(api)))


def _more(after: str, apart: bool, api: str) -> Script:  # noqa: FBT001 - bound by partial
    more = sse(piece(api, "No.")) if after == "text" else "data: {\n\n"
    return stream(good(api, "Four."), HEARD, more) if apart else stream(good(api, "Four.") + more)


def _after_the_end() -> Iterator[Fault]:
    seen: dict[str, Any] = {"streamed": True, "began": True, "kind": "malformed", "says": "is no JSON"}
    yield Fault(item=76, name="done-and-more", script=_done_and_more, apis=(OPENAI,), **seen)
    for after in ("text", "nonsense"):
        for apart in (False, True):
            name = f"{after}-after-the-end{'-apart' if apart else ''}"
            yield Fault(item=77, name=name, script=partial(_more, after, apart), streamed=True, kept=True)


# -- 78 to 80: errors, and events that are none


def _error(texts: tuple[str, ...], word: str, api: str) -> Script:
    return stream(begun(api, *texts) if texts else "", sse(error(api, word)), HEARD, sse(*tail(api)))


def _bare(texts: tuple[str, ...], api: str) -> Script:
    return stream(begun(api, *texts) if texts else "", 'event: error\ndata: {"message": "no luck"}\n\n')


def _errors() -> Iterator[Fault]:
    words = {
        "overloaded_error": "overload",
        "rate_limit_error": "rate",
        "api_error": "server",
        "some_error": "malformed",
    }
    for place, texts in {"first": (), "late": ("Fo", "ur")}.items():
        told: dict[str, Any] = {"streamed": True, "began": bool(texts), "says": INSIDE}
        for word, kind in words.items():
            name = f"{word.replace('_', '-')}-{place}"
            yield Fault(item=78, name=name, script=partial(_error, texts, word), kind=kind, **told)
        yield Fault(item=79, name=f"bare-message-{place}", script=partial(_bare, texts), kind="malformed", **told)


def _raw(data: bytes, texts: tuple[str, ...], api: str) -> Script:
    return stream(begun(api, *texts) if texts else "", b"data: " + data + b"\n\n", HEARD, sse(*tail(api)))


def _no_events() -> Iterator[Fault]:
    events = {
        "bad-json": (80, b"{", "is no JSON"),
        "list": (80, b"[]", "is no JSON object"),
        "number": (80, b"4", "is no JSON object"),
        "nan": (80, b'{"x": NaN}', "is no JSON"),
        "5000-digit-int": (80, b'{"x": ' + b"9" * 5000 + b"}", "is no JSON"),
        "depth-100k": (80, b'{"x":' * 100_000, "is no JSON"),
        "bad-utf-8": (80, b'{"x": "\xff"}', "is no UTF-8"),
        "half-a-surrogate": (80, b'{"x": "\xed\xa0\xbd"}', "is no UTF-8"),
        "html": (80, b"<html>", "is an HTML or XML page"),
        "event-of-9-mb": (84, b"x" * 9 * 1024 * 1024, "larger than 8388608 bytes"),
    }
    for name, (item, data, says) in events.items():
        for place, texts in {"first": (), "late": ("Four",)}.items():
            told: dict[str, Any] = {"kind": "malformed", "says": says, "streamed": True, "began": bool(texts)}
            yield Fault(
                item=item, name=f"{name}-{place}", script=partial(_raw, data, texts), large=len(data) > 10_000, **told
            )


# -- 83: silence


def _stalled(texts: tuple[str, ...], api: str) -> Script:
    return stream(begun(api, *texts), end=[Hang()])


def _pinging(api: str) -> Script:
    ping = ": ping\n\n" if api == OPENAI else sse({"type": "ping"})
    return stream(*(step for _ in range(40) for step in (ping, Pause(0.05))), end=[Hang()])


def _stalls() -> Iterator[Fault]:
    late: dict[str, Any] = {"streamed": True, "waits": True}
    stalled = {**late, "kind": "truncated", "says": "stalled before its end", "began": True, "text": "Four"}
    yield Fault(item=83, name="stall-after-text", script=partial(_stalled, ("Fo", "ur")), **stalled)
    silent = {**late, "kind": "ambiguous", "says": "did not answer within", "status": None}
    yield Fault(item=83, name="stall-before-text", script=partial(_stalled, ()), **silent)
    yield Fault(item=83, name="pings-before-text", script=_pinging, **silent)
