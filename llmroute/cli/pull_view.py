"""How a download goes: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from llmroute.cli.output import note, visible

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

DONE = "success"


def follow(news: Generator[Mapping[str, Any], None, None], model: str) -> bool:
    """Show how it goes until it ends; whether it came to its end. Closes the connection whatever happens."""
    try:
        return _drawn(news, model) if sys.stderr.isatty() else _told(news)
    finally:
        news.close()


def _told(news: Generator[Mapping[str, Any], None, None]) -> bool:
    """Each step once."""
    last = ""
    for row in news:
        step = _step(row)
        if step != last:
            note(visible(step))
        last = step
    return last == DONE


def _step(row: Mapping[str, Any]) -> str:
    status = row.get("status")
    return status if isinstance(status, str) else ""


def _drawn(news: Generator[Mapping[str, Any], None, None], model: str) -> bool:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    last = ""
    layers: dict[str, tuple[int, int]] = {}
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(visible(model), total=None)
        for row in news:
            last = _step(row)
            amount = _amount(row)
            if amount is not None:
                layers[str(row.get("digest"))] = amount
            # A model comes in layers that are told one by one, and some of them at the same time.
            total = sum(whole for whole, _ in layers.values())
            progress.update(
                bar,
                description=visible(model if amount else f"{model}: {last}").replace("[", "\\["),
                total=total or None,
                completed=sum(loaded for _, loaded in layers.values()),
            )
    if last == DONE:
        note(visible(f"{model}: {DONE}"))
    return last == DONE


def _amount(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """Bytes of a layer, and how many of them are there; None where the news is of something else."""
    total, loaded = row.get("total"), row.get("completed", 0)
    if isinstance(total, int) and isinstance(loaded, int) and total > 0:
        return total, min(loaded, total)
    return None
