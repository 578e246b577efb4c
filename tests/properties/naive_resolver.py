"""A second resolver, written from the laws of precedence alone, to be compared with the real one.

It works on the plain document, query and environment, keeps no trace, shares no code with `llmroute.routing`
and prefers the obvious way to the fast one. Of llmroute it takes only the data of the presets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from llmroute.catalog.presets import PRESETS, base_url_from_variable
from tests.properties.naive_scopes import NUMBERS, Refused, Scope, named, scopes_of
from tests.properties.naive_values import (
    DISTANCE,
    NO_KEY,
    Reader,
    Unusable,
    class_of,
    farther,
    fits,
    normal,
    number,
    origin,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.catalog.presets import Preset

DROPPED = {"source": "none", "status": "dropped"}


class Endpoint(NamedTuple):
    """Where a scope sends."""

    provider: str | None
    url: str


def naive_resolve(document: Mapping[str, Any], query: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Either `{"targets": [...]}` or `{"error": slug}`."""
    try:
        return {"targets": NaiveResolver(document, query, environ).targets()}
    except Refused as refused:
        return {"error": refused.slug}


class NaiveResolver(Reader):
    """One query to one document in one environment."""

    def __init__(self, document: Mapping[str, Any], query: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.document, self.query = document, query
        self.providers: Mapping[str | None, Any] = document.get("providers", {})
        self.purpose: str | None = query.get("purpose")
        self.scopes = list(scopes_of(document, query, self.environ))

    # -- the whole

    def targets(self) -> list[dict[str, Any]]:
        """The chain, in the order of the laws: endpoint, model, fallbacks, remoteness, requirements."""
        winner = self.winning_scope()
        home = self.endpoint(winner)
        primary = self.target(winner, home, self.winning_model(winner, home))
        entries, remote_is_fine = self.fallbacks(winner, home)
        chain = [primary, *(self.fallback_target(entry) for entry in entries)]
        if not remote_is_fine and any(farther(target["locality"], primary["locality"]) for target in chain):
            raise Refused("remote-fallback")
        allowed = [t for t in chain if not any(farther(t["locality"], limit) for limit in self.limits())]
        allowed = [t for t in allowed if not any(self.breaks(policy, t) for policy in self.policies())]
        if not allowed:
            raise Refused("constraint-violated")
        return [{name: t[name] for name in t if name != "home"} for t in allowed]

    def limits(self) -> list[str]:
        """Every demand of locality; they add up."""
        demands = (scope.says.get("require", {}).get("locality") for scope in self.scopes)
        return [demand for demand in demands if demand]

    # -- policies

    def policies(self) -> list[Mapping[str, Any]]:
        """Those that speak of the query, and do more than warn."""
        spoken = []
        for policy in self.document.get("policies", []):
            asked = (self.query.get(part[:-1]) or "" for part in ("agents", "purposes", "clients"))
            lists = (policy.get(part, ["*"]) for part in ("agents", "purposes", "clients"))
            if all(fits(globs, name) for globs, name in zip(lists, asked, strict=True)) and not policy.get("warn"):
                spoken.append(policy)
        return spoken

    def breaks(self, policy: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
        """Whether a target lacks what the policy requires, or has what it denies."""
        require, deny = policy.get("require", {}), policy.get("deny", {})
        provider, host = target["provider"], urlsplit(target["base_url"]).hostname or ""
        preset = self.preset(provider)
        known_as = [name for name in (provider, preset and preset.name) if name]
        vendors = [
            name
            for name, each in PRESETS.items()
            if urlsplit(each.base_url).hostname == host and class_of(f"x://{host}") == "remote"
        ]
        regions = self.providers.get(provider, {}).get("regions", []) if target["home"] else []
        return any(
            (
                farther(target["locality"], require.get("locality", "remote")),
                "providers" in require
                and not (target["home"] and any(fits(require["providers"], name) for name in known_as)),
                target["api"] not in require.get("apis", [target["api"]]),
                "regions" in require and (not regions or not set(regions) <= set(require["regions"])),
                any(fits(deny.get("providers", []), name) for name in known_as + vendors),
                fits(deny.get("models", []), target["model"]),
                fits(deny.get("models", []), f"{provider}/{target['model']}") and provider is not None,
                fits(deny.get("hosts", []), host),
                target["locality"] in deny.get("localities", []),
            )
        )

    def at_home(self, home: Endpoint) -> bool:
        """Whether the provider is where the spec, or else the preset, says that it is."""
        says, preset = self.providers.get(home.provider, {}), self.preset(home.provider)
        if home.provider is None:
            return False
        try:
            own = (
                normal(self.expand(says["base_url"]))
                if "base_url" in says
                else normal(preset.base_url if preset else "")
            )
        except Unusable:
            return False
        return origin(own) == origin(home.url)

    # -- endpoint

    def winning_scope(self) -> Scope:
        """The strongest scope that selects. A key that stands above it, or that has none below it, is an orphan."""
        for scope in self.scopes:
            if self.selects(scope):
                return scope
            if "api_key" in scope:
                raise Refused("orphan-key")
        raise Refused("no-endpoint")

    def selects(self, scope: Scope) -> bool:
        """Whether the scope names a provider, a URL, or a model by reference."""
        return "provider" in scope or "base_url" in scope or self.reference(scope) is not None

    def reference(self, scope: Scope) -> tuple[str, str] | None:
        """Provider and model, where the scope writes `provider/model` and has no provider of its own."""
        if "provider" in scope or "model" not in scope:
            return None
        provider, _, model = self.text(scope, "model").partition("/")
        return (provider, model) if model and self.is_known(provider) else None

    def selected(self, scope: Scope) -> tuple[str | None, str | None]:
        """The provider and the URL that a scope names itself."""
        reference = self.reference(scope)
        provider = scope.says.get("provider") or (reference[0] if reference else None)
        return provider, normal(self.text(scope, "base_url")) if "base_url" in scope else None

    def endpoint(self, scope: Scope) -> Endpoint:
        """The endpoint of a scope that selects."""
        provider, url = self.selected(scope)
        if provider is not None and not self.is_known(provider):
            raise Refused("unknown-provider")
        return Endpoint(provider, url or self.provider_url(provider))

    # -- providers

    def is_known(self, provider: str | None) -> bool:
        """Whether the name is declared or a preset."""
        return provider in self.providers or provider in PRESETS

    def preset(self, provider: str | None) -> Preset | None:
        """The preset that stands behind a provider."""
        return PRESETS.get(self.providers.get(provider, {}).get("preset", provider))

    def vendor_pair(self, provider: str | None) -> bool:
        """The vendor's own variables fill the provider as a pair, where the spec sets neither."""
        says = self.providers.get(provider, {})
        return self.preset(provider) is not None and "base_url" not in says and "api_key" not in says

    def provider_url(self, provider: str | None) -> str:
        """The URL of a known provider."""
        says, preset = self.providers.get(provider, {}), self.preset(provider)
        if "base_url" in says:
            return normal(self.expand(says["base_url"]))
        assert preset is not None
        vendors = self.environ.get(preset.base_url_variable or "")
        if vendors and self.vendor_pair(provider):
            try:
                return normal(base_url_from_variable(preset, vendors))
            except ValueError:
                raise Unusable from None
        return normal(preset.base_url)

    def has_key(self, provider: str | None) -> bool:
        """Whether a key was declared for the provider, be it there or not."""
        preset = self.preset(provider)
        by_preset = preset is not None and preset.key_variable is not None and self.vendor_pair(provider)
        return "api_key" in self.providers.get(provider, {}) or by_preset

    def provider_key(self, provider: str | None) -> dict[str, str]:
        """The key that goes with the provider's own URL."""
        says, preset = self.providers.get(provider, {}), self.preset(provider)
        if "api_key" in says:
            return self.key(says["api_key"])
        if preset is not None and preset.key_variable and self.vendor_pair(provider):
            return self.key_in(preset.key_variable)
        return NO_KEY

    def own_model(self, provider: str | None) -> str | None:
        """The provider's own model: for this purpose, else in general."""
        says = self.providers.get(provider, {})
        purposes = named(says.get("purposes", {}), self.purpose)
        written = (purposes or {}).get("model") or says.get("model")
        return None if written is None else self.expand(written)

    # -- model

    def winning_model(self, winner: Scope, home: Endpoint) -> str:
        """The strongest scope's model that belongs to the endpoint, else the provider's own.

        Whether a model belongs can't be said before all that its scope says of the endpoint was read.
        """
        for scope in self.scopes:
            if "model" not in scope:
                continue
            self.selected(scope)
            name = self.model_name(scope)
            if scope is winner or self.belongs(scope, home) or name in self.aliases(home.provider):
                return self.served(home.provider, name)
        return self.served(home.provider, self.own_model(home.provider))

    def belongs(self, scope: Scope, home: Endpoint) -> bool:
        """Whether the model of the scope was written for this endpoint; what can't be read is nobody's home."""
        try:
            selecting = next(filter(self.selects, self.below(scope)), None)
            if selecting is None:
                return False
            provider, url = self.selected(selecting)
            if provider is not None and provider == home.provider:
                return True
            return home.url == (url or self.endpoint(selecting).url)
        except Refused:
            return False

    def below(self, scope: Scope) -> list[Scope]:
        """Where the home of a model is looked for: at or below it in its layer, else in the default layer."""
        rest = self.scopes[self.scopes.index(scope) :]
        layer = [other for other in rest if other.layer == scope.layer]
        default = [other for other in rest if other.layer == "default"]
        return layer + [other for other in default if scope.for_purpose or not other.for_purpose]

    def model_name(self, scope: Scope) -> str:
        """The name of the model, without the provider of a reference."""
        text = self.text(scope, "model")
        reference = self.reference(scope)
        return reference[1] if reference else text

    def aliases(self, provider: str | None) -> Mapping[str, str]:
        """The names that the provider serves by other models."""
        aliases: Mapping[str, str] = self.providers.get(provider, {}).get("aliases", {})
        return aliases

    def served(self, provider: str | None, name: str | None) -> str:
        """What the provider serves for a name: its aliases to their end, then its closed list."""
        if name is None:
            raise Refused("no-model")
        while name in self.aliases(provider):
            name = self.aliases(provider)[name]
        if name not in self.providers.get(provider, {}).get("models", [name]):
            raise Refused("model-not-offered")
        return name

    # -- fallbacks

    def fallbacks(self, winner: Scope, home: Endpoint) -> tuple[list[Any], bool]:
        """The list that holds, and whether it may lead to more remote places."""
        strongest = next((scope for scope in self.scopes if "fallbacks" in scope), None)
        if strongest is not None and self.scopes.index(strongest) <= self.scopes.index(winner):
            declared = strongest.says
        else:
            declared = self.providers.get(home.provider, {})
        return declared.get("fallbacks", []), bool(declared.get("allow_remote_fallback"))

    def fallback_target(self, entry: Any) -> dict[str, Any]:
        """One entry: the name of a provider, `provider/model`, or a mapping as on a scope."""
        if isinstance(entry, str):
            provider, slash, model = entry.partition("/")
            entry = {"provider": provider, "model": model} if slash else {"provider": provider}
        scope = Scope("fallback", "fallback", for_purpose=False, says=entry)
        if not self.selects(scope):
            raise Refused("orphan-key" if "api_key" in scope else "no-endpoint")
        home = self.endpoint(scope)
        name = self.model_name(scope) if "model" in scope else self.own_model(home.provider)
        return self.target(scope, home, self.served(home.provider, name))

    # -- one target

    def target(self, scope: Scope, home: Endpoint, model: str) -> dict[str, Any]:
        """The target of a scope that selects."""
        says, preset = self.providers.get(home.provider, {}), self.preset(home.provider)
        api = scope.says.get("api") or says.get("api") or (preset.api if preset else "openai-chat")
        return {
            "provider": home.provider,
            "base_url": home.url,
            "api": api,
            "model": model,
            "locality": self.locality(home, model),
            "credential": self.credential(scope, home),
            "params": self.params(scope, home.provider),
            "home": self.at_home(home),
        }

    def credential(self, scope: Scope, home: Endpoint) -> dict[str, str]:
        """The scope's own key; else the provider's, if its origin was not changed."""
        if "api_key" in scope:
            if "api_key" in scope.variables:
                return self.key_in(scope.variables["api_key"])
            return self.key_given() if scope.verbatim else self.key(scope.says["api_key"])
        if "base_url" not in scope or home.provider is None or not self.has_key(home.provider):
            return self.provider_key(home.provider)
        try:
            moved = origin(self.provider_url(home.provider)) != origin(home.url)
        except Unusable:
            moved = True
        return DROPPED if moved else self.provider_key(home.provider)

    def params(self, scope: Scope, provider: str | None) -> dict[str, Any]:
        """Each parameter by itself: a fallback's own entry, the scopes, then the provider."""
        own = [scope] if scope.layer == "fallback" else []
        last = Scope("provider", "provider", for_purpose=False, says=self.providers.get(provider, {}))
        won = {}
        for name in NUMBERS:
            speaker = next((each for each in [*own, *self.scopes, last] if name in each), None)
            if speaker is not None:
                won[name] = number(name, speaker)
        return won

    def locality(self, home: Endpoint, model: str) -> str:
        """The most remote of what the URL, the provider and the model's name say."""
        said: list[str] = [class_of(home.url), self.providers.get(home.provider, {}).get("locality", "local")]
        if model.endswith(("-cloud", ":cloud")):
            said.append("remote")
        return max(said, key=DISTANCE.index)
