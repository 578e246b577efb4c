"""httpx2's answers with their failures as `Break`s: for proxies, and for the SDKs, which wrap what we raise."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2

from llmroute.adapters.connections.breaks import (
    Break,
    NoAnswer,
    NotDecodable,
    NotHttp,
    NotSendable,
    TimedOut,
    Unreached,
)
from llmroute.errors import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FAILS = (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, OSError)
"""What sending and reading may raise."""
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


@contextmanager
def translating(*more: type[Exception]) -> Iterator[None]:
    """Raise a `Break` in place of httpx2's exceptions, and of `more` that wrap them."""
    failing: tuple[type[Exception], ...] = (*FAILS, *more)
    try:
        yield
    except failing as exc:
        failure = translated(exc)
    else:
        return
    raise failure


class Translated:
    """An answer of httpx2."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.is_stream_consumed = response.is_stream_consumed
        self._response = response

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it comes."""
        with translating():
            yield from self._response.iter_raw()

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, its `content-encoding` undone."""
        with translating():
            yield from self._response.iter_bytes()

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        with translating():
            async for piece in self._response.aiter_raw():
                yield piece

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, its `content-encoding` undone."""
        with translating():
            async for piece in self._response.aiter_bytes():
                yield piece

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()

    async def aclose(self) -> None:
        """The same, asynchronous."""
        await self._response.aclose()


def translated(exc: BaseException) -> Break | CallError:
    """The `Break` behind an exception, or the error of ours that an SDK wrapped."""
    inner = _innermost(exc)
    failure: Break | CallError
    if isinstance(inner, CallError | Break):
        failure = inner
    elif isinstance(inner, _NEVER_SENT):
        failure = Unreached(reason(inner))
    elif isinstance(inner, httpx2.TimeoutException):
        failure = TimedOut()
    elif isinstance(inner, httpx2.LocalProtocolError | UnicodeError):
        failure = NotSendable()
    elif isinstance(inner, httpx2.DecodingError):
        failure = NotDecodable()
    elif isinstance(inner, OSError):  # httpx2 wraps those of sockets: the certificates can't be read
        failure = Unreached(f"no certificates ({inner.strerror}; see SSL_CERT_FILE and SSL_CERT_DIR)")
    elif isinstance(inner, httpx2.RemoteProtocolError) and "disconnected" not in str(inner):
        failure = NotHttp()
    else:
        failure = NoAnswer()
    return failure


def _innermost(exc: BaseException) -> BaseException:
    """What an SDK wrapped: its connection errors carry the transport's exception as their cause."""
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, (CallError, Break, *FAILS)):
            return inner
        inner = inner.__cause__
    return exc


def reason(exc: BaseException) -> str:
    """Why a connection did not come about, in the words of the operating system where it has any."""
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, ConnectionError) and inner.errno:  # asyncio writes a text of its own
            return os.strerror(inner.errno).lower()
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        inner = inner.__cause__ or inner.__context__
    if "All connection attempts failed" in str(exc):  # asyncio tried several addresses
        return "connection refused"
    return {"ConnectTimeout": "timed out", "PoolTimeout": "no free connection"}.get(type(exc).__name__, str(exc))
