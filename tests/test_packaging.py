"""The wheel: what is in it, and that it works where nothing else of this project is."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from email import message_from_bytes
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

import llmroute

CHECKOUT = Path(__file__).parents[1]
SPEC = """\
version: 1
providers:
  ollama: {model: "llama3.1:8b"}
agents:
  file-picker: {provider: ollama}
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that may see neither the checkout nor this environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LLMROUTE_"))}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    run(*build, "--outdir", folder, CHECKOUT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = [name for name in names if name.startswith("llmroute/")]
    assert {name.split("/")[0] for name in names} == {"llmroute", f"llmroute-{llmroute.__version__}.dist-info"}
    assert {Path(name).suffix for name in package} == {".py", ".typed", ".json", ".html", ".css", ".js"}
    assert {"llmroute/py.typed", "llmroute/schemas/routing.v1.schema.json"} <= set(package)
    on_disk = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "llmroute").rglob("*.py")}
    assert on_disk == {name for name in package if name.endswith(".py")}


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    info = f"llmroute-{llmroute.__version__}.dist-info"
    metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
    assert metadata["Name"] == "llmroute"
    assert metadata["Version"] == llmroute.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "llmroute = llmroute.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


def test_every_dependency_has_a_lower_bound(wheel: Path) -> None:
    """`make lower-bounds` runs the tests with them."""
    metadata = zipfile.ZipFile(wheel).read(f"llmroute-{llmroute.__version__}.dist-info/METADATA")
    wanted = message_from_bytes(metadata).get_all("Requires-Dist", [])
    assert wanted
    assert [line for line in wanted if ">=" not in line] == []


def imported() -> set[str]:
    """The packages that the code imports, anywhere in a file, beyond the standard library."""
    found: set[str] = set()
    for path in (CHECKOUT / "llmroute").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return {name.split(".")[0] for name in found} - set(sys.stdlib_module_names) - {"llmroute"}


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_import_is_declared() -> None:
    """A package that is only there because another one wants it may be gone with the next release."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines}
    owners = packages_distributions()
    missing = {name for name in imported() if not declared & {_normal(owner) for owner in owners.get(name, [name])}}
    assert missing == set()


@pytest.mark.real
def test_the_wheel_works_in_a_bare_environment(wheel: Path, tmp_path: Path) -> None:
    """Only what the wheel declares is installed, in the locked versions, outside the checkout."""
    locked = (CHECKOUT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^[\w.-]+==[^\\\n]+", locked, flags=re.MULTILINE)
    (tmp_path / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    (tmp_path / "routing.yaml").write_text(SPEC, encoding="utf-8")
    venv.create(tmp_path / "bare", with_pip=True)
    binaries = tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin")

    run(binaries / "python", "-m", "pip", "install", "-q", "-c", "pins.txt", wheel, cwd=tmp_path)
    version = run(binaries / "llmroute", "--version", cwd=tmp_path)
    explained = run(binaries / "llmroute", "explain", "--agent", "file-picker", cwd=tmp_path)
    schema = run(binaries / "llmroute", "schema", cwd=tmp_path)

    assert llmroute.__version__ in version
    assert "ollama" in explained
    assert "llama3.1:8b" in explained
    assert '"$id"' in schema
