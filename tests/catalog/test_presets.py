import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import llmroute
from llmroute.catalog.presets import PRESETS, QUIRKS, Preset
from llmroute.catalog.prices import GENAI_PRICES_IDS
from llmroute.routing.quirks import Quirks as Declared
from llmroute.routing.urls import parse
from llmroute.wire.quirks import Quirks

ALL = pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
KEYLESS = {"ollama", "lmstudio", "llamacpp", "vllm", "mock"}


def test_the_promised_presets_are_there() -> None:
    promised = (
        "anthropic openai ollama lmstudio llamacpp vllm openrouter deepseek groq mistral gemini dashscope "
        "dashscope-cn zai zhipu moonshot together fireworks xai cerebras azure-openai mock"
    )
    assert set(promised.split()) <= PRESETS.keys()


def test_a_name_is_given_once() -> None:
    from llmroute.catalog.local_servers import LOCAL_SERVERS
    from llmroute.catalog.vendors import VENDORS

    assert len(PRESETS) == len(VENDORS) + len(LOCAL_SERVERS)


@ALL
def test_name_is_what_a_spec_can_write(preset: Preset) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", preset.name)
    assert PRESETS[preset.name] is preset
    assert preset.title


@ALL
def test_base_url_is_in_normal_form(preset: Preset) -> None:
    if not preset.base_url:
        assert preset.base_url_variable
        return
    if preset.api != "mock":
        assert str(parse(preset.base_url)) == preset.base_url
    assert preset.base_url == preset.base_url.lower()


@ALL
def test_only_this_machine_is_reached_without_tls(preset: Preset) -> None:
    if preset.base_url.startswith("http://"):
        assert urlsplit(preset.base_url).hostname == "localhost"
        assert preset.start_hint


@ALL
def test_key_and_auth_go_together(preset: Preset) -> None:
    assert (preset.key_variable is None) == (preset.name in KEYLESS)
    assert preset.auth in {"bearer", "x-api-key", "api-key", "none"}
    assert (preset.auth == "none") == (preset.name == "mock")


@ALL
def test_variables_are_names_of_variables(preset: Preset) -> None:
    for name in (preset.key_variable, preset.base_url_variable):
        assert name is None or re.fullmatch(r"[A-Z][A-Z0-9_]*", name)


def test_a_url_variable_moves_one_preset_only() -> None:
    variables = [preset.base_url_variable for preset in PRESETS.values() if preset.base_url_variable]
    assert len(variables) == len(set(variables))


def test_a_key_variable_is_shared_only_by_the_sites_of_one_vendor() -> None:
    owners: dict[str | None, set[str]] = {}
    for preset in PRESETS.values():
        owners.setdefault(preset.key_variable, set()).add(preset.name)
    shared = [names for variable, names in owners.items() if variable and len(names) > 1]
    assert shared == [{"dashscope", "dashscope-cn"}, {"moonshot", "moonshot-cn"}]


@ALL
def test_api_and_transport_are_known(preset: Preset) -> None:
    assert preset.api in {"openai-chat", "anthropic-messages", "ollama-chat", "mock"}
    assert preset.transport == ("sdk" if preset.name in {"openai", "anthropic"} else "http")
    assert (preset.api_version is not None) == (preset.api == "anthropic-messages")


@ALL
def test_quirks_are_named_and_frozen(preset: Preset) -> None:
    assert preset.quirks.keys() <= QUIRKS.keys()
    with pytest.raises(TypeError):
        preset.quirks["sampling"] = True  # type: ignore[index]


def test_presets_hold_known_quirks_and_the_codecs_know_the_same() -> None:
    assert {name for preset in PRESETS.values() for name in preset.quirks} <= set(QUIRKS)
    assert {*(field.name for field in fields(Quirks)), "cloud_model_suffixes"} == set(QUIRKS)
    assert {field.name for field in fields(Declared)} == {field.name for field in fields(Quirks)}


def test_code_asks_for_no_quirk_that_has_no_meaning() -> None:
    package = Path(llmroute.__file__).parent
    asked = {
        name
        for file in package.rglob("*.py")
        for name in re.findall(r"""quirks(?:\.get\(|\[)\s*["'](\w+)["']""", file.read_text(encoding="utf-8"))
    }
    assert asked <= set(QUIRKS)


def test_anthropic_is_what_its_sdk_sends() -> None:
    anthropic = pytest.importorskip("anthropic")
    client = anthropic.Anthropic(api_key="canary")
    preset = PRESETS["anthropic"]
    assert client.default_headers["anthropic-version"] == preset.api_version
    assert client.auth_headers == {"Authorization": "Bearer canary"}
    assert preset.auth == "bearer"


@pytest.mark.parametrize("name", GENAI_PRICES_IDS)
def test_host_is_the_one_in_genai_prices(name: str) -> None:
    from genai_prices.data import providers

    pattern = {provider.id: provider.api_pattern for provider in providers}[GENAI_PRICES_IDS[name]]
    assert re.match(pattern, PRESETS[name].base_url)


def test_the_catalog_loads_nothing_heavy() -> None:
    root = str(Path(llmroute.__file__).parents[1])
    code = (
        f"import sys; sys.path.insert(0, {root!r})\n"
        "import llmroute.catalog.presets, llmroute.catalog.models, llmroute.catalog.prices\n"
        "print(*{'genai_prices', 'pydantic', 'httpx2', 'urllib.parse', 'ipaddress'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
