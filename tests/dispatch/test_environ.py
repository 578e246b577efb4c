"""Snapshots of the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmroute.dispatch.environ import Environ

if TYPE_CHECKING:
    import pytest


def test_the_same_snapshot_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = Environ()
    first = environ.snapshot()
    assert first == dict(os.environ)
    assert environ.snapshot() is first
    monkeypatch.setenv("LLMROUTE_CANARY", "1")
    second = environ.snapshot()
    assert second["LLMROUTE_CANARY"] == "1"
    assert "LLMROUTE_CANARY" not in first


def test_a_given_mapping_is_read_anew_too() -> None:
    given = {"A": "1"}
    environ = Environ(given)
    first = environ.snapshot()
    assert environ.snapshot() is first
    given["A"] = "2"
    assert (first["A"], environ.snapshot()["A"]) == ("1", "2")
