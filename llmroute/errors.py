"""Every exception that llmroute raises.

Attempts carry a `kind`, decisions carry a `rule`, files carry `diagnostics`: a program branches on the class or
on that one word, a person reads the message, which says what failed, where it was written and what to do next.

* LLMRouteError
  + SpecError: routing.yaml has errors; `diagnostics` holds all of them.
  + MissingExtraError: a setting needs a package that is not installed; `extra` names the extra to install.
  + RoutingError: the spec and the query lead to no route; `rule` names the law that says so.
    . NoEndpointError: no scope names a provider or a URL.
    . NoModelError: no scope has a model that belongs to the winning endpoint.
    . OrphanKeyError: a key stands on a scope that selects no endpoint.
    . UnknownProviderError: the winning scope names a provider that is neither declared nor a preset.
    . UnknownAgentError, UnknownPurposeError, UnknownClientError: the query names what the spec does not.
    . ModelNotOfferedError: the provider's closed list of models lacks the winning one.
    . RemoteFallbackError: a fallback is more remote than the primary, without the opt-in.
    . ConstraintViolatedError: every target fails a requirement or a policy.
    . BadEnvironmentError: a variable that would win holds no usable value.
    . BadArgumentError: a client argument holds no usable value.
    . BadUrlError: the winning base URL in the spec is none.
    . MissingKeyError: the key of a target was declared and is not there, or was dropped with its origin.
    . UntrustedKeyError: a spec that was found sends a key to an origin that nobody has trusted.
    . KeyInTheClearError: a key would travel over plain HTTP to another machine.
  + ConversionError: a conversation can't be written in a wire format without loss; `pointer` says where.
  + ReplyFormatError: the text of a reply is not of the asked form; `raw` holds it, `pointer` says where.
  + ConversationError: a conversation can't go on as asked: a call awaits its result, or there is nothing to answer.
    . ToolLoopError: the model still calls tools after the last round that was allowed; `conversation` holds all of it.
  + CallError: a call failed; `attempts` holds what was tried.
    . AuthenticationError: the provider refused the key (401, 403).
    . QuotaError: the account has no credit left.
    . RateLimitError: too many requests; `retry_after_s` where the provider said so.
    . OverloadedError: the provider is at its capacity.
    . ServerError: the provider failed (5xx).
    . ConnectError: the provider can't be reached; nothing was sent.
    . AmbiguousError: the connection broke after the request was sent; it may have been executed and billed.
    . RequestError: the provider refuses this request (400, 413, 422).
    . ContextLengthError: the same, because the conversation is too long for the model.
    . ModelNotFoundError: the provider does not have the model.
    . RefusalError: the provider's filter refused the content.
    . MalformedReplyError: the answer is not what the API promises.
    . TruncatedStreamError: the stream ended before its terminal event; `partial` holds the reply so far.
    . PolicyError: the next target is not allowed for this request.
    . DeadlineError: the request's own time limit passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class LLMRouteError(Exception):
    """The base of all errors of this package."""


class SpecError(LLMRouteError):
    """A spec has errors. `diagnostics` (non-empty) holds all of them, warnings included."""

    def __init__(self, message: str, diagnostics: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


class MissingExtraError(LLMRouteError):
    """A setting needs a package that is not installed. `extra` names the extra that installs it."""

    def __init__(self, message: str, *, extra: str) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra
        self.hint = f"pip install 'llmroute[{extra}]'"

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}"


class RoutingError(LLMRouteError):
    """The spec and the query lead to no route.

    `hint` says what to do, `fields` is the trace up to the point where the decision stopped (see
    `llmroute.routing.route.Field`), `excluded` the targets that a requirement left out, `origin` the place
    that is at fault where there is one.
    """

    rule: ClassVar[str] = "routing"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        fields: Sequence[Any] = (),
        excluded: Sequence[Any] = (),
        origin: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = tuple(fields)
        self.excluded = tuple(excluded)
        self.origin = origin

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class NoEndpointError(RoutingError):
    """No scope names a provider or a URL."""

    rule = "no-endpoint"


class NoModelError(RoutingError):
    """No scope has a model that belongs to the winning endpoint."""

    rule = "no-model"


class OrphanKeyError(RoutingError):
    """A key stands on a scope that selects no endpoint."""

    rule = "orphan-key"


class UnknownProviderError(RoutingError):
    """The winning scope names a provider that is neither declared nor a preset."""

    rule = "unknown-provider"


class UnknownAgentError(RoutingError):
    """The query's agent is not in the spec."""

    rule = "unknown-agent"


class UnknownPurposeError(RoutingError):
    """The query's purpose is not in the spec."""

    rule = "unknown-purpose"


class UnknownClientError(RoutingError):
    """The query's client is not in the spec."""

    rule = "unknown-client"


class ModelNotOfferedError(RoutingError):
    """The provider's closed list of models lacks the winning one."""

    rule = "model-not-offered"


class RemoteFallbackError(RoutingError):
    """A fallback is more remote than the primary, without `allow_remote_fallback`."""

    rule = "remote-fallback"


class ConstraintViolatedError(RoutingError):
    """Every target fails a requirement or a policy."""

    rule = "constraint-violated"


class BadEnvironmentError(RoutingError):
    """A variable that would win holds no usable value."""

    rule = "bad-environment"


class BadArgumentError(RoutingError):
    """A client argument holds no usable value."""

    rule = "bad-argument"


class BadUrlError(RoutingError):
    """The winning base URL in the spec is none."""

    rule = "bad-url"


class MissingKeyError(RoutingError):
    """The key of a target was declared and is not there, or was dropped with its origin."""

    rule = "missing-key"


class UntrustedKeyError(RoutingError):
    """A spec that was found, not named, sends a key to an origin that nobody has trusted."""

    rule = "untrusted-key"


class KeyInTheClearError(RoutingError):
    """A key would travel over plain HTTP to another machine, without `allow_http`."""

    rule = "key-in-the-clear"


class ConversionError(LLMRouteError):
    """A conversation can't be written in a wire format without loss. `pointer` (RFC 6901) says where."""

    def __init__(self, message: str, *, pointer: str = "") -> None:
        super().__init__(f"{message} (at {pointer})" if pointer else message)
        self.message = message
        self.pointer = pointer


class ReplyFormatError(LLMRouteError):
    """The text of a reply is not of the asked form.

    `raw` is the text, which no message quotes; `pointer` (RFC 6901) says where in it the first problem is.
    """

    def __init__(self, message: str, *, raw: str, pointer: str = "") -> None:
        super().__init__(f"{message} (at {pointer})" if pointer else message)
        self.message = message
        self.raw = raw
        self.pointer = pointer


class ConversationError(LLMRouteError):
    """A conversation can't go on as asked: a tool call awaits its result, or there is nothing to answer."""


class ToolLoopError(ConversationError):
    """The model still calls tools after the last round that was allowed.

    `conversation` (see `llmroute.conversation.Conversation`) holds everything up to the calls that were not made.
    """

    def __init__(self, message: str, *, conversation: Any) -> None:
        super().__init__(message)
        self.conversation = conversation


class CallError(LLMRouteError):
    """A call failed.

    `kind` is the class of failure, `status` the HTTP status where one was received, `provider`, `model` and
    `base_url` name the target, `hint` the next step, `attempts` what was tried (see
    `llmroute.wire.chat.Attempt`). No message holds a prompt or a key.
    """

    kind: ClassVar[str] = "call"
    own_limit: bool = False
    """True where nothing was sent, and the provider said nothing: the spec's own `limits` left no room, or the
    conversation can't be made to fit the model's window."""

    def __init__(  # noqa: PLR0913 - each by its name, each optional
        self,
        message: str,
        *,
        status: int | None = None,
        provider: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        hint: str = "",
        retry_after_s: float | None = None,
        attempts: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.provider = provider
        self.model = model
        self.base_url = base_url
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.attempts = tuple(attempts)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class AuthenticationError(CallError):
    """The provider refused the key (401, 403)."""

    kind = "auth"


class QuotaError(CallError):
    """The account has no credit left (402, 429 `insufficient_quota`)."""

    kind = "quota"


class RateLimitError(CallError):
    """Too many requests (429). `retry_after_s` holds the provider's wait where it gave one."""

    kind = "rate"


class OverloadedError(CallError):
    """The provider is at its capacity (503, 529)."""

    kind = "overload"


class ServerError(CallError):
    """The provider failed (5xx, 408, 409)."""

    kind = "server"


class ConnectError(CallError):
    """The provider can't be reached: refused, DNS, TLS. No byte of the request was sent."""

    kind = "connect"


class AmbiguousError(CallError):
    """The connection broke after the request was sent: it may have been executed and billed."""

    kind = "ambiguous"


class RequestError(CallError):
    """The provider refuses this request (400, 413, 422)."""

    kind = "request"


class ContextLengthError(RequestError):
    """The conversation is too long for the model's context window."""

    kind = "context"


class ModelNotFoundError(CallError):
    """The provider does not have the model (404)."""

    kind = "model"


class RefusalError(CallError):
    """The provider's filter refused the content."""

    kind = "refusal"


class MalformedReplyError(CallError):
    """The answer is not what the API promises: HTML, no JSON, no choices, a redirect."""

    kind = "malformed"


class TruncatedStreamError(CallError):
    """The stream ended before its terminal event. `partial` holds the reply so far, or None."""

    kind = "truncated"

    def __init__(self, message: str, *, partial: Any = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.partial = partial


class PolicyError(CallError):
    """The next target is not allowed for this request."""

    kind = "policy"


class DeadlineError(CallError):
    """The request's own time limit passed."""

    kind = "deadline"


_CLASSES: tuple[type[CallError], ...] = (CallError, *CallError.__subclasses__(), *RequestError.__subclasses__())
KINDS: dict[str, type[CallError]] = {cls.kind: cls for cls in _CLASSES}
"""The class of each `kind`."""
