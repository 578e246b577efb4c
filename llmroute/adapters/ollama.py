"""What Ollama says of a failure, on its own API and on `/v1`: sentences, without a code.

The sentences are those of Ollama's `server/routes.go`, `server/sched.go`, `types/errtypes` and `llm/server.go`.
"""

from __future__ import annotations

from llmroute.errors import CallError, ModelNotFoundError, OverloadedError, RequestError, ServerError

TOO_LONG = "longer than the context length"
"""What it says of a prompt that it was told not to cut (`truncate: false`)."""
_HINTS = (
    ("does not support tools", "choose a model that calls tools (`ollama show MODEL` lists what it can do)"),
    ("does not support thinking", "leave `reasoning_effort` out, or choose a model that thinks (`ollama show MODEL`)"),
    ("invalid think value", "this model takes another `reasoning_effort`: low, medium, high or none"),
    (TOO_LONG, "give it more room: `api: ollama-chat` and `extra_body: {options: {num_ctx: TOKENS}}`"),
    ("more system memory", "choose a smaller model, or a smaller num_ctx"),
)
_NO_PATH = "page not found"
_CLASSES: tuple[tuple[str, type[CallError]], ...] = (
    ("server busy", OverloadedError),
    ("not found", ModelNotFoundError),
    ("does not support", RequestError),
    ("invalid", RequestError),
)


def hint_of(text: str) -> str:
    """What to do, for what Ollama said; empty for anything else.

    >>> hint_of('"gemma3:1b" does not support tools')
    'choose a model that calls tools (`ollama show MODEL` lists what it can do)'
    """
    return next((hint for said, hint in _HINTS if said in text), "")


def class_of(text: str) -> type[CallError]:
    """The failure behind an error in the middle of a stream: Ollama itself, unless its words say otherwise."""
    return next((cls for said, cls in _CLASSES if said in text), ServerError)


def has_no_path(text: str) -> bool:
    """Whether a 404 is about the path of the request, not about the model.

    >>> has_no_path("404 page not found"), has_no_path("model 'x' not found")
    (True, False)
    """
    return _NO_PATH in text


NO_PATH_HINT = "it has no /api/chat, so it is no Ollama: take `api: ollama-chat` out, or mend base_url"
