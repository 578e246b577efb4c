"""What is said of a spec that lost its wrong parts."""

from __future__ import annotations

from llmroute.load import from_str
from llmroute.routing.checks import check_rest


def rules(text: str) -> list[str]:
    return [item.rule for item in check_rest(from_str(f"version: 1\n{text}"))]


def test_what_stands_by_itself_is_said() -> None:
    text = "providers: {box: {base_url: 'http://a b', aliases: {a: b, b: a}}}\nagents: {a: {provider: bx}}\n"
    assert rules(text) == ["bad-url", "unknown-provider", "alias-cycle"]


def test_what_another_part_could_have_made_right_is_not() -> None:
    assert rules("providers: {box: {}}\nagents: {a: {model: m, api_key: '${K}', purposes: {p: {}}}}\n") == []
    assert rules("agents: {a: {provider: box}}\n") == []
