"""With every logger at DEBUG, neither the key nor the prompt is in anything that a program may write down.

The canaries are looked for raw, URL-encoded, in base64 wherever it begins, and in hex: in log records, in exceptions
with all that hangs on them, in reprs, and in what the commands print. One thing is beyond us: the SDKs log the headers
of responses at DEBUG, so a server that echoes a key in a header has it logged.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from llmroute.dispatch.router import Router
from llmroute.errors import CallError
from llmroute.routing.explain_data import as_json
from llmroute.testing import Close, FaultServer, answer, good_answer, good_stream, sse, stream
from llmroute.testing.answers import ANTHROPIC, OPENAI, head, piece
from tests.docs.shell import ROOT
from tests.testing import faults_of_one_api, faults_stream, faults_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmroute.testing import Script

KEY = "canary-key/0123+456789=abcdef"
PROMPT = "canary prompt: the quartz zebra hums at 77 %"
LOGGERS = ("httpx2", "openai", "anthropic", "llmroute", "asyncio")
PATHS = {OPENAI: "/v1", ANTHROPIC: ""}
WAYS = [(transport, api) for transport in ("http", "sdk") for api in (OPENAI, ANTHROPIC)]


def forms(canary: str) -> set[str]:
    """All writings of a canary that are looked for."""
    raw = canary.encode()
    found = {canary, quote(canary), quote(canary, safe=""), quote_plus(canary), raw.hex()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw + b"\0" * 3).decode()
        part = encoded[4:-8]  # whole groups, whatever stands around it
        found |= {part, part.replace("+", "-").replace("/", "_")}
    return found


FORMS = {form: canary for canary in (KEY, PROMPT) for form in forms(canary)}


def leaks(text: str) -> list[str]:
    return [f"{form!r} of {canary!r}" for form, canary in FORMS.items() if form in text]


ECHO = " and ".join([
    KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(),
    base64.b64encode(b"user:" + KEY.encode()).decode(),
    PROMPT, quote(PROMPT), base64.b64encode(PROMPT.encode()).decode(),
])  # fmt: skip
"""A server that repeats all that it was told."""
ERROR = {"type": "error", "error": {"type": "some_error", "message": ECHO, "code": ECHO, "param": ECHO}}
ECHOES: dict[str, Callable[[str], Script]] = {
    **{str(status): (lambda _, status=status: answer(status, ERROR)) for status in (400, 401, 404, 413, 429, 500, 529)},
    "text": lambda _: answer(500, ECHO),
    "text-in-error": lambda _: answer(422, {"error": ECHO}),
    "detail": lambda _: answer(422, {"detail": [{"msg": ECHO, "loc": ["body", ECHO], "input": ECHO}]}),
    "html": lambda _: answer(502, f"<html>{ECHO}</html>"),
    "success": lambda _: answer(200, ERROR),
    "no-json": lambda _: answer(200, f"{{{ECHO}"),
    "no-answer": lambda _: answer(200, {"choices": [{"message": {"content": [ECHO]}}], "content": [ECHO]}),
    "stream-error": lambda _: stream(sse(ERROR)),
    "stream-error-late": lambda api: stream(sse(*head(api), piece(api, ECHO), ERROR)),
    "stream-no-json": lambda _: stream(f"data: {{{ECHO}\n\n"),
    "stream-cut": lambda api: stream(sse(*head(api), piece(api, ECHO)), end=[Close()]),
    "good": lambda api: good_answer(api, ECHO),
    "good-stream": lambda api: good_stream(api, ECHO),
    "tools": lambda api: good_answer(api, ECHO, {"f": {"x": ECHO}}),
}
A_ROW_EACH = {
    fault.item: fault for fault in (*faults_whole.faults(), *faults_stream.faults(), *faults_of_one_api.faults())
}
CASES: dict[str, Callable[[str], Script]] = {
    **{f"echo-{name}": script for name, script in ECHOES.items()},
    **{fault.id: fault.of for fault in A_ROW_EACH.values()},
}


class Written(logging.Handler):
    """All that a log could hold of a record."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.names.add(record.name.partition(".")[0])
        self.lines.append(f"{self.format(record)}\n{vars(record)!r}")


@pytest.fixture
def written() -> Iterator[Written]:
    handler = Written()
    loggers = [logging.getLogger(name) for name in ("", *LOGGERS)]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield handler
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def router_of(server: FaultServer, transport: str, api: str) -> Router:
    provider = {
        "base_url": server.url + PATHS[api],
        "api": api,
        "transport": transport,
        "model": "m",
        "api_key": "${KEY}",
    }
    spec = {
        "version": 1,
        "providers": {"srv": provider},
        "defaults": {"provider": "srv", "max_retries": 0, "timeout": 0.2},
    }
    return Router(spec, environ={"KEY": KEY})


def shown(failure: BaseException | None) -> Iterator[str]:
    """An exception and all that hangs on it."""
    while failure is not None:
        yield from (str(failure), repr(failure), "".join(traceback.format_exception(failure)), repr(vars(failure)))
        yield repr(failure.args)
        failure = failure.__cause__ or failure.__context__


def reprs(router: Router) -> Iterator[str]:
    resolution = router.resolve()
    yield from (repr(router), repr(resolution), str(resolution), repr(resolution.route), repr(resolution.target))
    yield from (router.explain(), repr(as_json(resolution)), repr(router.usage()))


def in_blocks(router: Router) -> Iterator[str]:
    """What a program sees of a whole answer and of a stream."""
    try:
        yield repr(router.complete(PROMPT))
    except CallError as exc:
        yield from shown(exc)
    try:
        with router.stream(PROMPT) as events:
            yield from (repr(event) for event in events)
            yield repr(events.reply)
            yield repr(events)
    except CallError as exc:
        yield from shown(exc)


async def in_tasks(router: Router) -> list[str]:
    found: list[str] = []
    try:
        found.append(repr(await router.acomplete(PROMPT)))
    except CallError as exc:
        found += shown(exc)
    try:
        async with router.astream(PROMPT) as events:
            found += [repr(event) async for event in events]
            found += [repr(events.reply), repr(events)]
    except CallError as exc:
        found += shown(exc)
    await router.aclose()
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("transport", "api"), WAYS, ids=str)
def test_nothing_is_written(written: Written, transport: str, api: str, case: str) -> None:
    with FaultServer(lambda _: CASES[case](api)) as server, router_of(server, transport, api) as router:
        seen = [*in_blocks(router), *asyncio.run(in_tasks(router), debug=True), *reprs(router)]
        assert all(KEY in request.raw.decode() for request in server.requests)
        assert all(PROMPT in request.body.decode() for request in server.requests)
        assert server.requests
    assert "asyncio" in written.names
    assert transport == "http" or written.names & {"openai", "anthropic"}
    assert leaks("\n".join([*seen, *written.lines])) == []


def test_the_canaries_are_found_where_they_are() -> None:
    for form in forms(KEY) | forms(PROMPT):
        assert leaks(f"<{form}>")
    assert leaks(base64.b64encode(f"user:{KEY}!!!".encode()).decode())


SPEC = """
version: 1
providers:
  srv: {{base_url: "{url}/v1", api_key: "${{CANARY_KEY}}", model: m, max_retries: 0}}
defaults: {{provider: srv}}
"""
DEBUG = """
import logging
from llmroute.cli import main
logging.basicConfig(level=logging.DEBUG)
main(prog_name="llmroute")
"""
COMMANDS = {
    "run": ("run", "--spec", "routing.yaml", PROMPT),
    "run-whole": ("run", "--spec", "routing.yaml", "--no-stream", PROMPT),
    "run-json": ("run", "--spec", "routing.yaml", "--json", PROMPT),
    "explain-json": ("explain", "--format", "json"),
    "explain": ("explain",),
}
SHOWN_BY_COMMANDS = ("echo-401", "echo-500", "echo-stream-error", "echo-no-json")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", SHOWN_BY_COMMANDS)
def test_no_command_writes_them(tmp_path: Path, case: str, command: str) -> None:
    with FaultServer(lambda _: CASES[case](OPENAI)) as server:
        (tmp_path / ".git").mkdir()
        (tmp_path / "routing.yaml").write_text(SPEC.format(url=server.url), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", DEBUG, *COMMANDS[command], "--spec", "routing.yaml"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CANARY_KEY": KEY, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        asked = command.startswith("run")
        assert len(server.requests) == asked
    assert "Traceback" not in done.stderr
    assert done.returncode == asked, done.stderr
    assert not asked or "DEBUG:llmroute" in done.stderr
    assert leaks(done.stdout + done.stderr) == []
