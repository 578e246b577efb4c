"""A conversation as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.dispatch.ledger import UsageReport
from llmroute.dispatch.requests import SAMPLING
from llmroute.errors import ConversionError
from llmroute.wire import shape
from llmroute.wire.chat import ChatRequest, ToolChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.conversation.fitting import Fitting
    from llmroute.dispatch.requests import Asked
    from llmroute.wire.chat import Message

VERSION = 1
_SETTINGS = ("agent", "purpose", "system", *SAMPLING)
"""What is saved as it is."""


class Saved(NamedTuple):
    """What was read back."""

    asked: dict[str, Any]
    messages: tuple[Message, ...]
    usage: UsageReport
    current_file: str | None
    scale: float


def to_json(
    asked: Asked, messages: tuple[Message, ...], name: str, fitting: Fitting, usage: UsageReport
) -> dict[str, Any]:
    """The parts of a conversation as JSON data."""
    given: Mapping[str, Any] = asked
    choice = asked.get("tool_choice")
    request = ChatRequest(
        messages,
        tools=tuple(given.get("tools") or ()),
        tool_choice=ToolChoice(choice) if isinstance(choice, str) else choice,
        response_format=given.get("response_format"),
    )
    settings = {name: given[name] for name in _SETTINGS if given.get(name) is not None}
    if not isinstance(settings.get("stop", ""), str):
        settings["stop"] = list(settings["stop"])
    data = {"version": VERSION, "id": name, "settings": settings, "request": request.to_json()}
    data |= {"scale": fitting.scale, "usage": usage.to_json()}
    return data if fitting.current_file is None else {**data, "current_file": fitting.current_file}


def from_json(data: object) -> Saved:
    """The inverse of `to_json`.

    Raises:
        ConversionError: the data is no conversation; `pointer` says where.
    """
    row = shape.as_object(data, "")
    if row.get("version") != VERSION:
        raise ConversionError(f"this reads conversations of version {VERSION}", pointer="/version")
    try:
        request = ChatRequest.from_json(row.get("request"))
    except ConversionError as error:
        raise ConversionError(error.message, pointer=f"/request{error.pointer}") from error
    asked: dict[str, Any] = {**shape.mapping(row, "settings", ""), "conversation": shape.text(row, "id", "")}
    for name in asked:
        if name not in (*_SETTINGS, "conversation"):
            raise ConversionError(f"unknown setting {name!r}", pointer=shape.pointer("/settings", name))
    for name in ("agent", "purpose", "system"):
        shape.optional(asked, name, str, "/settings")
    if request.tools:
        asked["tools"] = request.tools
    for name in ("tool_choice", "response_format"):
        if (value := getattr(request, name)) is not None:
            asked[name] = value
    return Saved(
        asked,
        request.messages,
        UsageReport.from_json(row.get("usage"), "/usage"),
        shape.optional(row, "current_file", str, ""),
        shape.optional(row, "scale", float, "") or 1.0,
    )
