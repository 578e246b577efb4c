"""How a target is reached: directly, or through the proxy that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from llmroute.adapters.connections.reach import obeys_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.route import Target


def proxy(target: Target, environ: Mapping[str, str]) -> tuple[Literal["ok", "not-needed"], str]:
    """Status and message; a password in the proxy's URL is not shown."""
    named = _named(target, environ)
    if obeys_proxy(target):
        return "ok", f"through {named}, if NO_PROXY does not name the host" if named else "direct: no proxy is set"
    if target.proxy == "env":
        return "not-needed", "direct: a local server is never reached through a proxy"
    set_anyway = f"; {named} is not obeyed without proxy: env" if named and target.locality != "local" else ""
    return "not-needed", f"direct{set_anyway}"


def _named(target: Target, environ: Mapping[str, str]) -> str:
    """The variable that would hold, and the host and port in it; empty where none is set."""
    scheme = target.base_url.partition(":")[0]
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        if value := environ.get(name, "").strip():
            return f"{name} ({_host(value)})"
    return ""


def _host(value: str) -> str:
    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return "no URL"
    return f"{host}:{port}" if port else host
