"""The nine scopes of a world as places to read and write, by their rank in the table of precedence."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.properties.naive_scopes import ENV_SETTINGS, NUMBERS
from tests.properties.strategies import World

if TYPE_CHECKING:
    from collections.abc import Iterator

RANKS = range(1, 10)
AGENT, ARGUMENTS, CLIENT, ENV_OF_PURPOSE, ENV, DEFAULTS = 2, 3, 5, 6, 7, 9
IN_FILE = (1, 2, 4, 5, 8, 9)
"""The ranks that stand in the spec."""
ENDPOINT = ("provider", "base_url", "api", "api_key", "model")


def asked(world: World) -> World:
    """The same world, asked for an agent, a purpose and a client that all exist: every rank can speak."""
    document = deepcopy(world.document)
    for group, name in (("agents", "a"), ("clients", "c")):
        document.setdefault(group, {}).setdefault(name, {})
    query = {**deepcopy(world.query), "agent": "a", "purpose": "plan", "client": "c"}
    return World(document, query, dict(world.environ))


def key_of(entries: dict[str, Any], name: str) -> str:
    """The entry that speaks for a name: its own, else that of all other names, else one yet to be made."""
    return "*" if name not in entries and "*" in entries else name


def settings_at(world: World, rank: int) -> dict[str, Any]:
    """The settings of a scope of `asked` worlds, to be changed in place; not for the environment."""
    document = world.document
    if rank == ARGUMENTS:
        found: dict[str, Any] = world.query["args"]
    elif rank == DEFAULTS:
        found = document["defaults"]
    elif rank == DEFAULTS - 1:
        found = document["purposes"][key_of(document["purposes"], "plan")]
    else:
        group, name = ("agents", "a") if rank <= AGENT else ("clients", "c")
        found = document[group][key_of(document[group], name)]
        if rank in (1, 4):
            nested = found.setdefault("purposes", {})
            found = nested.setdefault(key_of(nested, "plan"), {})
    return found


def name_at(world: World, rank: int) -> str:
    """What a trace calls the scope of a rank."""
    document = world.document
    if rank in (ENV_OF_PURPOSE, ENV):
        return "env.plan" if rank == ENV_OF_PURPOSE else "env"
    if rank == ARGUMENTS:
        return "client arguments"
    if rank == DEFAULTS:
        return "defaults"
    if rank not in (1, 2, 4, 5):
        return f"purposes.{key_of(document['purposes'], 'plan')}"
    group, name = ("agents", "a") if rank <= AGENT else ("clients", "c")
    key = key_of(document[group], name)
    nested = document[group][key].get("purposes", {})
    return f"{group}.{key}" if rank in (2, 5) else f"{group}.{key}.purposes.{key_of(nested, 'plan')}"


def rank_of(world: World, name: str) -> int:
    """The rank of a scope by its name in a trace."""
    return next(rank for rank in RANKS if name_at(world, rank) == name)


def variable(world: World, setting: str, rank: int) -> str:
    """The standard variable of a setting."""
    prefix: str = world.document.get("env", {}).get("prefix", "LLMROUTE_")
    return prefix + setting.upper() + ("__PLAN" if rank == ENV_OF_PURPOSE else "")


def variables(world: World, setting: str, rank: int) -> list[str]:
    """All variables of a setting, the first that is set wins."""
    further = world.document.get("env", {}).get("names", {})
    name = f"{setting}.plan" if rank == ENV_OF_PURPOSE else setting
    return [variable(world, setting, rank), *further.get(name, [])]


def write(world: World, rank: int, setting: str, value: Any) -> None:
    """Write a setting into a scope."""
    if rank in (ENV_OF_PURPOSE, ENV):
        world.environ[variable(world, setting, rank)] = str(value)
    else:
        settings_at(world, rank)[setting] = value


def read(world: World, rank: int, setting: str) -> Any:
    """What a scope says of a setting, as it is written; None where it says nothing."""
    if rank not in (ENV_OF_PURPOSE, ENV):
        return settings_at(world, rank).get(setting)
    if setting not in ENV_SETTINGS:
        return None
    found = (world.environ.get(name, "") for name in variables(world, setting, rank))
    return next((text for text in found if text.strip()), None)


def erase(world: World, rank: int, *settings: str) -> None:
    """Take settings out of a scope."""
    for setting in settings:
        if rank in (ENV_OF_PURPOSE, ENV):
            for name in variables(world, setting, rank):
                world.environ.pop(name, None)
        else:
            settings_at(world, rank).pop(setting, None)


def graft(world: World, rank: int, other: World) -> None:
    """Give a scope the endpoint, the parameters and the fallbacks that it has in another world."""
    for setting in (*ENDPOINT, *NUMBERS, "fallbacks", "allow_remote_fallback"):
        if rank in (ENV_OF_PURPOSE, ENV) and setting not in ENV_SETTINGS:
            continue
        value = read(other, rank, setting)
        erase(world, rank, setting)
        if value is not None:
            write(world, rank, setting, value)


def copied(world: World) -> World:
    """A world that can be changed without changing this one."""
    return World(*deepcopy(tuple(world)))


def bundles(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place in the spec, and the arguments, where an endpoint may be written, with a name for it."""
    yield from ((f"providers.{name}", says) for name, says in world.document["providers"].items())
    for rank in (*IN_FILE, ARGUMENTS):
        yield name_at(world, rank), settings_at(world, rank)
    for name, says in [*bundles_with_lists(world)]:
        for index, entry in enumerate(says["fallbacks"]):
            if isinstance(entry, dict):
                yield f"{name}.fallbacks[{index}]", entry


def bundles_with_lists(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place that declares fallbacks."""
    for name, says in world.document["providers"].items():
        if "fallbacks" in says:
            yield f"providers.{name}", says
    for rank in IN_FILE:
        if "fallbacks" in settings_at(world, rank):
            yield name_at(world, rank), settings_at(world, rank)
