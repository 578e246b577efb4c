"""What the page shows, as plain data: the resolver's answers to every query, and to every single change of it.

The page draws this and decides nothing. Its form is a matter between this file and the page's script.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llmroute.inspection.alike import Silent, rows
from llmroute.inspection.answers import Answers
from llmroute.inspection.offers import SETTINGS, Offer, offers, variables
from llmroute.routing.route import Query

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from llmroute.inspection.answers import Veil
    from llmroute.routing.spec import RoutingSpec

MOST_ANSWERS = 60_000
"""Answers of the page itself; where there would be more, only the first clients are shown."""
MOST_TRIED = 10_000
"""Answers to changes that are computed ahead; the change at which this is passed is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A spec, and how it is shown."""

    spec: RoutingSpec
    title: str
    """What the spec is called."""
    asker: Query = field(default_factory=Query)
    """Client, arguments and override of every query; without a client it is every client of the spec."""
    environ: Mapping[str, str]
    lines: Sequence[str] = ()
    """The lines of the spec as they are shown: without keys."""
    problems: str = ""
    """What is wrong with the spec, as `validate` says it."""
    veil: Veil
    command: str = "llmroute explain"
    """What explains a query on the command line, up to its flags."""


def page_data(subject: Subject, *, ahead: bool = True) -> dict[str, Any]:
    """Everything that the page shows; with `ahead` the answers to single changes too, else what there is to try."""
    return _Builder(subject).build(ahead=ahead)


class _Builder:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.spec = subject.spec
        self.answers = Answers(subject.spec, subject.veil)
        self.rows, self.kinds = rows(subject.spec)
        self.silent = Silent(subject.spec)
        self.purposes: tuple[str | None, ...] = (None, *subject.spec.purposes)
        self.clients, self.clients_left_out = self._clients()

    def build(self, *, ahead: bool) -> dict[str, Any]:
        base = self._grid(self.subject.environ, self.subject.asker, self.purposes)
        tried = self._ahead(base, MOST_TRIED if ahead else 0)
        agents, names = self.rows, self.subject.veil.prose
        return {
            "title": names(self.subject.title),
            "agents": [[row.name, row.kind, row.line] for row in agents],
            "kinds": len(self.kinds),
            "providers": list(self.spec.providers),
            "purposes": list(self.purposes),
            "clients": list(self.clients),
            "clients_left_out": self.clients_left_out,
            "environ": list(self._environ()),
            "arguments": sorted(name for name in self.subject.asker.args if name in SETTINGS),
            "cells": base,
            "lines": list(self.subject.lines),
            "path": names(self.spec.source.path),
            "problems": self.subject.problems,
            "command": self.subject.command,
            **tried,
            **self.answers.tables(),
        }

    def _clients(self) -> tuple[tuple[str | None, ...], int]:
        asker = self.subject.asker
        if asker.client is not None:
            return (asker.client,), 0
        all_clients = (None, *self.spec.clients)
        room = max(1, MOST_ANSWERS // (len(self.kinds) * len(self.purposes)))
        return all_clients[:room], max(0, len(all_clients) - room)

    def _grid(self, environ: Mapping[str, str], asker: Query, purposes: Sequence[str | None]) -> list[int]:
        """The number of the answer per client, kind of agents and purpose, in one row."""
        cells: list[int] = []
        for client in self.clients:
            for kind in self.kinds:
                known: dict[Hashable, int] = {}
                for purpose in purposes:
                    query = replace(asker, agent=kind.agent, purpose=purpose, client=client)
                    silence = self.silent.kind(query, environ)
                    if silence not in known:
                        known[silence] = self.answers.ask(query, environ, kind)
                    cells.append(known[silence])
        return cells

    def _environ(self) -> Iterator[tuple[str, str]]:
        """The variables of the env layer that are set, keys aside."""
        for name in variables(self.spec):
            if self.subject.environ.get(name, "").strip():
                yield name, self.subject.veil.prose(self.subject.environ[name])

    def _ahead(self, base: Sequence[int], most: int) -> dict[str, Any]:
        """The answers to single changes, as far as there is room, and what there is to try."""
        room, left_out, shown, changes = self.answers.asked + most, 0, [], []
        prose = self.subject.veil.prose
        for offer in offers(self.spec, self.subject.environ, self.subject.asker.args, self._seen(base)):
            columns = self.purposes if offer.purpose is None else (offer.purpose,)
            shown.append([offer.kind, offer.name, [value and prose(value) for value in offer.values]])
            for value in offer.values:
                if self.answers.asked >= room:
                    left_out += 1
                    continue
                environ, asker = self._changed(offer, value)
                cells = self._grid(environ, asker, columns)
                column = -1 if offer.purpose is None else self.purposes.index(offer.purpose)
                changes.append([offer.kind, offer.name, value and prose(value), column, cells])
        return {"offers": shown, "changes": changes, "left_out": left_out}

    def _seen(self, base: Sequence[int]) -> list[tuple[str, str]]:
        """Name and URL of the targets of some answers, the most frequent first."""
        targets, answers = self.answers.targets.rows, self.answers.answers.rows
        counted = Counter(number for answer in base for number in answers[answer][0])
        return [(targets[number][0], targets[number][4]) for number, _ in counted.most_common()]

    def _changed(self, offer: Offer, value: str | None) -> tuple[Mapping[str, str], Query]:
        return changed(self.subject, {offer.name: value} if offer.kind == "env" else {}, self._args(offer, value))

    def _args(self, offer: Offer, value: str | None) -> Mapping[str, str | None]:
        return {offer.name: value} if offer.kind == "argument" else {}


def changed(
    subject: Subject, environ: Mapping[str, str | None], args: Mapping[str, str | None]
) -> tuple[Mapping[str, str], Query]:
    """The environment and the asker after some changes; None takes a variable or an argument away."""
    variables = {name: value for name, value in {**subject.environ, **environ}.items() if value is not None}
    arguments = {name: value for name, value in {**subject.asker.args, **args}.items() if value is not None}
    return variables, replace(subject.asker, args=arguments)


def changed_subject(subject: Subject, environ: Mapping[str, str | None], args: Mapping[str, str | None]) -> Subject:
    """The subject after some changes."""
    variables, asker = changed(subject, environ, args)
    return replace(subject, environ=variables, asker=asker)
