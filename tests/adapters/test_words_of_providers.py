"""What a provider says in an error: read in all forms, and shown without key and prompt."""

from __future__ import annotations

import base64
import json
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.adapters.base import Call
from llmroute.adapters.failures import read_report
from llmroute.adapters.redaction import SHOWN, clean, without_key, without_prompt
from llmroute.adapters.retry_after import retry_after_s
from llmroute.wire.chat import ChatRequest, ToolCall, assistant, tool_result, user
from tests.adapters.samples import KEY, PROMPT, call, target

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1"}, 1.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after": "Fri, 99 Nov 2099 99:00:00 GMT"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, now=lambda: NOW) == expected


@given(st.text())
def test_any_retry_after_is_a_wait_or_none(value: str) -> None:
    found = retry_after_s({"retry-after": value, "retry-after-ms": value})
    assert found is None or 0 <= found < float("inf")


@pytest.mark.parametrize(
    ("body", "text", "words", "number"),
    [
        ({"error": {"message": "m", "type": "T", "code": "c"}}, "m", ("t", "c"), None),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "m", ("overloaded_error",), None),
        ({"error": "m"}, "m", (), None),
        ({"object": "error", "message": "m", "type": "t", "code": "1"}, "m", ("t", "1"), None),
        ({"error": {"message": "m", "code": 429}}, "m", (), 429),
        ({"detail": "m"}, "m", (), None),
        ([{"error": {"message": "m", "status": "NOT_FOUND"}}], "m", ("not_found",), None),
        ({"detail": [{"msg": "m", "loc": ["body", "x"], "input": PROMPT}]}, "m at ['body', 'x']", (), None),
        ({}, "", (), None),
        ({"error": {"message": None}}, "", (), None),
        ([], "", (), None),
        (b"<html>x</html>", "an HTML page", (), None),
        (b"plain words", "plain words", (), None),
        (b"\xff\xfe", "\ufffd\ufffd", (), None),
        (b"", "", (), None),
        (b"[" * 100_000, None, (), None),
    ],
)
def test_every_form_of_an_error_body(body: Any, text: str | None, words: tuple[str, ...], number: int | None) -> None:
    found = read_report(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (found.words, found.number) == (words, number)
    assert text is None or found.text == text


@pytest.mark.parametrize("key", [KEY, "hunter2", "a/b+c=d&e", "AIzaSyCanary0123456789"])
def test_no_form_of_the_key_is_shown(key: str) -> None:
    forms = [key, quote(key, safe=""), base64.b64encode(key.encode()).decode()]
    shown = clean(f"refused: {' and '.join(forms)} :end", call("http://localhost", key=key))
    assert not any(form in shown for form in forms)
    assert shown.endswith(":end")


@given(st.binary(max_size=7), st.text("abcXYZ019+/=-_", min_size=12, max_size=60), st.binary(max_size=7))
def test_no_key_inside_of_base64_is_shown(before: bytes, key: str, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = clean(f"refused: {encode(before + key.encode() + after).decode()} .", call("http://localhost", key=key))
        seen = shown.removeprefix("refused: ").split("[redacted]")
        assert len(seen) > 1
        assert all(len(part) <= 16 for part in seen)


def test_a_short_key_blots_nothing_out() -> None:
    assert without_key("an error of twelve words, and 50 % of ABCDEFGHIJKLMNOPQRSTUVWX", "abc") == (
        "an error of twelve words, and 50 % of ABCDEFGHIJKLMNOPQRSTUVWX"
    )


def test_what_looks_like_a_key_is_not_shown_either() -> None:
    assert without_key("sk-proj-ab12cd34ef56 or Bearer abc", None) == "[redacted] or [redacted]"


@given(st.text(min_size=20, max_size=200), st.text(max_size=50), st.text(max_size=50))
def test_an_echo_of_the_prompt_is_not_shown(prompt: str, before: str, after: str) -> None:
    made = Call(target("http://localhost"), ChatRequest((user(prompt),)), None)
    assert prompt not in clean(f"{before}{prompt}{after}", made)


@given(st.text("the quick brown fox", min_size=30, max_size=300), st.data())
def test_pieces_of_the_prompt_are_found_wherever_they_begin(prompt: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(prompt) - 20))
    end = data.draw(st.integers(begin + 20, len(prompt)))
    shown = without_prompt(f"<{prompt[begin:end]}>", [prompt])
    assert all(shown[at : at + 20] not in prompt for at in range(len(shown) - 19))


def test_an_encoded_echo_of_the_prompt_is_not_shown_either() -> None:
    made = Call(target("http://localhost"), ChatRequest((user(PROMPT),)), None)
    for form in (quote(PROMPT), base64.b64encode(b"x" + PROMPT.encode()).decode()):
        shown = clean(f"refused: {form} .", made)
        assert "[prompt]" in shown
        assert not any(form[at : at + 20] in shown for at in range(len(form) - 19))


def test_a_long_prompt_keeps_nobody_waiting() -> None:
    prompt = "the quick brown fox jumps over the lazy dog. " * 25_000
    began = time.monotonic()
    without_prompt("error: the quick brown cat stumbled over a lazy bag. " * 23, [prompt])
    assert time.monotonic() - began < 1


def test_tools_are_part_of_the_prompt() -> None:
    asked = ToolCall("c", "f", '{"secret": "the arguments of the call"}')
    messages = (user(PROMPT), assistant(tool_calls=[asked]), tool_result(asked, "what the tool found out for us"))
    made = Call(target("http://localhost"), ChatRequest(messages), None)
    shown = clean(f"x:{PROMPT[4:40]}! y:{asked.arguments[5:35]}! z:what the tool found out for us", made)
    assert shown == "x:[prompt]! y:[prompt]! z:[prompt]"


def test_a_message_is_one_short_line() -> None:
    shown = clean("a\n\x1b[31mb\r\u202ec " + "d" * 5_000, call("http://localhost"))
    assert len(shown) == SHOWN
    assert shown.startswith("a [31mb c ddd")
    assert shown.endswith("…")
