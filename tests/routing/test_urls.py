"""Base URLs: the forms of the locality table, and one normal form."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.routing.route import LOCALITIES
from llmroute.routing.urls import most_remote, parse

if TYPE_CHECKING:
    import ipaddress

LOCALITY = {
    # loopback
    "http://127.0.0.1": "local",
    "http://127.0.0.1:11434/v1": "local",
    "http://127.255.255.254": "local",
    "http://[::1]:8080": "local",
    "http://[::ffff:127.0.0.1]": "local",
    "http://[::ffff:7f00:1]": "local",
    "http://[0:0:0:0:0:0:0:1]": "local",
    "http://localhost": "local",
    "http://LOCALHOST:1": "local",
    "http://localhost.": "local",
    "http://a.localhost:8000": "local",
    "https://localhost/v1": "local",
    "mock://anything": "local",
    "litellm://litellm": "remote",
    # LAN
    "http://10.0.0.5": "lan",
    "http://172.16.0.1": "lan",
    "http://172.31.255.255": "lan",
    "http://192.168.1.20:8000/v1": "lan",
    "http://[::ffff:192.168.1.20]": "lan",
    "http://[fd00::1]": "lan",
    "http://box.local": "lan",
    "http://box.local.": "lan",
    "https://box": "lan",
    "http://box_1:8000": "lan",
    "http://host.docker.internal:11434": "lan",
    "http://gateway.docker.internal": "lan",
    "http://host.containers.internal": "lan",
    "http://ollama.default.svc": "lan",
    # special addresses: nothing that may count as near
    "http://172.32.0.1": "remote",
    "http://169.254.1.1": "remote",
    "http://[fe80::1]": "remote",
    "http://100.64.0.1": "remote",
    "http://198.18.0.1": "remote",
    "http://240.0.0.1": "remote",
    "http://[64:ff9b::7f00:1]": "remote",
    "http://[2002:7f00:1::]": "remote",
    "http://[2001:db8::1]": "remote",
    "http://8.8.8.8": "remote",
    # names
    "https://api.openai.com/v1": "remote",
    "http://localhost.evil.com": "remote",
    "http://127.0.0.1.evil.com": "remote",
    "http://notlocalhost.com": "remote",
    "http://box.local.evil.com": "remote",
    "http://0x.org": "remote",
    "http://ollama.default.svc.cluster.example": "remote",
}
REFUSED = {
    "http://a..b/v1": "a part of the host name is empty",
    f"http://{'a' * 64}.example/v1": "a part of the host name is empty or longer than 63",
    # loopback, oddly spelled
    "http://127.1": "odd spelling",
    "http://127.0.1": "odd spelling",
    "http://2130706433": "odd spelling",
    "http://0x7f000001": "odd spelling",
    "http://0x7f.1": "odd spelling",
    "http://127.0.0.0x1": "odd spelling",
    "http://0x7f.0x0.0x0.0x1": "odd spelling",
    "http://a.0x": "odd spelling",
    "http://0177.0.0.1": "odd spelling",
    "http://127.000.000.001": "odd spelling",
    "http://256.0.0.1": "odd spelling",
    "http://a.1": "odd spelling",
    "http://[::1::2]": "odd spelling",
    "http://[1.2.3.4]:80:80": "not of the form",
    "http://127。0。0。1": "ASCII",
    "http://①②⑦.0.0.1": "ASCII",
    "http://l\u043ecalhost": "ASCII",
    # unspecified and other addresses of no server
    "http://0.0.0.0:11434": "did you mean 127.0.0.1",
    "http://[::]": "did you mean 127.0.0.1",
    "http://0": "odd spelling",
    "http://224.0.0.1": "not the address of a server",
    "http://[ff02::1]": "not the address of a server",
    "http://255.255.255.255": "not the address of a server",
    # a cloud's metadata
    "http://169.254.169.254": "metadata",
    "http://169.254.169.254/latest": "metadata",
    "http://[::ffff:169.254.169.254]": "metadata",
    "http://[fd00:ec2::254]": "metadata",
    "http://[fd00:ec2:0:0:0:0:0:254]": "metadata",
    "http://metadata.google.internal": "metadata",
    "http://METADATA.google.internal.": "metadata",
    # zones and unix sockets
    "http://[fe80::1%25eth0]": "character",
    "http://[fe80::1%eth0]": "character",
    "http+unix://%2Fvar%2Frun": "character",
    "unix:///var/run/x": "not of the form",
    # tricks
    "http://localhost@evil.com": "user name",
    "http://localhost:80@evil.com": "user name",
    "http://key:CANARY@localhost": "user name",
    "http://localhost\\@evil.com": "user name",
    "http://evil.com\\@localhost": "user name",
    "http://evil.com#@localhost": "user name",
    "http://evil.com#localhost": "no fragment",
    "http://evil.com?localhost": "no query",
    "http://localhost\\.evil.com": "character",
    "http://local\thost": "character",
    "http://localhost\n": "character",
    "http://localhost ": "character",
    " http://localhost": "character",
    "http://localhost%2eevil.com": "character",
    "http://localhost%00.evil.com": "character",
    "http://localhost\x00": "character",
    "http://localhost,evil.com": "not of the form",
    "http://local host": "character",
    "http://localhost:0": "out of range",
    "http://localhost:65536": "out of range",
    "http://localhost:99999": "out of range",
    "http://localhost:999999": "not of the form",
    "http://localhost:": "not of the form",
    "http://localhost:-1": "not of the form",
    "http://localhost:8\uff10": "ASCII",
    "localhost:11434": "no scheme",
    "localhost": "no scheme",
    "//localhost": "no scheme",
    "": "no scheme",
    "http:/localhost": "no scheme",
    "http:///v1": "not of the form",
    "http://": "not of the form",
    "http://.": "not of the form",
    "http://-a": "not of the form",
    "http://a..": "not of the form",
    "file:///etc/passwd": "not of the form",
    "file://localhost/etc/passwd": "scheme 'file'",
    "ftp://localhost": "scheme 'ftp'",
    "javascript://localhost": "scheme 'javascript'",
    "http://localhost/a/../b": "not of the form",
    "http://localhost/..": "not of the form",
    "http://localhost/./a": "not of the form",
    "http://localhost//a": "not of the form",
    "http://localhost/a%2f": "character",
    "http://localhost/<a>": "character",
}
NORMAL = {
    "HTTPS://API.OpenAI.com:443/v1/": "https://api.openai.com/v1",
    "http://localhost:80": "http://localhost",
    "http://localhost:080/": "http://localhost",
    "http://localhost:443": "http://localhost:443",
    "http://localhost./v1//": "http://localhost/v1",
    "http://[::1]:80/V1": "http://[::1]/V1",
    "http://[0:0::1]:8080": "http://[::1]:8080",
    "http://[FD00::1]/a": "http://[fd00::1]/a",
    "mock://x/y": "mock://x/y",
    "https://a.b/~c/d;e=f,g/h@i:j": "https://a.b/~c/d;e=f,g/h@i:j",
}


@pytest.mark.parametrize(("text", "locality"), LOCALITY.items())
def test_11_locality(text: str, locality: str) -> None:
    assert parse(text).locality == locality


@pytest.mark.parametrize(("text", "fault"), REFUSED.items(), ids=map(ascii, REFUSED))
def test_11_14_what_two_programs_could_read_differently_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        parse(text)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(("text", "normal"), NORMAL.items())
def test_one_normal_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


def test_the_origin_is_scheme_host_and_port() -> None:
    assert parse("https://A.b/c").origin == ("https", "a.b", 443)
    assert parse("https://a.b:443").origin == parse("https://a.b/x").origin
    assert parse("http://a.b").origin != parse("https://a.b").origin


_pieces = st.sampled_from(
    [*"./:@[]#?%\\ \t-_~", "http", "https", "://", "localhost", "127", "0", "1", "0x7f", "::", "evil.com", "v1", "80"]
)


@given(st.lists(_pieces, max_size=12).map("".join) | st.text(max_size=30))
def test_any_text_is_refused_or_has_a_normal_form(text: str) -> None:
    for candidate in (text, f"http://{text}"):
        try:
            url = parse(candidate)
        except ValueError as error:
            message = str(error)
            assert message
            continue
        assert parse(str(url)) == url
        assert str(parse(str(url))) == str(url)
        assert url.locality in LOCALITIES


@given(st.ip_addresses())
def test_an_address_is_as_near_as_its_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    text = f"http://[{address}]" if address.version == 6 else f"http://{address}"
    plain = getattr(address, "ipv4_mapped", None) or address
    try:
        found = parse(text).locality
    except ValueError:
        found = "refused"
    if plain.is_loopback:
        assert found == "local"
    elif plain.is_global and not plain.is_multicast:
        assert found == "remote"
    else:
        assert found != "local"


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_a_number_that_getaddrinfo_reads_as_an_address_is_no_host(number: int, form: str) -> None:
    host = form.format(number)
    socket.inet_aton(host)
    with pytest.raises(ValueError, match="odd spelling"):
        parse(f"http://{host}")


def test_the_most_remote() -> None:
    assert most_remote("local", "lan") == "lan"
    assert most_remote("local") == "local"
