"""Items 49 to 66: what goes wrong around a whole answer."""

from __future__ import annotations

import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from llmroute.testing import Close, Hang, Pause, Reset, answer, good_answer, stream
from llmroute.testing.answers import whole
from tests.testing.catalogue import ByApi, Fault, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.testing import Script, Step

ITEM_OF_STATUS = {
    400: 49, 418: 49, 401: 50, 403: 50, 402: 51, 404: 52, 408: 53, 409: 53, 413: 54, 422: 54, 429: 55,
    500: 56, 501: 56, 502: 56, 503: 56, 504: 56, 520: 56, 521: 56, 522: 56, 523: 56, 524: 56, 529: 56,
}  # fmt: skip
KIND_OF_STATUS = {
    400: "request", 401: "auth", 402: "quota", 403: "auth", 404: "model", 408: "server", 409: "server", 413: "request",
    418: "request", 422: "request", 429: "rate", 500: "server", 501: "server", 502: "server", 503: "overload",
    504: "server", 520: "server", 521: "server", 522: "server", 523: "server", 524: "server", 529: "overload",
}  # fmt: skip
WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "0": ({"retry-after": "0"}, 0.0),
    "1": ({"retry-after": "1"}, 1.0),
    "minus-5": ({"retry-after": "-5"}, None),
    "3600": ({"retry-after": "3600"}, 3600.0),
    "nan": ({"retry-after": "nan"}, None),
    "inf": ({"retry-after": "inf"}, None),
    "1e400": ({"retry-after": "1e400"}, None),
    "date-past": ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    "date-2099": ({"retry-after": "Thu, 31 Dec 2099 23:59:59 GMT"}, float("inf")),
    "milliseconds": ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    "no-date": ({"retry-after": "Wed, 99 Foo"}, None),
}
"""What the header says, and what is understood; infinity stands for years."""
OUT_OF_CREDIT = ("insufficient_quota", "billing_error", "daily_spend_limit_reached")
WORDS = {
    "overloaded_error": "overload", "rate_limit_error": "rate", "authentication_error": "auth",
    "billing_error": "quota",
    "not_found_error": "model", "invalid_request_error": "request", "api_error": "server", "some_error": "malformed",
}  # fmt: skip
"""The type of an error inside a 200, and its kind."""
HTML = "<!doctype html><html><title>502 Bad Gateway</title></html>"
BODIES: dict[str, Any] = {"html": HTML, "empty": b"", "text": {"error": "no luck"}, "depth-100k": b"[" * 100_000}
IS_HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = "is an HTML or XML page"
CUT = "breaks off in its middle"
DRIP_S = 0.05
"""A drip of a byte a second, twenty times as fast."""


def faults() -> Iterator[Fault]:
    """All rows."""
    for streamed in (False, True):
        for status in ITEM_OF_STATUS:
            for form in ("json", "html", "empty"):
                yield _status(status, form, streamed=streamed)
        for form in ("text", "depth-100k"):
            yield _status(500, form, streamed=streamed)
    yield from _too_many()
    yield from _no_answers()
    yield from _inside_a_success()
    yield from _bodies()
    yield from _texts()
    yield from _silences()
    yield from _heads()


def _status(status: int, form: str, *, streamed: bool) -> Fault:
    return Fault(
        item=ITEM_OF_STATUS[status],
        name=f"{status}-{form}{'-streamed' if streamed else ''}",
        script=partial(_refused, status, form, {}),
        kind=KIND_OF_STATUS[status],
        says="has no model 'm-1' (404" if status == 404 else f"answered {status}",
        status=status,
        streamed=streamed,
        kept=True,
        large=form == "depth-100k",
    )


def _refused(status: int, what: str, headers: Mapping[str, str], api: str) -> Script:
    """An error response; `what` is a form of the body, or the type of the error in it."""
    if what in BODIES:
        return answer(status, BODIES[what], headers)
    return answer(status, error(api, "some_error" if what == "json" else what), headers)


def _too_many() -> Iterator[Fault]:
    for name, (headers, wait) in WAITS.items():
        script = partial(_refused, 429, "rate_limit_error", headers)
        says = "answered 429: no luck"
        yield Fault(
            item=55,
            name=f"429-wait-{name}",
            script=script,
            kind="rate",
            says=says,
            status=429,
            retry_after_s=wait,
            kept=True,
        )
    for word in OUT_OF_CREDIT:
        name, script = f"429-{word.replace('_', '-')}", partial(_refused, 429, word, {})
        yield Fault(item=55, name=name, script=script, kind="quota", status=429, kept=True)


def _no_answers() -> Iterator[Fault]:
    bodies: dict[str, tuple[int, Script, str]] = {
        "html": (57, answer(200, HTML, IS_HTML), PAGE),
        "html-unlabelled": (57, answer(200, HTML), PAGE),
        "empty": (58, answer(200, b""), "is empty"),
        "204": (58, answer(204, b"", {"content-length": "0"}), "is empty"),
        "null": (59, answer(200, None), "is no JSON object"),
        "list": (59, answer(200, []), "is no JSON object"),
        "text": (59, answer(200, '"Four."'), "is no JSON object"),
        "object": (59, answer(200, {}), "the answer "),
        "no-choices": (59, answer(200, {"choices": [], "content": None}), "the answer "),
        "null-choices": (59, answer(200, {"choices": None, "content": 4}), "the answer "),
    }
    for name, (item, script, says) in bodies.items():
        status = 204 if name == "204" else 200
        yield Fault(item=item, name=name, script=script, kind="malformed", says=says, status=status, kept=True)
    labelled = {"html": 57, "null": 59, "list": 59, "object": 59}
    for name, item in labelled.items():
        yield Fault(
            item=item, name=f"{name}-streamed", script=bodies[name][1], kind="malformed", streamed=True, kept=True
        )
    for name, item in {"html-unlabelled": 57, "empty": 58, "204": 58}.items():
        script, says = bodies[name][1], "ended before its answer did"
        yield Fault(
            item=item,
            name=f"{name}-streamed",
            script=script,
            kind="truncated",
            says=says,
            status=204 if name == "204" else 200,
            streamed=True,
            kept=True,
            text="",
        )
    whole_answer = "a whole answer where a stream was asked for"
    yield Fault(
        item=59, name="no-stream", script=good_answer, kind="malformed", says=whole_answer, streamed=True, kept=True
    )


def _inside_a_success() -> Iterator[Fault]:
    for streamed in (False, True):
        for word, kind in WORDS.items():
            yield Fault(
                item=60,
                name=f"{word.replace('_', '-')}{'-streamed' if streamed else ''}",
                script=partial(_refused, 200, word, {}),
                kind=kind,
                says="answered 200 with an error inside: no luck",
                streamed=streamed,
                kept=True,
            )
    script = answer(200, {"error": {"message": "no luck", "code": 429}})
    yield Fault(item=60, name="numeric-code", script=script, kind="rate", kept=True)
    yield Fault(item=60, name="error-text", script=answer(200, {"error": "no luck"}), kind="malformed", kept=True)


def _cut(api: str) -> Script:
    return [*answer(200, whole(api), {"content-length": "9999"}), Close()]


def _cut_chunks(end: Step, api: str) -> Script:
    return stream(json.dumps(whole(api))[:40], end=[end], kind="application/json")


def _encoded(encoding: str, data: bytes, _api: str) -> Script:
    return answer(200, data, {"content-encoding": encoding, "content-type": "application/json"})


def _gzipped(api: str) -> Script:
    return _encoded("gzip", gzip.compress(json.dumps(whole(api)).encode()), api)


def _lie(encoding: str, api: str) -> Script:
    return _encoded(encoding, json.dumps(whole(api)).encode(), api)


def _bodies() -> Iterator[Fault]:
    yield Fault(item=61, name="cut-body", script=_cut, kind="malformed", says=CUT, status=None)
    for name, end in {"cut-chunks": Close(), "reset-chunks": Reset()}.items():
        yield Fault(item=61, name=name, script=partial(_cut_chunks, end), kind="malformed", says=CUT, status=None)
    no_size = [b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", Close()]
    yield Fault(item=61, name="chunk-without-size", script=no_size, kind="malformed", says=CUT, status=None)
    lie = "not encoded as its content-encoding says"
    for name in ("gzip", "deflate"):
        yield Fault(item=62, name=f"{name}-lie", script=partial(_lie, name), kind="malformed", says=lie, status=None)
    yield Fault(item=62, name="gzip-unasked", script=_gzipped, kept=True)
    yield Fault(item=62, name="unknown-encoding", script=partial(_lie, "x-none"), kept=True)


def _odd(text: str, api: str) -> Script:
    """A good answer with one more field in front of it."""
    body = "{" + text + "," + json.dumps(whole(api))[1:]
    return answer(200, body.encode("utf-8", "surrogateescape"), {"content-type": "application/json"})


def _marked(api: str) -> Script:
    return answer(200, b"\xef\xbb\xbf" + json.dumps(whole(api)).encode())


def _texts() -> Iterator[Fault]:
    texts = {
        "invalid-utf-8": '"x": "\udcff"',
        "nan": '"x": NaN',
        "infinity": '"x": -Infinity',
        "5000-digit-int": f'"x": {"9" * 5000}',
        "depth-100k": f'"x": {"[" * 100_000}{"]" * 100_000}',
        "cut-text": '"x": "',
    }
    no_json: dict[str, Any] = {"kind": "malformed", "says": "is no JSON", "kept": True}
    for name, text in texts.items():
        yield Fault(item=63, name=name, script=partial(_odd, text), large=len(text) > 10_000, **no_json)
    yield Fault(item=63, name="duplicate-keys", script=partial(_odd, '"choices": [], "content": []'), kept=True)
    yield Fault(item=63, name="byte-order-mark", script=_marked, kept=True)


def _drip(api: str) -> Iterator[Step]:
    """Headers at once, then a byte at a time: no wait for the next byte is ever long."""
    (response,) = good_answer(api)
    assert isinstance(response, bytes)
    head, _, body = response.partition(b"{")
    yield head + b"{"
    for byte in body:
        yield from (Pause(DRIP_S), bytes([byte]))


def _silences() -> Iterator[Fault]:
    scripts: dict[str, Script | ByApi] = {
        "silence": [Hang()],
        "head-then-silence": [
            b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n",
            Hang(),
        ],
        "half-a-head": [b"HTTP/1.1 200 X\r\ncontent-", Hang()],
        "half-a-body": [b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{", Hang()],
        "drip": _drip,
    }
    broke: dict[str, Script] = {"reset": [Reset()], "close": [Close()], "half-a-head-closed": [b"HTTP/1.1 2", Close()]}
    for streamed in (False, True):
        more: dict[str, Any] = {"kind": "ambiguous", "status": None, "streamed": streamed}
        end = "-streamed" if streamed else ""
        for name, script in scripts.items():
            yield Fault(item=65, name=name + end, script=script, says="did not answer within", waits=True, **more)
        for name, script in broke.items():
            yield Fault(item=65, name=name + end, script=script, says="broke after the request was sent", **more)


def _heads() -> Iterator[Fault]:
    for name, first in {"100-continue": "100 Continue", "103-hints": "103 Early Hints\r\nlink: <a>"}.items():
        head = f"HTTP/1.1 {first}\r\n\r\n".encode()
        yield Fault(item=66, name=name, script=partial(_after, head), kept=True)
    large = partial(_large_head, 200_000)
    no_http: dict[str, Any] = {"kind": "malformed", "says": "is no HTTP", "status": None}
    yield Fault(item=66, name="header-of-200-kB", script=large, large=True, **no_http)
    yield Fault(item=66, name="other-protocol", script=[b"SSH-2.0-OpenSSH_9.9\r\n\r\n", Close()], **no_http)
    for status in (301, 302, 303, 307, 308):
        for name, url in {"metadata": "http://169.254.169.254/latest", "loopback": "http://127.0.0.1:9/"}.items():
            for streamed in (False, True):
                yield Fault(
                    item=66,
                    name=f"{status}-to-{name}{'-streamed' if streamed else ''}",
                    script=answer(status, b"", {"location": url}),
                    kind="malformed",
                    says="a redirect, which is never followed (upstream_redirect)",
                    status=status,
                    streamed=streamed,
                    kept=True,
                )


def _after(first: bytes, api: str) -> Script:
    return [first, *good_answer(api)]


def _large_head(size: int, api: str) -> Script:
    return answer(200, whole(api), {"x-large": "a" * size})
