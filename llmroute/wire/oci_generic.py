"""Oracle's generative AI inference, format `GENERIC`: OpenAI's Chat Completions with other names.

So it is written and read by way of OpenAI's codec; here stands what the names are. The source is the model classes of
Oracle's SDK, `oci.generative_ai_inference.models`. Content is always a list, and streams end without a `[DONE]`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError, MalformedReplyError
from llmroute.wire import openai_chat, shape
from llmroute.wire.codec import OCI, Encoded, Losses
from llmroute.wire.faults import Failure, from_error_object, parse
from llmroute.wire.oci_generic_message import message_of, row_of
from llmroute.wire.quirks import Quirks
from llmroute.wire.sse import ServerSentEvent
from llmroute.wire.unknown import said, united

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply
    from llmroute.wire.request import ChatRequest

FORMAT = "GENERIC"
_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxTokens",
    "max_completion_tokens": "maxCompletionTokens",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "seed": "seed",
    "stop": "stop",
    "metadata": "metadata",
    "logit_bias": "logitBias",
    "parallel_tool_calls": "isParallelToolCalls",
}
"""Fields that have the same value under another name."""
_WORDS = {"verbosity": "verbosity", "service_tier": "serviceTier"}
"""Fields whose words are written in capitals."""
_REFUSED = frozenset({"n", "modalities", "audio", "web_search_options"})
"""Fields that change what is asked, and that can't be written."""
_EFFORTS = {"xhigh": "high", "max": "high"}
"""`reasoningEffort` ends at `HIGH`."""
_FINISH = {
    "complete": "stop",
    "max_tokens": "length",
    "tool_call": "tool_calls",
    "content_filtered": "content_filter",
}
"""Words of some models, beside those of OpenAI."""
_COUNTS = {"promptTokens": "prompt_tokens", "completionTokens": "completion_tokens", "totalTokens": "total_tokens"}
_DETAILS = {
    "promptTokensDetails": ("prompt_tokens_details", "cachedTokens", "cached_tokens"),
    "completionTokensDetails": ("completion_tokens_details", "reasoningTokens", "reasoning_tokens"),
}
_CHUNK = frozenset(
    {"index", "message", "finishReason", "usage", "pad", "apiFormat", "timeCreated", "groundingMetadata"}
)
_RESULT = frozenset({"modelId", "chatResponse"})
_ANSWER = frozenset({"apiFormat", "timeCreated", "choices", "usage"})


def encode_request(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = False,
    quirks: Mapping[str, Any] | Quirks = Quirks(),  # noqa: B008 - frozen
    source: str = "",
) -> Encoded:
    """The `chatRequest` of a request; which model it is for stands elsewhere (`llmroute.wire.oci_chat`).

    Raises:
        ConversionError: the request can't be said in this format, or only with losses that `quirks` forbid.
    """
    facts = quirks if isinstance(quirks, Quirks) else Quirks.of(quirks)
    losses = Losses(facts)
    encoded = openai_chat.encode_request(
        _allowed(request, losses), model=model, stream=stream, quirks=replace(facts, top_k=True), source=source
    )
    body = dict(encoded.body)
    del body["model"]
    rows = enumerate(body.pop("messages"))
    found: dict[str, Any] = {"apiFormat": FORMAT, "messages": [message_of(row, f"/messages/{i}") for i, row in rows]}
    if body.pop("stream", False):
        usage = body.pop("stream_options", {}).get("include_usage", False)
        found |= {"isStream": True} | ({"streamOptions": {"isIncludeUsage": True}} if usage else {})
    tools = body.pop("tools", [])
    if tools:
        found["tools"] = [_tool(row, f"/tools/{i}", losses) for i, row in enumerate(tools)]
    for name, value in body.items():
        found |= _setting(name, value, losses)
    return Encoded(found, (*encoded.losses, *losses.found()), encoded.names)


def _allowed(request: ChatRequest, losses: Losses) -> ChatRequest:
    """The request with those tools alone that may be called: the API names one tool, or any."""
    choice = request.tool_choice
    if choice is None or not choice.allowed:
        return request
    losses.add("tool_choice.allowed_tools", "the tools that are not allowed are left out", "/tool_choice/allowed")
    known = tuple(tool for tool in request.tools if tool.name in choice.allowed)
    # One that is not there is found, and named, by the codec.
    return (
        replace(request, tools=known)
        if len(known) < len(choice.allowed)
        else replace(request, tools=known, tool_choice=replace(choice, allowed=()))
    )


def _tool(row: Mapping[str, Any], at: str, losses: Losses) -> dict[str, Any]:
    if row.get("type") != "function":
        raise ConversionError(f"a tool of type {row.get('type')!r} can't be written for {OCI}", pointer=at)
    function = dict(row["function"])
    if function.pop("strict", None):
        losses.add("tools.strict", f"{OCI} has no such field", f"{at}/strict")
    more = shape.rest(row, ("type", "function"))
    return united({"type": "FUNCTION", **function}, more)


def _setting(name: str, value: Any, losses: Losses) -> dict[str, Any]:
    """A field of the request under its name here."""
    if name in _FIELDS:
        return {_FIELDS[name]: value}
    if name in _WORDS:
        return {_WORDS[name]: str(value).upper()}
    if name in _OBJECTS:
        own, write = _OBJECTS[name]
        return {own: write(value)}
    if name == "reasoning_effort":
        return {"reasoningEffort": _effort(value, losses).upper()}
    if name in _REFUSED and value != 1:  # one answer is what there is
        raise ConversionError(f"{name} can't be written for {OCI}", pointer=f"/extra/{name}")
    if name not in _REFUSED:
        losses.add(name, f"{OCI} has no such field", f"/{name}")
    return {}


def _effort(value: str, losses: Losses) -> str:
    near = _EFFORTS.get(value, value)
    if near != value:
        losses.add("reasoning_effort", f"{value!r} is written as {near!r}", "/params/reasoning_effort")
    return near


def _choice(value: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"type": value.upper()}
    return {"type": "FUNCTION", "name": value["function"]["name"]}


def _form(value: Mapping[str, Any]) -> dict[str, Any]:
    if value["type"] != "json_schema":
        return {"type": value["type"].upper()}
    schema = dict(value["json_schema"])
    if "strict" in schema:
        schema["isStrict"] = schema.pop("strict")
    return {"type": "JSON_SCHEMA", "jsonSchema": schema}


_OBJECTS = {"tool_choice": ("toolChoice", _choice), "response_format": ("responseFormat", _form)}


# -- Replies


def decode_reply(
    body: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    source: str = OCI,
    failure: Failure = from_error_object,
) -> Reply:
    """The reply in a `ChatResult`.

    Raises:
        MalformedReplyError: it is none.
    """
    try:
        row = _result(body)
    except ConversionError as error:
        raise MalformedReplyError(f"the answer is no chat result: {error}") from error
    return openai_chat.decode_reply(row, names=names, source=source, failure=failure)


def _result(body: Mapping[str, Any]) -> dict[str, Any]:
    answer = shape.mapping(body, "chatResponse", "")
    choices = [
        _choice_of(shape.as_object(item, f"/chatResponse/choices/{i}"), "message")
        for i, item in enumerate(shape.array(answer, "choices", "/chatResponse"))
    ]
    return {
        **shape.rest(body, _RESULT),
        **shape.rest(answer, _ANSWER),
        "model": shape.optional(body, "modelId", str, ""),
        "choices": choices,
        "usage": usage_row(answer.get("usage")),
    }


def _choice_of(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A choice under OpenAI's names; its message is the `message`, or the `delta` of a stream."""
    message = shape.mapping(row, "message", "")
    found: dict[str, Any] = {"index": row.get("index") or 0, name: row_of(message)}
    reason = shape.optional(row, "finishReason", str, "")
    if reason is not None:
        found["finish_reason"] = _FINISH.get(reason.lower(), reason.lower())
    more = said({"groundingMetadata": row.get("groundingMetadata"), "logprobs": row.get("logprobs")})
    usage = usage_row(row.get("usage"))
    return found | more | ({"usage": usage} if usage else {})


def usage_row(value: object) -> dict[str, Any] | None:
    """Token counts under OpenAI's names; None where there are none.

    >>> usage_row({"promptTokens": 7, "completionTokens": 2, "completionTokensDetails": {"reasoningTokens": 1}})
    {'prompt_tokens': 7, 'completion_tokens': 2, 'completion_tokens_details': {'reasoning_tokens': 1}}
    """
    if not isinstance(value, dict):
        return None
    found = {name: value[own] for own, name in _COUNTS.items() if value.get(own) is not None}
    for own, (name, count, written) in _DETAILS.items():
        details = value.get(own)
        if isinstance(details, dict) and details.get(count) is not None:
            found[name] = {written: details[count]}
    return found


# -- Streams


class StreamDecoder:
    """Turns the events of one stream into neutral ones, the last of which is `Finish`."""

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = OCI,
        failure: Failure = from_error_object,
    ) -> None:
        self._inner = openai_chat.StreamDecoder(names=names, source=source, failure=failure)
        self._failure = failure
        self._ended = False
        """Whether a `finishReason` came: what may follow it is the usage, and the end of the connection."""

    def partial(self) -> Reply:
        """The answer so far."""
        return self._inner.partial()

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The neutral events that this event of the stream means.

        Raises:
            MalformedReplyError: the event is no chunk.
            CallError: the event is an error; what `failure` makes of it.
        """
        text = event.data.strip()
        if not text or text == _DONE:
            return self._inner.feed(event)
        chunk = parse(text, "a chunk of the stream")
        if not isinstance(chunk, dict):
            raise MalformedReplyError("a chunk of the stream is no JSON object")
        if isinstance(chunk.get("message"), str):
            raise self._failure({"error": error_row(chunk)})
        try:
            row = self._chunk(chunk)
        except ConversionError as error:
            raise MalformedReplyError(f"a chunk of the stream has the wrong shape: {error}") from error
        return self._inner.feed(event._replace(data=json.dumps(row)))

    def _chunk(self, chunk: Mapping[str, Any]) -> dict[str, Any]:
        choice = _choice_of(chunk, "delta")
        usage = choice.pop("usage", None)
        self._ended = self._ended or "finish_reason" in choice
        return {**shape.rest(chunk, _CHUNK), "choices": [choice], "usage": usage}

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means.

        Raises:
            TruncatedStreamError: the answer had not ended; `partial` holds what there is of it.
        """
        return self._inner.feed(ServerSentEvent(_DONE)) if self._ended else self._inner.close()


_DONE = "[DONE]"


def error_row(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """An error in the midst of a stream; its code may be a status, written as text.

    >>> error_row({"code": "429", "message": "slow"})
    {'code': 429, 'message': 'slow'}
    """
    code = chunk.get("code")
    return {**chunk, "code": int(code) if isinstance(code, str) and code.isdecimal() else code}
