"""Every worked case of the precedence rules, on the real resolver and on the naive one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.properties.naive_resolver import naive_resolve
from tests.properties.naive_values import normal
from tests.properties.outcomes import real_resolve

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "precedence.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("resolver", [real_resolve, naive_resolve], ids=["real", "naive"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_worked_case(case: dict[str, Any], resolver: Any) -> None:
    outcome = resolver(case["spec"], case["query"], case.get("environ", {}))
    expected = case["expect"]
    if "error" in expected:
        assert outcome == {"error": expected["error"]}
        return
    assert "targets" in outcome, outcome
    assert [shown(target) for target in outcome["targets"]] == [
        {**target, "base_url": normal(target["base_url"])} for target in expected["targets"]
    ]
    for name, value in expected.get("params", {}).items():
        assert outcome["targets"][0]["params"][name] == value


def shown(target: dict[str, Any]) -> dict[str, Any]:
    return {name: target[name] for name in ("provider", "base_url", "model", "credential")}
