"""What can be said of a spec before anybody asks it something.

Every check is a generator of diagnostics over the written spec. `check` runs them all, and then asks `resolve`
itself for the queries that the spec names, so that what `validate` accepts is what will run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.routing.check_answers import NOBODY, answers
from llmroute.routing.check_keys import (
    credential_headers,
    inline_keys,
    keys_elsewhere,
    keys_in_the_clear,
    transport_headers,
)
from llmroute.routing.check_ollama import windows
from llmroute.routing.check_places import Place, places
from llmroute.routing.check_policies import policies
from llmroute.routing.check_tests import tests
from llmroute.routing.check_variables import unread
from llmroute.routing.endpoints import is_known, needs_url, reference
from llmroute.routing.interpolation import interpolate, syntax_error
from llmroute.routing.names import listed, near, nearest
from llmroute.routing.report import report
from llmroute.routing.route import EMPTY, LOCALITIES
from llmroute.routing.scopes import (
    DEFAULT_PREFIX,
    ENV_SETTINGS,
    WILDCARD,
    entry_name,
    purpose_part,
    variable,
)
from llmroute.routing.shapes import APIS
from llmroute.routing.spec import ENDPOINT_ONLY
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec


MAX_GUESSES = 100
"""How many unknown providers get a near name for a hint: each is compared with every name that there is."""


def check(spec: RoutingSpec, *, environ: Mapping[str, str] = EMPTY, asker: Query = NOBODY) -> list[Diagnostic]:
    """Everything there is to say about a spec, in the order of its lines.

    `environ` is that of the program that will ask, `asker` its client, its arguments and the override that it obeys;
    without them the spec is judged by itself.
    """
    everywhere = list(places(spec))
    guesses = iter(range(MAX_GUESSES))
    found = [
        *(item for place in everywhere for item in _of_place(spec, place, guesses)),
        *_homeless_models(spec, everywhere),
        *_providers(spec),
        *_names(spec),
        *_environment(spec),
        *policies(spec),
        *windows(spec, everywhere, environ),
        *tests(spec, spec.tests, spec.source),
    ]
    reported = {item.origin for item in found if item.severity == "error"}
    found += [item for item in answers(spec, environ, asker) if item.origin not in reported]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda item: (item.origin.line, item.origin.column, item.code))


def check_rest(spec: RoutingSpec) -> list[Diagnostic]:
    """What can be said of a spec that lost its wrong parts: nothing that one of these could have made right."""
    lost = {"unknown-provider"} if not spec.providers else set()
    guesses = iter(range(MAX_GUESSES))
    found = [
        *(item for place in places(spec) for item in _of_itself(spec, place, guesses)),
        *(
            item
            for name, provider in spec.providers.items()
            for item in _alias_cycles(spec, name, provider.aliases or {})
        ),
    ]
    return [item for item in found if item.rule not in lost]


def _of_place(spec: RoutingSpec, place: Place, guesses: Iterator[int]) -> Iterator[Diagnostic]:
    """One scope, provider or fallback entry."""
    yield from _of_itself(spec, place, guesses)
    yield from keys_elsewhere(spec, place)
    yield from keys_in_the_clear(spec, place)
    if place.kind == "scope" and not place.selects(spec):
        yield from _without_endpoint(spec, place)


def _of_itself(spec: RoutingSpec, place: Place, guesses: Iterator[int]) -> Iterator[Diagnostic]:
    """What one scope, provider or fallback entry says, whatever else is there."""
    yield from _interpolations(spec, place)
    yield from _references(spec, place, guesses)
    yield from _urls(spec, place)
    yield from inline_keys(spec, place)
    yield from credential_headers(spec, place)
    yield from transport_headers(spec, place)


def _interpolations(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    for path, text in place.texts():
        fault = syntax_error(text) if "$" in text else ""
        if fault:
            yield report(spec.source, "bad-interpolation", fault, path)


def _references(spec: RoutingSpec, place: Place, guesses: Iterator[int]) -> Iterator[Diagnostic]:
    provider = place.values.get("provider")
    if provider is not None and "$" not in provider and not is_known(spec, provider):
        guess = nearest(provider, (*spec.providers, *PRESETS)) if next(guesses, None) is not None else None
        known = listed(spec.providers) or "nothing"
        hint = f"did you mean {guess!r}?" if guess else f"declared here: {known}; {len(PRESETS)} presets besides"
        message = f"unknown provider {provider!r}"
        yield report(spec.source, "unknown-provider", message, (*place.path, "provider"), hint=hint)
    api = place.values.get("api")
    if api is not None and api not in APIS:
        message = f"this release does not speak {api!r} by itself"
        hint = near(api, APIS, otherwise="") + " (or install a package that has an adapter of that name)"
        yield report(spec.source, "unknown-api", message, (*place.path, "api"), hint=hint)
    model, url = place.values.get("model"), place.values.get("base_url")
    if place.kind == "provider" or model is None or provider is not None:
        return
    if url is not None and (found := reference(spec, model)):
        message = f"{model!r} is read as model {found[1]!r} of provider {found[0]!r}, at {url}"
        hint = "write provider beside it to send the name as it stands"
        yield report(spec.source, "reference-beside-url", message, (*place.path, "model"), hint=hint)


def _urls(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    url = place.values.get("base_url")
    if url is None or "$" in url:
        return
    try:
        locality = parse(url).locality
    except ValueError as error:
        yield report(spec.source, "bad-url", f"this base URL can't be used: {error}", (*place.path, "base_url"))
        return
    declared = place.values.get("locality")
    if declared is not None and LOCALITIES.index(declared) < LOCALITIES.index(locality):
        message = f"{url} is {locality}: locality can only be made stricter, and {declared} is nearer"
        yield report(spec.source, "locality-loosened", message, (*place.path, "locality"), hint="leave it out")


def _without_endpoint(spec: RoutingSpec, place: Place) -> Iterator[Diagnostic]:
    if "api_key" in place.values:
        yield report(
            spec.source,
            "orphan-key",
            f"the key in {place.name} belongs to no endpoint",
            (*place.path, "api_key"),
            hint="write provider or base_url beside it: a key goes only to the URL it was declared beside",
        )
    for field in ENDPOINT_ONLY:
        if field in place.values:
            message = f"{field} in {place.name} belongs to no endpoint"
            hint = "write provider or base_url beside it"
            yield report(spec.source, "setting-without-endpoint", message, (*place.path, field), hint=hint)


def _homeless_models(spec: RoutingSpec, everywhere: list[Place]) -> Iterator[Diagnostic]:
    """Bare models for which neither their own layer nor the defaults name an endpoint."""
    selecting = {place.path for place in everywhere if place.kind == "scope" and place.selects(spec)}
    for place in everywhere:
        model = place.values.get("model")
        if place.kind != "scope" or model is None or place.path in selecting:
            continue
        homes = {("defaults",), place.path[:2]}
        if "purposes" in place.path:
            purpose = entry_name(spec.purposes, str(place.path[-1]))
            homes.add(("purposes", purpose or ""))
        if not homes & selecting:
            message = f"the model {model!r} belongs to no endpoint: neither {place.name} nor defaults names one"
            hint = "write provider/model, or a provider in defaults"
            yield report(spec.source, "homeless-model", message, (*place.path, "model"), hint=hint)


def _providers(spec: RoutingSpec) -> Iterator[Diagnostic]:
    for name, provider in spec.providers.items():
        path = ("providers", name)
        if provider.preset is not None and provider.preset not in PRESETS:
            hint = near(provider.preset, PRESETS, otherwise="")
            message = f"unknown preset {provider.preset!r}"
            yield report(spec.source, "unknown-provider", message, (*path, "preset"), hint=hint)
        elif provider.base_url is None and provider.preset is None and name not in PRESETS and needs_url(provider):
            guess = nearest(name, PRESETS)
            hint = f"did you mean the preset {guess!r}?" if guess else "write base_url, or preset"
            message = f"provider {name!r} has no base_url, and no preset has its name"
            yield report(spec.source, "missing-field", message, path, hint=hint, key=True)
        yield from _alias_cycles(spec, name, provider.aliases or {})


def _alias_cycles(spec: RoutingSpec, provider: str, aliases: Mapping[str, str]) -> Iterator[Diagnostic]:
    done: set[str] = set()
    for start in aliases:
        seen: dict[str, int] = {}
        model = start
        while model in aliases and model not in done and model not in seen:
            seen[model] = len(seen)
            model = aliases[model]
        if model in seen:
            round_trip = " → ".join((*list(seen)[seen[model] :], model))
            path = ("providers", provider, "aliases", model)
            yield report(spec.source, "alias-cycle", f"these aliases go round in a circle: {round_trip}", path)
        done.update(seen)


def _names(spec: RoutingSpec) -> Iterator[Diagnostic]:
    """Purposes that are not declared, and names that a wildcard swallows."""
    open_ended = WILDCARD in spec.purposes
    for path, purpose in _used_purposes(spec):
        if purpose in spec.purposes or purpose == WILDCARD:
            continue
        guess = nearest(purpose, [name for name in spec.purposes if name != WILDCARD])
        if not open_ended:
            hint = f"did you mean {guess!r}?" if guess else f"declare it: purposes: {{{purpose}: {{}}}}"
            yield report(spec.source, "unknown-purpose", f"unknown purpose {purpose!r}", path, hint=hint, key=True)
        elif guess:
            message = f'purpose {purpose!r} is near {guess!r}, and "*" takes it in as another'
            yield report(spec.source, "wildcard-swallows", message, path, hint=f"did you mean {guess!r}?", key=True)


def _used_purposes(spec: RoutingSpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for group in ("agents", "clients", "providers"):
        for name, entry in getattr(spec, group).items():
            for purpose in entry.purposes or ():
                yield (group, name, "purposes", purpose), purpose


def _environment(spec: RoutingSpec) -> Iterator[Diagnostic]:
    """Settings that `env.names` can't name, purposes and settings that share a variable."""
    parts: dict[str, str] = {}
    for purpose in spec.purposes:
        first = parts.setdefault(purpose_part(purpose), purpose)
        if purpose not in {first, WILDCARD}:
            message = (
                f"{purpose!r} and {first!r} would be read from the same variables ({variable('…', 'model', purpose)})"
            )
            path = ("purposes", purpose)
            yield report(spec.source, "colliding-variables", message, path, hint="rename one of them", key=True)
    standard = {variable(spec.env.prefix or DEFAULT_PREFIX, setting): setting for setting in ENV_SETTINGS}
    owners = dict(standard)
    for label, names in (spec.env.names or {}).items():
        place = ("env", "names", label)
        setting, dot, purpose = label.partition(".")
        if setting not in ENV_SETTINGS:
            hint = near(setting, ENV_SETTINGS, otherwise="")
            message = f"the environment has no setting {setting!r}"
            yield report(spec.source, "unknown-setting", message, place, hint=hint, key=True)
        elif dot and purpose not in spec.purposes and WILDCARD not in spec.purposes:
            hint = near(purpose, spec.purposes, otherwise="the spec declares no purposes")
            yield report(spec.source, "unknown-purpose", f"unknown purpose {purpose!r}", place, hint=hint, key=True)
        for index, name in enumerate(names):
            owner = owners.setdefault(name, label)
            if owner != label:
                message = f"{name} would be read as {owner} and as {label}"
                yield report(spec.source, "colliding-variables", message, (*place, index), hint="name another variable")


def unset_variables(spec: RoutingSpec, environ: Mapping[str, str]) -> list[Diagnostic]:
    """Variables that the spec asks for without a default, and that are not set."""
    found: dict[str, Diagnostic] = {}
    for place in places(spec):
        for path, text in place.texts():
            for name in interpolate(text, environ).missing if "$" in text else ():
                message, hint = f"{name} is not set", f"set it, or write a default: ${{{name}:-…}}"
                found.setdefault(name, report(spec.source, "unset-variable", message, path, hint=hint))
    return list(found.values())


def unknown_variables(spec: RoutingSpec, environ: Mapping[str, str]) -> list[Diagnostic]:
    """Variables that carry the spec's prefix and are read by no setting: most likely mistyped."""
    from llmroute.routing.diagnostics import Diagnostic, Origin
    from llmroute.routing.rules import RULES

    rule = RULES["unknown-variable"]
    return [
        Diagnostic(rule.code, rule.slug, rule.severity, f"no setting reads {name}", Origin("env", name=name), hint)
        for name, hint in unread(spec, environ)
    ]
