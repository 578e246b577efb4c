"""LiteLLM itself: imported at the first call, and kept from doing more than it is asked to."""

from __future__ import annotations

import builtins
import os
import threading
import warnings
from importlib import import_module
from typing import Any

from llmroute.adapters.litellm_passage import UNDER_WAY
from llmroute.errors import MissingExtraError

_AT_IMPORT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
}
"""While it is imported, LiteLLM would read the `.env` of the working folder, and fetch lists from GitHub."""
_PRINTING = ("exception_mapping_utils", "get_llm_provider_logic")
"""Modules that print advertisements for its issue tracker and its documentation when a call fails."""
_lock = threading.Lock()
_library: Any = None


def library() -> Any:
    """The module.

    Raises:
        MissingExtraError: it is not installed.
    """
    global _library  # noqa: PLW0603 - made once a process
    with _lock:
        if _library is None:
            _library = _imported()
        return _library


def _imported() -> Any:
    before = {name: os.environ.get(name) for name in _AT_IMPORT}
    os.environ.update({name: value for name, value in _AT_IMPORT.items() if before[name] is None})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm
    except ImportError:
        raise MissingExtraError("api: litellm needs LiteLLM, which is not installed", extra="litellm") from None
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
    for name in _PRINTING:
        vars(import_module(f"litellm.litellm_core_utils.{name}"))["print"] = _print
    return litellm


def _print(*args: Any, **kwargs: Any) -> None:
    """Print for the program's own calls to LiteLLM, as ever, and not for ours."""
    if UNDER_WAY.get(None) is None:
        builtins.print(*args, **kwargs)  # noqa: T201 - LiteLLM prints here
