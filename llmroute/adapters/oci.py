"""Oracle's generative AI inference: our own connections and codecs, signed as Oracle's SDK signs.

`extra_body` takes `profile` and `config_file`, which say who signs, and the fields of `ChatDetails`: `compartmentId`
(unless it is the root compartment), and whatever `chatRequest` is to have beside what it has. The region is part of the
base URL: `https://inference.generativeai.us-chicago-1.oci.oraclecloud.com`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmroute.adapters.formats import FORMATS, Prepared, headers_of, source_of, to_bytes, url_of
from llmroute.adapters.http import HttpAdapter
from llmroute.adapters.oci_signing import Identities
from llmroute.wire import oci_chat
from llmroute.wire.codec import OCI
from llmroute.wire.unknown import united

if TYPE_CHECKING:
    from llmroute.adapters.base import Call
    from llmroute.adapters.timeouts import Timeouts

WHO = ("profile", "config_file")
"""Settings of `extra_body` that are no fields of the request."""


class OracleAdapter(HttpAdapter):
    """`oci-genai`: an `api_key` is sent as it is where the endpoint has one, all other requests are signed."""

    def __init__(self) -> None:
        super().__init__()
        self._identities = Identities()

    def _prepare(self, call: Call, *, stream: bool) -> Prepared:
        endpoint = call.endpoint
        encoded = oci_chat.encode_request(
            call.request, model=endpoint.model, stream=stream, quirks=endpoint.quirks, source=source_of(endpoint)
        )
        own = {name: value for name, value in endpoint.extra_body.items() if name not in WHO}
        if call.key is None and "compartmentId" not in own:
            own["compartmentId"] = self._identities.of(call).tenancy
        body = united(encoded.body, own)
        return Prepared(oci_chat, FORMATS[OCI], url_of(endpoint), headers_of(call, stream=stream), body, encoded)

    def _send(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        body = to_bytes(ready.body, call)
        return self._pools.sync(call.endpoint).send(self._signed(call, ready, body), body, timeouts)

    async def _asend(self, call: Call, ready: Prepared, timeouts: Timeouts) -> Any:
        body = to_bytes(ready.body, call)
        return await self._pools.async_(call.endpoint).send(self._signed(call, ready, body), body, timeouts)

    def _signed(self, call: Call, ready: Prepared, body: bytes) -> Prepared:
        if call.key is not None:
            return ready
        identity = self._identities.of(call)
        return replace(ready, headers=identity.signed("POST", ready.url, ready.headers, body))
