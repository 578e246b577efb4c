"""Runs the shell commands that the documentation shows, with `llmroute` from this checkout."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(line: str, folder: Path) -> tuple[int, str]:
    """Exit status and output (both streams) of a command in a folder; it sees no variable of this process."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    program = tools / "llmroute"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {sys.executable} -m llmroute "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout
