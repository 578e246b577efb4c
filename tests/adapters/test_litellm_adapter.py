"""LiteLLM against servers on loopback: answers, streams, tools, failures, and what it is kept from doing."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import adapters
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    CallError,
    ConnectError,
    ConversionError,
    LLMRouteError,
    MalformedReplyError,
    MissingExtraError,
    ModelNotFoundError,
    PolicyError,
    RateLimitError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.testing import FaultServer, Hang, Pause, Reset, answer, good_answer, good_stream
from llmroute.wire.chat import ChatRequest, Params, Tool, Usage, tool_result, user
from tests.adapters.fake_ollama import FakeOllama, Says
from tests.adapters.samples import KEY, PROMPT, aclosing, acollect, texts
from tests.adapters.samples import call as plain_call
from tests.extras import need

need("litellm", "litellm")
from llmroute.adapters.litellm_calls import OVER_HTTPX, OVER_SDK  # noqa: E402 - the module needs nothing, the tests do

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmroute.adapters.base import Adapter, Call
    from llmroute.testing import Script, Seen

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM warns of its own code
ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
VENDORS = {"openai/gpt-x": "openai-chat", "anthropic/claude-x": "anthropic-messages"}
VENDOR = pytest.mark.parametrize("model", VENDORS)


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_behind() -> Iterator[None]:
    """LiteLLM leaves an event loop, which warns when it is found: here, where its warnings are none of anybody's."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def adapter() -> Iterator[Adapter]:
    made = adapters.create("litellm")
    yield made
    made.close()


def call(server: FaultServer | str, model: str = "openai/gpt-x", **changes: Any) -> Call:
    url = server if isinstance(server, str) else server.url
    path = "" if model.startswith(("anthropic/", "ollama")) else "/v1"
    return plain_call(url, "litellm", **{"base_url": url + path, "model": model, **changes})


def by_api(seen: Seen) -> Script:
    """A server that speaks both APIs of vendors, whole and streamed."""
    api = "anthropic-messages" if seen.path.endswith("/messages") else "openai-chat"
    return good_stream(api, "Fo", "ur.") if seen.json.get("stream") else good_answer(api)


def blocking(adapter: Adapter, made: Call) -> Any:
    return adapter.complete(made)


def streaming(adapter: Adapter, made: Call) -> Any:
    return list(adapter.stream(made))[-1].reply  # type: ignore[union-attr] # a stream ends with Finish


def asynchronous(_: Adapter, made: Call) -> Any:
    return asyncio.run(aclosing(adapters.create("litellm"), made))


def astreaming(_: Adapter, made: Call) -> Any:
    async def collect() -> Any:
        adapter = adapters.create("litellm")
        try:
            return (await acollect(adapter, made))[-1]
        finally:
            await adapter.aclose()

    return asyncio.run(collect()).reply


WAYS = pytest.mark.parametrize("ask", [blocking, streaming, asynchronous, astreaming])


# -- Answers


@VENDOR
@WAYS
def test_text_and_usage(adapter: Adapter, model: str, ask: Callable[..., Any]) -> None:
    with FaultServer(by_api) as server:
        reply = ask(adapter, call(server, model))
    assert (reply.text, reply.stop_reason, reply.warnings) == ("Four.", "stop", ())
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 2)


def test_pieces_of_a_stream(adapter: Adapter) -> None:
    with FaultServer(by_api) as server:
        assert texts(list(adapter.stream(call(server)))) == ["Fo", "ur."]
        assert server.requests[0].json["stream_options"] == {"include_usage": True}


@VENDOR
def test_tools_there_and_back(adapter: Adapter, model: str) -> None:
    api = VENDORS[model]
    with FaultServer(good_answer(api, "", {"add": {"a": 2}})) as server:
        made = replace(call(server, model), request=ChatRequest((user("2 + 2?"),), tools=(ADD,)))
        reply = adapter.complete(made)
        (wanted,) = reply.tool_calls
        assert (wanted.name, wanted.parsed(), reply.stop_reason) == ("add", {"a": 2}, "tool_calls")
        server.default = good_answer(api)
        history = (*made.request.messages, reply.message, tool_result(wanted, "4"))
        assert adapter.complete(replace(made, request=ChatRequest(history, tools=(ADD,)))).text == "Four."
        sent = server.requests[-1].json
    last = sent["messages"][-1]
    if api == "openai-chat":
        assert (last["role"], last["tool_call_id"], last["content"]) == ("tool", wanted.id, "4")
        assert "provider_specific_fields" not in str(sent)
    else:
        assert last["content"][0]["tool_use_id"] == wanted.id


@WAYS
def test_an_ollama(adapter: Adapter, ask: Callable[..., Any]) -> None:
    fake = FakeOllama(says=Says("", calls=({"name": "add", "arguments": {"a": 2}},)))
    with fake.serve() as server:
        model = next(iter(fake.models))
        request = ChatRequest((user("2 + 2?"),), tools=(ADD,))
        reply = ask(adapter, replace(call(server, f"ollama_chat/{model}"), request=request))
    assert [(wanted.name, wanted.parsed()) for wanted in reply.tool_calls] == [("add", {"a": 2})]
    assert [path for path, _ in fake.seen if not path.endswith("/api/show")] == ["/api/chat"]


def test_what_the_endpoint_says_goes_along(adapter: Adapter) -> None:
    made_with = {"headers": {"X-Team": "compilers"}, "extra_body": {"logit_bias": {"1": 2}}}
    with FaultServer(by_api) as server:
        made = call(server, **made_with)
        adapter.complete(replace(made, request=replace(made.request, params=Params(temperature=0, max_tokens=9))))
        (seen,) = server.requests
    assert (seen.headers["x-team"], seen.headers["authorization"]) == ("compilers", f"Bearer {KEY}")
    assert (seen.json["temperature"], seen.json["max_tokens"], seen.json["logit_bias"]) == (0, 9, {"1": 2})


def test_fields_that_the_provider_does_not_have_are_left_out_with_a_warning(adapter: Adapter) -> None:
    fake = FakeOllama()
    with fake.serve() as server:
        made = call(server, f"ollama_chat/{next(iter(fake.models))}")
        request = replace(made.request, params=Params(presence_penalty=1, temperature=0.5))
        reply = adapter.complete(replace(made, request=request))
        assert reply.warnings == ("presence_penalty: LiteLLM's ollama_chat has no such field",)
        strict = replace(made.endpoint, quirks={"on_unsupported": "error"})  # type: ignore[type-var] # it is a Target
        with pytest.raises(ConversionError, match="presence_penalty"):
            adapter.complete(replace(made, endpoint=strict, request=request))


# -- Which connections


@pytest.mark.parametrize("provider", sorted(OVER_SDK | OVER_HTTPX))
def test_these_providers_send_over_our_connections(
    adapter: Adapter, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"} if provider == "bedrock" else {}
    for name, value in keyless.items():
        monkeypatch.setenv(name, value)
    model = "anthropic.claude-3-haiku-20240307-v1:0" if provider == "bedrock" else "model-x"
    extra = {"aws_region_name": "us-east-1"} if provider == "bedrock" else {}
    with FaultServer(answer(429, {"error": {"message": "slow down"}}, {"retry-after": "7"})) as server:
        made = call(server, f"{provider}/{model}", extra_body=extra, auth="none" if keyless else "bearer")
        for ask in (blocking, asynchronous):
            if keyless and find_spec("boto3") is None:  # what LiteLLM needs for it, and does not bring along
                with pytest.raises(RequestError, match="boto3"):
                    ask(adapter, made)
                continue
            with pytest.raises(RateLimitError, match="slow down") as failed:
                ask(adapter, made)
            assert failed.value.retry_after_s == 7
        # LiteLLM's own connections would not say so, nor ask for an answer that is not compressed.
        chats = [seen for seen in server.requests if not seen.path.endswith("/api/show")]
        assert {seen.headers["accept-encoding"] for seen in chats} <= {"identity"}
        assert len(chats) == (0 if keyless and find_spec("boto3") is None else 2)


def test_a_near_target_is_refused_where_litellm_has_connections_of_its_own(adapter: Adapter) -> None:
    with FaultServer(by_api) as server:
        for locality in ("local", "lan"):
            with pytest.raises(PolicyError, match="connections of its own"):
                adapter.complete(call(server, "azure/gpt-x", locality=locality))
    assert server.requests == []


@WAYS
def test_a_server_that_is_not_where_the_target_says_gets_nothing(adapter: Adapter, ask: Callable[..., Any]) -> None:
    with FaultServer(by_api) as server, pytest.MonkeyPatch.context() as patched:
        patched.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("192.0.2.1", server.port))])
        with pytest.raises(PolicyError, match="not this machine"):
            ask(adapter, call(f"http://box.localhost:{server.port}"))
    assert server.requests == []


def test_a_redirect_is_not_followed(adapter: Adapter) -> None:
    with FaultServer(by_api) as other, FaultServer(answer(307, b"", {"location": f"{other.url}/v1"})) as server:
        for model in VENDORS:
            with pytest.raises(MalformedReplyError, match="redirect"):
                adapter.complete(call(server, model))
        assert other.requests == []


# -- Failures


@VENDOR
@WAYS
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestError),
        (401, AuthenticationError),
        (404, ModelNotFoundError),
        (429, RateLimitError),
        (500, ServerError),
    ],
)
def test_statuses(adapter: Adapter, model: str, ask: Callable[..., Any], status: int, kind: type[CallError]) -> None:
    body = {"error": {"message": f"It is so. {PROMPT} {KEY}"}}
    with FaultServer(answer(status, body, {"retry-after": "7"})) as server:
        with pytest.raises(kind, match="It is so") as failed:
            ask(adapter, call(server, model))
        assert (failed.value.status, failed.value.retry_after_s) == (status, 7.0)
        assert (failed.value.provider, failed.value.__context__) == ("srv", None)
        assert PROMPT not in str(failed.value)
        assert KEY not in str(failed.value)
        assert len(server.requests) == 1  # nothing is asked again


@VENDOR
@WAYS
def test_no_server(adapter: Adapter, model: str, ask: Callable[..., Any], closed_port: int) -> None:
    with pytest.raises(ConnectError, match="cannot reach"):
        ask(adapter, call(f"http://127.0.0.1:{closed_port}", model))


@VENDOR
@WAYS
def test_silence(adapter: Adapter, model: str, ask: Callable[..., Any]) -> None:
    with FaultServer([Hang()]) as server, pytest.raises(AmbiguousError, match="did not answer within"):
        ask(adapter, call(server, model, timeout_s=0.3))


@VENDOR
@pytest.mark.parametrize("ask", [streaming, astreaming])
@pytest.mark.parametrize("end", [[Reset()], [Hang()], [b"0\r\n\r\n"]], ids=["reset", "silence", "end"])
def test_streams_that_break_off(adapter: Adapter, model: str, ask: Callable[..., Any], end: Any) -> None:
    begun = good_stream(VENDORS[model], "Fo", "ur.")[:3]
    with FaultServer([*begun, Pause(0.05), *end]) as server, pytest.raises(TruncatedStreamError) as failed:
        ask(adapter, call(server, model, timeout_s=2.0, idle_s=0.3))
    assert failed.value.partial.text == "Fo"


@VENDOR
@WAYS
@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"choices": []}'])
def test_what_is_no_answer(adapter: Adapter, model: str, ask: Callable[..., Any], body: str) -> None:
    with FaultServer(answer(200, body, {"content-type": "application/json"})) as server:
        with pytest.raises((MalformedReplyError, TruncatedStreamError)) as failed:
            ask(adapter, call(server, model))
        assert failed.value.__context__ is None


@VENDOR
def test_closing_a_stream_closes_the_connection(adapter: Adapter, model: str) -> None:
    begun = good_stream(VENDORS[model], "Fo", "ur.")[:3]
    with FaultServer([*begun, Hang()]) as server:
        events = adapter.stream(call(server, model))
        while next(events).type != "text_delta":
            pass
        events.close()
        assert server.requests[0].hung_up.wait(2)

        async def cancelled() -> None:
            made = adapters.create("litellm")
            task = asyncio.ensure_future(acollect(made, call(server, model)))
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.wait([task])
            await made.aclose()

        asyncio.run(cancelled())
        assert server.requests[1].hung_up.wait(2)


@pytest.mark.parametrize("ask", [blocking, streaming])
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (404, ModelNotFoundError), (429, RateLimitError), (500, ServerError)],
)
def test_failures_on_litellm_s_own_connections_are_told_by_its_classes(
    adapter: Adapter, status: int, kind: type[CallError], ask: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with FaultServer(answer(status, {"error": {"message": f"Ah. {PROMPT}"}}, {"retry-after": "7"})) as server:
        made = call(server, "azure/gpt-x", locality="remote", api_version="2024-10-21")
        with pytest.raises(kind, match="Ah") as failed:
            ask(adapter, made)
    assert (failed.value.status, failed.value.__context__) == (status, None)
    assert PROMPT not in str(failed.value)
    assert failed.value.retry_after_s in {7.0, None}
    assert capfd.readouterr().out == ""


# -- What can't be asked


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "zzz/m"}, "knows no provider"),
        ({"model": "huggingface/https://evil.example"}, "knows no provider"),
        ({"base_url": "mock://mock"}, "URLs of HTTP alone"),
        ({"extra_body": {"api_base": "https://evil.example"}}, "api_base in extra_body"),
        ({"extra_body": {"mock_response": "Four."}}, "mock_response in extra_body"),
    ],
)
def test_what_is_refused(
    adapter: Adapter, changes: dict[str, Any], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with FaultServer(by_api) as server:
        with pytest.raises(RequestError, match=words):
            adapter.complete(call(server, **changes))
        assert server.requests == []
    assert capfd.readouterr().out == ""


# -- What it does not do


CANARIES = {
    "OPENAI_API_KEY": "canary-1",
    "OPENAI_BASE_URL": "http://canary-2.example",
    "OPENAI_API_BASE": "http://canary-3.example",
    "OPENAI_ORGANIZATION": "canary-4",
    "OPENAI_ORG_ID": "canary-5",
    "OPENAI_PROJECT_ID": "canary-6",
    "OPENAI_CUSTOM_HEADERS": "X-Canary: canary-7",
    "ANTHROPIC_API_KEY": "canary-8",
    "ANTHROPIC_BASE_URL": "http://canary-9.example",
    "ANTHROPIC_AUTH_TOKEN": "canary-10",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@VENDOR
@WAYS
@pytest.mark.parametrize("key", [KEY, None])
def test_the_environment_adds_nothing(
    adapter: Adapter, model: str, ask: Callable[..., Any], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    with FaultServer(by_api) as server:
        assert ask(adapter, call(server, model, key=key)).text == "Four."
        assert b"canary" not in server.requests[0].raw.replace(KEY.encode(), b"")


def test_without_a_key_the_environment_may_have_one_where_the_spec_says_so(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")
    with FaultServer(by_api) as server:
        adapter.complete(call(server, "anthropic/claude-x", key=None, auth="none"))
        assert server.requests[0].headers["x-api-key"] == "from-the-environment"


def test_callbacks_and_globals_of_the_program_stay_as_they_are(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from llmroute.adapters.litellm_library import library

    litellm = library()
    told: list[object] = []
    for name in ("success_callback", "failure_callback"):
        monkeypatch.setattr(litellm, name, [lambda *args: told.append(args)])
    monkeypatch.setattr(litellm, "num_retries", 3)
    before = {name: value for name, value in vars(litellm).items() if isinstance(value, str | int | float | None)}
    with FaultServer(by_api) as server:
        adapter.complete(call(server))
        list(adapter.stream(call(server)))
        server.default = answer(500, {"error": {"message": "x"}})
        with pytest.raises(ServerError):
            adapter.complete(call(server))
        assert len(server.requests) == 3
    after = {name: value for name, value in vars(litellm).items() if name in before}
    assert after == before
    assert told == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ask", [asynchronous, astreaming])
def test_nothing_outlives_a_call(adapter: Adapter, ask: Callable[..., Any]) -> None:
    with FaultServer(by_api) as server, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ask(adapter, call(server))
        gc.collect()
    assert [str(row.message) for row in told if "never awaited" in str(row.message)] == []


def test_the_program_s_own_calls_print_as_ever(capfd: pytest.CaptureFixture[str]) -> None:
    from llmroute.adapters.litellm_library import library

    with pytest.raises(library().exceptions.BadRequestError):
        library().get_llm_provider("zzz/m")
    assert "Provider List" in capfd.readouterr().out


def test_it_is_imported_at_the_first_call_without_a_look_around(tmp_path: Any) -> None:
    (tmp_path / ".env").write_text("LEAKED=canary\n")
    code = (
        "import os, sys, socket\n"
        "def guard(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(f'{event} {args}')\n"
        "sys.addaudithook(guard)\n"
        "from llmroute import adapters\n"
        "adapters.create('litellm')\n"
        "assert 'litellm' not in sys.modules\n"
        "before = dict(os.environ)\n"
        "from llmroute.adapters.litellm_library import library\n"
        "library()\n"
        "assert not {name for name in set(os.environ) - set(before) if not name.startswith('TIKTOKEN')}, os.environ\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM")}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=tmp_path, env=clean)


def test_without_litellm_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from llmroute.adapters import litellm_library

    monkeypatch.setattr(litellm_library, "_library", None)
    monkeypatch.setitem(sys.modules, "litellm", None)
    for ask in (blocking, asynchronous):
        with pytest.raises(MissingExtraError, match=r"llmroute\[litellm\]") as failed:
            ask(adapters.create("litellm"), call("http://127.0.0.1:9"))
        assert failed.value.extra == "litellm"
        assert isinstance(failed.value, LLMRouteError)


def test_reasoning_comes_through(adapter: Adapter) -> None:
    message = {"role": "assistant", "content": "Four.", "reasoning_content": "Hm."}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    with FaultServer(answer(200, body)) as server:
        reply = adapter.complete(call(server))
    assert (reply.thinking, reply.text) == ("Hm.", "Four.")
    assert reply.usage == Usage(input_tokens=7, output_tokens=2)


def test_the_page_names_the_providers_that_send_over_our_connections() -> None:
    page = (Path(__file__).parents[2] / "docs/litellm-oracle.md").read_text(encoding="utf-8")
    named = page.partition("Those are:")[2].partition("\n\n")[2].partition(".\n\n")[0]
    assert named.replace("\n", " ").split(", ") == [f"`{name}`" for name in sorted(OVER_SDK | OVER_HTTPX)]
