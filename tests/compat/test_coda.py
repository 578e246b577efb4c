"""Programs written against Coda's `BaseProvider` run on `CodaProvider`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.compat import coda
from llmroute.compat.coda import ChatCompletion, CodaProvider, Message, Model, Role, Tool
from llmroute.dispatch.router import Router
from llmroute.errors import (
    AuthenticationError,
    ConnectError,
    ModelNotFoundError,
    RateLimitError,
    RequestError,
    TruncatedStreamError,
)
from llmroute.testing import answer
from llmroute.wire.chat import ToolCall, Usage
from tests.compat.interfaces import NEEDED, defaults_of, parameters_of

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer

TIME = Tool("get_time", "What time it is.", {"type": "object", "properties": {"zone": {"type": "string"}}})
CALL = ToolCall("call_1", "get_time", '{"zone": "UTC"}')
COUNTED = Usage(input_tokens=5, output_tokens=7)
HELLO = [Message(Role.USER, "Hello there")]


def mock(router: Router) -> Any:
    return router.adapter("mock")


def script(router: Router, *answers: Any) -> None:
    mock(router).script(*answers)


@pytest.fixture
def provider(router: Router) -> CodaProvider:
    return CodaProvider(router, timeout=3)


PIECE = {"content": NEEDED, "model": NEEDED, "finish_reason": None, "tool_calls": None, "usage": None, "metadata": {}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tool", {"name": NEEDED, "description": NEEDED, "parameters": NEEDED}),
        ("ToolCall", {"id": NEEDED, "name": NEEDED, "arguments": NEEDED}),
        ("ToolResult", {"tool_call_id": NEEDED, "content": NEEDED, "is_error": False}),
        (
            "Message",
            {"role": NEEDED, "content": NEEDED, "name": None, "tool_calls": None, "tool_call_id": None, "metadata": {}},
        ),
        ("ChatCompletion", PIECE),
        ("ChatCompletionChunk", PIECE),
        (
            "Model",
            {"id": NEEDED, "name": NEEDED, "provider": NEEDED, "context_length": None, "max_tokens": None}
            | {"supports_streaming": True, "supports_functions": False, "metadata": {}},
        ),
    ],
)
def test_the_data_is_theirs_field_by_field(name: str, expected: dict[str, Any]) -> None:
    assert list(defaults_of(getattr(coda, name)).items()) == list(expected.items())


CHAT = {"messages": NEEDED, "model": NEEDED, "temperature": 0.7, "max_tokens": None, "top_p": None, "stop": None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, {**CHAT, "tools": None}) for name in ("chat", "chat_stream", "achat", "achat_stream")),
        ("list_models", {}),
        ("validate_model", {"model": NEEDED}),
        ("get_model_info", {"model": NEEDED}),
    ],
)
def test_the_signatures_are_theirs(name: str, expected: dict[str, Any]) -> None:
    assert list(parameters_of(getattr(CodaProvider, name)).items()) == list(expected.items())


def test_roles_and_the_provider_itself(provider: CodaProvider) -> None:
    assert [role.value for role in Role] == ["system", "user", "assistant", "tool"]
    assert provider.name == "strong"
    assert provider.config == {"timeout": 3}


async def agent(provider: CodaProvider, model: str, question: str) -> ChatCompletion:
    """Coda's agent: it looks the model up, and calls tools until there are none."""
    messages = [Message(Role.SYSTEM, "You are Coda."), Message(Role.USER, question)]
    info = next(row for row in provider.list_models() if row.id == model)
    while True:
        options: dict[str, Any] = {"tools": [TIME]} if info.supports_functions else {}
        response = await asyncio.to_thread(provider.chat, messages=messages, model=model, max_tokens=2000, **options)
        if not response.tool_calls:
            return response
        messages.append(Message(Role.ASSISTANT, response.content or "", tool_calls=response.tool_calls))
        calls = response.tool_calls
        messages += [Message(Role.TOOL, json.dumps(call.arguments), tool_call_id=call.id) for call in calls]


def test_an_agent_runs(router: Router) -> None:
    script(router, MockReply(tool_calls=(CALL,)), MockReply(chunks=("Noon.",), usage=COUNTED))
    response = asyncio.run(agent(CodaProvider(router, agent="worker"), "big", "What time is it?"))
    assert response == ChatCompletion(
        "Noon.",
        "mock:big",
        "stop",
        None,
        {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        {"target": "strong/big", "cost_usd": 0.0},
    )
    messages = mock(router).last_call.request.messages
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2].tool_calls[0].parsed() == {"zone": "UTC"}
    assert messages[3].content[0].tool_call_id == "call_1"


def test_a_chat_of_dictionaries_runs(provider: CodaProvider, router: Router) -> None:
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho"},
        {"role": "user", "content": "He"},
    ]
    response: Any = provider.chat(messages=history, model="", temperature=0.2, stop=["x"], top_p=0.5, seed=3)  # type: ignore[arg-type]
    assert (response.content, response.usage) == ("He", None)
    params = mock(router).last_call.request.params
    assert (params.temperature, params.stop, params.top_p, params.seed) == (0.2, ("x",), 0.5, 3)


def test_what_a_tool_message_says_of_itself_is_kept(provider: CodaProvider, router: Router) -> None:
    calls = [coda.ToolCall("1", "t", {}), coda.ToolCall("2", "t", {})]
    provider.chat(
        [
            Message(Role.USER, "x", metadata={"pinned": True}),
            Message(Role.ASSISTANT, "I look.", tool_calls=calls),
            Message(Role.TOOL, "no", tool_call_id="1", metadata={"is_error": True}),
            Message(Role.TOOL, "yes", tool_call_id="2", metadata={"pinned": True}),
        ],
        "big",
    )
    messages = mock(router).last_call.request.messages
    assert messages[0].content[0].pinned
    assert messages[1].text == "I look."
    assert [(m.content[0].is_error, m.content[0].pinned) for m in messages[2:]] == [(True, False), (False, True)]


def test_streams(provider: CodaProvider, router: Router) -> None:
    scripted = MockReply(chunks=("No", "on."), tool_calls=(CALL,), usage=COUNTED)

    async def gathered() -> list[Any]:
        return [chunk async for chunk in provider.achat_stream(HELLO, "big", tools=[TIME])]

    script(router, scripted, scripted)
    for chunks in (list(provider.chat_stream(HELLO, "big", tools=[TIME])), asyncio.run(gathered())):
        assert [(chunk.content, chunk.finish_reason) for chunk in chunks] == [
            ("No", None),
            ("on.", None),
            ("", "tool_calls"),
        ]
        assert chunks[-1].tool_calls == [coda.ToolCall("call_1", "get_time", {"zone": "UTC"})]
        assert chunks[-1].usage == {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        assert mock(router).last_call.request.tools[0].name == "get_time"


def test_asynchronous(provider: CodaProvider) -> None:
    assert asyncio.run(provider.achat(HELLO, "big")).content == "Hello there"


def test_the_model_of_a_call_is_the_program_s_wish(router: Router) -> None:
    provider = CodaProvider(router)
    assert provider.chat(HELLO, "strong/big").model == "mock:big"
    assert provider.chat(HELLO, "huge").model == "mock:huge"
    assert provider.chat(HELLO, "quick/tiny").model == "mock:tiny"
    assert router.usage().by_model.keys() == {"big", "huge", "tiny"}, "connections and usage are shared"


def test_the_default_of_the_signature_gives_way_to_the_spec() -> None:
    text = "version: 1\nproviders: {m: {preset: mock, model: a}}\ndefaults: {provider: m, temperature: 0.1}\n"
    router = Router.from_str(text, environ={})
    for given, won in (({}, None), ({"temperature": 0.7}, None), ({"temperature": 0.3}, 0.3)):
        CodaProvider(router).chat(HELLO, "a", **given)
        assert mock(router).last_call.request.params.temperature == (0.1 if won is None else won)


# -- Models


def test_a_provider_without_a_list_offers_the_model_of_the_spec(router: Router) -> None:
    provider = CodaProvider(router)
    assert provider.list_models() == [Model("big", "big", "strong", 9000, None, supports_functions=False)]
    assert provider.validate_model("big")
    assert not provider.validate_model("small")
    assert provider.get_model_info("small") is None


def of_server(server: FaultServer, folder: Path) -> CodaProvider:
    spec = {
        "version": 1,
        "providers": {"s": {"base_url": f"{server.url}/v1", "model": "m"}},
        "defaults": {"provider": "s"},
    }
    return CodaProvider(Router.from_mapping(spec, environ={"XDG_CACHE_HOME": str(folder)}))


def test_models_are_those_of_the_server(server: FaultServer, tmp_path: Path) -> None:
    server.default = answer(200, {"data": [{"id": "n", "context_length": 4096}, {"id": "m"}]})
    rows = of_server(server, tmp_path).list_models()
    assert [(row.id, row.provider, row.supports_functions) for row in rows] == [("m", "s", True), ("n", "s", True)]


def test_a_server_that_can_t_be_asked_is_an_error(server: FaultServer, tmp_path: Path) -> None:
    server.default = answer(500, {"error": {"message": "down"}})
    with pytest.raises(coda.ProviderConnectionError):
        of_server(server, tmp_path).list_models()


# -- Errors


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (AuthenticationError("x"), "AuthenticationError"),
        (ModelNotFoundError("x"), "ModelNotFoundError"),
        (ConnectError("x"), "ProviderConnectionError"),
        (RequestError("the model does not support tools"), "ToolNotSupportedError"),
        (RequestError("something else"), "ProviderError"),
        (RateLimitError("x"), "ProviderError"),
    ],
)
def test_failures_are_raised_as_theirs(provider: CodaProvider, router: Router, failure: Any, raised: str) -> None:
    async def streamed() -> None:
        async for _ in provider.achat_stream(HELLO, "big"):
            pass

    asks = [
        lambda: provider.chat(HELLO, "big"),
        lambda: list(provider.chat_stream(HELLO, "big")),
        lambda: asyncio.run(provider.achat(HELLO, "big")),
        lambda: asyncio.run(streamed()),
    ]
    for ask in asks:
        script(router, failure)
        with pytest.raises(coda.ProviderError) as caught:
            ask()
        assert type(caught.value).__name__ == raised


def test_text_that_was_seen_can_t_be_taken_back(router: Router) -> None:
    script(router, MockReply(chunks=("Hel", "lo"), error=TruncatedStreamError("broke")), "Hello")
    with pytest.raises(coda.ProviderConnectionError, match="broke"):
        list(CodaProvider(router, agent="again").chat_stream(HELLO, "big"))


def test_a_program_gets_its_own_classes_back(router: Router) -> None:
    @dataclass
    class Theirs:
        content: str
        model: str

    provider = CodaProvider(router, types=[SimpleNamespace(ChatCompletion=Theirs)])
    assert provider.chat(HELLO, "big") == Theirs("Hello there", "mock:big")
