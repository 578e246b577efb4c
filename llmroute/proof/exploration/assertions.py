"""What is asserted besides the spec: `never` and `always`, each `key=value[,value] …`.

What stands for who asks (`agent`, `purpose`, `client`) says which queries it is about; the rest speaks of their
targets. `never`: no target meets all of it. `always`: every target does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmroute.routing.constraints import Demand, Hop
from llmroute.routing.diagnostics import Origin
from llmroute.routing.names import listed, near
from llmroute.routing.route import LOCALITIES
from llmroute.routing.violations import matches, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.proof.queries import QueryClass
    from llmroute.routing.route import Query

WHO = ("agent", "purpose", "client")
WHAT = ("provider", "model", "api", "host", "locality", "layer", "region")
LAYERS = ("agent", "client", "env", "default", "provider")
_NEVER = {"provider": "deny.providers", "model": "deny.models", "host": "deny.hosts", "locality": "deny.localities"}
"""What a target must not meet, in the words of the policies that say the same."""
_FIELDS = {"provider": "providers", "model": "models", "api": "apis", "host": "hosts"}
_ARGUMENT = Origin("argument", name="assertion")


class Assertion(NamedTuple):
    """One assertion, read."""

    kind: Literal["never", "always"]
    text: str
    who: Mapping[str, tuple[str, ...]]
    what: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"

    def speaks(self, query: Query) -> bool:
        """Whether it is about a query."""
        return all(matches(globs, getattr(query, key)) is not None for key, globs in self.who.items())

    def broken(self, hop: Hop, layer: str) -> str:
        """Why a target that `layer` has chosen breaks it; empty if it does not."""
        met = {
            key: _meets(key, values, hop, layer, strictly=self.kind == "always") for key, values in self.what.items()
        }
        if self.kind == "never":
            return ", ".join(f"its {key} is {_is(key, hop, layer)}" for key in met) if all(met.values()) else ""
        return ", ".join(
            f"its {key} is {_is(key, hop, layer)}, not {listed(self.what[key])}"
            for key, holds in met.items()
            if not holds
        )

    def interests(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What it looks at, as fields of a policy and their values."""
        return ((_FIELDS[key], values) for key, values in self.what.items() if key in _FIELDS)


def read(kind: Literal["never", "always"], text: str) -> Assertion:
    """Read an assertion. Raises ValueError, whose message says what is wrong.

    >>> read("never", "agent=file-picker locality=remote").what
    {'locality': ('remote',)}
    """
    who: dict[str, tuple[str, ...]] = {}
    what: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        key, sign, written = word.partition("=")
        values = tuple(value for value in written.split(",") if value)
        if not sign or not values:
            raise ValueError(f"{word!r} in {text!r} is not key=value: write such as locality=remote")
        if key not in (*WHO, *WHAT):
            raise ValueError(f"{key!r} in {text!r} is no key: {near(key, (*WHO, *WHAT), otherwise='')}")
        if key in who or key in what:
            raise ValueError(f"{key} stands twice in {text!r}: write its values with commas between them")
        for value, known in ((value, {"locality": LOCALITIES, "layer": LAYERS}.get(key, ())) for value in values):
            if known and value not in known:
                raise ValueError(f"{value!r} in {text!r} is no {key}: {near(value, known, otherwise='')}")
        (who if key in WHO else what)[key] = values
    if not what:
        raise ValueError(f"{text!r} says nothing of the target: write one of {', '.join(WHAT)}")
    return Assertion(kind, text, who, what)


def unmatched(assertion: Assertion, classes: list[QueryClass]) -> str:
    """What is wrong with an assertion that is about no query of a spec; empty where it is about some."""
    if any(assertion.speaks(each.query) for each in classes):
        return ""
    for key, globs in assertion.who.items():
        names = {name for each in classes for name in getattr(each, f"{key}s").names if name is not None}
        if not any(matches(globs, name) for name in (None, *names)):
            hint = near(globs[0], names, otherwise="none is declared")
            return f"{assertion}: no {key} is called {listed(globs)}: {hint}"
    return f"{assertion}: it is about no query"


def _meets(key: str, values: tuple[str, ...], hop: Hop, layer: str, *, strictly: bool) -> bool:
    """Whether a target meets one condition; of what is uncertain `strictly` says no, and else yes."""
    target = hop.target
    if key == "layer":
        return layer in values
    if key == "api":
        return target.api in values
    if key == "region":
        labels = (hop.facts.declared.regions or ()) if hop.facts else ()
        return not _violates(hop, "regions", values) if strictly else any(label in values for label in labels)
    if key == "provider" and strictly:
        return not _violates(hop, "providers", values)
    return _violates(hop, _NEVER[key], values)


def _violates(hop: Hop, what: str, value: Any) -> bool:
    return bool(violation(hop, Demand(what, value, "", "", _ARGUMENT)))


def _is(key: str, hop: Hop, layer: str) -> str:
    target = hop.target
    if key == "provider":
        name = target.provider or "none"
        return name if hop.at_home or target.provider is None else f"{name} at {target.base_url}"
    if key == "region":
        return listed((hop.facts.declared.regions or ()) if hop.facts else ()) or "unknown"
    if key == "host":
        return target.base_url.partition("://")[2].partition("/")[0]
    return layer if key == "layer" else str(getattr(target, key))
