"""Ollama's own API, `/api/chat`: where in a body a part of the neutral request comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS = ("temperature", "top_p", "top_k", "seed", "stop", "frequency_penalty", "presence_penalty")


def path_of(body: Mapping[str, Any], path: list[str]) -> list[str]:  # noqa: PLR0911 - one case a field
    """The path into the body for one into the request that was decoded from it.

    >>> path_of({}, ["params", "max_tokens"])
    ['options', 'num_predict']
    """
    match path:
        case ["messages", i, *rest]:
            return ["messages", i, *_message(body["messages"][int(i)], rest)]
        case ["tools", i, "extra", *rest]:
            return ["tools", i, *rest]
        case ["tools", i, *rest]:
            return ["tools", i, "function", *rest]
        case ["response_format", *_]:
            return ["format", *path[2:]]
        case ["params", "max_tokens"]:
            return ["options", "num_predict"]
        case ["params", name, *_] if name in _OPTIONS:
            return ["options", *path[1:]]
        case ["params", "reasoning_effort"]:
            return ["think"]
        case ["extra", *rest]:
            return rest
    return path


def _message(row: Mapping[str, Any], path: list[str]) -> list[str]:
    match path:
        case ["content", "0", *rest] if row["role"].lower() == "tool":  # the message is one result
            return _message({**row, "role": "user"}, rest)
        case ["content", j, *rest]:
            return [*_parts(row)[int(j)], *_part(rest)]
        case ["extra", *rest]:
            return rest
    return path


def _parts(row: Mapping[str, Any]) -> list[list[str]]:
    """Where the parts of a message come from, in their order."""
    images = len(row.get("images") or ()) if row["role"].lower() != "assistant" else 0
    parts = [["images", str(k)] for k in range(images)]
    parts += [["thinking"]] if row.get("thinking") else []
    parts += [["content"]] if row.get("content") else []
    return parts + [["tool_calls", str(k)] for k in range(len(row.get("tool_calls") or ()))]


def _part(path: list[str]) -> list[str]:
    match path:
        case ["arguments"]:
            return ["function", "arguments"]
        case ["extra", *rest]:
            return rest
    return path
