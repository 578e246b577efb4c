"""Small questions to a server, beside its chats: which models it has, what one can do, how a download goes on.

They travel as calls do: no redirect, no variable of the environment, no address farther away than the endpoint is
said to be, and the key in the endpoint's own header.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import httpx2

from llmroute.adapters.broken import from_exception
from llmroute.adapters.connections.breaks import Break
from llmroute.adapters.connections.httpx2_breaks import Translated, translating
from llmroute.adapters.connections.httpx2_clients import sync_transport
from llmroute.adapters.failures import SUCCESS, context, from_status, malformed, read_report, where
from llmroute.adapters.formats import headers_of
from llmroute.adapters.redaction import clean
from llmroute.adapters.timeouts import Timeouts
from llmroute.errors import MalformedReplyError, PolicyError, RequestError
from llmroute.wire.ndjson import Decoder

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from llmroute.adapters.base import Call, Endpoint
    from llmroute.errors import CallError

LARGEST = 32 * 1024 * 1024
"""No list is longer, decoded; one that is would only fill the memory."""
_BROKEN = (Break, PolicyError)


def url_at(endpoint: Endpoint, path: str, *, without: str = "") -> str:
    """A URL beside the one that chats go to: always of the endpoint's own origin.

    `without` is the end of the base URL in whose place the path stands: `/api/tags` is a neighbour of `/v1`.
    """
    return endpoint.base_url.removesuffix(without) + path


class Questions:
    """Asks one endpoint, over one connection; a context manager.

    `call` says where, with which key and how long; its conversation is empty.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self._way = sync_transport(call.endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._way.close()

    def ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """One answer: parsed JSON, or None where the server says nothing but that it is done.

        Raises:
            CallError: the server can't be reached, refuses, or answers with what is no JSON.
        """
        failure: CallError | None = None
        response: Translated | None = None
        raw = b""
        try:
            response = self._send(method, url, body, Timeouts.whole(self.call))
            raw = self._whole(response)
        except _BROKEN as exc:
            failure = from_exception(exc, self.call, answered=response is not None)
        finally:
            if response is not None:
                response.close()
        if failure is not None or response is None:
            raise failure or malformed("nothing", self.call)
        if response.status_code not in SUCCESS:
            raise from_status(response.status_code, response.headers, raw, self.call)
        return self._parsed(raw, response.status_code) if raw.strip() else None

    def follow(self, method: str, url: str, body: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The objects of a stream of JSON lines, as they come; closing the generator closes the connection.

        Raises:
            CallError: as `ask`; or the server says in the stream that it failed.
        """
        failure: CallError | None = None
        response: Translated | None = None
        timeouts, lines = Timeouts.stream(self.call), Decoder()
        try:
            response = self._send(method, url, body, timeouts)
            if response.status_code in SUCCESS:
                for chunk in response.iter_raw():
                    timeouts.begun(self.call)
                    for line in lines.feed(chunk):
                        yield self._told(line)
                for line in lines.close():
                    yield self._told(line)
            else:
                failure = from_status(response.status_code, response.headers, self._whole(response), self.call)
        except _BROKEN as exc:
            failure = from_exception(exc, self.call, answered=response is not None)
        finally:
            if response is not None:
                response.close()
        if failure is not None:
            raise failure

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None, timeouts: Timeouts) -> Translated:
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers(method, url, content)
        with translating():
            extensions = {"timeout": timeouts.to_dict()}
            request = httpx2.Request(method, url, headers=headers, content=content, extensions=extensions)
            return Translated(self._way.handle_request(request))

    def _headers(self, method: str, url: str, content: bytes | None) -> dict[str, str]:
        del method, url  # whoever signs requests signs them too
        headers = headers_of(self.call, stream=False)
        if content is None:
            headers.pop("content-type", None)
        return headers

    def _whole(self, response: Translated) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST:
                raise malformed(f"an answer of more than {LARGEST} bytes", self.call, response.status_code)
        return bytes(body)

    def _parsed(self, raw: bytes | str, status: int) -> Any:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            pass
        # Raised out here: the original exception holds the text.
        raise malformed("what is no JSON", self.call, status)

    def _told(self, line: str) -> dict[str, Any]:
        """One object of a stream; an error in it is raised."""
        data = self._parsed(line, 200)
        if not isinstance(data, dict):
            raise MalformedReplyError(
                f"{where(self.call.endpoint)} sent a line that is no object", **context(self.call.endpoint, 200)
            )
        if data.get("error"):
            said = clean(read_report(data).text, self.call) or "it failed"
            raise RequestError(f"{where(self.call.endpoint)} says: {said}", **context(self.call.endpoint, 200))
        return data
