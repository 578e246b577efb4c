"""The recordings are what the script makes, and the server still answers in that shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.real.record import FOLDER, RECORDINGS, Recording, ask, keep

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = {recording.name: recording for recording in RECORDINGS}


def shape_of(value: Any) -> Any:
    """Keys and types, all that two answers of one server have in common."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return "number" if isinstance(value, int | float) else type(value).__name__


def shapes(body: bytes) -> Any:
    """The shape of a body, or the different ones of a stream's events."""
    if body.startswith(b"{"):
        return shape_of(json.loads(body))
    rows = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: {")]
    return {json.dumps(shape_of(json.loads(row)), sort_keys=True) for row in rows}


def test_each_recording_is_there_with_the_request_of_the_script() -> None:
    heads = {path.name.removesuffix(".head.json"): json.loads(path.read_bytes()) for path in FOLDER.glob("*.head.json")}
    assert heads.keys() == BY_NAME.keys()
    for name, head in heads.items():
        response = head["response"]
        assert head == BY_NAME[name].head(response["status"], response["content_type"], response["file"]), name


def test_no_file_without_a_recording() -> None:
    named = {json.loads(path.read_bytes())["response"]["file"] for path in FOLDER.glob("*.head.json")}
    bodies = {path.name for path in FOLDER.iterdir() if path.suffix in {".json", ".sse"}}
    assert {name for name in bodies if not name.endswith(".head.json")} == named


@pytest.mark.parametrize(("content_type", "file"), [("text/event-stream", "a.b.sse"), ("application/json", "a.b.json")])
def test_bytes_are_kept_as_they_came(tmp_path: Path, content_type: str, file: str) -> None:
    body = b"data: \xff\r\n\x00\xe2\x80\xa8"
    (tmp_path / "a.b.sse").write_bytes(b"an older recording")
    (tmp_path / "a.b-stream.sse").write_bytes(b"another one")
    keep(Recording("a.b", "/v1/x", "{"), 200, content_type, body, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {file, "a.b.head.json", "a.b-stream.sse"}
    assert (tmp_path / file).read_bytes() == body
    head = json.loads((tmp_path / "a.b.head.json").read_bytes())
    assert head["response"] == {"status": 200, "content_type": content_type, "file": file}


def check_against_server(root: str, name: str) -> None:
    recording = BY_NAME[name]
    head = json.loads((FOLDER / f"{name}.head.json").read_bytes())["response"]
    with httpx2.Client(base_url=root, timeout=120, trust_env=False) as client:
        status, content_type, body = ask(client, recording)
    assert (status, content_type) == (head["status"], head["content_type"])
    assert shapes(body) == shapes((FOLDER / head["file"]).read_bytes())


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name, recording in BY_NAME.items() if recording.template is None])
def test_the_server_still_answers_so(local_model: str, name: str) -> None:
    check_against_server(local_model, name)


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name in BY_NAME if ".tool" in name and "parallel" not in name])
def test_the_server_still_calls_tools_so(tool_model: str, name: str) -> None:
    check_against_server(tool_model, name)
