"""The fixtures work as the page shows, and pytest knows nothing of them before they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.markdown import blocks

ROOT = Path(__file__).parents[2]


def run_pytest(folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False).stdout


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    for block in blocks((ROOT / "docs/testing.md").read_text(encoding="utf-8")):
        if block.file:
            (tmp_path / block.file).write_text(block.body, encoding="utf-8")
    assert "2 passed" in run_pytest(tmp_path)


def test_nobody_gets_them_unasked(tmp_path: Path) -> None:
    shown = run_pytest(tmp_path, "--fixtures", "-v")
    assert "tmp_path" in shown
    assert "fault_server" not in shown
