"""`llmroute verify`."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

SPEC = """\
version: 1
providers:
  ollama: {model: "llama3.1:8b"}
  openai: {model: gpt-6-luna}
defaults: {provider: openai}
purposes: {planning: {}}
agents:
  picker: {provider: ollama, model: "llama3.1:8b"}
  writer: {}
"""
GUARDED = (
    SPEC
    + """\
policies:
  - {name: near, agents: [picker], require: {locality: local}, because: the files are secret}
  - {name: no-gpt, agents: [writer], deny: {models: ["gpt-*"]}, warn: true}
"""
)


def write(folder: Path, text: str = SPEC) -> None:
    (folder / "routing.yaml").write_text(text, encoding="utf-8")


def asked(invoke: Callable[..., Result], *arguments: str) -> tuple[int, dict[str, Any]]:
    result = invoke("verify", "--format", "json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def test_a_spec_that_demands_nothing_holds(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    result = invoke("verify")
    assert result.exit_code == 0
    assert "routing.yaml: all holds" in result.stdout
    assert "6 queries of 4 kinds, whatever the environment holds" in " ".join(result.stdout.split())


def test_an_assertion_that_a_variable_breaks_is_shown_with_it(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    status, found = asked(invoke, "--never", "agent=picker locality=lan,remote")
    assert status == 1
    (violation,) = found["violations"]
    assert violation["policy"] == "never agent=picker locality=lan,remote"
    assert violation["query"] == {"agent": "picker", "purpose": None, "client": None}
    assert list(violation["environ"]) == ["OLLAMA_HOST"]
    assert violation["target"].startswith("ollama/llama3.1:8b at <any ")
    assert violation["queries"] == 2


def test_the_command_of_a_witness_shows_it(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    _, found = asked(invoke, "--never", "agent=picker locality=remote")
    (violation,) = found["violations"]
    program, *arguments = shlex.split(violation["command"])
    assert program == "llmroute"
    shown = json.loads(invoke(*arguments, "--format", "json").stdout)
    assert shown["targets"][0]["locality"] == violation["locality"] == "remote"


def test_without_an_environment_an_agent_stays_where_it_is(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    status, found = asked(invoke, "--no-env", "--never", "agent=picker locality=lan,remote")
    assert (status, found["violations"]) == (0, [])
    assert found["checked"]["environment"] == "none"


def test_a_policy_is_enforced_and_one_that_warns_is_violated(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, GUARDED)
    status, found = asked(invoke)
    assert status == 1
    (violation,) = found["violations"]
    assert (violation["policy"], violation["target"]) == ("no-gpt", "openai/gpt-6-luna")
    (struck,) = found["enforced"]
    assert (struck["policy"], struck["outcome"], struck["hop"]) == ("near", "refused", 0)
    assert struck["because"].endswith("because the files are secret")
    assert struck["origin"]["line"] == 11


def test_strict_makes_what_is_enforced_a_violation(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, GUARDED)
    _, found = asked(invoke, "--strict")
    assert {each["policy"] for each in found["violations"]} == {"near", "no-gpt"}


def test_a_file_that_contradicts_itself(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, SPEC + "policies: [{name: nothing-remote, agents: [writer], deny: {localities: [remote]}}]\n")
    status, found = asked(invoke)
    assert status == 1
    assert {(each["policy"], each["outcome"]) for each in found["violations"]} == {("nothing-remote", "no-route")}


def test_a_fallback_that_is_left_out_is_told_with_its_place(invoke: Callable[..., Result], folder: Path) -> None:
    chain = "agents: {writer: {provider: openai, model: m, fallbacks: [ollama]}}\n"
    policy = "policies: [{name: no-ollama, agents: [writer], deny: {providers: [ollama]}}]\n"
    write(folder, SPEC.partition("agents:")[0] + chain + policy)
    status, found = asked(invoke)
    assert status == 0
    (lost,) = found["enforced"]
    assert (lost["target"], lost["outcome"], lost["hop"]) == ("ollama/llama3.1:8b", "left-out", 1)
    assert lost["environ"] == {}


def test_variables_that_move_an_agent(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    _, found = asked(invoke)
    moves = {tuple(row["variables"]): row for row in found["movable"]}
    assert moves["OLLAMA_HOST",]["agents"] == ["picker"]
    assert (moves["OLLAMA_HOST",]["from"], moves["OLLAMA_HOST",]["to"]) == ("local", "remote")


def test_bounds_that_are_exceeded(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    status, found = asked(invoke, "--max-seconds", "60", "--max-attempts", "100")
    assert status == 1
    assert {each["policy"] for each in found["violations"]} == {"max-seconds 60"}
    assert found["bounds"][0]["seconds"] > 60
    assert asked(invoke, "--max-seconds", "100000")[0] == 0


def test_dollars_want_tokens(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder)
    assert invoke("verify", "--max-dollars", "1").exit_code == 2
    assert invoke("verify", "--max-dollars", "1", "--tokens", "some").exit_code == 2
    status, found = asked(invoke, "--max-dollars", "0.00001", "--tokens", "1000,1000")
    assert status == 1
    assert {each["policy"] for each in found["violations"]} == {"max-dollars 1e-05"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("agent=picker", "says nothing of the target"),
        ("colour=red", "'colour' in 'colour=red' is no key"),
        ("locality=far", "'far' in 'locality=far' is no locality"),
        ("agent=piker locality=remote", "no agent is called piker: did you mean 'picker'?"),
        ("locality remote", "is not key=value"),
        ("locality=lan locality=remote", "locality stands twice"),
    ],
)
def test_assertions_that_say_nothing(invoke: Callable[..., Result], folder: Path, text: str, complaint: str) -> None:
    write(folder)
    result = invoke("verify", "--never", text)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())


def test_text_has_the_witness_and_the_reason(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, GUARDED)
    told = invoke("verify", "--always", "agent=picker provider=ollama").stdout
    assert "✗ always agent=picker provider=ollama" in told
    assert "llmroute explain --spec " in told
    assert "near" in told
    assert "the files are secret" in " ".join(told.split())


def test_client_arguments_can_do_what_no_variable_can(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, SPEC + "clients:\n  ci: {provider: ollama, model: m}\n")
    never = ("--never", "client=ci agent=writer model=gpt-*")
    assert asked(invoke, *never)[0] == 0
    status, found = asked(invoke, *never, "--any-client-arguments")
    assert status == 1
    assert "--model " in found["violations"][0]["command"]
    assert found["violations"][0]["environ"] == {}


def test_the_environment_of_the_process_is_not_looked_at(
    invoke: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder)
    before = asked(invoke)
    monkeypatch.setenv("LLMROUTE_PROVIDER", "nobody")
    assert asked(invoke) == before


def test_the_command_for_an_argument_that_is_an_api(invoke: Callable[..., Result], folder: Path) -> None:
    write(folder, SPEC + "clients:\n  ci: {provider: ollama, model: m}\n")
    never = ("--never", "client=ci agent=writer api=anthropic-messages", "--any-client-arguments")
    _, found = asked(invoke, *never)
    command = found["violations"][0]["command"]
    assert "--model" in command or "--api" in command
    shown = json.loads(invoke(*shlex.split(command)[1:], "--format", "json").stdout)
    assert shown["targets"][0]["api"] == "anthropic-messages"
