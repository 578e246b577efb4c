"""The examples are without fault, answer every query they name, and answer it as their comments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmroute.load import from_file, read_file
from llmroute.routing.checks import check
from llmroute.routing.resolve import resolve
from llmroute.routing.route import Query

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("minimal", "local-first", "cost-split", "offline")
SYSTEMS = sorted(EXAMPLES.glob("*/*.yaml"))
"""Those that stand for a whole system; the tests of each are in tests/systems."""
OF_SYSTEMS = [path.relative_to(EXAMPLES).with_suffix("").as_posix() for path in SYSTEMS]
HAIKU, SONNET, OPUS = (f"anthropic/claude-{size}-5-5" for size in ("haiku", "sonnet", "opus"))
LUNA, SOL = "openai/gpt-6-luna", "openai/gpt-6-sol"
LLAMA, CODER = "ollama/llama3.1:8b", "ollama/qwen2.5-coder:32b"


def test_every_example_is_tested() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.yaml")) == sorted(NAMES)
    tested = {path.stem.removeprefix("test_") for path in (EXAMPLES.parent / "tests/systems").glob("test_*.py")}
    assert {path.parent.name for path in SYSTEMS} <= tested


@pytest.mark.parametrize("name", [*NAMES, *OF_SYSTEMS])
def test_an_example_is_without_fault_and_names_its_schema(name: str) -> None:
    path = EXAMPLES / f"{name}.yaml"
    loaded = read_file(path)
    assert loaded.spec is not None
    assert [*loaded.diagnostics, *check(loaded.spec)] == []
    up = "../" * (1 + name.count("/"))
    assert path.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={up}schemas/routing.v1")


@pytest.mark.parametrize("name", [*NAMES, *OF_SYSTEMS])
def test_every_query_of_an_example_has_an_answer(name: str) -> None:
    spec = from_file(EXAMPLES / f"{name}.yaml")
    for client in (None, *spec.clients):
        for agent in (None, *spec.agents):
            for purpose in (None, *spec.purposes):
                assert resolve(spec, Query(agent, purpose, client), {}).route.targets


def chain(name: str, environ: dict[str, str], **query: str | None) -> list[str]:
    route = resolve(from_file(EXAMPLES / f"{name}.yaml"), Query(**query), environ).route  # type: ignore[arg-type]
    return [target.name for target in route.targets]


@pytest.mark.parametrize(
    ("name", "agent", "purpose", "expected"),
    [
        ("minimal", None, None, [SONNET, LUNA]),
        ("local-first", None, None, [LLAMA]),
        ("local-first", None, "generation", [CODER]),
        ("local-first", "notes", "planning", [LLAMA]),
        ("local-first", "reviewer", "planning", ["gpu-box/qwen2.5-coder:32b", CODER]),
        ("local-first", "researcher", None, [SONNET, LLAMA]),
        ("offline", "file-picker", None, ["mock/echo"]),
        ("offline", "planner", None, ["mock/script"]),
        ("cost-split", "orchestrator", None, [SONNET, LUNA]),
        ("cost-split", "orchestrator", "planning", [OPUS, LUNA]),
        ("cost-split", "orchestrator", "summary", [HAIKU, LUNA]),
        ("cost-split", "file-picker", "planning", [LLAMA]),
        ("cost-split", "file-picker", "summary", [LLAMA]),
        ("cost-split", "coder", "planning", [CODER, HAIKU]),
        ("cost-split", "reviewer", "summary", [SOL, OPUS]),
    ],
)
def test_an_answer(name: str, agent: str | None, purpose: str | None, expected: list[str]) -> None:
    assert chain(name, {}, agent=agent, purpose=purpose) == expected


def test_a_variable_moves_the_defaults_and_no_agent() -> None:
    environ = {"LLMROUTE_MODEL": SOL}
    assert chain("cost-split", environ, agent="orchestrator") == [SOL]
    assert chain("cost-split", environ, agent="file-picker") == [LLAMA]
    assert chain("local-first", environ, agent="notes") == [LLAMA]


def test_a_client_moves_the_defaults_and_no_agent() -> None:
    assert chain("cost-split", {}, client="ci", agent="orchestrator", purpose="planning") == [HAIKU]
    assert chain("cost-split", {}, client="ci", agent="reviewer") == [SOL, OPUS]
