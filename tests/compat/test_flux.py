"""Programs written against Flux's `BaseLLMProvider` run on `FluxProvider`."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.adapters.mock import MockReply
from llmroute.compat.flux import FluxProvider
from llmroute.errors import ConversationError, ServerError, TruncatedStreamError
from llmroute.wire.chat import Thinking, ToolCall, Usage, assistant, user
from tests.compat.interfaces import NEEDED, parameters_of

if TYPE_CHECKING:
    from llmroute.dispatch.router import Router

SCHEMAS = [{"name": "read_files", "description": "Read.", "input_schema": {"type": "object", "properties": {}}}]
READ = ToolCall("toolu_1", "read_files", '{"paths": ["a.py"]}')
RUN = ToolCall("toolu_2", "run_command", "{}")
COUNTED = Usage(input_tokens=100, output_tokens=10)


@pytest.fixture
def flux(router: Router) -> FluxProvider:
    return FluxProvider(router, SimpleNamespace(model="ignored"))


def script(router: Router, *answers: Any) -> None:
    mock: Any = router.adapter("mock")
    mock.script(*answers)


def sent(router: Router) -> Any:
    mock: Any = router.adapter("mock")
    return mock.last_call.request


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send_message", {"message": NEEDED, "system_prompt": NEEDED, "tools": None}),
        ("continue_with_tool_results", {"system_prompt": NEEDED, "tools": None}),
        ("clear_history", {}),
        ("get_token_usage", {}),
        ("estimate_conversation_tokens", {}),
        ("set_current_file_context", {"file_path": NEEDED}),
    ],
)
def test_the_signatures_are_theirs(name: str, expected: dict[str, Any]) -> None:
    assert list(parameters_of(getattr(FluxProvider, name)).items()) == list(expected.items())


def test_a_result_may_say_that_it_is_an_error() -> None:
    assert list(parameters_of(FluxProvider.add_tool_result)) == ["tool_use_id", "result", "is_error"]


class Cli:
    """Flux's own loop: text is shown as it comes, tools run when the model has finished, then it goes on."""

    def __init__(self, llm: FluxProvider, tools: dict[str, Any]) -> None:
        self.llm, self.tools, self.shown = llm, tools, ""

    async def process_query(self, query: str) -> None:
        tool_uses = [e async for e in self._shown(self.llm.send_message(query, "You are Flux.", SCHEMAS))]
        while tool_uses:
            for use in tool_uses:
                try:
                    self.llm.add_tool_result(use["id"], self.tools[use["name"]](**use["input"]))
                except ValueError as error:
                    self.llm.add_tool_result(use["id"], {"error": str(error)})
            events = self.llm.continue_with_tool_results(system_prompt="You are Flux.", tools=SCHEMAS)
            tool_uses = [event async for event in self._shown(events)]

    async def _shown(self, events: Any) -> Any:
        async for event in events:
            if event["type"] == "text":
                self.shown += event["content"]
            elif event["type"] == "tool_use":
                yield event


def test_flux_runs(router: Router, flux: FluxProvider) -> None:
    def run_command() -> None:
        raise ValueError("not allowed")

    both = MockReply(chunks=("I look. ",), tool_calls=(READ, RUN), usage=COUNTED)
    script(router, both, MockReply(chunks=("It ", "is there."), usage=COUNTED), "Bye.")
    cli = Cli(flux, {"read_files": lambda paths: {"files": paths}, "run_command": run_command})
    asyncio.run(cli.process_query("What is in a.py?"))
    assert cli.shown == "I look. It is there."
    request = sent(router)
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool", "tool"]
    results = [message.content[0] for message in request.messages[3:]]
    assert [(part.tool_call_id, part.text, part.is_error) for part in results] == [
        ("toolu_1", '{"files": ["a.py"]}', False),
        ("toolu_2", '{"error": "not allowed"}', True),
    ]
    assert request.tools[0].name == "read_files"
    usage = flux.get_token_usage()
    assert usage == {
        "input_tokens": 200,
        "output_tokens": 20,
        "total_tokens": 220,
        "estimated_cost": 0.0,
        "unpriced": 0,
        "context_pruning": {
            "enabled": True,
            "prunings_performed": 0,
            "tokens_saved": 0,
            "avg_tokens_saved_per_pruning": 0.0,
        },
    }
    assert (flux.total_input_tokens, flux.total_output_tokens) == (200, 20)
    flux.clear_history()
    assert flux.conversation_history == []
    assert flux.get_token_usage() == usage
    asyncio.run(cli.process_query("Bye?"))
    assert len(sent(router).messages) == 2


def test_calls_that_the_user_stopped_are_answered_as_cancelled(router: Router, flux: FluxProvider) -> None:
    script(router, MockReply(tool_calls=(READ, RUN)), "Fine.")
    cli = Cli(flux, {})

    async def run() -> None:
        async for _ in flux.send_message("Read it.", "You are Flux.", SCHEMAS):
            pass
        flux.add_tool_result("toolu_1", "x = 1", is_error=False)
        await cli.process_query("Never mind.")

    asyncio.run(run())
    assert cli.shown == "Fine."
    results = [message.content[0] for message in sent(router).messages if message.role == "tool"]
    assert [(part.text, part.is_error) for part in results] == [("x = 1", False), ("cancelled by the user", True)]


def test_results_come_before_going_on(router: Router, flux: FluxProvider) -> None:
    script(router, MockReply(tool_calls=(READ,)))

    async def run() -> None:
        async for _ in flux.send_message("Read it.", ""):
            pass
        with pytest.raises(ConversationError, match="await their results"):
            async for _ in flux.continue_with_tool_results(""):
                pass

    asyncio.run(run())
    assert [message.role for message in sent(router).messages] == ["user"], "an empty prompt is none"


def test_the_history_can_be_read_at_any_time_saved_and_put_back(flux: FluxProvider) -> None:
    flux.conversation.replace([user("Hi"), assistant([Thinking("hm", "signed")], tool_calls=[READ])])
    saved = flux.conversation_history
    assert saved[0] == {"role": "user", "content": "Hi"}
    assert saved[1]["content"][1]["type"] == "tool_call"
    before = flux.conversation.messages
    flux.clear_history()
    flux.conversation_history = saved
    assert flux.conversation.messages == before
    assert flux.estimate_conversation_tokens() == 9


def test_a_history_that_flux_saved_itself_is_understood(router: Router, flux: FluxProvider) -> None:
    flux.conversation_history = [
        {"role": "user", "content": "Read a.py"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "read_files", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x = 1"}]},
        {"role": "assistant", "content": "It is 1."},
    ]
    script(router, "Yes.")
    asyncio.run(Cli(flux, {}).process_query("Sure?"))
    roles = [message.role for message in sent(router).messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_the_current_file_is_passed_on(flux: FluxProvider) -> None:
    flux.set_current_file_context("src/a.py")
    assert flux.conversation.to_json()["current_file"] == "src/a.py"
    flux.set_current_file_context(None)
    assert "current_file" not in flux.conversation.to_json()


def test_a_failure_is_raised_and_leaves_the_history_as_it_was(router: Router) -> None:
    flux = FluxProvider(router, agent="again")
    for failure in (ServerError("down"), MockReply(chunks=("a", "b"), error=TruncatedStreamError("broke"))):
        script(router, failure, failure)
        with pytest.raises((ServerError, TruncatedStreamError)):
            asyncio.run(Cli(flux, {}).process_query("Hi"))
    assert flux.conversation_history == []


def test_leaving_early_closes_the_stream(flux: FluxProvider) -> None:
    async def run() -> None:
        events: Any = flux.send_message("one two three", "")
        assert (await anext(events))["content"] == "one"
        await events.aclose()

    asyncio.run(run())
    assert flux.conversation_history == []
