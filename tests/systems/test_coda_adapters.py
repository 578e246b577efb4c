"""Coda's providers `oci_genai` and `litellm`: who is asked, signed by whom, and what comes back.

Each test names the rows of docs/systems/coda.md that it shows.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llmroute import Router
from llmroute.adapters.litellm_library import library
from llmroute.cli import main
from llmroute.compat import coda
from llmroute.compat.coda import CodaProvider, Message, Role, Tool, ToolCall
from llmroute.testing import FaultServer, answer, good_answer, good_stream
from tests.extras import need
from tests.systems.rows import ROOT, Covered

need("oci", "oci")
need("litellm", "litellm")
from tests.adapters.fake_oracle import COMMAND, COMPARTMENT, LLAMA, TENANCY, FakeOracle  # noqa: E402 - it needs the SDK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.testing import Script, Seen

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM warns of its own code
EXAMPLE = ROOT / "examples/coda/routing.yaml"
REGION = "https://inference.generativeai.${OCI_REGION:-us-chicago-1}.oci.oraclecloud.com"
HELLO = [Message(Role.USER, "2 + 2?")]
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
shows = Covered("coda", "Oracle and LiteLLM")


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_behind() -> Iterator[None]:
    """LiteLLM leaves an event loop, which warns when it is found: here, where its warnings are none of anybody's."""
    yield
    gc.collect()


def test_every_row_is_shown() -> None:
    shows.check()


# -- Oracle


@pytest.fixture(scope="module")
def oracle() -> FakeOracle:
    rows = [{"displayName": LLAMA, "capabilities": ["CHAT"]}, {"displayName": "cohere.embed", "capabilities": ["X"]}]
    return FakeOracle(models=rows)


@pytest.fixture
def cloud(oracle: FakeOracle) -> Iterator[FaultServer]:
    oracle.calls = False
    with oracle.serve() as server:
        yield server


@pytest.fixture
def spec(cloud: FaultServer, oracle: FakeOracle, folder: Path, tmp_path: Path) -> str:
    """The example, with a cloud on loopback and a profile of its own."""
    config = oracle.write_profile(tmp_path)
    text = EXAMPLE.read_text()
    assert REGION in text
    text = text.replace(REGION, cloud.url).replace("{profile: DEFAULT,", f"{{profile: DEFAULT, config_file: {config},")
    (folder / "spec.yaml").write_text(text)
    return str(folder / "spec.yaml")


ENVIRON = {"CODA_DEFAULT_PROVIDER": "oci_genai", "OCI_COMPARTMENT_ID": COMPARTMENT}


@shows("oci_genai", "compartment_id, OCI_COMPARTMENT_ID")
@pytest.mark.parametrize(("model", "form"), [("", "COHERE"), (LLAMA, "GENERIC")])
def test_a_chat_with_either_kind_of_model(cloud: FaultServer, spec: str, model: str, form: str) -> None:
    with Router(spec, environ=ENVIRON) as router:
        provider = CodaProvider(router)
        completion = provider.chat(HELLO, model)
        pieces = [piece.content for piece in provider.chat_stream(HELLO, model)]

        async def both() -> tuple[str, str]:
            async with Router(spec, environ=ENVIRON) as other:
                made = CodaProvider(other)
                whole = await made.achat(HELLO, model)
                return whole.content, "".join([piece.content async for piece in made.achat_stream(HELLO, model)])

        assert asyncio.run(both()) == ("Four.", "Four.")
    assert (completion.content, completion.finish_reason, "".join(pieces)) == ("Four.", "stop", "Four.")
    assert {seen.json["chatRequest"]["apiFormat"] for seen in cloud.requests} == {form}
    assert {seen.json["compartmentId"] for seen in cloud.requests} == {COMPARTMENT}
    assert cloud.requests[0].json["servingMode"]["modelId"] == (model or COMMAND)


@shows("compartment_id, OCI_COMPARTMENT_ID", "config_file_location, config_profile")
def test_the_root_compartment_and_another_profile(
    cloud: FaultServer, oracle: FakeOracle, spec: str, tmp_path: Path
) -> None:
    oracle.write_profile(tmp_path, "WORK")
    text = (tmp_path / "spec.yaml").read_text().replace("profile: DEFAULT", "profile: WORK")
    own = text.replace(', compartmentId: "${OCI_COMPARTMENT_ID}"', "")
    with Router.from_str(own, environ=ENVIRON) as router:
        assert CodaProvider(router).chat(HELLO, "").content == "Four."
    assert cloud.requests[0].json["compartmentId"] == TENANCY
    with (
        Router(spec, environ=ENVIRON) as router,
        pytest.raises(coda.AuthenticationError, match="is missing or malformed"),
    ):
        CodaProvider(router).chat(HELLO, "")


@shows("the region of the profile")
def test_the_region_is_part_of_the_url() -> None:
    with Router(EXAMPLE, environ={**ENVIRON, "OCI_REGION": "eu-frankfurt-1"}) as router:
        target = router.resolve().target
    assert target.base_url == "https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com"
    assert target.locality == "remote"


@shows("tools of Oracle's models")
@pytest.mark.parametrize("model", [COMMAND, LLAMA])
def test_calls_of_tools(cloud: FaultServer, oracle: FakeOracle, spec: str, model: str) -> None:
    oracle.calls = True
    with Router(spec, environ=ENVIRON) as router:
        provider = CodaProvider(router)
        whole = provider.chat(HELLO, model, tools=[ADD])
        last = list(provider.chat_stream(HELLO, model, tools=[ADD]))[-1]
        for completion in (whole, last):
            assert completion.tool_calls is not None
            assert [(call.name, call.arguments) for call in completion.tool_calls] == [("add", {"a": 2})]
        assert whole.tool_calls is not None
        oracle.calls = False
        (call,) = whole.tool_calls
        called = Message(Role.ASSISTANT, "", tool_calls=[ToolCall(call.id, call.name, call.arguments)])
        result = Message(Role.TOOL, "4", tool_call_id=call.id)
        assert provider.chat([*HELLO, called, result], model, tools=[ADD]).content == "Four."
    sent = cloud.requests[-1].json["chatRequest"]
    if model == COMMAND:
        assert sent["toolResults"] == [{"call": {"name": "add", "parameters": {"a": 2}}, "outputs": [{"output": "4"}]}]
    else:
        assert [row["role"] for row in sent["messages"]] == ["USER", "ASSISTANT", "TOOL"]


@shows("models, kept for 24 hours")
def test_models_that_chat(cloud: FaultServer, spec: str, folder: Path) -> None:
    remote = (folder / "spec.yaml").read_text().replace("api: oci-genai", "api: oci-genai\n    locality: remote")
    (folder / "spec.yaml").write_text(remote)
    for _ in range(2):
        done = CliRunner().invoke(main, ["models", "oci_genai", "--spec", spec], env=ENVIRON)
        assert done.exit_code == 0, done.output
        assert LLAMA in done.output
        assert "cohere.embed" not in done.output
    assert len(cloud.requests) == 1
    with Router(spec, environ=ENVIRON) as router:
        assert LLAMA in [model.id for model in CodaProvider(router).list_models()]
    assert len(cloud.requests) == 1


# -- LiteLLM


def by_path(seen: Seen) -> Script:
    """A server that speaks both APIs of vendors, whole and streamed."""
    api = "anthropic-messages" if seen.path.endswith("/messages") else "openai-chat"
    return good_stream(api, "Fo", "ur.") if seen.json.get("stream") else good_answer(api)


def litellm(server: FaultServer, model: str = "openai/gpt-x") -> str:
    """The example, with a server of LiteLLM's on loopback."""
    old = "litellm: {api: litellm, auth: none, model: bedrock/anthropic.claude-3-haiku-20240307-v1:0}"
    text = EXAMPLE.read_text()
    assert old in text
    url = server.url if model.startswith("anthropic/") else f"{server.url}/v1"
    return text.replace(old, f"litellm: {{api: litellm, base_url: '{url}', api_key: '${{MY_KEY}}', model: {model}}}")


KEYS = {"CODA_DEFAULT_PROVIDER": "litellm", "MY_KEY": "mine"}


@shows("litellm", "api_base, api_key")
@pytest.mark.parametrize("model", ["openai/gpt-x", "anthropic/claude-x"])
def test_any_provider_of_litellm_s(server: FaultServer, model: str) -> None:
    server.default = by_path
    with Router.from_str(litellm(server, model), environ=KEYS) as router:
        provider = CodaProvider(router)
        assert provider.chat(HELLO, "").content == "Four."
        *pieces, last = provider.chat_stream(HELLO, "")
    assert "".join(piece.content for piece in pieces) == "Four."
    assert last.usage is not None
    assert {seen.json["model"] for seen in server.requests} == {model.partition("/")[2]}
    assert all("mine" in str(seen.headers) for seen in server.requests)
    assert (library().api_key, library().api_base) == (None, None)


@shows("litellm")
def test_a_vendor_that_litellm_knows_needs_no_url() -> None:
    with Router(EXAMPLE, environ=KEYS) as router:
        target = router.resolve().target
    assert (target.api, target.base_url, target.locality) == ("litellm", "litellm://litellm", "remote")
    assert target.model == "bedrock/anthropic.claude-3-haiku-20240307-v1:0"


@shows("tools and usage by LiteLLM")
def test_tools_and_usage(server: FaultServer) -> None:
    server.default = good_answer("openai-chat", "", {"add": {"a": 2}})
    with Router.from_str(litellm(server), environ=KEYS) as router:
        completion = CodaProvider(router).chat(HELLO, "", tools=[ADD])
    assert completion.tool_calls is not None
    assert [(call.name, call.arguments) for call in completion.tool_calls] == [("add", {"a": 2})]
    assert completion.usage == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert server.requests[0].json["tools"][0]["function"]["name"] == "add"


@shows("failures of LiteLLM's")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, coda.AuthenticationError),
        (404, coda.ModelNotFoundError),
        (500, coda.ProviderConnectionError),
        (429, coda.ProviderError),
    ],
)
def test_failures(server: FaultServer, status: int, kind: Any, capfd: pytest.CaptureFixture[str]) -> None:
    server.default = answer(status, {"error": {"message": "It is so."}})
    with Router.from_str(litellm(server), environ=KEYS) as router, pytest.raises(kind, match="It is so"):
        CodaProvider(router).chat(HELLO, "", max_retries=0)
    assert len(server.requests) == 1
    assert capfd.readouterr().out == ""
