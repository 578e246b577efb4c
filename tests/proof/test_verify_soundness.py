"""What verify calls impossible never happens: random small specs, asked in many environments by brute force.

Every target that some environment leads to is among those that are reached, every assertion and policy that is broken
in one is found, and each witness shows what it is there for.
"""

from __future__ import annotations

import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from llmroute.errors import RoutingError
from llmroute.load import from_mapping
from llmroute.proof.exploration.assertions import read
from llmroute.proof.exploration.axes import ANY_URLS
from llmroute.proof.exploration.groups import Premises, explore
from llmroute.proof.exploration.worlds import ask
from llmroute.proof.verification.reach import reach
from llmroute.proof.verification.verify import verify
from llmroute.routing.override import LocalOverride
from llmroute.routing.route import Query
from llmroute.routing.urls import parse
from tests.properties import strategies
from tests.properties.strategies import World, arguments, governed

if TYPE_CHECKING:
    from llmroute.proof.exploration.groups import Explored
    from llmroute.proof.verification.reach import Row
    from llmroute.routing.route import Resolution, Target
    from llmroute.routing.spec import RoutingSpec

EXAMPLES = settings().max_examples
HOW_MANY = EXAMPLES if EXAMPLES <= 500 else 2 * EXAMPLES
"""A spec takes a tenth of a second or two: 500 of them in CI, 10,000 in the nightly profile."""
VARIABLES = {**strategies._ours, **strategies._vendors}
NEVER = ("locality=remote", "provider=openai", "model=m1", "host=*.example", "provider=box,o* locality=lan,remote")
ALWAYS = ("locality=local,lan", "provider=ollama,openai", "api=openai-chat", "model=m?", "region=eu,us")
_texts = st.lists(
    st.one_of(
        st.tuples(st.just("never"), st.sampled_from(NEVER)), st.tuples(st.just("always"), st.sampled_from(ALWAYS))
    ),
    max_size=2,
    unique=True,
)
_urls = st.sampled_from(strategies.URLS[:-2])


class Asked(NamedTuple):
    """One way in which a query is asked."""

    environ: dict[str, str]
    args: dict[str, Any]
    override: LocalOverride | None


class Case(NamedTuple):
    """A spec, a query, and many ways to ask it."""

    document: dict[str, Any]
    names: dict[str, Any]
    asked: list[Asked]
    assertions: list[tuple[str, str]]
    arguments: bool


@st.composite
def cases(draw: strategies.Draw) -> Case:
    world: World = draw(governed())
    passes = draw(st.sampled_from([False, False, True]))
    asked = []
    for _ in range(8):
        chosen = draw(st.lists(st.sampled_from(sorted(VARIABLES)), max_size=6, unique=True))
        override = None
        if draw(strategies._seldom):
            override = LocalOverride(draw(_urls), draw(st.sampled_from(["m1", "openai/m1", None])))
        args = arguments(draw) if passes else {}
        asked.append(Asked({name: draw(VARIABLES[name]) for name in chosen}, args, override))
    names = {kind: world.query[kind] for kind in ("agent", "purpose", "client")}
    return Case(world.document, names, asked, draw(_texts), passes)


# -- the same, judged by other means


def globs_of(case: Case) -> list[str]:
    """Every glob that something compares a model with."""
    found = [glob for policy in case.document["policies"] for glob in policy.get("deny", {}).get("models", ())]
    words = [word for _, text in case.assertions for word in text.split() if word.startswith("model=")]
    return [*found, *(glob for word in words for glob in word.removeprefix("model=").split(","))]


def fitted(globs: list[str], provider: str | None, model: str) -> list[bool]:
    names = (model.lower(), f"{provider}/{model}".lower() if provider else model.lower())
    return [any(fnmatchcase(name, glob.lower()) for name in names) for glob in globs]


def is_alike(case: Case, row: Row, target: Target) -> bool:
    """Whether a row stands for a target: the same endpoint and model, or one that is any other of its kind."""
    have = row.target
    if have.locality != target.locality or target.provider not in (have.provider, *row.alike):
        return False
    elsewhere = have.base_url in {str(parse(url)) for url in ANY_URLS.values()}
    renamed = target.provider != have.provider
    if not (have.base_url == target.base_url or elsewhere or renamed):
        return False
    if have.model == target.model:
        return True
    closed = case.document["providers"].get(target.provider, {}).get("models")
    globs = globs_of(case)
    alike = fitted(globs, have.provider, have.model) == fitted(globs, target.provider, target.model)
    return alike and closed is None and have.model not in ("m1", "m2", "m9")


def breaks(text: tuple[str, str], spec: RoutingSpec, target: Target) -> bool:
    """Whether a target certainly breaks an assertion, said once more in plain words."""
    kind, words = text
    met = []
    for word in words.split():
        key, _, values = word.partition("=")
        allowed = values.split(",")
        name = target.model if key == "model" else parse(target.base_url).host if key == "host" else ""
        if key == "locality":
            met.append(target.locality in allowed)
        elif key == "api":
            met.append(target.api in allowed)
        elif key == "provider":
            met.append(any(fnmatchcase(target.provider or "", glob) for glob in allowed))
        elif key == "region":
            declared = spec.providers.get(target.provider or "")
            met.append(bool(declared and declared.regions) and set(declared.regions or ()) <= set(allowed))
        else:
            full = f"{target.provider}/{target.model}"
            met.append(any(fnmatchcase(each.lower(), glob) for glob in allowed for each in (name, full)))
    return all(met) if kind == "never" else not all(met)


def warned(case: Case, found: Resolution) -> set[str]:
    """The policies that the answer says are not met."""
    names = [f"policies.{policy['name']}" for policy in case.document["policies"]]
    notes = [note.message for note in found.diagnostics if note.rule == "not-met"]
    return {name for name in names if any(f"does not meet {name}:" in note for note in notes)}


def parsed(command: str) -> tuple[Query, dict[str, str]]:
    """What the command of a witness asks."""
    environ: dict[str, str] = {}
    names: dict[str, str] = {}
    args: dict[str, str] = {}
    override = None
    words = iter(shlex.split(command))
    for word in words:
        if word == "local":
            assert next(words) == "on"
            override = LocalOverride(next(words), next(words))
        elif word == "--set-env":
            name, _, value = next(words).partition("=")
            environ[name] = value
        elif word in ("--agent", "--purpose", "--client"):
            names[word[2:]] = next(words)
        elif word in ("--model", "--base-url", "--api"):
            args[word[2:].replace("-", "_")] = next(words)
    return Query(**names, args=args, override=override), environ


# -- the properties


@settings(max_examples=HOW_MANY)
@given(cases())
def test_what_happens_was_foreseen(case: Case) -> None:
    spec = from_mapping(dict(case.document))
    asserted = [read(kind, text) for kind, text in case.assertions]  # type: ignore[arg-type]
    chosen = {kind: name for kind, name in case.names.items() if name is not None}
    try:
        explored = explore(spec, Premises(arguments=case.arguments), asserted, chosen=chosen)
    except RoutingError:
        return  # the query is none of the spec's
    explored = only(explored, case)
    rows = reach(explored)
    verdict = verify(explored)
    told = {finding.policy for finding in verdict.violations}
    for environ, args, override in case.asked:
        found = ask(spec, Query(**case.names, args=args, override=override), environ)
        if isinstance(found, RoutingError):
            continue
        for target in found.route.targets:
            assert any(is_alike(case, row, target) for row in rows), (environ, args, override, target)
            for text in case.assertions:
                if breaks(text, spec, target):
                    assert f"{text[0]} {text[1]}" in told, (environ, target)
        assert warned(case, found) <= told
        assert {out.rule for out in found.excluded} <= {
            finding.policy for finding in (*verdict.enforced, *verdict.violations)
        }
    for finding in verdict.violations:
        assert_shown(case, spec, finding.policy, finding.witness.command("routing.yaml"))


def only(explored: Explored, case: Case) -> Explored:
    """What was explored of the query itself; names that it does not have were left open."""
    query = Query(**case.names)
    groups = tuple(group for group in explored.groups if any(each.query == query for each in group.classes))
    assert len(groups) == 1
    mine = tuple(each for each in groups[0].classes if each.query == query)
    return explored._replace(groups=(groups[0]._replace(classes=mine),))


def assert_shown(case: Case, spec: RoutingSpec, policy: str, command: str) -> None:
    """No false alarm: what a witness is there for is what its command shows."""
    query, environ = parsed(command)
    found = ask(spec, query, environ)
    if isinstance(found, RoutingError):
        assert policy in {out.rule for out in found.excluded}
        return
    kind, _, text = policy.partition(" ")
    if not text:
        assert policy in warned(case, found)
    elif certain(text):
        assert any(breaks((kind, text), spec, target) for target in found.route.targets)


def certain(text: str) -> bool:
    """Whether `breaks` sees all of an assertion: a preset's name, a vendor's host and another URL it does not."""
    return "provider=" not in text and "region=" not in text
