"""Checks about keys: none in the file, none sent in the clear, none of one vendor's at another's door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.routing.endpoints import reference
from llmroute.routing.interpolation import variables
from llmroute.routing.report import report
from llmroute.routing.secrets import begins_like_a_key, looks_like_a_key
from llmroute.routing.urls import Url, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.check_places import Place
    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.spec import RoutingSpec

_KEY_FIELDS = {"api_key", "headers", "extra_body"}
_TRANSPORT_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"),
        *("keep-alive", "proxy-connection"),
    }
)
"""What says where a request ends and whose it is: the transport's own."""
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "x-api-key", "api-key", "proxy-authorization", "cookie", "x-goog-api-key"}
)


def inline_keys(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    """A key that stands in the file: named, never shown."""
    for path, text in place.texts():
        is_key = path[-1] == "api_key" and "${" not in text and text.strip()
        # A placeholder such as `none` or `ollama` for a local server is no secret.
        # A model may have a random name; where a key belongs, a random text is one.
        secret = looks_like_a_key if _KEY_FIELDS & set(path) else begins_like_a_key
        if (is_key and len(text) > len("placeholder")) or secret(text):
            yield report(
                spec.source,
                "inline-secret",
                f"{'.'.join(map(str, path))} holds what looks like a key",
                path,
                hint="put it in a variable and write ${NAME} here; and as it was in a file, have it replaced",
            )


def credential_headers(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    """A header that carries a credential, which nothing would keep from going to another origin."""
    for name in place.values.get("headers") or ():
        if name.lower() in _CREDENTIAL_HEADERS:
            message = f"the header {name!r} carries a credential"
            hint = "write it as api_key, with auth: bearer, x-api-key or api-key"
            yield report(spec.source, "credential-header", message, (*place.path, "headers", name), hint=hint, key=True)


def transport_headers(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    """A header that belongs to the transport: it could lead a request, and its key, to another host."""
    for name in place.values.get("headers") or ():
        if name.lower() in _TRANSPORT_HEADERS:
            message = f"the header {name!r} steers the connection"
            hint = "take it out; base_url says where a request goes"
            yield report(spec.source, "transport-header", message, (*place.path, "headers", name), hint=hint, key=True)


def _url(spec: RoutingSpec, place: Place) -> Url | None:
    """The URL that the key of a place goes to, where it can be told without the environment."""
    url = place.values.get("base_url")
    if url is None:
        provider = place.path[1] if place.kind == "provider" else place.values.get("provider")
        found = reference(spec, place.values.get("model", "")) if provider is None else None
        name = str(provider or (found[0] if found else ""))
        declared = spec.providers.get(name)
        preset = PRESETS.get((declared.preset if declared else None) or name)
        url = (declared.base_url if declared else None) or (preset.base_url if preset else None)
    if not url or "$" in url:
        return None
    try:
        return parse(url)
    except ValueError:
        return None


def keys_elsewhere(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    """A vendor's key variable, declared for a host that is not the vendor's."""
    key = place.values.get("api_key")
    url = _url(spec, place) if isinstance(key, str) else None
    if url is None or not isinstance(key, str):
        return
    for name in variables(key):
        homes = [preset for preset in PRESETS.values() if preset.key_variable == name and preset.base_url]
        if homes and url.origin not in [parse(preset.base_url).origin for preset in homes]:
            message = f"{name} is the key of {homes[0].title}, and {url.host} is another host"
            hint = "use a variable of its own for this host, if the key is not meant for it"
            yield report(spec.source, "vendor-key-elsewhere", message, (*place.path, "api_key"), hint=hint)


def keys_in_the_clear(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    """A key that travels over plain HTTP to another machine, and nobody said that it may."""
    url = _url(spec, place) if place.values.get("api_key") and place.values.get("auth") != "none" else None
    if url is None or url.scheme != "http" or url.locality == "local":
        return
    said = _allows_http(spec, place)
    if said:
        return
    message = f"the key travels to {url.host} over plain HTTP"
    hint = "use https://, or write allow_http: true beside it where the network is your own"
    found = report(spec.source, "key-in-the-clear", message, (*place.path, "api_key"), hint=hint)
    # Inside a private network, which is held to when connecting, it is the user's to judge.
    unsaid_on_lan = said is None and url.locality == "lan"
    yield found._replace(severity="warning") if unsaid_on_lan else found


def _allows_http(spec: RoutingSpec, place: Place) -> bool | None:
    said = place.values.get("allow_http")
    if said is None and place.kind != "provider" and "base_url" not in place.values:
        provider = place.values.get("provider") or (reference(spec, place.values.get("model", "")) or ("",))[0]
        said = getattr(spec.providers.get(provider), "allow_http", None)
    return said
