"""Nothing of a spec becomes markup, the page may load nothing, and no key is in it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest

from llmroute.inspection.data import page_data
from llmroute.inspection.page import SCRIPTS, as_script_data, asset, page
from tests.inspection.conftest import subject
from tests.inspection.specs import HOSTILE, SMALL

KEYS = """\
version: 1
providers:
  anthropic: {api_key: "sk-ant-api03-aaaabbbbccccdddd-1"}
  openai:
    api_key: plain-CANARY-2
    headers: {X-Team: CANARY-3, Authorization: "Bearer CANARY-4"}
  folded:
    base_url: https://user:CANARY-5@example.com/v1
    api_key: >-
      CANARY-6
      CANARY-7
    model: m
  quoted:
    base_url: https://example.com/v1
    api_key: "CANARY-8
      CANARY-9"
    headers:
      X-Key: >-
        # CANARY-10 CANARY-14
    extra_body: {password: CANARY-11}
  referred:
    base_url: https://example.com/v1
    api_key: ${REFERRED_KEY}  # shown
    headers: {X-Other: "${OTHER}"}
  default:
    base_url: https://example.com/v1
    api_key: ${DEFAULT_KEY:-CANARY-12}
  anchored:
    base_url: https://example.com/v1
    api_key: &key CANARY-13
  alias: {base_url: https://example.com/v2, api_key: *key, model: m}
  escaped: {base_url: https://example.com/v3, api_key: "\\x43ANARY\\x2d15", model: m}
# sk-ant-api03-ccccddddeeeeffff-16
defaults:
  model: openai/gpt-6-sol
  metadata: {token: CANARY-17, nested: {api_key: CANARY-18}}
  fallbacks:
    - {provider: openai, model: m, api_key: CANARY-19}
agents:
  a: {base_url: https://example.com/v4, api_key: CANARY-20, model: m}
"""
SECRET = {
    "LLMROUTE_API_KEY": "CANARY-21",
    "LLMROUTE_BASE_URL": "https://me:CANARY-22@example.com/v1",
    "LLMROUTE_MODEL": "sk-ant-api03-bbbbccccddddeeee-23",
    "REFERRED_KEY": "CANARY-24",
    "OTHER": "CANARY-25",
    "ANTHROPIC_API_KEY": "CANARY-26",
}


class Elements(HTMLParser):
    """The elements of a page, as a browser's parser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._within, []).append(data)


def built(text: str, title: str = "routing.yaml", environ: dict[str, str] | None = None) -> str:
    return page({**page_data(subject(text, environ)), "title": title})


def test_a_hostile_spec_makes_the_same_elements_as_a_kind_one() -> None:
    title = "</title><script>window.hacked=7</script>.yaml"
    assert Elements(built(HOSTILE, title)).tags == Elements(built(SMALL)).tags
    assert "".join(Elements(built(HOSTILE, title)).texts["title"]).strip() == f"{title} · llmroute"


def test_what_is_hostile_arrives_as_it_was_written() -> None:
    elements = Elements(built(HOSTILE))
    data = json.loads(elements.texts["script"][0])
    assert "openai/</script><img src=x onerror=window.hacked=1>" in [target[0] for target in data["targets"]]
    assert "  model: openai/</script><img src=x onerror=window.hacked=1>" in data["lines"]


@pytest.mark.parametrize("character", ["<", ">", "&", "\u2028", "\u2029"])
def test_no_character_of_the_data_begins_markup_or_ends_a_line(character: str) -> None:
    assert character not in as_script_data({character: [character]})
    assert json.loads(as_script_data({character: [character]})) == {character: [character]}


def test_the_policy_names_every_script_and_style_by_its_hash_and_nothing_else() -> None:
    text = built(SMALL)
    policy = dict(part.split(" ", 1) for part in unescape(re.search(r'Policy" content="([^"]+)"', text)[1]).split("; "))  # type: ignore[index]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == len(SCRIPTS)
    assert policy["script-src"].split(" ") == [hashed(script) for script in scripts]
    assert policy["style-src"] == hashed(re.findall(r"<style>(.*?)</style>", text, re.DOTALL)[0])
    assert policy["default-src"] == policy["connect-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in "".join(policy.values())


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_only_a_served_page_may_ask_and_only_its_own_server() -> None:
    assert "connect-src &#x27;self&#x27;" in page(page_data(subject(SMALL)), live=True)
    assert "connect-src &#x27;none&#x27;" in built(SMALL)


def test_no_element_loads_anything_has_a_handler_or_a_style() -> None:
    for tag, attributes in Elements(built(HOSTILE)).tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "style", "srcdoc"}}
        assert attributes.get("href", "#").startswith("#")  # type: ignore[union-attr]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_or_code_out_of_text(name: str) -> None:
    code = asset(name)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout", code
    )
    assert "</script" not in code.lower()
    assert "<!--" not in code


def test_the_scripts_are_short() -> None:
    assert sum(asset(name).count("\n") for name in SCRIPTS) < 750


def test_no_key_is_in_the_page_wherever_it_stands() -> None:
    text = built(KEYS, environ=SECRET)
    found = set(re.findall(r"(?:CANARY|sk-ant-api03-\w+)\S{0,4}", text))
    assert found == set()
    assert "${REFERRED_KEY}  # shown" in text
    assert 'headers: {X-Other: "${OTHER}"}' in json.loads(Elements(text).texts["script"][0])["lines"][23]


def test_what_looks_like_a_direction_mark_is_shown_as_what_it_is() -> None:
    assert "\u202e" not in built(HOSTILE)
