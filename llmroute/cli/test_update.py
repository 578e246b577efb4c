"""`llmroute test --update`: what came is written into the files of tests, and nothing else in them is touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.cli.output import error, note, visible, write_file
from llmroute.load.files import split_pointer
from llmroute.load.rewriting import rewritten
from llmroute.proof.routing_tests.update import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.proof.routing_tests.expect import Result
    from llmroute.proof.routing_tests.update import Change
    from llmroute.routing.source import Source

_BOM = b"\xef\xbb\xbf"


def update(failed: Sequence[Result], every: Sequence[Result]) -> bool:
    """Bring failed tests up to date, and say what was done and what was not; whether a file was written."""
    wanted, refused = changes(failed, every)
    for refusal in refused:
        _refuse(f"{refusal.case.origin}: {refusal.reason}")
    sources = {id(change.source): change.source for change in wanted}
    of_files = [(source, [row for row in wanted if row.source is source]) for source in sources.values()]
    return sum(_of_file(source, rows) for source, rows in of_files) > 0


def _of_file(source: Source, wanted: Sequence[Change]) -> bool:
    places = {(*source.prefix, *change.path): change for change in wanted}
    new, refused = rewritten(source.text or "", {place: change.value for place, change in places.items()})
    for place, reason in refused.items():
        _refuse(f"{source.origin(places[place].path)}: {places[place].path[-1]} is not changed: {reason}")
    done = len(places) - len(refused)
    if not done:
        return False
    try:
        problem = _write(source, new)
    except OSError as failure:
        problem = str(failure.strerror)
    if problem:
        _refuse(f"{source.path} is not written: {problem}")
        return False
    note(visible(f"{source.path}: {done} expectation{'s' * (done != 1)} brought up to date"))
    return True


def _write(source: Source, new: str) -> str:
    """Put the new text in the place of the old one; why not, where it can't be done."""
    path = Path(split_pointer(source.path)[0])
    if not path.is_file():
        return "it is no file"
    # A link stays a link to the file.
    path = path.resolve()
    before = path.read_bytes()
    mark = _BOM if before.startswith(_BOM) else b""
    if before.removeprefix(_BOM) != (source.text or "").encode():
        return "it was changed in the meantime"
    write_file(path, mark.decode() + new, replace=True, mode=path.stat().st_mode & 0o777)
    return ""


def _refuse(message: str) -> None:
    error(message)
