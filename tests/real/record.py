"""Records what llama.cpp really sends, byte for byte, for tests that replay it without a server.

    python -m tests.real.record [NAME ...]

starts the server of `serve_local_model.py`, once with the model's own chat template and once with the one that
makes it call tools, asks all that is listed here (or the recordings named), and writes `tests/data/wire/`:
`NAME.json`, `NAME.sse` are bodies as they came, `NAME.head.json` has the request, the status and the content type.

Each request is sent twice and the second answer kept. The prompt is in the server's cache then, so that a whole
and a streamed answer to one request start from the same state, and say the same at temperature 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from tests.real.serve_local_model import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("serve_local_model.py")
FOLDER = Path(__file__).parents[1] / "data" / "wire"
TEMPLATE = "meetkai-functionary-medium-v3.2.jinja"
PATHS = {"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages"}
OPENAI, ANTHROPIC = PATHS


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, and the name under which the answer is kept."""

    name: str
    path: str
    body: dict[str, Any] | str
    """A string is sent as it is: what is no JSON has to be answered too."""
    template: str | None = None
    """The chat template of the server; None is the model's own."""

    def head(self, status: int, content_type: str, file: str) -> dict[str, Any]:
        """What is kept beside the body."""
        request = {"path": self.path, "chat_template": self.template, "body": self.body}
        return {"request": request, "response": {"status": status, "content_type": content_type, "file": file}}


CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORM = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}, "capital": {"type": "boolean"}},
    "required": ["city", "capital"],
    "additionalProperties": False,
}
ABOUT = "Weather of a city"
TOOLS: dict[str, list[dict[str, Any]]] = {
    OPENAI: [{"type": "function", "function": {"name": "get_weather", "description": ABOUT, "parameters": CITY}}],
    ANTHROPIC: [{"name": "get_weather", "description": ABOUT, "input_schema": CITY}],
}
REQUIRED: dict[str, Any] = {OPENAI: "required", ANTHROPIC: {"type": "any"}}
FORMS: dict[str, dict[str, Any]] = {
    OPENAI: {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": FORM}}},
    ANTHROPIC: {"output_config": {"format": {"type": "json_schema", "schema": FORM}}},
}
TOO_LONG = "one two " * 520
"""More than the 1024 tokens that the server is started with."""


def asked(text: str, max_tokens: int = 16, **more: Any) -> dict[str, Any]:
    """A request with one user message, answered the same each time."""
    messages = [{"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "seed": 1, **more}


def two_cities() -> list[dict[str, Any]]:
    """A conversation that shows the model two calls in one answer, and asks for two more; in OpenAI's format."""
    done = (("call_1", "Oslo", "sunny"), ("call_2", "Rome", "rain"))
    calls = [
        {"id": key, "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"city": city})}}
        for key, city, _ in done
    ]
    return [
        {"role": "user", "content": "Weather in Oslo and in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": key, "content": said} for key, _, said in done),
        {"role": "assistant", "content": "Sunny in Oslo, rain in Rome."},
        {"role": "user", "content": "Weather in Paris and in Bonn?"},
    ]


def of_api(api: str) -> Iterator[Recording]:
    """All recordings of one API."""
    text = asked("Count: one, two, three,")
    tools: dict[str, Any] = {"tools": TOOLS[api], "tool_choice": REQUIRED[api]}
    call = asked("What is the weather in Paris?", 48, **tools)
    twins: dict[str, tuple[dict[str, Any], str | None]] = {
        "text": (text, None),
        "stop": (text | {"stop" if api == OPENAI else "stop_sequences": [", three"]}, None),
        "cut": (text | {"max_tokens": 3}, None),
        "utf8": (asked("Repeat: 日本語 🙂 naïve", 24), None),
        # The server does not know `output_config`, and answers in free text.
        "schema" if api == OPENAI else "schema-ignored": (asked("Name a city.", 32, **FORMS[api]), None),
        "tool": (call, TEMPLATE),
        "tool-cut": (call | {"max_tokens": 9}, TEMPLATE),
        # The model's answer does not fit the grammar of the template: the server fails while it generates.
        "error-generating": ({k: v for k, v in call.items() if k != "tool_choice"}, TEMPLATE),
    }
    if api == OPENAI:  # in the other format the server passes on neither the seed nor the wish for parallel calls
        several = {"messages": two_cities(), "temperature": 0.8, "parallel_tool_calls": True}
        twins["tools-parallel"] = (asked("", 64, **tools) | several, TEMPLATE)
    path = PATHS[api]
    for name, (body, template) in twins.items():
        yield Recording(f"{api}.{name}", path, body, template)
        options = {"stream_options": {"include_usage": True}} if api == OPENAI else {}
        yield Recording(f"{api}.{name}-stream", path, {**body, "stream": True, **options}, template)
    no_messages = {key: value for key, value in text.items() if key != "messages"}
    yield Recording(f"{api}.error-no-json", path, "{")
    yield Recording(f"{api}.error-no-messages", path, no_messages)
    yield Recording(f"{api}.error-wrong-type", path, text | {"max_tokens": "many"})
    yield Recording(f"{api}.error-too-long", path, asked(TOO_LONG))
    yield Recording(f"{api}.error-too-long-stream", path, asked(TOO_LONG, stream=True))
    yield Recording(f"{api}.error-unknown-path", path.replace("/v1", "/v2"), text)


RECORDINGS = (*of_api(OPENAI), *of_api(ANTHROPIC))


@contextmanager
def running(template: str | None) -> Iterator[str]:
    """The root URL of a server with that chat template."""
    options = [] if template is None else ["--chat-template-file", str(FOLDER / template)]
    command = [sys.executable, str(SCRIPT), "--port", "0", "--until-stdin-closes", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the server was started without pipes")
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def ask(client: httpx2.Client, recording: Recording) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    body = recording.body if isinstance(recording.body, str) else json.dumps(recording.body)
    # The server often closes a connection after a stream, though it has promised to keep it.
    headers = {"content-type": "application/json", "accept-encoding": "identity", "connection": "close"}
    with client.stream("POST", recording.path, content=body.encode(), headers=headers) as response:
        return response.status_code, response.headers.get("content-type", ""), b"".join(response.iter_raw())


def keep(recording: Recording, status: int, content_type: str, body: bytes, folder: Path = FOLDER) -> None:
    """Write the files of a recording, in place of older ones."""
    suffix = "sse" if content_type.startswith("text/event-stream") else "json"
    file = f"{recording.name}.{suffix}"
    for old in folder.glob(f"{recording.name}.*"):
        old.unlink()
    (folder / file).write_bytes(body)
    head = json.dumps(recording.head(status, content_type, file), indent=1, ensure_ascii=False)
    (folder / f"{recording.name}.head.json").write_text(head + "\n", encoding="utf-8")


def main(names: list[str]) -> None:
    """Records all, or those named."""
    wanted = [recording for recording in RECORDINGS if not names or recording.name in names]
    for template in (None, TEMPLATE):
        mine = [recording for recording in wanted if recording.template == template]
        if not mine:
            continue
        with running(template) as root, httpx2.Client(base_url=root, timeout=120, trust_env=False) as client:
            for recording in mine:
                ask(client, recording)
                answer = ask(client, recording)
                keep(recording, *answer)
                print(answer[0], recording.name, len(answer[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
