"""Oracle's generative AI inference, format `COHERE`: the models of Cohere, in the words of its first chat API.

The last message of the user stands by itself, all before it is a history; tools have flat parameters and their calls no
ids. The source is the model classes of Oracle's SDK, `oci.generative_ai_inference.models`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.codec import OCI, Encoded, Extras, Losses
from llmroute.wire.oci_cohere_content import Content
from llmroute.wire.oci_cohere_reply import StreamDecoder, decode_reply
from llmroute.wire.oci_cohere_tools import tool_of
from llmroute.wire.quirks import Quirks
from llmroute.wire.tools import check_choice, check_pairs, renamed, tool_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.wire.request import ChatRequest

__all__ = ["FORMAT", "StreamDecoder", "decode_reply", "encode_request"]

FORMAT = "COHERE"
_PARAMS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxTokens",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
_NO_FIELD = ("reasoning_effort", "thinking_budget")


def encode_request(
    request: ChatRequest,
    *,
    stream: bool = False,
    quirks: Mapping[str, Any] | Quirks = Quirks(),  # noqa: B008 - frozen
    source: str = "",
) -> Encoded:
    """The `chatRequest` of a request; which model it is for stands elsewhere (`llmroute.wire.oci_chat`).

    Raises:
        ConversionError: the request can't be said in this format, or only with losses that `quirks` forbid.
    """
    facts = quirks if isinstance(quirks, Quirks) else Quirks.of(quirks)
    check_pairs(request.messages)
    check_choice(request)
    losses = Losses(facts)
    extras = Extras(OCI, source, losses)
    names = tool_names(request)
    body: dict[str, Any] = {"apiFormat": FORMAT, **Content(request.messages, extras, names).said()}
    body |= _tools(request, names, losses) | _params(request, losses) | _form(request, losses)
    if stream:
        body |= {"isStream": True}
        body |= {} if facts.no_stream_usage else {"streamOptions": {"isIncludeUsage": True}}
    _nobody(request, losses)
    return Encoded({**extras.of(request.extra, "/extra"), **body}, losses.found(), renamed(names))


def _tools(request: ChatRequest, names: Mapping[str, str], losses: Losses) -> dict[str, Any]:
    """The tools that may be called: the API can't choose among them, so the others are left out."""
    choice = request.tool_choice
    if request.tools and request.parallel_tool_calls is False:
        losses.add("parallel_tool_calls", "the model may call several tools at once", "/parallel_tool_calls")
    offered = list(enumerate(request.tools))
    if choice is not None and request.tools:
        if choice.mode == "none":
            losses.add("tool_choice", "the tools are left out, so that none is called", "/tool_choice")
            offered = []
        elif choice.mode != "auto":
            losses.add("tool_choice", "the model may answer without a call", "/tool_choice")
        allowed = choice.allowed or ((choice.name,) if choice.name else ())
        if choice.allowed:
            losses.add(
                "tool_choice.allowed_tools", "the tools that are not allowed are left out", "/tool_choice/allowed"
            )
        offered = [(i, tool) for i, tool in offered if not allowed or tool.name in allowed]
    rows = [tool_of(tool, names[tool.name], losses, f"/tools/{i}") for i, tool in offered]
    return {"tools": rows} if rows else {}


def _params(request: ChatRequest, losses: Losses) -> dict[str, Any]:
    """Sampling and limits."""
    params = request.params
    if params.max_tokens is not None and params.max_tokens < 1:
        raise ConversionError("max_tokens is at least 1", pointer="/params/max_tokens")
    for name in _NO_FIELD:
        if getattr(params, name) not in {None, "none"}:
            losses.add(name, f"{OCI} has no such field for Cohere's models", f"/params/{name}")
    found = {own: value for name, own in _PARAMS.items() if (value := getattr(params, name)) is not None}
    return found | ({"stopSequences": list(params.stop)} if params.stop else {})


def _form(request: ChatRequest, losses: Losses) -> dict[str, Any]:
    """The form of the answer."""
    form = request.response_format
    if form is None or form.kind == "text":
        return {}
    if form.schema is None:
        return {"responseFormat": {"type": "JSON_OBJECT"}}
    if form.name is not None or form.description is not None:
        losses.add("response_format", "name and description of the schema are not sent", "/response_format")
    return {"responseFormat": {"type": "JSON_OBJECT", "schema": dict(form.schema)}}


def _nobody(request: ChatRequest, losses: Losses) -> None:
    if request.user is not None:
        losses.add("user", f"{OCI} has no such field", "/user")
    if request.metadata:
        losses.add("metadata", f"{OCI} has no such field for Cohere's models", "/metadata")
