"""How far away an IP address is: on this machine, in a private network, or anywhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

Distance = Literal["local", "lan", "remote"]
METADATA = frozenset({"169.254.169.254", "fd00:ec2::254"})
"""Where clouds hand out the keys of a machine: no prompt and no key ever goes there."""
_LAN = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


class Address(NamedTuple):
    """An IP address."""

    text: str
    """Its canonical spelling, without a zone."""
    plain: str
    """The same, an IPv4 address taken out of the IPv6 one that wraps it."""
    distance: Distance
    server: bool
    """Whether a server can have it: it is neither unspecified, multicast nor broadcast."""
    on_link: bool
    """Whether it is link-local: no router passes it on."""


def read(text: str) -> Address:
    """Read an address.

    >>> read("::ffff:127.0.0.1").distance, read("192.168.0.1").distance, read("192.0.2.7").distance
    ('local', 'lan', 'remote')

    Raises:
        ValueError: it is no address.
    """
    import ipaddress  # here: most specs name no address

    ip = ipaddress.ip_address(text.partition("%")[0])
    plain: Any = getattr(ip, "ipv4_mapped", None) or ip  # Python 3.11 says that ::ffff:127.0.0.1 is no loopback
    far: Distance = "lan" if any(plain.version == net.version and plain in net for net in _networks()) else "remote"
    server = not (plain.is_unspecified or plain.is_multicast or str(plain) == "255.255.255.255")
    return Address(str(ip), str(plain), "local" if plain.is_loopback else far, server, plain.is_link_local)


@cache
def _networks() -> tuple[IPv4Network | IPv6Network, ...]:
    import ipaddress

    return tuple(ipaddress.ip_network(text) for text in _LAN)
