"""Which provider wins, and why: one pure function of the spec, the query and the environment.

The layer decides first (agent > client > env > default), inside a layer the purpose-specific scope beats the
general one. The endpoint is won as one bundle by the strongest scope that selects one; a model only ever goes to
the endpoint it belongs to; each parameter is won by itself; requirements add up.

Every step writes down what it saw, so the trace of an answer is the answer's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmroute.errors import NoEndpointError, OrphanKeyError, RoutingError
from llmroute.routing.constraints import Hop, admit, demands, policies_field, require_field
from llmroute.routing.context import Context, context, selecting_origin, target
from llmroute.routing.endpoints import Endpoint, Selection, endpoint, own_params
from llmroute.routing.fallbacks import chain, won_fallbacks
from llmroute.routing.models import won_model
from llmroute.routing.route import EMPTY, Candidate, Field, Query, Resolution, Route, Secret, weaker
from llmroute.routing.spec import PARAMS, KeyVariable, RoutingSpec
from llmroute.routing.values import param_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.scopes import Scope

_MEMO_LIMIT = 1024
_IMMUTABLE = frozenset({str, int, float, bool, type(None), Secret, KeyVariable})


class _Answer(NamedTuple):
    """An answer that was given, with what it depended on."""

    arguments: tuple[tuple[str, type, Any], ...]
    environ: Mapping[str, str]
    resolution: Resolution


def resolve(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> Resolution:
    """Resolve a query to a route and its trace.

    Pure: the same spec, query and environment give the same resolution, which is remembered with the spec.
    Raises exactly one RoutingError where there is no route; its `fields` hold the trace up to there.
    """
    variables = environ if type(environ) is dict else dict(environ)
    key = (query.agent, query.purpose, query.client, query.override)
    # True equals 1, so types are compared too; a list could be changed in place, so it is never remembered.
    arguments = tuple([(name, type(value), value) for name, value in query.args.items()])
    answer = spec.memo.get(key)
    if answer is not None and answer.environ == variables and answer.arguments == arguments:
        return answer.resolution  # type: ignore[no-any-return]
    resolution = _decide(spec, query, variables)
    if all(kind in _IMMUTABLE for _, kind, _ in arguments):
        if len(spec.memo) > _MEMO_LIMIT:
            _forget(spec.memo)
        spec.memo[key] = _Answer(arguments, dict(variables), resolution)
    return resolution


def _forget(memo: dict[Any, Any]) -> None:
    """Drop the answers; what is known of the spec as a whole stays."""
    for key, kept in list(memo.items()):
        if isinstance(kept, _Answer):
            memo.pop(key, None)


def _decide(spec: RoutingSpec, query: Query, environ: Mapping[str, str]) -> Resolution:
    voices = context(spec, query, environ)
    fields: list[Field] = []
    try:
        winner, chosen = _won_endpoint(voices, fields)
        scope = voices.scopes[winner]
        bundle = endpoint(spec, chosen, scope, environ)
        model = won_model(voices, winner, bundle)
        fields.append(model)
        params = _won_params(voices, bundle, fields)
        primary = Hop(target(bundle, model.value, params, scope), bundle.facts, bundle.at_home)
        declared, fallbacks = won_fallbacks(voices, winner, bundle)
        if fallbacks is not None:
            fields.append(fallbacks)
        hops = [primary, *(chain(voices, declared, primary.target, params) if declared is not None else ())]
        found = demands(voices)
        if (required := require_field(found)) is not None:
            fields.append(required)
        if (policies := policies_field(voices, found)) is not None:
            fields.append(policies)
        admitted = admit(hops, found)
    except RoutingError as error:
        error.fields = (*fields, *error.fields)
        raise
    metadata = _won(voices, "metadata")
    if metadata is not None:
        fields.append(metadata)
    value = metadata.value if metadata is not None else EMPTY
    return Resolution(query, Route(admitted.targets), tuple(fields), value, admitted.excluded, admitted.notes, spec)


def _won_endpoint(voices: Context, fields: list[Field]) -> tuple[int, Selection]:
    """The strongest scope that selects; its error, where it can't be read, is never a fall-through."""
    winner: tuple[int, Selection] | None = None
    candidates: list[Candidate] = []
    for index, (scope, chosen) in enumerate(zip(voices.scopes, voices.selections, strict=True)):
        if chosen is None:
            if "api_key" in scope.values:
                candidates.append(_orphan(scope, shadowed=winner is not None))
                if winner is None:
                    raise _orphan_key(candidates)
            continue
        if isinstance(chosen, RoutingError):
            if winner is None:
                raise chosen
            candidates.append(_candidate(scope, None, "invalid", chosen.message))
        elif winner is None:
            winner = index, chosen
            candidates.append(_candidate(scope, str(chosen), "won", ""))
        else:
            reason = weaker(scope.layer, voices.scopes[winner[0]].layer)
            candidates.append(_candidate(scope, str(chosen), "shadowed", reason))
    if winner is None:
        raise NoEndpointError(
            "nothing names a provider or a URL for this query",
            hint="write defaults: {provider: …}, or set LLMROUTE_PROVIDER",
        )
    scope = voices.scopes[winner[0]]
    origin = selecting_origin(scope)
    fields.append(Field("endpoint", str(winner[1]), scope.layer, scope.name, origin, tuple(candidates)))
    return winner


def _orphan(scope: Scope, *, shadowed: bool) -> Candidate:
    """A key without an endpoint: wrong where it would speak, without effect where a stronger scope has spoken."""
    reason = (
        "a key without an endpoint; a stronger scope chose the endpoint" if shadowed else "a key without an endpoint"
    )
    verdict = "shadowed" if shadowed else "orphan"
    return Candidate(scope.name, scope.layer, "api_key", verdict, scope.origin("api_key"), reason)


def _orphan_key(candidates: list[Candidate]) -> OrphanKeyError:
    orphan = candidates[-1]
    return OrphanKeyError(
        f"the key in {orphan.scope} ({orphan.origin}) belongs to no endpoint",
        hint="write provider or base_url beside it: a key goes only to the URL it was declared beside",
        origin=orphan.origin,
        fields=(Field("endpoint", None, "", "", None, tuple(candidates)),),
    )


def _candidate(scope: Scope, value: str | None, verdict: str, reason: str) -> Candidate:
    return Candidate(scope.name, scope.layer, value, verdict, selecting_origin(scope), reason)


def _won_params(voices: Context, bundle: Endpoint, fields: list[Field]) -> dict[str, Any]:
    """The parameters that scopes have set; the provider's own are in the trace only (targets add their own)."""
    own = own_params(bundle.facts)
    spoken = {name for scope in voices.scopes for name in scope.values if name in _PARAMS}
    params: dict[str, Any] = {}
    for name in PARAMS:
        field = _won(voices, name) if name in spoken else None
        if field is not None:
            params[name] = field.value
        if name in own and bundle.facts is not None:
            path = ("providers", bundle.facts.name)
            origin = voices.spec.source.origin((*path, name))
            reason = "last resort" if field else ""
            verdict = "shadowed" if field else "won"
            last = Candidate(".".join(path), "provider", own[name], verdict, origin, reason)
            field = (
                field._replace(candidates=(*field.candidates, last))
                if field
                else Field(name, own[name], "provider", last.scope, origin, (last,))
            )
        if field is not None:
            fields.append(field)
    return params


_PARAMS = frozenset(PARAMS)


def _won(voices: Context, name: str) -> Field | None:
    """A setting that is won by itself: the strongest scope that has it."""
    candidates: list[Candidate] = []
    won: Scope | None = None
    value: Any = None
    for scope in voices.scopes:
        if name not in scope.values:
            continue
        if won is None:
            won, value = scope, param_of(scope, name) if name in _PARAMS else scope.values[name]
            candidates.append(Candidate(scope.name, scope.layer, value, "won", scope.origin(name)))
        else:
            reason = weaker(scope.layer, won.layer)
            candidates.append(
                Candidate(scope.name, scope.layer, scope.values[name], "shadowed", scope.origin(name), reason)
            )
    if won is None:
        return None
    return Field(name, value, won.layer, won.name, won.origin(name), tuple(candidates))
