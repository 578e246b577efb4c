"""A language server, spoken to over its standard streams (Language Server Protocol 3.17)."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CURSOR = "|"
"""Where the cursor stands in a text."""
_CAN = {
    "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}, "publishDiagnostics": {}},
    "workspace": {"configuration": True},
}


class LanguageServer:
    """One running server; each question opens a document of its own."""

    def __init__(self, reads: BinaryIO, writes: BinaryIO, folder: Path, settings: Mapping[str, Any]) -> None:
        self._reads, self._writes, self._folder, self._settings = reads, writes, folder, settings
        self._ids, self._documents = count(1), count(1)
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": _CAN})
        self._tell("initialized", {})
        ready = False
        while not ready:  # it asks for its settings first
            ready = self._receive().get("method") == "workspace/configuration"

    def completions(self, text: str, name: str = "") -> dict[str, dict[str, Any]]:
        """What is offered at the cursor, by its label."""
        found = self._ask("textDocument/completion", self._opened(text, name))
        return {item["label"]: item for item in found["items"]}

    def hover(self, text: str) -> str:
        """What is shown when the pointer rests at the cursor."""
        found = self._ask("textDocument/hover", self._opened(text))
        return "" if found is None else str(found["contents"]["value"])

    def problems(self, text: str) -> list[str]:
        """What the server finds wrong with a document."""
        uri = self._opened(text + CURSOR)["textDocument"]["uri"]
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return [item["message"] for item in message["params"]["diagnostics"]]

    def stop(self) -> None:
        """Ask it to end."""
        self._ask("shutdown", None)
        self._tell("exit", None)

    def _opened(self, text: str, name: str = "") -> dict[str, Any]:
        """Open a document without its cursor; the place of that in it."""
        before, _, after = text.rpartition(CURSOR)
        uri = (self._folder / (name or f"document-{next(self._documents)}.yaml")).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": before + after}
        self._tell("textDocument/didOpen", {"textDocument": document})
        lines = before.split("\n")
        return {"textDocument": {"uri": uri}, "position": {"line": len(lines) - 1, "character": len(lines[-1])}}

    def _ask(self, method: str, params: Any) -> Any:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._writes.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._writes.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server asks of its editor is answered from the settings, or with nothing."""
        size = 0
        while line := self._reads.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        assert size, "the language server has ended"
        message: dict[str, Any] = json.loads(self._reads.read(size))
        if "id" in message and "method" in message:
            answer = None
            if message["method"] == "workspace/configuration":
                answer = [self._settings.get(item["section"]) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": answer})
        return message


@contextmanager
def running(command: Sequence[str], folder: Path, settings: Mapping[str, Any]) -> Iterator[LanguageServer]:
    """A language server that works in a folder, with the settings of an editor by their section."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            server = LanguageServer(process.stdout, process.stdin, folder, settings)
            yield server
            server.stop()
        finally:
            process.stdin.close()
            process.terminate()
