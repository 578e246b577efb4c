"""The gate before a spec that was found: what it sends where, nobody has agreed to until a person has.

A `routing.yaml` in a folder may have come with a cloned repository. What it sends (see `llmroute.routing.flows`) is
held against what presets pair by themselves and against what the user has trusted; the latter is kept in the user's
state folder, by the path of the spec.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.dispatch.folders import alone, state_folder, write_private
from llmroute.errors import BadEnvironmentError, UntrustedKeyError
from llmroute.load.files import FileProblemError, read_text, split_pointer
from llmroute.routing.diagnostics import Origin
from llmroute.routing.flows import PROMPTS, Sent, origin_text
from llmroute.routing.pairs import sent
from llmroute.routing.report import report_at
from llmroute.routing.route import Route
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from llmroute.routing.diagnostics import Diagnostic
    from llmroute.routing.route import Resolution, Target
    from llmroute.routing.spec import RoutingSpec

FILE_NAME = "trust.json"
VERSION = 1
HINT = "llmroute trust shows what this spec sends where, and asks"


class Pair(NamedTuple):
    """What is remembered: something, and the origin that it may go to."""

    source: str
    """`env:NAME`, `file:PATH` …: see `llmroute.routing.flows.Flow`; a file by its real path."""
    origin: str
    """Scheme, host and port."""


def pair_of(row: Sent) -> Pair:
    """The pair of a flow; a file is what its path leads to now, through every link."""
    kind, _, name = row.flow.source.partition(":")
    source = f"file:{os.path.realpath(os.path.expanduser(name))}" if kind == "file" else row.flow.source  # noqa: PTH111 - as `open` will read it
    return Pair(source, origin_text(row.url))


def trust_path() -> Path:
    """The file that holds what was trusted. It is the process's own: no what-if of the environment moves it."""
    return state_folder(os.environ) / FILE_NAME


def key_of_spec(path: str) -> str:
    """Under which name a spec is remembered: its real path, whatever part of the file it is."""
    return os.path.realpath(split_pointer(path)[0])


def remembered() -> dict[str, frozenset[Pair]]:
    """What was trusted, by spec.

    Raises:
        BadEnvironmentError: the file can't be read, or holds something else. Nothing is trusted then.
    """
    path = trust_path()
    if not os.path.lexists(path):
        return {}
    try:
        return _judged(json.loads(read_text(str(path))))
    except FileProblemError as problem:
        fault = str(problem)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        fault = "it is not what llmroute trust writes"
    raise BadEnvironmentError(
        f"the list of trusted specs {path} can't be used: {fault}",
        hint="remove it, and trust your specs anew with llmroute trust",
        origin=Origin("override", path=str(path)),
    )


def _judged(data: Any) -> dict[str, frozenset[Pair]]:
    if data["version"] != VERSION:
        raise ValueError("another version")
    files = {
        name: frozenset(Pair(row["source"], row["origin"]) for row in rows) for name, rows in data["files"].items()
    }
    if not all(isinstance(text, str) for pairs in files.values() for pair in pairs for text in pair):
        raise TypeError("a pair is two texts")
    return files


def remember(spec: str, pairs: Iterable[Pair]) -> Path:
    """Add pairs to what is trusted of a spec, named by `key_of_spec`; returns the file that was written.

    Raises:
        BadEnvironmentError: the file is broken.
        OSError: it can't be written.
    """
    with alone(trust_path()):
        files = remembered()
        return _write({**files, spec: files.get(spec, frozenset()) | frozenset(pairs)})


def forget(spec: str) -> bool:
    """Trust a spec no more; False where it was not trusted.

    Raises:
        BadEnvironmentError: the file is broken.
        OSError: it can't be written.
    """
    if spec not in remembered():
        return False
    with alone(trust_path()):
        _write({name: pairs for name, pairs in remembered().items() if name != spec})
    return True


def _write(files: Mapping[str, frozenset[Pair]]) -> Path:
    path = trust_path()
    rows = {name: [pair._asdict() for pair in sorted(pairs)] for name, pairs in sorted(files.items())}
    write_private(path, json.dumps({"version": VERSION, "files": rows}, indent=2) + "\n")
    return path


class Gate:
    """Says what a spec may not send yet."""

    def __init__(self, spec: RoutingSpec, broken: Callable[[BadEnvironmentError], object] | None = None) -> None:
        """Find out the spec's real path, while the folder is the one that it was found from.

        `broken` is told, once, that what was trusted can't be read; nothing is trusted then. Without it that is raised.
        """
        self._spec = spec
        self._broken = broken
        # A text or a mapping has no path, so that nothing of it is ever trusted.
        self._name = key_of_spec(spec.source.path) if os.path.exists(spec.source.path) else ""  # noqa: PTH110 - a name
        self._known: frozenset[Pair] = frozenset()

    def untrusted(self, rows: Iterable[Sent]) -> list[Sent]:
        """Those that nobody has trusted, first come first.

        Raises:
            BadEnvironmentError: what was trusted can't be read.
        """
        asked = [row for row in rows if not row.free]
        if all(_is_trusted(row, self._known) for row in asked):
            return []
        # The user may have said yes in another window.
        self._known = self._remembered() if self._name else frozenset()
        return [row for row in asked if not _is_trusted(row, self._known)]

    def _remembered(self) -> frozenset[Pair]:
        try:
            return remembered().get(self._name, frozenset())
        except BadEnvironmentError as error:
            if self._broken is None:
                raise
            told, self._broken = self._broken, lambda _: None
            told(error)
            return frozenset()

    def held_back(self, resolution: Resolution, environ: Mapping[str, str]) -> list[Sent]:
        """What a resolution would send and nobody has trusted; `environ` is what it was resolved with."""
        return self.untrusted(sent(self._spec, resolution, environ))

    def check(self, resolution: Resolution, environ: Mapping[str, str]) -> None:
        """Let a request pass.

        Raises:
            UntrustedKeyError: something that nobody has trusted would be sent, to the first target or a fallback.
        """
        # Without its key a target is not called at all, which is said where keys are read.
        called = [row for row in resolution.route.targets if row.credential.status not in {"missing", "dropped"}]
        rows = self.held_back(replace(resolution, route=Route(tuple(called))), environ)
        if rows:
            raise _stopped(rows)

    def check_target(self, target: Target) -> None:
        """Let a question pass that is no chat: a list of models, a probe.

        Raises:
            UntrustedKeyError: something that nobody has trusted would be sent there.
        """
        rows = self.untrusted(Sent(flow, parse(target.base_url)) for flow in target.flows)
        if rows:
            raise _stopped(rows)

    def diagnostics(self, rows: Iterable[Sent]) -> list[Diagnostic]:
        """The same as diagnostics, for a command that sends nothing."""
        source, rule = self._spec.source, UntrustedKeyError.rule
        return [report_at(source, rule, f"{_would(row)} (llmroute trust)", row.flow.place, HINT) for row in rows]


def gate_of(spec: RoutingSpec, trust: str) -> Gate | None:
    """The gate before a spec: None where it is the program's `own`, one that wants to `ask` otherwise.

    Raises:
        ValueError: another word; a typo must not open the gate.
    """
    if trust not in ("own", "ask"):
        raise ValueError(f"trust is 'own' or 'ask', not {trust!r}")
    return Gate(spec) if trust == "ask" else None


def _stopped(rows: list[Sent]) -> UntrustedKeyError:
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    message = f"{complaint(rows[0])}{more}: nothing was sent"
    return UntrustedKeyError(message, hint=HINT, origin=rows[0].flow.place)


def _is_trusted(row: Sent, known: frozenset[Pair]) -> bool:
    pair = pair_of(row)
    # Whoever trusted an origin with a key has trusted it with prompts.
    return pair in known or (not row.flow.strict and any(other.origin == pair.origin for other in known))


def complaint(row: Sent) -> str:
    """What would be sent where, and what says so."""
    return f"{_would(row)} ({row.flow.place})"


def _would(row: Sent) -> str:
    return f"{described(row.flow.source)} would go to {origin_text(row.url)}, and nobody has trusted that"


def described(source: str) -> str:
    """What a flow takes along, in words.

    >>> described("env:GPU_BOX_KEY"), described("file:~/.key")
    ('GPU_BOX_KEY', 'the file ~/.key')
    """
    kind, _, name = source.partition(":")
    words = {
        "env": name,
        "file": f"the file {name}",
        "keyring": f"the keyring entry {name}",
        "adapter": f"what the adapter {name} signs with",
        "argument": f"the argument {name}",
    }
    return "what you ask" if source == PROMPTS else words.get(kind, source)
