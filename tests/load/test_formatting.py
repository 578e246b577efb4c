"""Formatting says the same, keeps every comment, and changes nothing the second time."""

from __future__ import annotations

import doctest
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.load import from_str, key_order
from llmroute.load.formatting import formatted
from llmroute.load.yaml_tree import CantFormatError
from tests.properties.strategies import governed

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))

BEFORE = """\
# yaml-language-server: $schema=x
# about the file

# agents first
agents:
    # the picker
    "picker":
        require: {tools: true, locality: local}   # stays
        provider: 'ollama'
        # deeper note
    writer:
            fallbacks:
            - "openai/x"
            # and
            - model: "y"
              provider: openai
            -
              # beside the dash
              model: z
              provider: openai
            model: "no"


            provider: openai

policies:
-   deny: {providers: [a],
      models: ["x y", "z*"]}
    name: "the first"
    because: |
       two
         lines

    agents: ["*"]
defaults: {model: "llama3.1:8b", provider: ollama, max_tokens: 10}
version: 1
# the end
"""
AFTER = """\
# yaml-language-server: $schema=x
# about the file

version: 1

defaults: {provider: ollama, model: llama3.1:8b, max_tokens: 10}

# agents first
agents:
  # the picker
  picker:
    provider: ollama
    require: {locality: local, tools: true}   # stays
    # deeper note
  writer:
    provider: openai
    model: "no"

    fallbacks:
      - openai/x
      # and
      - provider: openai
        model: "y"
      # beside the dash
      - provider: openai
        model: z

policies:
  - name: the first
    agents: ["*"]
    deny: {providers: [a],
      models: [x y, "z*"]}
    because: |
      two
        lines

# the end
"""


def test_the_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(key_order).failed == 0


def test_all_of_it() -> None:
    assert formatted(BEFORE) == AFTER
    assert formatted(AFTER) == AFTER


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_example_says_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    new = formatted(text)
    assert from_str(new) == from_str(text)
    assert formatted(new) == new


def test_groups_without_blank_lines_stay_together() -> None:
    assert formatted("defaults: {}\nversion: 1\n") == "version: 1\ndefaults: {}\n"


def test_names_keep_their_order() -> None:
    text = "version: 1\nagents:\n  z: {}\n  a: {}\nproviders:\n  openai: {}\n  anthropic: {}\n"
    new = formatted(text)
    assert new.index("providers") < new.index("openai") < new.index("anthropic") < new.index("agents")
    assert new.index("z:") < new.index("a:")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"a b"', "a b"),
        ("'x'", "x"),
        ('"no"', '"no"'),
        ('"1"', '"1"'),
        ('"12:30"', '"12:30"'),
        ('""', '""'),
        ('"a: b"', '"a: b"'),
        ('"a #b"', '"a #b"'),
        ('"*"', '"*"'),
        ('"a\\tb"', '"a\\tb"'),
        ("'it''s'", "'it''s'"),
        ('"${KEY}"', '"${KEY}"'),
    ],
)
def test_quotes_stay_where_they_are_needed(before: str, after: str) -> None:
    assert formatted(f"version: 1\ndefaults:\n  metadata: {{a: {before}}}\n").endswith(f"{{a: {after}}}\n")


ODD = [
    "    metadata:\n        a: >-\n            folded\n            text\n\n            more\n",
    "    metadata:\n        a: plain text\n          that goes on\n        b: 'and\n\n          quoted'\n",
    "  metadata:\n    - 1\n",
    "    metadata:\n        a:\n        - - 1\n          - 2\n        - - 3\n",
    "    metadata:\n        b: |\n          kept  \n          trailing\n",
    "    metadata: {x: [\n     1,  # one\n     2]}\n...\n",
    "    model: m\n    metadata: {}\n    # deeper\n\n  # level\n\n# end\n",
]


@pytest.mark.parametrize(
    "text",
    [
        *(f"version: 1\ndefaults:\n{text}" for text in ODD),
        "---\nversion: 1\nagents:\n    a: {}\n    b: {}\n",
        "{version: 1, defaults: {model: x, provider: ollama}}\n",
        "{version: 1,\n defaults: {model: x, provider: ollama}}\n",
        "version: 1\nagents:\n   a: &a\n      model: x\n      provider: ollama\n   b: *a\n",
        "version: 1\npolicies:\n  - {name: a, deny: &d {models: [x]}}\n  - name: b\n    deny: *d\n",
        "version: 1\r\nagents:\r\n    a:\r\n        model: x   # c\r\n        provider: ollama\r\n",
        "version: 1\nagents:\n    a: # why\n        # how\n        model: x\n        # last\n    # of b\n    b: {}\n",
    ],
)
def test_odd_layouts_say_the_same(text: str) -> None:
    new = formatted(text)
    assert yaml.safe_load(new) == yaml.safe_load(text)
    assert formatted(new) == new
    assert sorted(re.findall("# ?[a-z]+", new)) == sorted(re.findall("# ?[a-z]+", text))


def test_an_alias_stays_behind_its_anchor() -> None:
    text = "version: 1\nagents:\n    a: {require: &r {tools: true}}\ndefaults: {require: *r}\n"
    assert formatted(text) == "version: 1\nagents:\n  a: {require: &r {tools: true}}\ndefaults: {require: *r}\n"


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\u2028defaults: {}\n",
        "version: 1\rdefaults: {}\n",
        "? version\n: 1\n",
        "version: 1\npolicies:\n  - &p\n    name: a\n  - *p\n",
    ],
)
def test_what_can_not_be_laid_out_is_refused(text: str) -> None:
    with pytest.raises(CantFormatError):
        formatted(text)


def _written(document: Any, style: dict[str, Any], comments: list[str]) -> str:
    """A document as YAML, with comments above lines that begin an entry."""
    lines = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000, **style).splitlines()
    for number, comment in enumerate(comments):
        place = (number * 7 + len(comment)) % (len(lines) + 1)
        indent = len(lines[place]) - len(lines[place].lstrip()) if place < len(lines) else 0
        lines.insert(place, f"{' ' * indent}# {comment}{number}")
    return "\n".join(lines) + "\n"


STYLES = st.fixed_dictionaries(
    {"indent": st.sampled_from([2, 3, 4]), "default_flow_style": st.sampled_from([False, None])}
)


@settings(deadline=None, max_examples=60)
@given(governed(), STYLES, st.lists(st.sampled_from(["a", "note"]), max_size=6), st.randoms(use_true_random=False))
def test_whatever_is_written_says_the_same(world: Any, style: Any, comments: list[str], chance: Any) -> None:
    document = _shuffled(deepcopy(world.document), chance)
    text = _written(document, style, comments)
    new = formatted(text)
    assert from_str(new) == from_str(text)
    assert yaml.safe_load(new) == yaml.safe_load(text)
    assert sorted(re.findall(r"# \w+", new)) == sorted(re.findall(r"# \w+", text))
    assert formatted(new) == new


def _shuffled(value: Any, chance: Any) -> Any:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: _shuffled(value[name], chance) for name in names}
    return [_shuffled(item, chance) for item in value] if isinstance(value, list | tuple) else value
