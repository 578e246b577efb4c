import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmroute.catalog.presets import PRESETS, base_url_from_variable
from llmroute.routing.urls import parse

OLLAMA_HOST = {
    # the address alone: Ollama's port
    "localhost": "http://localhost:11434/v1",
    "127.0.0.1": "http://127.0.0.1:11434/v1",
    "gpu-box.lan": "http://gpu-box.lan:11434/v1",
    "1.2.3.4:56": "http://1.2.3.4:56/v1",
    ":9999": "http://127.0.0.1:9999/v1",
    "host:": "http://host:11434/v1",
    "host:8080/": "http://host:8080/v1",
    "ollama.com": "https://ollama.com/v1",
    # a scheme: the scheme's port
    "http://host": "http://host/v1",
    "https://host": "https://host/v1",
    "https://host:443": "https://host/v1",
    "http://host:11434/": "http://host:11434/v1",
    "HTTP://Host:11434": "http://host:11434/v1",
    # addresses to bind to
    "0.0.0.0": "http://127.0.0.1:11434/v1",  # noqa: S104 - read, not bound to
    "0.0.0.0:80": "http://127.0.0.1/v1",
    "http://0.0.0.0:11434": "http://127.0.0.1:11434/v1",
    "::": "http://[::1]:11434/v1",
    "[::]:99": "http://[::1]:99/v1",
    # IPv6, with and without brackets
    "::1": "http://[::1]:11434/v1",
    "[::1]": "http://[::1]:11434/v1",
    "[::1]:99": "http://[::1]:99/v1",
    "http://[fd00::7]:99": "http://[fd00::7]:99/v1",
    # paths
    "https://proxy.example/ollama": "https://proxy.example/ollama/v1",
    "https://proxy.example/ollama/": "https://proxy.example/ollama/v1",
    "http://host:11434/v1": "http://host:11434/v1",
    # quotes and spaces that a shell left in
    ' "host" ': "http://host:11434/v1",
    "'host:1'": "http://host:1/v1",
}
REFUSED = [
    "host:port",
    "host:0",
    "host:65536",
    "host:-1",
    "a:b:c",
    "[::1",
    "::1]",
    "[::1]x",
    "ftp://host",
    "1.2.3",
    "two words",
    "host?x=1",
    "fe80::1%eth0",
]


@pytest.mark.parametrize(("value", "url"), OLLAMA_HOST.items())
def test_ollama_host(value: str, url: str) -> None:
    assert str(parse(base_url_from_variable(PRESETS["ollama"], value))) == url


@pytest.mark.parametrize("value", REFUSED)
def test_a_bad_ollama_host_is_refused_and_never_replaced_by_a_default(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's messages are its own tests' matter
        parse(base_url_from_variable(PRESETS["ollama"], value))


def test_a_password_in_ollama_host_is_refused_unrepeated() -> None:
    with pytest.raises(ValueError, match="password") as caught:
        parse(base_url_from_variable(PRESETS["ollama"], "user:hunter2@host:1"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("preset", ["ollama", "openai", "anthropic"])
@pytest.mark.parametrize("value", ["mock://x", "MOCK://", " 'mock://mock' "])
def test_no_variable_makes_a_vendor_a_mock(preset: str, value: str) -> None:
    with pytest.raises(ValueError, match="names a server"):
        base_url_from_variable(PRESETS[preset], value)


@given(st.text())
def test_any_ollama_host_is_a_url_with_the_path_of_the_api_or_an_error(value: str) -> None:
    try:
        url = parse(base_url_from_variable(PRESETS["ollama"], value))
    except ValueError:
        return
    assert url.scheme in {"http", "https"}
    assert url.path.endswith("/v1")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://res.openai.azure.com",
        "https://RES.openai.azure.com/",
        "https://res.openai.azure.com/openai",
        "https://res.openai.azure.com/openai/v1/",
    ],
)
def test_azure_endpoint(endpoint: str) -> None:
    url = parse(base_url_from_variable(PRESETS["azure-openai"], endpoint))
    assert str(url) == "https://res.openai.azure.com/openai/v1"


def test_other_variables_hold_the_url_itself() -> None:
    assert base_url_from_variable(PRESETS["openai"], " 'https://proxy/v1' ") == "https://proxy/v1"


@pytest.mark.parametrize("name", [preset.name for preset in PRESETS.values() if preset.base_url_variable])
def test_a_presets_own_url_is_a_fixed_point(name: str) -> None:
    preset = PRESETS[name]
    if preset.base_url:
        assert str(parse(base_url_from_variable(preset, preset.base_url))) == preset.base_url


@pytest.mark.parametrize("value", ["", "  ", '""'])
def test_blank(value: str) -> None:
    with pytest.raises(ValueError, match="blank"):
        base_url_from_variable(PRESETS["openai"], value)


def test_a_preset_without_a_variable() -> None:
    with pytest.raises(ValueError, match="'deepseek' has no variable"):
        base_url_from_variable(PRESETS["deepseek"], "https://x")
