"""Oracle's generative AI inference on loopback: it checks signatures, and answers in the format that it is asked in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from llmroute.testing import FaultServer, answer, sse, stream

if TYPE_CHECKING:
    from pathlib import Path

    from llmroute.testing import Script, Seen

TENANCY = "ocid1.tenancy.oc1..aaaa"
USER = "ocid1.user.oc1..bbbb"
FINGERPRINT = ":".join(["ab"] * 16)
COMPARTMENT = "ocid1.compartment.oc1..cccc"
LLAMA, COMMAND = "meta.llama-3.3-70b-instruct", "cohere.command-a-03-2025"
USAGE = {"promptTokens": 7, "completionTokens": 2, "totalTokens": 9}
CALL = {"name": "add", "arguments": {"a": 2}}
CHAT = "/20231130/actions/chat"
_SIGNATURE = re.compile(
    r'Signature algorithm="rsa-sha256",headers="(?P<headers>[^"]+)",keyId="(?P<key>[^"]+)",'
    r'signature="(?P<signature>[^"]+)",version="1"'
)


@dataclass
class FakeOracle:
    """The cloud; `key` is the throw-away key of its only user."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    key_id: str = f"{TENANCY}/{USER}/{FINGERPRINT}"
    calls: bool = False
    """Whether the answers call a tool."""
    models: list[dict[str, Any]] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    """The names of the headers that were signed, by request."""

    def write_profile(self, folder: Path, name: str = "DEFAULT", **more: str) -> Path:
        """A configuration file with one profile, and its key beside it."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(pem)
        rows = {"user": USER, "tenancy": TENANCY, "fingerprint": FINGERPRINT, "key_file": str(folder / "key.pem")}
        rows |= {"region": "us-chicago-1", **more}
        text = "\n".join(f"{key}={value}" for key, value in rows.items())
        (folder / "config").write_text(f"[{name}]\n{text}\n")
        return folder / "config"

    def serve(self) -> FaultServer:
        """A server that answers for it."""
        return FaultServer(self.answer)

    def answer(self, seen: Seen) -> Script:
        """The answer to a request, which must be signed."""
        if not self._is_signed(seen):
            return answer(401, {"code": "NotAuthenticated", "message": "The required information was not provided."})
        if seen.method == "GET":
            return answer(200, {"items": self.models})
        asked = seen.json["chatRequest"]
        cohere = asked["apiFormat"] == "COHERE"
        if asked.get("isStream"):
            return stream(*(sse(chunk) for chunk in (self._cohere_chunks() if cohere else self._generic_chunks())))
        result = self._cohere() if cohere else self._generic()
        model = seen.json["servingMode"].get("modelId", "")
        return answer(200, {"modelId": model, "modelVersion": "1.0", "chatResponse": result})

    def _is_signed(self, seen: Seen) -> bool:
        found = _SIGNATURE.fullmatch(seen.headers.get("authorization", ""))
        if found is None or found["key"] != self.key_id:
            return False
        names = found["headers"].split()
        self.signed.append(found["headers"])
        values = {**seen.headers, "(request-target)": f"{seen.method.lower()} {seen.path}"}
        text = "\n".join(f"{name}: {values.get(name)}" for name in names)
        digest = base64.b64encode(hashlib.sha256(seen.body).digest()).decode()
        try:
            self.key.public_key().verify(
                base64.b64decode(found["signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return seen.method == "GET" or ("x-content-sha256" in names and seen.headers["x-content-sha256"] == digest)

    def _generic(self) -> dict[str, Any]:
        call = {"id": "call_1", "type": "FUNCTION", "name": "add", "arguments": json.dumps(CALL["arguments"])}
        content = {"toolCalls": [call]} if self.calls else {"content": [{"type": "TEXT", "text": "Four."}]}
        reason = "tool_calls" if self.calls else "stop"
        choice = {"index": 0, "message": {"role": "ASSISTANT", **content}, "finishReason": reason}
        return {
            "apiFormat": "GENERIC",
            "timeCreated": "2026-09-01T10:00:00.000Z",
            "choices": [choice],
            "usage": USAGE,
        }

    def _generic_chunks(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = [{"content": [{"type": "TEXT", "text": text}]} for text in ("Fo", "ur.")]
        if self.calls:
            begun = {"type": "FUNCTION", "id": "call_1", "name": "add", "arguments": ""}
            rest = {"type": "FUNCTION", "arguments": json.dumps(CALL["arguments"])}
            rows = [{"toolCalls": [begun]}, {"toolCalls": [rest]}]
        pieces = [{"index": 0, "message": {"role": "ASSISTANT", **row}, "pad": "aaaa"} for row in rows]
        end = {"message": {"role": "ASSISTANT"}, "finishReason": "tool_calls" if self.calls else "stop", "pad": "a"}
        return [*pieces, end, {"usage": USAGE}]

    def _cohere(self) -> dict[str, Any]:
        history = [{"role": "USER", "message": "2 + 2?"}, {"role": "CHATBOT", "message": "Four."}]
        found = {"apiFormat": "COHERE", "text": "Four.", "chatHistory": history, "finishReason": "COMPLETE"}
        calls = {"text": "", "toolCalls": [{"name": "add", "parameters": CALL["arguments"]}]}
        return {**found, "usage": USAGE, **(calls if self.calls else {})}

    def _cohere_chunks(self) -> list[dict[str, Any]]:
        texts = [] if self.calls else [{"apiFormat": "COHERE", "text": text, "pad": "aa"} for text in ("Fo", "ur.")]
        whole = self._cohere()
        calls = [{key: whole[key] for key in ("apiFormat", "text", "toolCalls")}] if self.calls else []
        return [*texts, *calls, whole]
