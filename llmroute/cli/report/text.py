"""Diagnostics for people. What draws them is imported when there is something to draw."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from llmroute.cli.output import paint, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from llmroute.cli.specs import Judged

MOST_SHOWN = 50
"""Diagnostics of one file that are printed."""


def report_text(judged: Sequence[Judged], *, err: bool = False) -> str:
    """What `validate` prints, ending in a line break; coloured where the stream shows colours."""
    stream = sys.stderr if err else sys.stdout
    lines = [line for one in judged for line in _file(one, stream)]
    total = _summary(judged)
    return "\n".join((*lines, *([paint(total, bold=True, stream=stream)] if total else []), ""))


def _file(judged: Judged, stream: IO[str]) -> list[str]:
    if not judged.diagnostics:
        return [f"{visible(judged.path)}: {paint('fine', 'green', stream=stream)}"]
    from llmroute.cli.report.drawing import drawn

    lines = [line for item in judged.diagnostics[:MOST_SHOWN] for line in drawn(item, judged, stream)]
    more = len(judged.diagnostics) - MOST_SHOWN
    return [*lines, f"… and {more} more in {visible(judged.path)}"] if more > 0 else lines


def _summary(judged: Sequence[Judged]) -> str:
    counts = [
        f"{count} {word}{'s' * (count != 1)}"
        for word in ("error", "warning")
        if (count := sum(one.count(word) for one in judged))
    ]
    files = sum(bool(one.diagnostics) for one in judged)
    return f"{', '.join(counts)} in {files} file{'s' * (files != 1)}" if counts else ""
