"""The JSON Schema of the installation: where it is, and what is said where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmroute.errors import LLMRouteError
from llmroute.load import validation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation without a schema."""
    monkeypatch.setattr(validation, "__file__", str(tmp_path / "site" / "llmroute" / "load" / "validation.py"))
    validation.schema.cache_clear()
    yield tmp_path / "site" / "llmroute"
    validation.schema.cache_clear()


def put(folder: Path, text: str) -> None:
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "routing.v1.schema.json").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("package")
def test_35_a_missing_schema() -> None:
    with pytest.raises(LLMRouteError, match="install llmroute again"):
        validation.schema()


def test_35_a_damaged_schema(package: Path) -> None:
    put(package, '{"$id": ')
    with pytest.raises(LLMRouteError, match="is damaged"):
        validation.schema()


def test_the_one_beside_the_code_comes_first(package: Path) -> None:
    put(package.parent, '{"from": "a checkout"}')
    assert validation.schema() == {"from": "a checkout"}
    put(package, '{"from": "a wheel"}')
    validation.schema.cache_clear()
    assert validation.schema() == {"from": "a wheel"}
