"""The file behind `llmroute local`: which server of the user's own takes what no agent and no client has claimed.

It is read anew when it has changed, and judged each time it is read: nothing but a server of this machine or of a
private network can stand in it, so that it never moves a request to the internet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.dispatch.folders import shown, state_folder, write_private
from llmroute.errors import BadEnvironmentError
from llmroute.load.files import FileProblemError, read_text
from llmroute.routing.context import CLOUD_SUFFIXES
from llmroute.routing.diagnostics import Origin
from llmroute.routing.override import LocalOverride
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LEFT_OUT = "LLMROUTE_NO_LOCAL"
"""The variable that leaves the file out, whatever it holds."""
FILE_NAME = "local.json"
VERSION = 1


class Saved(NamedTuple):
    """What the file says."""

    base_url: str
    """In normal form; `local` or `lan`."""
    model: str | None = None
    api_key_env: str | None = None
    """The variable that holds the server's key."""
    enabled: bool = True
    """Whether it is switched on; what was chosen is kept while it is off."""


def override_path(environ: Mapping[str, str]) -> Path:
    """The file, whether it is there or not."""
    return state_folder(environ) / FILE_NAME


def saved(environ: Mapping[str, str]) -> Saved | None:
    """What the file says; None where there is none.

    Raises:
        BadEnvironmentError: it can't be read, or holds something else.
    """
    path = override_path(environ)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise _broken(path, f"it can't be read ({(exc.strerror or type(exc).__name__).lower()})") from exc
    try:
        return judged(json.loads(read_text(str(path))))
    except FileProblemError as problem:
        fault = str(problem)
    except (ValueError, RecursionError) as exc:
        fault = f"it is no JSON (line {exc.lineno})" if isinstance(exc, json.JSONDecodeError) else str(exc)
    raise _broken(path, fault)


def save(environ: Mapping[str, str], what: Saved) -> Path:
    """Write the file, and say where it is.

    Raises:
        ValueError: it could not be read back.
        OSError: it can't be written.
    """
    data = {"version": VERSION, **what._asdict()}
    judged(data)
    path = override_path(environ)
    write_private(path, json.dumps(data, indent=2) + "\n")
    return path


def active(environ: Mapping[str, str]) -> LocalOverride | None:
    """What a decision is told: None where nothing is switched on, or `LLMROUTE_NO_LOCAL` is set.

    Raises:
        BadEnvironmentError: the file is broken.
    """
    found = None if environ.get(LEFT_OUT, "").strip() else saved(environ)
    if found is None or not found.enabled:
        return None
    path = override_path(environ)
    return LocalOverride(found.base_url, found.model, found.api_key_env, str(path), shown(path, environ))


class Overrides:
    """Gives the override of each request: one `stat` while the file stays as it is."""

    def __init__(self) -> None:
        self._places: tuple[Mapping[str, str], Path] | None = None
        self._state: tuple[tuple[Any, ...], LocalOverride | None] | None = None

    def current(self, environ: Mapping[str, str]) -> LocalOverride | None:
        """What is switched on now; `environ` is a snapshot, the same mapping while nothing changes.

        Raises:
            BadEnvironmentError: the file is broken.
        """
        if environ.get(LEFT_OUT, "").strip():
            return None
        places = self._places  # one read each: another thread may replace it
        if places is None or places[0] is not environ:
            places = self._places = (environ, override_path(environ))
        path = places[1]
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return active(environ)  # which says what is wrong
        mark = (path, found.st_mtime_ns, found.st_ino, found.st_size)
        state = self._state
        if state is None or state[0] != mark:
            state = self._state = (mark, active(environ))
        return state[1]


_KINDS: Mapping[str, tuple[type, ...]] = {
    "version": (int,),
    "base_url": (str,),
    "model": (str, type(None)),
    "api_key_env": (str, type(None)),
    "enabled": (bool,),
}


def judged(data: Any) -> Saved:
    """The content of a file, or what is to become one.

    Raises:
        ValueError: it can't be used; the message says why.
    """
    if not isinstance(data, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - one kind of complaint about what was written
    for name, value in data.items():
        if name not in _KINDS:
            raise ValueError(f"it has a field {name!r}, which is unknown here")
        if not isinstance(value, _KINDS[name]) or (isinstance(value, str) and not _is_word(value)):
            raise ValueError(f"its field {name} holds no usable value")
    if data.get("version") != VERSION:
        raise ValueError(f"its version is not {VERSION}")
    if "base_url" not in data:
        raise ValueError("it names no base_url")
    found = Saved(**{name: value for name, value in data.items() if name != "version"})
    return found._replace(base_url=usable_url(found.base_url), model=usable_model(found.model))


def usable_url(text: str) -> str:
    """A base URL in normal form.

    Raises:
        ValueError: it is none, or it leads to the internet.
    """
    url = parse(text)
    if url.scheme == "mock":
        raise ValueError("its base_url is the mock's: name a server")
    if url.locality == "remote":
        raise ValueError(f"{url} is not on this machine or in a private network: write it into routing.yaml")
    return str(url)


def usable_model(name: str | None) -> str | None:
    """The name of a model, or None.

    Raises:
        ValueError: it is forwarded to a cloud.
    """
    if name is not None and name.lower().endswith(CLOUD_SUFFIXES):
        raise ValueError(f"{name} is forwarded to Ollama's cloud: write it into routing.yaml")
    return name


def _is_word(text: str) -> bool:
    """Whether it is a name: no white space, nothing that a terminal obeys."""
    return bool(text) and text.isprintable() and not any(char.isspace() for char in text)


def _broken(path: Path, fault: str) -> BadEnvironmentError:
    return BadEnvironmentError(
        f"the local override {path} can't be used: {fault}",
        hint="llmroute local off switches it off, llmroute local on URL MODEL writes it anew",
        origin=Origin("override", path=str(path)),
    )
