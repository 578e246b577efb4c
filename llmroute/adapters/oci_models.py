"""Which models Oracle's generative AI offers in a region: the list of its management API, asked for those that chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmroute.adapters.failures import malformed
from llmroute.adapters.oci_signing import Identities
from llmroute.adapters.questions import Questions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmroute.adapters.base import Call

_PATH = "/20231130"
_INFERENCE, _MANAGEMENT = "://inference.generativeai.", "://generativeai."
_CHAT = "CHAT"
_VISION = "IMAGE_TEXT_TO_TEXT"


class SignedQuestions(Questions):
    """Asks as the endpoint's profile; with a key, as anybody."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.identity = None if call.key is not None else Identities().of(call)

    def _headers(self, method: str, url: str, content: bytes | None) -> dict[str, str]:
        headers = super()._headers(method, url, content)
        return headers if self.identity is None else self.identity.signed(method, url, headers, content)


def chat_models(call: Call) -> Iterator[dict[str, Any]]:
    """The active models that chat, as rows that `model_facts` reads: the name that a request asks for, and its facts.

    Raises:
        CallError: the cloud can't be reached, refuses, or answers something else.
    """
    with SignedQuestions(call) as questions:
        found = call.endpoint.extra_body.get("compartmentId")
        root = questions.identity.tenancy if questions.identity is not None else ""
        compartment = quote(found if isinstance(found, str) else root, safe="")
        base = call.endpoint.base_url.removesuffix(_PATH).replace(_INFERENCE, _MANAGEMENT)
        query = f"compartmentId={compartment}&capability={_CHAT}&lifecycleState=ACTIVE&limit=1000"
        answer = questions.ask("GET", f"{base}{_PATH}/models?{query}")
    rows = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise malformed("what is no list of models", call)
    for row in rows:
        able = row.get("capabilities") if isinstance(row, dict) else None
        if isinstance(able, list) and _CHAT in able:
            yield {"name": _name(row), "capabilities": {"vision": True} if _VISION in able else {}}


def _name(row: dict[str, Any]) -> Any:
    """Models of Oracle's are asked for by the name that is shown; those of a tenant by their OCID."""
    shown = row.get("displayName")
    own = row.get("type") == "CUSTOM" or not isinstance(shown, str) or "." not in shown
    return row.get("id") if own else shown
