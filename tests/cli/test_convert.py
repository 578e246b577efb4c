"""`llmroute convert`: the body on standard output, what was lost on standard error, places in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

HI = {"role": "user", "content": "Hi"}
ASK = {"model": "m", "messages": [{**HI, "name": "Ann"}], "seed": 1}
TO_ANTHROPIC = ("convert", "--from", "openai-chat", "--to", "anthropic-messages")
TO_OPENAI = ("convert", "--from", "anthropic-messages", "--to", "openai-chat")
BODY = {"model": "m", "max_tokens": 4096, "messages": [HI]}


@pytest.fixture
def ask(folder: Path) -> str:
    (folder / "ask.json").write_text(json.dumps(ASK), encoding="utf-8")
    return "ask.json"


def test_the_body_and_its_losses(invoke: Invoke, ask: str) -> None:
    result = invoke(*TO_ANTHROPIC, ask)
    assert (result.exit_code, json.loads(result.stdout)) == (0, BODY)
    assert result.stderr.splitlines() == [
        "warning: /messages/0/name: name: anthropic-messages has no names of participants",
        "warning: /seed: seed: anthropic-messages has no such field",
    ]


def test_json(invoke: Invoke, ask: str) -> None:
    result = invoke(*TO_ANTHROPIC, ask, "--format", "json", "--model", "n")
    found = json.loads(result.stdout)
    assert found["body"] == {**BODY, "model": "n"}
    assert [row["pointer"] for row in found["warnings"]] == ["/messages/0/name", "/seed"]
    assert result.stderr == ""


def test_and_back_from_standard_input(invoke: Invoke) -> None:
    result = invoke(*TO_OPENAI, "-", stdin="\ufeff" + json.dumps(BODY))
    assert json.loads(result.stdout) == {"model": "m", "messages": [HI], "max_tokens": 4096}
    assert result.stderr == ""


def test_tools_alone(invoke: Invoke) -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}]
    result = invoke(*TO_OPENAI, "-", "--format", "json", stdin=json.dumps(tools))
    assert json.loads(result.stdout) == {
        "body": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "warnings": [{"pointer": "/0/defer_loading", "message": "defer_loading: openai-chat has no such field"}],
    }


def test_losses_as_errors(invoke: Invoke, ask: str) -> None:
    result = invoke(*TO_ANTHROPIC, ask, "--on-unsupported", "error")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: ask.json#/messages/0/name: name: anthropic-messages has no names of participants\n"


def test_what_must_not_be_converted(invoke: Invoke) -> None:
    result = invoke(*TO_ANTHROPIC, "-", "--format", "json", stdin=json.dumps({**ASK, "n": 2}))
    assert result.exit_code == 1
    message = "n has no equivalent in anthropic-messages"
    assert json.loads(result.stdout) == {"error": {"rule": "conversion", "pointer": "/n", "message": message}}


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        ('{"a":\n  ,}', "json", "2:3: no valid JSON (Expecting value)"),
        ('{"a": NaN}', "json", "no valid JSON (NaN is no JSON number)"),
        ('{"a": 1, "a": 2}', "json", "no valid JSON (a name stands twice in one object)"),
        (b'{"a":\n"\xff"}', "json", "line 2 is no UTF-8"),
        ("[" * 200_000, "json", "nested too deep"),
        ("1", "conversion", "expected an object, not an integer"),
    ],
    ids=["syntax", "nan", "twice", "bytes", "depth", "number"],
)
def test_what_is_no_request(invoke: Invoke, data: Any, rule: str, message: str) -> None:
    result = invoke(*TO_ANTHROPIC, "-", "--format", "json", stdin=data)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": {"rule": rule, "pointer": "", "message": message}}


def test_a_file_that_is_not_there(invoke: Invoke) -> None:
    result = invoke(*TO_ANTHROPIC, "none.json")
    assert (result.exit_code, result.stderr) == (1, "error: none.json: can't be read: No such file or directory\n")


def test_nothing_of_the_request_is_in_an_error(invoke: Invoke) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": ["my secret"]}]}]}
    result = invoke(*TO_ANTHROPIC, "-", stdin=json.dumps(body))
    assert result.stderr == "error: standard input#/messages/0/content/0/text: expected a string, not an array\n"


def test_ollama(invoke: Invoke, ask: str) -> None:
    result = invoke("convert", "--from", "openai-chat", "--to", "ollama-chat", ask)
    assert json.loads(result.stdout) == {"model": "m", "messages": [HI], "stream": False, "options": {"seed": 1}}
    assert result.stderr.splitlines() == ["warning: /messages/0/name: name: ollama-chat has no names of participants"]
    back = invoke("convert", "--from", "ollama-chat", "--to", "anthropic-messages", "-", stdin=result.stdout)
    assert json.loads(back.stdout) == BODY
    assert back.stderr.splitlines() == ["warning: /options/seed: seed: anthropic-messages has no such field"]


REPLY = {
    "id": "1",
    "model": "m",
    "choices": [{"message": {"role": "assistant", "content": "Hi", "reasoning": "Hm."}, "finish_reason": "stop"}],
}
STREAM = (
    'data: {"id": "1", "model": "m", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
    "data: [DONE]\n\n"
)


def test_a_reply_is_seen_by_its_form(invoke: Invoke) -> None:
    result = invoke("convert", "--from", "openai-chat", "--to", "ollama-chat", "-", stdin=json.dumps(REPLY))
    assert (result.exit_code, json.loads(result.stdout)["message"]["thinking"]) == (0, "Hm.")
    assert result.stderr == "warning: /id: id: ollama-chat has no ids of answers\n"
    back = invoke(*TO_OPENAI, "-", "--format", "json", stdin=invoke(*TO_ANTHROPIC, "-", stdin=json.dumps(REPLY)).stdout)
    assert json.loads(back.stdout)["warnings"] == [
        {"pointer": "/content/0", "message": "thinking: thinking is not told"},
    ]


def test_a_stream(invoke: Invoke) -> None:
    result = invoke(*TO_ANTHROPIC, "-", stdin=STREAM)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line for line in result.stdout.splitlines() if line.startswith("event: ")] == [
        f"event: {name}"
        for name in (
            *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
            *("message_delta", "message_stop"),
        )
    ]
    found = json.loads(invoke(*TO_ANTHROPIC, "-", "--format", "json", stdin=STREAM).stdout)
    assert found == {"body": result.stdout, "warnings": []}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("stream", "", "the stream ended before its answer did"),
        ("reply", json.dumps(ASK), "the answer has no choices"),
        ("tools", json.dumps(ASK), "expected an array, not an object"),
        ("request", json.dumps(REPLY), "expected an array, not null"),
    ],
)
def test_the_kind_that_is_said(invoke: Invoke, kind: str, text: str, message: str) -> None:
    result = invoke(*TO_ANTHROPIC, "-", "--kind", kind, "--format", "json", stdin=text)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["message"] == message


def test_a_cut_stream_is_not_converted(invoke: Invoke) -> None:
    result = invoke(*TO_ANTHROPIC, "-", stdin=STREAM[:60])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: standard input: the stream ended before its answer did\n"
