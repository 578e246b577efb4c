"""A key in a file is named and never shown, in no format and on no line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.cli.report.redact import redacted, stumps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke

CANARIES = [
    "sk-ant-api03-CanaryCanary0123456789",
    "sk-proj-CanaryCanary0123456789",
    "AIzaSyCanaryCanary0123456789abcdefghijk",
    "gsk_CanaryCanary0123456789",
    "Canary0xA9sd8F7gH6jK5lQ4wE3rT2y",
    "correct-horse-battery-staple",
]
SHAPES = {
    "block": "version: 1\nproviders:\n  box:\n    base_url: https://a.example/v1\n    api_key: {key}\n",
    "quoted": 'version: 1\nproviders:\n  box: {{base_url: "https://a.example/v1", api_key: "{key}"}}\n',
    "beside another error": "version: 1\nproviders:\n  box: {{colour: blue, api_key: {key}, timeout: -1}}\n",
    "on a line of its own": "version: 1\nproviders:\n  box:\n    base_url: https://a.eu\n    api_key:\n      {key}\n",
    "where a mapping belongs": "version: 1\nproviders:\n  box:\n    api_key: [{key}]\n",
    "as a default": 'version: 1\nproviders:\n  box: {{base_url: "ftp://x", api_key: "${{BOX_KEY:-{key}}}"}}\n',
    "in a header": "version: 1\nproviders:\n  box:\n    headers: {{Authorization: Bearer {key}}}\n",
    "mistyped": "version: 1\nproviders:\n  box: {{base_url: https://a.example, apikey: {key}}}\n",
    "in a URL": "version: 1\nproviders:\n  box: {{base_url: https://me:{key}@a.example/v1}}\n",
    "in YAML that is none": "version: 1\nproviders:\n  box: {{api_key: {key}\n  x: ]\n",
    "behind a quote that nothing closes": 'version: 1\nproviders:\n  box:\n    api_key: "{key}\n',
    "under another name": "version: 1\nproviders:\n  box: {{key: {key}}}\n",
    "twice": "version: 1\nproviders:\n  box:\n    api_key: {key}\n    api_key: {key}\n",
}


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_no_format_shows_a_key(invoke: Invoke, folder: Path, shape: str, canary: str, form: str) -> None:
    (folder / "routing.yaml").write_text(SHAPES[shape].format(key=canary), encoding="utf-8")
    result = invoke("validate", "--format", form)
    assert result.exit_code == 1
    assert canary not in result.output
    assert canary[-12:] not in result.output


@pytest.mark.parametrize("command", [("run", "hi"), ("explain",), ("run", "--json", "hi")])
def test_no_command_shows_a_key_of_a_spec_it_refuses(invoke: Invoke, folder: Path, command: tuple[str, ...]) -> None:
    for canary in CANARIES:
        (folder / "routing.yaml").write_text(SHAPES["quoted"].format(key=canary), encoding="utf-8")
        assert canary[-12:] not in invoke(*command).output


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
@pytest.mark.parametrize("pointer", ["", "#/tool"])
def test_what_stands_in_place_of_a_provider_is_not_shown(invoke: Invoke, folder: Path, form: str, pointer: str) -> None:
    spec = "version: 1\nproviders:\n  openai: plain-words-as-key\ndefaults: {model: openai/x}\n"
    text = "tool:\n" + "".join(f"  {line}\n" for line in spec.splitlines()) if pointer else spec
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    result = invoke("validate", "--format", form, f"routing.yaml{pointer}")
    assert result.exit_code == 1
    assert "openai must be a mapping" in result.output
    assert "plain-words" not in result.output + result.stderr


def test_what_is_no_key_stays() -> None:
    for text in (
        "model: claude-sonnet-5-5",
        "base_url: https://api.openai.com/v1",
        'api_key: "${OPENAI_API_KEY}"',
        "api_key: {file: /run/secrets/key}",
        "max_tokens: 4096",
        "qwen/qwen3-235b-a22b-instruct-2507",
    ):
        assert redacted(text) == text
        assert not stumps(text)


@given(st.text(max_size=80), st.sampled_from(CANARIES[:5]), st.text(max_size=20))
def test_a_key_is_cut_out_of_any_text(before: str, canary: str, after: str) -> None:
    assert canary not in redacted(f"{before} {canary} {after}")


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_what_is_cut_out_does_not_overlap(line: str) -> None:
    reach = 0
    for start, (end, _) in sorted(stumps(f"api_key: {line} token: {line}").items()):
        assert reach <= start < end
        reach = end
