"""How far away an IP address is."""

from __future__ import annotations

import pytest

from llmroute.catalog.addresses import METADATA, read


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("127.0.0.1", "local"),
        ("127.9.9.9", "local"),
        ("::1", "local"),
        ("::ffff:127.0.0.1", "local"),
        ("10.1.2.3", "lan"),
        ("172.31.255.255", "lan"),
        ("192.168.0.1", "lan"),
        ("::ffff:192.168.0.1", "lan"),
        ("fd00::1", "lan"),
        ("172.32.0.1", "remote"),
        ("100.64.0.1", "remote"),
        ("169.254.1.1", "remote"),
        ("fe80::1%eth0", "remote"),
        ("0.0.0.0", "remote"),  # noqa: S104 - not bound, judged
        ("64:ff9b::7f00:1", "remote"),
        ("2002:7f00:1::", "remote"),
    ],
)
def test_distance(text: str, distance: str) -> None:
    assert read(text).distance == distance


@pytest.mark.parametrize("text", ["fe80::1%eth0", "169.254.1.1", "::ffff:169.254.1.1"])
def test_on_link(text: str) -> None:
    assert read(text).on_link
    assert not read("192.168.0.1").on_link


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:0.0.0.0"])  # noqa: S104
def test_no_server_has_it(text: str) -> None:
    assert not read(text).server
    assert read("127.0.0.1").server


def test_spellings() -> None:
    address = read("0:0:0:0:0:FFFF:169.254.169.254")
    assert (address.text, address.plain) == ("::ffff:a9fe:a9fe", "169.254.169.254")
    assert address.plain in METADATA
    assert read("fe80:0::1%eth0").text == "fe80::1"


@pytest.mark.parametrize("text", ["", "127.1", "localhost", "1.2.3.4.5", "[::1]"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        read(text)
