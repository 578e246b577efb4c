"""OpenAI Chat Completions: token counts, wherever a server puts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.wire.reply import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


def usage_of(value: object) -> Usage | None:
    """Token counts; what is absent or no count is None.

    >>> usage_of({"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}})
    Usage(input_tokens=7, output_tokens=2, cached_tokens=4, cache_write_tokens=None, reasoning_tokens=None)
    """
    if not isinstance(value, dict):
        return None
    inputs = _object(value, "prompt_tokens_details")
    reasoning = _count(_object(value, "completion_tokens_details"), "reasoning_tokens")
    usage = Usage(
        input_tokens=_count(value, "prompt_tokens"),
        output_tokens=_output(value, reasoning),
        cached_tokens=_first(
            _count(inputs, "cached_tokens"),
            _count(value, "prompt_cache_hit_tokens"),  # DeepSeek
            _count(value, "cached_tokens"),  # Moonshot
        ),
        cache_write_tokens=_count(inputs, "cache_write_tokens"),
        reasoning_tokens=reasoning,
    )
    return None if usage == Usage() else usage


def usage_in(row: Mapping[str, Any]) -> Usage | None:
    """The token counts of an answer or of a chunk: at its top, in its choice (Moonshot), under `x_groq`.

    >>> usage_in({"x_groq": {"usage": {"prompt_tokens": 7}}}).input_tokens
    7
    """
    found = usage_of(row.get("usage"))
    if found is None:
        choices = row.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        found = usage_of(choice.get("usage")) if isinstance(choice, dict) else None
    return found or usage_of(_object(row, "x_groq").get("usage"))


def usage_of_timings(value: object) -> Usage | None:
    """The token counts in the `timings` of llama.cpp, for answers that have no others.

    >>> usage_of_timings({"cache_n": 37, "prompt_n": 1, "predicted_n": 16})
    Usage(input_tokens=38, output_tokens=16, cached_tokens=37, cache_write_tokens=None, reasoning_tokens=None)
    """
    if not isinstance(value, dict):
        return None
    new, cached = _count(value, "prompt_n"), _count(value, "cache_n")
    usage = Usage(
        # Servers that do not tell `cache_n` do not count what was cached at all.
        input_tokens=None if new is None or cached is None else new + cached,
        output_tokens=_count(value, "predicted_n"),
        cached_tokens=cached,
    )
    return None if usage == Usage() else usage


def usage_to(usage: Usage | None) -> dict[str, Any] | None:
    """Token counts as the API writes them; None when the totals are not known: never 0 for unknown."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    row: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    inputs = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
    known = {name: count for name, count in inputs.items() if count is not None}
    if known:
        row["prompt_tokens_details"] = known
    if usage.reasoning_tokens is not None:
        row["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return row


def _output(value: Mapping[str, Any], reasoning: int | None) -> int | None:
    """All of the output. xAI and Gemini leave thinking out of `completion_tokens`; the total has it."""
    given, total, written = (_count(value, name) for name in ("prompt_tokens", "total_tokens", "completion_tokens"))
    if given is None or total is None or written is None:
        return written
    unsaid = total - given - written
    return written + unsaid if unsaid > 0 and reasoning in {None, unsaid} else written


def _object(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    return value if type(value) is int and value >= 0 else None


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
