"""Servers on loopback, and a machine of its own for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.testing.fixtures import closed_port
from llmroute.testing.fixtures import fault_server as other
from llmroute.testing.fixtures import fault_server as server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["closed_port", "other", "server"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the user's folders in it."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for base in ("config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{base.upper()}_HOME", str(tmp_path / base))
    return tmp_path
