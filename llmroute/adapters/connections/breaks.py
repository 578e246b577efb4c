"""How an exchange over our own connections can break. They hold neither request nor answer.

Break
├── NotSendable    nothing was sent: HTTP can't say it
├── Unreached      nothing was sent: no connection came about
│   └── ClosedBefore   the kept connection had been closed before it took the request
├── TimedOut       nothing came for too long
├── NoAnswer       the connection ended after the request was sent, before an answer began
├── NotHttp        what came is no HTTP
├── Cut            the answer ended in its middle
└── NotDecodable   the body is not encoded as its head says
"""

from __future__ import annotations


class Break(Exception):  # noqa: N818 - the tree above reads better without Error
    """An exchange that did not come to its end."""


class NotSendable(Break):
    """A header or the URL holds what HTTP forbids; nothing was sent."""


class Unreached(Break):
    """No connection came about; nothing was sent."""

    def __init__(self, why: str) -> None:
        """`why` in the words of the operating system."""
        super().__init__(why)
        self.why = why


class ClosedBefore(Unreached):
    """The server had closed a kept connection before it took the request."""

    def __init__(self) -> None:
        super().__init__("the server had closed the kept connection")


class TimedOut(Break):
    """Nothing came within the time limit."""


class NoAnswer(Break):
    """The connection ended after the request was sent, before an answer began."""


class NotHttp(Break):
    """What came is no HTTP."""


class Cut(Break):
    """The answer ended in its middle."""


class NotDecodable(Break):
    """The body is not encoded as its head says."""
