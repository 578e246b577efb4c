"""A server that answers as Ollama's documentation and sources say (`docs/api.md`, `api/types.go`, `server/routes.go`).

It refuses what Ollama refuses, in its words, and cuts prompts as Ollama cuts them. A token is a word here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmroute.testing import FaultServer, answer, stream

if TYPE_CHECKING:
    from llmroute.testing import Script, Seen

AT = "2026-09-01T10:00:00.123456789Z"
ROLES = {"system", "user", "assistant", "tool"}
LEVELS = ("high", "medium", "low", "max")
INTEGERS = ("num_ctx", "num_keep", "num_predict", "seed", "top_k")
BUSY = "server busy, please try again.  maximum pending requests exceeded"
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the "
    "context length in settings, or use a model with a longer context length"
)


class RefusedError(Exception):
    """The request gets this status, and this error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Model:
    """A model that is on the disk."""

    capabilities: tuple[str, ...] = ("completion", "tools", "thinking", "vision")
    context_length: int = 131_072
    num_ctx: int = 4096
    """What it is loaded with unless a request says otherwise."""


@dataclass
class Says:
    """What a model answers to everything."""

    text: str = "Four."
    thinking: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    """Functions: name and arguments."""


@dataclass
class FakeOllama:
    """The state of the server; `serve` gives it a port."""

    models: dict[str, Model] = field(default_factory=lambda: {"qwen3:8b": Model(), "llama3.2": Model()})
    says: Says = field(default_factory=Says)
    queue_is_full: bool = False
    breaks_after: int | None = None
    """So many lines of a stream come, and then an error."""
    with_ids: bool = True
    """Tool calls have ids, as they have since 0.12."""
    keeps_half: bool = True
    """A prompt that is too long is cut to half of the window, as since 0.31; before, to the window."""
    seen: list[tuple[str, Any]] = field(default_factory=list)
    """Path and body of each request."""

    def serve(self) -> FaultServer:
        return FaultServer(self.script)

    def script(self, seen: Seen) -> Script:
        body = json.loads(seen.body) if seen.body else None
        self.seen.append((seen.path, body))
        try:
            match (seen.method, seen.path):
                case ("POST", "/api/chat"):
                    return self._chat(body)
                case ("POST", "/api/show"):
                    return answer(200, self._shown(self._model(body["model"])))
                case ("GET", "/api/tags"):
                    return answer(200, {"models": [_listed(name) for name in self.models]})
                case ("GET", "/api/version"):
                    return answer(200, {"version": "0.32.9"})
            return answer(404, "404 page not found", {"content-type": "text/plain"})
        except RefusedError as refused:
            return answer(refused.status, {"error": str(refused)})

    def _model(self, name: str) -> Model:
        found = self.models.get(name) or self.models.get(name.removesuffix(":latest"))
        if found is None:
            raise RefusedError(404, f"model '{name}' not found")
        return found

    @staticmethod
    def _shown(model: Model) -> dict[str, Any]:
        return {
            "details": {"family": "qwen3", "parameter_size": "8B", "quantization_level": "Q4_K_M"},
            "model_info": {"general.architecture": "qwen3", "qwen3.context_length": model.context_length},
            "capabilities": list(model.capabilities),
        }

    def _chat(self, body: dict[str, Any]) -> Script:
        name = body.get("model")
        if not name:
            raise RefusedError(400, "model is required")
        check_types(body)
        model = self._model(name)
        self._check_capabilities(name, model, body)
        if self.queue_is_full:
            raise RefusedError(503, BUSY)
        if not body.get("messages"):
            reason = "unload" if body.get("keep_alive") == 0 else "load"
            loaded = {"model": name, "created_at": AT, "message": {"role": "assistant", "content": ""}}
            return answer(200, {**loaded, "done": True, "done_reason": reason})
        rows = self._rows(name, self._counts(model, body), body)
        if body.get("stream") is False:
            return answer(200, whole(rows), {"content-type": "application/json; charset=utf-8"})
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        if self.breaks_after is not None:
            error = {"error": "an error was encountered while running the model: CUDA error"}
            lines = [*lines[: self.breaks_after], json.dumps(error) + "\n"]
        return stream(*lines, kind="application/x-ndjson")

    @staticmethod
    def _check_capabilities(name: str, model: Model, body: dict[str, Any]) -> None:
        if body.get("tools") and "tools" not in model.capabilities:
            raise RefusedError(400, f"registry.ollama.ai/library/{name} does not support tools")
        think = body.get("think")
        if isinstance(think, str) and think not in LEVELS:
            allowed = '"high", "medium", "low", "max", true, or false'
            raise RefusedError(400, f'invalid think value: "{think}" (must be {allowed})')
        if think and "thinking" not in model.capabilities:
            raise RefusedError(400, f'"{name}" does not support thinking')

    def _counts(self, model: Model, body: dict[str, Any]) -> dict[str, int]:
        """What is left of the prompt: old messages are dropped, and a last one that is too long is cut."""
        options = body.get("options") or {}
        window, keep = options.get("num_ctx", model.num_ctx), options.get("num_keep", 4)
        messages = [(one["role"], len(words(one.get("content") or ""))) for one in body["messages"]]
        total = sum(count for _, count in messages)
        if total > window and body.get("truncate") is False:
            raise RefusedError(400, TOO_LONG)
        while sum(count for _, count in messages) > window and len(messages) > 1:
            oldest = next((i for i, (role, _) in enumerate(messages[:-1]) if role != "system"), None)
            if oldest is None:
                break
            del messages[oldest]
        prompt = sum(count for _, count in messages)
        if prompt > window:
            prompt = keep + (window - keep) // 2 if self.keeps_half else window
        return {"prompt_eval_count": prompt, "limit": options.get("num_predict", -1)}

    def _rows(self, name: str, counts: dict[str, int], body: dict[str, Any]) -> list[dict[str, Any]]:
        limit = counts["limit"]
        thoughts = words(self.says.thinking) if body.get("think") is not False else []
        pieces = [{"content": "", "thinking": word} for word in thoughts]
        pieces += [{"content": word} for word in words(self.says.text)]
        done_reason = "length" if 0 < limit < len(pieces) else "stop"
        pieces = pieces[:limit] if done_reason == "length" else pieces
        if self.says.calls and body.get("tools") and done_reason == "stop":
            pieces.append({"content": "", "tool_calls": [self._call(i, one) for i, one in enumerate(self.says.calls)]})
        head = {"model": name, "created_at": AT}
        rows = [{**head, "message": {"role": "assistant", **piece}, "done": False} for piece in pieces]
        end = {
            **head,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": done_reason,
            "total_duration": 4_883_583_458,
            "load_duration": 1_334_875,
            "prompt_eval_count": counts["prompt_eval_count"],
            "prompt_eval_duration": 342_546_000,
            "eval_count": len(pieces),
            "eval_duration": 4_535_599_000,
        }
        return [*rows, end]

    def _call(self, index: int, function: dict[str, Any]) -> dict[str, Any]:
        call: dict[str, Any] = {"function": {"index": index, **function}}
        return {"id": f"call_{index}f9k2", **call} if self.with_ids else call


def check_types(body: dict[str, Any]) -> None:
    """What Go's decoder, and Ollama's own, refuse."""
    for message in body.get("messages") or []:
        check_message(message)
    for name, value in (body.get("options") or {}).items():
        if name in INTEGERS and type(value) is not int:
            raise RefusedError(400, f'option "{name}" must be of type integer')
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        problem = f'invalid format: {json.dumps(form)}; expected "json" or a valid JSON Schema object'
        raise RefusedError(400, problem)


def check_message(message: dict[str, Any]) -> None:
    if message.get("role", "").lower() not in ROLES:
        raise RefusedError(400, f"invalid role: {message.get('role')}")
    if not isinstance(message.get("content", ""), str):
        raise RefusedError(400, "json: cannot unmarshal array into Go struct field .messages.content of type string")
    for image in message.get("images") or []:
        try:
            base64.b64decode(image, validate=True)
        except (binascii.Error, TypeError) as exc:
            raise RefusedError(400, "illegal base64 data at input byte 0") from exc
    for call in message.get("tool_calls") or []:
        if not isinstance(call["function"]["arguments"], dict):
            kind = "map[string]interface {}"
            raise RefusedError(400, f"json: cannot unmarshal string into Go struct field .arguments of type {kind}")


def words(text: str) -> list[str]:
    """The words of a text, each with the white space behind it."""
    return re.findall(r"\S+\s*", text)


def whole(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of a stream as one answer."""
    messages = [row["message"] for row in rows]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(one["content"] for one in messages)}
    thinking = "".join(one.get("thinking", "") for one in messages)
    calls = [call for one in messages for call in one.get("tool_calls", ())]
    if thinking:
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = calls
    return {**rows[-1], "message": message}


def _listed(name: str) -> dict[str, Any]:
    full = name if ":" in name else f"{name}:latest"
    return {
        "name": full,
        "model": full,
        "modified_at": AT,
        "size": 4_700_000_000,
        "digest": "sha256:0a8c",
        "details": {},
    }
