"""What the resolver says of queries, written down so that alike answers share their parts.

Nothing here decides: every part is taken out of a `Resolution` or a `RoutingError`. Parts lie in tables, each once, and
refer to each other by number. What is said of an agent's own scope is written without its name and with lines
counted from the line of its name, so that it holds for all agents of its kind:

* a scope that begins with `@` is the agent's own: `@.purposes.planning` is `agents.NAME.purposes.planning`;
* in the list of scopes, `#` stands for the purpose of the query;
* a place is a line of the file (a number), `+N` a line below the agent's name, any other text a place elsewhere;
* in a text, `NAME_MARK` stands for `agents.NAME`, and `LINE_MARK` N `LINE_MARK` for a line below the agent's name.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import RoutingError
from llmroute.routing.explain import key_text, shown
from llmroute.routing.resolve import resolve
from llmroute.routing.scopes import CLIENT_ARGUMENTS, LOCAL_OVERRIDE, entry_name

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from llmroute.inspection.alike import Kind
    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Candidate, Field, Query, Resolution, Target
    from llmroute.routing.spec import RoutingSpec

PURPOSE = "#"
NAME_MARK = "\ue000"
LINE_MARK = "\ue001"
_MARKS = str.maketrans("", "", NAME_MARK + LINE_MARK)
_NAME_GOES_ON = r"(?=\.purposes\.|[^A-Za-z0-9_.:@/-]|\.?$|\.\s)"


class Veil(NamedTuple):
    """What takes keys, and what reorders or hides text, out of what is shown."""

    prose: Callable[[str], str]
    """For messages and reasons."""
    value: Callable[[str], str]
    """For values, beside whose names a key may stand."""


class Table:
    """Rows that are kept once, each known by its number."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def add(self, row: Hashable) -> int:
        """The number of a row, which is kept if it is new."""
        return self._numbers.setdefault(row, len(self._numbers))

    @property
    def rows(self) -> list[Any]:
        """All rows in the order of their numbers."""
        return list(self._numbers)


class Answers:
    """Asks the resolver, and keeps what it says in tables."""

    def __init__(self, spec: RoutingSpec, veil: Veil) -> None:
        self._spec = spec
        self._veil = Veil(cache(veil.prose), cache(veil.value))
        self._voices: dict[Kind, _Voice] = {}
        self.asked = 0
        """How many answers were asked for."""
        self.targets = Table()
        self.candidates = Table()
        self.fields = Table()
        self.ladders = Table()
        self.answers = Table()

    def ask(self, query: Query, environ: Mapping[str, str], kind: Kind) -> int:
        """The number of the answer to a query, asked by the agent that stands for a kind."""
        voice = self._voices.setdefault(kind, _Voice(self._spec, self._veil, kind))
        ladder = self.ladders.add(tuple(_ladder(self._spec, query)))
        self.asked += 1
        try:
            found = resolve(self._spec, query, environ)
        except RoutingError as error:
            told = (error.rule, voice.prose(_first(error)), voice.prose(error.hint))
            fields = tuple(self._field(field, voice) for field in error.fields)
            return self.answers.add(((), fields, ladder, _excluded(error.excluded, voice), (), told))
        targets = tuple(self._target(target) for target in found.route.targets)
        fields = tuple(self._field(field, voice) for field in found.fields)
        return self.answers.add((targets, fields, ladder, _excluded(found.excluded, voice), _notes(found, voice), None))

    def tables(self) -> dict[str, Any]:
        """The tables, as the page reads them."""
        names = ("targets", "candidates", "fields", "ladders", "answers")
        return {name: getattr(self, name).rows for name in names}

    def _target(self, target: Target) -> int:
        """Name, provider, model, locality, URL, wire format, key."""
        row = (target.name, target.provider or "", target.model, target.locality, target.base_url, target.api)
        return self.targets.add((*(self._veil.prose(text) for text in row), key_text(target.credential)))

    def _field(self, field: Field, voice: _Voice) -> int:
        """Name, value, scope, candidates."""
        candidates = tuple(self.candidates.add(voice.candidate(candidate)) for candidate in field.candidates)
        scope = voice.scope(field.scope, field.layer)
        return self.fields.add((field.field, self._veil.value(shown(field.value)), scope, candidates))


class _Voice:
    """How an answer to one agent is written so that it holds for all of its kind."""

    def __init__(self, spec: RoutingSpec, veil: Veil, kind: Kind) -> None:
        self._veil = veil
        self._path = spec.source.path
        self._kind = kind
        name = re.escape(f"agents.{kind.agent}")
        self.prose = cache(self._prose)
        self._own = re.compile(rf"(?<![\w.-]){name}{_NAME_GOES_ON}") if kind.lines else None

    def candidate(self, candidate: Candidate) -> tuple[Any, ...]:
        """Scope, layer, value, verdict, reason, place."""
        return (
            self.scope(candidate.scope, candidate.layer),
            candidate.layer,
            self._veil.value(shown(candidate.value)),
            candidate.verdict,
            self.prose(candidate.reason),
            self.place(candidate.origin),
        )

    def scope(self, name: str, layer: str) -> str:
        """A scope, without the name of the agent."""
        return name.replace(f"agents.{self._kind.agent}", "@", 1) if layer == "agent" else name

    def place(self, origin: Origin) -> int | str:
        """Where something stands."""
        if origin.kind != "file":
            return self._veil.prose(str(origin))
        return f"+{origin.line - self._kind.line}" if origin.line in self._kind.lines else origin.line

    def _prose(self, text: str) -> str:
        """A text, without the name and the lines of the agent."""
        text = self._veil.prose(text).translate(_MARKS)
        if self._own is None:
            return text
        text = self._own.sub(NAME_MARK, text)
        return re.sub(rf"(?<={re.escape(self._path)}:)\d+", self._line, text)

    def _line(self, match: re.Match[str]) -> str:
        line = int(match[0])
        return f"{LINE_MARK}{line - self._kind.line}{LINE_MARK}" if line in self._kind.lines else match[0]


def _first(error: RoutingError) -> str:
    """The message; of one that lists the targets that were left out only its first line, as they stand below."""
    return error.message.partition("\n")[0].rstrip(":") if error.excluded else error.message


def _excluded(rows: Iterable[Any], voice: _Voice) -> tuple[Any, ...]:
    """Target, rule, reason, place."""
    return tuple((voice.prose(out.target), out.rule, voice.prose(out.reason), voice.place(out.origin)) for out in rows)


def _notes(found: Resolution, voice: _Voice) -> tuple[Any, ...]:
    """Severity, rule, message, place."""
    return tuple(
        (note.severity, note.rule, voice.prose(note.message), voice.place(note.origin)) for note in found.diagnostics
    )


def _ladder(spec: RoutingSpec, query: Query) -> Iterator[tuple[str, str]]:
    """Name and layer of all scopes that may speak in a query, strongest first."""
    if query.agent is not None:
        yield from _program("agents", spec.agents, query.agent, query.purpose)
    yield CLIENT_ARGUMENTS, "client"
    if query.client is not None:
        yield from _program("clients", spec.clients, query.client, query.purpose)
    if query.override is not None:
        yield LOCAL_OVERRIDE, "env"
    if query.purpose is not None:
        yield f"env.{PURPOSE}", "env"
    yield "env", "env"
    if query.purpose is not None:
        yield f"purposes.{PURPOSE}", "default"
    yield "defaults", "default"


def _program(group: str, entries: Mapping[str, Any], name: str, purpose: str | None) -> Iterator[tuple[str, str]]:
    """The scopes of an agent or a client, one for the purpose first."""
    entry, layer = entry_name(entries, name) or name, group.removesuffix("s")
    shown = "@" if layer == "agent" else f"{group}.{entry}"
    if purpose is not None:
        own = entry_name(entries[entry].purposes, purpose) or purpose
        yield f"{shown}.purposes.{PURPOSE if own == purpose else own}", layer
    yield shown, layer
