"""What is said of one piece of configuration that can never take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmroute.routing.source import pointer

if TYPE_CHECKING:
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.spec import RoutingSpec

Kind = Literal["alias", "fallback", "model", "provider", "purpose", "setting", "variable"]
Path: TypeAlias = "tuple[str | int, ...]"


class Dead(NamedTuple):
    """One piece of configuration that can never take effect."""

    kind: Kind
    path: Path
    """Its place in the spec."""
    reason: str
    origin: Origin
    shadowed_by: Origin | None = None
    """The line that takes its effect away, where one does."""
    only_from_outside: bool = False
    """True: a variable of the environment, or a program's arguments, can still choose it; nothing in the spec does."""

    @property
    def name(self) -> str:
        """The path as people write it."""
        return ".".join(str(part) for part in self.path)

    def to_json(self) -> dict[str, object]:
        """One row of `dead`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "pointer": pointer(self.path),
            "reason": self.reason,
            "origin": self.origin.to_json(),
            "shadowed_by": None if self.shadowed_by is None else self.shadowed_by.to_json(),
            "only_from_outside": self.only_from_outside,
        }


def dead(  # noqa: PLR0913 - as many as there is to say
    spec: RoutingSpec,
    kind: Kind,
    path: Path,
    reason: str,
    *,
    by: Path | None = None,
    outside: bool = False,
    key: bool = False,
) -> Dead:
    """A piece of configuration by its path, or by its `key`, and by the path of what shadows it."""
    source = spec.source
    return Dead(kind, path, reason, source.origin(path, key=key), None if by is None else source.origin(by), outside)
