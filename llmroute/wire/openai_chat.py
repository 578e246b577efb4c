"""OpenAI Chat Completions: requests.

`encode_request` and `decode_request` are here; replies are in `openai_chat_reply`, streams in `openai_chat_stream`;
all are importable from here. Compatible servers differ in the ways that `llmroute.wire.quirks` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OPENAI, Decoded, Encoded, Extras, Losses
from llmroute.wire.message import Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from llmroute.wire.openai_chat_decode import decode_request
from llmroute.wire.openai_chat_reply import decode_reply, encode_reply
from llmroute.wire.openai_chat_stream import StreamDecoder, StreamEncoder
from llmroute.wire.quirks import Quirks
from llmroute.wire.tools import call_ids, check_choice, mistral_id, renamed, tool_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.message import Part
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
_REFUSED = frozenset({"tools", "container", "mcp_servers", "inference_geo", "context_management"})
"""Fields of Anthropic requests that change what is asked; without them it would be another request."""
_MAX_STOP = 4
"""OpenAI takes no more stop strings."""
_BUDGETS = ((2048, "low"), (8192, "medium"))
"""A thinking budget up to so many tokens is about that effort; a larger one is `high`."""
_PASSED = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")


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
    encoder = _Encoder(request, facts, source)
    body: dict[str, Any] = {"model": model, "messages": encoder.messages()}
    body |= encoder.tools() | encoder.params() | encoder.settings()
    if stream:
        body["stream"] = True
        if not facts.no_stream_usage:
            body["stream_options"] = {"include_usage": True}
    body |= encoder.extras.of(request.extra, "/extra")
    return Encoded(body, encoder.losses.warnings, renamed(encoder.names))


class _Encoder:
    """Writes one request."""

    def __init__(self, request: ChatRequest, quirks: Quirks, source: str) -> None:
        self.request = request
        self.quirks = quirks
        self.losses = Losses(quirks)
        self.extras = Extras(OPENAI, source, self.losses, _REFUSED)
        self.names = tool_names(request)
        valid = mistral_id if quirks.tool_id_pattern == "mistral9" else str
        self.ids = call_ids(request.messages, valid)

    def messages(self) -> list[dict[str, Any]]:
        """The conversation; a message with several tool results becomes one message a result."""
        result: list[dict[str, Any]] = []
        for i, message in enumerate(self.request.messages):
            at = f"/messages/{i}"
            if message.role == "tool":
                result += self._results(message, at)
            else:
                result.append(self._message(message, at))
        return result

    def _message(self, message: Message, at: str) -> dict[str, Any]:
        row: dict[str, Any] = {"role": message.role}
        extra = self.extras.of(message.extra, f"{at}/extra")
        as_list = extra.pop("content_list", False)
        content = [
            self._part(part, f"{at}/content/{i}")
            for i, part in enumerate(message.content)
            if not isinstance(part, Thinking | ToolCall)
        ]
        row["content"] = self._content(message, content, as_list=as_list)
        if message.name is not None:
            row["name"] = message.name
        if message.role == "assistant":
            row |= self._thinking(message, at) | self._calls(message, at)
        return row | extra

    def _content(self, message: Message, content: list[dict[str, Any]], *, as_list: bool) -> Any:
        plain = all(part.keys() == {"type", "text"} for part in content)
        if content and (as_list or not plain or (message.role == "user" and len(content) > 1)):
            return content
        if message.role == "assistant" and not content and message.tool_calls:
            return None
        # Chat templates of small models take strings only, and one system text.
        return ("\n\n" if message.role == "system" else "").join(part["text"] for part in content)

    def _part(self, part: Part, at: str) -> dict[str, Any]:
        if isinstance(part, Text):
            return {"type": "text", "text": part.text, **self.extras.of(part.extra, f"{at}/extra")}
        if isinstance(part, Image):
            url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
            image = {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
            return {"type": "image_url", "image_url": image, **self.extras.of(part.extra, f"{at}/extra")}
        if isinstance(part, Opaque) and part.api == OPENAI:
            return dict(part.data)
        kind = part.data.get("type", "unknown") if isinstance(part, Opaque) else type(part).__name__
        raise ConversionError(f"a part of type {kind!r} can't be written for {OPENAI}", pointer=at)

    def _thinking(self, message: Message, at: str) -> dict[str, Any]:
        thoughts = [part for part in message.content if isinstance(part, Thinking)]
        if any(part.signature or part.redacted for part in thoughts):
            self.losses.add("thinking", "signed thinking can only go back to Anthropic", f"{at}/content")
        text = "".join(part.text for part in thoughts)
        return {"reasoning_content": text} if text and self.quirks.replay_reasoning else {}

    def _calls(self, message: Message, at: str) -> dict[str, Any]:
        calls = [
            {
                "id": self.ids[call.id],
                "type": "function",
                "function": {"name": self.names[call.name], "arguments": call.arguments.strip() or "{}"},
                **self.extras.of(call.extra, f"{at}/extra"),
            }
            for call in message.tool_calls
        ]
        return {"tool_calls": calls} if calls else {}

    def _results(self, message: Message, at: str) -> list[dict[str, Any]]:
        """The tool role takes text only: images go into a user message behind the results."""
        results = [part for part in message.content if isinstance(part, ToolResult)]
        rows: list[dict[str, Any]] = []
        images: list[dict[str, Any]] = []
        for i, result in enumerate(results):
            where = f"{at}/content/{i}"
            rows.append(self._result(result, where))
            pictures = [part for part in result.content if isinstance(part, Image)]
            if pictures:
                self.losses.add("tool_result.image", "moved into a user message", f"{where}/content")
                images += [self._part(part, f"{where}/content") for part in pictures]
        return [*rows, {"role": "user", "content": images}] if images else rows

    def _result(self, result: ToolResult, at: str) -> dict[str, Any]:
        texts = [part for part in result.content if isinstance(part, Text)]
        extra = self.extras.of(result.extra, f"{at}/extra")
        content: Any = "\n\n".join(part.text for part in texts)
        if extra.pop("content_list", False) and texts:
            content = [self._part(part, f"{at}/content") for part in texts]
        elif result.is_error:
            self.losses.add("tool_result.is_error", "written as a prefix of the text", f"{at}/is_error")
            content = f"Error: {content}"
        return {"role": "tool", "tool_call_id": self.ids[result.tool_call_id], "content": content, **extra}

    def tools(self) -> dict[str, Any]:
        """Tools, and which of them may be called."""
        request = self.request
        check_choice(request)
        if not request.tools:
            return {}
        body: dict[str, Any] = {"tools": [self._tool(i) for i in range(len(request.tools))]}
        if request.tool_choice is not None:
            body["tool_choice"] = self._choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
        return body

    def _tool(self, i: int) -> dict[str, Any]:
        tool = self.request.tools[i]
        function: dict[str, Any] = {"name": self.names[tool.name]}
        if tool.description:
            function["description"] = tool.description
        function["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
        if tool.strict is not None:
            function["strict"] = tool.strict
        return {"type": "function", "function": function, **self.extras.of(tool.extra, f"/tools/{i}/extra")}

    def _choice(self, choice: ToolChoice) -> Any:
        if choice.name is None:
            return choice.mode
        if self.quirks.tool_choice_strings_only:
            if len(self.request.tools) > 1:
                self.losses.add("tool_choice", "the server takes no name; any tool may be called", "/tool_choice")
            return "required"
        return {"type": "function", "function": {"name": self.names[choice.name]}}

    def params(self) -> dict[str, Any]:
        """Sampling, limits and effort."""
        params = self.request.params
        body: dict[str, Any] = {}
        for name in _PASSED:
            value = getattr(params, name)
            if value is not None:
                if name in {"temperature", "top_p"} and not self.quirks.sampling:
                    self.losses.add(name, "the server refuses it", f"/params/{name}")
                else:
                    body[name] = value
        if params.top_k is not None:
            self.losses.add("top_k", f"{OPENAI} has no such field", "/params/top_k")
        if params.max_tokens is not None:
            body[self.quirks.max_tokens_field] = params.max_tokens
        if len(params.stop) > _MAX_STOP:
            raise ConversionError(f"{OPENAI} takes {_MAX_STOP} stop strings at most", pointer="/params/stop")
        if params.stop:
            body["stop"] = list(params.stop)
        return body | self._effort()

    def _effort(self) -> dict[str, Any]:
        params = self.request.params
        effort: str | None = params.reasoning_effort
        if params.thinking_budget is not None:
            self.losses.add("thinking_budget", "written as an effort", "/params/thinking_budget")
            guess = next((word for limit, word in _BUDGETS if params.thinking_budget <= limit), "high")
            effort = effort or guess
        if effort == "max":
            self.losses.add("reasoning_effort", "'max' is written as 'xhigh'", "/params/reasoning_effort")
            effort = "xhigh"
        return {} if effort is None else {"reasoning_effort": effort}

    def settings(self) -> dict[str, Any]:
        """The form of the answer, and who asks."""
        request = self.request
        body: dict[str, Any] = {}
        if request.response_format is not None:
            body["response_format"] = self._format(request.response_format)
        if request.user is not None:
            body["user"] = request.user
        if request.metadata:
            body["metadata"] = dict(request.metadata)
        return body

    def _format(self, form: ResponseFormat) -> dict[str, Any]:
        if form.kind == "json_object" and self.quirks.no_json_object:
            raise ConversionError("the server refuses json_object; give a schema", pointer="/response_format")
        if form.schema is None:
            return {"type": form.kind}
        schema: dict[str, Any] = {"name": form.name or "answer", "schema": dict(form.schema)}
        if form.description is not None:
            schema["description"] = form.description
        if form.strict is not None:
            schema["strict"] = form.strict
        return {"type": "json_schema", "json_schema": schema}
