"""Variables that look as if a setting were read from them, and are read by none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmroute.routing.names import near
from llmroute.routing.scopes import DEFAULT_PREFIX, ENV_SETTINGS, PROGRAM_VARIABLES, WILDCARD, variables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.routing.spec import RoutingSpec


def unread(spec: RoutingSpec, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that carry the spec's prefix and are no setting's, most likely mistyped, each with a hint."""
    prefix = spec.env.prefix or DEFAULT_PREFIX
    suspects = [name for name in sorted(names) if name.startswith(prefix)]
    known = {f"{DEFAULT_PREFIX}{name}" for name in PROGRAM_VARIABLES}
    for setting in ENV_SETTINGS if suspects else ():
        for purpose in (None, *spec.purposes):
            known.update(variables_of(spec.env, setting, purpose))
    for name in suspects:
        general = name.partition("__")[0].removeprefix(prefix).lower()
        open_ended = WILDCARD in spec.purposes and "__" in name and general in ENV_SETTINGS
        if name not in known and not open_ended:
            yield name, near(name, known, otherwise="")
