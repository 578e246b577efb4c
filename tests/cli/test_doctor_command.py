"""`llmroute doctor`: every target, with the next step for each that fails."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.cli import doctor as command
from llmroute.dispatch import checkup
from llmroute.testing import Hang, answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmroute.testing import FaultServer
    from llmroute.testing.server import Seen
    from tests.cli.conftest import Invoke

KEY = "CANARY-good-key"
BAD = "CANARY-bad-key"
MODELS: list[dict[str, Any]] = [
    {"id": "big", "context_window": 200_000, "capabilities": {"function_calling": True}},
    {"id": "small", "context_window": 8_000, "capabilities": {"function_calling": False}},
    {"id": "plain"},
    {"id": "embedder", "capabilities": ["embedding"]},
]
NO_MODEL = answer(404, {"error": {"message": "no such model"}})


def openai_like(seen: Seen, *, is_open: bool = False, models: list[dict[str, Any]] = MODELS) -> Any:
    """A server of OpenAI's API that knows one key, or `is_open` to anybody."""
    if not is_open and seen.headers.get("authorization") != f"Bearer {KEY}":
        return answer(401, {"error": {"message": f"incorrect key: {seen.headers.get('authorization')}"}})
    if seen.path == "/v1/models":
        return answer(200, {"object": "list", "data": models})
    return answer(200, {"id": "alias", "object": "model"}) if seen.path == "/v1/models/alias" else NO_MODEL


@pytest.fixture(autouse=True)
def world(folder: Path, monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> None:
    monkeypatch.setenv("LLMROUTE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("GOOD", KEY)
    monkeypatch.setenv("WRONG", BAD)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    server.default = openai_like


def spec_of(folder: Path, url: str, rest: str, more: str = "") -> None:
    text = f'version: 1\nproviders:\n  here: {{base_url: "{url}/v1", api_key: "${{GOOD}}"{more}}}\n{rest}'
    (folder / "routing.yaml").write_text(text, encoding="utf-8")


def examined(invoke: Invoke, *flags: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the report."""
    result = invoke("doctor", "--json", "--spec", "routing.yaml", *flags)
    assert result.stdout, result.stderr
    assert "CANARY" not in result.output
    return result.exit_code, json.loads(result.stdout)


def verdicts(report: Mapping[str, Any], name: str = "") -> dict[str, str]:
    """The verdict of each check of a target; of several the last."""
    [target] = [row for row in report["targets"] if not name or row["name"] == name]
    return {row["check"]: row["status"] for row in target["checks"]}


def told(report: Mapping[str, Any], check: str, name: str = "") -> list[str]:
    """Message and next step of a check."""
    [target] = [row for row in report["targets"] if not name or row["name"] == name]
    return [f"{row['message']} | {row['next_step']}" for row in target["checks"] if row["check"] == check]


# -- All is well


def test_a_target_that_is_well(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big, require: {tools: true}}", ", capabilities: {tools: true}")
    status, report = examined(invoke)
    assert (status, report["ok"], report["no_route"]) == (0, True, [])
    assert verdicts(report) == {
        "key": "ok",
        "trust": "ok",
        "reach": "ok",
        "auth": "ok",
        "model": "ok",
        "abilities": "ok",
        "proxy": "not-needed",
    }
    assert told(report, "key") == ["env:GOOD is set | "]
    assert told(report, "abilities") == ["tools (server) | "]
    assert {seen.method for seen in server.requests} == {"GET"}


def test_the_mock_needs_nothing(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {provider: mock, model: m}\n", encoding="utf-8")
    status, report = examined(invoke)
    assert status == 0
    assert set(verdicts(report).values()) == {"ok", "not-needed"}


def test_the_table(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(
        folder,
        server.url,
        "defaults: {model: here/big}\nagents: {a: {model: here/nope}, b: {model: nobody}}\n"
        "purposes: {p: {}, q: {}}\nclients: {c: {}}\n",
    )
    result = invoke("doctor", "--spec", "routing.yaml")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["key", "trust", "reach", "auth", "model", "abilities", "proxy"]
    assert lines[1].split() == ["here/big", *"✓✓✓✓✓··"]
    assert lines[2].split() == ["here/nope", *"✓✓✓✓✗··"]
    assert "here/nope  the first target of a (6 purposes)" in lines
    assert "  ✗ model: it has no model nope" in lines
    assert "      llmroute models here lists those that it has" in lines
    assert lines[-1] == "1 of 3 first targets are well"


# -- One check after another


def test_a_key_that_is_not_there(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke, "--set-env", "GOOD=")
    assert status == 1
    assert verdicts(report)["key"] == "failed"
    assert "GOOD is not set" in told(report, "key")[0]
    assert "export GOOD=…" in told(report, "key")[0]
    # Whether anybody answers is told all the same, and nothing but that.
    assert verdicts(report)["reach"] == "ok"
    assert [seen.headers.get("authorization") for seen in server.requests] == ["Bearer none"]


def test_a_key_that_is_refused(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke, "--set-env", f"GOOD={BAD}")
    assert status == 1
    found = verdicts(report)
    assert (found["key"], found["reach"], found["auth"], found["model"]) == ("ok", "ok", "failed", "not-checked")
    assert told(report, "auth")[0].endswith("is the key right? it comes from GOOD")


def test_a_server_that_wants_a_key_and_gets_none(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    text = f"version: 1\ndefaults: {{base_url: '{server.url}/v1', model: big}}\n"
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    status, report = examined(invoke)
    assert status == 1
    assert told(report, "auth")[0].endswith("declare an api_key for it")


def test_an_account_without_credit(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = answer(402, {"error": {"message": "pay"}})
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke)
    assert status == 1
    assert "is there credit left?" in told(report, "auth")[0]


def test_a_list_that_anybody_gets_says_nothing_of_the_key(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = lambda seen: openai_like(seen, is_open=True)
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke)
    assert status == 0
    assert verdicts(report)["auth"] == "not-checked"
    assert "cost tokens" in told(report, "auth")[0]


def test_a_server_without_a_list(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = NO_MODEL
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke)
    found = verdicts(report)
    assert (status, found["reach"], found["auth"], found["model"]) == (0, "ok", "not-checked", "not-checked")


def test_nobody_answers(invoke: Invoke, folder: Path, closed_port: int) -> None:
    spec_of(folder, f"http://127.0.0.1:{closed_port}", "defaults: {model: here/big}\nagents: {a: {model: ollama/m}}")
    status, report = examined(invoke, "--set-env", f"OLLAMA_HOST=127.0.0.1:{closed_port}")
    assert status == 1
    assert "connection refused" in told(report, "reach", "here/big")[0]
    assert told(report, "reach", "here/big")[0].endswith("is it running, and is the URL right?")
    assert told(report, "reach", "ollama/m")[0].endswith("| ollama serve")
    assert verdicts(report, "ollama/m")["model"] == "not-checked"


def test_a_server_that_hangs_is_given_up(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = [Hang()]
    spec_of(folder, server.url, "defaults: {model: here/big}")
    began = time.monotonic()
    status, report = examined(invoke, "--timeout", "0.3")
    assert time.monotonic() - began < 5
    assert status == 1
    assert verdicts(report)["reach"] == "failed"
    assert "--timeout" in told(report, "reach")[0]


def test_a_name_that_is_looked_up_for_ever(
    invoke: Invoke, folder: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = threading.Event()
    monkeypatch.setattr(checkup, "ask_server", lambda *_: leave.wait(30))
    monkeypatch.setattr(checkup, "GRACE_S", 0.0)
    spec_of(folder, server.url, "defaults: {model: here/big}")
    status, report = examined(invoke, "--timeout", "0.2")
    leave.set()
    assert status == 1
    assert "had not answered after 0.2 s" in told(report, "reach")[0]


@pytest.mark.parametrize(
    ("model", "verdict", "message"),
    [
        ("big", "ok", "big is in its list"),
        ("alias", "ok", "alias is not in its list, and known by its name"),
        ("nope", "failed", "it has no model nope | llmroute models here lists those that it has"),
        ("embedder", "failed", "embedder can't chat"),
    ],
)
def test_the_model(  # noqa: PLR0917 - three of them are fixtures
    model: str, verdict: str, message: str, invoke: Invoke, folder: Path, server: FaultServer
) -> None:
    spec_of(folder, server.url, f"defaults: {{model: here/{model}}}")
    status, report = examined(invoke)
    assert (verdicts(report)["model"], status) == (verdict, int(verdict == "failed"))
    assert message in told(report, "model")[0]


def test_a_server_that_says_nothing_of_a_name(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    def route(seen: Seen) -> Any:
        return openai_like(seen) if seen.path == "/v1/models" else answer(500, {"error": {"message": "oops"}})

    server.default = route
    spec_of(folder, server.url, "defaults: {model: here/nope}")
    status, report = examined(invoke)
    assert (status, verdicts(report)["model"]) == (0, "warning")


def test_a_local_server_with_one_model(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = lambda seen: openai_like(seen, models=MODELS[:1])
    spec_of(folder, server.url, "defaults: {model: here/anything}")
    status, report = examined(invoke)
    assert (status, verdicts(report)["model"]) == (0, "warning")
    assert "write model: big" in told(report, "model")[0]


# -- Abilities


class Lab:
    """Asks of one model what an agent requires."""

    def __init__(self, invoke: Invoke, folder: Path, url: str) -> None:
        self.invoke, self.folder, self.url = invoke, folder, url

    def ask(self, model: str, require: str, more: str = "") -> tuple[str, str]:
        """The verdict, and message and next step."""
        rest = f"defaults: {{model: here/{model}}}\nagents: {{a: {{require: {require}}}}}\n"
        spec_of(self.folder, self.url, rest, more)
        _, report = examined(self.invoke, "--agent", "a")
        return verdicts(report)["abilities"], told(report, "abilities")[0]


@pytest.fixture
def lab(invoke: Invoke, folder: Path, server: FaultServer) -> Lab:
    return Lab(invoke, folder, server.url)


def test_what_the_server_says_counts_first(lab: Lab) -> None:
    claims = ", capabilities: {tools: true, context_window: 100000}"
    verdict, text = lab.ask("small", "{tools: true}", claims)
    assert verdict == "failed"
    assert text.startswith("the server says that it has no tools; the catalogue or the spec says otherwise (")
    verdict, text = lab.ask("small", "{context_window: 32000}", claims)
    assert verdict == "failed"
    assert "its context window holds 8000 tokens, and 32000 are required" in text
    assert "write warn: true" in text


def test_what_only_warns(lab: Lab) -> None:
    verdict, text = lab.ask("small", "{tools: true, warn: true}")
    assert (verdict, text.endswith("choose a larger model")) == ("warning", True)
    assert lab.ask("big", "{tools: true, warn: true}")[0] == "ok"


def test_what_the_server_knows_and_the_spec_does_not(lab: Lab) -> None:
    verdict, text = lab.ask("big", "{tools: true, context_window: 32000}")
    assert verdict == "failed"
    assert text.endswith("write capabilities: {tools: true} under providers.here")


def test_what_the_server_leaves_out(lab: Lab) -> None:
    assert lab.ask("plain", "{vision: true}", ", capabilities: {vision: true}") == (
        "ok",
        "vision (catalogue or spec) | ",
    )
    verdict, text = lab.ask("plain", "{vision: true}", ", capabilities: {vision: false}")
    assert (verdict, "it has no vision" in text) == ("failed", True)
    verdict, text = lab.ask("plain", "{vision: true}")
    assert (verdict, "nobody says whether plain has it" in text) == ("failed", True)


def test_ollama_says_what_its_models_can_do(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    def ollama(seen: Seen) -> Any:
        if seen.path == "/api/tags":
            return answer(200, {"models": [{"name": "qwen:latest", "model": "qwen:latest"}]})
        if seen.path == "/api/show":
            info = {"general.architecture": "qwen2", "qwen2.context_length": 32768}
            return answer(200, {"capabilities": ["completion"], "model_info": info})
        return NO_MODEL

    server.default = ollama
    host = server.url.removeprefix("http://")
    text = (
        "version: 1\ndefaults: {model: ollama/qwen}\n"
        "agents: {a: {require: {tools: true, context_window: 32000}}, b: {model: ollama/x}}\n"
    )
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    _, report = examined(invoke, "--set-env", f"OLLAMA_HOST={host}")
    assert verdicts(report, "ollama/qwen")["model"] == "ok"
    assert [line.partition(" (")[0] for line in told(report, "abilities", "ollama/qwen")] == [
        "the server says that it has no tools",
        "the server says that it has context_window, and the spec does not know it",
    ]
    assert told(report, "model", "ollama/x") == ["it has no model x | ollama pull x"]


# -- Trust


def test_a_spec_that_was_found(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big}")
    result = invoke("doctor", "--json")
    report = json.loads(result.stdout)
    found = verdicts(report)
    assert (result.exit_code, found["trust"]) == (1, "failed")
    assert (found["reach"], found["auth"], found["model"]) == ("not-checked", "not-checked", "not-checked")
    assert "GOOD would go to" in told(report, "trust")[0]
    assert "llmroute trust" in told(report, "trust")[0]
    assert server.requests == []
    assert invoke("trust", "--yes").exit_code == 0
    assert invoke("doctor").exit_code == 0


def test_a_key_file_is_not_opened_before_it_is_trusted(invoke: Invoke, folder: Path) -> None:
    text = "version: 1\ndefaults: {base_url: 'http://127.0.0.1:1', model: m, api_key: {file: nowhere}}\n"
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    report = json.loads(invoke("doctor", "--json").stdout)
    assert verdicts(report)["key"] == "not-checked"


def test_a_key_in_the_clear(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\n", encoding="utf-8")
    flags = ("--base-url", "http://far.example:1/v1", "--model", "m", "--api-key-env", "GOOD")
    status, report = examined(invoke, *flags)
    found = verdicts(report)
    assert (status, found["key"], found["reach"]) == (1, "failed", "not-checked")
    assert "allow_http: true" in told(report, "key")[0]


# -- Targets and queries


def test_each_target_once_and_each_server_once(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    server.default = lambda seen: openai_like(seen, is_open=True)
    rest = (
        "  open: {base_url: '%s/v1'}\n"
        "defaults: {model: open/big, fallbacks: [open/small, here/big]}\n"
        "purposes: {p: {}, q: {}}\nagents: {a: {}, b: {model: open/plain}}\n"
    )
    spec_of(folder, server.url, rest % server.url)
    status, report = examined(invoke)
    assert status == 0
    assert [row["name"] for row in report["targets"]] == ["open/big", "open/small", "here/big", "open/plain"]
    assert len(report["targets"][0]["first_for"]) == 6
    assert len(report["targets"][1]["fallback_for"]) == 6
    assert sum(seen.path == "/v1/models" for seen in server.requests) == 1 + 2
    _, one = examined(invoke, "--agent", "b")
    assert [row["name"] for row in one["targets"]] == ["open/plain"]


def test_a_fallback_that_fails_is_no_failure_of_the_whole(
    invoke: Invoke, folder: Path, server: FaultServer, closed_port: int
) -> None:
    rest = f"  down: {{base_url: 'http://127.0.0.1:{closed_port}'}}\ndefaults: {{model: here/big, fallbacks: [down/m]}}"
    spec_of(folder, server.url, rest)
    status, report = examined(invoke)
    assert (status, report["ok"]) == (0, True)
    assert verdicts(report, "down/m")["reach"] == "failed"
    text = invoke("doctor", "--spec", "routing.yaml").stdout
    assert "down/m  a fallback of calls without a name" in text
    assert text.endswith("1 of 1 first targets are well; 1 fallback fails\n")


def test_who_is_left_out_by_a_requirement_is_not_called_first(
    invoke: Invoke, folder: Path, server: FaultServer
) -> None:
    declared = ", capabilities: {tools: false}"
    more = f"  able: {{base_url: '{server.url}/v1', api_key: '${{GOOD}}', capabilities: {{tools: true}}}}\n"
    chain = "defaults: {model: here/small, fallbacks: [able/big], require: {tools: true}}\n"
    spec_of(folder, server.url, more + chain, declared)
    status, report = examined(invoke)
    assert status == 0
    small, big = report["targets"]
    assert (small["name"], small["ok"], small["first_for"]) == ("here/small", False, [])
    assert (big["name"], big["ok"], len(big["first_for"])) == ("able/big", True, 1)


def test_queries_without_a_route(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    rest = "purposes: {p: {}}\nagents:\n  a: {model: here/big}\n  b: {model: openai/m, require: {locality: local}}\n"
    spec_of(folder, server.url, rest)
    status, report = examined(invoke)
    assert status == 1
    assert [row["name"] for row in report["targets"]] == ["here/big"]
    assert {(row["rule"], row["query"]["agent"]) for row in report["no_route"]} == {("constraint-violated", "b")}
    text = invoke("doctor", "--spec", "routing.yaml").stdout
    assert "b (2 purposes)  no route [constraint-violated]" in text
    assert text.endswith("1 of 1 first targets are well; 2 queries have no route\n")
    status, report = examined(invoke, "--purpose", "p")
    assert (status, [row["rule"] for row in report["no_route"]]) == (1, ["no-endpoint"])
    assert "0 of 0 first targets" in invoke("doctor", "--spec", "routing.yaml", "--agent", "nobody").stdout


def test_what_stops_every_call_stops_the_doctor(invoke: Invoke, folder: Path, server: FaultServer) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big, headers: {Host: relay.example}}")
    result = invoke("doctor", "--spec", "routing.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "LR320" in result.stderr
    assert server.requests == []


# -- Proxies


def test_proxies(invoke: Invoke, folder: Path) -> None:
    text = (
        "version: 1\n"
        "providers:\n"
        "  far: {base_url: 'https://relay.example', proxy: env}\n"
        "  near: {base_url: 'http://127.0.0.1:1', proxy: env, api_key: '${GOOD}'}\n"
        "  direct: {base_url: 'https://relay.example'}\n"
        "defaults: {model: far/m}\n"
        "agents: {a: {model: direct/m}, b: {model: near/m}}\n"
    )
    (folder / "routing.yaml").write_text(text, encoding="utf-8")

    def proxies(*flags: str) -> list[str]:
        # Nothing is sent: the spec was found, and nobody has trusted it.
        result = invoke("doctor", "--json", *flags)
        assert "CANARY" not in result.output
        targets = json.loads(result.stdout)["targets"]
        return [row["message"] for target in targets for row in target["checks"] if row["check"] == "proxy"]

    through, direct, near = proxies("--set-env", "HTTPS_PROXY=http://user:CANARY@proxy.example:3128")
    assert through == "through HTTPS_PROXY (proxy.example:3128), if NO_PROXY does not name the host"
    assert direct == "direct; HTTPS_PROXY (proxy.example:3128) is not obeyed without proxy: env"
    assert near == "direct: a local server is never reached through a proxy"
    assert proxies()[:2] == ["direct: no proxy is set", "direct"]
    assert proxies("--set-env", "all_proxy=proxy.example")[0].startswith("through all_proxy (proxy.example)")
    assert proxies("--set-env", "https_proxy=http://[")[0].startswith("through https_proxy (no URL)")


# -- Progress


def test_progress_is_shown_on_a_terminal_only(
    invoke: Invoke,
    folder: Path,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spec_of(folder, server.url, "defaults: {model: here/big}")
    assert "asking servers" not in invoke("doctor", "--spec", "routing.yaml").stderr

    class Terminal:
        """Standard error as a terminal, as far as the command asks."""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

        def flush(self) -> None:
            """Nothing is held back."""

    written: list[str] = []
    monkeypatch.setattr(command.sys, "stderr", Terminal())
    with command._progress(checkup.subjects_of(*_asked(folder))[0]) as done:
        done()
    assert "asking servers" in "".join(written)
    capfd.readouterr()


def _asked(folder: Path) -> tuple[Any, Any, dict[str, str]]:
    from llmroute.load import from_file
    from llmroute.routing.route import Query

    return from_file(folder / "routing.yaml"), [Query()], {"GOOD": KEY}
