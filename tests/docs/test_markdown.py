"""The reader of Markdown behind the tests of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.markdown import Block, Command, agrees, anchors, blocks, commands, links
from tests.docs.refill import refilled

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """\
# A page, and more

[one](a.md) [two](#a-page-and-more) [out](https://example.org)

```yaml routing.yaml
version: 1
```

```console
$ first
out
  more
$ second \\
  line
```

```text
[no link](gone.md)
# no heading
```
"""


def test_blocks_have_a_language_words_and_a_body() -> None:
    yaml, console, text = blocks(PAGE)
    assert yaml == Block("yaml", ("routing.yaml",), "version: 1\n")
    assert yaml.file == "routing.yaml"
    assert (console.file, text.language) == (None, "text")


def test_commands_have_a_line_and_an_output() -> None:
    assert list(commands(blocks(PAGE)[1].body)) == [Command("first", "out\n  more\n"), Command("second   line", "")]


def test_links_and_headings_stand_outside_of_blocks() -> None:
    assert links(PAGE) == ["a.md", "#a-page-and-more"]
    assert anchors(PAGE) == {"a-page-and-more"}


def test_an_output_agrees_with_what_is_shown() -> None:
    assert agrees("a … c\n", "a b\nb c")
    assert agrees("\na  \nb\n", "a\nb")
    assert not agrees("a", "ab")
    assert not agrees("a.c", "abc")


def test_outputs_are_written_anew(tmp_path: Path) -> None:
    page = "```text note.txt\nhello\n```\n\n```console\n$ cat note.txt\nold\n$ echo 1 2 3\n1 … 3\n$ true\n```\n"
    assert refilled(page, tmp_path) == page.replace("old", "hello")
