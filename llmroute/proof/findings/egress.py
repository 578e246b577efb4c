"""What leaves this machine besides completions, and where each key can go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.errors import RoutingError
from llmroute.proof.findings.assumptions import is_name
from llmroute.routing.check_answers import named_queries
from llmroute.routing.check_places import Place, places
from llmroute.routing.endpoints import is_known
from llmroute.routing.flows import INLINE, Sent, origin_text
from llmroute.routing.interpolation import variables
from llmroute.routing.pairs import of_place, sent, url_text
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import variables_of
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec
    from llmroute.routing.urls import Url

KEY_KINDS = frozenset({"env", "file", "keyring", "argument"})
PROXY_VARIABLES = "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY"
_FETCHING = frozenset({"openai-chat", "anthropic-messages"})
"""The formats in which a message may hold the URL of an image or a document."""


class Egress(NamedTuple):
    """One way on which something leaves, completions aside."""

    kind: str
    """`model-lists`, `fetched-urls`, `name-lookups`, `proxies`, `clear-text`, `telemetry`, `limits-storage`."""
    what: str
    """What leaves, and when."""
    origins: tuple[str, ...]
    """Where it goes, or goes through; empty where the program says it, in code."""

    def to_json(self) -> dict[str, object]:
        """One row of `egress`."""
        return {"kind": self.kind, "what": self.what, "origins": list(self.origins)}


class KeyReach(NamedTuple):
    """One secret, and where it can go."""

    source: str
    """`env:NAME`, `file:PATH`, `keyring:SERVICE/NAME`, `a key in the spec`, `argument:api_key`."""
    origins: tuple[str, ...]
    """Those that are known beforehand."""
    through: tuple[str, ...]
    """Variables that can lead it to other origins than these."""
    places: tuple[Origin, ...]
    """Where the spec says so; empty where a preset or the environment does by itself."""

    def to_json(self) -> dict[str, object]:
        """One row of `keys`."""
        return {
            "source": self.source,
            "origins": list(self.origins),
            "through": list(self.through),
            "places": [place.to_json() for place in self.places],
        }


class Keys(NamedTuple):
    """Every secret that the spec sends somewhere."""

    rows: tuple[KeyReach, ...]
    untold: tuple[str, ...]
    """Why it can't be told of some place; a variable that its URL is made of is not set, for one."""


def egress(targets: Iterable[Target]) -> list[Egress]:
    """What leaves besides completions, over all targets that can be reached.

    Tokens are counted on this machine, `llmroute trust` asks nobody, and prices come with a package: none is here.
    """
    asked = [target for target in targets if not target.base_url.startswith("mock:")]
    return [row for row in _rows(asked) if row is not None]


def _rows(targets: list[Target]) -> Iterator[Egress | None]:
    yield _row(
        "model-lists",
        "the question which models there are, with the provider's key: models, doctor, local list, Router.models",
        targets,
        lambda target: parse(target.base_url).is_place,
    )
    yield _row(
        "fetched-urls",
        "what a server fetches itself, where a message holds the URL of an image or a document: its own affair, "
        "for one on this machine too",
        targets,
        lambda target: target.api in _FETCHING and not target.quirks.get("no_urls"),
    )
    yield _row(
        "name-lookups",
        "the host's name, at whoever answers this machine's questions for names",
        targets,
        lambda target: target.locality != "local" and _is_looked_up(parse(target.base_url)),
    )
    yield _row(
        "proxies",
        f"completions too, through the proxy that {PROXY_VARIABLES} name: over https it learns the host, over http all",
        targets,
        lambda target: target.proxy == "env" and target.locality != "local",
    )
    yield _row(
        "clear-text",
        "completions too, over plain HTTP: whoever stands on the way can read them",
        targets,
        lambda target: target.locality != "local" and target.base_url.startswith("http:"),
    )
    yield Egress(
        "telemetry",
        "names, times and counts of calls, where the program exports OpenTelemetry; texts with telemetry_content=True",
        (),
    )
    if any(target.limits is not None for target in targets):
        yield Egress("limits-storage", "counts of requests and tokens, where the program names a limits_storage", ())


def _is_looked_up(url: Url) -> bool:
    return url.is_place and is_name(url.host)


def _row(kind: str, what: str, targets: list[Target], concerns: Callable[[Target], bool]) -> Egress | None:
    found = dict.fromkeys(origin_text(parse(target.base_url)) for target in targets if concerns(target))
    return Egress(kind, what, tuple(found)) if found else None


class _Found:
    """What is known of one key."""

    def __init__(self) -> None:
        self.origins: dict[str, None] = {}
        self.through: dict[str, None] = {}
        self.places: dict[Origin, None] = {}


def keys(spec: RoutingSpec, environ: Mapping[str, str]) -> Keys:
    """Where each secret can go, wherever the spec sends it, and whoever asks.

    `environ` fills in base URLs that are made of variables; `through` names those that may hold something else.
    """
    found: dict[str, _Found] = {}
    untold: dict[str, None] = {}
    for place in _everywhere(spec):
        try:
            rows = of_place(spec, place, environ)
        except RoutingError as error:
            untold[f"{place.name}: {error.message}"] = None
            continue
        _note(found, rows, variables(url_text(spec, place)))
    # What a variable adds to a request is to be seen in the answers; without one the places say it all.
    for query in named_queries(spec) if environ else ():
        try:
            _note(found, sent(spec, resolve(spec, query, environ), environ), ())
        except RoutingError:
            continue  # without a route nothing is sent
    _of_the_environment(spec, found)
    reach = [KeyReach(name, tuple(row.origins), tuple(row.through), tuple(row.places)) for name, row in found.items()]
    return Keys(tuple(reach), tuple(untold))


def _everywhere(spec: RoutingSpec) -> Iterator[Place]:
    """Every place of a spec, the texts in lists of fallbacks included."""
    for place in places(spec):
        yield place
        for index, entry in enumerate(place.values.get("fallbacks") or ()):
            if isinstance(entry, str):
                values = {"provider" if is_known(spec, entry) else "model": entry}
                yield Place("fallback", (*place.path, "fallbacks", index), values)


def _note(found: dict[str, _Found], rows: list[Sent], through: tuple[str, ...]) -> None:
    for flow, url in rows:
        kind = flow.source.partition(":")[0]
        if kind not in KEY_KINDS and flow.source != INLINE:
            continue
        row = found.setdefault(flow.source, _Found())
        row.origins[origin_text(url)] = None
        row.through.update(dict.fromkeys(through))
        if flow.place.kind != "preset":
            row.places[flow.place] = None
        elif variable := PRESETS[flow.place.name].base_url_variable:
            row.through[variable] = None


def _of_the_environment(spec: RoutingSpec, found: dict[str, _Found]) -> None:
    """The key that the environment itself has goes to the endpoint that it itself selects."""
    selecting = [name for field in ("provider", "base_url", "model") for name in variables_of(spec.env, field)]
    for name in variables_of(spec.env, "api_key"):
        found.setdefault(f"env:{name}", _Found()).through.update(dict.fromkeys(selecting))
