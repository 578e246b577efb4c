"""Conversations and replies out of a seed: ten times as fast as drawn ones, for properties that want very many."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from llmroute.wire.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    Params,
    Part,
    Reply,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

ANTHROPIC, OPENAI = "anthropic-messages", "openai-chat"
WORDS = (
    "a",
    "Ünï",
    "\U0001f600",
    "\u2028",
    "0",
    "{",
    '"',
    "\\n",
    "data: [DONE]",
    "x y",
    "\x00",
    "日本",
    "\u0301",
    "\x85z",
)
SIZES = ("low", "medium", "high", "xhigh")


class Maker:
    """Makes what one API can say without loss."""

    def __init__(self, api: str, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.openai = api == OPENAI
        self.count = 0

    def maybe(self, value: Any, other: Any = None) -> Any:
        return value if self.random.random() < 0.5 else other

    def word(self) -> str:
        return "".join(self.random.choices(WORDS, k=self.random.randint(1, 4))).strip() or "w"

    def id(self) -> str:
        self.count += 1
        return f"{self.random.choice('abcXYZ_-')}{self.count}"

    def arguments(self) -> str:
        value = {self.word(): self.random.choice([1, -0.5, None, True, [self.word()], {self.word(): []}])}
        return json.dumps(self.maybe(value, {}), ensure_ascii=False, separators=(",", ":"))

    def schema(self) -> dict[str, Any]:
        properties = {self.word(): self.random.choice([{"type": "string"}, {"enum": ["a", 1]}, True]) for _ in "ab"}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def said(self) -> Part:
        source = "image_url" if self.openai else "source"
        match self.random.randrange(9):
            case 0:
                return Image("https://a.example/b.png", detail=self.maybe("low") if self.openai else None)
            case 1:
                return Image(data="AA==", media_type="image/png", extra=self.own(source))
            case 2:
                title = self.maybe("a.pdf")
                return Document(data="JVBERi0=", title=title, extra=self.own("file" if self.openai else "source"))
            case 3 if not self.openai:
                return Document(text=self.word(), title=self.maybe("t"))
            case _:
                return Text(self.word(), extra=self.own())

    def own(self, *inner: str) -> dict[str, Any]:
        """Now and then a field that nobody knows."""
        if self.random.randrange(5):
            return {}
        return {OPENAI if self.openai else ANTHROPIC: {name: {"x": 1} for name in inner} or {"x": 1}}

    def user(self) -> Message:
        parts = tuple(self.said() for _ in range(self.random.randint(1, 3)))
        return Message("user", parts, self.maybe("Ann") if self.openai else None, extra=self.own())

    def assistant(self, calls: tuple[ToolCall, ...]) -> Message:
        parts: list[Part] = [Text(self.word())] if not calls or self.maybe(True) else []  # noqa: FBT003 - a coin
        if not self.openai and self.maybe(1):
            parts.insert(0, self.maybe(Thinking(self.word(), "s"), Thinking("", redacted="r")))
        return Message("assistant", (*parts, *calls))

    def results(self, calls: list[ToolCall]) -> list[Message]:
        self.random.shuffle(calls)
        if self.openai:
            return [Message("tool", (ToolResult(call.id, (Text(self.word()),)),)) for call in calls]
        parts = [self.result(call) for call in calls]
        return [Message("tool", tuple(parts))]

    def result(self, call: ToolCall) -> ToolResult:
        content = tuple(self.said() for _ in range(self.random.randrange(3)))
        return ToolResult(call.id, content, bool(self.maybe(1)), extra=self.own())

    def calls(self, *, plain: bool = False) -> tuple[ToolCall, ...]:
        names = [f"f{self.random.randrange(3)}" for _ in range(self.random.randint(1, 3))]
        extras = [{} if plain else self.own() for _ in names]
        return tuple(self.call(name, extra) for name, extra in zip(names, extras, strict=True))

    def call(self, name: str, extra: dict[str, Any]) -> ToolCall:
        custom = self.openai and self.random.randrange(8) == 0
        return ToolCall(self.id(), name, self.word() if custom else self.arguments(), custom=custom, extra=extra)

    def messages(self) -> tuple[Message, ...]:
        system = [Message("system", (Text(self.word()),)) for _ in range(self.random.randrange(2))]
        turns: list[Message] = []
        for _ in range(self.random.randrange(3)):
            turns.append(self.user())
            if self.maybe(1):
                calls = self.calls()
                turns += [self.assistant(calls), *self.results(list(calls))]
            turns.append(self.assistant(()))
        return (*system, *turns, self.user())

    def params(self) -> Params:
        shared: dict[str, Any] = {"temperature": self.maybe(0.5), "top_p": self.maybe(0.25), "max_tokens": 2048}
        shared["reasoning_effort"] = self.maybe(self.random.choice(SIZES))
        stop = tuple(self.word() for _ in range(self.random.randrange(3)))
        if self.openai:
            penalty = self.random.choice([None, None, None, 0, 0.5])
            return Params(**shared, stop=stop, seed=self.maybe(7), frequency_penalty=penalty)
        return Params(**shared, stop=stop, top_k=self.maybe(5), thinking_budget=self.maybe(1500))

    def request(self) -> ChatRequest:
        params, tools = self.params(), self.tools()
        choice = self.choice(tools, forced=params.thinking_budget is None)
        parallel = self.maybe(False) if tools and (self.openai or (choice and choice.mode != "none")) else None  # noqa: FBT003 - the value
        name = "n" if self.openai else None
        return ChatRequest(
            self.messages(),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=parallel,
            response_format=self.maybe(ResponseFormat("json_schema", name, self.schema(), True)),  # noqa: FBT003 - its field
            params=params,
            user=self.maybe("u"),
            metadata=self.maybe({"a": "b"}, {}) if self.openai else {},
            extra=self.maybe({OPENAI: {"store": True}} if self.openai else {ANTHROPIC: {"service_tier": "auto"}}, {}),
        )

    def tools(self) -> tuple[Tool, ...]:
        if self.openai and self.random.randrange(8) == 0:
            return (Tool("f0", self.word(), custom=True, extra=self.own()), Tool("f1", parameters=self.schema()))
        return tuple(
            Tool(f"f{i}", self.maybe(self.word(), ""), self.schema(), self.maybe(bool(i)), extra=self.own())
            for i in range(self.random.randrange(3))
        )

    def choice(self, tools: tuple[Tool, ...], *, forced: bool) -> ToolChoice | None:
        choices = [None, ToolChoice("auto"), ToolChoice("none")]
        if forced:
            choices += [ToolChoice("required"), ToolChoice("named", "f0")]
        if self.openai:
            choices.append(ToolChoice("auto", allowed=("f0",)))
        return self.random.choice(choices) if tools else None

    def reply(self) -> Reply:
        """An answer as the API gives it: thinking, then text, then calls."""
        calls = self.calls(plain=not self.openai) if self.maybe(1) else ()
        thinking: list[Part] = [Thinking(self.word(), None if self.openai else "s")] if self.maybe(1) else []
        text: list[Part] = [Text(self.word())] if self.maybe(1) else []
        usage = Usage(input_tokens=9, output_tokens=3, cached_tokens=self.maybe(4), reasoning_tokens=self.maybe(1))
        ended = "tool_calls" if calls else "stop"
        return Reply(
            Message("assistant", (*thinking, *text, *calls)),
            stop_reason=ended
            if calls and (calls[-1].custom or calls[-1].arguments == "{}")
            else self.maybe(ended, "length"),
            usage=self.maybe(usage),
            model="m",
            id="1",
        )
