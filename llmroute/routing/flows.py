"""What a spec sends to an origin beside what is asked: keys, variables, and texts that it brings along.

A spec may be somebody else's text. Each thing that leaves because the spec says so is a `Flow`, with the place that
says it; whether it may leave is decided elsewhere (`llmroute.dispatch.trust`). What the environment, the program or a
preset pair by themselves is no flow, or a free one.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.routing.diagnostics import Origin
from llmroute.routing.interpolation import interpolate, variables
from llmroute.routing.route import EMPTY
from llmroute.routing.scopes import DEFAULT_PREFIX, variable
from llmroute.routing.spec import KeyFile, KeyRing, KeyVariable
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.endpoints import Facts
    from llmroute.routing.scopes import Scope
    from llmroute.routing.spec import RoutingSpec
    from llmroute.routing.urls import Url

PROMPTS = "prompts"
INLINE = "a key in the spec"
OBEDIENT = frozenset({"openai-chat", "anthropic-messages", "ollama-chat", "mock"})
"""The formats whose adapters send what they are given, where they are told, and nothing of their own."""
_LONGEST = 120
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_WHOLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^${}]*)?\}(?=/|$)")
"""A variable that holds a URL as a whole, or all of it up to its path."""


class Flow(NamedTuple):
    """One thing that a spec sends to an origin."""

    source: str
    """`env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`, `a key in the spec`, `headers.NAME: TEXT`,
    `extra_body.NAME: JSON`, `adapter:API`, `argument:api_key` or `prompts`."""
    place: Origin
    """Where the spec says so; kind `preset` where only a preset does."""
    strict: bool = True
    """False: the spec chose the origin only, so that knowing the origin is enough."""


class Sent(NamedTuple):
    """A flow and its destination."""

    flow: Flow
    url: Url

    @property
    def free(self) -> bool:
        """Whether this may be sent without anybody's word."""
        flow, url = self.flow, self.url
        if flow.place.kind == "preset":
            return True
        if not flow.strict:
            return url.locality == "local" or url.origin in vendors()
        kind, _, name = flow.source.partition(":")
        return kind == "env" and name in vendors().get(url.origin, ())


@lru_cache(maxsize=1)
def vendors() -> Mapping[tuple[str, str, int], frozenset[str]]:
    """The variables that presets pair with each origin."""
    found: dict[tuple[str, str, int], frozenset[str]] = {}
    for preset in PRESETS.values():
        if preset.base_url:
            origin = parse(preset.base_url).origin
            names = {preset.key_variable} if preset.key_variable else set()
            found[origin] = found.get(origin, frozenset()) | names
    return found


def origin_text(url: Url) -> str:
    """An origin as it is written.

    >>> origin_text(parse("https://api.openai.com:443/v1"))
    'https://api.openai.com'
    """
    return str(url._replace(path=""))


class Bundle(NamedTuple):
    """What is known of an endpoint when its flows are looked for."""

    spec: RoutingSpec
    scope: Scope
    facts: Facts | None
    url: Url
    moved: bool
    """Whether the scope moved the provider to another origin."""


def flows_of(bundle: Bundle) -> tuple[Flow, ...]:
    """The flows of an endpoint, in the order in which they are shown; none to the mock, which sends nothing."""
    adapter = _foreign_api(bundle)
    if bundle.url.scheme == "mock" and not adapter:
        return ()
    keys = list(_keys(bundle))
    found = [*keys, *_in_the_url(bundle), *_beside(bundle, "headers"), *_beside(bundle, "extra_body")]
    place = _chose_the_url(bundle)
    if place is not None and not keys:
        found.append(Flow(PROMPTS, place, strict=False))
    if adapter and (said := place or _api_place(bundle)) is not None:
        found.append(Flow(f"adapter:{adapter}", said))
    return tuple(dict.fromkeys(found))


def _chose_the_url(bundle: Bundle) -> Origin | None:
    """Where the spec says what the URL is; None where a preset, the environment or the program says it."""
    scope, facts = bundle.scope, bundle.facts
    if "base_url" in scope.values:
        return scope.origin("base_url") if scope.path else _renamed(bundle, "base_url")
    if facts is not None and facts.declared.base_url is not None:
        return bundle.spec.source.origin(("providers", facts.name, "base_url"))
    return None


def _renamed(bundle: Bundle, setting: str) -> Origin | None:
    """Where the spec says that a variable of another name than the standard one holds a setting."""
    name = bundle.scope.variables.get(setting)
    return None if name is None or bundle.scope.place is not None else renamed(bundle.spec, setting, name)


def renamed(spec: RoutingSpec, setting: str, name: str) -> Origin | None:
    """Where the spec says that the variable `name` holds a setting; None for a standard name."""
    standard = variable(DEFAULT_PREFIX, setting)
    if name == standard or name.startswith(f"{standard}__"):
        return None
    for label, names in (spec.env.names or EMPTY).items():
        if label.partition(".")[0] == setting and name in names:
            return spec.source.origin(("env", "names", label, names.index(name)))
    return spec.source.origin(("env", "prefix"))


def _keys(bundle: Bundle) -> Iterator[Flow]:
    scope, facts = bundle.scope, bundle.facts
    if "api_key" in scope.values:
        if scope.path:
            yield from _written_key(bundle, scope.values["api_key"], scope.origin("api_key"))
        else:
            yield from _own_key(bundle)
        return
    if facts is None or bundle.moved:
        return
    if facts.declared.api_key is not None:
        place = bundle.spec.source.origin(("providers", facts.name, "api_key"))
        yield from _written_key(bundle, facts.declared.api_key, place)
    elif facts.declared.base_url is None and facts.preset is not None and facts.preset.key_variable:
        yield Flow(f"env:{facts.preset.key_variable}", Origin("preset", name=facts.preset.name))


def _written_key(bundle: Bundle, key: Any, place: Origin) -> Iterator[Flow]:
    """A key as the spec writes it."""
    if isinstance(key, KeyFile):
        yield Flow(f"file:{key.file}", place)
    elif isinstance(key, KeyRing):
        yield Flow(f"keyring:{key.keyring}", place)
    else:
        yield from (Flow(f"env:{name}", place) for name in variables(key))
        # A placeholder for a server on this machine is nobody's account.
        if bundle.url.locality != "local" and interpolate(key, EMPTY).text.strip():
            yield Flow(INLINE, place)


def _own_key(bundle: Bundle) -> Iterator[Flow]:
    """A key that the environment or the program gives: to a URL of the spec, or out of a variable it names."""
    scope = bundle.scope
    place = _renamed(bundle, "api_key")
    if scope.layer == "env":
        name = scope.variables["api_key"]
    else:
        key = scope.values["api_key"]
        name = key.name if isinstance(key, KeyVariable) else ""
    source = f"env:{name}" if name else "argument:api_key"
    if place is not None:
        yield Flow(source, place)
    elif (chosen := _chose_the_url(bundle)) is not None:
        yield Flow(source, chosen, strict=False)


def _in_the_url(bundle: Bundle) -> Iterator[Flow]:
    """Variables in a base URL of the spec, but for one that is all of it up to the path: that goes to itself."""
    scope, facts = bundle.scope, bundle.facts
    if "base_url" in scope.values:
        text = scope.values["base_url"] if scope.path else ""
    else:
        text = (facts.declared.base_url if facts is not None else None) or ""
    place = _chose_the_url(bundle)
    if place is not None and "$" in text:
        whole = _WHOLE.match(text)
        yield from (Flow(f"env:{name}", place) for name in variables(text[whole.end() :] if whole else text))


def _beside(bundle: Bundle, field: str) -> Iterator[Flow]:
    """What stands in `headers` or `extra_body`."""
    scope, facts = bundle.scope, bundle.facts
    written, path = scope.values.get(field), scope.path
    if written is None and facts is not None:
        written, path = getattr(facts.declared, field), ("providers", facts.name)
    elif written and not path:
        # The program's own, which it may well mean for another host of that name.
        if (chosen := _chose_the_url(bundle)) is not None:
            yield Flow(f"argument:{field}", chosen, strict=False)
        return
    stays = bundle.moved and field not in scope.values
    for name, value in (written or EMPTY).items():
        named = [found for text in _texts(value) for found in variables(text)]
        if named and stays:
            continue
        place = bundle.spec.source.origin((*path, field, name))
        yield from (Flow(f"env:{found}", place) for found in named)
        if (bundle.url.locality != "local" or _foreign_api(bundle)) and not (
            isinstance(value, str) and _VARIABLE.fullmatch(value)
        ):
            yield Flow(_literal(f"{field}.{name}", value), place)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _literal(name: str, value: Any) -> str:
    """What a spec says word for word; a long text is told apart by its digest."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… (sha256 {sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]})"
    return f"{name}: {text}"


def _foreign_api(bundle: Bundle) -> str:
    """The format of an adapter that may bring keys of its own; empty for those that send what they are given."""
    api = bundle.scope.values.get("api") or (bundle.facts.get("api") if bundle.facts is not None else None)
    return "" if api is None or api in OBEDIENT else str(api)


def _api_place(bundle: Bundle) -> Origin | None:
    """Where the spec names the format; None where a preset, the environment or the program does."""
    scope, facts = bundle.scope, bundle.facts
    if "api" in scope.values:
        return scope.origin("api") if scope.path else None
    is_said = facts is not None and facts.declared.api is not None
    return bundle.spec.source.origin(("providers", facts.name, "api")) if facts is not None and is_said else None
