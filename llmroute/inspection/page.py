"""The page as one HTML file: data, style and scripts inside, and a policy that lets in nothing else."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPTS = ("page.js", "detail.js", "graph.js", "start.js")
"""In the order in which they stand in the page; each uses what those before it define."""
_PLACE = re.compile(r"<!--(policy|title|style|data|scripts)-->")
_MARKUP = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def page(data: Mapping[str, Any], *, live: bool = False) -> str:
    """The whole page; `live` lets its script speak with the server that it comes from, and with nobody else."""
    style = asset("page.css")
    scripts = [asset(name) for name in SCRIPTS]
    parts = {
        "policy": escape(policy(style, scripts, live=live)),
        "title": escape(str(data["title"])),
        "style": style,
        "data": as_script_data({**data, "live": live}),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    # In one pass, so that nothing that was put in is taken for a place.
    return _PLACE.sub(lambda match: parts[match[1]], asset("page.html"))


def asset(name: str) -> str:
    """A file of this package."""
    return files("llmroute.inspection").joinpath(name).read_text(encoding="utf-8")


def policy(style: str, scripts: list[str], *, live: bool = False) -> str:
    """The Content-Security-Policy: this style and these scripts, known by their hashes; no markup out of texts."""
    allowed = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": " ".join(map(_hash, scripts)),
        "connect-src": "'self'" if live else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def as_script_data(value: Any) -> str:
    r"""JSON that can stand inside of a script element: no character of it begins markup.

    >>> as_script_data("</script><!--")
    '"\\u003c/script\\u003e\\u003c!--"'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_MARKUP)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
