"""Packages of extras that are too large for everybody's environment."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def need(module: str, extra: str) -> None:
    """Skip the tests of a module where a package is missing, but fail in CI: there every extra is installed."""
    if find_spec(module) is not None:
        return
    reason = f"{module} is not installed: pip install -e '.[{extra}]'"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
