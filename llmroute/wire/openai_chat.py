"""OpenAI Chat Completions: requests.

`encode_request` and `decode_request` are here; replies are in `openai_chat_reply`, streams in `openai_chat_stream`;
all are importable from here. Compatible servers differ in the ways that `llmroute.wire.quirks` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OPENAI, Decoded, Encoded, Extras, Foreign, Losses
from llmroute.wire.openai_chat_content import Content
from llmroute.wire.openai_chat_decode import decode_request
from llmroute.wire.openai_chat_reply import decode_reply
from llmroute.wire.openai_chat_reply_encode import encode_reply
from llmroute.wire.openai_chat_stream import StreamDecoder
from llmroute.wire.openai_chat_stream_encode import StreamEncoder
from llmroute.wire.quirks import Quirks
from llmroute.wire.schemas import why_not_strict
from llmroute.wire.tools import ANSWER, check_choice, check_pairs, input_schema, renamed, tool_names, valid_name
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.request import ChatRequest, ResponseFormat, ToolChoice

__all__ = [
    "PATH",
    "Decoded",
    "StreamDecoder",
    "StreamEncoder",
    "decode_reply",
    "decode_request",
    "encode_reply",
    "encode_request",
]

PATH = "/chat/completions"
"""What comes after the base URL."""
_FOREIGN = Foreign(
    refused=frozenset({
        "tools", "container", "mcp_servers", "inference_geo", "context_management", "previous_message_id", "thread",
    }),
    idle={"speed": ("standard",)},
    same={("service_tier", "auto"): "auto", ("service_tier", "standard_only"): "default"},
)  # fmt: skip
"""Fields of Anthropic requests."""
_ANSWER = "answer"
"""The name of a schema that was given none."""
_MAX_STOP = 4
"""OpenAI takes no more stop strings."""
_BUDGETS = ((2048, "low"), (8192, "medium"))
"""A thinking budget up to so many tokens is about that effort; a larger one is `high`."""
_SAMPLING = ("temperature", "top_p", "top_k")


def encode_request(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = False,
    quirks: Mapping[str, Any] | Quirks = Quirks(),  # noqa: B008 - frozen
    source: str = "",
) -> Encoded:
    """The body of a request.

    `source` names the provider: fields that its replies had and that nobody else knows go back to it.

    Raises:
        ConversionError: the request can't be said in this API, or only with losses that `quirks` forbid.
    """
    facts = quirks if isinstance(quirks, Quirks) else Quirks.of(quirks)
    check_pairs(request.messages)
    losses = Losses(facts)
    extras = Extras(OPENAI, source, losses, _FOREIGN)
    names = tool_names(request)
    encoder = _Encoder(request, facts, extras, names)
    body: dict[str, Any] = {"model": model, "messages": Content(request.messages, facts, extras, names).rows()}
    own = extras.of(request.extra, "/extra")
    body |= encoder.tools(own.pop("tools", [])) | encoder.params() | encoder.settings()
    form, answer = encoder.form(stream=stream, tools=bool(body.get("tools")))
    body |= form
    options = own.pop("stream_options", {})
    if stream:
        body["stream"] = True
        options = options if facts.no_stream_usage else {"include_usage": True, **options}
        body |= {"stream_options": options} if options else {}
    return Encoded(united(body, own), losses.found(), renamed(names) | answer)


class _Encoder:
    """Writes all of a request but its messages."""

    def __init__(self, request: ChatRequest, quirks: Quirks, extras: Extras, names: Mapping[str, str]) -> None:
        self.request = request
        self.quirks = quirks
        self.extras = extras
        self.losses = extras.losses
        self.names = names

    def tools(self, own: list[dict[str, Any]]) -> dict[str, Any]:
        """Tools, and which of them may be called; `own` are those of the API itself."""
        request = self.request
        check_choice(request, others=bool(own))
        body: dict[str, Any] = {"tools": [self._tool(i) for i in self._allowed()] + own}
        if not body["tools"]:
            return {}
        if request.tool_choice is not None:
            body["tool_choice"] = self._choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
        return body

    def _allowed(self) -> list[int]:
        """Which tools are told; servers that take but a word as a choice are told those alone that may be called."""
        choice, tools = self.request.tool_choice, self.request.tools
        if choice is None or not self.quirks.tool_choice_strings_only or not (choice.allowed or choice.name):
            return list(range(len(tools)))
        found = [i for i, tool in enumerate(tools) if tool.name in (*choice.allowed, choice.name)]
        if choice.allowed:
            what = "the tools that are not allowed are left out"
            self.losses.add("tool_choice.allowed_tools", what, "/tool_choice/allowed")
        elif len(found) < len(tools):
            self.losses.add("tool_choice", "the server takes no name: the other tools are left out", "/tool_choice")
        return found

    def _tool(self, i: int) -> dict[str, Any]:
        tool = self.request.tools[i]
        function: dict[str, Any] = {"name": self.names[tool.name]}
        if tool.description:
            function["description"] = tool.description
        if tool.custom:
            row = {"type": "custom", "custom": function}
            return united(row, self.extras.of(tool.extra, f"/tools/{i}/extra"))
        function["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
        if tool.strict is not None:
            function["strict"] = self._strict(function["parameters"], tool.strict, f"/tools/{i}", "parameters")
        row = {"type": "function", "function": function}
        return united(row, self.extras.of(tool.extra, f"/tools/{i}/extra"))

    def _strict(self, schema: Mapping[str, Any], strict: bool, at: str, name: str) -> bool:  # noqa: FBT001 - the field
        """Whether the answer can be held to the schema; the API refuses a strict one beyond its subset."""
        problem = why_not_strict(schema, f"{at}/{name}") if strict else None
        if problem is None:
            return strict
        self.losses.add(f"{at.split('/')[1]}.strict", f"the schema can't be strict: {problem[0]}", problem[1])
        return False

    def _choice(self, choice: ToolChoice) -> Any:
        if choice.allowed and not self.quirks.tool_choice_strings_only:
            tools = [self._by_name(name) for name in choice.allowed]
            return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": tools}}
        if choice.name is None:
            return choice.mode
        if self.quirks.tool_choice_strings_only:
            return "required"
        return self._by_name(choice.name)

    def _by_name(self, name: str) -> dict[str, Any]:
        kind = "custom" if any(tool.custom and tool.name == name for tool in self.request.tools) else "function"
        return {"type": kind, kind: {"name": self.names[name]}}

    def params(self) -> dict[str, Any]:
        """Sampling, limits and effort."""
        params = self.request.params
        body = self._sampling()
        named = {
            self.quirks.seed_field: params.seed,
            "frequency_penalty": params.frequency_penalty,
            "presence_penalty": params.presence_penalty,
        }
        body |= {name: value for name, value in named.items() if value is not None}
        if params.max_tokens is not None and params.max_tokens < 1:
            raise ConversionError("max_tokens is at least 1", pointer="/params/max_tokens")
        if params.max_tokens is not None:
            body[self.quirks.max_tokens_field] = params.max_tokens
        if len(params.stop) > _MAX_STOP:
            raise ConversionError(f"{OPENAI} takes {_MAX_STOP} stop strings at most", pointer="/params/stop")
        if params.stop:
            body["stop"] = list(params.stop)
        return body | self._effort()

    def _sampling(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name in _SAMPLING:
            value = getattr(self.request.params, name)
            if value is None:
                continue
            if not self.quirks.sampling:
                self.losses.add(name, "the server refuses it", f"/params/{name}")
            elif name == "top_k" and not self.quirks.top_k:
                self.losses.add(name, f"{OPENAI} has no such field", f"/params/{name}")
            else:
                body[name] = value
        return body

    def _effort(self) -> dict[str, Any]:
        params = self.request.params
        effort: str | None = params.reasoning_effort
        if params.thinking_budget is not None:
            self.losses.add("thinking_budget", "written as an effort", "/params/thinking_budget")
            guess = next((word for limit, word in _BUDGETS if params.thinking_budget <= limit), "high")
            effort = effort or guess
        return {} if effort is None else {"reasoning_effort": effort}

    def settings(self) -> dict[str, Any]:
        """Who asks, and what for."""
        request = self.request
        body: dict[str, Any] = {}
        if request.user is not None and self.quirks.no_user:
            self.losses.add("user", "the server refuses it", "/user")
        elif request.user is not None:
            body["user"] = request.user
        if request.metadata:
            body["metadata"] = dict(request.metadata)
        return body

    def form(self, *, stream: bool, tools: bool) -> tuple[dict[str, Any], dict[str, str]]:
        """The form of the answer, and the name of the tool that stands for it; `tools`: there are others.

        Raises:
            ConversionError: the server has no such form.
        """
        form, at = self.request.response_format, "/response_format"
        if form is None:
            return {}, {}
        if form.kind == "json_object" and self.quirks.no_json_object:
            raise ConversionError("the server refuses json_object; give a schema", pointer=at)
        if form.schema is None:
            return {"response_format": {"type": form.kind}}, {}
        how = self.quirks.schema_answers
        if how == "none":
            raise ConversionError("the server takes no schema for its answer", pointer=at)
        if how == "native" or (how == "alone" and not stream and not tools):
            return {"response_format": {"type": "json_schema", "json_schema": self._schema(form, form.schema)}}, {}
        if tools or self._thinks():
            problem = "the server takes no schema for this answer, and a forced tool suits no other tools or thinking"
            raise ConversionError(problem, pointer=at)
        return self._answer_tool(form, form.schema)

    def _thinks(self) -> bool:
        params = self.request.params
        return params.thinking_budget is not None or params.reasoning_effort not in {None, "none"}

    def _schema(self, form: ResponseFormat, schema: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {"name": form.name or _ANSWER, "schema": dict(schema)}
        if form.description is not None:
            row["description"] = form.description
        if form.strict is not None:
            row["strict"] = self._strict(schema, form.strict, "/response_format", "schema")
        return row

    def _answer_tool(self, form: ResponseFormat, schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """A tool that must be called with the answer."""
        name = valid_name(form.name or _ANSWER)
        parameters = input_schema(name, schema, "/response_format/schema")
        row = self._schema(form, schema) | {"name": name, "parameters": parameters}
        del row["schema"]
        by_name = {"type": "function", "function": {"name": row["name"]}}
        choice = "required" if self.quirks.tool_choice_strings_only else by_name
        return {"tools": [{"type": "function", "function": row}], "tool_choice": choice}, {row["name"]: ANSWER}
