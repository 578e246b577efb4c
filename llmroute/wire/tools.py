"""What all wire formats share about tools: names and ids that they accept, schemas, and which call has a result."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from llmroute.errors import ConversionError
from llmroute.wire.message import ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmroute.wire.message import Message
    from llmroute.wire.request import ChatRequest, Tool

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""OpenAI, FunctionDefinition; Anthropic takes 128 characters, 64 suit both."""
_NOT_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
"""Anthropic Messages API, `tool_use.id`."""
_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def valid_name(name: str) -> str:
    """A name that every API accepts; valid ones stay as they are.

    >>> valid_name("files.read"), valid_name("read")
    ('files_read_601e4eb6', 'read')
    """
    if _NAME.fullmatch(name):
        return name
    return f"{_NOT_NAME.sub('_', name)[:55]}_{_digest(name).hex()[:8]}"


def valid_id(given: str) -> str:
    """An id that Anthropic accepts.

    >>> valid_id("call_1"), valid_id("call:1")
    ('call_1', 'call_0af6315558b41599b4a0fbfa')
    """
    return given if _ID.fullmatch(given) else f"call_{_digest(given).hex()[:24]}"


def mistral_id(given: str) -> str:
    """An id that Mistral accepts: nine letters and digits.

    >>> mistral_id("abcDEF123"), mistral_id("call_1")
    ('abcDEF123', 'bU09E4FDZ')
    """
    if _MISTRAL_ID.fullmatch(given):
        return given
    number = int.from_bytes(_digest(given)[:8])
    letters = []
    for _ in range(9):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def injective(given: Iterable[str], valid: Callable[[str], str]) -> dict[str, str]:
    """Each string and its valid form; no two share one, and a string that is valid already keeps itself.

    >>> injective(["a.b", "a_b_2e9aaf39"], valid_name) == {"a.b": valid_name("a.b"), "a_b_2e9aaf39": "a_b_2e9aaf39"}
    True
    """
    unique = dict.fromkeys(given)
    result = {name: name for name in unique if valid(name) == name}
    taken = set(result)
    for name in unique:
        if name in result:
            continue
        form, salt = valid(name), 0
        while form in taken:
            salt += 1
            form = valid(f"{name}\0{salt}")
        result[name] = form
        taken.add(form)
    return result


def tool_names(request: ChatRequest) -> dict[str, str]:
    """The tool names of the request and of its history, each with its valid form.

    Raises:
        ConversionError: a name is empty, or two tools share one.
    """
    names = [tool.name for tool in request.tools]
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            problem = f"the tool name {name!r} stands twice" if name else "a tool has no name"
            raise ConversionError(problem, pointer=f"/tools/{i}/name")
    if request.tool_choice is not None and request.tool_choice.name is not None:
        names.append(request.tool_choice.name)
    names += [call.name for message in request.messages for call in message.tool_calls]
    return injective(names, valid_name)


ANSWER = ""
"""In place of a tool's name, which is never empty: the arguments of the call are the answer itself."""


def renamed(names: Mapping[str, str]) -> dict[str, str]:
    """The way back, for the names that changed."""
    return {form: name for name, form in names.items() if form != name}


def call_ids(messages: Iterable[Message], valid: Callable[[str], str]) -> dict[str, str]:
    """The ids of all calls and results, each with its valid form."""
    given: list[str] = []
    for message in messages:
        for part in message.content:
            if isinstance(part, ToolCall):
                given.append(part.id)
            elif isinstance(part, ToolResult):
                given.append(part.tool_call_id)
    return injective(given, valid)


def check_pairs(messages: Sequence[Message]) -> None:
    """Every call has one result before the next turn, and every result has its call.

    Raises:
        ConversionError: with the pointer of the message that breaks it.
    """
    open_ids: dict[str, int] = {}
    for i, message in enumerate(messages):
        if message.role == "tool":
            for j, result in enumerate(message.content):
                if isinstance(result, ToolResult) and open_ids.pop(result.tool_call_id, None) is None:
                    raise ConversionError(
                        f"a tool result for {result.tool_call_id!r}, which no call before it awaits",
                        pointer=f"/messages/{i}/content/{j}",
                    )
            continue
        _check_answered(open_ids)
        for call in message.tool_calls:
            if call.id in open_ids:
                raise ConversionError(f"two calls share the id {call.id!r}", pointer=f"/messages/{i}")
            open_ids[call.id] = i
    _check_answered(open_ids)


def _check_answered(open_ids: Mapping[str, int]) -> None:
    for call_id, i in open_ids.items():
        raise ConversionError(f"the tool call {call_id!r} has no result", pointer=f"/messages/{i}")


_CHOICES = ("anyOf", "oneOf", "allOf")
_BESIDE = frozenset({"type", "title", "description", "$schema", "$defs", "definitions", *_CHOICES})
"""Keywords that mean the same beside a choice and inside of its only branch."""


def _without_choice(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its root choice resolved where there is only one object to choose; else as it is.

    >>> _without_choice({"allOf": [{"type": "object", "required": ["a"]}], "title": "t"})
    {'title': 't', 'type': 'object', 'required': ['a']}
    """
    words = [word for word in _CHOICES if word in schema]
    branches = schema[words[0]] if len(words) == 1 else None
    if not isinstance(branches, list) or len(branches) != 1 or not schema.keys() <= _BESIDE:
        return schema
    (branch,) = branches
    rest = {key: value for key, value in schema.items() if key != words[0]}
    if not isinstance(branch, dict) or branch.get("type") != "object" or rest.get("type", "object") != "object":
        return schema
    return schema if (branch.keys() & rest.keys()) - {"type"} else {**rest, **branch}


def input_schema(name: str, schema: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The schema of a tool's arguments as an object schema, which Anthropic wants at the root.

    Raises:
        ConversionError: the root is no object, or a choice between schemas.
    """
    schema = _without_choice(schema)
    for keyword in _CHOICES:
        if keyword in schema:
            raise ConversionError(f"the schema of tool {name!r} has {keyword} at its root", pointer=f"{at}/{keyword}")
    if schema.get("type", "object") != "object":
        raise ConversionError(f"the schema of tool {name!r} describes no object", pointer=f"{at}/type")
    return {"type": "object", **({"properties": {}} if not schema else {}), **schema}


def check_plain(tool: Tool, api: str, at: str) -> None:
    """The tool takes arguments, and no plain text.

    Raises:
        ConversionError: it is a custom tool, which `api` does not have.
    """
    if tool.custom:
        raise ConversionError(f"the custom tool {tool.name!r} has no equivalent in {api}", pointer=at)


def check_choice(request: ChatRequest, *, others: bool = False) -> None:
    """A tool that must be called is there; `others`: there are tools of the API itself too.

    Raises:
        ConversionError: it is not, or there are no tools.
    """
    choice = request.tool_choice
    if choice is None:
        return
    known = {tool.name for tool in request.tools}
    for i, name in enumerate(choice.allowed):
        if name not in known:
            raise ConversionError(f"no tool is called {name!r}", pointer=f"/tool_choice/allowed/{i}")
    if choice.mode in {"auto", "none"} or others:
        return
    if not request.tools:
        raise ConversionError("a tool must be called, but there are no tools", pointer="/tool_choice")
    if choice.name is not None and choice.name not in known:
        raise ConversionError(f"no tool is called {choice.name!r}", pointer="/tool_choice/name")
