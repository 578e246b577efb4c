"""`llmroute init`: what it finds, and a file that always holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmroute.catalog.models import capabilities
from llmroute.catalog.presets import PRESETS
from llmroute.cli import found, init
from llmroute.cli.found import Found, first_model, local_servers, vendors
from llmroute.cli.starter import starter
from llmroute.load import read_str
from llmroute.routing.checks import check
from llmroute.testing import Pause, answer

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import FaultServer
    from tests.cli.conftest import Invoke

ALL_KEYS = {preset.key_variable: "canary-0123456789" for preset in PRESETS.values() if preset.key_variable}


def holds(text: str) -> None:
    """The text is a spec without errors and warnings."""
    loaded = read_str(text)
    assert loaded.spec is not None, loaded.diagnostics
    assert [*loaded.diagnostics, *check(loaded.spec)] == []


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens on this machine is no part of a test."""
    monkeypatch.setattr(init, "local_servers", lambda: iter(()))


def test_with_nothing_at_hand_everything_works_with_the_mock(invoke: Invoke, folder: Path) -> None:
    result = invoke("init", "--yes")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "wrote routing.yaml" in result.stderr
    assert invoke("validate", "--strict").stdout == "routing.yaml: fine\n"
    assert invoke("explain").exit_code == 0
    assert invoke("run", "Hello").stdout == "Hello\n"
    assert (folder / "routing.yaml").stat().st_mode & 0o600 == 0o600
    assert [path.name for path in folder.iterdir()] == [".git", "routing.yaml"]


def test_key_variables_are_named_and_never_read_into_the_file(
    invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ALL_KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MISTRAL_API_KEY", "  ")
    result = invoke("init")
    text = (folder / "routing.yaml").read_text(encoding="utf-8")
    assert "# ANTHROPIC_API_KEY is set" in text
    assert "MISTRAL" not in text
    assert "GITHUB_TOKEN" not in text
    assert "canary" not in text + result.output
    assert "not looking for local servers" in result.stderr
    assert invoke("validate", "--strict").stdout == "routing.yaml: fine\n"


def test_a_file_that_is_there_is_kept(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("mine", encoding="utf-8")
    result = invoke("init", "--yes")
    assert result.exit_code == 1
    assert "--force replaces it" in result.stderr
    assert (folder / "routing.yaml").read_text(encoding="utf-8") == "mine"
    assert invoke("init", "--yes", "--force").exit_code == 0
    assert invoke("validate").exit_code == 0


def test_a_dangling_link_is_something_that_is_there(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").symlink_to("elsewhere.yaml")
    assert invoke("init", "--yes").exit_code == 1
    assert not (folder / "elsewhere.yaml").exists()


def test_it_is_written_where_asked_or_printed(invoke: Invoke, folder: Path) -> None:
    assert invoke("init", "--yes", "-o", "a.yaml").exit_code == 0
    printed = invoke("init", "--yes", "-o", "-").stdout
    assert (folder / "a.yaml").read_text(encoding="utf-8") == printed
    nowhere = invoke("init", "--yes", "-o", "no/such/folder.yaml")
    assert nowhere.exit_code == 1
    assert nowhere.stderr.startswith("error: can't write no/such/folder.yaml: ")


def test_the_user_is_asked_on_a_terminal(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Found("ollama", "llama3.1:8b", "a server answered at 127.0.0.1:11434", is_local=True)
    monkeypatch.setattr(init, "local_servers", lambda: iter([here]))
    monkeypatch.setattr(init, "_is_terminal", lambda: True)
    invoke("init", "-o", "no.yaml", stdin="n\n")
    invoke("init", "-o", "yes.yaml", stdin="\n")
    assert "ollama" not in yaml.safe_load((folder / "no.yaml").read_text(encoding="utf-8"))["providers"]
    found_ = yaml.safe_load((folder / "yes.yaml").read_text(encoding="utf-8"))
    assert found_["providers"] == {"ollama": {"model": "llama3.1:8b"}}
    assert found_["defaults"] == {"provider": "ollama"}


TAGS = {"models": [{"name": "nomic-embed-text"}, {"name": "gpt-oss:120b-cloud"}, {"name": "llama3.1:8b"}]}
MODELS = {"object": "list", "data": [{"id": "qwen/qwen2.5-7b"}]}


@pytest.mark.parametrize(
    ("preset", "body", "model"),
    [
        ("ollama", TAGS, "llama3.1:8b"),
        ("ollama", {"models": []}, None),
        ("lmstudio", MODELS, "qwen/qwen2.5-7b"),
        ("vllm", {"data": [{"id": "a\nb: c"}, {"id": "${HOME}"}, {"id": 7}, "x"]}, None),
    ],
)
def test_a_server_that_answers_is_found_with_its_model(
    server: FaultServer, preset: str, body: dict[str, Any], model: str | None
) -> None:
    server.script(answer(200, body))
    (here,) = local_servers({preset: server.port})
    assert (here.preset, here.model, here.is_local) == (preset, model, True)
    assert server.requests[0].path == ("/api/tags" if preset == "ollama" else "/v1/models")
    assert "authorization" not in server.requests[0].headers
    holds(starter([here]))


@pytest.mark.parametrize(
    "script",
    [
        answer(404, MODELS),
        answer(302, MODELS, {"location": "http://127.0.0.1:1/"}),
        answer(200, "<html>"),
        answer(200, "[" * 100_000),
        answer(200, [1]),
        answer(200, {"data": "x"}),
        answer(200, {"hello": "world"}),
        [b"not HTTP\r\n\r\n"],
        [Pause(3)],
    ],
    ids=["404", "redirect", "html", "deep", "list", "text", "other", "garbage", "silence"],
)
def test_anything_else_is_no_server(server: FaultServer, script: list[Any]) -> None:
    server.script(script)
    assert list(local_servers({"llamacpp": server.port})) == []
    assert len(server.requests) == 1


def test_a_server_that_never_ends_is_given_up(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "_MAX_BYTES", 1_000)
    server.script(answer(200, "x" * 100_000))
    assert list(local_servers({"vllm": server.port})) == []


def test_nobody_listens(closed_port: int) -> None:
    assert list(local_servers({"vllm": closed_port})) == []


def test_the_ports_are_those_of_the_presets() -> None:
    assert {name: PRESETS[name].base_url.split(":")[2].split("/")[0] for name in found.LOCAL_PORTS} == {
        name: str(port) for name, port in found.LOCAL_PORTS.items()
    }


@pytest.mark.parametrize("preset", [one.preset for one in vendors(ALL_KEYS)])
def test_the_first_model_of_a_vendor_is_one_that_it_has(preset: str) -> None:
    model = first_model(preset)
    assert model is not None
    known = capabilities(preset, model)
    assert known is not None
    assert known.tools


@pytest.mark.parametrize("name", [name for name in ALL_KEYS if vendors({name: "x"})])
def test_a_spec_of_any_one_vendor_holds(name: str) -> None:
    holds(starter(vendors({name: "x"})))


def test_what_is_commented_out_holds_when_it_is_not() -> None:
    for environ in ({}, ALL_KEYS, {"OPENAI_API_KEY": "x"}):
        text = starter(vendors(environ))
        head, _, tail = text.partition("# What calls are for")
        sentence, _, rest = tail.partition("# purposes:")
        del sentence
        holds(head + "purposes:" + rest.replace("\n# ", "\n"))


@given(
    st.lists(
        st.builds(
            Found,
            st.sampled_from(sorted(set(PRESETS) - {"mock", "azure-openai"})),
            st.none() | st.from_regex(found._MODEL, fullmatch=True),
            st.just("found"),
            is_local=st.booleans(),
        ),
        unique_by=lambda one: one.preset,
        max_size=4,
    )
)
def test_whatever_is_found_the_spec_holds(usable: list[Found]) -> None:
    text = starter(usable)
    loaded = read_str(text)
    assert loaded.spec is not None, (text, loaded.diagnostics)
    assert [item for item in check(loaded.spec) if item.severity == "error"] == [], text
    for one in usable:
        if one.model is not None:
            assert loaded.spec.providers[one.preset].model == one.model
