"""The adapter against a mock of Ollama that others wrote: npm's `@copilotkit/aimock` (MIT).

What it answered is kept in `tests/data/ollama/`, and replayed here. Against aimock itself these tests run where they
are asked to, as they need Node and npm; the machine of CI has Python and a package index alone:

    LLMROUTE_AIMOCK="npx --yes --package @copilotkit/aimock@1.43.0 llmock" pytest tests/adapters/test_ollama_aimock.py

With `LLMROUTE_AIMOCK_RECORD=1` besides, the answers are written anew.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from llmroute import adapters
from llmroute.adapters.base import Call
from llmroute.errors import CallError, ModelNotFoundError, OverloadedError
from llmroute.routing.route import Target
from llmroute.testing import FaultServer, Seen, answer
from llmroute.wire.chat import ChatRequest, Finish, Reply, Tool, Usage, tool_result, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.testing import Script

FOLDER = Path(__file__).parents[1] / "data" / "ollama"
RECORDED = FOLDER / "aimock.recorded.json"
COMMAND = shlex.split(os.environ.get("LLMROUTE_AIMOCK", ""))
STARTS_WITHIN_S = 60.0
MODEL = "qwen3:8b"
QUESTIONS = ("What is two and two?", "How warm is it in Turin?", "Please look.", "Are you busy?", "Nothing known")
WEATHER = Tool("weather", "How warm it is", {"type": "object", "properties": {"city": {"type": "string"}}})


def replay(seen: Seen) -> Script:
    """What aimock answered to this question."""
    question = seen.json["messages"][-1]["content"] if seen.json["messages"][-1]["role"] == "user" else QUESTIONS[0]
    kept = json.loads(RECORDED.read_text(encoding="utf-8"))[question]["stream" if seen.json["stream"] else "whole"]
    return answer(kept["status"], kept["body"], {"content-type": kept["content_type"]})


@contextmanager
def running() -> Iterator[str]:
    """The URL of aimock itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*COMMAND, "--port", str(port), "--fixtures", str(FOLDER / "aimock.json"), "--chunk-size", "7"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        url, ends_at = f"http://127.0.0.1:{port}", time.monotonic() + STARTS_WITHIN_S
        try:
            while time.monotonic() < ends_at:
                with suppress(httpx2.ConnectError):
                    httpx2.get(f"{url}/api/tags", trust_env=False)
                    break
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["recorded", "aimock"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "recorded":
        with FaultServer(replay) as server:
            yield server.url
    elif COMMAND:
        with running() as root:
            record(root)
            yield root
    else:
        pytest.skip("needs Node and npm, which the machine of CI does not have: opt in with LLMROUTE_AIMOCK")


def record(root: str) -> None:
    """Keep what aimock answers, if that is asked for."""
    if not os.environ.get("LLMROUTE_AIMOCK_RECORD"):
        return
    kept: dict[str, Any] = {}
    for question in QUESTIONS:
        for name, stream in (("stream", True), ("whole", False)):
            body = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": question}]}
            response = httpx2.post(f"{root}/api/chat", json=body, trust_env=False)
            kind = response.headers["content-type"]
            said = {"status": response.status_code, "content_type": kind, "body": response.text}
            kept.setdefault(question, {})[name] = said
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def ask(url: str, request: ChatRequest | str, how: str) -> Reply:
    asked = ChatRequest((user(request),), tools=(WEATHER,)) if isinstance(request, str) else request
    target = Target(provider="box", api="ollama-chat", base_url=url, model=MODEL, locality="local", auth="bearer")
    http = adapters.create("http")
    try:
        if how == "complete":
            return http.complete(Call(target, asked, None, 10.0))
        *_, last = http.stream(Call(target, asked, None, 10.0))
        assert isinstance(last, Finish)
        return last.reply
    finally:
        http.close()


BOTH = pytest.mark.parametrize("how", ["complete", "stream"])


@BOTH
def test_text(url: str, how: str) -> None:
    reply = ask(url, QUESTIONS[0], how)
    assert (reply.text, reply.stop_reason, reply.model) == ("Two and two is four.", "stop", MODEL)
    assert reply.usage == Usage(input_tokens=0, output_tokens=0)
    assert reply.warnings == ()
    # Ollama's own name for it is `thinking`; a field that it does not have goes back where it came from.
    assert reply.message.extra == {"box": {"reasoning_content": "2 + 2"}}


@BOTH
def test_tools(url: str, how: str) -> None:
    reply = ask(url, QUESTIONS[1], how)
    assert [(one.name, one.parsed()) for one in reply.tool_calls] == [("weather", {"city": "Turin"})]
    assert (reply.text, reply.stop_reason) == ("", "tool_calls")
    several = ask(url, QUESTIONS[2], how)
    assert several.text == "I look."
    assert [one.parsed()["city"] for one in several.tool_calls] == ["Turin", "Ürümqi"]
    assert len({one.id for one in several.tool_calls}) == 2


@BOTH
def test_results_are_taken(url: str, how: str) -> None:
    asked = ask(url, QUESTIONS[1], how)
    messages = (user(QUESTIONS[0]), asked.message, tool_result(asked.tool_calls[0], "19 °C"))
    assert ask(url, ChatRequest(messages, tools=(WEATHER,)), how).text


@BOTH
@pytest.mark.parametrize(("question", "cls"), [(QUESTIONS[3], OverloadedError), (QUESTIONS[4], ModelNotFoundError)])
def test_failures(url: str, how: str, question: str, cls: type[CallError]) -> None:
    with pytest.raises(cls) as caught:
        ask(url, question, how)
    assert question not in str(caught.value)
