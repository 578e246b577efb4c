"""The laws of what is sent: every way in is the same, and nothing of the route is on the wire.

Laws 12 and 13 of the precedence. Requests are caught where they would enter a socket, whatever adapter or SDK made
them. The checks of the whole spec are off here: the laws hold for every query that has a route.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, event, given, reject, settings
from hypothesis import strategies as st

from llmroute import adapters
from llmroute.adapters.formats import PLACEHOLDER
from llmroute.dispatch import router as router_module
from llmroute.dispatch.credentials import in_the_clear, key_of
from llmroute.dispatch.router import Router
from llmroute.errors import ConversionError, MissingKeyError, OverloadedError, RoutingError
from llmroute.wire.chat import Finish
from tests.dispatch.wiretap import TEXT, Sent, Wiretap
from tests.properties.places import IN_FILE, asked, settings_at
from tests.properties.strategies import World, worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from llmroute.adapters.base import Adapter
    from llmroute.routing.route import Resolution, Target
    from llmroute.wire.chat import Reply

PROMPT = "what does it come to"
WAYS = ("complete", "acomplete", "stream", "astream")
HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


def with_chain(world: World, entries: list[str]) -> World:
    """The world with fallbacks at its strongest scope, where no endpoint beats them."""
    world = asked(world)
    settings_at(world, 1).update(fallbacks=entries, allow_remote_fallback=True)
    return world


_entries = st.lists(st.sampled_from(["ollama/m1", "openai/m2", "anthropic/m1", "box/m1"]), min_size=1, max_size=3)
everywhere = st.one_of(worlds(), st.builds(with_chain, worlds(), _entries))


class Lab:
    """Routers on one set of adapters and one event loop, with what they send caught."""

    def __init__(self, tap: Wiretap, runner: asyncio.Runner) -> None:
        self.tap = tap
        self._runner = runner
        self._adapters: dict[str, Adapter] = {}

    def create(self, name: str) -> Adapter:
        if name not in self._adapters:
            self._adapters[name] = self.real_create(name)
        return self._adapters[name]

    real_create = staticmethod(adapters.create)

    def router(self, world: World) -> Router:
        return Router(world.document, client=world.query["client"], environ=world.environ, **world.query["args"])

    def go(self, router: Router, way: str, world: World, failures: int = 0) -> tuple[Any, Resolution | None]:
        """What went out, or the rule that forbade it; and the resolution on the reply."""
        self.tap.failures = failures
        names = {name: world.query[name] for name in ("agent", "purpose")}
        try:
            reply = getattr(self, f"_{way}")(router, max_retries=0, **names)
        except RoutingError as error:
            assert self.tap.take() == []
            return error.rule, None
        except OverloadedError:
            return self.tap.take(), None
        except ConversionError:  # `on_unsupported: error` of the world: what it refuses is not asked here
            self.tap.take()
            reject()
        assert reply.text == TEXT
        assert len(reply.attempts) == len(self.tap.sent)
        return self.tap.take(), reply.resolution

    def _complete(self, router: Router, **names: Any) -> Reply:
        return router.complete(PROMPT, **names)

    def _acomplete(self, router: Router, **names: Any) -> Reply:
        return self._wait(lambda: router.acomplete(PROMPT, **names))

    def _stream(self, router: Router, **names: Any) -> Reply:
        with router.stream(PROMPT, **names) as events:
            return next(row.reply for row in events if isinstance(row, Finish))

    def _astream(self, router: Router, **names: Any) -> Reply:
        async def last() -> Reply:
            async with router.astream(PROMPT, **names) as events:
                return [row.reply async for row in events if isinstance(row, Finish)][-1]

        return self._wait(last)

    def _wait(self, make: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply:
        return self._runner.run(make())


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """One for all examples of a test: connections and SDKs are shared as in a long-lived program."""
    tap = Wiretap()
    tap.install(monkeypatch)
    with asyncio.Runner() as runner:
        made = Lab(tap, runner)
        monkeypatch.setattr(adapters, "create", made.create)
        monkeypatch.setattr(router_module, "stop_for_errors", lambda _: None)
        yield made


def usable(resolution: Resolution) -> list[Target]:
    """The targets that have their key."""

    def has_key(target: Target) -> bool:
        try:
            key_of(target)
        except MissingKeyError:
            return False
        return True

    return [target for target in resolution.route.targets if has_key(target)]


def repeats(targets: list[Target]) -> bool:
    """Whether an endpoint stands twice in a chain: once it is down, its second turn comes last."""
    return len({(target.base_url, target.model) for target in targets}) < len(targets)


def resolved(router: Router, world: World) -> Resolution | str:
    try:
        return router.resolve(agent=world.query["agent"], purpose=world.query["purpose"])
    except RoutingError as error:
        return error.rule


def place_of(target: Target) -> tuple[str, str]:
    """URL and model of a target, written from the vendors' documents."""
    if target.api == "anthropic-messages":
        return target.base_url.removesuffix("/v1") + "/v1/messages", target.model
    return target.base_url + "/chat/completions", target.model


def credentials_for(target: Target) -> dict[str, str]:
    """The headers that may hold a key, as the target's own credential fills them."""
    key = target.credential.secret and target.credential.secret.reveal().strip()
    if target.auth == "bearer":
        return {"authorization": f"Bearer {key or PLACEHOLDER}"}
    return {target.auth: key} if target.auth != "none" and key else {}


# -- 12. Every way in is the same


@settings(suppress_health_check=HEALTH)
@given(everywhere, st.integers(0, 3))
def test_every_way_in_sends_to_the_explained_targets(lab: Lab, world: World, failures: int) -> None:
    router = lab.router(world)
    resolution = resolved(router, world)
    outcomes = [lab.go(lab.router(world), way, world, failures) for way in WAYS]
    if isinstance(resolution, str):
        event(f"refused: {resolution}")
        assert outcomes == [(resolution, None)] * len(WAYS)
        return
    if resolution.target.credential.status in {"missing", "dropped"}:
        event("refused: missing-key")
        assert outcomes == [("missing-key", None)] * len(WAYS)
        return
    if any(in_the_clear(target) for target in resolution.route.targets):
        event("refused: key-in-the-clear")
        assert outcomes == [("key-in-the-clear", None)] * len(WAYS)
        return
    chain = usable(resolution)
    assume(not repeats(chain))
    expected = chain[: failures + 1]
    event(f"sent to {len(expected)} of {len(chain)}")
    for sent, said in outcomes:
        assert [(row.url, row.body["model"]) for row in sent] == [place_of(target) for target in expected]
        assert said == (resolution if failures < len(chain) else None)


@settings(suppress_health_check=HEALTH)
@given(everywhere)
def test_every_way_in_sends_the_same(lab: Lab, world: World) -> None:
    router = lab.router(world)
    first, *others = (lab.go(router, way, world)[0] for way in WAYS)
    for other in others:
        assert told(other) == told(first)


def told(sent: list[Sent] | str) -> Any:
    """Requests without what asks for a stream."""
    if isinstance(sent, str):
        return sent
    return [
        (
            row.url,
            {name: text for name, text in row.headers.items() if name not in {"accept", "content-length"}},
            {name: value for name, value in row.body.items() if name not in {"stream", "stream_options"}},
        )
        for row in sent
    ]


@settings(suppress_health_check=HEALTH)
@given(everywhere)
def test_explain_names_the_target_that_is_sent_to(lab: Lab, world: World) -> None:
    router = lab.router(world)
    sent, _ = lab.go(router, "complete", world)
    assume(not isinstance(sent, str))
    head = router.explain(agent=world.query["agent"], purpose=world.query["purpose"], width=1000).splitlines()[0]
    base_url = re.search(r"https?://\S+", head)
    assert base_url is not None, head
    assert sent[0].url.startswith(base_url[0].removesuffix("/v1"))
    assert sent[0].body["model"] in head


# -- 13. Nothing of the route on the wire

CANARIES = {
    r'"(?:box|work)(?=["/])': '"canary-provider',
    r'"plan"': '"canary-purpose"',
    r'"model\.plan"': '"model.canary-purpose"',
    r'"a"': '"canary-agent"',
    r'"c"': '"canary-client"',
    r"__PLAN": "__CANARY_PURPOSE",
}
"""Names of the worlds, as they stand in JSON, and what they become."""
POLICY = {"name": "canary-policy", "because": "canary-because", "agents": ["*"], "deny": {"hosts": ["canary.example"]}}
FIXED = {"accept", "accept-encoding", "content-type", "user-agent", "host", "content-length", "anthropic-version"}
SAMPLING = {"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"}
BODY = {"model", "messages", "stream", "stream_options"} | SAMPLING
SECRETS = {"literal", "spare", "env-key", "argument-key", "openai-key", "anthropic-key", "key-a", "key-b"}
MARKED = {secret: f"sk-{number}-{secret}-secret" for number, secret in enumerate(sorted(SECRETS))}


def with_canaries(world: World) -> World:
    """The world with every name of the route a canary, and keys that can't be taken for other words."""
    world = asked(world)
    for rank in IN_FILE:
        settings_at(world, rank)["metadata"] = {"canary-metadata": "canary-metadata"}
        settings_at(world, rank).update(deadline=77, max_attempts=9, retry_on=[])
    world.document["policies"] = [POLICY]
    text = json.dumps(tuple(world))
    for pattern, canary in CANARIES.items():
        text = re.sub(pattern, canary, text)
    for secret, marked in MARKED.items():
        text = re.sub(rf'(?<=["-]){secret}(?=["}}])', marked, text)
    return World(*json.loads(text))


def spellings(secret: str) -> list[str]:
    """A secret as it would be found in an encoding; percent-encoding leaves these as they are."""
    return [secret, b64encode(secret.encode()).decode().rstrip("=")]


@settings(suppress_health_check=HEALTH)
@given(everywhere, st.sampled_from(WAYS), st.integers(0, 3))
def test_nothing_of_the_route_is_on_the_wire(lab: Lab, world: World, way: str, failures: int) -> None:
    world = with_canaries(world)
    router = lab.router(world)
    sent, _ = lab.go(router, way, world, failures)
    resolution = resolved(router, world)
    assume(not isinstance(sent, str))
    assert not isinstance(resolution, str)
    chain = usable(resolution)
    assume(not repeats(chain))
    event(f"{len(sent)} requests")
    for row, target in zip(sent, chain, strict=False):
        auth = credentials_for(target)
        assert row.headers.keys() <= FIXED | auth.keys() | {name.lower() for name in target.headers}
        assert row.body.keys() <= BODY | target.extra_body.keys()
        assert {name: row.headers.get(name) for name in auth} == auth
        rest = json.dumps(
            [
                row.url,
                {name: text for name, text in row.headers.items() if name not in auth},
                {name: value for name, value in row.body.items() if name != "model"},
            ]
        )
        assert "canary" not in rest.lower()
        assert row.body["model"] == target.model  # its text is the user's own
        assert not [marked for marked in MARKED.values() for form in spellings(marked) if form in rest]


@settings(suppress_health_check=HEALTH)
@given(everywhere)
def test_the_canaries_are_in_the_worlds(world: World) -> None:
    changed = with_canaries(world)
    assert {"canary-agent", "*"} & changed.document["agents"].keys()
    assert {"canary-client", "*"} & changed.document["clients"].keys()
    assert changed.document["defaults"]["metadata"]
    text = json.dumps(tuple(changed))
    assert not re.search(r'"(?:box|work|plan|a|c)"|"(?:box|work)/|__PLAN', text)
    assert not [secret for secret in SECRETS if f'"{secret}"' in text]


def test_a_canary_on_the_wire_would_be_seen(lab: Lab) -> None:
    document = {"version": 1, "defaults": {"provider": "ollama", "model": "m1", "extra_body": {"x": "canary"}}}
    world = World(document, {"agent": None, "purpose": None, "client": None, "args": {}}, {})
    for way in WAYS:
        sent, _ = lab.go(lab.router(world), way, world)
        assert [row.body["x"] for row in sent] == ["canary"]
