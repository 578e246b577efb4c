"""The endpoint bundle: what a scope selects, and what the provider it names adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from llmroute.catalog.presets import PRESETS, Preset, base_url_from_variable
from llmroute.errors import BadEnvironmentError, NoEndpointError, RoutingError, UnknownProviderError
from llmroute.routing.credentials import credential_of
from llmroute.routing.diagnostics import Origin
from llmroute.routing.flows import Bundle, Flow, flows_of
from llmroute.routing.names import listed, nearest
from llmroute.routing.route import EMPTY, Credential, Locality
from llmroute.routing.spec import PARAMS, Provider, RoutingSpec
from llmroute.routing.urls import parse
from llmroute.routing.values import expand, text_of, url_of

if TYPE_CHECKING:
    from llmroute.routing.scopes import Scope
    from llmroute.routing.urls import Url

_SILENT = Provider()
_LIMIT_FIELD = "max_tokens_field"
_ANYWHERE = {"litellm": "litellm://litellm"}
"""Formats whose adapter knows the URLs of vendors by itself, and what stands in place of one."""


class Selection(NamedTuple):
    """What a scope selects: a provider, a URL, or one at the other."""

    provider: str | None
    url: Url | None
    model: str | None
    """The model, without the provider's name; None where the scope has none, or has it beside a `provider`: that
    text chooses nothing, so a fault in it is not met before the model itself is looked for."""

    def __str__(self) -> str:
        if self.provider is None:
            return str(self.url)
        return self.provider if self.url is None else f"{self.provider} at {self.url}"


class Facts(NamedTuple):
    """A provider: what the spec says of it, on top of the preset."""

    name: str
    declared: Provider
    preset: Preset | None

    def get(self, field: str) -> Any:
        """A setting of the spec, else of the preset."""
        value = getattr(self.declared, field)
        return value if value is not None or self.preset is None else getattr(self.preset, field, None)


class Endpoint(NamedTuple):
    """A resolved bundle: everything of a target but its model and parameters."""

    provider: str | None
    facts: Facts | None
    url: Url
    api: str
    auth: str
    api_version: str | None
    transport: str
    proxy: str
    allow_http: bool
    headers: Mapping[str, str]
    extra_body: Mapping[str, Any]
    quirks: Mapping[str, Any]
    credential: Credential
    locality: Locality
    at_home: bool
    """Whether the URL is the one that the spec or the preset gives the provider: neither a scope's nor a variable's."""
    flows: tuple[Flow, ...]
    """What the spec sends there beside what is asked."""


def own_params(facts: Facts | None) -> dict[str, Any]:
    """The parameters that a provider has of its own."""
    if facts is None:
        return {}
    return {name: value for name in PARAMS if (value := getattr(facts.declared, name)) is not None}


def is_known(spec: RoutingSpec, provider: str) -> bool:
    """Whether a name is a declared provider or a preset."""
    return provider in spec.providers or provider in PRESETS


def reference(spec: RoutingSpec, model: str) -> tuple[str, str] | None:
    """Provider and model of a text `provider/model`; None for a bare model."""
    provider, slash, rest = model.partition("/")
    return (provider, rest) if slash and rest and is_known(spec, provider) else None


def selection(spec: RoutingSpec, scope: Scope, environ: Mapping[str, str]) -> Selection | None:
    """What a scope selects; None where it selects nothing. Raises the typed error of a value it can't use."""
    values = scope.values
    provider = text_of(scope, "provider", environ) if "provider" in values else None
    model = text_of(scope, "model", environ) if "model" in values and provider is None else None
    # An override has a URL, so its model stands as it is: `openai/gpt-oss-20b` is a name that local servers use.
    if model is not None and scope.place is None and (found := reference(spec, model)):
        provider, model = found
    url = None
    if "base_url" in values:
        text, origin = text_of(scope, "base_url", environ), scope.origin("base_url")
        url = url_of(text, origin, environ, values["base_url"] if scope.path else "")
    return None if provider is None and url is None else Selection(provider, url, model)


def facts_of(spec: RoutingSpec, name: str, origin: Origin | None) -> Facts:
    """The facts of a provider; raises UnknownProviderError."""
    declared = spec.providers.get(name)
    wanted = declared.preset if declared is not None and declared.preset else name
    preset = PRESETS.get(wanted)
    if preset is None and (declared is None or declared.preset):
        known = (*spec.providers, *PRESETS)
        guess = nearest(wanted, known)
        raise UnknownProviderError(
            f"unknown provider {wanted!r}",
            hint=f"did you mean {guess!r}?" if guess else f"known here: {listed(spec.providers) or 'only the presets'}",
            origin=origin,
        )
    return Facts(name, declared or _SILENT, preset)


def provider_url(spec: RoutingSpec, facts: Facts, environ: Mapping[str, str]) -> Url:
    """The URL of a provider before any scope moves it."""
    declared, preset = facts.declared, facts.preset
    if declared.base_url is not None:
        origin = spec.source.origin(("providers", facts.name, "base_url"))
        return url_of(expand(declared.base_url, environ, origin), origin, environ, declared.base_url)
    if anywhere := _anywhere(facts):
        return parse(anywhere)
    if preset is None or not (preset.base_url or preset.base_url_variable):
        raise NoEndpointError(
            f"provider {facts.name!r} has no base_url",
            hint=f"write one under providers.{facts.name}",
            origin=spec.source.origin(("providers", facts.name)),
        )
    variable = preset.base_url_variable
    # URL and key of a vendor's variables come as a pair: beside a key of the spec's own, its URL stays put.
    if variable and declared.api_key is None and (text := environ.get(variable, "").strip()):
        origin = Origin("env", name=variable)
        try:
            text = base_url_from_variable(preset, text)
        except ValueError as error:
            raise BadEnvironmentError(f"{variable}: {error}", origin=origin) from error
        return url_of(text, origin)
    if not preset.base_url:
        raise NoEndpointError(
            f"provider {facts.name!r} has no base_url of its own",
            hint=f"write one under providers.{facts.name}, or set {variable}",
            origin=spec.source.origin(("providers", facts.name)),
        )
    return url_of(preset.base_url, Origin("preset", name=preset.name))


def needs_url(provider: Provider) -> bool:
    """Whether the adapter of a provider's own format has to be told where to send."""
    return provider.api not in _ANYWHERE


def _anywhere(facts: Facts) -> str:
    """What stands in place of a URL, where nothing gives one and the adapter needs none."""
    preset = facts.preset
    known = preset is not None and (preset.base_url or preset.base_url_variable)
    return "" if known or facts.declared.base_url is not None else _ANYWHERE.get(facts.get("api") or "", "")


def _expand_all(value: Any, environ: Mapping[str, str], origin: Origin) -> Any:
    if isinstance(value, str):
        return expand(value, environ, origin) if "$" in value else value
    if isinstance(value, Mapping):
        return {key: _expand_all(item, environ, origin) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand_all(item, environ, origin) for item in value]
    return value


def _mapping(
    scope: Scope, facts: Facts | None, environ: Mapping[str, str], field: str, *, moved: bool
) -> Mapping[str, Any]:
    """`headers` or `extra_body`: the scope's own, else the provider's.

    What holds a variable may be a credential: like a key, it stays with the origin that it was written for.
    """
    if field in scope.values:
        value = scope.values[field]
        return _expand_all(value, environ, scope.origin(field)) if scope.path else value  # type: ignore[no-any-return]
    value = getattr(facts.declared, field) if facts else None
    if not value or facts is None:
        return EMPTY
    if moved:
        return {name: item for name, item in value.items() if not _holds_variable(item)}
    return _expand_all(value, environ, scope.source.origin(("providers", facts.name, field)))  # type: ignore[no-any-return]


def _holds_variable(value: Any) -> bool:
    if isinstance(value, str):
        return "$" in value
    if isinstance(value, Mapping):
        return any(map(_holds_variable, value.values()))
    return isinstance(value, list) and any(map(_holds_variable, value))


def _default_auth(api: str) -> str:
    return "x-api-key" if api == "anthropic-messages" else "bearer"


def endpoint(spec: RoutingSpec, chosen: Selection, scope: Scope, environ: Mapping[str, str]) -> Endpoint:
    """The bundle of a selection: the scope's own settings, else those of the provider it names.

    Raises UnknownProviderError, NoEndpointError, or the typed error of a value that can't be used.
    """
    values = scope.values
    origin = scope.origin(next(field for field in ("provider", "model", "base_url") if field in values))
    facts = facts_of(spec, chosen.provider, origin) if chosen.provider is not None else None
    url, moved = urls(spec, facts, chosen, environ)

    def setting(field: str) -> Any:
        value = values.get(field)
        return value if value is not None or facts is None else facts.get(field)

    api = setting("api") or "openai-chat"
    transport = values.get("transport") or (facts.declared.transport if facts else None)
    if transport is None:
        vendor = facts is not None and facts.preset is not None and str(url) == facts.preset.base_url
        transport = facts.preset.transport if vendor and facts and facts.preset else "http"
    return Endpoint(
        provider=chosen.provider,
        facts=facts,
        url=url,
        api=api,
        auth=setting("auth") or _default_auth(api),
        api_version=values.get("api_version") or (_version(facts, api) if facts is not None else None),
        transport=transport,
        proxy=(facts.declared.proxy if facts else None) or "none",
        # Said of one origin, it holds for no other.
        allow_http=_allows_http(
            url, said=values.get("allow_http", facts.declared.allow_http if facts and not moved else None)
        ),
        headers=_mapping(scope, facts, environ, "headers", moved=moved),
        extra_body=_mapping(scope, facts, environ, "extra_body", moved=moved),
        quirks=_quirks(facts, url),
        credential=credential_of(spec, scope, facts, environ, moved=moved),
        locality=(facts.declared.locality if facts else None) or "local",
        at_home=facts is not None and _is_own(facts, url, moved=moved),
        flows=flows_of(Bundle(spec, scope, facts, url, moved)),
    )


def _allows_http(url: Url, *, said: bool | None) -> bool:
    """Whether a key may travel over plain HTTP; left unsaid, only where the name must lead into the network."""
    return url.locality == "lan" if said is None else said


def _quirks(facts: Facts | None, url: Url) -> Mapping[str, Any]:
    """What the preset knows of the server, and above that what the spec says of it."""
    known, declared = _known(facts, url), facts.declared.quirks if facts else None
    return {**known, **declared.said()} if declared else known


def _known(facts: Facts | None, url: Url) -> Mapping[str, Any]:
    """What the codec must know of the server.

    Near by, under the name of a vendor, stands another server than the vendor's: a local one that knows the field of
    the token limit by its older name alone would pass over the newer one, and write on.
    """
    preset = facts.preset if facts is not None else None
    if preset is None:
        return EMPTY
    if url.locality == "remote" or _LIMIT_FIELD not in preset.quirks:
        return preset.quirks
    return {name: fact for name, fact in preset.quirks.items() if name != _LIMIT_FIELD}


def _version(facts: Facts, api: str) -> str | None:
    """The provider's version of an API; a preset speaks of its own API only."""
    if facts.declared.api_version is not None or facts.preset is None or facts.preset.api != api:
        return facts.declared.api_version
    return facts.preset.api_version


def _is_own(facts: Facts, url: Url, *, moved: bool) -> bool:
    """Whether a URL is of the origin that the spec, or the preset, gives the provider."""
    if facts.declared.base_url is not None or facts.preset is None or not facts.preset.base_url:
        return (facts.declared.base_url is not None or bool(_anywhere(facts))) and not moved
    return parse(facts.preset.base_url).origin == url.origin


def urls(spec: RoutingSpec, facts: Facts | None, chosen: Selection, environ: Mapping[str, str]) -> tuple[Url, bool]:
    """The URL of a selection, and whether its origin is another than the provider's own."""
    if chosen.url is None:
        # What selects without a URL names a provider.
        return provider_url(spec, cast(Facts, facts), environ), False
    try:
        own = None if facts is None else provider_url(spec, facts, environ)
    except RoutingError:
        own = None
    return chosen.url, own is None or own.origin != chosen.url.origin
