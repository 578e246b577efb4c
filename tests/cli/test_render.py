"""`llmroute render`: the canonical form, as YAML and JSON, and its hash."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from llmroute.errors import RoutingError
from llmroute.load import from_file, from_str
from llmroute.routing.canonical import canonical, spec_hash
from llmroute.routing.check_answers import named_queries
from llmroute.routing.resolve import resolve
from tests.docs.shell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.routing.route import Query
    from llmroute.routing.spec import RoutingSpec
    from tests.cli.conftest import Invoke, Start

SPECS = [*sorted((ROOT / "examples").rglob("*.yaml")), *sorted((ROOT / "tests/data/specs").glob("*.yaml"))]
KEY = "sk-proj-0123456789abcdefABCDEF"


def answer(spec: RoutingSpec, query: Query) -> object:
    try:
        resolution = resolve(spec, query, {})
    except RoutingError as error:
        return error.rule
    return [(target.to_json(), dict(target.params), dict(target.quirks)) for target in resolution.route.targets]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_printed_is_the_same_spec(invoke: Invoke, path: Path) -> None:
    spec = from_file(path)
    for arguments in ([], ["--format", "json"]):
        result = invoke("render", "--spec", str(path), *arguments)
        assert result.exit_code == 0, result.output
        again = from_str(result.output)
        assert canonical(again) == canonical(spec)
        for query in named_queries(spec):
            assert answer(again, query) == answer(spec, query)
        assert invoke("render", "--spec", "-", *arguments, stdin=result.output).output == result.output


def test_the_hash_is_the_sha256_of_the_json(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: ollama/m, metadata: {name: Zoë}}")
    document = json.loads(invoke("render", "--format", "json").output)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    printed = invoke("render", "--hash").output
    assert printed == f"{sha256(text.encode()).hexdigest()}\n"
    assert invoke("render").output.startswith(f"# The canonical form of a spec; sha256 {printed}")


def test_comments_and_layout_do_not_change_it(invoke: Invoke) -> None:
    one = "version: 1\nagents:\n  b: {model: ollama/m}   # who\n  a: {temperature: 1.0}\n"
    other = '{"agents": {"a": {"temperature": 1}, "b": {"provider": "ollama", "model": "m"}}, "version": 1}'
    printed = [invoke("render", "--spec", "-", stdin=text).output for text in (one, other)]
    assert printed[0] == printed[1]


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
def test_no_key_is_printed(invoke: Invoke, arguments: list[str]) -> None:
    text = f"version: 1\nproviders: {{openai: {{api_key: {KEY}, headers: {{x-any: Bearer {KEY}}}}}}}"
    result = invoke("render", "--spec", "-", *arguments, stdin=text)
    assert result.exit_code == 0
    assert KEY not in result.output
    assert "REDACTED" in result.output


def test_a_preset_whose_url_a_variable_can_replace_is_told_of(invoke: Invoke) -> None:
    text = "version: 1\nproviders: {azure-openai: {}, work: {preset: openai, api_key: '${K}'}}\n"
    lines = invoke("render", "--spec", "-", stdin=f"{text}defaults: {{model: openai/m}}").output.splitlines()
    assert [line for line in lines if "  #" in line] == [
        "  # Azure OpenAI: where AZURE_OPENAI_ENDPOINT says; its key is in AZURE_OPENAI_API_KEY",
        "  # OpenAI: https://api.openai.com/v1, or where OPENAI_BASE_URL says; its key is in OPENAI_API_KEY",
    ]


def test_what_no_spec_is_has_no_form(invoke: Invoke) -> None:
    result = invoke("render", "--spec", "-", stdin="version: 2")
    assert result.exit_code == 1
    assert "error" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
def test_a_terminal_obeys_nothing_of_it(invoke: Invoke, arguments: list[str]) -> None:
    text = 'version: 1\ndefaults: {metadata: {a: "\\e[2J \\u202e \\x7f é"}}'
    result = invoke("render", "--spec", "-", *arguments, stdin=text)
    assert not {"\x1b", "\u202e", "\x7f"} & set(result.output)
    assert canonical(from_str(result.output)) == canonical(from_str(text))


def test_no_sdk_is_loaded_and_the_process_ends_well(start: Start, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: ollama/m}")
    result = start("render", "--hash")
    assert result.stdout.strip() == spec_hash(from_file(folder / "routing.yaml"))


def test_explain_says_that_the_spec_is_another_one(invoke: Invoke, folder: Path) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: ollama/m}")
    known = invoke("render", "--hash").output.strip()
    for expected in (known, known[:12], known[:12].upper()):
        assert invoke("explain", "--expect-hash", expected).stderr == ""
    other = invoke("explain", "--expect-hash", "0123456789ab")
    assert other.exit_code == 0
    assert other.stderr == f"this is another spec: its hash is {known[:12]}, and 0123456789ab was expected\n"


@pytest.mark.parametrize("text", ["", "0123456789a", "0123456789ag", "sk-0123456789abcdef"])
def test_what_is_no_hash_is_wrong_usage(invoke: Invoke, folder: Path, text: str) -> None:
    (folder / "routing.yaml").write_text("version: 1\ndefaults: {model: ollama/m}")
    result = invoke("explain", "--expect-hash", text)
    assert (result.exit_code, "wants 12 hexadecimal digits" in result.stderr) == (2, True)
