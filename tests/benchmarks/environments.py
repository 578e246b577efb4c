"""An environment for each rival: what one of them needs may be what another one can't bear."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "bench"
REQUIREMENTS = Path(__file__).parent / "rivals" / "requirements"
OURS = frozenset({"ours", "vendor_sdks"})
"""Those that run where llmroute itself is installed."""
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "RUST_LOG": "error", "DO_NOT_TRACK": "1"}
"""Nobody fetches or reports anything while it is measured."""


def python_of(name: str) -> str:
    """The interpreter that measures these rivals; its environment is made when it is missing or out of date."""
    if name in OURS:
        return sys.executable
    wanted = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    folder = CACHE / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made_from = folder / "requirements.txt"
    if not made_from.exists() or made_from.read_text(encoding="utf-8") != wanted:
        print(f"installing {name} …", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", REQUIREMENTS / f"{name}.txt"], check=True)
        made_from.write_text(wanted, encoding="utf-8")
    return str(python)


def measured(name: str) -> str:
    """What the worker prints; that it fails is an error of the benchmark."""
    environ = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    done = subprocess.run(
        [python_of(name), "-W", "ignore", "-m", "tests.benchmarks.rivals.worker", name],
        cwd=ROOT,
        env={**environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name} could not be measured:\n{done.stderr}")
    return done.stdout


def version_of(name: str, package: str) -> str:
    """The version that is installed there."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python_of(name), "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()
