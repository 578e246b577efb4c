"""Coda's configuration, methods and Ollama: which server is asked, and what comes back.

Each test names the rows of docs/systems/coda.md that it shows.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llmroute import Router
from llmroute.cli import main
from llmroute.compat import coda
from llmroute.compat.coda import CodaProvider, Message, Role, Tool
from llmroute.errors import LLMRouteError, UnknownProviderError
from llmroute.testing import FaultServer, answer, good_answer, good_stream, stream
from tests.adapters.fake_ollama import FakeOllama, Model, Says
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.testing import Script, Seen

EXAMPLE = ROOT / "examples/coda/routing.yaml"
HELLO = [Message(Role.USER, "2 + 2?")]
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SMALL = "llama3.2:3b"
shows = Covered("coda", "Order", "Configuration", "Methods", "Ollama")


def by_path(seen: Seen) -> Script:
    """A server that speaks both APIs of vendors, whole and streamed."""
    api = "anthropic-messages" if seen.path.endswith("/messages") else "openai-chat"
    return good_stream(api, "Fo", "ur.") if seen.json.get("stream") else good_answer(api)


@pytest.fixture(autouse=True)
def _answers(server: FaultServer) -> None:
    server.default = by_path


@pytest.fixture
def ollama() -> FakeOllama:
    return FakeOllama(models={SMALL: Model(), "plain": Model(capabilities=("completion",))})


@pytest.fixture
def local(ollama: FakeOllama) -> Iterator[FaultServer]:
    with ollama.serve() as server:
        yield server


def environ(local: FaultServer) -> dict[str, str]:
    return {"CODA_DEFAULT_PROVIDER": "ollama", "CODA_PROVIDERS_OLLAMA_BASE_URL": local.url}


@pytest.fixture
def provider(local: FaultServer) -> Iterator[CodaProvider]:
    with Router(EXAMPLE, environ=environ(local)) as router:
        yield CodaProvider(router)


def vendor(server: FaultServer, **more: str) -> dict[str, str]:
    urls = {"OPENAI_BASE_URL": f"{server.url}/v1", "ANTHROPIC_BASE_URL": server.url}
    return {"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a", "CODA_DEFAULT_PROVIDER": "openai", **urls, **more}


def test_every_row_is_shown() -> None:
    shows.check()


# -- Order and configuration


@shows("method parameters first", "the section of a provider beats the rest of the file")
def test_who_beats_whom(server: FaultServer) -> None:
    own = "openai: {model: gpt-4o, temperature: 0.1, top_p: 0.5}"
    text = (
        EXAMPLE.read_text().replace("openai: {model: gpt-4o}", own) + "agents: {fixed: {model: openai/of-the-agent}}\n"
    )
    with Router.from_str(text, environ=vendor(server)) as router:
        CodaProvider(router).chat(HELLO, "of-the-call", temperature=0.3)
        CodaProvider(router).chat(HELLO, "")
        CodaProvider(router, agent="fixed").chat(HELLO, "openai/of-the-call")
    sent = [(seen.json["model"], seen.json["temperature"], seen.json["top_p"]) for seen in server.requests]
    assert sent == [("of-the-call", 0.3, 0.5), ("gpt-4o", 0.7, 0.5), ("of-the-agent", 0.7, 0.5)]
    # A name in full chooses the provider too, whatever the variable says.
    with Router(EXAMPLE, environ=vendor(server)) as router:
        CodaProvider(router).chat(HELLO, "anthropic/claude-of-the-call")
    assert (server.requests[-1].path, server.requests[-1].json["model"]) == ("/v1/messages", "claude-of-the-call")


@shows("files of project, user and system are merged")
def test_the_nearest_file_is_the_only_one(folder: Path) -> None:
    user = folder / "config/llmroute"
    user.mkdir(parents=True)
    (user / "routing.yaml").write_text(
        "version: 1\nproviders: {mock: {model: of-the-user}}\ndefaults: {provider: mock}\n"
    )
    assert "of-the-user" in CliRunner().invoke(main, ["explain"]).output
    (folder / "routing.yaml").write_text("version: 1\nproviders: {mock: {}}\ndefaults: {model: mock/of-the-project}\n")
    shown = CliRunner().invoke(main, ["explain"]).output
    assert "of-the-project" in shown
    assert "of-the-user" not in shown


@shows("default_provider", "temperature, max_tokens", "CODA_DEFAULT_PROVIDER", "providers.NAME.default_model")
def test_the_variable_chooses_the_provider_and_its_model(server: FaultServer) -> None:
    with Router(EXAMPLE, environ={}) as router:
        assert CodaProvider(router).name == "mock"
    for name, model in (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")):
        with Router(EXAMPLE, environ=vendor(server, CODA_DEFAULT_PROVIDER=name)) as router:
            assert CodaProvider(router).chat(HELLO, "").content == "Four."
        sent = server.requests[-1].json
        assert (sent["model"], sent["max_tokens"]) == (model, 2000)
    unknown = {"CODA_DEFAULT_PROVIDER": "olama"}
    with Router(EXAMPLE, environ=unknown) as router, pytest.raises(UnknownProviderError, match="ollama"):
        router.resolve()


@shows("providers.ollama.timeout")
def test_the_timeout_is_coda_s(local: FaultServer) -> None:
    with Router(EXAMPLE, environ=environ(local)) as router:
        assert router.resolve().target.params["timeout"] == 120


@shows("providers.NAME.api_key")
def test_a_key_in_the_file_or_over_plain_http_is_an_error(server: FaultServer) -> None:
    for row in ("api_key: sk-0123456789abcdef", "base_url: 'http://gpu.example.org/v1', api_key: '${OPENAI_API_KEY}'"):
        text = EXAMPLE.read_text().replace("openai: {model", f"openai: {{{row}, model")
        with pytest.raises(LLMRouteError), Router.from_str(text, environ=vendor(server)) as router:
            router.complete("2 + 2?")
    assert server.requests == []


@shows("a file that can't be read")
def test_a_broken_file_is_an_error(folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: [\n")
    with pytest.raises(LLMRouteError, match=r"routing\.yaml:3"):
        Router(folder / "routing.yaml", environ={})


# -- Methods


@shows("chat", "/api/chat", "providers.ollama.host", "options as keyword arguments")
def test_a_chat_by_ollama_s_own_api(ollama: FakeOllama, provider: CodaProvider) -> None:
    completion = provider.chat(HELLO, SMALL, stop=["."], top_p=0.5)
    assert (completion.content, completion.finish_reason) == ("Four.", "stop")
    ((path, body),) = ollama.seen
    assert (path, body["model"], body["keep_alive"]) == ("/api/chat", SMALL, "30m")
    assert body["options"] == {"num_ctx": 8192, "num_predict": 2000, "temperature": 0.7, "top_p": 0.5, "stop": ["."]}


@shows("chat_stream", "achat, achat_stream")
def test_streams_and_coroutines(local: FaultServer, provider: CodaProvider) -> None:
    *pieces, last = provider.chat_stream(HELLO, SMALL)
    assert "".join(piece.content for piece in pieces) == "Four."
    assert last.usage is not None

    async def both() -> tuple[str, str]:
        async with Router(EXAMPLE, environ=environ(local)) as router:
            made = CodaProvider(router)
            whole = await made.achat(HELLO, SMALL)
            return whole.content, "".join([piece.content async for piece in made.achat_stream(HELLO, SMALL)])

    assert asyncio.run(both()) == ("Four.", "Four.")


@shows("list_models, get_model_info")
def test_the_models_are_those_of_the_server(local: FaultServer, provider: CodaProvider) -> None:
    assert [model.id for model in provider.list_models()] == [SMALL, "plain:latest"]
    assert provider.get_model_info("nope") is None
    done = CliRunner().invoke(main, ["models", "ollama", "--spec", str(EXAMPLE)], env=environ(local))
    assert "plain" in done.output


@shows("ProviderRegistry.create_provider")
def test_connections_belong_to_a_router(server: FaultServer) -> None:
    with Router(EXAMPLE, environ=vendor(server)) as one:
        CodaProvider(one).chat(HELLO, "")
        CodaProvider(one).chat(HELLO, "")
    with Router(EXAMPLE, environ=vendor(server)) as two:
        CodaProvider(two).chat(HELLO, "")
    first, second, third = (seen.connection for seen in server.requests)
    assert first == second != third


@shows("ModelNotFoundError", "ToolNotSupportedError", "ProviderConnectionError")
def test_errors_of_ollama(provider: CodaProvider, closed_port: int) -> None:
    with pytest.raises(coda.ModelNotFoundError, match="nope"):
        provider.chat(HELLO, "ollama/nope")
    with pytest.raises(coda.ToolNotSupportedError):
        provider.chat(HELLO, "ollama/plain", tools=[ADD])
    url = f"http://127.0.0.1:{closed_port}"
    gone = {"CODA_DEFAULT_PROVIDER": "ollama", "CODA_PROVIDERS_OLLAMA_BASE_URL": url}
    with Router(EXAMPLE, environ=gone) as router, pytest.raises(coda.ProviderConnectionError, match="cannot reach"):
        CodaProvider(router).chat(HELLO, SMALL, max_retries=0)


@shows("AuthenticationError")
def test_a_key_that_is_wrong_or_missing(server: FaultServer) -> None:
    server.default = answer(401, {"error": {"message": "bad key"}})
    for keys in (vendor(server), vendor(server, OPENAI_API_KEY="")):
        with Router(EXAMPLE, environ=keys) as router, pytest.raises(coda.AuthenticationError):
            CodaProvider(router).chat(HELLO, "")
    assert len(server.requests) == 1


# -- Ollama


@shows("tools", "finish_reason")
def test_tools_are_sent_and_read(ollama: FakeOllama, provider: CodaProvider) -> None:
    ollama.says = Says("", calls=({"name": "add", "arguments": {"a": 2}},))
    for completion in (
        provider.chat(HELLO, SMALL, tools=[ADD]),
        list(provider.chat_stream(HELLO, SMALL, tools=[ADD]))[-1],
    ):
        assert completion.tool_calls is not None
        (call,) = completion.tool_calls
        assert (call.name, call.arguments, completion.finish_reason) == ("add", {"a": 2}, "tool_calls")
    assert ollama.seen[0][1]["tools"][0]["function"]["name"] == "add"


@shows("errors inside a stream")
def test_an_error_in_a_stream_is_one(ollama: FakeOllama, provider: CodaProvider) -> None:
    ollama.breaks_after = 1
    with pytest.raises(coda.ProviderError, match="CUDA"):
        list(provider.chat_stream(HELLO, SMALL, max_retries=0))


@shows("ollama pull")
def test_the_models_of_an_ollama_are_looked_after(local: FaultServer) -> None:
    def ollama(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["ollama", *arguments, "--spec", str(EXAMPLE)], env=environ(local))

    loading = {"status": "pulling 6a0746a1ec1a", "digest": "sha256:6a07", "total": 9, "completed": 9}
    steps = [{"status": "pulling manifest"}, loading, {"status": "success"}]
    local.script(stream(*(f"{json.dumps(step)}\n" for step in steps), kind="application/x-ndjson"))
    pulled = ollama("pull", SMALL)
    assert pulled.exit_code == 0, pulled.output
    seen = local.requests[-1]
    assert (seen.method, seen.path, seen.json) == ("POST", "/api/pull", {"model": SMALL, "stream": True})
    local.script(stream(f"{json.dumps({'error': 'pull model manifest: file does not exist'})}\n"))
    assert ollama("pull", "nope").exit_code == 1
    assert "131,072" in ollama("show", SMALL).output
    local.script(answer(200, b""))
    assert ollama("rm", SMALL).exit_code == 0
    assert (local.requests[-1].method, local.requests[-1].path) == ("DELETE", "/api/delete")
    local.script(answer(200, {"models": [{"name": SMALL, "model": SMALL, "size": 1, "size_vram": 1}]}))
    assert SMALL in ollama("ps").output
    assert local.requests[-1].path == "/api/ps"
