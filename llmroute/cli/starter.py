"""The text of a first routing.yaml."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.cli.found import Found

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_.-]+)?")
_HEAD = """\
# Which language model answers which call.
#   llmroute validate       is it right?
#   llmroute explain        who wins, and why?
#   llmroute run "Hello"    try it
# An editor completes it after `llmroute schema -o routing.v1.schema.json`, with this as the first line:
#   # yaml-language-server: $schema=routing.v1.schema.json
version: 1

providers:
"""
_MOCK = """\
  # No key variable is set and no local server was found: mock answers by itself and reaches nothing.
  # A vendor needs one line here, such as anthropic: {{}}, and its key in a variable.
  mock:
    model: {model}
"""
_TAIL = """\

# What holds where nothing else speaks.
defaults:
  provider: {default}
  # Tried in order when the provider fails; to leave this machine must be allowed:
  # fallbacks: [{other}]
  # allow_remote_fallback: true

# What calls are for, and the parts of your program that make them. An agent is stronger than the environment and
# the client, a purpose is weaker.
# purposes:
#   planning: {{model: {other}}}
# agents:
#   file-picker:
#     provider: {near}
#     {setting}
"""


def starter(found: Sequence[Found]) -> str:
    """A commented spec for what was found; with nothing, one that needs no key and no server."""
    usable = [one for one in found if one.model is not None]
    lines = [_provider(one) for one in found] if usable else [_MOCK.format(model="echo"), *map(_unused, found)]
    default = usable[0].preset if usable else "mock"
    last = usable[-1] if usable else None
    near = next((one.preset for one in usable if one.is_local), None)
    tail = _TAIL.format(
        default=default,
        other=f"{last.preset}/{last.model}" if last else "mock/other",
        near=near or default,
        setting="require: {locality: local}  # nothing can loosen it" if near or not usable else "max_tokens: 1024",
    )
    return "".join((_HEAD, *lines, tail))


def _provider(one: Found) -> str:
    if one.model is None:
        return _unused(one)
    return f"  # {one.reason}\n  {one.preset}:\n    model: {_scalar(one.model)}\n"


def _unused(one: Found) -> str:
    hint = PRESETS[one.preset].model_hint.replace("{model}", "MODEL")
    return f"  # {one.reason} and has no model yet ({hint})\n  # {one.preset}:\n  #   model: MODEL\n"


def _scalar(text: str) -> str:
    """A text as YAML, in quotes where it needs some; JSON's are YAML's.

    >>> _scalar("llama3.1:8b"), _scalar("1.10")
    ('llama3.1:8b', '"1.10"')
    """
    return text if _PLAIN.fullmatch(text) and text.lower() not in {"null", "true", "false"} else json.dumps(text)
