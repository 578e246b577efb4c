"""Ollama's own API through the adapter on plain HTTP, against a server that answers as Ollama's documentation says."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import adapters
from llmroute.adapters.base import Call
from llmroute.adapters.formats import prepare
from llmroute.errors import (
    AmbiguousError,
    CallError,
    ConnectError,
    ContextLengthError,
    ConversionError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.routing.route import Target
from llmroute.testing import Close, FaultServer, Hang, answer, chunk, stream
from llmroute.wire.chat import (
    ChatRequest,
    Event,
    Finish,
    Image,
    Params,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    Usage,
    assistant,
    system,
    tool_result,
    user,
)
from tests.adapters.fake_ollama import FakeOllama, Model, Says

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.adapters.base import Adapter

API = "ollama-chat"
PROMPT = "the prompt that must never show up in any message"
WEATHER = Tool("weather", "How warm it is", {"type": "object", "properties": {"city": {"type": "string"}}})
MODEL = "qwen3:8b"


@pytest.fixture
def fake() -> FakeOllama:
    return FakeOllama()


@pytest.fixture
def url(fake: FakeOllama) -> Iterator[str]:
    with fake.serve() as server:
        yield server.url


def at(url: str, model: str = MODEL, **changes: Any) -> Target:
    given = {"provider": "box", "base_url": url, "locality": "local", "auth": "bearer", **changes}
    return Target(api=API, model=model, **given)


def call(url: str, request: ChatRequest | None = None, *, timeout_s: float = 5.0, **changes: Any) -> Call:
    return Call(at(url, **changes), request or ChatRequest((user(PROMPT),)), None, timeout_s)


def last(events: list[Event]) -> Reply:
    assert isinstance(events[-1], Finish)
    return events[-1].reply


def ask(http: Adapter, made: Call, how: str) -> Reply:
    """The reply, however it is asked for."""
    match how:
        case "complete":
            return http.complete(made)
        case "stream":
            return last(list(http.stream(made)))
        case "acomplete":
            return asyncio.run(_acomplete(http, made))
        case _:
            return last(asyncio.run(_astream(http, made)))


async def _acomplete(http: Adapter, made: Call) -> Reply:
    try:
        return await http.acomplete(made)
    finally:
        await http.aclose()


async def _astream(http: Adapter, made: Call) -> list[Event]:
    try:
        return [event async for event in http.astream(made)]
    finally:
        await http.aclose()


HOW = pytest.mark.parametrize("how", ["complete", "stream", "acomplete", "astream"])
BOTH = pytest.mark.parametrize("how", ["complete", "stream"])


# -- requests


@pytest.mark.parametrize("path", ["", "/v1", "/api"])
def test_the_url(fake: FakeOllama, url: str, http: Adapter, path: str) -> None:
    assert http.complete(call(url + path)).text == "Four."
    assert [seen for seen, _ in fake.seen] == ["/api/chat"]


def test_the_url_behind_a_path() -> None:
    assert prepare(call("http://h/ollama/v1"), stream=False).url == "http://h/ollama/api/chat"


@pytest.mark.parametrize("transport", ["http", "sdk"])
def test_the_adapter(transport: str) -> None:
    assert adapters.adapter_name(at("http://h", transport=transport)) == "http"


def test_headers() -> None:
    ready = prepare(call("http://h"), stream=True)
    assert ready.headers["accept"] == "application/x-ndjson"
    assert prepare(call("http://h"), stream=False).headers["accept"] == "application/json"


def body(extra_body: Mapping[str, Any], **params: Any) -> dict[str, Any]:
    request = ChatRequest((user("Hi"),), params=Params(**params))
    return prepare(call("http://h", request, extra_body=extra_body), stream=False).body


def test_extra_body_adds_to_the_options_and_is_stronger() -> None:
    made = body({"options": {"num_ctx": 8192, "seed": 9}, "keep_alive": "5m"}, seed=1, temperature=0.5)
    assert made["options"] == {"seed": 9, "temperature": 0.5, "num_ctx": 8192}
    assert made["keep_alive"] == "5m"


def test_extra_body_where_there_are_no_options() -> None:
    assert body({"options": {"num_ctx": 8192}})["options"] == {"num_ctx": 8192}
    assert "options" not in body({"keep_alive": -1})
    assert body({"options": None}, seed=1)["options"] is None


def test_extra_body_replaces_all_else() -> None:
    form = ResponseFormat("json_schema", schema={"type": "object", "title": "t"})
    request = ChatRequest((user("Hi"),), response_format=form)
    ready = prepare(call("http://h", request, extra_body={"format": {"type": "array"}}), stream=False)
    assert ready.body["format"] == {"type": "array"}


def test_extra_body_of_other_apis_replaces_what_is_there() -> None:
    given = {"metadata": {"a": "1"}}
    target = Target(provider="p", api="openai-chat", base_url="http://h", model="m", locality="lan", extra_body=given)
    request = ChatRequest((user("Hi"),), metadata={"b": "2"})
    assert prepare(Call(target, request), stream=False).body["metadata"] == {"a": "1"}


def test_everything_that_a_request_can_say_is_taken(fake: FakeOllama, url: str, http: Adapter) -> None:
    asked = ToolCall("call_1", "weather", '{"city":"Turin"}')
    request = ChatRequest(
        (
            system("Be brief."),
            user([Image(data="iVBORw0KGgo=", media_type="image/png"), Text("How warm is it?")]),
            assistant([Thinking("Ask.")], tool_calls=[asked]),
            tool_result(asked, "19 °C"),
        ),
        tools=(WEATHER,),
        response_format=ResponseFormat("json_object"),
        params=Params(
            temperature=0.5, top_p=0.9, top_k=40, seed=7, max_tokens=100, stop=("x",), reasoning_effort="low"
        ),
    )
    http.complete(call(url, request, extra_body={"options": {"num_ctx": 8192}, "keep_alive": "5m"}))
    ((_, sent),) = fake.seen
    assert sent == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it?", "images": ["iVBORw0KGgo="]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "Ask.",
                "tool_calls": [{"id": "call_1", "function": {"name": "weather", "arguments": {"city": "Turin"}}}],
            },
            {"role": "tool", "content": "19 °C", "tool_name": "weather", "tool_call_id": "call_1"},
        ],
        "stream": False,
        "tools": [
            {
                "type": "function",
                "function": {"name": "weather", "description": "How warm it is", "parameters": WEATHER.parameters},
            }
        ],
        "think": "low",
        "format": "json",
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 40,
            "seed": 7,
            "num_predict": 100,
            "stop": ["x"],
            "num_ctx": 8192,
        },
        "keep_alive": "5m",
    }


def test_an_image_by_url_is_refused_before_anything_is_sent(fake: FakeOllama, url: str, http: Adapter) -> None:
    with pytest.raises(ConversionError, match="fetches no images"):
        http.complete(call(url, ChatRequest((user(Image("https://a.example/a.png")),))))
    assert fake.seen == []


# -- answers


@HOW
def test_an_answer(fake: FakeOllama, url: str, http: Adapter, how: str) -> None:
    fake.says = Says("It is four.", thinking="two and two")
    reply = ask(http, call(url), how)
    assert (reply.text, reply.thinking, reply.stop_reason) == ("It is four.", "two and two", "stop")
    assert reply.usage == Usage(input_tokens=10, output_tokens=6)
    assert (reply.model, reply.warnings) == (MODEL, ())
    assert reply.extra["box"]["total_duration"] == 4_883_583_458
    assert reply.message.content[0] == Thinking("two and two", source="box")


@HOW
@pytest.mark.parametrize("with_ids", [True, False])
def test_tools(fake: FakeOllama, url: str, http: Adapter, how: str, with_ids: bool) -> None:  # noqa: FBT001 - a parameter
    arguments = ({"city": "Turin"}, {"city": "Ürümqi"})
    fake.says = Says("", calls=tuple({"name": "weather", "arguments": one} for one in arguments))
    fake.with_ids = with_ids
    request = ChatRequest((user("How warm is it?"),), tools=(WEATHER,))
    reply = ask(http, call(url, request), how)
    assert [one.parsed() for one in reply.tool_calls] == list(arguments)
    assert reply.stop_reason == "tool_calls"
    ids = [one.id for one in reply.tool_calls]
    assert len(set(ids)) == 2
    results = tuple(tool_result(one, "19 °C") for one in reply.tool_calls)
    fake.says = Says("Warm.")
    after = ChatRequest((*request.messages, reply.message, *results), tools=(WEATHER,))
    assert ask(http, call(url, after), how).text == "Warm."
    assert [row["tool_call_id"] for row in fake.seen[-1][1]["messages"] if row["role"] == "tool"] == ids


@BOTH
def test_an_answer_that_is_cut(fake: FakeOllama, url: str, http: Adapter, how: str) -> None:
    fake.says = Says("one two three")
    reply = ask(http, call(url, ChatRequest((user("Hi"),), params=Params(max_tokens=2))), how)
    assert (reply.text.split(), reply.stop_reason) == (["one", "two"], "length")


@BOTH
def test_a_prompt_that_is_cut(fake: FakeOllama, url: str, http: Adapter, how: str) -> None:
    request = ChatRequest((user("word " * 100),))
    (warning,) = ask(http, call(url, request, extra_body={"options": {"num_ctx": 64}}), how).warnings
    assert warning == "num_ctx: the prompt has 34 tokens, to which Ollama cuts a longer one when num_ctx is 64"
    fake.keeps_half = False
    (warning,) = ask(http, call(url, request, extra_body={"options": {"num_ctx": 64}}), how).warnings
    assert "64 tokens" in warning
    assert ask(http, call(url, request, extra_body={"options": {"num_ctx": 128}}), how).warnings == ()


@BOTH
def test_a_prompt_that_may_not_be_cut(url: str, http: Adapter, how: str) -> None:
    extra_body = {"options": {"num_ctx": 64}, "truncate": False}
    with pytest.raises(ContextLengthError, match="longer than the context length") as caught:
        ask(http, call(url, ChatRequest((user("word " * 100),)), extra_body=extra_body), how)
    assert "num_ctx" in caught.value.hint


def test_a_model_that_is_only_loaded(url: str, http: Adapter) -> None:
    reply = http.complete(call(url, ChatRequest(()), extra_body={"keep_alive": 0}))
    assert reply.warnings[0] == "done_reason: unload: the request had no message, so nothing was answered"


# -- failures


def refused(made: Call, http: Adapter, how: str) -> CallError:
    with pytest.raises(CallError) as caught:
        ask(http, made, how)
    assert made.endpoint.model in caught.value.message
    assert PROMPT not in str(caught.value)
    return caught.value


@BOTH
def test_a_model_that_is_not_there(url: str, http: Adapter, how: str) -> None:
    failure = refused(call(url, model="nope"), http, how)
    assert type(failure) is ModelNotFoundError
    assert failure.message == f"box at {url} has no model 'nope' (404: model 'nope' not found)"


@BOTH
@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"tools": (WEATHER,)}, "a model that calls tools"),
        ({"params": Params(reasoning_effort="high")}, "leave `reasoning_effort` out"),
    ],
    ids=["tools", "thinking"],
)
def test_what_a_model_can_not_do(url: str, fake: FakeOllama, how: str, fields: Any, hint: str) -> None:
    fake.models["plain"] = Model(capabilities=("completion",))
    http = adapters.create("http")
    failure = refused(call(url, ChatRequest((user(PROMPT),), **fields), model="plain"), http, how)
    http.close()
    assert type(failure) is RequestError
    assert hint in failure.hint


def test_a_level_of_thinking_that_the_server_does_not_know(url: str, http: Adapter) -> None:
    with pytest.raises(RequestError, match="invalid think value") as caught:
        http.complete(call(url, extra_body={"think": "xhigh"}))
    assert "reasoning_effort" in caught.value.hint


@BOTH
def test_a_full_queue(fake: FakeOllama, url: str, http: Adapter, how: str) -> None:
    fake.queue_is_full = True
    with pytest.raises(OverloadedError, match="maximum pending requests exceeded"):
        ask(http, call(url), how)


@BOTH
def test_no_server(http: Adapter, closed_port: int, how: str) -> None:
    with pytest.raises(ConnectError, match="connection refused"):
        ask(http, call(f"http://127.0.0.1:{closed_port}"), how)


@BOTH
def test_a_server_that_is_no_ollama(server: FaultServer, http: Adapter, how: str) -> None:
    server.script(answer(404, "404 page not found"))
    with pytest.raises(RequestError, match="404 page not found") as caught:
        ask(http, call(server.url), how)
    assert "no /api/chat" in caught.value.hint


def test_the_same_words_of_another_api_are_about_the_model(server: FaultServer, http: Adapter) -> None:
    server.script(answer(404, "404 page not found"))
    target = Target(provider="p", api="openai-chat", base_url=server.url, model="m", locality="local", auth="bearer")
    with pytest.raises(ModelNotFoundError):
        http.complete(Call(target, ChatRequest((user("Hi"),)), None, 5.0))


@pytest.mark.parametrize(
    ("said", "cls"),
    [
        ("an error was encountered while running the model: CUDA error", ServerError),
        ("server busy, please try again.  maximum pending requests exceeded", OverloadedError),
        ("model 'x' not found", ModelNotFoundError),
        ('"x" does not support thinking', RequestError),
        ("the prompt is longer than the context length currently available to the model", ContextLengthError),
    ],
)
def test_an_error_in_a_stream(server: FaultServer, http: Adapter, said: str, cls: type[CallError]) -> None:
    line = json.dumps({"model": "m", "message": {"role": "assistant", "content": "Fo"}, "done": False})
    error = json.dumps({"error": said})
    for kind in ("application/x-ndjson", "application/json"):
        server.script(stream(f"{line}\n", f"{error}\n", kind=kind))
        events = http.stream(call(server.url))
        assert next(events).type == "text_delta"
        with pytest.raises(cls) as caught:
            next(events)
        assert type(caught.value) is cls
        assert caught.value.status == 200


def test_an_error_with_a_status_in_a_stream(server: FaultServer, http: Adapter) -> None:
    server.script(stream(json.dumps({"error": "no", "status": 429}), kind="application/x-ndjson"))
    with pytest.raises(CallError) as caught:
        list(http.stream(call(server.url)))
    assert caught.value.kind == "rate"


def test_the_fake_breaks_as_ollama_does(fake: FakeOllama, url: str, http: Adapter) -> None:
    fake.says, fake.breaks_after = Says("one two three"), 2
    with pytest.raises(ServerError, match="CUDA error"):
        list(http.stream(call(url)))


# -- streams on the wire

ROWS = [
    {"model": "m", "message": {"role": "assistant", "content": "Fo\u2028"}, "done": False},
    {"model": "m", "message": {"role": "assistant", "content": "ür."}, "done": False},
    {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"},
]
WIRE = "".join(json.dumps(row, ensure_ascii=False) + "\r\n\n" for row in ROWS).encode()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_cut_anywhere(server: FaultServer, http: Adapter, size: int) -> None:
    pieces = [WIRE[i : i + size] for i in range(0, len(WIRE), size)]
    server.script(stream(*pieces, kind="application/x-ndjson"))
    assert last(list(http.stream(call(server.url)))).text == "Fo\u2028ür."


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json", "text/plain"])
def test_a_last_line_without_its_end(server: FaultServer, http: Adapter, kind: str) -> None:
    server.script(stream(WIRE.rstrip(), kind=kind))
    assert last(list(http.stream(call(server.url)))).text == "Fo\u2028ür."


def test_a_server_that_does_not_stream(server: FaultServer, http: Adapter) -> None:
    row = {**ROWS[-1], "message": {"role": "assistant", "content": "Four."}}
    server.script(answer(200, row))
    assert last(list(http.stream(call(server.url)))).text == "Four."


@pytest.mark.parametrize("end", [[Close()], [b"0\r\n\r\n"]], ids=["closed", "ended"])
@pytest.mark.parametrize("lines", [1, 2])
def test_a_stream_that_ends_too_early(server: FaultServer, http: Adapter, end: list[Any], lines: int) -> None:
    sent = "".join(json.dumps(row) + "\n" for row in ROWS[:lines])
    server.script(stream(sent, end=end, kind="application/x-ndjson"))
    with pytest.raises(TruncatedStreamError) as caught:
        list(http.stream(call(server.url)))
    assert caught.value.partial.text.startswith("Fo")


def test_a_line_that_is_too_long(server: FaultServer, http: Adapter) -> None:
    server.script(stream(*[b"x" * (1 << 20)] * 9, kind="application/x-ndjson"))
    with pytest.raises(MalformedReplyError, match="larger than 8388608 bytes"):
        list(http.stream(call(server.url)))


def test_html_where_a_stream_was_asked_for(server: FaultServer, http: Adapter) -> None:
    server.script(answer(200, "<html>", {"content-type": "text/html"}))
    with pytest.raises(MalformedReplyError, match="HTML"):
        list(http.stream(call(server.url)))


def test_silence(server: FaultServer, http: Adapter) -> None:
    server.script([*stream(end=()), Hang()])
    with pytest.raises(AmbiguousError):
        list(http.stream(call(server.url, timeout_s=0.2)))


def test_who_leaves_closes_the_connection(server: FaultServer, http: Adapter) -> None:
    server.script([*stream(end=(), kind="application/x-ndjson"), chunk(json.dumps(ROWS[0]) + "\n"), Hang()])
    events = http.stream(call(server.url))
    assert next(events).type == "text_delta"
    events.close()
    assert server.requests[0].hung_up.wait(5)
