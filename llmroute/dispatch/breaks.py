"""What follows when a stream breaks after content: an error, the text written on, or a new beginning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmroute.errors import TruncatedStreamError
from llmroute.wire.chat import Finish, Restart, Text, TextDelta, ToolCallStart

if TYPE_CHECKING:
    from llmroute.dispatch.run import Run, Step
    from llmroute.errors import CallError
    from llmroute.wire.chat import Event, Part, Reply


class Breaks:
    """What the caller has seen of an answer, so that another target can take over."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._how = "error"
        """`on_stream_break` of the target that broke last."""
        self._failure: CallError | None = None
        """The break that the caller does not know of yet."""
        self._text = ""
        """What earlier targets wrote of the text that is being continued."""
        self._owed = ""
        """White space at its end, which no target is given and each writes again."""
        self._pieces: list[str] = []
        self._last: TextDelta | None = None
        self._has_calls = False
        self._begun_by = ""

    def seen(self, event: Event) -> list[Event]:
        """What the caller is to see of an event; the first one after a break says so."""
        first: list[Event] = []
        if self._failure is not None:
            if self._how == "restart":
                first = [Restart(self._failure, self._run.target.name)]
            self._failure = None
        if isinstance(event, TextDelta):
            whole = self._appended(event)
            self._last = whole or self._last
            return first if whole is None else [*first, whole]
        if isinstance(event, ToolCallStart):
            self._has_calls = True
        return [*first, Finish(self._joined(event.reply)) if isinstance(event, Finish) else event]

    def _appended(self, event: TextDelta) -> TextDelta | None:
        """The event behind the text of earlier targets; None where it only repeats the white space at their end."""
        if not self._text:
            return event
        text = event.text
        while self._owed and text and text[0] == self._owed[0]:
            text, self._owed = text[1:], self._owed[1:]
        if not text:
            return None
        self._owed = ""
        return TextDelta.append(self._pieces, text)

    def _joined(self, reply: Reply) -> Reply:
        """The reply with the text of earlier targets."""
        if not self._text:
            return reply
        parts: list[Part] = [part for part in reply.content if not isinstance(part, Text)]
        place = next((i for i, part in enumerate(reply.content) if isinstance(part, Text)), len(parts))
        parts.insert(place, Text("".join(self._pieces)))
        begun = f"the stream of {self._begun_by} broke: {self._run.target.name} wrote on behind its text"
        return replace(reply, message=replace(reply.message, content=tuple(parts)), warnings=(*reply.warnings, begun))

    def take_over(self, failure: CallError) -> Step:
        """The step of the next target after a break.

        Raises:
            CallError: none follows, as the spec says or because none can.
        """
        self._how = self._run.on_stream_break
        if isinstance(failure, TruncatedStreamError) and failure.partial is not None:
            failure.partial = self._joined(failure.partial)
        text = self._text if self._last is None else self._last.snapshot
        prefill = ""
        if self._how == "continue":
            if self._has_calls or not self._run.plain:
                raise failure
            prefill = text.rstrip()
        elif self._how != "restart":
            raise failure
        self._failure, self._begun_by = failure, self._run.target.name
        self._text = text if self._how == "continue" else ""
        self._owed, self._pieces = text[len(prefill) :], [text]
        self._last, self._has_calls = None, False
        return self._run.taken_over(failure, prefill)
