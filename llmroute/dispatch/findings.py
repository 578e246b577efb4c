"""What is found at one target: each check with its verdict, and the next step where it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from llmroute.catalog.presets import PRESETS
from llmroute.dispatch import advice
from llmroute.dispatch.credentials import key_of
from llmroute.dispatch.found_abilities import abilities, facts_of
from llmroute.dispatch.found_proxy import proxy
from llmroute.dispatch.model_lists import preset_of
from llmroute.dispatch.server_answer import ASKABLE, ServerAnswer, is_listed, names_of
from llmroute.dispatch.trust import HINT, complaint
from llmroute.errors import (
    AuthenticationError,
    CallError,
    ConnectError,
    DeadlineError,
    KeyInTheClearError,
    MissingKeyError,
    QuotaError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmroute.catalog.presets import Preset
    from llmroute.errors import LLMRouteError
    from llmroute.routing.constraints import Demand
    from llmroute.routing.flows import Sent
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec

Check = Literal["key", "trust", "reach", "auth", "model", "abilities", "proxy"]
CHECKS: tuple[Check, ...] = ("key", "trust", "reach", "auth", "model", "abilities", "proxy")
"""In the order in which they are made."""
Status = Literal["ok", "failed", "warning", "not-checked", "not-needed"]
COSTS = "only a call would tell, and cost tokens"


class Finding(NamedTuple):
    """One check of one target."""

    check: Check
    status: Status
    message: str
    next_step: str = ""


def findings_of(
    spec: RoutingSpec,
    target: Target,
    demands: Iterable[Demand],
    found: tuple[list[Sent] | None, ServerAnswer | None],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """All checks of a target.

    `found` is what nobody has trusted (None: the spec is the user's own), and what the server answered (None: it was
    not asked).
    """
    held, answer = found
    preset = PRESETS.get(preset_of(spec, target) or "") or advice.preset_of(target)
    yield _key(target, opened=not held)
    yield _trust(held)
    yield _reach(target, held, answer, preset)
    yield _auth(target, answer)
    yield _model(target, answer, preset)
    yield from _abilities(spec, target, demands, answer)
    yield Finding("proxy", *proxy(target, environ))


def not_reached(target: Target, limit_s: float) -> DeadlineError:
    """The failure of a server that had not answered when the time was over."""
    where = f"{target.provider} at {target.base_url}" if target.provider else target.base_url
    return DeadlineError(f"{where} had not answered after {limit_s:g} s", base_url=target.base_url)


def _key(target: Target, *, opened: bool) -> Finding:
    credential = target.credential
    if credential.status == "none":
        return Finding("key", "not-needed", "no key is declared")
    if credential.status == "unread" and not opened:
        return Finding("key", "not-checked", f"{credential.source} is not opened before it is trusted")
    try:
        key_of(target)
    except (MissingKeyError, KeyInTheClearError) as error:
        return Finding("key", "failed", error.message, error.hint)
    return Finding("key", "ok", f"{credential.source} is set")


def _trust(held: list[Sent] | None) -> Finding:
    if held is None:
        return Finding("trust", "ok", "the spec is your own")
    if not held:
        return Finding("trust", "ok", "all that is sent there is known or trusted")
    return Finding("trust", "failed", "; ".join(map(complaint, held)), HINT)


def _reach(target: Target, held: list[Sent] | None, answer: ServerAnswer | None, preset: Preset | None) -> Finding:
    if held:
        return Finding("reach", "not-checked", "nothing is sent before it is trusted")
    if answer is None:
        return _not_askable(target)
    failure = answer.failure
    if failure is None or getattr(failure, "status", None) is not None:
        return Finding("reach", "ok", f"{target.base_url} answers")
    if not isinstance(failure, CallError):
        return Finding("reach", "not-checked", "nothing is sent without its key")
    step = failure.hint
    if isinstance(failure, ConnectError):
        step = preset.start_hint if preset and preset.start_hint else "is it running, and is the URL right?"
        if target.locality != "local" and target.proxy == "none":
            step += " (behind a proxy: `proxy: env` on the provider)"
    elif isinstance(failure, DeadlineError):
        step = "wait longer with --timeout, or look at the server"
    return Finding("reach", "failed", failure.message, step)


def _not_askable(target: Target) -> Finding:
    if target.api == "mock":
        return Finding("reach", "not-needed", "the mock has no server")
    return Finding("reach", "not-checked", f"the adapter of {target.api} is asked nothing")


def _auth(target: Target, answer: ServerAnswer | None) -> Finding:
    if answer is None:
        return Finding("auth", "not-needed" if target.api == "mock" else "not-checked", "it was not asked")
    failure, declared = answer.failure, target.credential.status != "none"
    if isinstance(failure, AuthenticationError | QuotaError):
        return _refused(target, failure, answer)
    if not answer.key_sent:
        message = "it was asked without its key" if declared else "no key is declared"
        return Finding("auth", "not-checked" if declared else "not-needed", message)
    if failure is not None:
        return Finding("auth", "not-checked", _unasked(failure))
    if answer.is_public:
        return Finding("auth", "not-checked", f"its list of models is open to anybody; {COSTS}")
    return Finding("auth", "ok", "the key is taken")


def _refused(target: Target, failure: CallError, answer: ServerAnswer) -> Finding:
    step = "is there credit left? see the account of the provider"
    if isinstance(failure, AuthenticationError):
        credential = target.credential
        step = failure.hint or f"is the key right? it comes from {credential.variable or credential.source}"
        if not answer.key_sent:
            step = "declare an api_key for it" if credential.status == "none" else "see its key above"
    return Finding("auth", "failed", failure.message, step)


def _unasked(failure: LLMRouteError) -> str:
    if getattr(failure, "status", None) is None:
        return "it was not reached"
    return f"its list of models can't be had ({getattr(failure, 'message', failure)}); {COSTS}"


def _model(target: Target, answer: ServerAnswer | None, preset: Preset | None) -> Finding:
    if answer is None or answer.models is None:
        if target.api == "mock":
            return Finding("model", "not-needed", "the mock has any model")
        failure = answer.failure if answer is not None else None
        return Finding("model", "not-checked", "it was not asked" if failure is None else _unasked(failure))
    facts = facts_of(target, answer)
    if facts is not None and facts.get("chat") is False:
        return Finding("model", "failed", f"{target.model} can't chat", "choose another: llmroute models")
    if is_listed(target.model, names_of(answer.models)):
        return Finding("model", "ok", f"{target.model} is in its list")
    return _unlisted(target, answer, preset)


def _unlisted(target: Target, answer: ServerAnswer, preset: Preset | None) -> Finding:
    models, known = answer.models or (), answer.known_by_name.get(target.model)
    lists = f"llmroute models {target.provider} lists those that it has" if target.provider else "llmroute models"
    if known:
        return Finding("model", "ok", f"{target.model} is not in its list, and known by its name")
    if preset is not None and preset.name == "azure-openai":
        return Finding("model", "not-checked", f"deployments have names of their own; {COSTS}")
    if len(models) == 1 and target.locality != "remote" and (preset is None or preset.name == "llamacpp"):
        message = (
            f"it has one model, {models[0].name}: some servers answer with it whatever is asked for, others refuse"
        )
        return Finding("model", "warning", message, f"write model: {models[0].name}")
    if known is None:
        return Finding("model", "warning", f"{target.model} is not in its list", lists)
    step = preset.model_hint.replace("{model}", target.model) if preset and preset.model_hint else lists
    return Finding("model", "failed", f"it has no model {target.model}", step)


def _abilities(
    spec: RoutingSpec, target: Target, demands: Iterable[Demand], answer: ServerAnswer | None
) -> Iterator[Finding]:
    facts = facts_of(target, answer) if answer is not None else None
    if target.api not in ASKABLE and target.api != "mock":
        facts = None
    met: list[str] = []
    lacking = False
    for lack in abilities(spec, target, demands, facts or {}):
        if lack.reason:
            lacking = True
            yield Finding("abilities", "warning" if lack.demand.warn else "failed", lack.reason, lack.next_step)
        else:
            met.append(f"{lack.demand.what} ({lack.said_by})")
    if not lacking:
        met = list(dict.fromkeys(met))
        yield (
            Finding("abilities", "ok", ", ".join(met))
            if met
            else Finding("abilities", "not-needed", "nothing is required")
        )
