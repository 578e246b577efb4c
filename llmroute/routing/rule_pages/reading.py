"""LR001 to LR017: reading the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.routing.rule_pages.page import Example, Page, example

if TYPE_CHECKING:
    from collections.abc import Mapping

_FINE = example("""
    version: 1
    defaults: {model: ollama/llama3.1:8b}
""")
_LAUGHS = example("""
    version: 1
    defaults:
      model: ollama/llama3.1:8b
      metadata:
        a: &a [x, x, x, x, x, x, x, x, x, x]
        b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
        d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
        e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
        f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
        g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
""")

READING: Mapping[str, Page] = {
    "unreadable-file": Page(
        why="The file is not there, is a folder, a pipe or a device, or may not be read by you. Nothing is decided "
        "on the strength of a file that could not be read.",
        bad=replace(_FINE, command="llmroute validate rooting.yaml"),
        good=replace(_FINE, command="llmroute validate routing.yaml"),
        fix="Check the name and the permissions. `llmroute init` writes a new file; `-` reads standard input.",
    ),
    "file-too-large": Page(
        why="A spec of 10,000 agents has 2 MB. A file of more than 16 MiB is something else, named by mistake, and is "
        "not read to its end.",
        bad=Example("", command="head -c 17000000 /dev/zero | tr '\\0' '#' | llmroute validate -"),
        good=replace(_FINE, command="llmroute validate - < routing.yaml"),
        fix="Name the spec itself. An agent named `*` takes in all agents that need no entry of their own.",
    ),
    "bad-encoding": Page(
        why="A spec is UTF-8, with or without a byte order mark. Other encodings would give other names and keys on "
        "other machines. Half of a surrogate pair, written as an escape, is no character in any encoding.",
        bad=Example("", command="printf 'version: 1  # caf\\351\\n' | llmroute validate -"),
        good=Example("", command="printf 'version: 1  # caf\\303\\251\\n' | llmroute validate -"),
        fix="Save the file as UTF-8. From Latin-1: `iconv -f latin1 -t utf-8 old.yaml > routing.yaml`.",
    ),
    "yaml-syntax": Page(
        why="The text is not YAML. The place is the one where reading stopped; the cause often stands one line above.",
        bad=example("""
            version: 1
            agents:
              *: {provider: ollama}
        """),
        good=example("""
            version: 1
            providers: {ollama: {model: llama3.1:8b}}
            agents:
              "*": {provider: ollama}
        """),
        fix="Indent with spaces. Quote a text that begins with `*`, `&`, `!`, `@` or `%`, or that holds a colon "
        "followed by a space.",
    ),
    "empty-spec": Page(
        why="The file is empty, or holds comments only. An empty spec would be one that decides nothing, and is more "
        "likely a file that was cut short.",
        bad=Example("# routing for my tool\n"),
        good=_FINE,
        fix="Begin with `version: 1`, or let `llmroute init` write a file.",
    ),
    "not-a-mapping": Page(
        why="A spec is a mapping: settings under names. A list or a single value at its top can't be one.",
        bad=example("""
            - version: 1
            - defaults: {model: ollama/llama3.1:8b}
        """),
        good=_FINE,
        fix="Take the dashes away, or name the part that is the spec: `PATH#/pointer`.",
    ),
    "multiple-documents": Page(
        why="A line `---` begins a second document. One of the two would be read and the other not, and nobody could "
        "see which.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b}
            ---
            version: 1
            defaults: {model: openai/gpt-6-luna}
        """),
        good=_FINE,
        fix="Keep one document a file. Choose between files with `--spec` or `LLMROUTE_SPEC`.",
    ),
    "duplicate-key": Page(
        why="The same key stands twice in one mapping. Most YAML readers keep the last one without a word, so the "
        "first, which a person reads first, has no effect.",
        bad=example("""
            version: 1
            agents:
              reviewer: {model: ollama/llama3.1:8b}
              reviewer: {model: openai/gpt-6-sol}
        """),
        good=example("""
            version: 1
            agents:
              reviewer: {model: openai/gpt-6-sol}
        """),
        fix="Keep one of them. The diagnostic names the line of the first.",
    ),
    "yaml-tag": Page(
        why="A tag such as `!env` or `!!python/object` asks the reader of the file to run something. Nothing in a spec "
        "is run.",
        bad=example("""
            version: 1
            providers:
              gpu-box: {base_url: "http://192.168.1.20:8000/v1", api_key: !env GPU_BOX_KEY}
        """),
        good=example("""
            version: 1
            providers:
              gpu-box: {base_url: "https://gpu-box.example/v1", api_key: "${GPU_BOX_KEY}"}
        """),
        fix="Write `${VARIABLE}` for a variable, `{file: PATH}` for a file, and quotes around what must be a text.",
    ),
    "too-many-aliases": Page(
        why="Aliases that stand inside of each other multiply: a few lines become millions of values. A document may "
        "have 1,000 aliases, and 5 million values once they are written out.",
        bad=_LAUGHS,
        good=example("""
            version: 1
            defaults: &common
              model: ollama/llama3.1:8b
            agents:
              picker: *common
        """),
        fix="Write the values out, or say once, in `defaults` or in the agent `*`, what holds for many.",
    ),
    "recursive-alias": Page(
        why="An alias inside of its own anchor is a document that never ends.",
        bad=example("""
            version: 1
            defaults:
              metadata: &here {again: *here}
        """),
        good=example("""
            version: 1
            defaults:
              model: ollama/llama3.1:8b
              metadata: {again: here}
        """),
        fix="Take the alias away, or move the anchor to what you mean.",
    ),
    "too-deep": Page(
        why="A spec is at most 64 levels deep. Deeper ones come from a generator that went wrong, or from somebody who "
        "wants a reader to fall over.",
        bad=Example(f"version: 1\ndefaults:\n  metadata:\n    a: {'[' * 64}\n      {']' * 64}\n"),
        good=Example("version: 1\ndefaults:\n  model: ollama/llama3.1:8b\n  metadata: {a: [[x]]}\n"),
        fix="Look at the program that wrote the file. Only `metadata` and `extra_body` can be deep at all.",
    ),
    "ambiguous-scalar": Page(
        why="A number with a leading zero is eight-based in YAML 1.1 and ten-based in YAML 1.2: `010` is 8 for one "
        "program and 10 for the next.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, seed: 010}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, seed: 10}
        """),
        fix='Write a number without the leading zero, and a text in quotes: `"010"`.',
    ),
    "key-type": Page(
        why="Keys are texts. YAML reads `1:` as a number, `true:` as a truth value and `~:` as nothing; a name that "
        "was meant would never be found.",
        bad=example("""
            version: 1
            agents:
              1: {model: ollama/llama3.1:8b}
        """),
        good=example("""
            version: 1
            agents:
              "1": {model: ollama/llama3.1:8b}
        """),
        fix="Quote the key.",
    ),
    "number-not-finite": Page(
        why="`.inf` and `.nan` are numbers in YAML, and no setting can have them: a wait without an end is a program "
        "that hangs, and nothing is smaller or larger than `.nan`.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, timeout: .inf}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, timeout: 3600}
        """),
        fix="Write a number. The longest timeout is a day: 86400.",
    ),
    "number-range": Page(
        why="The number is larger than any setting, or than the 64 bits that servers read.",
        bad=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, seed: 123456789012345678901234567890}
        """),
        good=example("""
            version: 1
            defaults: {model: ollama/llama3.1:8b, seed: 1234567890}
        """),
        fix="Write a smaller number, or quote it where a text is meant.",
    ),
    "bad-pointer": Page(
        why="`PATH#/a/b` reads a part of a larger YAML file, and this part is not in it. The hint lists what is there.",
        bad=replace(
            example("""
            name: my-tool
            llm:
              version: 1
              defaults: {model: ollama/llama3.1:8b}
        """),
            command="llmroute validate 'routing.yaml#/lm'",
        ),
        good=replace(
            example("""
            name: my-tool
            llm:
              version: 1
              defaults: {model: ollama/llama3.1:8b}
        """),
            command="llmroute validate 'routing.yaml#/llm'",
        ),
        fix="Correct the pointer (RFC 6901: `~1` stands for a `/` in a key, `~0` for a `~`).",
    ),
}
