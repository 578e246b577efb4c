"""The examples in the docstrings of the importers hold."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

from llmroute import importers


def test_docstrings() -> None:
    modules = [import_module(f"llmroute.importers.{found.name}") for found in pkgutil.iter_modules(importers.__path__)]
    results = [doctest.testmod(module) for module in modules]
    assert sum(result.attempted for result in results) > 3
    assert sum(result.failed for result in results) == 0
