"""Records whose repr shows no content: reprs end up in logs, tracebacks and error trackers."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

_T = TypeVar("_T")


def quiet(*hidden: str) -> Callable[[type[_T]], type[_T]]:
    """Class decorator for dataclasses and named tuples: fields `hidden` (strings, mappings) show their size alone.

    >>> from dataclasses import dataclass
    >>> @quiet("text")
    ... @dataclass
    ... class Note:
    ...     text: str
    ...     pinned: bool = False
    >>> Note("my secret")
    Note(text=<9 characters>, pinned=False)
    """

    def decorate(cls: type[_T]) -> type[_T]:
        names: tuple[str, ...] = getattr(cls, "_fields", ())
        if is_dataclass(cls):
            names = tuple(item.name for item in fields(cls) if item.repr)

        def shown(self: object) -> str:
            values = ((name, getattr(self, name)) for name in names)
            said = [f"{name}={_size(value) if name in hidden else repr(value)}" for name, value in values]
            return f"{cls.__name__}({', '.join(said)})"

        cls.__repr__ = shown  # type: ignore[method-assign]
        return cls

    return decorate


def _size(value: Sized | None) -> str:
    if not value:
        return repr(value)
    return f"<{len(value)} {'characters' if isinstance(value, str) else 'fields'}>"
