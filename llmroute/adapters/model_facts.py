"""What a list of models says of one of them, in whichever words the server has.

The words of Anthropic, OpenRouter, Mistral, Groq, GitHub, vLLM, llama.cpp (`meta`), LM Studio and Ollama's
`/api/show`. What none of them says is left out: nothing is guessed from a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_NAME = 256
_NAMES = ("id", "key", "name", "model")
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "context_window": (
        "context_window",
        "context_length",
        "max_context_length",
        "max_model_len",
        "max_input_tokens",
        "limits.max_input_tokens",
        "meta.n_ctx_train",
    ),
    "max_output": (
        "max_output_tokens",
        "max_completion_tokens",
        "top_provider.max_completion_tokens",
        "limits.max_output_tokens",
    ),
}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "tools": ("capabilities.function_calling", "capabilities.trained_for_tool_use"),
    "vision": ("capabilities.vision", "capabilities.image_input.supported"),
    "json_schema": ("capabilities.structured_outputs.supported",),
    "thinking": ("capabilities.thinking.supported", "capabilities.reasoning"),
    "chat": ("capabilities.completion_chat",),
}
_WORDS: Mapping[str, tuple[tuple[str, frozenset[str]], ...]] = {
    "tools": (
        ("capabilities", frozenset({"tools", "tool-calling"})),
        ("supported_parameters", frozenset({"tools"})),
    ),
    "vision": (
        ("supported_input_modalities", frozenset({"image"})),
        ("architecture.input_modalities", frozenset({"image"})),
        ("capabilities", frozenset({"vision"})),
    ),
    "json_schema": (("supported_parameters", frozenset({"structured_outputs"})),),
    "thinking": (
        ("capabilities", frozenset({"thinking", "reasoning"})),
        ("supported_parameters", frozenset({"reasoning"})),
    ),
}
"""Lists that name everything a model can do: what is not in them it can't."""


def rows_of(answer: Any) -> list[dict[str, Any]] | None:
    """The models of an answer: `data` (OpenAI, Anthropic), `models` (Ollama, Cohere, LM Studio), or a bare list.

    None where it is no list of models.
    """
    rows = answer
    if isinstance(answer, dict):
        rows = next((answer[name] for name in ("data", "models") if isinstance(answer.get(name), list)), None)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def name_of(row: Mapping[str, Any]) -> str | None:
    """The name by which a model is asked for; None where it has none that could be shown."""
    name = next((row[key] for key in _NAMES if isinstance(row.get(key), str)), "")
    name = name.removeprefix("models/")  # Gemini
    return name if name and name.isprintable() and len(name) <= LONGEST_NAME and " " not in name else None


def facts_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a model: some of the fields of `Capabilities`, and `chat`: False for one that can't."""
    found: dict[str, Any] = {}
    for fact, places in _NUMBERS.items():
        numbers = [value for place in places if _is_count(value := _at(row, place))]
        found.update({fact: numbers[0]} if numbers else {})
    if "max_input_tokens" in row and _is_count(row.get("max_tokens")):
        found["max_output"] = row["max_tokens"]  # Anthropic; elsewhere the word means many things
    for fact, lists in _WORDS.items():
        said = next((words & set(value) for place, words in lists if _is_texts(value := _at(row, place))), None)
        found.update({} if said is None else {fact: bool(said)})
    for fact, places in _FLAGS.items():
        flags = [value for place in places if (value := _at(row, place)) is not None and not isinstance(value, list)]
        found.update({fact: bool(flags[0])} if flags else {})
    return found if _chats(row) else {**found, "chat": False}


def _chats(row: Mapping[str, Any]) -> bool:
    able = row.get("capabilities")
    if isinstance(able, list) and "embedding" in able:
        return "completion" in able
    return row.get("type") not in ("embedding", "embeddings")


def _at(row: Any, place: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for step in place.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
