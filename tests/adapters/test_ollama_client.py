"""Ollama's own Python client, against the fake and beside our adapter: all three agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ollama
import pytest

from llmroute.adapters.base import Call
from llmroute.routing.route import Target
from llmroute.wire.chat import (
    ChatRequest,
    Finish,
    Image,
    Params,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    assistant,
    system,
    tool_result,
    user,
)
from tests.adapters.fake_ollama import FakeOllama, Model, Says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.base import Adapter

MODEL = "qwen3:8b"
HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "How warm it is", "parameters": SCHEMA}
CALLS = ({"name": "weather", "arguments": {"city": "Turin"}}, {"name": "weather", "arguments": {"city": "Ürümqi"}})


@pytest.fixture
def fake() -> FakeOllama:
    return FakeOllama()


@pytest.fixture
def url(fake: FakeOllama) -> Iterator[str]:
    with fake.serve() as server:
        yield server.url


@pytest.fixture
def client(url: str) -> Iterator[ollama.Client]:
    with ollama.Client(url, trust_env=False) as client:
        yield client


def call(url: str, request: ChatRequest, model: str = MODEL) -> Call:
    target = Target(provider="box", api="ollama-chat", base_url=url, model=model, locality="local", auth="none")
    return Call(target, request, None, 5.0)


def last(http: Adapter, made: Call) -> Reply:
    *_, event = http.stream(made)
    assert isinstance(event, Finish)
    return event.reply


def same(ours: Reply, theirs: ollama.ChatResponse) -> None:
    """The adapter's reply says what the client's response says."""
    assert (ours.text, ours.thinking or None) == (theirs.message.content, theirs.message.thinking)
    calls = [(one.function.name, dict(one.function.arguments)) for one in theirs.message.tool_calls or ()]
    assert [(one.name, one.parsed()) for one in ours.tool_calls] == calls
    assert ours.usage is not None
    assert (ours.usage.input_tokens, ours.usage.output_tokens) == (theirs.prompt_eval_count, theirs.eval_count)
    assert ours.extra["box"]["total_duration"] == theirs.total_duration
    assert ours.extra["box"]["created_at"] == theirs.created_at
    assert (theirs.done, theirs.done_reason) == (True, "length" if ours.stop_reason == "length" else "stop")


@pytest.mark.parametrize(
    ("says", "params"),
    [
        (Says("It is four."), {}),
        (Says("It is four.", thinking="two and two"), {}),
        (Says("It is four."), {"max_tokens": 2}),
        (Says("", calls=CALLS), {}),
        (Says("I look.", thinking="hm", calls=CALLS[:1]), {}),
    ],
)
def test_a_whole_answer(
    fake: FakeOllama, client: ollama.Client, url: str, http: Adapter, *, says: Says, params: dict[str, Any]
) -> None:
    fake.says = says
    options = {"num_predict": params["max_tokens"]} if params else {}
    tools = [{"type": "function", "function": FUNCTION}]
    theirs = client.chat(MODEL, HI, tools=tools, options=options)
    request = ChatRequest((user("Hi"),), tools=(Tool(**FUNCTION),), params=Params(**params))  # type: ignore[arg-type]
    same(http.complete(call(url, request)), theirs)
    same(last(http, call(url, request)), theirs)


def test_a_stream(fake: FakeOllama, client: ollama.Client, url: str, http: Adapter) -> None:
    fake.says = Says("It is four.", thinking="two and two")
    theirs = list(client.chat(MODEL, HI, stream=True))
    ours = [event for event in http.stream(call(url, ChatRequest((user("Hi"),)))) if event.type.endswith("_delta")]
    pieces = [(one.message.thinking or "") + (one.message.content or "") for one in theirs]
    assert [event.text for event in ours] == [piece for piece in pieces if piece]  # type: ignore[union-attr]


def without_ids(body: Any) -> Any:
    """The client tells no ids, though the API has them."""
    if isinstance(body, dict):
        return {name: without_ids(value) for name, value in body.items() if name not in {"id", "tool_call_id"}}
    return [without_ids(one) for one in body] if isinstance(body, list) else body


def test_both_send_the_same(fake: FakeOllama, client: ollama.Client, url: str, http: Adapter) -> None:
    asked = ToolCall("call_1", "weather", '{"city":"Turin"}')
    request = ChatRequest(
        (
            system("Be brief."),
            user([Image(data="iVBORw0KGgo=", media_type="image/png"), Text("How warm is it?")]),
            assistant([Thinking("Ask."), Text("I look.")], tool_calls=[asked]),
            tool_result(asked, "19 °C"),
        ),
        tools=(Tool(**FUNCTION),),  # type: ignore[arg-type]
        response_format=ResponseFormat("json_schema", schema=SCHEMA),
        params=Params(temperature=0.5, seed=7, max_tokens=9, stop=("x",), reasoning_effort="high"),
        extra={"ollama-chat": {"keep_alive": "5m", "options": {"num_ctx": 8192}}},
    )
    http.complete(call(url, request))
    client.chat(
        MODEL,
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it?", "images": ["iVBORw0KGgo="]},
            {
                "role": "assistant",
                "content": "I look.",
                "thinking": "Ask.",
                "tool_calls": [{"function": CALLS[0]}],
            },
            {"role": "tool", "content": "19 °C", "tool_name": "weather"},
        ],
        tools=[{"type": "function", "function": FUNCTION}],
        format=SCHEMA,
        think="high",
        keep_alive="5m",
        options={"temperature": 0.5, "seed": 7, "num_predict": 9, "stop": ["x"], "num_ctx": 8192},
    )
    (_, ours), (_, theirs) = fake.seen
    assert without_ids(ours) == theirs


@pytest.mark.parametrize(
    ("model", "fields", "status", "words"),
    [
        ("nope", {}, 404, "model 'nope' not found"),
        ("plain", {"think": True}, 400, '"plain" does not support thinking'),
        ("plain", {"tools": [{"type": "function", "function": FUNCTION}]}, 400, "plain does not support tools"),
        (MODEL, {"think": "xhigh"}, 400, "invalid think value"),
        (MODEL, {"options": {"num_ctx": "many"}}, 400, 'option "num_ctx" must be of type integer'),
    ],
)
def test_what_the_fake_refuses(
    fake: FakeOllama, client: ollama.Client, *, model: str, fields: dict[str, Any], status: int, words: str
) -> None:
    fake.models["plain"] = Model(capabilities=("completion",))
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError, match=words) as caught:
            list(client.chat(model, HI, stream=stream, **fields))
        assert caught.value.status_code == status


def test_a_full_queue_and_a_broken_stream(fake: FakeOllama, client: ollama.Client) -> None:
    fake.breaks_after = 1
    with pytest.raises(ollama.ResponseError, match="CUDA error"):
        list(client.chat(MODEL, HI, stream=True))
    fake.queue_is_full = True
    with pytest.raises(ollama.ResponseError, match="maximum pending requests") as caught:
        client.chat(MODEL, HI)
    assert caught.value.status_code == 503


def test_a_model_is_loaded_and_unloaded(client: ollama.Client) -> None:
    assert client.chat(MODEL).done_reason == "load"
    assert client.chat(MODEL, keep_alive=0).done_reason == "unload"


def test_what_there_is(client: ollama.Client) -> None:
    assert [one.model for one in client.list().models] == ["qwen3:8b", "llama3.2:latest"]
    shown = client.show("llama3.2:latest")
    assert shown.capabilities == ["completion", "tools", "thinking", "vision"]
    assert (shown.modelinfo or {})["qwen3.context_length"] == 131_072


def test_a_long_conversation_loses_its_beginning(fake: FakeOllama, client: ollama.Client) -> None:
    fake.models[MODEL] = Model(num_ctx=16)
    told = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "a " * 10},
        {"role": "user", "content": "b " * 10},
    ]
    assert client.chat(MODEL, told).prompt_eval_count == 12
    assert client.chat(MODEL, told, options={"num_ctx": 64}).prompt_eval_count == 22
    assert client.chat(MODEL, [{"role": "user", "content": "c " * 99}]).prompt_eval_count == 10
