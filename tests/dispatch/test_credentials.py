"""Keys that stand in files and keyrings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from llmroute.dispatch import credentials
from llmroute.dispatch.credentials import LARGEST, key_of
from llmroute.errors import MissingKeyError
from llmroute.routing.diagnostics import Origin
from llmroute.routing.route import Credential, Secret, Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def target(source: str = "none", status: Any = "none", secret: str | None = None, variable: str = "") -> Target:
    credential = Credential(source, status, None if secret is None else Secret(secret), variable)
    return Target(
        provider="p",
        api="openai-chat",
        base_url="http://localhost:1/v1",
        model="m",
        locality="local",
        credential=credential,
        scope="agents.a",
        origin=Origin("file", "routing.yaml", 7),
    )


def test_no_key_was_declared() -> None:
    assert key_of(target()) is None


@pytest.mark.parametrize("value", ["sk-1", "sk-1\n", " sk-1\r\n"])
def test_a_key_that_is_set(value: str) -> None:
    assert key_of(target("env:K", "set", value, "K")) == "sk-1"


@pytest.mark.parametrize("value", ["sk-\n1", "sk 1", "sk-\x00", "ключ", "sk-\u200b1", "", " \n"])
def test_a_key_that_no_header_takes(value: str) -> None:
    with pytest.raises(MissingKeyError, match="env:K") as caught:
        key_of(target("env:K", "set", value, "K"))
    assert not value.strip() or value.strip() not in str(caught.value)


def test_a_missing_key() -> None:
    with pytest.raises(MissingKeyError) as caught:
        key_of(target("env:K", "missing", variable="K"))
    assert str(caught.value) == "no key for p/m: K is not set; chosen by agents.a (routing.yaml:7)\n  export K=…"


def test_a_dropped_key() -> None:
    with pytest.raises(MissingKeyError, match=r"belongs to another origin .*http://localhost:1/v1") as caught:
        key_of(target("env:K", "dropped", variable="K"))
    assert "beside the base_url that agents.a sets" in caught.value.hint


def test_a_missing_source_without_a_variable() -> None:
    with pytest.raises(MissingKeyError, match="inline is not there"):
        key_of(target("inline", "missing"))


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\ufeffsk-1\n", encoding="utf-8")
    assert key_of(target(f"file:{tmp_path}/key", "unread")) == "sk-1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "no such file"), (b"", "is empty"), (b"\xff", "no UTF-8"), (b"a" * (LARGEST + 1), "too long")],
)
def test_a_file_without_a_key(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingKeyError, match=problem) as caught:
        key_of(target(f"file:{path}", "unread"))
    assert str(path) in caught.value.message
    assert caught.value.origin is not None


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match="can't be read"):
        key_of(target(f"file:{tmp_path}", "unread"))


class Ring(KeyringBackend):
    """A keyring with one entry."""

    priority = 1  # type: ignore[assignment] # a class property there

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("no")
        return "sk-ring\n" if (service, username) == ("llmroute", "a/b") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_a_keyring() -> None:
    assert key_of(target("keyring:llmroute/a/b", "unread")) == "sk-ring"
    with pytest.raises(MissingKeyError, match="entry llmroute/x is not there") as caught:
        key_of(target("keyring:llmroute/x", "unread"))
    assert caught.value.hint == "keyring set llmroute x"
    with pytest.raises(MissingKeyError, match=r"can't be read \(KeyringLocked\)"):
        key_of(target("keyring:locked/x", "unread"))


def test_a_keyring_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingKeyError, match="not installed") as caught:
        key_of(target("keyring:llmroute/x", "unread"))
    assert "llmroute[keyring]" in caught.value.hint
