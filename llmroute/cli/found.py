"""What this machine has: key variables that are set, and local servers that answer. Names only, never a value."""

from __future__ import annotations

import json
import re
import time
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.catalog.models_data import MODELS
from llmroute.catalog.presets import PRESETS
from llmroute.routing.context import CLOUD_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOCAL_PORTS: Mapping[str, int] = {"ollama": 11434, "lmstudio": 1234, "llamacpp": 8080, "vllm": 8000}
"""Preset → the port that it listens on by default."""
_ADDRESS = "127.0.0.1"
_TIMEOUT_S = 0.5
_DEADLINE_S = 2.0
_MAX_BYTES = 1024 * 1024
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}")
"""What is written into a file of a name that a server gave; one of another form is left out."""
_FIRST_MODELS = {
    "anthropic": "claude-haiku-4-5",
    "openai": "gpt-5-mini",
    "openrouter": "openai/gpt-5-mini",
    "deepseek": "deepseek-chat",
    "groq": "llama-3.3-70b-versatile",
    "mistral": "mistral-small-latest",
    "gemini": "gemini-2.5-flash",
    "together": "openai/gpt-oss-120b",
    "cerebras": "gpt-oss-120b",
    "moonshot": "kimi-k2.5",
    "zai": "glm-4.7",
}
"""A model to begin with: small, current, calls tools. For other vendors the first in the catalogue that calls tools."""


class Found(NamedTuple):
    """One provider that can be used here."""

    preset: str
    model: str | None
    """None: the server answered, and has no model yet."""
    reason: str
    """How it was found."""
    is_local: bool = False
    models: tuple[str, ...] = ()
    """Of a local server: the names of all its models."""


def vendors(environ: Mapping[str, str]) -> list[Found]:
    """The vendors whose key variable is set; where presets share a variable, the first of them."""
    found: dict[str, Found] = {}
    for preset in PRESETS.values():
        variable = preset.key_variable
        # Tokens such as GITHUB_TOKEN are set for other purposes; a preset without a URL needs more than a key.
        if not variable or not variable.endswith("_API_KEY") or not preset.base_url:
            continue
        if variable not in found and environ.get(variable, "").strip() and (model := first_model(preset.name)):
            found[variable] = Found(preset.name, model, f"{variable} is set")
    return list(found.values())


def first_model(preset: str) -> str | None:
    """A model of a vendor to begin with; None where the catalogue knows none."""
    if preset in _FIRST_MODELS:
        return _FIRST_MODELS[preset]
    rows = (line.split(" ") for line in MODELS.get(preset, "").strip().splitlines())
    return next((name for name, _, _, letters in rows if "t" in letters), None)


def local_servers(ports: Mapping[str, int] = LOCAL_PORTS) -> Iterator[Found]:
    """The local servers that answer on loopback with a list of models."""
    for preset, port in ports.items():
        path = "/api/tags" if preset == "ollama" else "/v1/models"
        names = _model_names(_get(port, path))
        if names is not None:
            reason = f"a server answered at {_ADDRESS}:{port}"
            yield Found(preset, usable(names), reason, is_local=True, models=tuple(names))


def _get(port: int, path: str) -> Any:
    """The JSON that a server on loopback answers with; None where it does not."""
    connection = HTTPConnection(_ADDRESS, port, timeout=_TIMEOUT_S)
    ends_at = time.monotonic() + _DEADLINE_S
    body = bytearray()
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        while chunk := response.read1(65536):
            body += chunk
            if len(body) > _MAX_BYTES or time.monotonic() > ends_at:
                return None
        return json.loads(body) if response.status == 200 else None  # noqa: PLR2004 - HTTP's "OK"
    except (OSError, HTTPException, ValueError, RecursionError):
        # Nobody there, or something else than the server that was looked for.
        return None
    finally:
        connection.close()


def _model_names(answer: Any) -> list[str] | None:
    """The names in Ollama's or OpenAI's list of models; None where the answer is neither."""
    if not isinstance(answer, dict):
        return None
    rows = answer.get("models", answer.get("data"))
    if not isinstance(rows, list):
        return None
    named = [row.get("name", row.get("id")) for row in rows if isinstance(row, dict)]
    return [name for name in named if isinstance(name, str) and _MODEL.fullmatch(name)]


def usable(names: Iterable[str]) -> str | None:
    """The first model that chats, as far as its name says, and stays on this machine."""
    return next((name for name in names if "embed" not in name.lower() and not name.endswith(CLOUD_SUFFIXES)), None)
