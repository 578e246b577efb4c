"""Specs to look at, the pages made of them, and a browser."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.cli.output import visible
from llmroute.cli.report.redact import redacted
from llmroute.cli.report.whole import shown_lines, without_keys_in_text
from llmroute.inspection.answers import Veil
from llmroute.inspection.data import Subject
from llmroute.load import from_str
from tests.inspection.chromium import NoChromiumError, chromium, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.inspection.chromium import Page

VEIL = Veil(prose=lambda text: redacted(visible(text)), value=lambda text: without_keys_in_text(visible(text)))


def subject(text: str, environ: dict[str, str] | None = None, **more: Any) -> Subject:
    """A spec as `llmroute inspect` would show it."""
    spec = from_str(text, "routing.yaml")
    lines = shown_lines(spec.source)
    return Subject(spec=spec, title="routing.yaml", environ=environ or {}, lines=lines, veil=VEIL, **more)


@pytest.fixture(scope="session")
def tabs(request: pytest.FixtureRequest) -> Iterator[Callable[[], Page]]:
    """Makes tabs in a real Chromium; skips where there is none."""
    asked = bool(request.config.getoption("--browser"))
    try:
        found = find(fetch=asked or os.environ.get("CI", "").lower() == "true")
    except NoChromiumError as error:
        (pytest.fail if asked else pytest.skip)(str(error))
    with chromium(found) as tab:
        yield tab


@pytest.fixture
def tab(tabs: Callable[[], Page]) -> Iterator[Page]:
    """A tab in which nothing may go wrong unheard."""
    page = tabs()
    yield page
    assert page.complaints() == []
