"""Which models Oracle's generative AI offers: the list, its cache, and what `llmroute doctor` makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llmroute import Router
from llmroute.adapters.model_lists import list_models
from llmroute.adapters.oci_models import _INFERENCE, _MANAGEMENT
from llmroute.adapters.questions import Questions
from llmroute.cli import main
from llmroute.errors import AuthenticationError, MalformedReplyError, RequestError
from llmroute.testing import FaultServer, answer
from tests.adapters.samples import KEY
from tests.adapters.samples import call as plain_call
from tests.extras import need

need("oci", "oci")
from tests.adapters.fake_oracle import COMMAND, COMPARTMENT, LLAMA, FakeOracle  # noqa: E402 - it needs Oracle's SDK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS: list[dict[str, Any]] = [
    {"id": "ocid1.generativeaimodel.1", "displayName": LLAMA, "capabilities": ["CHAT"], "type": "BASE"},
    {"id": "ocid1.generativeaimodel.2", "displayName": COMMAND, "capabilities": ["CHAT", "IMAGE_TEXT_TO_TEXT"]},
    {"id": "ocid1.generativeaimodel.3", "displayName": "cohere.embed-v4", "capabilities": ["TEXT_EMBEDDINGS"]},
    {"id": "ocid1.generativeaimodel.4", "displayName": "my.tuned", "capabilities": ["CHAT"], "type": "CUSTOM"},
    {"id": "ocid1.generativeaimodel.5", "displayName": LLAMA, "capabilities": ["CHAT"]},
]
SPEC = """\
version: 1
providers:
  oracle:
    api: oci-genai
    base_url: {url}
    model: {model}
    extra_body: {{config_file: {config}, compartmentId: {compartment}}}
defaults: {{provider: oracle}}
"""


@pytest.fixture(scope="module")
def oracle() -> FakeOracle:
    return FakeOracle(models=MODELS)


@pytest.fixture
def cloud(oracle: FakeOracle) -> Iterator[FaultServer]:
    with oracle.serve() as server:
        yield server


@pytest.fixture
def config(oracle: FakeOracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for base in ("config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{base.upper()}_HOME", str(tmp_path / base))
    return oracle.write_profile(tmp_path)


def spec(tmp_path: Path, cloud: FaultServer, config: Path, model: str = LLAMA) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.format(url=cloud.url, config=config, compartment=COMPARTMENT, model=model))
    return str(path)


def listed(server: FaultServer, config: Path, **changes: Any) -> Any:
    extra = {"config_file": str(config), "compartmentId": COMPARTMENT}
    with Questions(plain_call(server, "oci-genai", **{"key": None, "extra_body": extra, **changes})) as questions:
        return list_models(questions, None)


def test_models_that_chat_by_the_name_that_a_request_asks_for(cloud: FaultServer, config: Path) -> None:
    models = listed(cloud, config)
    assert [model.name for model in models] == [LLAMA, COMMAND, "ocid1.generativeaimodel.4"]
    assert [model.facts for model in models] == [{}, {"vision": True}, {}]
    (seen,) = cloud.requests
    path, _, query = seen.path.partition("?")
    assert (seen.method, path) == ("GET", "/20231130/models")
    assert query == f"compartmentId={COMPARTMENT}&capability=CHAT&lifecycleState=ACTIVE&limit=1000"


def test_the_list_is_beside_the_inference() -> None:
    host = "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com"
    assert host.replace(_INFERENCE, _MANAGEMENT) == "https://generativeai.us-chicago-1.oci.oraclecloud.com"


def test_oracle_s_own_client_reads_the_same_list(cloud: FaultServer, config: Path) -> None:
    import oci

    made = oci.config.from_file(str(config))
    client = oci.generative_ai.GenerativeAiClient(made, service_endpoint=cloud.url)
    found = client.list_models(COMPARTMENT, capability=["CHAT"], lifecycle_state="ACTIVE", limit=1000)
    assert [row.display_name for row in found.data.items] == [row["displayName"] for row in MODELS]
    listed(cloud, config)
    theirs, ours = (sorted(seen.path.partition("?")[2].split("&")) for seen in cloud.requests)
    assert theirs == ours


def test_with_a_key_nothing_is_signed(config: Path) -> None:
    with FaultServer(answer(200, {"items": []})) as server:
        assert listed(server, config, key=KEY, auth="bearer") == ()
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_what_is_no_list(config: Path) -> None:
    for body in ([], {"items": 7}):
        with FaultServer(answer(200, body)) as server, pytest.raises(MalformedReplyError, match="no list"):
            listed(server, config)
    with FaultServer(answer(200, {"items": [7, {"capabilities": 7}]})) as server:
        assert listed(server, config) == ()


def test_a_profile_that_can_t_be_used(cloud: FaultServer, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="no such file"):
        listed(cloud, tmp_path / "nowhere")


def test_the_command_lists_them_and_the_router_too(cloud: FaultServer, config: Path, tmp_path: Path) -> None:
    path = spec(tmp_path, cloud, config)
    done = CliRunner().invoke(main, ["models", "oracle", "--spec", path])
    assert done.exit_code == 0, done.output
    assert LLAMA in done.output
    assert "cohere.embed-v4" not in done.output
    with Router(path, environ={}) as router:
        assert router.complete("2 + 2?").text == "Four."


def test_the_list_of_a_remote_region_is_kept_for_a_day(cloud: FaultServer, config: Path, tmp_path: Path) -> None:
    text = SPEC.replace("    model:", "    locality: remote\n    model:")
    path = tmp_path / "spec.yaml"
    path.write_text(text.format(url=cloud.url, config=config, compartment=COMPARTMENT, model=LLAMA))
    for flags, asked in (([], 1), ([], 1), (["--refresh"], 2)):
        done = CliRunner().invoke(main, ["models", "oracle", "--spec", str(path), *flags])
        assert LLAMA in done.output
        assert len(cloud.requests) == asked


def test_doctor(cloud: FaultServer, config: Path, tmp_path: Path) -> None:
    good = CliRunner().invoke(main, ["doctor", "--spec", spec(tmp_path, cloud, config)])
    assert good.exit_code == 0, good.output
    bad = CliRunner().invoke(main, ["doctor", "--spec", spec(tmp_path, cloud, config, "meta.llama-2")])
    assert "not in its list" in " ".join(bad.output.split())
    config.unlink()
    none = CliRunner().invoke(main, ["doctor", "--spec", spec(tmp_path, cloud, config)])
    assert none.exit_code == 1
    assert "oci setup config" in " ".join(none.output.split())


def test_litellm_asks_nobody() -> None:
    made = plain_call("http://127.0.0.1:9", "litellm")
    with Questions(made) as questions, pytest.raises(RequestError, match="asks no provider"):
        list_models(questions, None)
