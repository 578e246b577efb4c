"""The laws that speak of what a target is made of: endpoint, key, model, fallbacks, trace, pin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from llmroute.catalog.presets import PRESETS
from llmroute.errors import RoutingError
from tests.properties.naive_scopes import NUMBERS
from tests.properties.naive_values import DISTANCE, normal, origin
from tests.properties.outcomes import ask, plain, real_resolve
from tests.properties.places import (
    IN_FILE,
    RANKS,
    asked,
    bundles,
    bundles_with_lists,
    copied,
    erase,
    name_at,
    rank_of,
    read,
    settings_at,
    write,
)
from tests.properties.strategies import World, worlds

if TYPE_CHECKING:
    from llmroute.routing.route import Field, Resolution, Target

everywhere = worlds().map(asked)


def resolved(world: World) -> Resolution:
    """The resolution of a world that has one."""
    try:
        return ask(*world)
    except RoutingError:
        assume(False)  # noqa: FBT003 - Hypothesis' own signature
        raise


def field_of(resolution: Resolution, name: str) -> Field | None:
    return next((field for field in resolution.fields if field.field == name), None)


def alone(world: World, provider: str) -> Target:
    """A target of the provider as it stands, with no scope that moves it."""
    providers = {name: dict(says) for name, says in world.document["providers"].items()}
    for says in providers.values():
        for setting in ("models", "aliases", "fallbacks"):
            says.pop(setting, None)
    document = {"version": 1, "providers": providers, "defaults": {"provider": provider, "model": "any"}}
    vendors = {name: text for name, text in world.environ.items() if not name.startswith(("LLMROUTE_", "APP_"))}
    return ask(document, {}, vendors).target


# -- 3. Atomic endpoint


@given(everywhere)
def test_the_bundle_comes_from_one_scope_or_the_provider_it_names(world: World) -> None:
    for name, says in bundles(world):
        if name.startswith("providers.") and "[" not in name:
            says["headers"], says["extra_body"] = {"X-Provider": name}, {"provider": name}
        elif "provider" in says or "base_url" in says:
            says["headers"], says["extra_body"] = {"X-Scope": name}, {"scope": name}
    for target in resolved(world).route.targets:
        own = f"providers.{target.provider}"
        expected = [({"X-Scope": target.scope}, {"scope": target.scope})]
        if target.provider in world.document["providers"]:
            expected.append(({"X-Provider": own}, {"provider": own}))
        else:
            expected.append(({}, {}))
        assert (dict(target.headers), dict(target.extra_body)) in expected


@given(everywhere)
def test_without_settings_of_its_own_a_scope_takes_the_provider_as_it_is(world: World) -> None:
    for rank in RANKS:
        erase(world, rank, "base_url", "api", "api_key")
    resolution = resolved(world)
    assume(not resolution.excluded)
    assert resolution.target.provider is not None
    same = alone(world, resolution.target.provider)
    for part in ("base_url", "api", "auth", "headers", "credential", "transport", "api_version"):
        assert getattr(resolution.target, part) == getattr(same, part)


# -- 4. Key pairing


def rekeyed(world: World, secret: str, keep: set[str]) -> World:
    """Every key replaced by one that names its place, those of `keep` aside; none is added or taken away."""
    after = copied(world)
    for name, says in bundles(after):
        if "api_key" in says:
            says["api_key"] = f"{'key' if name in keep else secret} of {name}"
    for name, text in after.environ.items():
        if "API_KEY" in name and text.strip():
            after.environ[name] = f"{'key' if name in keep else secret} of {name}"
    return after


def keys_of(resolution: Resolution) -> list[str]:
    secrets = (target.credential.secret for target in resolution.route.targets)
    return ["" if secret is None else secret.reveal() for secret in secrets]


@given(everywhere)
def test_a_key_elsewhere_changes_nothing(world: World) -> None:
    before = resolved(rekeyed(world, "key", set()))
    used = {key.removeprefix("key of ") for key in keys_of(before)}
    after = resolved(rekeyed(world, "changed", used))
    assert keys_of(after) == keys_of(before)
    assert after.route == before.route


@given(everywhere)
def test_a_key_goes_only_where_it_was_declared(world: World) -> None:
    marked = rekeyed(world, "key", set())
    resolution = resolved(marked)
    for target, key in zip(resolution.route.targets, keys_of(resolution), strict=True):
        place = key.removeprefix("key of ")
        if not key:
            continue
        if place == target.scope or place in scope_variables(marked, target.scope):
            event("of the scope")
            continue
        event("of the provider")
        assert target.provider is not None
        own = alone(marked, target.provider)
        assert own.credential.secret is not None
        assert key == own.credential.secret.reveal()
        assert origin(normal(target.base_url)) == origin(normal(own.base_url))


def scope_variables(world: World, scope: str) -> list[str]:
    """The variables that may hold the key of a scope of the environment."""
    prefix = world.document.get("env", {}).get("prefix", "LLMROUTE_")
    return {"env": [f"{prefix}API_KEY"], "env.plan": [f"{prefix}API_KEY__PLAN"]}.get(scope, [])


# -- 5. Home


@given(everywhere)
def test_no_model_follows_to_an_endpoint_that_is_new(world: World) -> None:
    erase(world, 1, "provider", "model", "api_key")
    write(world, 1, "base_url", "https://new.example/v1")
    outcome = real_resolve(*world)
    assert outcome["error"] in {"no-model", "bad-environment"}


@given(everywhere)
def test_a_new_provider_serves_its_own_models_and_aliases_only(world: World) -> None:
    erase(world, 1, "base_url", "model", "api_key", "api")
    write(world, 1, "provider", "new")
    new = {"base_url": "https://new.example/v1", "model": "own", "aliases": {"m1": "by-alias"}}
    world.document["providers"]["new"] = new
    resolution = resolved(world)
    assume(not resolution.excluded)
    event(resolution.target.model)
    assert (resolution.target.provider, resolution.target.base_url) == ("new", "https://new.example/v1")
    assert resolution.target.model in {"own", "by-alias"}


# -- 8. No silent fallback


@given(everywhere)
def test_fallbacks_come_from_the_endpoints_scope_a_stronger_one_or_its_provider(world: World) -> None:
    ports = {}
    for port, (name, says) in enumerate(bundles_with_lists(world), start=20_000):
        ports[port] = name
        says["fallbacks"] = [{"base_url": f"http://127.0.0.1:{port}/v1", "model": "spare"}]
    resolution = resolved(world)
    assume(not resolution.excluded)
    winner = rank_of(world, resolution.fields[0].scope)
    for target in resolution.route.targets[1:]:
        declared = ports[int(target.base_url.split(":")[2].split("/")[0])]
        if declared.startswith("providers."):
            event("of the provider")
            assert declared == f"providers.{resolution.target.provider}"
            assert all("fallbacks" not in settings_at(world, rank) for rank in IN_FILE if rank <= winner)
        else:
            event("of a scope")
            assert rank_of(world, declared) <= winner


@given(everywhere, st.lists(st.sampled_from(["ollama/m1", "box/m1", "openai/m1"]), min_size=1, max_size=2))
def test_nothing_is_more_remote_than_the_primary_without_the_opt_in(world: World, entries: list[str]) -> None:
    for _, says in bundles_with_lists(world):
        says.pop("allow_remote_fallback", None)
    write(world, 1, "fallbacks", entries)
    resolution = resolved(world)
    assume(not resolution.excluded)
    assert len(resolution.route.targets) == 1 + len(entries)
    limit = DISTANCE.index(resolution.target.locality)
    assert all(DISTANCE.index(target.locality) <= limit for target in resolution.route.targets)


# -- 10. Explain is resolve


@given(everywhere)
def test_the_trace_names_every_scope_that_set_a_field_and_one_winner(world: World) -> None:
    resolution = resolved(world)
    for setting in (*NUMBERS, "model", "fallbacks"):
        speakers = [name_at(world, rank) for rank in RANKS if read(world, rank, setting) is not None]
        field = field_of(resolution, setting)
        if field is None:
            assert speakers == []
            continue
        named = [candidate.scope for candidate in field.candidates if candidate.layer != "provider"]
        assert named == speakers
        winners = [candidate for candidate in field.candidates if candidate.verdict == "won"]
        assert len(winners) == (1 if field.scope else 0)
        assert [winner.scope for winner in winners] == ([field.scope] if field.scope else [])


@given(everywhere)
def test_the_trace_of_the_endpoint_names_every_scope_that_selects(world: World) -> None:
    endpoint = resolved(world).fields[0]
    assert endpoint.field == "endpoint"
    named = [candidate.scope for candidate in endpoint.candidates]
    assert [rank_of(world, name) for name in named] == sorted(rank_of(world, name) for name in named)
    selecting = [r for r in RANKS if read(world, r, "provider") is not None or read(world, r, "base_url") is not None]
    assert {name_at(world, rank) for rank in selecting} <= set(named)
    for name in named:
        assert any(read(world, rank_of(world, name), s) for s in ("provider", "base_url", "model", "api_key"))
    verdicts = [candidate.verdict for candidate in endpoint.candidates]
    assert verdicts[0] == "won"
    assert set(verdicts[1:]) <= {"shadowed", "invalid"}


@given(everywhere)
def test_what_is_explained_is_what_is_sent(world: World) -> None:
    resolution = resolved(world)
    assume(not resolution.excluded)
    target = resolution.target
    explained = {field.field: field.value for field in resolution.fields}
    assert explained["model"] == target.model
    assert resolution.fields[0].scope == target.scope
    assert {name: explained[name] for name in NUMBERS if name in explained} == plain(target)["params"]


@given(everywhere)
def test_every_origin_is_the_place_where_it_stands(world: World) -> None:
    for field in resolved(world).fields:
        for candidate in field.candidates:
            place = candidate.origin
            if place.kind == "env":
                assert world.environ[place.name].strip()
            elif place.kind == "argument":
                assert place.name in world.query["args"]
            else:
                assert place.kind == "mapping"
                at_pointer(world.document, place.name)


def at_pointer(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        document = document[int(step) if isinstance(document, list) else step]
    return document


# -- 11. Pin


@given(everywhere)
def test_the_primary_written_into_the_strongest_scope_is_the_primary(world: World) -> None:
    for _, says in bundles(world):
        if says.get("api_key") == "${KEY_A:-}":
            says["api_key"] = "${KEY_A}"  # that no key is wanted can't be read off a target
    resolution = resolved(world)
    assume(not resolution.excluded)
    target = resolution.target
    # A URL alone can't be pinned to a model whose name reads as a reference: that would name the provider too.
    assume(target.provider is not None or target.model.split("/")[0] not in {*world.document["providers"], *PRESETS})
    erase(world, 1, "provider", "base_url", "api", "api_key", "model", *NUMBERS)
    pin = {"base_url": target.base_url, "api": target.api, "model": target.model, "fallbacks": []}
    pin |= {} if target.provider is None else {"provider": target.provider}
    source, _, variable = target.credential.source.partition(":")
    if target.credential.secret is not None and source == "inline":
        pin["api_key"] = target.credential.secret.reveal()
    elif source == "env":
        pin["api_key"] = f"${{{variable}}}"
    for setting, value in {**pin, **target.params}.items():
        write(world, 1, setting, value)
    pinned = ask(*world).target
    assert plain(pinned) == plain(target)
    assert pinned.credential == target.credential
