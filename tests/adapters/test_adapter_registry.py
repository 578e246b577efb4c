"""Names of adapters, and what other packages may add."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmroute import adapters
from llmroute.adapters.mock import MockAdapter
from llmroute.errors import LLMRouteError
from tests.adapters.samples import ANTHROPIC, OPENAI, target


@pytest.mark.parametrize(
    ("api", "transport", "name"),
    [
        (OPENAI, "http", "http"),
        (OPENAI, "sdk", "openai_sdk"),
        (ANTHROPIC, "http", "http"),
        (ANTHROPIC, "sdk", "anthropic_sdk"),
        ("mock", "http", "mock"),
        ("mock", "sdk", "mock"),
        ("somebody-elses", "http", "somebody-elses"),
    ],
)
def test_which_adapter(api: str, transport: str, name: str) -> None:
    assert adapters.adapter_name(target("http://localhost:1", api, transport=transport)) == name


@pytest.mark.parametrize("name", adapters.ADAPTERS)
def test_every_name_leads_to_an_adapter(name: str) -> None:
    made = adapters.create(name)
    for method in ("complete", "acomplete", "stream", "astream", "close", "aclose"):
        assert callable(getattr(made, method))
    made.close()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(LLMRouteError, match=r"no adapter for api 'nope'; known: .*mock"):
        adapters.create("nope")


def test_another_package_adds_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "mine"
        value = "llmroute.adapters.mock:MockAdapter"

    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [Point] if group == "llmroute.adapters" else []
    )
    assert isinstance(adapters.create("mine"), MockAdapter)


@pytest.mark.parametrize("name", ["mock", "http", OPENAI])
def test_a_name_is_never_taken_twice(name: str) -> None:
    with pytest.raises(LLMRouteError, match=f"two adapters are named '{name}'"):
        adapters.merged([(name, "x:Y")])
    with pytest.raises(LLMRouteError, match="two adapters are named 'new'"):
        adapters.merged([("new", "x:Y"), ("new", "x:Z")])


def test_each_module_is_loaded_when_it_is_called() -> None:
    code = (
        "import sys; from llmroute import adapters; import llmroute.dispatch.requests; "
        "print(sorted({'openai', 'anthropic', 'httpx2', 'asyncio'} & set(sys.modules)));"
        "adapters.create('http'); print(sorted({'openai', 'anthropic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[:2] == ["[]", "[]"]
