"""A spec in the making: what is put into it is fit to stand there, whatever the configuration held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.importers.document import ImportProblem
from llmroute.routing.interpolation import syntax_error, variables
from llmroute.routing.secrets import begins_like_a_key
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.importers.document import Document, Path
    from llmroute.routing.urls import Url

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@/-]{0,127}")
_PROVIDER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ONE_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^${}]*)?\}")
_NO_KEY = re.compile(r"[^A-Za-z0-9_.-]+")
"""What stands around a key."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "max_tokens": (1, 1_000_000_000),
    "context_window": (1, 1_000_000_000),
    "timeout": (0.001, 86_400),
    "max_retries": (0, 100),
}
"""What the numbers of a spec may be."""
WHOLE = frozenset({"max_tokens", "context_window", "max_retries"})
NOT_ABOUT_MODELS = "not about models"


class Place(NamedTuple):
    """A value of a configuration, and where it stands."""

    document: Document
    path: Path

    @property
    def value(self) -> Any:
        """The value; None where there is none."""
        found: Any = self.document.value
        for step in self.path:
            if isinstance(found, dict):
                found = found.get(step)
            else:
                found = found[step] if isinstance(found, list) and isinstance(step, int) else None
        return found

    @property
    def line(self) -> int:
        """Its line."""
        return self.document.line(self.path)

    @property
    def name(self) -> str:
        """Its path as people write it."""
        return ".".join(map(str, self.path))

    def at(self, *path: str | int) -> Place:
        """A value inside of this one."""
        return Place(self.document, (*self.path, *path))

    def names(self) -> tuple[str, ...]:
        """The keys, where this is a mapping.

        Raises:
            ImportProblem: it is something else.
        """
        value = self.value
        if value is None:
            return ()
        if not isinstance(value, dict):
            raise self.problem("is no mapping")
        return tuple(value)

    def problem(self, what: str, hint: str = "") -> ImportProblem:
        """The complaint about this value; its text is not in it."""
        return ImportProblem(f"{printable(self.name)} {what}" if self.path else what, self.line, hint)

    def text(self) -> str | None:
        """A text without the white space around it; None where nothing, or an empty one, stands.

        Raises:
            ImportProblem: it is something else, or holds what looks like a key.
        """
        value = self.value
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            raise self.problem("is no text")
        text = value.strip()
        if not text.isprintable():
            raise self.problem("holds a line break or a control character")
        if any(map(begins_like_a_key, _NO_KEY.split(text))):
            raise self.problem("holds what looks like a key", "keys stay in variables")
        return text

    def url(self) -> str | None:
        """A base URL as it may stand in a spec.

        Raises:
            ImportProblem: it is none.
        """
        text = self.text()
        if text is None:
            return None
        if self.document.expands and "$" in text and not syntax_error(text) and variables(text):
            return text
        try:
            parse(text)
        except ValueError:
            hint = "http:// or https://, host, port and path; no user name, no query"
            raise self.problem("is no base URL that can be used", hint) from None
        return escaped(text)

    def named(self) -> str | None:
        """The name of an agent or a purpose.

        Raises:
            ImportProblem: no name can be written like that.
        """
        text = self.text()
        if text is not None and not _NAME.fullmatch(text):
            raise self.problem("is no name", "letters, digits and _ . : @ / -")
        return text


class Draft:
    """The spec that an importer fills."""

    def __init__(self, source: str) -> None:
        self.source = printable(source)
        """The name of the file that is read."""
        self.spec: dict[str, Any] = {"version": 1}
        self.notes: dict[tuple[str, ...], list[str]] = {}
        """Comments, by the path of what they stand above."""
        self.left_out: list[str] = []
        """What is not carried over."""

    def put(self, path: tuple[str, ...], value: Any, note: str = "") -> None:
        """Write a value, with a comment above it."""
        *steps, last = path
        inner = self.spec
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = value
        if note:
            self.note(path, note)

    def note(self, path: tuple[str, ...], text: str) -> None:
        """Write a comment above what stands at a path."""
        self.notes.setdefault(path, []).append(printable(text))

    def leave(self, place: Place, why: str) -> None:
        """Say that something is not carried over, and why."""
        self.left_out.append(printable(f"{self.source}:{place.line} {place.name}: {why}"))

    def leave_others(self, place: Place, known: tuple[str, ...], why: str = "no setting that is known of it") -> None:
        """Say it of all keys that an importer does not know."""
        for key in place.names():
            if key not in known:
                self.leave(place.at(key), why)

    def number(self, path: tuple[str, ...], place: Place) -> None:
        """Carry a number over, where it is one that a spec may have."""
        value, name = place.value, str(path[-1])
        if value is None or value == "":
            return
        number = _number(value)
        least, most = BOUNDS[name]
        if number is None or not least <= number <= most or (name in WHOLE and number != int(number)):
            self.leave(place, f"{name} is a number from {least:g} to {most:,} here")
            return
        self.put(path, int(number) if number == int(number) else number)

    def key(self, path: tuple[str, ...], place: Place, variable: str, *, url: str | None = None) -> None:
        """Carry a key over: as the variable that holds it, never as the key; `url` is where it would go."""
        value = place.value
        if value is None or value == "":
            return
        written = value.strip() if isinstance(value, str) else ""
        if place.document.expands and _ONE_VARIABLE.fullmatch(written):
            self.key_variable(path, place, written, url=url)
        elif self.key_variable(path, place, f"${{{variable}{':-' if _is_near(url) else ''}}}", url=url):
            self.note(path, f"The key in {self.source}:{place.line} is not copied: set {variable}, and replace it.")

    def key_variable(self, path: tuple[str, ...], place: Place, reference: str, *, url: str | None = None) -> bool:
        """Write the variable of a key; False where it would travel over plain HTTP to another machine."""
        if url is not None and _in_the_clear(url):
            self.leave(place, "a key would travel in the clear; use https://, or write allow_http: true beside it")
            return False
        self.put(path, reference)
        return True


def model_text(place: Place) -> str | None:
    """A model as it may stand in a spec."""
    text = place.text()
    if text is None or (place.document.expands and variables(text) and not syntax_error(text)):
        return text
    return escaped(text)


def escaped(text: str) -> str:
    """A text in which no dollar begins a variable.

    >>> escaped("a$b")
    'a$$b'
    """
    return text.replace("$", "$$")


def printable(text: str) -> str:
    """A text that fits into one line of comment."""
    return "".join(char if char.isprintable() else "?" for char in text)[:200]


def provider_name(text: str) -> str:
    """A name for a provider that begins as the text does.

    >>> provider_name("my host/1"), provider_name("")
    ('my-host-1', 'provider')
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:100]
    return name if _PROVIDER_NAME.fullmatch(name) else "provider"


def variable_name(place: Place) -> str | None:
    """The name of a variable, or None.

    Raises:
        ImportProblem: it is another text; a key that stands where its variable should be is not shown.
    """
    text = place.text()
    if text is not None and not _VARIABLE.fullmatch(text):
        raise place.problem("is no name of a variable")
    return text


def vendor_variable(provider: str) -> str:
    """The variable of a provider's key.

    >>> vendor_variable("anthropic"), vendor_variable("my-box")
    ('ANTHROPIC_API_KEY', 'MY_BOX_API_KEY')
    """
    preset = PRESETS.get(provider)
    made = re.sub(r"[^A-Za-z0-9]+", "_", provider).upper()
    return (preset.key_variable if preset else None) or f"{made if made[:1].isalpha() else '_' + made}_API_KEY"


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _in_the_clear(url: str) -> bool:
    found = _parsed(url)
    return found is not None and found.scheme == "http" and found.locality == "remote"


def _is_near(url: str | None) -> bool:
    """Whether a server is on this machine, where a key is seldom asked for."""
    found = None if url is None else _parsed(url)
    return found is not None and found.locality == "local"


def _parsed(url: str) -> Url | None:
    """The URL; None for one with a variable in it."""
    try:
        return parse(url)
    except ValueError:
        return None
