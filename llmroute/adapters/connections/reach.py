"""Where a connection may lead, and why one did not come about; what blocking and asynchronous ones share."""

from __future__ import annotations

import os
import re
import ssl
import sys
from typing import TYPE_CHECKING, Any

from llmroute.adapters.connections.breaks import Unreached
from llmroute.catalog import addresses
from llmroute.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmroute.adapters.base import Endpoint

IDLE_S = 5.0
"""How long a connection is kept for the next request."""
MOST_IDLE = 100
"""So many are kept; there is no limit to those in use: a provider says itself when it is too much."""
CLOSED_BEFORE_S = 1.0
"""A kept connection whose end shows within this many seconds of a request was closed before it took the request."""
PATIENCE_S = 2.0
"""So long one address of several is waited for before the next is tried: some lead to nowhere."""
NEARER = ("local", "lan", "remote")
"""The localities, from the nearest on."""
_ERRNO = re.compile(r"\[Errno (\d+)\]")


def check(host: str, locality: str, found: Iterable[str]) -> list[str]:
    """The addresses that a name led to, none of them farther away than the target is said to be.

    Raises:
        PolicyError: one is.
    """
    pinned = list(dict.fromkeys(found))
    for text in pinned:
        address = addresses.read(text)
        if address.plain in addresses.METADATA:
            raise PolicyError(f"{host} leads to {text}, a cloud's metadata service: nothing was sent")
        far = "lan" if address.on_link else address.distance
        if NEARER.index(far) > NEARER.index(locality):
            is_not = "this machine" if locality == "local" else "in a private network"
            raise PolicyError(
                f"{host} leads to {text}, which is not {is_not}, but the target is {locality}: nothing was sent",
                hint="declare a `locality` that is true where this is meant, and lift the requirement that forbids it",
            )
    return pinned


def obeys_proxy(endpoint: Endpoint) -> bool:
    """Whether the proxy variables of the environment may move requests to this endpoint: never a local one."""
    return endpoint.proxy == "env" and endpoint.locality != "local"


def context() -> ssl.SSLContext:
    """What certificates are judged by: the system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name.

    Raises:
        Unreached: they can't be read.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if not (file or folder) and sys.platform in {"win32", "darwin"}:
            import truststore

            made: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        else:
            made = ssl.create_default_context(cafile=file or None, capath=folder or None)
    except OSError as exc:
        why = f"no certificates ({exc.strerror or type(exc).__name__}; see SSL_CERT_FILE and SSL_CERT_DIR)"
    else:
        made.set_alpn_protocols(["http/1.1"])
        return made
    raise Unreached(why)


def patience_s(left_s: float, behind: int) -> float:
    """Seconds for one address, so that those behind it get their time too.

    >>> patience_s(10.0, 1), patience_s(3.0, 1), patience_s(10.0, 0)
    (2.0, 1.5, 10.0)
    """
    return max(0.001, min(PATIENCE_S, left_s / (behind + 1)) if behind else left_s)


def unreached(exc: OSError | UnicodeError) -> Unreached:
    """The same in the words of the operating system where it has any."""
    if isinstance(exc, UnicodeError):  # getaddrinfo encodes names by IDNA
        return Unreached("a part of the host name is empty or too long")
    if isinstance(exc, TimeoutError) and exc.errno is None:
        return Unreached("timed out")
    if isinstance(exc, ConnectionError) and exc.errno:  # asyncio writes a text of its own
        return Unreached(os.strerror(exc.errno).lower())
    if exc.strerror:
        return Unreached(exc.strerror.lower())
    several: Any = _ERRNO.search(str(exc))  # asyncio tried several addresses
    return Unreached(os.strerror(int(several[1])).lower() if several else type(exc).__name__)
