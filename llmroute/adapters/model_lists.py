"""Which models a server has: the list, in the form of each API, and what the server tells of each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from llmroute.adapters.failures import context, malformed, where
from llmroute.adapters.model_facts import facts_of, name_of, rows_of
from llmroute.adapters.questions import url_at
from llmroute.catalog.model_lists import LISTS
from llmroute.errors import (
    CallError,
    ConnectError,
    DeadlineError,
    MalformedReplyError,
    ModelNotFoundError,
    RequestError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmroute.adapters.base import Endpoint
    from llmroute.adapters.questions import Questions

MOST = 10_000
"""No list is longer."""
MOST_SHOWN = 200
"""So many models of an Ollama are asked what they can do."""
_PAGES = 50
_NO_SUCH_LIST = (ModelNotFoundError, MalformedReplyError, RequestError)
"""What a server answers that does not know the path."""


class Model(NamedTuple):
    """One model, as its server speaks of it."""

    name: str
    facts: Mapping[str, Any]
    """Some of the fields of `llmroute.catalog.models.Capabilities`; `chat`: False for one that can't."""


def list_models(questions: Questions, preset: str | None) -> tuple[Model, ...]:
    """The models of the server, in its order; `preset` says what it is, None asks it.

    Raises:
        CallError: it can't be reached, refuses, or has no list.
    """
    endpoint = questions.call.endpoint
    if endpoint.api == "mock":
        return ()
    if endpoint.api == "oci-genai":
        from llmroute.adapters.oci_models import chat_models

        return _of_rows(chat_models(questions.call))
    if endpoint.api == "litellm":
        raise RequestError(f"{where(endpoint)}: LiteLLM asks no provider for its models", **context(endpoint))
    if endpoint.api == "anthropic-messages":
        return _of_rows(_pages(questions))
    if endpoint.api == "ollama-chat" or preset == "ollama":
        return _of_ollama(questions)
    try:
        found = _in_own_words(questions, preset)
    except _NO_SUCH_LIST:
        found = None  # a server of another kind, or an older one
    return _of_rows(_rows(questions, url_at(endpoint, "/models"))) if found is None else found


def _in_own_words(questions: Questions, preset: str | None) -> tuple[Model, ...] | None:
    """The list that says more than `models`; None where none is known."""
    endpoint = questions.call.endpoint
    place = LISTS.get(preset or "")
    if place is not None and endpoint.base_url.endswith(place.instead_of):
        return _of_rows(_rows(questions, url_at(endpoint, place.path, without=place.instead_of)))
    nobody_said = preset is None and endpoint.provider is None and endpoint.locality != "remote"
    return _of_ollama(questions) if nobody_said else None


def ollama_url(endpoint: Endpoint, path: str) -> str:
    """A path of Ollama's own API; a base URL may name its OpenAI-compatible side."""
    return url_at(endpoint, path, without="/v1")


def _rows(questions: Questions, url: str) -> list[dict[str, Any]]:
    return _rows_in(_answer(questions, url), questions)


def _rows_in(answer: Any, questions: Questions) -> list[dict[str, Any]]:
    rows = rows_of(answer)
    if rows is None:
        raise malformed("what is no list of models", questions.call)
    return rows


def _answer(questions: Questions, url: str) -> Any:
    try:
        return questions.ask("GET", url)
    except ModelNotFoundError:
        endpoint = questions.call.endpoint
        failure = ModelNotFoundError(f"{where(endpoint)} offers no list of models (404)", **context(endpoint, 404))
    raise failure  # what a 404 means elsewhere: no such model


def _pages(questions: Questions) -> Iterator[dict[str, Any]]:
    """Anthropic's list, `GET /v1/models`: `has_more` and `last_id` lead on."""
    first = url = url_at(questions.call.endpoint, "/v1/models?limit=1000", without="/v1")
    for _ in range(_PAGES):
        answer = _answer(questions, url)
        yield from _rows_in(answer, questions)
        last = answer.get("last_id") if isinstance(answer, dict) and answer.get("has_more") is True else None
        if not isinstance(last, str) or not last:
            return
        url = f"{first}&after_id={quote(last, safe='')}"


def _of_rows(rows: Any) -> tuple[Model, ...]:
    found: dict[str, Model] = {}
    for row in rows:
        name = name_of(row)
        if name is not None and len(found) < MOST:
            found.setdefault(name, Model(name, facts_of(row)))
    return tuple(found.values())


def _of_ollama(questions: Questions) -> tuple[Model, ...]:
    """`GET /api/tags`, and `POST /api/show` for what each can do, as far as the time allows."""
    answer = _answer(questions, ollama_url(questions.call.endpoint, "/api/tags"))
    listed = _of_rows(_rows_in(answer, questions))
    if "data" in answer:
        return listed  # llama.cpp, which answers here too; what its `/api/show` says of tools is not so
    found = []
    goes_on = True
    for count, model in enumerate(listed):
        facts: dict[str, Any] = {}
        if goes_on and count < MOST_SHOWN:
            try:
                facts = shown_facts(show(questions, model.name))
            except (ConnectError, DeadlineError):
                goes_on = False
            except CallError:
                facts = {}  # it has gone since, or is broken: it is in the list all the same
        found.append(model._replace(facts=facts))
    return tuple(found)


def show(questions: Questions, name: str) -> dict[str, Any]:
    """What Ollama says of a model: `POST /api/show`.

    Raises:
        CallError: it can't be reached, does not have the model, or answers something else.
    """
    answer = questions.ask("POST", ollama_url(questions.call.endpoint, "/api/show"), {"model": name})
    if not isinstance(answer, dict):
        raise malformed("no description of the model", questions.call)
    return answer


def shown_facts(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The facts in Ollama's description of a model: `capabilities`, and the trained context of `model_info`."""
    info = shown.get("model_info")
    length = None
    if isinstance(info, dict):
        length = info.get(f"{info.get('general.architecture')}.context_length")
    return facts_of({"capabilities": shown.get("capabilities"), "context_length": length})
