"""`Reply.parse`: the text as a model, or an error that quotes nothing of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel

from llmroute.errors import ReplyFormatError
from llmroute.wire.chat import Reply, assistant


class Answer(BaseModel):
    sizes: list[int]


def test_the_text_becomes_the_model() -> None:
    assert Reply(assistant('{"sizes": [1, 2]}')).parse(Answer) == Answer(sizes=[1, 2])
    assert Reply(assistant("[1]")).parse(list[int]) == [1]


@pytest.mark.parametrize(
    ("text", "pointer", "what"),
    [
        ('{"sizes": [1, "secret"]}', "/sizes/1", "int_parsing"),
        ("{}", "/sizes", "missing"),
        ('{"sizes": ["secret', "", "line 1 column 18"),
        ("secret", "", "line 1 column 1"),
    ],
)
def test_an_error_says_where_and_quotes_nothing(text: str, pointer: str, what: str) -> None:
    with pytest.raises(ReplyFormatError) as caught:
        Reply(assistant(text)).parse(Answer)
    assert (caught.value.raw, caught.value.pointer) == (text, pointer)
    assert what in str(caught.value)
    assert "secret" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__context__ is None


def test_a_cut_answer_is_called_so() -> None:
    with pytest.raises(ReplyFormatError, match="was cut"):
        Reply(assistant('{"sizes": ['), stop_reason="length").parse(Answer)


def test_pydantic_is_loaded_by_parse_alone() -> None:
    code = "import sys, llmroute.wire.chat; print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"
