"""The examples in the docstrings of the wire formats hold."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

from llmroute import wire


def test_docstrings() -> None:
    modules = [import_module(f"llmroute.wire.{found.name}") for found in pkgutil.iter_modules(wire.__path__)]
    results = [doctest.testmod(module) for module in modules]
    assert sum(result.attempted for result in results) > 15
    assert sum(result.failed for result in results) == 0
