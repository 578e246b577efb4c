"""The neutral conversation: what every wire format is decoded to and encoded from.

All records are frozen, compare by value and have a JSON form (`to_json`, `from_json`).

>>> request = ChatRequest((system("Be brief."), user("Hi.")), params=Params(max_tokens=16))
>>> ChatRequest.from_json(request.to_json()) == request
True
"""

from llmroute.wire.events import (
    ErrorEvent,
    Event,
    Finish,
    PartEvent,
    Restart,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageEvent,
    event_from_json,
    events_from_json,
)
from llmroute.wire.message import (
    Document,
    Extra,
    Image,
    Message,
    Opaque,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    assistant,
    part_from_json,
    part_to_json,
    system,
    tool_result,
    user,
)
from llmroute.wire.reply import Attempt, Reply, StopReason, Usage
from llmroute.wire.request import ChatRequest, Effort, Params, ResponseFormat, Tool, ToolChoice

__all__ = [
    "Attempt",
    "ChatRequest",
    "Document",
    "Effort",
    "ErrorEvent",
    "Event",
    "Extra",
    "Finish",
    "Image",
    "Message",
    "Opaque",
    "Params",
    "Part",
    "PartEvent",
    "Reply",
    "ResponseFormat",
    "Restart",
    "Role",
    "StopReason",
    "Text",
    "TextDelta",
    "Thinking",
    "ThinkingDelta",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallEnd",
    "ToolCallStart",
    "ToolChoice",
    "ToolResult",
    "Usage",
    "UsageEvent",
    "assistant",
    "event_from_json",
    "events_from_json",
    "part_from_json",
    "part_to_json",
    "system",
    "tool_result",
    "user",
]
