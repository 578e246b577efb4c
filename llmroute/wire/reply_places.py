"""From a place in a neutral reply back to the place in the body that it was decoded from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.wire.codec import ANTHROPIC, OLLAMA, OPENAI
from llmroute.wire.places import Path, existing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ARGUMENTS = {OPENAI: ["function", "arguments"], ANTHROPIC: ["input"], OLLAMA: ["function", "arguments"]}


def reply_place(api: str, body: Mapping[str, Any], pointer: str) -> str:
    """The JSON pointer into a body of `api` for one into the reply that was decoded from it.

    What the body does not say itself is shown by the nearest place that encloses it.

    >>> body = {"choices": [{"message": {"content": "Hi", "refusal": None}, "finish_reason": "stop"}]}
    >>> reply_place("openai-chat", body, "/message/content/0/extra/x"), reply_place("openai-chat", body, "/stop_reason")
    ('/choices/0/message/content', '/choices/0/finish_reason')
    """
    path = pointer.split("/")[1:]
    match path:
        case ["message", "content", i, *rest] if int(i) < len(parts := _PARTS[api](body)):
            found = [*parts[int(i)], *_inner(api, rest)]
        case _:
            found = _FIELDS[api](body, path)
    return "".join(f"/{key}" for key in existing(body, found))


def _inner(api: str, path: Path) -> Path:
    match path:
        case ["arguments"]:
            return _ARGUMENTS[api]
        case ["extra", *rest]:
            return rest
    return []


def _listed(start: Path, items: Any) -> list[Path]:
    return [[*start, str(k)] for k in range(len(items or ()))]


# -- OpenAI Chat Completions

_CHOICE = ["choices", "0"]
_MESSAGE = [*_CHOICE, "message"]


def _openai_parts(body: Mapping[str, Any]) -> list[Path]:
    message = body["choices"][0]["message"]
    thought = next((name for name in ("reasoning_content", "reasoning") if message.get(name)), None)
    parts = [[*_MESSAGE, thought]] if thought else []
    content = message.get("content")
    parts += _listed([*_MESSAGE, "content"], content) if isinstance(content, list) else []
    parts += [[*_MESSAGE, "content"]] if content and isinstance(content, str) else []
    parts += [[*_MESSAGE, "refusal"]] if message.get("refusal") else []
    return parts + _listed([*_MESSAGE, "tool_calls"], message.get("tool_calls"))


def _openai_fields(body: Mapping[str, Any], path: Path) -> Path:  # noqa: PLR0911 - one case a field
    match path:
        case ["message", "extra", *rest]:
            return [*_MESSAGE, *rest]
        case ["message", *_]:
            return _MESSAGE
        case ["stop_reason"]:
            return [*_CHOICE, "finish_reason"]
        case ["stop_sequence"]:
            return [*_CHOICE, "stop_reason"]
        case ["extra", name, *_] if name not in body:
            return [*(_CHOICE if name in body["choices"][0] else _MESSAGE), name]
        case ["extra", *rest]:
            return rest
    return path


# -- Anthropic Messages


def _anthropic_parts(body: Mapping[str, Any]) -> list[Path]:
    """Empty texts are no parts."""
    texts = enumerate(body["content"])
    return [["content", str(k)] for k, block in texts if block["type"] != "text" or block["text"]]


def _anthropic_fields(_: Mapping[str, Any], path: Path) -> Path:
    match path:
        case ["message", *_]:
            return ["content"]
        case ["extra", *rest]:
            return rest
    return path


# -- Ollama


def _ollama_parts(body: Mapping[str, Any]) -> list[Path]:
    message = body["message"]
    parts = [["message", name] for name in ("thinking", "content") if message.get(name)]
    return parts + _listed(["message", "tool_calls"], message.get("tool_calls"))


def _ollama_fields(_: Mapping[str, Any], path: Path) -> Path:
    match path:
        case ["message", "extra", *rest]:
            return ["message", *rest]
        case ["extra", *rest]:
            return rest
    return path


_PARTS: Mapping[str, Callable[[Mapping[str, Any]], list[Path]]] = {
    OPENAI: _openai_parts,
    ANTHROPIC: _anthropic_parts,
    OLLAMA: _ollama_parts,
}
_FIELDS: Mapping[str, Callable[[Mapping[str, Any], Path], Path]] = {
    OPENAI: _openai_fields,
    ANTHROPIC: _anthropic_fields,
    OLLAMA: _ollama_fields,
}
