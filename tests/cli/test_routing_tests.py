"""`llmroute test`: what it runs, prints, writes, and how it ends."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from llmroute.load import read_str

if TYPE_CHECKING:
    from tests.cli.conftest import Invoke, Start

ROOT = Path(__file__).parents[2]
SPEC = """\
version: 1
defaults: {provider: ollama, model: "llama3.1:8b", fallbacks: []}
purposes: {planning: {model: "qwen3:8b"}}
agents: {lost: {provider: cloud, model: m}}
providers: {cloud: {base_url: "https://cloud.example/v1"}}
"""
FINE = """\
tests:
  - name: it stays here
    expect: {provider: ollama}
  - name: plans too
    query: {purpose: planning}
    expect: {model: "qwen3:8b", locality: local}
"""
WRONG = """\
  - name: this one fails
    query: {agent: lost}
    expect: {provider: ollama}
"""


def write(text: str, name: str = "routing.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# -- What is printed, and how it ends


def test_all_hold(invoke: Invoke) -> None:
    write(SPEC + FINE)
    result = invoke("test")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "✓ it stays here  routing.yaml:7\n"
        "✓ plans too  routing.yaml:9\n"
        "\n"
        "2 passed; coverage 66 % (2 of 3)\n"
        "no test shows\n"
        "  scope  agents.lost  routing.yaml:4\n"
    )


def test_one_does_not(invoke: Invoke) -> None:
    write(SPEC + FINE + WRONG)
    result = invoke("test", "--failures")
    assert result.exit_code == 1
    assert result.stdout == (
        "✗ this one fails  routing.yaml:12\n"
        "    provider  expected  ollama  routing.yaml:14\n"
        "              came      cloud  agents.lost  routing.yaml:4\n"
        "              lost      ollama  defaults, weaker layer  routing.yaml:2\n"
        "\n"
        "2 passed, 1 failed; coverage 100 % (3 of 3)\n"
    )


def test_for_programs(invoke: Invoke) -> None:
    write(SPEC + FINE + WRONG)
    result = invoke("test", "--format", "json")
    shown = json.loads(result.stdout)
    assert (result.exit_code, list(shown)) == (1, ["passed", "failed", "coverage", "results"])
    assert (shown["passed"], shown["failed"], shown["coverage"]["percent"]) == (2, 1, 100.0)
    assert [row["passed"] for row in shown["results"]] == [True, True, False]
    assert shown["results"][2]["failures"][0]["actual"] == "cloud"
    only = json.loads(invoke("test", "--format", "json", "--failures").stdout)
    assert [row["name"] for row in only["results"]] == ["this one fails"]


def test_some_by_their_name(invoke: Invoke) -> None:
    write(SPEC + FINE + WRONG)
    result = invoke("test", "-k", "PLANS")
    assert (result.exit_code, result.stdout) == (0, "✓ plans too  routing.yaml:9\n\n1 passed\n")
    assert invoke("test", "-k", "nope").exit_code == 2
    for flag in (["--fail-under", "1"], ["--suggest"]):
        assert invoke("test", "-k", "plans", *flag).exit_code == 2


def test_coverage_may_be_too_low(invoke: Invoke) -> None:
    write(SPEC + FINE)
    assert invoke("test", "--fail-under", "66").exit_code == 0
    result = invoke("test", "--fail-under", "66.7")
    assert (result.exit_code, result.stderr) == (1, "error: coverage 66.7 % is below 66.7 %\n")
    assert invoke("test", "--fail-under", "101").exit_code == 2


def test_without_tests(invoke: Invoke) -> None:
    write(SPEC)
    result = invoke("test")
    assert (result.exit_code, "no tests: write some" in result.stderr) == (0, True)
    assert invoke("test", "-k", "x").exit_code == 0
    Path("routing.yaml").unlink()
    assert invoke("test").exit_code == 2


def test_a_spec_with_errors_is_not_tested(invoke: Invoke) -> None:
    write(SPEC + FINE + "  - {name: x, query: {agent: lots}, expect: {provder: a}}\n")
    result = invoke("test")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown key 'provder'" in result.stderr
    assert "did you mean 'provider'?" in result.stderr


def test_nothing_of_this_process_is_read(start: Start) -> None:
    write(SPEC + FINE)
    environ = {"LLMROUTE_MODEL": "openai/gpt-6-sol", "LLMROUTE_PROVIDER": "nonsense"}
    assert start("test", environ=environ).returncode == 0


def test_keys_are_not_shown(invoke: Invoke) -> None:
    key = "sk-ant-api03-0123456789abcdef"
    test = f"tests: [{{name: {key}, query: {{args: {{api_key: {key}, model: {key}}}}}, expect: {{model: x}}}}]\n"
    write(SPEC + test)
    for form in ("text", "json"):
        result = invoke("test", "--format", form, "--junit", "out.xml")
        assert result.exit_code == 1
        assert key not in result.output + Path("out.xml").read_text(encoding="utf-8")


# -- Files of tests


def test_files_beside_the_spec_and_in_folders(invoke: Invoke) -> None:
    write(SPEC + FINE)
    write("version: 1\ntests: [{name: beside, expect: {}}]\n", "more.routing-test.yaml")
    write("version: 1\ntests: [{name: below, expect: {}}]\n", "sub/deep/below.routing-test.yaml")
    write("version: 1\ndefaults: {provider: ollama, model: m}\n", "other.yaml")
    write("version: 1\ntests: [{name: of the other, expect: {}}]\n", "other.routing-test.yaml")
    assert [line.split("  ")[0] for line in invoke("test").stdout.splitlines()[:4]] == [
        *("✓ it stays here", "✓ plans too", "✓ beside", ""),
    ]
    assert "✓ below  sub/deep/below.routing-test.yaml:2" in invoke("test", "sub").stdout
    both = invoke("test", "sub", "more.routing-test.yaml", ".", "other.routing-test.yaml").stdout
    assert [both.count(name) for name in ("✓ beside", "✓ below", "✓ of the other")] == [1, 1, 1]
    other = invoke("test", "--spec", "other.yaml").stdout
    assert ("of the other" in other, "beside" in other) == (True, False)
    write("version: 1\ndefaults: {provider: ollama, model: m}\n", "sub/deep/any.yaml")
    assert "✓ below" in invoke("test", "--spec", "sub/deep/any.yaml").stdout


def test_a_part_of_a_larger_file_and_standard_input(invoke: Invoke) -> None:
    indented = (SPEC + FINE).replace("\n", "\n  ")
    write(f"llm:\n  {indented}")
    result = invoke("test", "--spec", "routing.yaml#/llm")
    assert "✓ it stays here  routing.yaml:8" in result.stdout
    assert "✓ it stays here  <stdin>:7" in invoke("test", "--spec", "-", stdin=SPEC + FINE).stdout


def test_a_file_that_is_none_of_tests(invoke: Invoke) -> None:
    write(SPEC + FINE)
    result = invoke("test", "routing.yaml")
    assert (result.exit_code, "a spec is named with --spec" in result.stderr) == (2, True)
    assert invoke("test", "nowhere").exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\ntests: [{name: x, expect: {}}]\nproviders: {}\n", "a file of tests holds no providers"),
        ("version: 1\ntests: [{name: x, query: {agent: lots}, expect: {}}]\n", "unknown agent 'lots'"),
        ("version: 1\ntests: [{name: x}]\n", "'expect' is missing here"),
        ("tests: [\n", "yaml-syntax"),
    ],
)
def test_a_file_of_tests_with_errors(invoke: Invoke, text: str, message: str) -> None:
    write(SPEC)
    write(text, "bad.routing-test.yaml")
    result = invoke("test")
    assert result.exit_code == 1
    assert message in result.stderr or "LR004" in result.stderr
    judged = invoke("validate", "bad.routing-test.yaml")
    assert judged.exit_code == 1
    assert message in judged.stdout or "LR004" in judged.stdout


def test_a_mistyped_variable_is_told(invoke: Invoke) -> None:
    write(SPEC)
    write("version: 1\ntests: [{name: x, environ: {LLMROUTE_MODLE: m}, expect: {}}]\n", "x.routing-test.yaml")
    result = invoke("test")
    assert result.exit_code == 0
    assert "no setting reads LLMROUTE_MODLE" in result.stderr


def test_a_file_of_tests_is_judged_beside_its_spec(invoke: Invoke) -> None:
    write("version: 1\ntests: [{name: x, query: {agent: lost}, expect: {}}]\n", "x.routing-test.yaml")
    # No spec is there: nothing can be said of its names.
    assert invoke("validate", "x.routing-test.yaml").exit_code == 0
    write(SPEC)
    assert invoke("validate", "x.routing-test.yaml").stdout == "x.routing-test.yaml: fine\n"
    write("version: 1\n", "x.yaml")
    assert "unknown agent 'lost'" in invoke("validate", "x.routing-test.yaml").stdout


# -- JUnit


def test_junit(invoke: Invoke) -> None:
    write(SPEC + FINE + WRONG + '  - {name: "<&\'\\e\\"", expect: {}}\n')
    assert invoke("test", "--junit", "out.xml").exit_code == 1
    root = ET.parse("out.xml").getroot()  # noqa: S314 - written above
    assert (root.attrib["tests"], root.attrib["failures"]) == ("4", "1")
    rows = root.findall("testsuite/testcase")
    assert [row.attrib["name"] for row in rows][2:] == ["this one fails", "<&'␛\""]
    assert (rows[2].attrib["file"], rows[2].attrib["line"]) == ("routing.yaml", "12")
    failure = rows[2].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "not as expected: provider"
    assert "came      cloud" in (failure.text or "")
    assert rows[0].find("failure") is None


def test_junit_where_nothing_can_be_written(invoke: Invoke) -> None:
    write(SPEC + FINE)
    assert invoke("test", "--junit", "no/such/folder.xml").exit_code == 2


# -- Proposals


def test_suggestions_are_a_file_of_tests(invoke: Invoke) -> None:
    write(SPEC)
    result = invoke("test", "--suggest")
    assert result.exit_code == 0
    assert result.stdout == (
        "version: 1\n"
        "tests:\n"
        '  - name: "anybody: ollama/llama3.1:8b"\n'
        '    expect: {provider: ollama, model: "llama3.1:8b", fallbacks: []}\n'
        '  - name: "lost: cloud/m"\n'
        "    query: {agent: lost}\n"
        "    expect: {provider: cloud, model: m, fallbacks: []}\n"
        '  - name: "planning: ollama/qwen3:8b"\n'
        "    query: {purpose: planning}\n"
        '    expect: {provider: ollama, model: "qwen3:8b", fallbacks: []}\n'
    )
    write(result.stdout, "more.routing-test.yaml")
    assert "3 passed; coverage 100 % (3 of 3)\n" in invoke("test").stdout
    again = invoke("test", "--suggest")
    assert (again.stdout, again.stderr) == ("", "every part of the spec has a test that shows it\n")


def test_a_file_that_the_shell_has_made_for_suggestions_is_no_error(invoke: Invoke) -> None:
    write(SPEC)
    write("", "more.routing-test.yaml")
    assert invoke("test", "--suggest").stdout.startswith("version: 1\n")
    assert invoke("validate", "more.routing-test.yaml").exit_code == 0


def test_what_nothing_can_be_suggested_for_is_told(invoke: Invoke) -> None:
    fallback = "defaults: {model: ollama/m, fallbacks: [deepseek/x], allow_remote_fallback: true}\n"
    policy = "policies: [{name: no, deny: {providers: [deepseek]}}]\n"
    write(f"version: 1\n{fallback}{policy}tests: [{{name: t, expect: {{provider: x}}}}]\n")
    result = invoke("test", "--suggest")
    assert result.exit_code == 1
    assert "no query was found by which defaults.fallbacks[0] decides (routing.yaml:2)" in result.stderr
    assert result.stderr.endswith("1 of the tests that are there fails\n")


# -- Bringing up to date

OLD = """\
# Comments stay.
tests:
  - name: it stays here   # and here
    expect: {provider: openai, fallbacks: [x], "model": 'other', layer: env}   # and here

  - name: in block style
    query: {purpose: planning}
    expect:
      model: "other"   # why
      locality: lan
      fallbacks:
      - a
      - b
      params: {}

  - name: no route
    query: {args: {provider: nobody}}
    expect: {provider: ollama, excluded: []}
  - name: a route
    expect:
      error: no-model
  - name: a table
    query: {agent: lost}
    expect: {provider: x}
    cases: [{expect: {model: n}}, {query: {purpose: planning}}]
  - name: played
    given: [{fault: connect}]
    at: [0, {at: 1s, expect: {attempts: 9}}]
    expect: {error: rate, within: 0.1s, tried: [x]}
"""
NEW = """\
# Comments stay.
tests:
  - name: it stays here   # and here
    expect: {provider: ollama, fallbacks: [], "model": 'llama3.1:8b', layer: default}   # and here

  - name: in block style
    query: {purpose: planning}
    expect:
      model: "qwen3:8b"   # why
      locality: local
      fallbacks: []
      params: {}

  - name: no route
    query: {args: {provider: nobody}}
    expect: {error: unknown-provider, excluded: []}
  - name: a route
    expect:
      provider: ollama
      model: "llama3.1:8b"
  - name: a table
    query: {agent: lost}
    expect: {provider: cloud}
    cases: [{expect: {model: m}}, {query: {purpose: planning}}]
  - name: played
    given: [{fault: connect}]
    at: [0, {at: 1s, expect: {attempts: 2}}]
    expect: {error: connect, within: "0.5s", tried: ["ollama/llama3.1:8b", "ollama/llama3.1:8b"]}
"""


def test_expectations_are_brought_up_to_date_in_their_place(invoke: Invoke) -> None:
    write(SPEC + OLD)
    result = invoke("test", "--update")
    assert Path("routing.yaml").read_text(encoding="utf-8") == SPEC + NEW
    assert (result.exit_code, result.stderr) == (0, "routing.yaml: 15 expectations brought up to date\n")
    assert "7 passed" in result.stdout
    assert invoke("test", "--update").stderr == ""


def test_only_the_tests_that_were_chosen(invoke: Invoke) -> None:
    write(SPEC + OLD)
    assert invoke("test", "--update", "-k", "a route").exit_code == 0
    assert Path("routing.yaml").read_text(encoding="utf-8") == SPEC + OLD.replace(
        "      error: no-model\n", '      provider: ollama\n      model: "llama3.1:8b"\n'
    )


def test_files_of_tests_and_parts_of_files(invoke: Invoke) -> None:
    indented = (SPEC + OLD).replace("\n", "\n  ")
    write(f"llm:\n  {indented}")
    write("\ufeffversion: 1\r\ntests:\r\n- {name: x, expect: {model: y}}\r\n", "x.routing-test.yaml")
    assert invoke("test", "--spec", "routing.yaml#/llm", "--update").exit_code == 0
    assert (
        Path("routing.yaml").read_text(encoding="utf-8") == f"llm:\n  {(SPEC + NEW).replace(chr(10), chr(10) + '  ')}"
    )
    text = Path("x.routing-test.yaml").read_bytes().decode()
    assert text == '\ufeffversion: 1\r\ntests:\r\n- {name: x, expect: {model: "llama3.1:8b"}}\r\n'


def test_what_others_share_is_left_alone(invoke: Invoke) -> None:
    shared = 'tests: [{name: t, expect: {model: "llama3.1:8b"}, cases: [{}, {query: {purpose: planning}}]}]\n'
    write(SPEC + shared)
    result = invoke("test", "--update")
    assert result.exit_code == 1
    assert "model is shared with 't [1]', which expects it as it is; say it in the rows" in result.stderr
    assert Path("routing.yaml").read_text(encoding="utf-8") == SPEC + shared


def test_rows_that_agree_change_what_they_share(invoke: Invoke) -> None:
    write(SPEC + "tests: [{name: t, expect: {provider: x}, cases: [{}, {query: {purpose: planning}}]}]\n")
    assert invoke("test", "--update").exit_code == 0
    write(
        SPEC
        + "tests: [{name: t, query: {agent: zz}, expect: {model: x}, cases: [{}, {expect: {error: unknown-agent}}]}]\n"
    )
    assert invoke("test", "--update").exit_code == 1
    write(SPEC + "tests: [{name: t, query: {args: {provider: zz}}, expect: {model: x}, cases: [{}, {}]}]\n")
    assert invoke("test", "--update").exit_code == 0
    assert "expect: {error: unknown-provider}, cases: [{}, {}]" in Path("routing.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("{name: t, expect: &e {model: x}}", "model is not changed: it has an anchor or a tag"),
        ("{name: t, expect: {fallbacks: [x, # y\n]}}", "fallbacks is not changed: there is a comment in it"),
        ("{name: t, expect: {params: {seed: 1}}}", "nothing came in the place of params.seed; take it out of the test"),
    ],
)
def test_what_cant_be_changed_is_told(invoke: Invoke, test: str, why: str) -> None:
    write(SPEC + f"tests:\n- {test}\n")
    result = invoke("test", "--update")
    assert (result.exit_code, why in result.stderr) == (1, True)
    assert Path("routing.yaml").read_text(encoding="utf-8") == SPEC + f"tests:\n- {test}\n"


def test_standard_input_is_not_written(invoke: Invoke) -> None:
    result = invoke("test", "--spec", "-", "--update", stdin=SPEC + OLD)
    assert (result.exit_code, "<stdin> is not written: it is no file" in result.stderr) == (1, True)


@pytest.mark.skipif(os.name != "posix", reason="links and modes are those of POSIX")
def test_a_link_stays_one_and_a_file_keeps_its_mode(invoke: Invoke) -> None:
    real = write(SPEC + OLD, "real/spec.yaml")
    real.chmod(0o600)
    Path("routing.yaml").symlink_to(real)
    assert invoke("test", "--update").exit_code == 0
    assert Path("routing.yaml").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert real.read_text(encoding="utf-8") == SPEC + NEW


def test_a_file_that_changed_in_the_meantime_is_not_written(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(SPEC + OLD)

    def change(*arguments: object) -> object:
        from llmroute.proof.routing_tests.update import changes

        path.write_text(SPEC, encoding="utf-8")
        return changes(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("llmroute.cli.test_update.changes", change)
    result = invoke("test", "--update")
    assert "routing.yaml is not written: it was changed in the meantime" in result.stderr
    assert path.read_text(encoding="utf-8") == SPEC


def test_a_folder_that_takes_nothing(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    write(SPEC + OLD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("llmroute.cli.test_update.write_file", refuse)
    result = invoke("test", "--update")
    assert (result.exit_code, "is not written: Permission denied" in result.stderr) == (1, True)


# -- The examples


@pytest.mark.parametrize("name", ["minimal", "local-first", "cost-split", "offline"])
def test_the_examples_hold_and_are_covered(invoke: Invoke, name: str) -> None:
    result = invoke("test", "--spec", str(ROOT / "examples" / f"{name}.yaml"), "--fail-under", "100")
    assert (result.exit_code, result.stderr) == (0, "")


def test_the_texts_of_this_file_are_specs() -> None:
    for text in (FINE, FINE + WRONG, OLD, NEW):
        assert read_str(SPEC + text).diagnostics == ()
