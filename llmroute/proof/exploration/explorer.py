"""The worlds in which a query is asked, so that every kind of target that it can ever get is seen.

`resolve` alone decides; here is only what it is asked. A world is an environment, client arguments and what
`llmroute local on` has set. Their number is finite because each is one of its kind, and small because of what
precedence says:

* The endpoint is won by one scope, as a bundle. So what the env layer can make of it is what one of its scopes can say:
  a provider, at its own URL or another one, a model, an API. Each combination is said once, as `provider/model` with or
  without a URL, in the general scope: no weaker scope has a part in it, and a stronger one of the same layer says the
  same. The local override says a URL and a model, which a variable can say as well, except for a model whose name
  reads as `provider/model`; that is asked too. Client arguments, where they are looked at, say the same once more.
* Where a stronger scope has chosen the endpoint, or nothing of the env layer has, the env layer can still give the
  model. It does by naming the same provider (or URL), or, for an endpoint of the default layer, with a bare model for
  the purpose, whose home that endpoint is. Every kind of model is given once.
* Fallbacks stand in the spec. They are kept as long as the primary is as remote as they are, so an environment in which
  every primary is remote shows all of them.
* A target has one provider, one model and one URL. So of the texts in which the spec, or a vendor, puts variables, one
  that chooses a provider, one that names a model and one that is a URL are varied together, while all others hold what
  leaves the most open: URLs that are remote. A provider whose URL is made of variables is at home wherever they put it,
  so it is chosen with each of them too.

A world that is an error leads nowhere, so asking one too many proves nothing wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import RoutingError
from llmroute.proof.exploration.axes import ANY_URLS, Axes
from llmroute.proof.exploration.signatures import QUIET, Signatures
from llmroute.proof.exploration.texts import Text, Variation, filled, texts, variations
from llmroute.proof.exploration.worlds import Reached, Said, Seen, World, field_of, first_variable, layer_of
from llmroute.proof.queries import frozen
from llmroute.routing.endpoints import reference
from llmroute.routing.override import LocalOverride
from llmroute.routing.route import EMPTY, Query
from llmroute.routing.scopes import Scope, scopes, written

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from llmroute.proof.exploration.interests import Interests
    from llmroute.routing.spec import RoutingSpec


_AT_A_PROVIDER = len(("providers", "name", "base_url"))


class Explorer:
    """Asks `resolve` about the queries of one spec, and remembers what is decided alike."""

    def __init__(
        self, spec: RoutingSpec, asked: Interests, *, arguments: bool = False, environment: bool = True
    ) -> None:
        self.spec = spec
        self.axes = Axes(spec, asked)
        self.arguments = arguments
        self.environment = environment
        self.asked = 0
        self._texts = texts(self.axes) if environment else []
        self._known: dict[Hashable, Reached] = {}
        self._open: dict[Hashable, tuple[Seen, ...]] = {}
        self._rows: dict[Hashable, list[Variation]] = {}
        needs = any(text.kind == "other" for text in self._texts)
        self._alike = Signatures(spec, QUIET if needs else QUIET | {"headers", "extra_body"})
        own = [text for text in self._texts if text.kind != "vendor"]
        self._needed = World(filled(self.axes, own, far=False)) if own else World()
        self._far = World(filled(self.axes, self._texts, far=True)) if self._texts else World()

    def reached(self, query: Query) -> Reached:
        """What a query can get."""
        found = scopes(self.spec, query, EMPTY)
        key = self._alike.of(query, found)
        if key not in self._known:
            self._known[key] = Reached(tuple(self._explore(query, found)))
        return self._known[key]

    def signature(self, query: Query) -> Hashable:
        """Equal for queries that are decided alike."""
        return self._alike.of(query, scopes(self.spec, query, EMPTY))

    # -- what is asked

    def _ask(self, query: Query, world: World) -> Seen:
        self.asked += 1
        return Seen(world, world.ask(self.spec, query))

    def _explore(self, query: Query, found: list[Scope]) -> Iterator[Seen]:
        nothing = self._ask(query, World())
        yield nothing
        if not self.environment:
            return
        yield from self._models(query, nothing)
        bases = [world for world in dict.fromkeys((_key(self._needed), _key(self._far))) if world != _key(World())]
        worlds = [World(dict(environ)) for environ in bases]
        answers = [nothing]
        for world in worlds:
            seen = self._ask(query, world)
            answers.append(seen)
            yield seen
            yield from self._models(query, seen)
        opened: tuple[Seen, ...] = ()
        for mouth in self._mouths(answers):
            opened += self._opened(query, found, mouth)
        yield from opened
        if opened:
            # Less than `opened` says, for the smallest condition: it leads to no other kind of target.
            name = first_variable(self.spec, "provider")
            yield from (self._ask(query, World({name: home.provider})) for home in self.axes.homes)
        relevant = self._relevant(found)
        for seen in (*self._bases(answers, relevant), *_with_fallbacks(opened)):
            yield from self._varied(query, relevant, seen)

    def _bases(self, answers: list[Seen], relevant: list[Text]) -> list[Seen]:
        """The worlds to vary: where no variable is set, or one in which all that the spec asks for is there."""
        nothing, *filled_in = answers
        if all(text.kind == "vendor" for text in relevant):
            # Where nothing is tried after the primary, a far world shows no more than this.
            return [nothing, *filter(_adds, filled_in)]
        far = filled_in[-1:] if filled_in and not isinstance(filled_in[-1].answer, RoutingError) else filled_in
        return far or [nothing]

    def _mouths(self, answers: list[Seen]) -> list[str]:
        """Who can choose the endpoint: the environment, and the arguments where they are looked at."""
        layers = {layer_of(seen.answer, "endpoint") for seen in answers}
        env = [] if layers <= {"agent", "client"} else ["env"]
        return env + (["args"] if self.arguments and not layers <= {"agent"} else [])

    def _models(self, query: Query, seen: Seen) -> Iterator[Seen]:
        """Every kind of model at the endpoint that a world chooses, where no stronger scope has settled it."""
        chosen, layer = field_of(seen.answer, "endpoint"), layer_of(seen.answer, "model")
        if chosen is None or layer == "agent" or (layer == "client" and not self.arguments):
            return
        provider, _, url = str(chosen.value).partition(" at ")
        if "://" in provider:
            provider, url = "", provider
        models = self.axes.models(provider or None) if not provider or _is_known(self.axes, provider) else ()
        for model in models:
            said = Said(provider or None, None if provider else url, model)
            if chosen.layer == "default" and layer != "client":
                yield self._ask(query, seen.world._replace(bare=model))
            elif layer != "client":
                yield self._ask(query, self._say(seen.world, "env", said))
            if self.arguments:
                yield self._ask(query, self._say(seen.world, "args", said))

    def _opened(self, query: Query, found: list[Scope], mouth: str) -> tuple[Seen, ...]:
        """Every kind of endpoint that the env layer, or the arguments, can choose."""
        stronger = [scope for scope in found if scope.layer == "agent" or (scope.layer == "client" and mouth == "env")]
        weaker = [frozen(scope.values.get("require")) for scope in found if scope not in stronger]
        key = mouth, tuple(map(self._alike.said, stronger)), tuple(filter(None, weaker)), self._alike.policies(query)
        if key not in self._open:
            bases = [self._far] if any(text.kind != "vendor" for text in self._texts) else []
            worlds = [world for base in (World(), *bases) for world in self._spoken(mouth, base)]
            self._open[key] = tuple(self._ask(query, world) for world in (*worlds, *self._moved_homes(mouth)))
        return self._open[key]

    def _spoken(self, mouth: str, base: World) -> Iterator[World]:
        axes = self.axes
        places: list[tuple[str | None, str | None]] = [(home.provider, None) for home in axes.homes]
        places += [(home.provider, url) for url in axes.urls for home in axes.elsewhere]
        places += [(None, url) for url in axes.urls]
        for provider, url in places:
            for model in axes.models(provider):
                for api in axes.apis:
                    yield self._say(base, mouth, Said(provider, url, model, api))
                if provider is None and url is not None and mouth == "env" and reference(self.spec, model):
                    yield base._replace(override=LocalOverride(url, model))

    def _moved_homes(self, mouth: str) -> Iterator[World]:
        """Each provider with a URL made of variables, wherever these put it: there it is at home."""
        for text in self._texts:
            if text.kind == "url" and text.provider is not None and len(text.path) == _AT_A_PROVIDER:
                for row in self._variations(text, self._far):
                    base = self._far._replace(environ={**self._far.environ, **row.environ})
                    for model in self.axes.models(text.provider):
                        yield self._say(base, mouth, Said(text.provider, None, model))

    def _say(self, base: World, mouth: str, said: Said) -> World:
        """The world in which the environment, or the program, says something of the endpoint."""
        model = said.model if said.provider is None else f"{said.provider}/{said.model}"
        row = {"model": model, "base_url": said.url, "api": said.api}
        given = {setting: value for setting, value in row.items() if value is not None}
        if mouth == "args":
            return base._replace(args=given)
        names = {first_variable(self.spec, setting): value for setting, value in given.items()}
        return base._replace(environ={**base.environ, **names})

    def _varied(self, query: Query, relevant: list[Text], base: Seen) -> Iterator[Seen]:
        """What becomes of a world where texts change: first what chooses a provider, then the model, then URLs.

        A target has one of each, so one text of each kind at a time is enough.
        """
        kinds = (("provider", "reference", "fallback"), ("model", "other"), ("url", "vendor"))
        layers = [[text for text in relevant if text.kind in each] for each in kinds]
        reached = [base]
        for layer in layers:
            further: list[Seen] = []
            for seen in reached:
                for text in layer:
                    if self._concerns(text, seen):
                        further += self._changed(query, text, seen)
            for seen in further:
                yield seen
                # An endpoint of the default layer is one of those that the environment can choose with every model.
                if layer_of(seen.answer, "endpoint") != "default":
                    yield from self._models(query, seen)
            reached += further

    def _changed(self, query: Query, text: Text, seen: Seen) -> Iterator[Seen]:
        for row in self._variations(text, seen.world):
            yield self._ask(query, seen.world._replace(environ={**seen.world.environ, **row.environ}))

    def _concerns(self, text: Text, seen: Seen) -> bool:
        """Whether the provider of a text has a part in an answer: as that of a target, or as the home of a model."""
        answer = seen.answer
        if text.provider is None:
            return True
        if isinstance(answer, RoutingError) and not answer.excluded:
            return field_of(answer, "endpoint") is not None
        model = field_of(answer, "model")
        foreign = model is not None and any(row.verdict == "foreign-model" for row in model.candidates)
        left_out = any(out.target.startswith(f"{text.provider}/") for out in answer.excluded)
        targets = () if isinstance(answer, RoutingError) else answer.route.targets
        return foreign or left_out or any(target.provider == text.provider for target in targets)

    def _variations(self, text: Text, base: World) -> list[Variation]:
        key = text, _key(base)
        if key not in self._rows:
            self._rows[key] = list(variations(self.axes, text, base.environ))
        return self._rows[key]

    def _relevant(self, found: list[Scope]) -> list[Text]:
        """The texts that a query can come to: those of its scopes, and of the providers that these speak of."""
        paths = [scope.path for scope in found if scope.path]
        providers = self._mentioned(found)
        return [
            text
            for text in self._texts
            if (text.provider is not None and text.provider in providers)
            or (text.provider is None and any(text.path[: len(path)] == path for path in paths))
        ]

    def _mentioned(self, found: list[Scope]) -> frozenset[str]:
        """The providers that some scopes can lead to, fallbacks included."""
        said = [scope.values for scope in found]
        said += [{"fallbacks": one.fallbacks} for one in self.spec.providers.values() if one.fallbacks]
        names: set[str] = set()
        for values in said:
            entries = [entry if isinstance(entry, str) else None for entry in values.get("fallbacks") or ()]
            nested = [entry for entry in values.get("fallbacks") or () if not isinstance(entry, str)]
            words = [*entries, *(word for place in (values, *map(written, nested)) for word in _choosing(place))]
            if any(word and "$" in word for word in words):
                return frozenset(text.provider for text in self._texts if text.provider)
            names |= {word.partition("/")[0] for word in words if word}
        return frozenset(names)


def _choosing(values: Mapping[str, Any]) -> list[str | None]:
    """The texts of a place that can choose a provider whose URL is its own."""
    model = values.get("model") if "provider" not in values and "base_url" not in values else None
    return [values.get("provider"), model]


def _key(world: World) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(world.environ.items()))


def _is_known(axes: Axes, provider: str) -> bool:
    return any(provider in home.names for home in axes.homes)


def _adds(seen: Seen) -> bool:
    """Whether a world is worth varying besides the empty one: it has fallbacks, or variables that the spec asks for."""
    fallbacks = field_of(seen.answer, "fallbacks")
    return isinstance(seen.answer, RoutingError) or (fallbacks is not None and bool(fallbacks.value))


def _with_fallbacks(found: Iterable[Seen]) -> list[Seen]:
    """For each list of fallbacks a world in which the primary is remote, and the list holds."""
    first: dict[Hashable, Seen] = {}
    for seen in found:
        field = field_of(seen.answer, "fallbacks")
        if not isinstance(seen.answer, RoutingError) and field is not None and field.value and _is_far(seen.world):
            first.setdefault(field.origin, seen)
    return list(first.values())


def _is_far(world: World) -> bool:
    return ANY_URLS["remote"] in world.environ.values() or ANY_URLS["remote"] in world.args.values()
