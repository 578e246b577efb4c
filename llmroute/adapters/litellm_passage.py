"""One call on its way through LiteLLM: what our connections saw of it, whatever LiteLLM makes of that."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from llmroute.adapters.answers import LARGEST
from llmroute.adapters.broken import broken_stream, from_exception
from llmroute.adapters.failures import SUCCESS, from_status, malformed
from llmroute.adapters.timeouts import Timeouts

if TYPE_CHECKING:
    import httpx2

    from llmroute.adapters.base import Call
    from llmroute.errors import CallError
    from llmroute.wire.chat import Reply

UNDER_WAY: ContextVar[Passage] = ContextVar("the passage of the call under way")


class CallEnded(BaseException):
    """The call is over.

    LiteLLM catches every `Exception`: it asks again, tells callbacks, prints. This is none, so it gets through.
    """


class Passage:
    """What a call may take, and what came of it."""

    def __init__(self, call: Call, *, streams: bool) -> None:
        self.call = call
        self.timeouts = Timeouts.stream(call) if streams else Timeouts.whole(call)
        self.headers: dict[str, str] = {}
        """Those of the call, for clients that would send others beside them."""
        self.unsent = False
        """Whether nothing can have been sent: the connections are ours, and no request came to them."""
        self.answered = False
        """Whether a success has begun."""
        self._largest = None if streams else LARGEST
        self._size = 0
        self._broke: Exception | None = None
        self._refused: tuple[int, dict[str, str], bytes] | None = None
        self._open: list[httpx2.Response] = []

    def sending(self, request: httpx2.Request) -> None:
        """Put on a request what holds for the call."""
        self.unsent = False
        request.extensions = {**request.extensions, "timeout": self.timeouts.to_dict()}
        request.headers["accept-encoding"] = "identity"

    def opened(self, response: httpx2.Response) -> bool:
        """Take the head of an answer; False where it is no success."""
        self._open.append(response)
        self.answered = response.status_code in SUCCESS
        return self.answered

    def piece(self, piece: bytes) -> bytes:
        """Take a piece of a body.

        Raises:
            MalformedReplyError: the body has become too large.
        """
        self._size += len(piece)
        if self._largest is not None and self._size > self._largest:
            raise malformed(f"an answer of more than {self._largest} bytes", self.call)
        return piece

    def refused(self, response: httpx2.Response, body: bytes) -> CallEnded:
        """End the call with an answer that is no success."""
        self._refused = (response.status_code, dict(response.headers), body)
        return CallEnded()

    def broke(self, exc: Exception) -> CallEnded:
        """End the call with what broke."""
        self._broke = exc
        return CallEnded()

    def failure(self, partial: Reply | None = None, *, began: bool = False) -> CallError | None:
        """Why the call failed, where our connections know it.

        `partial` is what there is of a stream, `began` whether any of it was told.
        """
        if self._refused is not None:
            return from_status(*self._refused, self.call)
        if self._broke is None:
            return None
        if partial is not None and self.answered:
            return broken_stream(self._broke, self.call, partial=partial, began=began)
        within_s = None if partial is None else self.call.until_content_s()
        return from_exception(self._broke, self.call, answered=self.answered, within_s=within_s)

    def close(self) -> None:
        """Close what is open."""
        for response in self._open:
            response.close()

    async def aclose(self) -> None:
        """The same, asynchronous."""
        for response in self._open:
            await response.aclose()
