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
