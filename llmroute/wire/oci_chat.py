"""Oracle's generative AI inference, `actions/chat`: one envelope for two formats, of which the model decides.

Models of Cohere speak `COHERE`, all others `GENERIC`. A dedicated endpoint is named by its OCID; one that serves a
model of Cohere as `cohere.` and the OCID, for the OCID does not tell. Source: `ChatDetails` of Oracle's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import MalformedReplyError
from llmroute.wire import oci_cohere, oci_generic, shape
from llmroute.wire.codec import OCI, Encoded
from llmroute.wire.faults import Failure, answer_object, from_error_object, parse
from llmroute.wire.quirks import Quirks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmroute.wire.events import Event
    from llmroute.wire.reply import Reply
    from llmroute.wire.request import ChatRequest
    from llmroute.wire.sse import ServerSentEvent

PATH = "/20231130/actions/chat"
"""What comes after the base URL."""
_COHERE = "cohere."
_OCID = "ocid1."
_ENDPOINT = "ocid1.generativeaiendpoint."


def encode_request(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = False,
    quirks: Mapping[str, Any] | Quirks = Quirks(),  # noqa: B008 - frozen
    source: str = "",
) -> Encoded:
    """The body of a request, but for the compartment.

    Raises:
        ConversionError: the request can't be said in the model's format, or only with losses that `quirks` forbid.
    """
    served = model.removeprefix(_COHERE) if model.startswith(_COHERE + _OCID) else model
    if model.startswith(_COHERE):
        encoded = oci_cohere.encode_request(request, stream=stream, quirks=quirks, source=source)
    else:
        encoded = oci_generic.encode_request(request, model=model, stream=stream, quirks=quirks, source=source)
    return encoded._replace(body={"servingMode": serving_mode(served), "chatRequest": encoded.body})


def serving_mode(model: str) -> dict[str, str]:
    """Where a model is served: on demand, or by an endpoint of one's own.

    >>> serving_mode("meta.llama-3.3-70b-instruct")
    {'servingType': 'ON_DEMAND', 'modelId': 'meta.llama-3.3-70b-instruct'}
    """
    if model.startswith(_ENDPOINT):
        return {"servingType": "DEDICATED", "endpointId": model}
    return {"servingType": "ON_DEMAND", "modelId": model}


def decode_reply(
    body: object,
    *,
    names: Mapping[str, str] | None = None,
    source: str = OCI,
    failure: Failure = from_error_object,
) -> Reply:
    """The reply in a body: bytes or text that is parsed here, or parsed JSON.

    Raises:
        MalformedReplyError: the body is no reply.
        CallError: it is an error object, or says that it failed.
    """
    row = answer_object(body, failure)
    answer = row.get("chatResponse")
    if not isinstance(answer, dict):
        raise MalformedReplyError("the answer is no chat result: it has no chatResponse")
    decode = oci_cohere.decode_reply if answer.get("apiFormat") == oci_cohere.FORMAT else oci_generic.decode_reply
    return decode(row, names=names, source=source, failure=failure)


class StreamDecoder:
    """Turns the events of one stream into neutral ones; the first of them tells which format it is in."""

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        source: str = OCI,
        failure: Failure = from_error_object,
    ) -> None:
        self._told: dict[str, Any] = {"names": names, "source": source, "failure": failure}
        self._inner: oci_generic.StreamDecoder | oci_cohere.StreamDecoder = oci_generic.StreamDecoder(**self._told)
        self._begun = False

    def partial(self) -> Reply:
        """The answer so far."""
        return self._inner.partial()

    def feed(self, event: ServerSentEvent) -> Sequence[Event]:
        """The neutral events that this event of the stream means; errors are those of the format."""
        if not self._begun and event.data.strip().startswith("{"):
            self._begun = True
            first = shape.as_object(parse(event.data, "a chunk of the stream"), "")
            if first.get("apiFormat") == oci_cohere.FORMAT:
                self._inner = oci_cohere.StreamDecoder(**self._told)
        return self._inner.feed(event)

    def close(self) -> Sequence[Event]:
        """The events that the end of the connection means; errors are those of the format."""
        return self._inner.close()
