"""Codebuff's `/local` and what it leaves unsaid of small models, against servers.

Each test names the rows of docs/systems/codebuff.md that it shows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from llmroute import Router
from llmroute.cli import local_choice, main
from llmroute.cli.found import LOCAL_PORTS
from llmroute.errors import ConstraintViolatedError
from llmroute.testing import FaultServer, answer, good_answer
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import Script, Seen

EXAMPLE = ROOT / "examples/codebuff/routing.yaml"
AIR_GAPPED = ROOT / "examples/codebuff/air-gapped.yaml"
shows = Covered("codebuff", "/local", "What a model can do")


def ollama(seen: Seen) -> Script:
    """As Ollama answers: its own lists, and chats in OpenAI's words and its own."""
    if seen.path == "/api/tags":
        return answer(200, {"models": [{"name": "llama3.1:8b", "model": "llama3.1:8b"}, {"name": "qwen2.5-coder:7b"}]})
    if seen.path == "/api/show":
        info = {"general.architecture": "llama", "llama.context_length": 131072}
        return answer(200, {"capabilities": ["completion", "tools"], "model_info": info})
    if seen.path == "/api/chat":
        message = {"role": "assistant", "content": "Four."}
        return answer(200, {"model": "m", "message": message, "done": True, "done_reason": "stop"})
    return good_answer("openai-chat") if seen.path.endswith("/chat/completions") else answer(404, {"error": "no"})


def lm_studio(seen: Seen) -> Script:
    """As others answer: OpenAI's list alone."""
    if seen.path == "/v1/models":
        return answer(200, {"object": "list", "data": [{"id": "qwen3-8b"}]})
    return good_answer("openai-chat") if seen.path.endswith("/chat/completions") else answer(404, {"error": "no"})


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEBUFF_API_KEY", "key-of-codebuff")


@pytest.fixture(autouse=True)
def _answers(server: FaultServer, other: FaultServer) -> None:
    server.default, other.default = ollama, lm_studio


@pytest.fixture(autouse=True)
def _ports(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Ollama stands at the first of the usual ports, and nothing at the others."""
    for name in LOCAL_PORTS:
        monkeypatch.setitem(LOCAL_PORTS, name, server.port if name == "ollama" else 1)
    monkeypatch.setattr(local_choice, "_url", lambda _: f"{server.url}/v1")


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, ["local", *words], prog_name="llmroute")
    assert done.exit_code == 0, done.output
    return done


def answering() -> tuple[str, str]:
    """Where the thinker's calls go now: URL and model; whatever that is, it is asked."""
    with Router(EXAMPLE, local_overrides=True) as router:
        target = router.resolve(agent="thinker").target
        if target.locality == "local":
            assert router.complete("Hi.", agent="thinker").text
    return target.base_url, target.model


def test_every_row_is_shown() -> None:
    shows.check()


# -- /local


@shows("/local on URL MODEL", "/local off", "/local, /local status")
def test_on_and_off_hold_from_the_next_request(server: FaultServer) -> None:
    assert run().stdout == "local: off\n"
    run("on", f"{server.url}/v1", "llama3.1:8b")
    assert server.requests == []
    assert answering() == (f"{server.url}/v1", "llama3.1:8b")
    assert server.requests[-1].json["model"] == "llama3.1:8b"
    assert "key-of-codebuff" not in server.requests[-1].raw.decode()
    assert f"local: on → {server.url}/v1 / llama3.1:8b" in run("status").stdout
    run("off")
    assert answering() == ("https://www.codebuff.com/api/v1", "google/gemini-3-flash-preview")
    assert "llama3.1:8b" in run().stdout


def test_the_same_router_follows(server: FaultServer) -> None:
    with Router(EXAMPLE, local_overrides=True) as router:
        assert router.resolve(agent="thinker").target.locality == "remote"
        run("on", server.url, "llama3.1:8b")
        assert router.complete("Hi.", agent="thinker").text == "Four."
        run("off")
        assert router.resolve(agent="thinker").target.locality == "remote"


@shows("/local on", "/local on URL")
def test_on_alone_finds_a_server_and_a_model_that_it_has(server: FaultServer, other: FaultServer) -> None:
    run("on")
    assert answering() == (f"{server.url}/v1", "llama3.1:8b")
    run("on", f"{other.url}/v1")
    assert answering() == (f"{other.url}/v1", "qwen3-8b")
    assert other.requests[-1].json["model"] == "qwen3-8b"


@shows("/local on MODEL, /local set MODEL", "/local NAME:TAG", "/local model MODEL", "/local model clear")
def test_the_model_alone(server: FaultServer) -> None:
    url = f"{server.url}/v1"
    run("on", url, "llama3.1:8b")
    run("on", "qwen2.5-coder:7b")
    assert answering() == (url, "qwen2.5-coder:7b")
    run("llama3.1:8b")
    assert answering() == (url, "llama3.1:8b")
    run("model", "gemma3:4b")
    assert answering() == (url, "gemma3:4b")
    assert server.requests[-1].json["model"] == "gemma3:4b"
    assert "with the model that the spec has there" in run("model", "clear").stdout


@shows("/local list")
def test_the_list_of_either_kind_of_server(server: FaultServer, other: FaultServer) -> None:
    assert run("list", server.url).stdout.split() == [f"{server.url}/v1", "llama3.1:8b", "qwen2.5-coder:7b"]
    assert run("list", f"{other.url}/v1").stdout.split() == [f"{other.url}/v1", "qwen3-8b"]
    assert [seen.path for seen in other.requests] == ["/api/tags", "/v1/models"]


@shows("an agent with its own baseUrl stays")
def test_an_agent_with_an_endpoint_of_its_own_stays(server: FaultServer) -> None:
    run("on", server.url, "llama3.1:8b")
    with Router(EXAMPLE, local_overrides=True) as router:
        assert router.resolve(agent="file-picker").target.base_url == "http://localhost:11434/v1"
        assert router.resolve(agent="editor").target.base_url == "https://gpu.example.org/v1"
        shown = router.explain(agent="thinker")
    assert "local override" in shown
    assert "local.json" in shown


def test_bad_words_change_nothing(server: FaultServer) -> None:
    run("on", server.url, "llama3.1:8b")
    for words in (["foobar"], ["on", "ftp://localhost"], ["model"], ["off", "http://oops"], ["on", "http://8.8.8.8"]):
        done = CliRunner().invoke(main, ["local", *words], prog_name="llmroute")
        assert done.exit_code == 2, words
    assert answering() == (f"{server.url}/v1", "llama3.1:8b")


# -- What a model can do


def at(server: FaultServer, **capabilities: object) -> str:
    """The example, with a provider for the server, of which something is known."""
    known = json.dumps({"base_url": f"{server.url}/v1", "model": "small", "capabilities": capabilities})
    return EXAMPLE.read_text().replace("providers:\n", f"providers:\n  house: {known}\n", 1)


@shows("a small model for a heavy agent", "the same, only told")
@pytest.mark.parametrize(
    ("capabilities", "lacks"),
    [
        ({"tools": True, "context_window": 32000}, None),
        ({"tools": True, "context_window": 8192}, "8192"),
        ({"tools": False, "context_window": 64000}, "tools"),
        ({}, "tools"),
    ],
)
def test_a_small_model_for_a_heavy_agent(
    other: FaultServer, capabilities: dict[str, object], lacks: str | None
) -> None:
    environ = {"LLMROUTE_PROVIDER": "house"}
    with Router.from_str(at(other, **capabilities), environ=environ) as router:
        if lacks is None:
            router.complete("Hi.", agent="orchestrator")
        else:
            with pytest.raises(ConstraintViolatedError, match=lacks):
                router.complete("Hi.", agent="orchestrator")
        assert len(other.requests) == (lacks is None)
        shown = router.explain(agent="reviewer")
        router.complete("Hi.", agent="reviewer")
        assert ("warning" in shown) == (lacks is not None)
        assert other.requests[-1].json["model"] == "small"


@shows("what a server's model can do")
def test_the_doctor_asks_the_server_what_its_model_can_do(server: FaultServer, folder: Path) -> None:
    spec = folder / "routing.yaml"
    text = AIR_GAPPED.read_text().replace("    model: qwen2.5", f"    base_url: {server.url}\n    model: qwen2.5")
    spec.write_text(text.replace("qwen2.5-coder:32b", "llama3.1:8b"))
    done = CliRunner().invoke(main, ["doctor", "--spec", str(spec), "--agent", "orchestrator", "--json"])
    assert done.exit_code == 0, done.output
    assert "/api/show" in [seen.path for seen in server.requests]
    assert not any(seen.path == "/api/chat" for seen in server.requests)


@shows("air-gapped")
@pytest.mark.parametrize("agent", [None, "orchestrator", "file-picker", "anyone"])
def test_nothing_leaves(server: FaultServer, agent: str | None) -> None:
    far = {"CODEBUFF_BASE_URL": "https://llm.example.org/v1", "CODEBUFF_PROVIDER_MODEL": "m"}
    text = AIR_GAPPED.read_text().replace("    model: qwen2.5", f"    base_url: {server.url}\n    model: qwen2.5")
    with Router.from_str(text, environ={}) as router:
        assert router.complete("Hi.", agent=agent).text == "Four."
    for arguments, environ in [({"provider": "anthropic", "model": "m"}, {}), ({}, far)]:
        with Router.from_str(text, environ={**environ, "ANTHROPIC_API_KEY": "k"}, **arguments) as router:
            if agent == "file-picker":  # which has an endpoint of its own
                assert router.resolve(agent=agent).target.locality == "local"
                continue
            with pytest.raises(ConstraintViolatedError, match="air-gapped"):
                router.complete("Hi.", agent=agent)


def test_lists_of_models_and_checks_stay_here_too(server: FaultServer, folder: Path) -> None:
    spec = folder / "routing.yaml"
    text = AIR_GAPPED.read_text().replace("    model: qwen2.5", f"    base_url: {server.url}\n    model: qwen2.5")
    spec.write_text(text.replace("providers:\n", "providers:\n  anthropic: {model: claude-opus-4-5}\n", 1))
    environ = {"ANTHROPIC_API_KEY": "k"}  # the guard of the tests fails where anything else than loopback is reached
    listed = CliRunner().invoke(main, ["models", "--spec", str(spec)], env=environ)
    assert "llama3.1:8b" in listed.stdout
    assert "air-gapped" in listed.stderr
    checked = CliRunner().invoke(main, ["doctor", "--spec", str(spec), "--provider", "anthropic"], env=environ)
    assert checked.exit_code == 1
    assert "air-gapped" in checked.output
