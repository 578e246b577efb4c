"""A spec in its canonical form: whatever was written how, the same words for the same thing.

Everything is resolved that needs no query: shorthand is spelled out, presets are filled in and defaults written, as
far as every query is still answered alike. A preset whose URL a variable may replace keeps URL and key to itself.
Variables stay references, and a key that stands in the file is not repeated. Tests are left out: they ask a spec, and
are no part of what it decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmroute.catalog.presets import PRESETS, Preset
from llmroute.routing.check_places import places
from llmroute.routing.concealed import concealed
from llmroute.routing.endpoints import is_known, reference
from llmroute.routing.quirks import Quirks
from llmroute.routing.scopes import DEFAULT_PREFIX, written
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.routing.spec import Provider, RoutingSpec

FIRST = ("name", "preset", "provider", "base_url", "api", "model", "api_key", "auth")
"""The settings that stand before all others."""
LAST = ("metadata", "fallbacks", "allow_remote_fallback", "require", "purposes")
"""Those that stand behind them."""
SHORT = 12
"""So many digits of a hash are shown in logs and replies."""
_MEMO = "spec hash"
_OWN_TO_THE_CODEC = frozenset({"max_tokens_field", "cloud_model_suffixes"})
"""Quirks that hold for some URLs only, or that no spec can say."""
_AS_WRITTEN = frozenset({"extra_body", "metadata"})
"""Fields whose values are handed on as they are."""


def spec_hash(spec: RoutingSpec) -> str:
    """The SHA-256 of the canonical form, in 64 hexadecimal digits; reckoned once a spec."""
    found: str | None = spec.memo.get(_MEMO)
    if found is None:
        found = spec.memo[_MEMO] = hash_of(canonical(spec))
    return found


def short_hash(spec: RoutingSpec) -> str:
    """The first digits of the hash: enough to find the version of a file by."""
    return spec_hash(spec)[:SHORT]


def hash_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 of a document as JSON in UTF-8, its keys sorted and nothing between the tokens."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def canonical(spec: RoutingSpec) -> dict[str, Any]:
    """The canonical form as plain values, which load as a spec again; keys stand in their canonical order."""
    names = sorted({*spec.providers, *_used_presets(spec)})
    document: dict[str, Any] = {
        "providers": {name: _provider(spec, name) for name in names},
        "defaults": _scope(spec, spec.defaults),
        "purposes": {name: _scope(spec, scope) for name, scope in sorted(spec.purposes.items())},
        "agents": {name: _named_scope(spec, entry) for name, entry in sorted(spec.agents.items())},
        "clients": {name: _named_scope(spec, entry) for name, entry in sorted(spec.clients.items())},
        "env": {"prefix": DEFAULT_PREFIX, **_plain(spec.env)},
        "policies": [_ordered({"warn": False, **_plain(policy)}) for policy in spec.policies],
    }
    found: dict[str, Any] = concealed({"version": 1, **{name: part for name, part in document.items() if part}})
    return found


def _used_presets(spec: RoutingSpec) -> Iterator[str]:
    """The presets that the spec names and does not declare."""
    for place in places(spec):
        if place.kind != "provider":
            named = str(_split(spec, dict(place.values)).get("provider"))
            if named in PRESETS:
                yield named
        for entry in place.values.get("fallbacks") or ():
            found = _entry(spec, entry) if isinstance(entry, str) else None
            if isinstance(found, dict) and found["provider"] in PRESETS:
                yield found["provider"]


def _provider(spec: RoutingSpec, name: str) -> dict[str, Any]:
    """A provider on top of its preset."""
    declared = spec.providers.get(name)
    values = _settings(spec, declared) if declared is not None else {}
    preset = PRESETS.get(values.get("preset", name))
    if preset is not None:
        values = {"preset": preset.name, "api": preset.api, "auth": preset.auth, **_home(preset, declared), **values}
        known = {key: fact for key, fact in preset.quirks.items() if key in _QUIRKS}
        values["quirks"] = dict(sorted({**known, **values.get("quirks", {})}.items()))
        if not values["quirks"]:
            del values["quirks"]
    if declared is not None and declared.purposes:
        values["purposes"] = _plain(declared.purposes)
    return _ordered({"api": "openai-chat", "proxy": "none", **values})


_QUIRKS = {item.name for item in fields(Quirks)} - _OWN_TO_THE_CODEC


def _home(preset: Preset, declared: Provider | None) -> dict[str, Any]:
    """URL and key of a preset, where no variable can replace the pair and the spec has no URL of its own."""
    url, key = (None, None) if declared is None else (declared.base_url, declared.api_key)
    if not preset.base_url or url is not None or (preset.base_url_variable is not None and key is None):
        return {}
    own = {"api_key": f"${{{preset.key_variable}}}"} if preset.key_variable is not None else {}
    return {"base_url": preset.base_url, **own}


def _named_scope(spec: RoutingSpec, entry: Any) -> dict[str, Any]:
    own = {name: _scope(spec, scope) for name, scope in sorted((entry.purposes or {}).items())}
    return _ordered({**_settings(spec, entry), **({"purposes": own} if own else {})})


def _scope(spec: RoutingSpec, scope: Any) -> dict[str, Any]:
    return _ordered(_settings(spec, scope))


def _settings(spec: RoutingSpec, settings: Any) -> dict[str, Any]:
    """The settings of a place, shorthand spelled out; `purposes` are places of their own."""
    said = written(settings)
    values = {name: _unchanged(item) if name in _AS_WRITTEN else _plain(item) for name, item in said.items()}
    if hasattr(settings, "provider"):
        values = _split(spec, values)
    if "base_url" in values:
        values["base_url"] = _url(values["base_url"])
    if said.get("fallbacks"):
        values["fallbacks"] = [_entry(spec, entry) for entry in said["fallbacks"]]
        values.setdefault("allow_remote_fallback", False)
    return values


def _split(spec: RoutingSpec, values: dict[str, Any]) -> dict[str, Any]:
    """`model: provider/model` as two settings; a model that holds a variable stays as it is."""
    model = values.get("model")
    if model is None or "provider" in values or "$" in model or (found := reference(spec, model)) is None:
        return values
    return {**values, "provider": found[0], "model": found[1]}


def _entry(spec: RoutingSpec, entry: Any) -> Any:
    """An entry of a list of fallbacks as a mapping; a text that holds a variable stays as it is."""
    if not isinstance(entry, str):
        return _ordered(_settings(spec, entry))
    if "$" in entry:
        return entry
    found = reference(spec, entry)
    if found is not None:
        return {"provider": found[0], "model": found[1]}
    return {"provider": entry} if is_known(spec, entry) else entry


def _url(text: str) -> str:
    """A URL in its normal form; one that holds a variable, or that is none, as it is."""
    try:
        return text if "$" in text else str(parse(text))
    except ValueError:
        return text


def _plain(value: Any) -> Any:
    """What was written as plain values: what says nothing is left out, and 1.0 is 1."""
    if is_dataclass(value):
        return {item.name: _plain(said) for item in fields(value) if (said := getattr(value, item.name)) is not None}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in sorted(value.items())}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unchanged(value: Any) -> Any:
    """A copy in dicts and lists."""
    if isinstance(value, Mapping):
        return {name: _unchanged(item) for name, item in sorted(value.items())}
    return [_unchanged(item) for item in value] if isinstance(value, tuple | list) else value


def _ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in their canonical order."""
    middle = sorted(values.keys() - {*FIRST, *LAST})
    return {name: values[name] for name in (*FIRST, *middle, *LAST) if name in values}
