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
from llmroute.wire.anthropic_messages_reply import decode_reply, encode_reply
from llmroute.wire.anthropic_messages_stream import StreamDecoder
from llmroute.wire.anthropic_messages_stream_encode import StreamEncoder
from llmroute.wire.codec import ANTHROPIC, Decoded, Encoded, Extras, Losses
from llmroute.wire.quirks import Quirks
from llmroute.wire.tools import check_choice, check_pairs, input_schema, renamed, tool_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.request import ChatRequest

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
_REFUSED = frozenset({
    "n", "logprobs", "top_logprobs", "logit_bias", "modalities", "audio", "web_search_options", "moderation",
    "functions", "function_call",
})  # fmt: skip
"""Fields of OpenAI requests that change what is asked; without them it would be another request."""
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
    extras = Extras(ANTHROPIC, source, losses, _REFUSED)
    names = tool_names(request)
    encoder = _Encoder(request, facts, losses)
    body: dict[str, Any] = {"model": model, "max_tokens": encoder.max_tokens()}
    body |= Content(request.messages, facts, extras, names).body()
    body |= encoder.tools(names, extras) | encoder.params() | encoder.settings()
    if stream:
        body["stream"] = True
    own = extras.of(request.extra, "/extra")
    body["tools"] = body.get("tools", []) + own.pop("tools", [])  # the API's own tools, beside the request's
    if not body["tools"]:
        del body["tools"]
    return Encoded(_merged(body, own), losses.warnings, renamed(names))


def _merged(body: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the API's own fields; those that are objects on both sides are united."""
    for name, value in own.items():
        mine = body.get(name)
        body[name] = {**value, **mine} if isinstance(mine, dict) and isinstance(value, dict) else value
    return body


class _Encoder:
    """Writes all of a request but its messages."""

    def __init__(self, request: ChatRequest, quirks: Quirks, losses: Losses) -> None:
        self.request = request
        self.quirks = quirks
        self.losses = losses

    def max_tokens(self) -> int:
        """The limit, which the API must be told."""
        limit = self.request.params.max_tokens
        if limit is not None and limit < 1:
            raise ConversionError("max_tokens is at least 1", pointer="/params/max_tokens")
        return self.quirks.default_max_tokens if limit is None else limit

    def tools(self, names: Mapping[str, str], extras: Extras) -> dict[str, Any]:
        """Tools, and which of them may be called."""
        request = self.request
        check_choice(request)
        if not request.tools:
            return {}
        rows = []
        for i, tool in enumerate(request.tools):
            row: dict[str, Any] = {"name": names[tool.name]}
            if tool.description:
                row["description"] = tool.description
            row["input_schema"] = input_schema(tool.name, tool.parameters, f"/tools/{i}/parameters")
            if tool.strict is not None:
                row["strict"] = tool.strict
            rows.append(row | extras.of(tool.extra, f"/tools/{i}/extra"))
        choice = self._choice(names)
        return {"tools": rows, "tool_choice": choice} if choice else {"tools": rows}

    def _choice(self, names: Mapping[str, str]) -> dict[str, Any] | None:
        choice, parallel = self.request.tool_choice, self.request.parallel_tool_calls
        if choice is None and parallel is None:
            return None
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
        body: dict[str, Any] = {}
        for name in ("temperature", "top_p", "top_k"):
            value = getattr(self.request.params, name)
            if value is not None and not self.quirks.sampling:
                self.losses.add(name, "this version of the API refuses it", f"/params/{name}")
            elif value is not None:
                body[name] = value
        if body.get("temperature", 0) > 1:
            self.losses.add("temperature", "1 is the most here", "/params/temperature")
            body["temperature"] = 1
        return body

    def _thinking(self) -> dict[str, Any]:
        params, at = self.request.params, "/params/thinking_budget"
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
            raise ConversionError("the server takes no schema for its answer", pointer=at)
        if form.name is not None or form.description is not None:
            self.losses.add("response_format", "name and description of the schema are not sent", at)
        return {"format": {"type": "json_schema", "schema": dict(form.schema)}}
