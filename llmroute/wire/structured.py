"""Answers that must have a form: their text as what a pydantic model makes of it."""

from __future__ import annotations

from typing import TypeVar

from llmroute.errors import ReplyFormatError
from llmroute.wire import shape

M = TypeVar("M")


def parsed(text: str, model: type[M], *, cut: bool = False) -> M:
    """The JSON in a text, validated; `cut` says that the text ended too early.

    pydantic is loaded when this is called.

    >>> parsed("[1, 2]", list[int])
    [1, 2]

    Raises:
        ReplyFormatError: the text is no such JSON.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(model).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    # Raised out here: the exception of pydantic quotes the text. Its words for broken JSON say line and column alone.
    what = str(first.get("ctx", {}).get("error")) if first["type"] == "json_invalid" else first["type"]
    name = getattr(model, "__name__", str(model))
    before = "the answer was cut, and its text is no" if cut else "the text of the answer is no"
    raise ReplyFormatError(f"{before} {name}: {what}", raw=text, pointer=shape.pointer("", *first["loc"]))
