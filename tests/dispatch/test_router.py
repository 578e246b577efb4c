"""Requests through a router: where they go, what is retried, and what an error says."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.dispatch.router import Router
from llmroute.errors import (
    AuthenticationError,
    CallError,
    ConnectError,
    ConversionError,
    DeadlineError,
    MissingKeyError,
    ModelNotFoundError,
    OverloadedError,
    RateLimitError,
    RoutingError,
    SpecError,
)
from llmroute.testing import Close, FaultServer, Hang, answer
from llmroute.wire.chat import ChatRequest, Params, ResponseFormat, Tool, ToolChoice, system, user
from tests.adapters.samples import OPENAI, good
from tests.dispatch.samples import KEY, PROMPT, router, text

if TYPE_CHECKING:
    from llmroute.wire.chat import Reply


def bodies(server: FaultServer) -> list[Any]:
    return [seen.json for seen in server.requests]


def test_complete(server: FaultServer) -> None:
    server.script(good(OPENAI))
    with router(server) as made:
        reply = made.complete(PROMPT, agent="alone", purpose="planning", system="Be brief.", temperature=0)
    assert reply.text == "Four."
    assert bodies(server) == [
        {
            "model": "m-1",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}],
            "max_tokens": 9,
            "temperature": 0,
        }
    ]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_reply_carries_resolution_and_attempts(server: FaultServer) -> None:
    server.script(good(OPENAI))
    with router(server) as made:
        reply = made.complete(PROMPT, agent="alone")
        assert reply.resolution == made.resolve(agent="alone")
    (attempt,) = reply.attempts
    assert (attempt.target, attempt.provider, attempt.model) == ("first/m-1", "first", "m-1")
    assert (attempt.kind, attempt.status, attempt.wait_s) == (None, 200, 0.0)
    assert 0 < attempt.elapsed_s < 5


def test_a_connection_that_the_server_had_closed_costs_an_attempt_but_no_wait(server: FaultServer) -> None:
    server.script(good(OPENAI), [Close()], good(OPENAI))
    with router(server) as made:
        made.complete(PROMPT, agent="alone")
        reply = made.complete(PROMPT, agent="alone")
    assert [(row.kind, row.wait_s) for row in reply.attempts] == [("connect", 0.0), (None, 0.0)]
    assert (len(server.requests), server.connections) == (3, 2)


def test_acomplete(server: FaultServer) -> None:
    async def main() -> Reply:
        async with router(server) as made:
            return await made.acomplete(PROMPT, agent="chain")

    server.script(answer(500), answer(500), answer(404), good(OPENAI))
    reply = asyncio.run(main())
    assert reply.mock
    assert [row.kind for row in reply.attempts] == ["server", "server", "model", None]


def test_nothing_of_the_route_is_on_the_wire(server: FaultServer) -> None:
    server.script(good(OPENAI))
    with router(server, client=None) as made:
        made.complete("hi", agent="chain", purpose="planning")
    raw = server.requests[0].raw.lower()
    for word in (b"chain", b"planning", b"second", b"fake", b"first", b"max_retries"):
        assert word not in raw


def test_the_mock_needs_no_code(server: FaultServer) -> None:
    with router(server) as made:
        reply = made.complete("hi")
        assert (reply.text, reply.mock, reply.model) == ("from the mock", True, "mock:any")
        made.adapter("mock").script("scripted")
        assert made.complete("hi").text == "scripted"
        assert len(made.adapter("mock").calls) == 2
    with Router.from_mapping({"version": 1, "defaults": {"model": "mock/any"}}, environ={}) as made:
        assert made.complete("an echo").text == "an echo"


# -- Retries and fallbacks


def test_the_same_target_is_asked_again(server: FaultServer) -> None:
    server.script(answer(500), good(OPENAI))
    with router(server) as made:
        reply = made.complete(PROMPT, agent="alone")
    assert [(row.kind, row.status) for row in reply.attempts] == [("server", 500), (None, 200)]
    assert reply.attempts[1].wait_s == 0.005


def test_the_next_target_gets_its_own_model_and_key(server: FaultServer) -> None:
    server.script(answer(404), good(OPENAI))
    with router(server) as made:
        reply = made.complete(PROMPT, agent="chain")
    assert [row.target for row in reply.attempts] == ["first/m-1", "second/m-2"]
    assert [body["model"] for body in bodies(server)] == ["m-1", "m-2"]
    assert [seen.path for seen in server.requests] == ["/v1/chat/completions", "/second/v1/chat/completions"]
    assert server.requests[1].headers["authorization"] == "Bearer none"
    assert KEY.encode() not in server.requests[1].raw


def test_every_attempt_is_counted(server: FaultServer) -> None:
    server.default = answer(503, {"error": {"message": f"{PROMPT} {KEY}"}})
    with router(server) as made, pytest.raises(OverloadedError) as caught:
        made.complete(PROMPT, agent="pair")
    assert len(server.requests) == 3
    assert [(row.target, row.kind) for row in caught.value.attempts] == [
        ("first/m-1", "overload"),
        ("first/m-1", "overload"),
        ("second/m-2", "overload"),
    ]
    shown = "".join(traceback.format_exception(caught.value)) + str(vars(caught.value))
    assert KEY not in shown
    assert PROMPT not in shown
    assert "tried first/m-1: overload 503, 2 times; second/m-2: overload 503" in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_what_no_other_target_would_mend_ends_the_route(server: FaultServer, status: int) -> None:
    server.default = answer(status)
    with router(server) as made, pytest.raises(CallError):
        made.complete(PROMPT, agent="chain")
    assert len(server.requests) == 1


def test_an_ambiguous_failure_is_not_sent_to_the_same_target_again(server: FaultServer) -> None:
    server.script([Close()], good(OPENAI))
    with router(server) as made:
        reply = made.complete(PROMPT, agent="chain")
    assert [row.kind for row in reply.attempts] == ["ambiguous", None]
    assert [row.target for row in reply.attempts] == ["first/m-1", "second/m-2"]


def test_a_request_may_set_its_own_limits(server: FaultServer) -> None:
    server.script(answer(500))
    with router(server) as made:
        with pytest.raises(CallError):
            made.complete(PROMPT, agent="alone", max_retries=0)
        server.script([Hang()])
        with pytest.raises(CallError, match=r"within 0\.2 s"):
            made.complete(PROMPT, agent="alone", timeout=0.2)
        server.script([Hang()])
        with pytest.raises(DeadlineError):
            made.complete(PROMPT, agent="chain", deadline_s=0.3)
    assert len(server.requests) == 3


def test_retry_after_is_waited_for(server: FaultServer) -> None:
    waits: list[float] = []
    server.script(answer(429, b"", {"retry-after": "7"}), answer(429, b"", {"retry-after": "3600"}))
    with router(server) as made:
        made._sleep = waits.append
        with pytest.raises(RateLimitError, match=r"try again in 3600 s"):
            made.complete(PROMPT, agent="alone")
    assert waits == [7.0]


# -- Errors


def test_a_refused_connection_says_what_to_do(closed_port: int) -> None:
    spec = f"""
version: 1
providers: {{ollama: {{base_url: "http://localhost:{closed_port}/v1", model: "llama3.1:8b"}}}}
agents: {{file-picker: {{provider: ollama}}}}
"""
    with Router.from_str(spec, environ={}) as made, pytest.raises(ConnectError) as caught:
        made.complete(PROMPT, agent="file-picker", max_retries=0)
    assert str(caught.value).split("\n") == [
        f"cannot reach ollama at http://localhost:{closed_port}/v1 (connection refused)",
        "  chosen by agents.file-picker (<string>:4); no fallback is declared, and none leaves this machine",
        "  is it running?   ollama serve",
        "  is it the URL?   llmroute explain --agent file-picker",
        "  is the model there?   ollama pull llama3.1:8b",
    ]


def test_a_missing_model_says_how_to_get_it(server: FaultServer) -> None:
    server.default = answer(404, {"error": {"message": "model not found"}})
    with router(server) as made, pytest.raises(ModelNotFoundError) as caught:
        made.complete(PROMPT, agent="alone")
    assert "has no model 'm-1'" in str(caught.value)
    assert "llmroute explain" in str(caught.value)


def test_a_refused_key_names_its_variable(server: FaultServer) -> None:
    server.default = answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    with router(server) as made, pytest.raises(AuthenticationError) as caught:
        made.complete(PROMPT, agent="alone")
    assert "FIRST_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"FIRST_KEY": ""}])
def test_a_missing_key_stops_the_request_before_anything_is_sent(server: FaultServer, environ: dict[str, str]) -> None:
    with router(server, environ=environ) as made:
        with pytest.raises(MissingKeyError, match="FIRST_KEY is not set") as caught:
            made.complete(PROMPT, agent="alone")
        with pytest.raises(MissingKeyError):
            made.stream(PROMPT, agent="alone")
    assert caught.value.hint == "export FIRST_KEY=…"
    assert "agents.alone" in caught.value.message
    assert server.connections == 0


def test_a_fallback_without_its_key_is_left_out_loudly(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    spec = text(server) + "  backup: {provider: second, fallbacks: [first/m-1, fake/any]}\n"
    server.script(answer(404))
    with router(server, spec, environ={}) as made:
        reply = made.complete(PROMPT, agent="backup")
    assert [row.target for row in reply.attempts] == ["second/m-2", "fake/any"]
    (warning,) = [row for row in caplog.records if row.levelno == logging.WARNING]
    assert "the fallback first/m-1 is left out: " in warning.getMessage()
    assert "FIRST_KEY" in warning.getMessage()


def test_no_route_is_no_call(server: FaultServer) -> None:
    with router(server) as made, pytest.raises(RoutingError):
        made.complete(PROMPT, agent="nobody")


def test_a_spec_with_errors_makes_no_router() -> None:
    with pytest.raises(SpecError) as caught:
        Router.from_str("version: 1\ndefaults: {provider: olama}\n", environ={})
    assert caught.value.diagnostics
    with pytest.raises(SpecError):
        Router.from_mapping({"version": 1, "fallback": []})


# -- Arguments


@pytest.mark.parametrize("name", ["base_url", "api_key", "provider", "model", "headers", "fallbacks"])
def test_a_request_never_chooses_where_it_goes(server: FaultServer, name: str) -> None:
    asked: dict[str, Any] = {name: "x"}
    with router(server) as made:
        for method in (made.complete, made.stream, made.astream):
            with pytest.raises(TypeError, match=rf"can't set '{name}'.*Router"):
                method(PROMPT, **asked)
    assert server.connections == 0


def test_an_unknown_argument_lists_the_known_ones(server: FaultServer) -> None:
    asked: dict[str, Any] = {"temprature": 1}
    with router(server) as made, pytest.raises(TypeError, match=r"unknown argument 'temprature'.*temperature"):
        made.complete(PROMPT, **asked)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, odd)
            for name in ("timeout", "connect_timeout")
            for odd in (0, -1, 1e9, math.inf, math.nan, "5", True)
        ),
        *(("max_retries", odd) for odd in (-1, 101, 1.5, "2")),
        *(("max_attempts", odd) for odd in (0, 1001, math.nan)),
    ],
)
def test_a_limit_is_one_that_a_spec_could_have(server: FaultServer, name: str, value: Any) -> None:
    with router(server) as made, pytest.raises(ValueError, match=f"^{name}=.*: it is a (whole )?number"):
        made.complete(PROMPT, agent="alone", **{name: value})
    assert server.requests == []


def test_all_that_can_be_asked(server: FaultServer) -> None:
    tool = Tool("add", "adds", {"type": "object", "properties": {"a": {"type": "number"}}})
    form = ResponseFormat("json_schema", "answer", {"type": "object"})
    server.default = good(OPENAI)
    with router(server) as made:
        made.complete(
            [system("s"), {"role": "user", "content": "u"}],
            agent="alone",
            tools=[tool],
            tool_choice="required",
            response_format=form,
            stop="END",
        )
        made.complete(
            ChatRequest((user("u"),), params=Params(temperature=0.1, seed=7)),
            agent="alone",
            tools=[tool],
            tool_choice=ToolChoice("named", "add"),
            temperature=0.2,
        )
    first, second = bodies(server)
    assert [row["role"] for row in first["messages"]] == ["system", "user"]
    assert (first["tool_choice"], first["stop"], first["temperature"]) == ("required", ["END"], 0.5)
    assert first["response_format"]["type"] == "json_schema"
    assert (second["temperature"], second["seed"]) == (0.2, 7)
    assert second["tool_choice"]["function"]["name"] == "add"


def test_a_bad_message_has_a_pointer(server: FaultServer) -> None:
    with router(server) as made, pytest.raises(ConversionError, match="/messages/0"):
        made.complete([{"role": "nobody", "content": PROMPT}], agent="alone")


def test_a_scope_that_wants_no_loss_sends_nothing_that_has_one(server: FaultServer) -> None:
    server.default = good(OPENAI)
    spec = text(server) + "  auditor: {provider: first, on_unsupported: error}\n"
    with router(server, spec) as made:
        assert made.complete(PROMPT, agent="alone", top_k=5).warnings
        with pytest.raises(ConversionError, match="top_k") as caught:
            made.complete(PROMPT, agent="auditor", top_k=5)
    assert caught.value.pointer == "/params/top_k"
    assert len(server.requests) == 1


def test_client_arguments(server: FaultServer) -> None:
    server.default = good(OPENAI)
    with router(server, provider="second", model="m-9", temperature=None) as made:
        made.complete(PROMPT)
        assert bodies(server)[0]["model"] == "m-9"
        made.complete(PROMPT, agent="alone")
        assert bodies(server)[1]["model"] == "m-1"


def test_a_file_and_a_mapping(server: FaultServer, tmp_path: Any) -> None:
    path = tmp_path / "routing.yaml"
    path.write_text(text(server))
    for made in (Router.from_file(path, environ={}), Router(path, environ={}), Router(str(path), environ={})):
        assert made.complete("x").mock
    loaded = Router.from_file(path).spec
    assert Router(loaded, environ={}).complete("x").mock
    assert Router({"version": 1, "defaults": {"model": "mock/x"}}, environ={}).complete("x").mock


def test_explain(server: FaultServer) -> None:
    with router(server) as made:
        shown = made.explain(agent="alone")
    assert "first" in shown
    assert "m-1" in shown
    assert KEY not in shown


# -- Environment, log, threads


def test_a_change_of_the_environment_holds_for_the_next_request(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_KEY", "one")
    server.default = good(OPENAI)
    with router(server, environ=os.environ) as made:
        made.complete("x", agent="alone")
        monkeypatch.setenv("FIRST_KEY", "two")
        made.complete("x", agent="alone")
    assert [seen.headers["authorization"] for seen in server.requests] == ["Bearer one", "Bearer two"]
    assert server.connections == 1


def test_one_line_about_what_was_passed_over(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="llmroute")
    server.default = good(OPENAI)
    environ = {"FIRST_KEY": KEY, "LLMROUTE_MODEL": "fake/other"}
    with router(server, environ=environ) as made:
        made.complete(PROMPT, agent="alone")
    (line,) = [row.getMessage() for row in caplog.records if row.name == "llmroute"]
    assert line.startswith("alone → first/m-1; ")
    for word in ("agents.alone", "env LLMROUTE_MODEL", "passed over"):
        assert word in line
    assert KEY not in line
    assert PROMPT not in line


def test_no_line_where_nothing_was_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="llmroute")
    with Router.from_str("version: 1\ndefaults: {model: mock/x}\n", environ={}) as made:
        made.complete(PROMPT)
    assert caplog.records == []


def test_one_router_in_many_threads(server: FaultServer) -> None:
    server.default = good(OPENAI)
    found: list[str] = []
    with router(server) as made:

        def work() -> None:
            found.extend(made.complete(PROMPT, agent="alone").text for _ in range(5))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == ["Four."] * 40


def test_one_router_in_several_event_loops(server: FaultServer) -> None:
    server.default = good(OPENAI)
    made = router(server)

    async def main() -> list[Reply]:
        try:
            return await asyncio.gather(*(made.acomplete(PROMPT, agent="alone") for _ in range(5)))
        finally:
            await made.aclose()

    for _ in range(2):
        assert [reply.text for reply in asyncio.run(main())] == ["Four."] * 5


def test_a_mock_call_loads_no_http_library() -> None:
    code = (
        "import sys; from llmroute.dispatch.router import Router;"
        "Router.from_mapping({'version': 1, 'defaults': {'model': 'mock/x'}}, environ={}).complete('x');"
        "print(sorted({'httpx2', 'openai', 'anthropic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
