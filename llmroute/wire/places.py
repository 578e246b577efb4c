"""From a place in the neutral request back to the place in the body that it was decoded from.

Codecs point at the neutral request; who wrote a body wants to be shown his own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.wire import ollama_chat_places
from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path = list[str]
"""The keys of a JSON pointer, as they are written in it."""


def place(api: str, body: Mapping[str, Any], pointer: str) -> str:
    """The JSON pointer into a body of `api` for one into the request that was decoded from it.

    What the body does not say itself is shown by the nearest place that encloses it.

    >>> place("openai-chat", {"max_completion_tokens": 0}, "/params/max_tokens")
    '/max_completion_tokens'
    """
    path = pointer.split("/")[1:]
    found = _WAYS[api](body, path)
    return "".join(f"/{key}" for key in existing(body, found))


def existing(body: Any, path: Path) -> Path:
    """The longest beginning of the path that leads somewhere."""
    value = body
    for i, key in enumerate(path):
        name = key.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return path[:i]
    return path


# -- OpenAI Chat Completions

_KINDS = ("function", "custom")
"""The types of the tools that a client defines."""


def _openai(body: Mapping[str, Any], path: Path) -> Path:  # noqa: PLR0911 - one case a field
    match path:
        case ["messages", i, *rest]:
            return ["messages", i, *_openai_message(body["messages"][int(i)], rest)]
        case ["tools", i, *rest] if body.get("functions") is not None:
            return ["functions", i, *rest]
        case ["tools", i, *rest]:
            functions = [str(k) for k, tool in enumerate(body["tools"]) if tool["type"] in _KINDS]
            k = functions[int(i)]
            own = rest[1:] if rest[:1] == ["extra"] else [body["tools"][int(k)]["type"], *rest]
            return ["tools", k, *(own if rest else [])]
        case ["tool_choice", *rest] if body.get("function_call") is not None:
            return ["function_call", *rest]
        case ["tool_choice", "allowed", *rest]:
            return ["tool_choice", "allowed_tools", "tools", *rest]
        case ["tool_choice", *rest]:
            return ["tool_choice", "function", *rest]
        case ["response_format", *rest]:
            return ["response_format", "json_schema", *rest] if rest else path
        case ["params", "max_tokens"] if body.get("max_completion_tokens") is not None:
            return ["max_completion_tokens"]
        case ["params" | "extra", *rest]:
            return rest
    return path


def _openai_message(row: Mapping[str, Any], path: Path) -> Path:
    match path:
        case ["content", _, *rest] if row["role"] in {"tool", "function"}:
            return _openai_part(rest)
        case ["content", j, *rest]:
            start, inner = _openai_parts(row)[int(j)], _openai_part(rest)
            if start[:1] == ["tool_calls"] and inner[:1] == ["function"]:
                inner = _called(row["tool_calls"][int(start[1])], inner)
            return [*start, *(inner[1:] if start == ["function_call"] else inner)]
        case ["extra", *rest]:
            return rest
    return path


def _called(call: Mapping[str, Any], path: Path) -> Path:
    """The arguments of a call, which are the input of a custom tool."""
    return ["custom", "input"] if call.get("type") == "custom" else path


def _openai_parts(row: Mapping[str, Any]) -> list[Path]:
    """Where the parts of a message come from, in their order."""
    content = row.get("content")
    parts = [["reasoning_content"]] if row["role"] == "assistant" and row.get("reasoning_content") else []
    parts += [["content", str(k)] for k in range(len(content))] if isinstance(content, list) else []
    parts += [["content"]] if isinstance(content, str) and (content or row["role"] != "assistant") else []
    parts += [["refusal"]] if row.get("refusal") else []
    parts += [["tool_calls", str(k)] for k in range(len(row.get("tool_calls") or ()))]
    return [*parts, ["function_call"]]


def _openai_part(path: Path) -> Path:
    match path:
        case ["arguments"]:
            return ["function", "arguments"]
        case ["detail" | "url"]:
            return ["image_url", *path]
        case ["media_type"]:
            return ["image_url", "url"]
        case ["extra", *rest]:
            return rest
        case ["content", k, *rest]:
            return ["content", k, *_openai_part(rest)]
    return path


# -- Anthropic Messages

_CUSTOM = (None, "custom")
"""The types of the tools that a client defines."""


def _anthropic(body: Mapping[str, Any], path: Path) -> Path:  # noqa: PLR0911 - one case a field
    match path:
        case ["messages", i, *rest]:
            return _anthropic_message(body, int(i), rest)
        case ["messages"]:
            return path
        case ["tools", i, *rest]:
            custom = [str(k) for k, tool in enumerate(body["tools"]) if tool.get("type") in _CUSTOM]
            return ["tools", custom[int(i)], *_anthropic_part(rest)]
        case ["extra", "tools"]:
            return ["tools", next(str(k) for k, tool in enumerate(body["tools"]) if tool.get("type") not in _CUSTOM)]
        case ["response_format", *rest]:
            return ["output_config", "format", *rest]
        case ["user"]:
            return ["metadata", "user_id"]
        case ["params", "thinking_budget"]:
            return ["thinking", "budget_tokens"]
        case ["params", "stop", *rest]:
            return ["stop_sequences", *rest]
        case ["params" | "extra", *rest]:
            return rest
    return path


def _anthropic_message(body: Mapping[str, Any], i: int, path: Path) -> Path:
    start, parts = _origins(body)[i]
    match path:
        case ["content", j, *rest]:
            return [*start, *parts[int(j)], *_anthropic_part(rest)]
        case ["content"]:
            return [*start, *parts[0][:-1]] if parts else start
        case ["extra", *rest]:
            return [*start, *rest]
    return start


def _origins(body: Mapping[str, Any]) -> list[tuple[Path, list[Path]]]:
    """Where each message comes from, and each of its parts beyond that."""
    system = body.get("system")
    origins: list[tuple[Path, list[Path]]] = []
    if system:
        origins.append((["system"], [[]] if isinstance(system, str) else [[str(k)] for k in range(len(system))]))
    for i, turn in enumerate(body["messages"]):
        start, content = ["messages", str(i)], turn["content"]
        if isinstance(content, str):
            origins.append((start, [["content"]]))
            continue
        results = [["content", str(k)] for k, block in enumerate(content) if block["type"] == "tool_result"]
        others = [["content", str(k)] for k, block in enumerate(content) if block["type"] != "tool_result"]
        origins += [(start, results)] if results else []
        origins += [(start, others)] if others or not results else []
    return origins


def _anthropic_part(path: Path) -> Path:
    match path:
        case ["parameters", *rest]:
            return ["input_schema", *rest]
        case ["media_type" | "url", *_]:
            return ["source", path[0]]
        case ["extra", *rest]:
            return rest
        case ["content", k, *rest]:
            return ["content", k, *_anthropic_part(rest)]
    return path


_WAYS: Mapping[str, Callable[[Mapping[str, Any], Path], Path]] = {
    OPENAI: _openai,
    ANTHROPIC: _anthropic,
    OLLAMA: ollama_chat_places.path_of,
}
