"""llmroute against llama.cpp and a real model: the whole way, in both of the formats that the server speaks."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from llmroute import Router
from llmroute.errors import ConnectError
from tests.real.serve_local_model import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmroute.wire.reply import Reply

pytestmark = pytest.mark.real

APIS = ("openai-chat", "anthropic-messages")
PROMPT = "Count: one, two, three,"


@pytest.fixture
def router(local_model: str, spec_for: Callable[[str], Path]) -> Iterator[Router]:
    with Router.from_file(spec_for(local_model), environ={}) as router:
        yield router


def check(reply: Reply) -> None:
    """What a real answer to the prompt has, in either format."""
    assert reply.text.strip()
    assert reply.model == MODEL
    assert reply.stop_reason in ("stop", "length")
    assert reply.usage is not None
    assert 10 < (reply.usage.input_tokens or 0) < 100, "a count with the cached tokens in it"
    assert 0 < (reply.usage.output_tokens or 0) <= 16
    assert not reply.mock
    assert [attempt.kind for attempt in reply.attempts] == [None]
    assert reply.resolution.target.model == MODEL


def check_stream(events: Sequence[Any]) -> None:
    """The pieces add up to the reply, which is the one terminal event."""
    kinds = [event.type for event in events]
    assert kinds.count("finish") == 1
    assert kinds[-1] == "finish"
    assert "error" not in kinds
    pieces = [event for event in events if event.type == "text_delta"]
    assert len(pieces) > 1, "it came in pieces"
    reply = events[-1].reply
    assert "".join(piece.text for piece in pieces) == reply.text == pieces[-1].snapshot
    check(reply)


def test_the_server_itself_answers(local_model: str) -> None:
    """Where this fails, llmroute is not at fault."""
    assert httpx2.get(f"{local_model}/health", trust_env=False).json() == {"status": "ok"}


@pytest.mark.parametrize("api", APIS)
def test_complete(router: Router, api: str) -> None:
    check(router.complete(PROMPT, agent=api))


@pytest.mark.parametrize("api", APIS)
def test_stream(router: Router, api: str) -> None:
    check_stream(list(router.stream(PROMPT, agent=api)))


@pytest.mark.parametrize("api", APIS)
def test_acomplete_and_astream(local_model: str, spec_for: Callable[[str], Path], api: str) -> None:
    async def talk() -> tuple[Reply, list[Any]]:
        async with Router.from_file(spec_for(local_model), environ={}) as router:
            reply = await router.acomplete(PROMPT, agent=api)
            return reply, [event async for event in router.astream(PROMPT, agent=api)]

    reply, events = asyncio.run(talk())
    check(reply)
    check_stream(events)


def test_both_formats_give_the_same_answer(router: Router) -> None:
    """Temperature 0, one model, one prompt: the formats differ, what is said does not."""
    texts = {router.complete(PROMPT, agent=api, system="You count.").text for api in APIS}
    assert len(texts) == 1


@pytest.mark.parametrize("api", APIS)
def test_a_length_limit_is_reported(router: Router, api: str) -> None:
    reply = router.complete("Tell a long story.", agent=api, max_tokens=3)
    assert reply.stop_reason == "length"
    assert reply.usage is not None
    assert reply.usage.output_tokens == 3


def run_llmroute(spec: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`llmroute run` on a spec, as a user would start it."""
    command = (sys.executable, "-m", "llmroute.cli", "run", "--spec", str(spec), *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("api", APIS)
def test_llmroute_run_streams(local_model: str, spec_for: Callable[[str], Path], api: str) -> None:
    done = run_llmroute(spec_for(local_model), "--agent", api, PROMPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert f"/ {MODEL}" in done.stderr, "the route is named"
    assert PROMPT not in done.stderr


@pytest.fixture
def nowhere() -> str:
    """A root URL that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("api", APIS)
def test_a_server_that_is_down_is_an_error_with_the_next_step(
    nowhere: str, spec_for: Callable[[str], Path], api: str
) -> None:
    with Router.from_file(spec_for(nowhere), environ={}) as router, pytest.raises(ConnectError) as caught:
        router.complete(PROMPT, agent=api)
    assert nowhere in str(caught.value)
    assert caught.value.hint
    assert PROMPT not in str(caught.value)
    assert [attempt.kind for attempt in caught.value.attempts] == ["connect"]


@pytest.mark.parametrize("api", APIS)
def test_llmroute_run_says_what_to_do_about_a_server_that_is_down(
    nowhere: str, spec_for: Callable[[str], Path], api: str
) -> None:
    done = run_llmroute(spec_for(nowhere), "--agent", api, PROMPT)
    assert done.returncode == 1
    assert not done.stdout
    assert nowhere in done.stderr
    assert "routing.yaml:" in done.stderr, "where the target was chosen"
    assert "llmroute explain" in done.stderr, "the next step"
    assert "Traceback" not in done.stderr
