"""Reading files: whatever stands at a path, and finding the one that is meant."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from llmroute.errors import SpecError
from llmroute.load import from_file, from_str, read_file
from llmroute.load.files import MAX_BYTES, FileProblemError, decode, discover, split_pointer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

V = "version: 1\n"


def only(path: str | Path) -> Any:
    loaded = read_file(path)
    assert loaded.spec is None
    (found,) = loaded.diagnostics
    return found


def unreadable(kind: str, folder: Path) -> Path:
    place = folder / kind
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "loop":
        place.symlink_to(place)
    elif kind == "dangling":
        place.symlink_to(folder / "nowhere")
    return place


def test_a_folder_is_answered_with_the_file_that_may_be_meant(tmp_path: Path) -> None:
    assert only(tmp_path).hint == f"name the file in it: {tmp_path / 'routing.yaml'}"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    # Whoever runs the tests may be one who may read everything.
    monkeypatch.setattr(os, "open", refuse)
    assert only(tmp_path / "a.yaml").hint == f"let yourself read it: chmod u+r {tmp_path / 'a.yaml'}"


def test_what_is_not_utf_8_is_shown_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"version: 1\nagents: {\xe9: {}}\n")
    loaded = read_file(tmp_path / "a.yaml")
    assert [(item.origin.line, item.origin.column) for item in loaded.diagnostics] == [(2, 10)]
    assert loaded.source.lines[1] == "agents: {\ufffd: {}}"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("folder", "Is a directory"),
        ("fifo", "no regular file"),
        ("loop", "symbolic links"),
        ("dangling", "No such file"),
        ("missing", "No such file"),
        ("not\0a name", "it is no file name"),
    ],
)
def test_34_what_is_no_file_is_said_and_never_waited_for(kind: str, reason: str, tmp_path: Path) -> None:
    found = only(unreadable(kind, tmp_path))
    assert found.rule == "unreadable-file"
    assert reason in found.message
    assert (found.origin.line, found.origin.column) == (1, 1)


def test_34_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    assert only(tmp_path / "routing.yaml").hint == "llmroute init writes one"


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_34_a_device_is_no_file(device: str) -> None:
    assert "no regular file" in only(device).message


def test_34_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    assert "Permission denied" in only(tmp_path / "routing.yaml").message


def test_34_a_file_that_fails_while_it_is_read() -> None:
    # The memory of this process is a regular file, and nothing can be read at its beginning.
    assert "Input/output error" in only("/proc/self/mem").message


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_34_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"version: 1\nagents: {a: {provider: 5}}"))
    (found,) = read_file("-").diagnostics
    assert str(found.origin) == "<stdin>:2"


def test_34_a_part_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"llm: {version: 1}"))
    assert read_file("-#/llm").spec is not None


def test_34_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert "closed" in only("-").message


def test_21_a_file_of_16_mib_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    place = tmp_path / "routing.yaml"
    place.write_bytes((V + "#").encode().ljust(MAX_BYTES, b"#"))
    assert read_file(place).spec is not None
    place.write_bytes((V + "#").encode().ljust(MAX_BYTES + 1, b"#"))
    assert only(place).rule == "file-too-large"


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        ("version: 1\n# ü\n".encode("latin-1"), 2, 3, "byte 13 (0xfc)"),
        ("version: 1\n# ü ".encode() + b"\xe9\n", 2, 5, "byte 16 (0xe9)"),
        ("\ufeffversion: 1 ".encode() + b"\xe9\n", 1, 12, "byte 14 (0xe9)"),
        (b"version: 1\r# x\r\n# \xe9\n", 3, 3, "byte 18 (0xe9)"),
        (b"version: 1\n# \xed\xa0\x80\n", 2, 3, "byte 13 (0xed)"),
        (b"version: 1\n# \xc3", 2, 3, "byte 13 (0xc3)"),
        (b"\xc0\xaf", 1, 1, "byte 0 (0xc0)"),
        (V.encode("utf-16"), 1, 1, "UTF-16"),
        (V.encode("utf-16-be"), 1, 1, "UTF-16"),
        (V.encode("utf-16-le"), 1, 1, "UTF-16"),
        (V.encode("utf-32"), 1, 1, "UTF-32"),
        (V.encode("utf-32-be"), 1, 1, "UTF-32"),
        (V.encode("utf-32-le"), 1, 1, "UTF-32"),
        ("\ufeff".encode("utf-32-be"), 1, 1, "UTF-32"),
    ],
)
def test_30_what_is_not_utf_8(data: bytes, line: int, column: int, message: str, tmp_path: Path) -> None:
    place = tmp_path / "routing.yaml"
    place.write_bytes(data)
    found = only(place)
    assert found.rule == "bad-encoding"
    assert message in found.message
    assert (found.origin.line, found.origin.column) == (line, column)
    assert "UTF-8" in found.hint


def test_30_a_byte_order_mark_is_not_counted(tmp_path: Path) -> None:
    place = tmp_path / "routing.yaml"
    place.write_bytes("\ufeffversion: 2\n".encode())
    assert only(place).origin.column == 10


@pytest.mark.parametrize("data", [b"", b"\n", b"a"])
def test_30_short_files_have_no_encoding_to_complain_of(data: bytes) -> None:
    assert decode(data) == data.decode()


def test_30_the_error_is_of_one_kind() -> None:
    with pytest.raises(FileProblemError, match="byte 0"):
        decode(b"\x80")


# -- PATH#/pointer

LARGER = """\
tool: {theme: dark}
llm:
  version: 1
  agents: {a: {provider: openai, model: x}}
sets:
- version: 1
- {version: 1, agents: {b: {provder: x}}}
a/b: {x~y: {version: 1}}
"": {version: 1}
"""


@pytest.fixture
def larger(tmp_path: Path) -> Path:
    place = tmp_path / "tool.yaml"
    place.write_text(LARGER)
    return place


@pytest.mark.parametrize("part", ["/llm", "/sets/0", "/a~1b/x~0y", "llm"])
def test_a_part_of_a_larger_file(part: str, larger: Path) -> None:
    assert read_file(f"{larger}#{part}").spec is not None


def test_places_in_a_part_are_those_of_the_file(larger: Path) -> None:
    spec = from_file(f"{larger}#/llm")
    assert str(spec.source.origin(("agents", "a", "model"))) == f"{larger}:4"
    assert spec.source.origin(("agents", "a", "model")).column == 41
    found = only(f"{larger}#/sets/1")
    assert (found.origin.line, found.origin.column, found.pointer) == (7, 29, "/sets/1/agents/b/provder")


@pytest.mark.parametrize("part", ["", "/"])
def test_the_whole_file_has_no_version(part: str, larger: Path) -> None:
    assert {item.rule for item in read_file(f"{larger}#{part}").diagnostics} == {"unknown-key", "missing-field"}


@pytest.mark.parametrize(
    ("part", "message", "hint", "line"),
    [
        ("/nope/x", "no /nope in", "llm", 1),
        ("/llm/version/x", "no /llm/version/x in", "a single value", 3),
        ("/sets/7", "no /sets/7 in", "0, 1", 6),
        ("/sets/-1", "no /sets/-1 in", "0, 1", 6),
        ("/sets/01", "no /sets/01 in", "0, 1", 6),
        ("/a/b", "no /a in", "a/b", 1),
    ],
)
def test_a_pointer_that_leads_nowhere(part: str, message: str, hint: str, line: int, larger: Path) -> None:
    found = only(f"{larger}#{part}")
    assert found.rule == "bad-pointer"
    assert message in found.message
    assert hint in found.hint
    assert found.origin.line == line


def test_a_part_that_is_no_mapping(larger: Path) -> None:
    found = only(f"{larger}#/llm/version")
    assert (found.rule, found.origin.line, found.origin.column) == ("not-a-mapping", 3, 12)


def test_what_a_part_lacks_is_said_where_it_begins(tmp_path: Path) -> None:
    place = tmp_path / "part.yaml"
    place.write_text("other: 1\nllm:\n  defaults: {model: mock/x}\n")
    found = only(f"{place}#/llm")
    assert (found.rule, found.origin.line, found.origin.column) == ("missing-field", 3, 3)


def test_a_pointer_into_a_broken_file(tmp_path: Path) -> None:
    place = tmp_path / "tool.yaml"
    place.write_text("llm: {version: 1}\nllm: {version: 1}\n")
    assert only(f"{place}#/llm").rule == "duplicate-key"


def test_a_hash_in_the_name_of_a_folder_begins_no_pointer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "c#"
    folder.mkdir()
    (folder / "routing.yaml").write_text(LARGER)
    monkeypatch.chdir(tmp_path)
    assert read_file("c#/routing.yaml#/llm").spec is not None
    assert split_pointer("c#/routing.yaml") == ("c#/routing.yaml", "")
    assert split_pointer("missing#/a#b") == ("missing", "/a#b")


# -- Discovery


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in a folder that has a spec of its own, and a user with a spec."""
    (tmp_path / "routing.yaml").write_text(V)
    repository = tmp_path / "repository"
    (repository / "src" / "deep").mkdir(parents=True)
    (repository / ".git").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return repository


def own_spec(tmp_path: Path) -> Path:
    from platformdirs import user_config_path

    place = user_config_path("llmroute") / "routing.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(V)
    assert place.is_relative_to(tmp_path)
    return place


def test_the_variable_comes_first(project: Path) -> None:
    (project / "routing.yaml").write_text(V)
    assert discover({"LLMROUTE_SPEC": " other.yaml#/llm "}, project) == "other.yaml#/llm"
    assert discover({"LLMROUTE_SPEC": "  "}, project) == "routing.yaml"


def test_this_folder_then_its_parents(project: Path) -> None:
    (project / "routing.yaml").write_text(V)
    assert discover({}, project) == "routing.yaml"
    assert discover({}, project / "src" / "deep") == "../../routing.yaml"
    (project / "src" / "routing.yaml").write_text(V)
    assert discover({}, project / "src" / "deep") == "../routing.yaml"


def test_from_the_current_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "routing.yaml").write_text(V)
    monkeypatch.chdir(project / "src")
    assert discover({}) == "../routing.yaml"


@pytest.mark.parametrize("kind", ["folder", "worktree"])
def test_not_beyond_the_repository(kind: str, project: Path, tmp_path: Path) -> None:
    if kind == "worktree":
        (project / ".git").rmdir()
        (project / ".git").write_text("gitdir: elsewhere")
    assert discover({}, project / "src") is None
    own = own_spec(tmp_path)
    assert discover({}, project / "src") == str(own)


def test_without_a_repository_up_to_the_root(project: Path) -> None:
    (project / ".git").rmdir()
    assert discover({}, project / "src") == "../../routing.yaml"


def test_a_folder_of_that_name_is_no_spec(project: Path) -> None:
    (project / "routing.yaml").mkdir()
    assert discover({}, project) is None


def test_a_folder_that_was_removed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert discover({}) is None
    assert discover({}) is None
    own = own_spec(tmp_path)
    assert discover({}) == str(own)


# -- What is raised


@pytest.mark.parametrize("ask", [from_str, from_file])
def test_a_spec_error_holds_all_there_is(ask: Callable[[str], Any]) -> None:
    with pytest.raises(SpecError) as caught:
        ask("version: 2\nagentz: {}\n")
    assert caught.value.diagnostics
    assert str(caught.value).startswith("the spec has ")


def test_the_message_of_a_spec_error_is_readable() -> None:
    with pytest.raises(SpecError) as caught:
        from_str("version: 1\nagentz: {}\nproviders: 5\n", "routing.yaml")
    assert str(caught.value).splitlines() == [
        "the spec has 2 errors",
        "routing.yaml:2: unknown key 'agentz' [LR100 unknown-key] (did you mean 'agents'?)",
        "routing.yaml:3: providers must be a mapping, and 5 is a number [LR101 invalid-value]",
    ]


def test_one_error_is_one() -> None:
    with pytest.raises(SpecError, match=r"the spec has 1 error\n"):
        from_str("version: 2\n")
