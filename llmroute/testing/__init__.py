"""A server on loopback that misbehaves on purpose, for tests of programs that call models over HTTP.

    from llmroute.testing import FaultServer, Hang, answer, good_answer

    with FaultServer() as server:
        server.script(answer(503), [Hang()], good_answer("openai-chat", "Four."))
        ...  # the program, with `server.url` as its base URL
        assert len(server.requests) == 3

It needs the standard library alone, and knows nothing of routing: any client may be tested with it. Where no bytes
on a wire are wanted, the provider `preset: mock` is the simpler thing. The pytest fixtures are in
`llmroute.testing.fixtures`.
"""

from __future__ import annotations

from llmroute.testing.answers import good_answer, good_stream
from llmroute.testing.server import FaultServer, Seen
from llmroute.testing.steps import END, Close, Hang, Pause, Reset, Script, Step, answer, chunk, sse, stream

__all__ = [
    "END",
    "Close",
    "FaultServer",
    "Hang",
    "Pause",
    "Reset",
    "Script",
    "Seen",
    "Step",
    "answer",
    "chunk",
    "good_answer",
    "good_stream",
    "sse",
    "stream",
]
