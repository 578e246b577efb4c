"""Flux's variables, settings and conversation: which server is asked, and what it is told.

Each test names the rows of docs/systems/flux.md that it shows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llmroute import Conversation, Router
from llmroute.cli import main
from llmroute.compat.flux import FluxProvider
from llmroute.conversation.pruning import Window, prune
from llmroute.errors import (
    BadEnvironmentError,
    ContextLengthError,
    MissingKeyError,
    ModelNotFoundError,
    UnknownProviderError,
)
from llmroute.testing import FaultServer, answer, good_answer, good_stream
from llmroute.wire.chat import TextDelta, Tool, assistant, user
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.routing.route import Target
    from llmroute.testing import Script, Seen
    from llmroute.wire.chat import ChatRequest

EXAMPLE = ROOT / "examples/flux/routing.yaml"
KEYS = {"ANTHROPIC_API_KEY": "key-of-anthropic", "OPENAI_API_KEY": "key-of-openai"}
SONNET = "claude-3-5-sonnet-20240620"
SCHEMA = {"type": "object", "properties": {"paths": {"type": "array", "items": {"type": "string"}}}}
READ = Tool("read_files", "Read.", SCHEMA)
CALLS = {"read_files": {"paths": ["a.py"]}}
shows = Covered("flux", "Variables", "Settings", "Classes and methods")


def api_of(seen: Seen) -> str:
    return "anthropic-messages" if seen.path.endswith("/messages") else "openai-chat"


def by_path(seen: Seen) -> Script:
    """A server that speaks both APIs, whole and streamed."""
    api = api_of(seen)
    return good_stream(api, "Fo", "ur.") if seen.json.get("stream") else good_answer(api)


def calling(seen: Seen) -> Script:
    """It asks for a tool once, whatever the API."""
    return good_answer(api_of(seen), "", tools=CALLS)


@pytest.fixture(autouse=True)
def _answers(server: FaultServer) -> None:
    server.default = by_path


def both(server: FaultServer, **more: str) -> dict[str, str]:
    return {**KEYS, "ANTHROPIC_BASE_URL": server.url, "OPENAI_BASE_URL": f"{server.url}/v1", **more}


def ask(environ: dict[str, str]) -> None:
    with Router(EXAMPLE, environ=environ) as router:
        router.complete("Where is it?")


def test_every_row_is_shown() -> None:
    shows.check()


# -- Variables and settings


@shows("Config.provider, Config.model", "Config.max_tokens, Config.temperature")
def test_without_variables_it_is_anthropic(server: FaultServer) -> None:
    ask(both(server))
    (seen,) = server.requests
    assert (seen.path, seen.json["model"], seen.json["max_tokens"]) == ("/v1/messages", SONNET, 4096)


@shows("FLUX_PROVIDER", "FLUX_TEMPERATURE")
def test_the_provider_takes_its_own_model(server: FaultServer) -> None:
    ask(both(server, FLUX_PROVIDER="openai"))
    ask(both(server, FLUX_PROVIDER="openai", FLUX_TEMPERATURE="0.5"))
    assert [seen.path for seen in server.requests] == ["/v1/chat/completions"] * 2
    assert [seen.json["model"] for seen in server.requests] == ["gpt-4o"] * 2
    assert [seen.json["temperature"] for seen in server.requests] == [0, 0.5]
    with pytest.raises(UnknownProviderError, match="opnai"):
        ask(both(server, FLUX_PROVIDER="opnai"))


@shows("FLUX_MODEL", "FLUX_MAX_TOKENS")
@pytest.mark.parametrize("provider", ["", "anthropic", "openai"])
def test_the_model_and_the_limit_are_those_of_the_chosen_provider(server: FaultServer, provider: str) -> None:
    ask(both(server, FLUX_PROVIDER=provider, FLUX_MODEL="some-model", FLUX_MAX_TOKENS="99"))
    (seen,) = server.requests
    assert (seen.json["model"], seen.json["max_tokens"]) == ("some-model", 99)
    with pytest.raises(BadEnvironmentError, match="FLUX_MAX_TOKENS"):
        ask(both(server, FLUX_MAX_TOKENS="many"))


@shows("ANTHROPIC_API_KEY, OPENAI_API_KEY")
@pytest.mark.parametrize(("provider", "variable"), [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY")])
def test_only_the_key_of_the_chosen_provider_is_asked_for(server: FaultServer, provider: str, variable: str) -> None:
    environ = both(server, FLUX_PROVIDER=provider)
    ask({name: value for name, value in environ.items() if name not in KEYS or name == variable})
    with pytest.raises(MissingKeyError, match=variable):
        ask({name: value for name, value in environ.items() if name != variable})
    assert [seen.headers["authorization"] for seen in server.requests] == [f"Bearer {KEYS[variable]}"]


@shows(".env")
def test_a_file_of_variables_counts_only_where_it_is_named(folder: Path) -> None:
    (folder / ".env").write_text("FLUX_PROVIDER=openai\n")
    explain = ["explain", "--spec", str(EXAMPLE)]
    assert "api.anthropic.com" in CliRunner().invoke(main, explain).stdout
    assert "api.openai.com" in CliRunner().invoke(main, [*explain, "--env-file", ".env"]).stdout


@shows("lists of known models")
def test_a_model_that_the_provider_does_not_have(server: FaultServer) -> None:
    server.default = answer(404, {"type": "error", "error": {"type": "not_found_error", "message": "model: nope"}})
    with pytest.raises(ModelNotFoundError, match="nope"):
        ask(both(server, FLUX_MODEL="nope"))


# -- The conversation


def small(server: FaultServer) -> dict[str, str]:
    """A model that the catalogue does not know: its window is the one that the spec says."""
    return both(server, FLUX_MAX_TOKENS="50", FLUX_MODEL="of-our-own")


def shortened(request: ChatRequest, _: Target) -> ChatRequest:
    return prune(request, Window(tokens=400)).request


@shows("Config.max_history, Config.max_context_tokens")
def test_a_history_that_is_to_be_shorter_than_the_window(server: FaultServer) -> None:
    with Router(EXAMPLE, environ=small(server)) as router:
        history = [message for _ in range(9) for message in (user("and so on " * 20), assistant("Yes."))]
        Conversation(router, history, fit=shortened).complete("Now")
        Conversation(router, history).complete("Now")
    short, long = (len(seen.json["messages"]) for seen in server.requests)
    assert 2 < short < long == 19


@shows("ContextManager.prune_history", "pruning_stats")
@shows("set_current_file_context")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_long_conversation_is_made_to_fit(
    server: FaultServer, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "llmroute")
    spec = EXAMPLE.read_text().replace(
        f"  {provider}: {{", f"  {provider}: {{capabilities: {{context_window: 400}}, ", 1
    )
    said = [f"{number}: {'src/kept.py ' * 8 if number == 1 else 'and so on ' * 30}" for number in range(6)]
    history = [message for text in said[:-1] for message in (user(text), assistant("Yes."))]
    with Router.from_str(spec, environ={**small(server), "FLUX_PROVIDER": provider}) as router:
        with pytest.raises(ContextLengthError):
            Conversation(router).complete("and so on " * 300)
        talk = Conversation(router, history, system="You are Flux.")
        talk.set_current_file_context("src/kept.py")
        talk.complete(said[-1])
    (seen,) = server.requests
    sent = str(seen.json["messages"])
    assert [text[:6] in sent for text in said] == [True, True, False, True, True, True]
    assert len(talk.messages) == 12
    left = talk.pruned
    assert left is not None
    assert (left.dropped, left.window) == ((1, 3, 4), 400)
    assert left.tokens_before > 400 > left.tokens_after
    told: list[Any] = [vars(record) for record in caplog.records]
    assert [row["llmroute_target"] for row in told if row.get("llmroute_event") == "conversation_pruned"] == [
        left.target
    ]

    async def through_the_drop_in() -> dict[str, Any]:
        async with Router.from_str(spec, environ={**small(server), "FLUX_PROVIDER": provider}) as router:
            flux = FluxProvider(router)
            flux.conversation_history = [message.to_json() for message in history]
            flux.set_current_file_context("src/kept.py")
            assert [event async for event in flux.send_message(said[-1], "You are Flux.")]
            usage: dict[str, Any] = flux.get_token_usage()["context_pruning"]
            (row,) = flux.pruning_stats
            assert (row["original_messages"], row["messages_removed"], row["pruned_messages"]) == (11, 3, 8)
            assert row["tokens_saved"] == row["original_tokens_estimate"] - row["pruned_tokens_estimate"]
            flux.clear_history()
            assert flux.pruning_stats == []
            return {**usage, "tokens_saved": usage["tokens_saved"] == row["tokens_saved"]}

    assert asyncio.run(through_the_drop_in()) == {
        "enabled": True,
        "prunings_performed": 1,
        "tokens_saved": True,
        "avg_tokens_saved_per_pruning": float(left.tokens_before - left.tokens_after),
    }


@shows("create_provider(config)", "send_message(message, system_prompt, tools)", "clear_history")
@shows("estimate_conversation_tokens")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_message_streams_through_both(server: FaultServer, provider: str) -> None:
    with Router(EXAMPLE, environ=both(server, FLUX_PROVIDER=provider)) as router:
        talk = Conversation(router, system="You are Flux.")
        with talk.send("2 + 2?") as events:
            assert [event.text for event in events if isinstance(event, TextDelta)] == ["Fo", "ur."]
        talk.clear()

    async def through_the_drop_in() -> list[dict[str, Any]]:
        async with Router(EXAMPLE, environ=both(server, FLUX_PROVIDER=provider)) as router:
            flux = FluxProvider(router)
            pieces = [event async for event in flux.send_message("2 + 2?", "You are Flux.")]
            assert flux.estimate_conversation_tokens() > 0
            return pieces

    said = asyncio.run(through_the_drop_in())
    assert said == [{"type": "text", "content": "Fo"}, {"type": "text", "content": "ur."}]
    assert talk.messages == ()
    first, second = (seen.json for seen in server.requests)
    assert first["messages"] == second["messages"]


@shows("add_tool_result(id, result)", "continue_with_tool_results", "conversation_history")
@pytest.mark.parametrize(("before", "after"), [("anthropic", "openai"), ("openai", "anthropic")])
def test_a_switch_in_the_middle_keeps_the_calls_of_tools(server: FaultServer, before: str, after: str) -> None:
    server.script(calling)
    with Router(EXAMPLE, environ=both(server, FLUX_PROVIDER=before)) as router:
        talk = Conversation(router, system="You are Flux.", tools=[READ])
        talk.complete("Read a.py.")
        saved = talk.to_json()
    with Router(EXAMPLE, environ=both(server, FLUX_PROVIDER=after)) as router:
        talk = Conversation.from_json(saved, router)
        (call,) = talk.tool_calls
        talk.add_tool_result(call.id, "no such file", is_error=True)
        assert talk.complete().text == "Four."
    last = server.requests[-1]
    assert api_of(last) == ("anthropic-messages" if after == "anthropic" else "openai-chat")
    assert call.id in str(last.json["messages"])
    assert "no such file" in str(last.json["messages"])
    assert [message.role for message in talk.messages] == ["user", "assistant", "tool", "assistant"]


@shows("get_token_usage")
def test_the_usage_is_priced_or_said_not_to_be() -> None:
    spec = "version: 1\nproviders: {fake: {preset: mock, model: m}}\ndefaults: {provider: fake}\n"
    with Router.from_str(spec, environ={}) as router:
        talk = Conversation(router)
        talk.complete("Hello")
    assert talk.usage().total.cost_usd == 0


def test_a_vendor_at_another_url_has_no_price(server: FaultServer) -> None:
    for locality, expected in (("local", (1, 0.0, 0)), ("remote", (1, None, 1))):
        text = EXAMPLE.read_text().replace("anthropic: {}", f"anthropic: {{locality: {locality}}}")
        with Router.from_str(text, environ=both(server)) as router:
            talk = Conversation(router)
            talk.complete("Hello")
        total = talk.usage().total
        assert (total.input_tokens, total.output_tokens) == (7, 2)
        assert (total.calls, total.cost_usd, total.unpriced) == expected


@shows("the loop of tool calls", '{"error": …} as a result')
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_the_loop_makes_the_calls_and_tells_of_failures(server: FaultServer, provider: str) -> None:
    server.script(calling)

    def fails(paths: list[str]) -> str:
        raise FileNotFoundError(paths[0])

    with Router(EXAMPLE, environ=both(server, FLUX_PROVIDER=provider)) as router:
        talk = Conversation(router, tools=[READ])
        reply = talk.run_tools({"read_files": fails}, "Read a.py.", max_iterations=3)
    assert reply.text == "Four."
    assert "FileNotFoundError" in str(server.requests[-1].json["messages"])


def test_the_drop_in_takes_an_object_with_an_error_for_one(server: FaultServer) -> None:
    server.script(calling)
    with Router(EXAMPLE, environ=both(server)) as router:
        flux = FluxProvider(router)
        flux.conversation.complete("Read a.py.", tools=[READ])
        flux.add_tool_result(flux.conversation.tool_calls[0].id, {"error": "no such file"})
        flux.conversation.complete()
    (block,) = server.requests[-1].json["messages"][-1]["content"]
    assert (block["type"], block["is_error"]) == ("tool_result", True)
