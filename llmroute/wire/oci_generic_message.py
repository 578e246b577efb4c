"""Oracle's generative AI inference, format `GENERIC`: messages between its names and those of OpenAI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.codec import OCI

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME = {"tool_call_id": "toolCallId", "reasoning_content": "reasoningContent", "name": "name", "refusal": "refusal"}
"""Fields of a message that are texts."""
_MESSAGE = frozenset({"role", "content", "toolCalls", "refusal", "reasoningContent"})
_CALL = frozenset({"index", "id", "type", "name", "arguments"})


def message_of(row: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A message of OpenAI's as one of Oracle's."""
    found: dict[str, Any] = {"role": row["role"].upper()}
    content = row["content"]
    if isinstance(content, list):
        found["content"] = [_part(part, f"{at}/content/{i}") for i, part in enumerate(content)]
    elif content or row["role"] != "assistant":
        found["content"] = [{"type": "TEXT", "text": content}]
    for name, value in row.items():
        if name in _SAME:
            found[_SAME[name]] = value
        elif name == "tool_calls":
            found["toolCalls"] = [_call(call, f"{at}/tool_calls/{i}") for i, call in enumerate(value)]
        elif name not in {"role", "content"}:
            found[name] = value
    return found


def _part(part: Mapping[str, Any], at: str) -> dict[str, Any]:
    kind = part.get("type")
    more = shape.rest(part, ("type", "text", "image_url", "file"))
    if kind == "text":
        return {"type": "TEXT", "text": part["text"], **more}
    if kind == "image_url":
        image = dict(part["image_url"])
        if "detail" in image:
            image["detail"] = image["detail"].upper()
        return {"type": "IMAGE", "imageUrl": image, **more}
    if kind == "file" and "file_data" in part["file"]:
        return {"type": "DOCUMENT", "documentUrl": {"url": part["file"]["file_data"]}, **more}
    raise ConversionError(f"a part of type {kind!r} can't be written for {OCI}", pointer=at)


def _call(call: Mapping[str, Any], at: str) -> dict[str, Any]:
    if call.get("type") != "function":
        raise ConversionError(f"a call of type {call.get('type')!r} can't be written for {OCI}", pointer=at)
    more = shape.rest(call, ("type", "id", "function"))
    return {"id": call["id"], "type": "FUNCTION", **call["function"], **more}


def row_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of Oracle's, or a piece of one, as one of OpenAI's.

    Raises:
        ConversionError: it has the wrong shape.
    """
    found: dict[str, Any] = {**shape.rest(message, _MESSAGE), "role": "assistant"}
    parts = [shape.as_object(part, "/message/content") for part in shape.array(message, "content", "/message")]
    if all(part.get("type") == "TEXT" for part in parts):
        found["content"] = "".join(shape.optional(part, "text", str, "/message/content") or "" for part in parts)
    else:
        found["content"] = [{**part, "type": "text"} if part.get("type") == "TEXT" else part for part in parts]
    for name, own in (("refusal", "refusal"), ("reasoning_content", "reasoningContent")):
        if message.get(own) is not None:
            found[name] = message[own]
    calls = shape.array(message, "toolCalls", "/message")
    if calls:
        found["tool_calls"] = [_call_row(shape.as_object(call, "/message/toolCalls")) for call in calls]
    return found


def _call_row(call: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": call.get("name") or "", "arguments": call.get("arguments")}
    index = {"index": call["index"]} if type(call.get("index")) is int else {}
    return {**index, "id": call.get("id") or "", "type": "function", "function": function, **shape.rest(call, _CALL)}
