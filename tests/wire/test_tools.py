"""Names and ids: valid, distinct, and the way back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.wire.chat import ChatRequest, ToolCall, assistant, tool_result
from llmroute.wire.tools import call_ids, injective, mistral_id, renamed, tool_names, valid_id, valid_name

FORMS = {
    valid_name: re.compile(r"[a-zA-Z0-9_-]{1,64}"),
    valid_id: re.compile(r"[a-zA-Z0-9_-]+"),
    mistral_id: re.compile(r"[a-zA-Z0-9]{9}"),
}


@pytest.mark.parametrize("valid", FORMS, ids=lambda function: function.__name__)
@given(given_names=st.lists(st.text(max_size=130)))
def test_injective(valid: object, given_names: list[str]) -> None:
    """Lone surrogates too: they are refused later, with their own error."""
    form = FORMS[valid]  # type: ignore[index]
    result = injective(given_names, valid)  # type: ignore[arg-type]
    assert result.keys() == set(given_names)
    assert len(set(result.values())) == len(result)
    for name, written in result.items():
        assert form.fullmatch(written)
        assert written == name or not form.fullmatch(name)


@pytest.mark.parametrize("length", [1, 64, 65, 128, 129])
def test_lengths(length: int) -> None:
    name = "x" * length
    assert (valid_name(name) == name) == (length <= 64)


def test_ids_of_mistral_stay() -> None:
    assert mistral_id("abcDEF123") == "abcDEF123"


def test_a_form_that_is_taken() -> None:
    """The name that another one would be turned into is already there, and keeps itself."""
    result = injective(["a.b", valid_name("a.b")], valid_name)
    assert result[valid_name("a.b")] == valid_name("a.b")
    assert result["a.b"] != valid_name("a.b")


def test_history_is_renamed_with_the_tools() -> None:
    request = ChatRequest((assistant(tool_calls=[ToolCall("1", "a.f", "{}")]), tool_result("1", "x")))
    names = tool_names(request)
    assert renamed(names) == {names["a.f"]: "a.f"}
    assert call_ids(request.messages, valid_id) == {"1": "1"}
