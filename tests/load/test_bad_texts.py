"""Texts that are no spec: each gets its rule, its place and a way out, and nothing crashes or hangs.

Numbers are those of the catalogue of bad input: `N-what`.
"""

from __future__ import annotations

import gc
import itertools
from typing import Any, NamedTuple

import pytest
import yaml

from llmroute.load import read_str, yaml_reader

V = "version: 1\n"


class Bad(NamedTuple):
    """A text, and the first thing that is said of it."""

    id: str
    text: str
    rule: str
    line: int
    column: int
    pointer: str = ""
    hint: str = ""
    """A part of it."""


def laughs() -> str:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    names = "abcdefghi"
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]
    return "\n".join(lines)


def merges() -> str:
    lines = ["a: &a {k: v}"]
    names = "abcdefghi"
    lines += [f"{b}: &{b} {{<<: [{','.join([f'*{a}'] * 9)}]}}" for a, b in itertools.pairwise(names)]
    return "\n".join(lines)


DEEP = "/0" * 64
CASES = [
    Bad("1-empty", "", "empty-spec", 1, 1, hint="version: 1"),
    Bad("1-comments", "# nothing\n# here\n", "empty-spec", 1, 1, hint="version: 1"),
    Bad("1-marker", "---\n", "empty-spec", 1, 1),
    Bad("1-null", "null", "empty-spec", 1, 1),
    Bad("2-list", "[1, 2]", "not-a-mapping", 1, 1, hint="version: 1"),
    Bad("2-scalar", "hello", "not-a-mapping", 1, 1),
    Bad("3-two-documents", V + "---\n" + V, "multiple-documents", 2, 1),
    Bad("3-after-an-end", V + "...\n" + V, "yaml-syntax", 3, 1),
    Bad("4-duplicate-at-the-top", V + "agents: {}\nagents: {}\n", "duplicate-key", 3, 1, "/agents", "keep one"),
    Bad("4-duplicate-deep", V + "agents:\n  a: {model: x, model: y}\n", "duplicate-key", 3, 17, "/agents/a/model"),
    Bad(
        "4-duplicate-in-a-list",
        V + "defaults: {provider: openai, fallbacks: [a/b, {model: x, 'model': y}]}\n",
        "duplicate-key",
        2,
        58,
        "/defaults/fallbacks/1/model",
    ),
    Bad("4-duplicate-quoted", V + 'agents: {a: {}, "a": {}}', "duplicate-key", 2, 17, "/agents/a"),
    Bad("5-unknown-key", V + "defaults: {fallback: []}", "unknown-key", 2, 12, "/defaults/fallback", "'fallbacks'"),
    Bad("5-nothing-near", V + "zzz: 1", "unknown-key", 2, 1, "/zzz", "known here: agents"),
    Bad("6-tab", V + "agents:\n\ta: {}\n", "yaml-syntax", 3, 1, "/agents", "spaces"),
    Bad("7-two-colons", V + "agents:\n  a: b: c\n", "yaml-syntax", 3, 7, "/agents", "quote"),
    Bad("15-python", V + "agents: !!python/object/apply:os.system [ls]", "yaml-tag", 2, 9, "/agents"),
    Bad("16-scalar", V + "agents: {a: {model: !env X}}", "yaml-tag", 2, 21, "/agents/a/model"),
    Bad("16-key", V + "agents: {!env a: {}}", "yaml-tag", 2, 10, "/agents/a"),
    Bad("16-binary", V + "agents: {a: {model: !!binary eA==}}", "yaml-tag", 2, 21, "/agents/a/model"),
    Bad("16-sequence", V + "defaults: {stop: !!set [x]}", "yaml-tag", 2, 18, "/defaults/stop"),
    Bad("17-billion-laughs", laughs(), "too-many-aliases", 6, 8, "/f/0"),
    Bad("17-many-aliases", "a: &a x\nb: [" + "*a," * 1001 + "]", "too-many-aliases", 2, 3005, "/b/1000"),
    Bad("18-merge-bomb", merges(), "too-many-aliases", 6, 28, "/f/<</5"),
    Bad("18-merge-key", V + "agents: {a: &a {}, b: {<<: *a}}", "unknown-key", 2, 24, "/agents/b/<<", "YAML 1.1"),
    Bad("19-recursive", V + "agents: &a {x: *a}", "recursive-alias", 2, 16, "/agents/x"),
    Bad("19-recursive-list", V + "defaults: {stop: &a [*a]}", "recursive-alias", 2, 22, "/defaults/stop/0"),
    Bad("20-2000-brackets", "[" * 2_000, "too-deep", 1, 65, DEEP),
    Bad("20-50000-brackets", "[" * 50_000, "too-deep", 1, 65, DEEP),
    Bad("20-50000-dashes", "- " * 50_000, "too-deep", 1, 129, DEEP),
    Bad("20-mappings", "".join(" " * i + "a:\n" for i in range(2_000)), "too-deep", 65, 65, "/a" * 64),
    Bad("20-50000-braces", "{" * 50_000, "key-type", 1, 2),
    Bad("23-leading-zero", V + "defaults: {max_tokens: 010}", "ambiguous-scalar", 2, 24, "/defaults/max_tokens", "010"),
    Bad("23-underscore", V + "defaults: {max_tokens: 1_000}", "invalid-value", 2, 24, "/defaults/max_tokens"),
    Bad("23-binary", V + "defaults: {max_tokens: 0b11}", "invalid-value", 2, 24, "/defaults/max_tokens"),
    Bad("24-model-number", V + "defaults: {model: 1.10}", "invalid-value", 2, 19, "/defaults/model", "quote it"),
    Bad("24-model-exponent", V + "defaults: {model: 3e5}", "invalid-value", 2, 19, "/defaults/model", "quote it"),
    Bad("25-inf", V + "defaults: {timeout: .inf}", "number-not-finite", 2, 21, "/defaults/timeout"),
    Bad("25-minus-inf", V + "defaults: {timeout: -.INF}", "number-not-finite", 2, 21, "/defaults/timeout"),
    Bad("25-nan", V + "defaults: {timeout: .nan}", "number-not-finite", 2, 21, "/defaults/timeout"),
    Bad("26-negative", V + "defaults: {timeout: -1}", "invalid-value", 2, 21, "/defaults/timeout"),
    Bad("26-zero", V + "defaults: {timeout: 0}", "invalid-value", 2, 21, "/defaults/timeout"),
    Bad("26-1e308", V + "defaults: {timeout: 1e308}", "invalid-value", 2, 21, "/defaults/timeout"),
    Bad("26-1e999", V + "defaults: {timeout: 1e999}", "number-range", 2, 21, "/defaults/timeout"),
    Bad("26-10000-digits", V + f"defaults: {{seed: -{'9' * 10_000}}}", "number-range", 2, 18, "/defaults/seed"),
    Bad("26-hex", V + "defaults: {seed: 0xFFFFFFFFFFFFFFFFF}", "invalid-value", 2, 18, "/defaults/seed"),
    Bad("26-seed-65-bits", V + "defaults: {seed: 9223372036854775808}", "invalid-value", 2, 18, "/defaults/seed"),
    Bad("27-true", V + "defaults: {max_tokens: true}", "invalid-value", 2, 24, "/defaults/max_tokens"),
    Bad("27-fraction", V + "defaults: {max_tokens: 1.5}", "invalid-value", 2, 24, "/defaults/max_tokens"),
    Bad("27-number-for-bool", V + "defaults: {allow_remote_fallback: 1}", "invalid-value", 2, 35),
    Bad("27-yes-for-bool", V + "defaults: {allow_remote_fallback: yes}", "invalid-value", 2, 35, hint="YAML 1.2"),
    Bad("28-null-provider", V + "agents: {a: {provider: }}", "null-value", 2, 24, "/agents/a/provider", "leave it out"),
    Bad("28-null-model", V + "agents: {a: {model: ~}}", "null-value", 2, 21, "/agents/a/model"),
    Bad("28-blank-model", V + "agents: {a: {model: '  '}}", "null-value", 2, 21, "/agents/a/model"),
    Bad("28-null-agent", V + "agents:\n  a:\n", "null-value", 3, 5, "/agents/a", "write {}"),
    Bad("28-null-key", V + "agents: {a: {provider: openai, api_key: }}", "null-value", 2, 41, "/agents/a/api_key"),
    Bad("28-null-version", "version:\n", "null-value", 1, 9, "/version", "version: 1"),
    Bad("29-number", V + "agents: {1: {}}", "key-type", 2, 10, "/agents/1", '"1"'),
    Bad("29-float", V + "agents: {1.5: {}}", "key-type", 2, 10, "/agents/1.5", '"1.5"'),
    Bad("29-true", V + "agents: {true: {}}", "key-type", 2, 10, "/agents/true", '"true"'),
    Bad("29-null", V + "agents: {~: {}}", "key-type", 2, 10, "/agents/~0", '"~"'),
    Bad("29-list", V + "agents: {[a]: {}}", "key-type", 2, 10, "/agents"),
    Bad("29-mapping", V + "agents: {{a: b}: {}}", "key-type", 2, 10, "/agents"),
    Bad("29-alias", V + "agents: {&a a: {}, *a : {}}", "key-type", 2, 20, "/agents"),
    Bad("30-nul", V + "# é\nagents: {}\x00", "yaml-syntax", 3, 11),
    Bad("30-nul-behind-wide", "é: 1\n日本: \x00", "yaml-syntax", 2, 5),
    Bad("30-bell", V + "agents: {a: {model: \x07}}", "yaml-syntax", 2, 21),
    Bad("30-lone-surrogate", V + "é: \ud800", "bad-encoding", 2, 4),
    Bad("31-override", V + 'agents: {"a\u202eb": {}}', "bad-name", 2, 10, "/agents/a\u202eb", "letters, digits"),
    Bad("31-zero-width", V + "agents: {a\u200bb: {}}", "bad-name", 2, 10, "/agents/a\u200bb"),
    Bad("31-homoglyph", V + "agents: {\u0430gent: {}}", "bad-name", 2, 10, "/agents/\u0430gent"),
    Bad("31-next-line", V + "agents:\x85  a: {provider: 5}\n", "invalid-value", 3, 17, "/agents/a/provider"),
    Bad("31-line-separator", V + "agents:\u2028  a: {provider: 5}\n", "invalid-value", 3, 17, "/agents/a/provider"),
    Bad("31-carriage-return", "version: 1\ragents:\r  a: {provider: 5}\r", "invalid-value", 3, 17),
    Bad("31-crlf", "version: 1\r\nagents:\r\n  a: {provider: 5}\r\n", "invalid-value", 3, 17),
    Bad("32-newline", V + 'agents: {"a\\n": {}}', "bad-name", 2, 10, "/agents/a\n"),
    Bad("32-arabic-digit", V + "agents: {\u0663: {}}", "bad-name", 2, 10, "/agents/\u0663"),
    Bad("32-provider-slash", V + "providers: {a/b: {}}", "bad-name", 2, 13, "/providers/a~1b"),
    Bad("32-long", V + f"agents: {{{'a' * 129}: {{}}}}", "bad-name", 2, 10),
    Bad("36-newer", "version: 2\n", "unsupported-version", 1, 10, "/version", "pip install -U llmroute"),
    Bad("36-fraction", "version: 1.5\n", "unsupported-version", 1, 10, "/version", "pip install -U llmroute"),
    Bad("36-text", "version: '1'\n", "unsupported-version", 1, 10, "/version", "write version: 1"),
    Bad("36-true", "version: true\n", "unsupported-version", 1, 10, "/version", "write version: 1"),
    Bad("36-missing", "agents: {}\n", "missing-field", 1, 1, hint="write version: 1"),
    Bad("field-missing", V + "policies: [{because: b}]", "missing-field", 2, 12, "/policies/0", "write name: …"),
    Bad("alias-without-anchor", V + "agents: {a: *b}", "yaml-syntax", 2, 13, "/agents/a"),
    Bad("star", V + "agents: {*: {}}", "yaml-syntax", 2, 11, "/agents", '"*"'),
    Bad("unclosed", V + "agents: {a: {}", "yaml-syntax", 2, 15, "/agents"),
    Bad("directive", "%YAML 1.3\n---\nversion: 1\n", "yaml-syntax", 1, 1),
]
# Where libyaml and PyYAML's own parser see a fault at different places, or one of them sees none.
LIBYAML_ONLY = {
    "30-lone-surrogate",
    "3-after-an-end",
    "7-two-colons",
    "star",
    "unclosed",
    "directive",
    "alias-without-anchor",
}


def read(text: str) -> Any:
    return read_str(text, "routing.yaml")


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.id)
def test_a_bad_text_gets_its_rule_and_place(bad: Bad) -> None:
    loaded = read(bad.text)
    assert loaded.spec is None
    first = loaded.diagnostics[0]
    assert (first.rule, first.origin.line, first.origin.column) == (bad.rule, bad.line, bad.column), first
    assert first.origin.path == "routing.yaml"
    assert first.severity == "error"
    assert bad.hint in first.hint
    if bad.pointer:
        assert first.pointer == bad.pointer
    assert first.message


@pytest.mark.parametrize("bad", [bad for bad in CASES if bad.id not in LIBYAML_ONLY], ids=lambda bad: bad.id)
def test_a_python_without_libyaml_says_the_same(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_Loader", yaml.SafeLoader)
    first = read(bad.text).diagnostics[0]
    assert (first.rule, first.origin.line) == (bad.rule, bad.line), first


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_30_half_of_a_surrogate_pair_as_an_escape(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_Loader", loader)
    first = read(V + 'agents: {a: {model: "x\\ud83d"}}').diagnostics[0]
    assert first.rule in {"bad-encoding", "yaml-syntax"}
    assert first.origin.line == 2


@pytest.mark.parametrize("char", [*map(chr, range(9)), "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\x9f", "\ufffe"])
@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_30_every_control_character_is_found_where_it_stands(
    char: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "_Loader", loader)
    (only,) = read(f"{V}# Grüße\n# 日本{char}語\n").diagnostics
    assert (only.rule, only.origin.line, only.origin.column) == ("yaml-syntax", 3, 5)


GOOD = {
    "22-norway": (V + "agents: {no: {}, on: {}, yes: {}, off: {}, n: {}}", ["no", "on", "yes", "off", "n"]),
    "24-date": (V + "agents: {2024-01-01: {}, 2024-13-45: {}, 3e: {}}", ["2024-01-01", "2024-13-45", "3e"]),
    "24-tilde": (V + "agents: {'~': {}}", None),
    "30-bom": ("\ufeff" + V + "agents: {a: {}}", ["a"]),
    "str-tag": (V + "agents: {!!str 1: {}, ! 2: {}}", ["1", "2"]),
    "nulls-in-metadata": (V + "agents: {a: {metadata: {x: null, y: [~]}}}", ["a"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_looks_odd_and_is_fine(name: str) -> None:
    text, agents = GOOD[name]
    loaded = read(text)
    if agents is None:
        assert [item.rule for item in loaded.diagnostics] == ["bad-name"]
    else:
        assert list(loaded.spec.agents) == agents


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("22:30", "22:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("2024-13-45", "2024-13-45"),
        ("1.10.0", "1.10.0"),
        ("'1.10'", "1.10"),
        ("=", "="),
        ("<<", "<<"),
        ("0x", "0x"),
        (".", "."),
        ("-", None),
        ("+.e", "+.e"),
        ("1e", "1e"),
        ("٣", "٣"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">-\n  a\n  b\n", "a b"),
        (r'"\u00e9\U0001F600"', "é😀"),
        ("nUll", "nUll"),
    ],
)
def test_23_24_texts_stay_texts(written: str, expected: str | None) -> None:
    loaded = read(f"{V}defaults:\n model: {written}\n")
    if expected is None:
        assert loaded.spec is None
    else:
        assert loaded.spec.defaults.model == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0o10", 8),
        ("0x10", 16),
        ("1.0", 1),
        ("4096.0", 4096),
        ("+7", 7),
        ("1e3", 1000),
        ("999999999", 999_999_999),
    ],
)
def test_27_whole_numbers(written: str, expected: int) -> None:
    spec = read(f"{V}defaults: {{max_tokens: {written}}}").spec
    assert spec.defaults.max_tokens == expected
    assert type(spec.defaults.max_tokens) is int


@pytest.mark.parametrize(("written", "expected"), [("0", 0), ("-0.0", 0), (".5", 0.5), ("1.", 1), ("5e-1", 0.5)])
def test_numbers(written: str, expected: float) -> None:
    assert read(f"{V}defaults: {{temperature: {written}}}").spec.defaults.temperature == expected


@pytest.mark.parametrize("seed", [-(2**63), 2**63 - 1, 0])
def test_26_the_ends_of_a_range_are_in_it(seed: int) -> None:
    assert read(f"{V}defaults: {{seed: {seed}}}").spec.defaults.seed == seed


def test_4_a_duplicate_names_both_places() -> None:
    (only,) = read(V + "agents: {}\npurposes: {}\nagents: {}\n").diagnostics
    assert [(place.line, place.column) for place in only.related] == [(2, 1)]


def test_an_alias_stands_for_its_value() -> None:
    spec = read(V + "agents: {a: &x {temperature: 0}, b: *x}\ndefaults: {model: &m m1, stop: &s [x]}\n").spec
    assert spec.agents["b"].temperature == 0
    assert spec.source.origin(("agents", "b", "temperature")).column == 30


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_again_if_it_was(enabled: bool) -> None:  # noqa: FBT001 - a parameter of the test
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        assert read("[" * 100).spec is None
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_all_problems_in_one_run_in_the_order_of_the_lines() -> None:
    loaded = read("""\
version: 1
providers: {openai: {modell: x}}
defaults: {temperature: 3, stop: []}
agents:
  a: {timeout: .nan, timeout: 1}
  "b c": {provider: }
  d: {max_tokens: 010}
""")
    assert [(item.rule, item.origin.line) for item in loaded.diagnostics] == [
        ("unknown-key", 2),
        ("invalid-value", 3),
        ("number-not-finite", 5),
        ("duplicate-key", 5),
        ("bad-name", 6),
        ("null-value", 6),
        ("ambiguous-scalar", 7),
    ]


def test_each_missing_field_is_said_once() -> None:
    found = read("version: 1\ntests: [{}, {given: [{}]}]\n").diagnostics
    assert [(item.message, item.origin.column) for item in found] == [
        ("'name' is missing here", 9),
        ("'name' is missing here", 13),
        ("'fault' is missing here", 22),
    ]


def test_33_ten_thousand_mistakes_are_cut_at_the_first_thousand() -> None:
    loaded = read(V + "agents:\n" + "".join(f"  a{i}: {{provder: x}}\n" for i in range(10_000)))
    assert len(loaded.diagnostics) == 1_000
    assert [item.origin.line for item in loaded.diagnostics] == list(range(3, 1_003))


def test_33_a_large_spec_is_a_spec() -> None:
    agents = "".join(f"  a{i}: {{provider: p{i % 1000}, model: m}}\n" for i in range(10_000))
    providers = "".join(f"  p{i}: {{base_url: 'http://localhost:{i + 1}'}}\n" for i in range(1_000))
    spec = read(f"{V}providers:\n{providers}agents:\n{agents}").spec
    assert (len(spec.agents), len(spec.providers)) == (10_000, 1_000)
    assert spec.source.origin(("agents", "a9999", "model")).line == 11_003


@pytest.mark.parametrize(
    ("text", "column", "length"),
    [
        ("agents: {日本: {provider: 5}}", 25, 1),
        ("agents: {a: {provider: 5}} # e\u0301", 24, 1),
        ("'e\u0301': 1", 1, 4),
        ("agents: {a: {provder: x}}", 14, 7),
        ("agents: {a: {'provder': x}}", 14, 9),
        ('defaults: {temperature: "a b"}', 25, 5),
    ],
)
def test_columns_count_characters_and_the_caret_covers_the_token(text: str, column: int, length: int) -> None:
    found = [item for item in read(V + text).diagnostics if item.rule != "bad-name"]
    assert [(item.origin.column, item.length) for item in found] == [(column, length)]


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {provider: openai, api_key: 49152635468129}",
        "defaults: {provider: openai, api_key: {keyring: CANARY-no-slash}}",
        "defaults: {provider: openai, api_key: {value: CANARY}}",
        "defaults: {provider: openai, api_key: [CANARY]}",
        "defaults: {provider: openai, headers: {X-Key: 49152635468129}}",
        'defaults: {provider: openai, headers: {X-Key: "CANARY\\n"}}',
        "defaults: {temperature: sk-ant-CANARY0123456789}",
        "defaults: {api: sk-ant-CANARY0123456789}",
        "agents: {sk-ant-CANARY0123456789$: {}}",
    ],
)
def test_12_no_message_shows_a_key(text: str) -> None:
    loaded = read(V + text)
    assert loaded.diagnostics
    said = " ".join(f"{item.message} {item.hint}" for item in loaded.diagnostics)
    assert "CANARY" not in said
    assert "49152635468129" not in said
