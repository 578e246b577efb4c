"""Anthropic Messages: requests.

`encode_request` and `decode_request` are here; replies are in `anthropic_messages_reply`, streams in
`anthropic_messages_stream`; all are importable from here. What differs between versions and compatible servers
is in `llmroute.wire.quirks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.anthropic_messages_content import Content
from llmroute.wire.anthropic_messages_decode import decode_request
from llmroute.wire.anthropic_messages_reply import decode_reply
from llmroute.wire.anthropic_messages_reply_encode import encode_reply
from llmroute.wire.anthropic_messages_stream import StreamDecoder
from llmroute.wire.anthropic_messages_stream_encode import StreamEncoder
from llmroute.wire.codec import ANTHROPIC, Decoded, Encoded, Extras, Foreign, Losses
from llmroute.wire.quirks import Quirks
from llmroute.wire.schemas import enforceable
from llmroute.wire.tools import (
    ANSWER,
    check_choice,
    check_pairs,
    check_plain,
    input_schema,
    renamed,
    tool_names,
    valid_name,
)
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmroute.wire.request import ChatRequest, Tool

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

PATH = "/v1/messages"
"""What comes after the base URL."""
_FOREIGN = Foreign(
    refused=frozenset({
        "n", "logprobs", "top_logprobs", "logit_bias", "modalities", "audio", "web_search_options", "moderation",
        "tools",
    }),
    idle={
        "n": (1,),
        "logprobs": (False,),
        "top_logprobs": (0,),
        "logit_bias": ({},),
        "modalities": (["text"], []),
        "store": (False,),
    },
    same={("service_tier", "auto"): "auto", ("service_tier", "default"): "standard_only"},
)  # fmt: skip
"""Fields of OpenAI requests."""
_BUDGET = "/params/thinking_budget"
_MIN_BUDGET = 1024
"""The API takes no smaller `budget_tokens`."""


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
    extras = Extras(ANTHROPIC, source, losses, _FOREIGN)
    names = tool_names(request)
    encoder = _Encoder(request, facts, losses)
    body: dict[str, Any] = {"model": model, "max_tokens": encoder.max_tokens()}
    content = Content(request.messages, facts, extras, names)
    body |= content.body()
    own = extras.of(request.extra, "/extra")
    body |= encoder.tools(names, extras, own.pop("tools", []))
    body |= encoder.params() | encoder.settings()
    if body.get("thinking", {}).get("type") == "enabled" and content.goes_on_without_thoughts():
        losses.add("thinking_budget", "calls that were made without thinking go on without it", _BUDGET)
        del body["thinking"]
    if stream:
        body["stream"] = True
    answer = encoder.answer_tool(body | own)
    back = {answer["tools"][0]["name"]: ANSWER} if answer else {}
    return Encoded(united(body, own) | answer, losses.found(), renamed(names) | back)


class _Encoder:
    """Writes all of a request but its messages."""

    def __init__(self, request: ChatRequest, quirks: Quirks, losses: Losses) -> None:
        self.request = request
        self.quirks = quirks
        self.losses = losses

    def max_tokens(self) -> int:
        """The limit, which the API must be told; 0 fills the prompt cache and asks for no answer."""
        limit = self.request.params.max_tokens
        if limit is not None and limit < 0:
            raise ConversionError("max_tokens can't be negative", pointer="/params/max_tokens")
        return self.quirks.default_max_tokens if limit is None else limit

    def tools(self, names: Mapping[str, str], extras: Extras, own: list[dict[str, Any]]) -> dict[str, Any]:
        """Tools, and which of them may be called; `own` are those of the API itself."""
        choice = self.request.tool_choice
        check_choice(self.request, others=bool(own))
        allowed = () if choice is None else choice.allowed
        if allowed:
            what = "the tools that are not allowed are left out, so another prompt is cached"
            self.losses.add("tool_choice.allowed_tools", what, "/tool_choice/allowed")
        tools = [(i, tool) for i, tool in enumerate(self.request.tools) if not allowed or tool.name in allowed]
        rows = [
            self._tool(tool, names, f"/tools/{i}") | extras.of(tool.extra, f"/tools/{i}/extra") for i, tool in tools
        ]
        if not rows and not own:
            return {}
        row = self._choice(names)
        return {"tools": rows + own, "tool_choice": row} if row else {"tools": rows + own}

    def _tool(self, tool: Tool, names: Mapping[str, str], at: str) -> dict[str, Any]:
        check_plain(tool, ANTHROPIC, at)
        row: dict[str, Any] = {"name": names[tool.name]}
        if tool.description:
            row["description"] = tool.description
        schema = input_schema(tool.name, tool.parameters, f"{at}/parameters")
        if tool.strict:
            schema = enforceable(schema, f"{at}/parameters", self._not_enforced("tools.strict"))
        row["input_schema"] = schema
        return row if tool.strict is None else {**row, "strict": tool.strict}

    def _not_enforced(self, field: str) -> Callable[[str, str], None]:
        return lambda what, at: self.losses.add(field, what, at)

    def _choice(self, names: Mapping[str, str]) -> dict[str, Any] | None:
        choice, parallel = self.request.tool_choice, self.request.parallel_tool_calls
        if choice is None and parallel is None:
            return None
        if choice is not None and choice.mode in {"required", "named"} and self._thinks():
            raise ConversionError("a model that thinks can't be made to call a tool", pointer="/tool_choice")
        row: dict[str, Any] = {"type": "auto"}
        if choice is not None and choice.name is not None:
            row = {"type": "tool", "name": names[choice.name]}
        elif choice is not None:
            row = {"type": "any" if choice.mode == "required" else choice.mode}
        if parallel is not None and row["type"] != "none":
            row["disable_parallel_tool_use"] = not parallel
        return row

    def params(self) -> dict[str, Any]:
        """Sampling and thinking."""
        params = self.request.params
        body = self._sampling()
        for name in ("frequency_penalty", "presence_penalty"):
            if getattr(params, name):
                raise ConversionError(f"{name} has no equivalent in {ANTHROPIC}", pointer=f"/params/{name}")
        if params.seed is not None:
            self.losses.add("seed", f"{ANTHROPIC} has no such field", "/params/seed")
        for i, word in enumerate(params.stop):
            if not word.strip():
                raise ConversionError("a stop string of white space only is refused", pointer=f"/params/stop/{i}")
        if params.stop:
            body["stop_sequences"] = list(params.stop)
        return body | self._thinking()

    def _sampling(self) -> dict[str, Any]:
        params, facts = self.request.params, self.quirks
        known = {"top_k": facts.top_k is not False}
        if params.temperature is not None and facts.temperature_or_top_p:
            known["top_p"] = False
        body: dict[str, Any] = {}
        for name in ("temperature", "top_p", "top_k"):
            value = getattr(params, name)
            if value is None:
                continue
            if facts.sampling and known.get(name, True):
                body[name] = value
            else:
                what = "the server does not take it" if facts.sampling else "this version of the API refuses it"
                self.losses.add(name, what, f"/params/{name}")
        if body.get("temperature", 0) > 1:
            self.losses.add("temperature", "1 is the most here", "/params/temperature")
            body["temperature"] = 1
        return body

    def _thinks(self) -> bool:
        return self.request.params.thinking_budget is not None and self.request.params.reasoning_effort != "none"

    def _thinking(self) -> dict[str, Any]:
        params, at = self.request.params, _BUDGET
        if params.reasoning_effort == "none":
            return {"thinking": {"type": "disabled"}}
        if params.thinking_budget is None:
            return {}
        if params.thinking_budget < _MIN_BUDGET:
            raise ConversionError(f"thinking takes {_MIN_BUDGET} tokens at least", pointer=at)
        if params.thinking_budget >= self.max_tokens():
            raise ConversionError("the budget of thinking must be less than max_tokens", pointer=at)
        return {"thinking": {"type": "enabled", "budget_tokens": params.thinking_budget}}

    def settings(self) -> dict[str, Any]:
        """Effort, the form of the answer, and who asks."""
        request = self.request
        config = self._effort() | self._format()
        body: dict[str, Any] = {"output_config": config} if config else {}
        if request.user is not None:
            body["metadata"] = {"user_id": request.user}
        if request.metadata:
            self.losses.add("metadata", "only the user is kept", "/metadata")
        return body

    def _effort(self) -> dict[str, Any]:
        effort = self.request.params.reasoning_effort
        if effort == "minimal":
            self.losses.add("reasoning_effort", "'minimal' is written as 'low'", "/params/reasoning_effort")
            effort = "low"
        return {} if effort in {None, "none"} else {"effort": effort}

    def _format(self) -> dict[str, Any]:
        form, at = self.request.response_format, "/response_format"
        if form is None or form.kind == "text":
            return {}
        if form.schema is None:
            raise ConversionError(f"{ANTHROPIC} has no json_object; give a schema", pointer=at)
        if not self.quirks.output_format:
            return {}
        if form.name is not None or form.description is not None:
            self.losses.add("response_format", "name and description of the schema are not sent", at)
        schema = enforceable(form.schema, f"{at}/schema", self._not_enforced("response_format.schema"))
        return {"format": {"type": "json_schema", "schema": schema}}

    def answer_tool(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """For servers that take no schema for their answer: a tool that must be called with the answer.

        Raises:
            ConversionError: it would not be the same: there are other tools, or the model thinks.
        """
        form, at = self.request.response_format, "/response_format"
        if self.quirks.output_format or form is None or form.schema is None:
            return {}
        if body.get("tools") or body.get("thinking", {}).get("type", "disabled") != "disabled":
            problem = "the server takes no schema for its answer, and a forced tool suits no other tools or thinking"
            raise ConversionError(problem, pointer=at)
        row: dict[str, Any] = {"name": valid_name(form.name or "answer")}
        if form.description:
            row["description"] = form.description
        row["input_schema"] = input_schema(row["name"], form.schema, f"{at}/schema")
        choice = {"type": "tool", "name": row["name"], "disable_parallel_tool_use": True}
        return {"tools": [row], "tool_choice": choice}
