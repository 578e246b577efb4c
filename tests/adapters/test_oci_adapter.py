"""Oracle's generative AI inference: signed requests against a loopback cloud, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from llmroute import adapters
from llmroute.errors import (
    AmbiguousError,
    AuthenticationError,
    ConnectError,
    LLMRouteError,
    MissingExtraError,
    ModelNotFoundError,
    RateLimitError,
    RequestError,
    ServerError,
    TruncatedStreamError,
)
from llmroute.testing import FaultServer, Hang, Pause, Reset, answer, sse, stream
from llmroute.wire.chat import ChatRequest, Params, Tool, ToolChoice, Usage, system, tool_result, user
from tests.adapters.samples import KEY, PROMPT, aclosing, acollect, texts
from tests.adapters.samples import call as plain_call
from tests.extras import need

need("oci", "oci")
from tests.adapters.fake_oracle import (  # noqa: E402 - it needs what Oracle's SDK brings along
    CHAT,
    COMMAND,
    COMPARTMENT,
    LLAMA,
    TENANCY,
    FakeOracle,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmroute.adapters.base import Adapter, Call

MODELS = pytest.mark.parametrize("model", [LLAMA, COMMAND])
ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})


@pytest.fixture(scope="module")
def oracle() -> FakeOracle:
    return FakeOracle()


@pytest.fixture(autouse=True)
def _quiet(oracle: FakeOracle) -> Iterator[None]:
    yield
    oracle.calls = False


@pytest.fixture
def cloud(oracle: FakeOracle) -> Iterator[FaultServer]:
    with oracle.serve() as server:
        yield server


@pytest.fixture
def config(oracle: FakeOracle, tmp_path: Path) -> Path:
    return oracle.write_profile(tmp_path)


@pytest.fixture
def adapter() -> Iterator[Adapter]:
    made = adapters.create("oci-genai")
    yield made
    made.close()


def call(server: FaultServer | str, config: Path, model: str = LLAMA, **changes: Any) -> Call:
    extra = {"config_file": str(config), "compartmentId": COMPARTMENT, **changes.pop("extra_body", {})}
    given = {"key": None, "auth": "bearer", "extra_body": extra, "model": model, **changes}
    return plain_call(server, "oci-genai", **given)


def asking(made: Call, request: ChatRequest) -> Call:
    from dataclasses import replace

    return replace(made, request=request)


# -- Answers


@MODELS
def test_a_signed_request_and_its_answer(adapter: Adapter, cloud: FaultServer, config: Path, model: str) -> None:
    reply = adapter.complete(call(cloud, config, model))
    assert (reply.text, reply.stop_reason, reply.model) == ("Four.", "stop", model)
    assert reply.usage == Usage(input_tokens=7, output_tokens=2)
    (seen,) = cloud.requests
    assert (seen.method, seen.path) == ("POST", CHAT)
    assert (seen.json["compartmentId"], seen.json["servingMode"]["modelId"]) == (COMPARTMENT, model)
    assert "profile" not in seen.json
    assert "config_file" not in seen.json


def test_everything_that_matters_is_signed(
    adapter: Adapter, cloud: FaultServer, config: Path, oracle: FakeOracle
) -> None:
    adapter.complete(call(cloud, config))
    signed = oracle.signed[-1].split()
    assert signed == ["date", "(request-target)", "host", "content-length", "content-type", "x-content-sha256"]


@MODELS
def test_asynchronous(cloud: FaultServer, config: Path, model: str) -> None:
    made = call(cloud, config, model)
    assert asyncio.run(aclosing(adapters.create("oci-genai"), made)).text == "Four."

    async def streamed() -> list[Any]:
        adapter = adapters.create("oci-genai")
        try:
            return await acollect(adapter, made)
        finally:
            await adapter.aclose()

    assert texts(asyncio.run(streamed())) == ["Fo", "ur."]


@MODELS
def test_a_stream(adapter: Adapter, cloud: FaultServer, config: Path, model: str) -> None:
    events = list(adapter.stream(call(cloud, config, model)))
    assert texts(events) == ["Fo", "ur."]
    reply = events[-1].reply  # type: ignore[union-attr] # a stream ends with Finish
    assert (reply.text, reply.usage, reply.warnings) == ("Four.", Usage(input_tokens=7, output_tokens=2), ())


@MODELS
def test_tools(adapter: Adapter, cloud: FaultServer, config: Path, model: str, oracle: FakeOracle) -> None:
    oracle.calls = True
    made = asking(call(cloud, config, model), ChatRequest((system("Be brief."), user("2 + 2?")), tools=(ADD,)))
    for reply in (adapter.complete(made), list(adapter.stream(made))[-1].reply):  # type: ignore[union-attr]
        (wanted,) = reply.tool_calls
        assert (wanted.name, wanted.parsed(), reply.stop_reason) == ("add", {"a": 2}, "tool_calls")
    oracle.calls = False
    history = (*made.request.messages, reply.message, tool_result(wanted, "4"))
    assert adapter.complete(asking(made, ChatRequest(history, tools=(ADD,)))).text == "Four."
    last = cloud.requests[-1].json["chatRequest"]
    if model == COMMAND:
        assert last["toolResults"] == [{"call": {"name": "add", "parameters": {"a": 2}}, "outputs": [{"output": "4"}]}]
    else:
        assert last["messages"][-1] == {
            "role": "TOOL",
            "toolCallId": "call_1",
            "content": [{"type": "TEXT", "text": "4"}],
        }


def test_extra_body_is_part_of_the_request(adapter: Adapter, cloud: FaultServer, config: Path) -> None:
    extra = {"chatRequest": {"topK": 5}, "servingMode": {"servingType": "DEDICATED"}}
    adapter.complete(call(cloud, config, extra_body=extra))
    sent = cloud.requests[0].json
    assert (sent["chatRequest"]["topK"], sent["chatRequest"]["apiFormat"]) == (5, "GENERIC")
    assert sent["servingMode"] == {"servingType": "DEDICATED", "modelId": LLAMA}


def test_the_root_compartment_is_where_none_is_named(adapter: Adapter, cloud: FaultServer, config: Path) -> None:
    adapter.complete(plain_call(cloud, "oci-genai", key=None, extra_body={"config_file": str(config)}))
    assert cloud.requests[0].json["compartmentId"] == TENANCY


def test_a_base_url_may_have_the_version(adapter: Adapter, cloud: FaultServer, config: Path) -> None:
    adapter.complete(call(cloud, config, base_url=f"{cloud.url}/20231130"))
    assert cloud.requests[0].path == CHAT


def test_a_key_is_sent_in_place_of_a_signature(adapter: Adapter, config: Path) -> None:
    with FaultServer(answer(401, {"code": "NotAuthenticated", "message": "no"})) as server:
        with pytest.raises(AuthenticationError):
            adapter.complete(call(server, config, key=KEY))
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert "date" not in server.requests[0].headers


# -- Who signs


def test_another_profile(adapter: Adapter, cloud: FaultServer, oracle: FakeOracle, tmp_path: Path) -> None:
    path = oracle.write_profile(tmp_path, "WORK")
    adapter.complete(call(cloud, path, extra_body={"profile": "WORK"}))
    with pytest.raises(AuthenticationError, match=r"profile HOME in .*: the file has no such profile"):
        adapter.complete(call(cloud, path, extra_body={"profile": "HOME"}))
    assert len(cloud.requests) == 1


def test_a_session_signs_with_its_token(tmp_path: Path) -> None:
    oracle = FakeOracle(key_id="ST$token-1")
    (tmp_path / "token").write_text("token-1\n")
    path = oracle.write_profile(tmp_path, security_token_file=str(tmp_path / "token"))
    adapter = adapters.create("oci-genai")
    with oracle.serve() as server:
        assert adapter.complete(call(server, path)).text == "Four."
        oracle.key_id = "ST$token-2-renewed"
        (tmp_path / "token").write_text("token-2-renewed")
        assert adapter.complete(call(server, path)).text == "Four."
    adapter.close()


BROKEN = {
    "no such file": (None, "there is no such file"),
    "no section": ("user=x\n", "it can't be read \\(MissingSectionHeaderError\\)"),
    "no key": ("[DEFAULT]\nkey_file=/nowhere/key.pem\n", "its key_file is not there"),
    "no user": ("[DEFAULT]\nkey_file={key}\nfingerprint=x\n", "fingerprint, tenancy, user is missing or malformed"),
    "session": ("[DEFAULT]\nsecurity_token_file=/nowhere\n", "key_file, tenancy is missing or malformed"),
    "principal": ("[DEFAULT]\nauthentication_type=instance_principal\n", "authentication_type is missing or malformed"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_a_profile_that_can_t_be_used(
    adapter: Adapter, cloud: FaultServer, config: Path, text: str | None, words: str
) -> None:
    path = config
    if text is None:
        path.unlink()
    else:
        path.write_text(text.replace("{key}", str(path.with_name("key.pem"))))
    with pytest.raises(AuthenticationError, match=words) as failed:
        adapter.complete(call(cloud, path))
    assert failed.value.provider == "srv"
    assert failed.value.__context__ is None
    assert cloud.requests == []


@pytest.mark.parametrize("pem", ["no key", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_is_none(adapter: Adapter, cloud: FaultServer, oracle: FakeOracle, tmp_path: Path, pem: str) -> None:
    path = oracle.write_profile(tmp_path)
    (tmp_path / "key.pem").write_text(pem)
    with pytest.raises(AuthenticationError, match="no private key"):
        adapter.complete(call(cloud, path))


def test_names_of_profiles_are_texts(adapter: Adapter, cloud: FaultServer, config: Path) -> None:
    with pytest.raises(RequestError, match="are texts"):
        adapter.complete(call(cloud, config, extra_body={"profile": 7}))


def test_the_environment_moves_nothing(
    adapter: Adapter, cloud: FaultServer, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    for name, value in {**proxies, "OCI_REGION": "canary", "OCI_CONFIG_FILE": str(config)}.items():
        monkeypatch.setenv(name, value)
    adapter.complete(call(cloud, config))
    assert "canary" not in cloud.requests[0].raw.decode()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AuthenticationError, match="no such file"):
        adapter.complete(plain_call(cloud, "oci-genai", key=None))


def test_without_the_sdk_the_error_names_the_extra(
    adapter: Adapter, cloud: FaultServer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "oci.config", None)
    with pytest.raises(MissingExtraError, match=r"llmroute\[oci\]") as failed:
        adapter.complete(call(cloud, config))
    assert failed.value.extra == "oci"


def test_the_sdk_is_loaded_at_the_first_call_and_only_its_signers_are() -> None:
    code = (
        "import sys; from llmroute import adapters; adapters.create('oci-genai'); assert 'oci' not in sys.modules;"
        "import oci.config, oci.signer; assert 'oci.generative_ai_inference' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


# -- Failures


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidParameter", RequestError),
        (401, "NotAuthenticated", AuthenticationError),
        (404, "NotAuthorizedOrNotFound", ModelNotFoundError),
        (429, "TooManyRequests", RateLimitError),
        (500, "InternalServerError", ServerError),
    ],
)
def test_statuses(adapter: Adapter, config: Path, status: int, code: str, kind: type[LLMRouteError]) -> None:
    body = {"code": code, "message": f"It is so. {PROMPT}"}
    with FaultServer(answer(status, body, {"retry-after": "7"})) as server:
        for ask in (adapter.complete, lambda made: list(adapter.stream(made))):
            with pytest.raises(kind, match="It is so") as failed:
                ask(call(server, config))
            assert (failed.value.status, failed.value.retry_after_s) == (status, 7.0)  # type: ignore[attr-defined]
            assert PROMPT not in str(failed.value)
        assert len(server.requests) == 2  # nothing is asked again
        if status == 404:
            assert "generative-ai-family" in failed.value.hint  # type: ignore[attr-defined]


def test_no_server(adapter: Adapter, config: Path, closed_port: int) -> None:
    with pytest.raises(ConnectError, match="cannot reach"):
        adapter.complete(call(f"http://127.0.0.1:{closed_port}", config))


def test_silence_and_a_broken_stream(adapter: Adapter, config: Path, oracle: FakeOracle) -> None:
    with FaultServer([Hang()]) as server, pytest.raises(AmbiguousError):
        adapter.complete(call(server, config, timeout_s=0.2))
    first = sse(oracle._generic_chunks()[0])
    for end in ([Reset()], [b"0\r\n\r\n"]):
        with FaultServer(stream(first, Pause(0.05), end=end)) as server:
            with pytest.raises(TruncatedStreamError) as failed:
                list(adapter.stream(call(server, config)))
            assert failed.value.partial.text == "Fo"


def test_an_error_in_the_midst_of_a_stream(adapter: Adapter, config: Path, oracle: FakeOracle) -> None:
    first = sse(oracle._generic_chunks()[0])
    said = sse({"code": "429", "message": "Too many."})
    with FaultServer(stream(first, said)) as server, pytest.raises(RateLimitError, match="Too many"):
        list(adapter.stream(call(server, config)))


def test_closing_a_stream_closes_the_connection(adapter: Adapter, config: Path, oracle: FakeOracle) -> None:
    first = sse(oracle._generic_chunks()[0])
    with FaultServer(stream(first, Hang())) as server:
        events = adapter.stream(call(server, config))
        next(events)
        events.close()
        assert server.requests[0].hung_up.wait(2)

        async def cancelled() -> None:
            made = adapters.create("oci-genai")
            task = asyncio.ensure_future(acollect(made, call(server, config)))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.wait([task])
            await made.aclose()

        asyncio.run(cancelled())
        assert server.requests[1].hung_up.wait(2)


# -- What Oracle's SDK says of it


def sdk_client(server: FaultServer, config: Path) -> Any:
    import oci

    made = oci.config.from_file(str(config))
    return oci.generative_ai_inference.GenerativeAiInferenceClient(
        made, service_endpoint=server.url, retry_strategy=oci.retry.NoneRetryStrategy()
    )


@MODELS
def test_oracle_s_own_client_agrees_with_the_fake(cloud: FaultServer, config: Path, model: str) -> None:
    from oci.generative_ai_inference import models

    client = sdk_client(cloud, config)
    serving = models.OnDemandServingMode(model_id=model)
    if model == COMMAND:
        asked: Any = models.CohereChatRequest(message="2 + 2?", max_tokens=9)
    else:
        text = models.TextContent(text="2 + 2?")
        asked = models.GenericChatRequest(messages=[models.UserMessage(content=[text])], max_tokens=9)
    details = models.ChatDetails(compartment_id=COMPARTMENT, serving_mode=serving, chat_request=asked)
    said = client.chat(details).data.chat_response
    assert (said.text if model == COMMAND else said.choices[0].message.content[0].text) == "Four."
    theirs = cloud.requests[0].json

    adapter = adapters.create("oci-genai")
    made = asking(call(cloud, config, model), ChatRequest((user("2 + 2?"),), params=Params(max_tokens=9)))
    adapter.complete(made)
    adapter.close()
    ours = cloud.requests[1].json
    assert {**theirs, "chatRequest": said_fields(theirs)} == {**ours, "chatRequest": said_fields(ours)}


def said_fields(body: dict[str, Any]) -> dict[str, Any]:
    """The fields that are no default of the SDK's classes."""
    return {name: value for name, value in body["chatRequest"].items() if value not in (None, False, [], {})}


@MODELS
def test_every_field_that_is_written_is_one_of_the_sdk_s(model: str) -> None:
    from oci.generative_ai_inference import models

    from llmroute.wire import oci_chat

    params = Params(
        temperature=0.5, top_p=0.5, top_k=4, max_tokens=9, stop=(".",), seed=1, frequency_penalty=0, presence_penalty=0
    )
    request = ChatRequest((system("a"), user("b")), tools=(ADD,), tool_choice=ToolChoice("auto"), params=params)
    body = oci_chat.encode_request(request, model=model, stream=True).body["chatRequest"]
    known = models.CohereChatRequest() if model == COMMAND else models.GenericChatRequest()
    assert body.keys() <= set(known.attribute_map.values())
    (tool,) = body["tools"]
    described: Any = models.CohereTool() if model == COMMAND else models.FunctionDefinition()
    assert tool.keys() <= set(described.attribute_map.values())
