"""Ollama's own API, `/api/chat`: requests.

`encode_request` and `decode_request` are here; replies and streams are in the modules beside it, and all are
importable from here. Sources: Ollama's `docs/api.md` and `api/types.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OLLAMA, Decoded, Encoded, Extras, Foreign, Losses
from llmroute.wire.ollama_chat_content import Content
from llmroute.wire.ollama_chat_decode import decode_request
from llmroute.wire.ollama_chat_reply import decode_reply
from llmroute.wire.ollama_chat_reply_encode import encode_reply
from llmroute.wire.ollama_chat_stream import StreamDecoder
from llmroute.wire.ollama_chat_stream_encode import StreamEncoder
from llmroute.wire.quirks import Quirks
from llmroute.wire.tools import check_choice, check_pairs, check_plain, renamed, tool_names
from llmroute.wire.unknown import united

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

PATH = "/api/chat"
"""What comes after the base URL."""
_FOREIGN = Foreign(
    refused=frozenset({
        "n", "logprobs", "top_logprobs", "logit_bias", "modalities", "audio", "web_search_options", "moderation",
        "tools", "container", "mcp_servers", "inference_geo", "context_management", "previous_message_id", "thread",
    }),
    idle={
        "n": (1,),
        "logprobs": (False,),
        "top_logprobs": (0,),
        "logit_bias": ({},),
        "modalities": (["text"], []),
        "store": (False,),
        "service_tier": ("auto", "default", "standard_only"),
        "speed": ("standard",),
    },
)  # fmt: skip
"""Fields of OpenAI and Anthropic requests."""
_OPTIONS = ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")
"""Parameters that have the same name among Ollama's options."""
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_NEXT_EFFORT = {"minimal": "low", "xhigh": "high"}
"""`think` is a boolean, or `low`, `medium`, `high` or `max`."""


def encode_request(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = False,
    quirks: Mapping[str, Any] | Quirks = Quirks(),  # noqa: B008 - frozen
    source: str = "",
) -> Encoded:
    """The body of a request. It says `stream` in any case: Ollama streams unless it is told not to.

    `source` names the provider: fields that its replies had and that nobody else knows go back to it.

    Raises:
        ConversionError: the request can't be said in this API, or only with losses that `quirks` forbid.
    """
    facts = quirks if isinstance(quirks, Quirks) else Quirks.of(quirks)
    check_pairs(request.messages)
    losses = Losses(facts)
    extras = Extras(OLLAMA, source, losses, _FOREIGN)
    names = tool_names(request)
    encoder = _Encoder(request, facts, extras, names)
    body: dict[str, Any] = {"model": model, "messages": Content(request.messages, extras, names, source).rows()}
    body["stream"] = stream
    own = extras.of(request.extra, "/extra")
    options = {**own.pop("options", {}), **encoder.options()}
    body |= encoder.tools() | encoder.think() | encoder.format()
    if options:
        body["options"] = options
    encoder.nobody()
    return Encoded(own | body, losses.found(), renamed(names))


class _Encoder:
    """Writes all of a request but its messages."""

    def __init__(self, request: ChatRequest, quirks: Quirks, extras: Extras, names: Mapping[str, str]) -> None:
        self.request = request
        self.quirks = quirks
        self.extras = extras
        self.losses = extras.losses
        self.names = names

    def tools(self) -> dict[str, Any]:
        """The tools that may be called: the API can't choose among them, so the others are left out."""
        check_choice(self.request)
        rows = [self._tool(i) for i in self._offered()]
        if self.request.tools and self.request.parallel_tool_calls is False:
            what = "the model may call several tools at once"
            self.losses.add("parallel_tool_calls", what, "/parallel_tool_calls")
        return {"tools": rows} if rows else {}

    def _offered(self) -> list[int]:
        choice, tools = self.request.tool_choice, self.request.tools
        if choice is None or not tools:
            return list(range(len(tools)))
        if choice.mode == "none":
            self.losses.add("tool_choice", "the tools are left out, so that none is called", "/tool_choice")
            return []
        if choice.mode != "auto":
            self.losses.add("tool_choice", "the model may answer without a call", "/tool_choice")
        if choice.allowed:
            what = "the tools that are not allowed are left out"
            self.losses.add("tool_choice.allowed_tools", what, "/tool_choice/allowed")
        allowed = choice.allowed or {choice.name}
        return [i for i, tool in enumerate(tools) if allowed == {None} or tool.name in allowed]

    def _tool(self, i: int) -> dict[str, Any]:
        tool, at = self.request.tools[i], f"/tools/{i}"
        check_plain(tool, OLLAMA, at)
        if tool.strict:
            self.losses.add("tools.strict", "the model is not held to the schema", f"{at}/strict")
        function: dict[str, Any] = {"name": self.names[tool.name]}
        if tool.description:
            function["description"] = tool.description
        function["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
        return united({"type": "function", "function": function}, self.extras.of(tool.extra, f"{at}/extra"))

    def options(self) -> dict[str, Any]:
        """Sampling and limits."""
        params = self.request.params
        options: dict[str, Any] = {}
        for name in _OPTIONS:
            value = getattr(params, name)
            if value is not None and name in _SAMPLING and not self.quirks.sampling:
                self.losses.add(name, "the server refuses it", f"/params/{name}")
            elif value is not None:
                options[name] = value
        if params.max_tokens is not None and params.max_tokens < 1:
            raise ConversionError("max_tokens is at least 1", pointer="/params/max_tokens")
        if params.max_tokens is not None:
            options["num_predict"] = params.max_tokens
        if params.stop:
            options["stop"] = list(params.stop)
        return options

    def think(self) -> dict[str, Any]:
        """Whether the model thinks, and how hard."""
        effort: str | None = self.request.params.reasoning_effort
        if self.request.params.thinking_budget is not None:
            self.losses.add("thinking_budget", "thinking has no limit of its own", "/params/thinking_budget")
            if effort is None:
                return {"think": True}
        if effort in _NEXT_EFFORT:
            near = _NEXT_EFFORT[effort]
            self.losses.add("reasoning_effort", f"{effort!r} is written as {near!r}", "/params/reasoning_effort")
            effort = near
        return {} if effort is None else {"think": False if effort == "none" else effort}

    def format(self) -> dict[str, Any]:
        """The form of the answer, which Ollama enforces with a grammar."""
        form = self.request.response_format
        if form is None or form.kind == "text":
            return {}
        if form.schema is None:
            return {"format": "json"}
        if form.name is not None or form.description is not None:
            what = "name and description of the schema are not sent"
            self.losses.add("response_format", what, "/response_format")
        return {"format": dict(form.schema)}

    def nobody(self) -> None:
        """Who asks is of no interest to Ollama."""
        if self.request.user is not None:
            self.losses.add("user", f"{OLLAMA} has no such field", "/user")
        if self.request.metadata:
            self.losses.add("metadata", f"{OLLAMA} has no such field", "/metadata")
