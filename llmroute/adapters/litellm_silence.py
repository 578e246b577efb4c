"""What LiteLLM tells of a call of ours: nothing, to nobody.

Each of its calls has a logging object, which keeps the conversation, counts costs and calls the callbacks of the
program, in threads and in tasks that outlive the call. One may be handed to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Coroutine
from datetime import datetime
from functools import lru_cache
from typing import Any


class _Over(Coroutine[Any, Any, None]):
    """A coroutine that has nothing to do: nobody has to wait for it, and none complains where nobody does."""

    cr_running = cr_suspended = False
    cr_frame = None

    def send(self, _: Any) -> Any:
        """End."""
        raise StopIteration

    def throw(self, exc: Any, *_: Any) -> Any:
        """Raise what it is told."""
        raise exc

    def close(self) -> None:
        """It is over already."""

    def __await__(self) -> Any:
        return iter(())


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _over(*_: Any, **__: Any) -> _Over:
    return _Over()


_SILENT = {
    "success_handler": _nothing,
    "failure_handler": _nothing,
    "handle_sync_success_callbacks_for_async_calls": _nothing,
    "pre_call": _nothing,
    "post_call": _nothing,
    "async_success_handler": _over,
    "async_failure_handler": _over,
}


@lru_cache(maxsize=1)
def _silent_class() -> Any:
    from litellm.litellm_core_utils.litellm_logging import Logging

    return type("Silent", (Logging,), _SILENT)


def silent(arguments: dict[str, Any], *, streams: bool, asynchronous: bool) -> dict[str, Any]:
    """The arguments with a logging object that tells nobody."""
    call_id = str(uuid.uuid4())
    made = _silent_class()(
        model=arguments["model"],
        messages=[],
        stream=streams,
        call_type="acompletion" if asynchronous else "completion",
        start_time=datetime.now().astimezone(),
        litellm_call_id=call_id,
        function_id="",
        kwargs={},
    )
    # As LiteLLM does with its own: streams look here whether they are to tell a usage.
    made.update_environment_variables(
        model=arguments["model"],
        user="",
        optional_params={},
        litellm_params={"api_base": ""},
        stream_options=arguments.get("stream_options"),
    )
    return {**arguments, "litellm_logging_obj": made, "litellm_call_id": call_id}
