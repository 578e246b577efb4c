"""CodeFrame's variables, settings, flags and provider types: which server is asked, for what, with which key.

Each test names the rows of docs/systems/codeframe.md that it shows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llmroute import Router
from llmroute.cli import main
from llmroute.errors import (
    AuthenticationError,
    BadEnvironmentError,
    MissingKeyError,
    NoModelError,
    RoutingError,
    UnknownProviderError,
    UntrustedKeyError,
)
from llmroute.testing import FaultServer, answer, good_answer
from tests.systems.rows import ROOT, Covered

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import Seen

EXAMPLE = ROOT / "examples/codeframe/routing.yaml"
PURPOSES = ("planning", "execution", "generation", "correction", "supervision")
KEYS = {"ANTHROPIC_API_KEY": "key-of-anthropic", "OPENAI_API_KEY": "key-of-openai"}
shows = Covered("codeframe", "Variables", ".codeframe/config.yaml", "Flags and commands", "Provider types")


def by_path(seen: Seen) -> Any:
    """A server that speaks both APIs."""
    return good_answer("anthropic-messages" if seen.path.endswith("/messages") else "openai-chat")


@pytest.fixture(autouse=True)
def _answers(server: FaultServer, other: FaultServer) -> None:
    server.default = other.default = by_path


def both(server: FaultServer) -> dict[str, str]:
    """The keys, and the two vendors at one server."""
    return {**KEYS, "ANTHROPIC_BASE_URL": server.url, "OPENAI_BASE_URL": f"{server.url}/v1"}


def ask(environ: dict[str, str], purpose: str | None = "planning", **arguments: Any) -> None:
    with Router(EXAMPLE, environ=environ, **arguments) as router:
        router.complete("Plan it.", purpose=purpose)


def models(server: FaultServer) -> list[str]:
    return [seen.json["model"] for seen in server.requests]


def test_every_row_is_shown() -> None:
    shows.check()


# -- Variables


@shows("anthropic", "ANTHROPIC_BASE_URL")
def test_without_flags_and_variables_it_is_anthropic_with_a_model_for_each_purpose(server: FaultServer) -> None:
    for purpose in (*PURPOSES, None):
        ask({**KEYS, "ANTHROPIC_BASE_URL": server.url}, purpose)
    sonnet, haiku = "claude-sonnet-4-5", "claude-haiku-4-5"
    assert models(server) == [sonnet, sonnet, haiku, sonnet, sonnet, sonnet]
    assert {seen.path for seen in server.requests} == {"/v1/messages"}
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer key-of-anthropic"}


@shows("CODEFRAME_LLM_PROVIDER", "openai", "OPENAI_BASE_URL")
def test_openai_with_a_base_url_reaches_the_local_server(server: FaultServer) -> None:
    ask({**both(server), "CODEFRAME_LLM_PROVIDER": "openai"})
    (seen,) = server.requests
    assert (seen.path, seen.headers["authorization"]) == ("/v1/chat/completions", "Bearer key-of-openai")
    assert seen.json["model"] == "gpt-4o"
    assert seen.json["max_tokens"] == 4096
    assert seen.json["temperature"] == 0


def test_openai_itself_gets_the_limit_under_its_own_name() -> None:
    with Router(EXAMPLE, environ=KEYS, provider="openai") as router:
        target = router.resolve(purpose="planning").target
    assert target.base_url == "https://api.openai.com/v1"
    assert target.quirks["max_tokens_field"] == "max_completion_tokens"


def test_openai_s_url_moves_nothing_of_anthropic_s(server: FaultServer) -> None:
    with Router(EXAMPLE, environ={**KEYS, "OPENAI_BASE_URL": server.url}) as router:
        assert router.resolve(purpose="planning").target.base_url == "https://api.anthropic.com"


@shows("CODEFRAME_LLM_MODEL")
@pytest.mark.parametrize("provider", ["", "openai"])
def test_the_general_model_is_the_one_of_every_purpose(server: FaultServer, provider: str) -> None:
    environ = {**both(server), "CODEFRAME_LLM_PROVIDER": provider, "CODEFRAME_LLM_MODEL": "qwen2.5-coder:7b"}
    for purpose in PURPOSES:
        ask(environ, purpose)
    assert models(server) == ["qwen2.5-coder:7b"] * len(PURPOSES)


@shows("CODEFRAME_<PURPOSE>_MODEL")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_model_of_a_purpose_is_stronger(server: FaultServer, provider: str, purpose: str) -> None:
    environ = {**both(server), "CODEFRAME_LLM_PROVIDER": provider, "CODEFRAME_LLM_MODEL": "general"}
    own = {f"CODEFRAME_{purpose.upper()}_MODEL": "its-own"}
    for each in PURPOSES:
        ask({**environ, **own}, each)
    assert models(server) == ["its-own" if each == purpose else "general" for each in PURPOSES]


@shows("OPENAI_API_KEY, ANTHROPIC_API_KEY")
@pytest.mark.parametrize(("provider", "variable"), [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY")])
def test_only_the_key_of_the_chosen_provider_is_asked_for(server: FaultServer, provider: str, variable: str) -> None:
    environ = {**both(server), "CODEFRAME_LLM_PROVIDER": provider}
    ask({name: value for name, value in environ.items() if name not in KEYS or name == variable})
    with pytest.raises(MissingKeyError, match=variable):
        ask({name: value for name, value in environ.items() if name != variable})
    assert len(server.requests) == 1


@shows("CODEFRAME_ALLOW_CONFIG_BASE_URL")
def test_a_spec_of_a_workspace_sends_nothing_elsewhere_until_it_is_trusted(folder: Path) -> None:
    spec = folder / "routing.yaml"
    spec.write_text(
        "version: 1\n"
        "providers: {openai: {base_url: https://evil.example.com/v1, api_key: '${OPENAI_API_KEY}'}}\n"
        "defaults: {model: openai/gpt-4o}\n"
    )
    with Router(spec, environ=KEYS, trust="ask") as router, pytest.raises(UntrustedKeyError, match="evil"):
        router.complete("Plan it.")
    done = CliRunner().invoke(main, ["trust", "--json", str(spec)])
    assert done.exit_code == 1
    assert "https://evil.example.com" in done.stdout
    assert CliRunner().invoke(main, ["trust", "--yes", str(spec)]).exit_code == 0
    assert CliRunner().invoke(main, ["trust", "--json", str(spec)]).exit_code == 0


def test_a_server_on_this_machine_needs_no_trust(server: FaultServer, folder: Path) -> None:
    spec = folder / "routing.yaml"
    spec.write_text(
        f"version: 1\nproviders: {{openai: {{base_url: {server.url}/v1}}}}\ndefaults: {{model: openai/m}}\n"
    )
    with Router(spec, environ=KEYS, trust="ask") as router:
        router.complete("Plan it.")
    assert "key-of-openai" not in server.requests[0].raw.decode()


@shows("CODEFRAME_DEPLOYMENT_MODE")
def test_a_tenant_s_key_is_the_only_one_that_is_used(server: FaultServer) -> None:
    ask({"ANTHROPIC_BASE_URL": server.url}, provider="anthropic", api_key="key-of-the-tenant")
    assert server.requests[0].headers["authorization"] == "Bearer key-of-the-tenant"
    with pytest.raises(MissingKeyError):
        ask({"ANTHROPIC_BASE_URL": server.url}, provider="anthropic", api_key=None)
    assert len(server.requests) == 1


@shows("CODEFRAME_VERBOSE")
def test_an_error_holds_the_words_of_the_provider_and_neither_key_nor_prompt(server: FaultServer) -> None:
    server.default = answer(401, {"error": {"type": "authentication_error", "message": "bad key key-of-anthropic"}})
    with pytest.raises(AuthenticationError, match="bad key") as caught:
        ask({**both(server)})
    assert "key-of-anthropic" not in str(caught.value)
    assert "Plan it." not in str(caught.value)
    assert "ANTHROPIC_API_KEY" in str(caught.value)


@shows(".env")
def test_a_file_of_variables_counts_only_where_it_is_named(folder: Path) -> None:
    (folder / ".env").write_text("CODEFRAME_LLM_PROVIDER=openai\nOPENAI_BASE_URL=http://localhost:9/v1\n")
    explain = ["explain", "--spec", str(EXAMPLE), "--purpose", "planning"]
    assert "api.anthropic.com" in CliRunner().invoke(main, explain).stdout
    assert "http://localhost:9/v1" in CliRunner().invoke(main, [*explain, "--env-file", ".env"]).stdout


# -- .codeframe/config.yaml


BLOCK = """\
package_manager: uv
lint_tools: [ruff]
llm:
  provider: {provider}
  model: {model}
  base_url: {url}
"""


@pytest.fixture
def config(folder: Path) -> Path:
    (folder / ".codeframe").mkdir()
    return folder / ".codeframe/config.yaml"


def imported(config: Path) -> Path:
    """The block in CodeFrame's own form as a spec."""
    done = CliRunner().invoke(main, ["import", "codeframe", str(config), "-o", "routing.yaml"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return config.parents[1] / "routing.yaml"


@shows("llm.provider", "llm.model", "llm.base_url")
def test_a_block_in_codeframe_s_own_form(server: FaultServer, config: Path) -> None:
    config.write_text(BLOCK.format(provider="openai", model="qwen2.5-coder:7b", url=f"{server.url}/v1"))
    with Router(imported(config), environ=KEYS) as router:
        for purpose in PURPOSES:
            router.complete("Plan it.", purpose=purpose)
    assert models(server) == ["qwen2.5-coder:7b"] * len(PURPOSES)
    assert all("key-of-openai" not in seen.raw.decode() for seen in server.requests)


@shows("llm.planning_model and the other purposes")
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_model_of_a_purpose_in_the_block(server: FaultServer, config: Path, purpose: str) -> None:
    block = BLOCK.format(provider="ollama", model="small", url=f"{server.url}/v1")
    config.write_text(f"{block}  {purpose}_model: large\n")
    with Router(imported(config), environ={}) as router:
        for each in PURPOSES:
            router.complete("Plan it.", purpose=each)
    assert models(server) == ["large" if each == purpose else "small" for each in PURPOSES]


def test_a_variable_beats_the_block_and_a_flag_beats_the_variable(server: FaultServer, config: Path) -> None:
    config.write_text(BLOCK.format(provider="ollama", model="of-the-file", url=f"{server.url}/v1"))
    spec = imported(config)
    for environ, arguments in [
        ({}, {}),
        ({"CODEFRAME_LLM_MODEL": "of-the-variable"}, {}),
        ({"CODEFRAME_LLM_MODEL": "of-the-variable"}, {"model": "of-the-flag"}),
    ]:
        with Router(spec, environ=environ, **arguments) as router:
            router.complete("Plan it.", purpose="execution")
    assert models(server) == ["of-the-file", "of-the-variable", "of-the-flag"]


def test_a_block_that_is_a_spec_is_read_in_place(server: FaultServer, config: Path) -> None:
    config.write_text(
        "test_framework: pytest\n"
        "llm:\n"
        "  version: 1\n"
        f"  providers: {{openai: {{base_url: {server.url}/v1}}}}\n"
        "  defaults: {model: openai/m}\n"
    )
    with Router(f"{config}#/llm", environ={}) as router:
        reply = router.complete("Plan it.")
    assert models(server) == ["m"]
    assert str(reply.resolution.target.origin) == f"{config}:5"


# -- Flags and commands


@shows("--llm-provider", "--llm-model")
def test_flags_beat_variables(server: FaultServer, other: FaultServer) -> None:
    environ = {**both(server), "CODEFRAME_LLM_PROVIDER": "anthropic", "CODEFRAME_LLM_MODEL": "of-the-variable"}
    ask({**environ, "ANTHROPIC_BASE_URL": other.url}, provider="openai", model="qwen2.5-coder:7b")
    assert (models(server), other.requests) == (["qwen2.5-coder:7b"], [])
    flags = ["--purpose", "planning", "--provider", "openai", "--model", "m", "--format", "json"]
    shown = CliRunner().invoke(main, ["explain", "--spec", str(EXAMPLE), *flags], env=environ)
    assert json.loads(shown.stdout)["targets"][0]["model"] == "m"


def test_a_flag_for_the_provider_alone_takes_that_provider_s_own_model(server: FaultServer) -> None:
    ask({**both(server), "CODEFRAME_LLM_MODEL": "claude-opus-4-5"}, provider="openai")
    assert models(server) == ["gpt-4o"]


def test_a_flag_for_the_model_alone_goes_with_the_provider_that_the_user_has_set(server: FaultServer) -> None:
    environ = {"OPENAI_BASE_URL": f"{server.url}/v1", "CODEFRAME_LLM_PROVIDER": "ollama"}
    ask(environ, provider=environ["CODEFRAME_LLM_PROVIDER"], model="qwen2.5-coder:7b")
    assert models(server) == ["qwen2.5-coder:7b"]
    with pytest.raises(NoModelError, match="belongs to anthropic"):
        ask(environ, model="qwen2.5-coder:7b")


@shows("cf env check")
def test_the_doctor_says_what_is_missing(server: FaultServer) -> None:
    server.default = answer(200, {"object": "list", "data": [{"id": "qwen2.5-coder:7b"}]})
    doctor = ["doctor", "--spec", str(EXAMPLE), "--purpose", "planning", "--json"]
    environ = {"CODEFRAME_LLM_PROVIDER": "ollama", "OPENAI_BASE_URL": f"{server.url}/v1"}
    well = CliRunner().invoke(main, doctor, env={**environ, "CODEFRAME_LLM_MODEL": "qwen2.5-coder:7b"})
    assert well.exit_code == 0, well.output
    ill = CliRunner().invoke(main, doctor, env={"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": ""})
    assert ill.exit_code == 1
    assert "ANTHROPIC_API_KEY" in ill.output


def with_key(key: str, server: FaultServer) -> str:
    """The example with a key of its own for Anthropic, which the server stands for."""
    return EXAMPLE.read_text().replace("anthropic: {}", f"anthropic: {{api_key: {{{key}}}, base_url: {server.url}}}")


@shows("cf auth setup")
def test_a_key_that_is_kept_in_a_file(server: FaultServer, folder: Path) -> None:
    (folder / "key").write_text("key-of-the-store\n")
    with Router.from_str(with_key("file: key", server), environ=KEYS) as router:
        router.complete("Plan it.", purpose="planning")
    assert server.requests[0].headers["authorization"] == "Bearer key-of-the-store"


def test_a_key_that_is_kept_in_the_keyring(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_password", lambda service, name: f"{service}-{name}")
    with Router.from_str(with_key("keyring: codeframe/anthropic", server), environ=KEYS) as router:
        router.complete("Plan it.", purpose="planning")
    assert server.requests[0].headers["authorization"] == "Bearer codeframe-anthropic"


# -- Provider types


@shows("ollama", "vllm", "compatible")
@pytest.mark.parametrize("provider", ["ollama", "vllm", "compatible"])
def test_local_servers_need_no_key_and_a_model(server: FaultServer, provider: str) -> None:
    environ = {"CODEFRAME_LLM_PROVIDER": provider, "OPENAI_BASE_URL": f"{server.url}/v1"}
    ask({**environ, "CODEFRAME_LLM_MODEL": "qwen2.5-coder:7b"})
    assert models(server) == ["qwen2.5-coder:7b"]
    with pytest.raises(NoModelError):
        ask(environ)
    ask({**environ, **KEYS, "CODEFRAME_LLM_MODEL": "m"})
    sent = server.requests[1].headers["authorization"]
    assert ("key-of-openai" in sent) == (provider == "compatible")


@pytest.mark.parametrize(
    ("provider", "url"), [("ollama", "http://localhost:11434/v1"), ("vllm", "http://localhost:8000/v1")]
)
def test_a_local_type_without_a_url_stays_on_this_machine(provider: str, url: str) -> None:
    environ = {**KEYS, "CODEFRAME_LLM_PROVIDER": provider, "CODEFRAME_LLM_MODEL": "m"}
    with Router(EXAMPLE, environ=environ) as router:
        assert router.resolve(purpose="planning").target.base_url == url


def test_compatible_without_a_url_is_an_error() -> None:
    environ = {**KEYS, "CODEFRAME_LLM_PROVIDER": "compatible", "CODEFRAME_LLM_MODEL": "m"}
    with Router(EXAMPLE, environ=environ) as router, pytest.raises(BadEnvironmentError, match="OPENAI_BASE_URL"):
        router.resolve(purpose="planning")


@shows("mock")
def test_the_mock_answers_without_a_server(server: FaultServer) -> None:
    with Router(EXAMPLE, environ={**both(server), "CODEFRAME_LLM_PROVIDER": "mock"}) as router:
        reply = router.complete("Plan it.", purpose="planning")
    assert (reply.text, reply.mock, server.requests) == ("Mock response", True, [])


@shows("any other")
def test_another_type_is_an_error_that_names_the_nearest() -> None:
    with Router(EXAMPLE, environ={"CODEFRAME_LLM_PROVIDER": "olama"}) as router:
        with pytest.raises(UnknownProviderError, match="ollama") as caught:
            router.resolve(purpose="planning")
        assert isinstance(caught.value, RoutingError)
