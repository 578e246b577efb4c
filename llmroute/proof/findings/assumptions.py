"""What a proof takes for granted of the targets that can be reached, because nothing in a spec can show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from llmroute.catalog import addresses
from llmroute.proof.findings.processors import processors
from llmroute.routing.flows import origin_text
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmroute.routing.diagnostics import Origin
    from llmroute.routing.route import Target
    from llmroute.routing.spec import RoutingSpec
    from llmroute.routing.urls import Url

_OLLAMA_PORT = 11434

Checked = Literal["never", "when connecting"]


class Assumption(NamedTuple):
    """One thing that has to be true for what was proven to hold."""

    text: str
    checked: Checked
    """`when connecting`: where it is not true then, the call fails and nothing is sent."""
    targets: tuple[str, ...]
    """Those whose proof stands on it."""
    origin: Origin | None
    """Where the first of them is chosen."""
    remedy: str = ""
    """What makes it unnecessary; empty where nothing in a spec does."""

    def to_json(self) -> dict[str, object]:
        """One row of `assumptions`."""
        origin = None if self.origin is None else self.origin.to_json()
        return {
            "text": self.text,
            "checked": self.checked,
            "targets": list(self.targets),
            "origin": origin,
            "remedy": self.remedy,
        }


def assumptions(spec: RoutingSpec, targets: Iterable[Target]) -> list[Assumption]:
    """What is taken for granted of some targets, each thing once, in the order of the targets."""
    found: dict[str, Assumption] = {}
    for target in targets:
        for text, checked, remedy in _of(spec, target):
            known = found.get(text)
            if known is None:
                found[text] = Assumption(text, checked, (target.name,), target.origin, remedy)
            elif target.name not in known.targets:
                found[text] = known._replace(targets=(*known.targets, target.name))
    return list(found.values())


def _of(spec: RoutingSpec, target: Target) -> Iterator[tuple[str, Checked, str]]:
    url = parse(target.base_url)
    if url.scheme == "mock":
        return
    if not url.is_place:
        text = f"{target.model} is where {target.api} takes it to be: no URL of the spec says where its prompts go"
        yield text, "never", "write base_url, where the provider takes one"
        return
    at = origin_text(url)
    if target.locality == "local":
        yield f"the server at {at} does not forward what it is sent", "never", "write locality: remote where it does"
        if _is_ollama(spec, target, url):
            text = f"no model of the Ollama at {at} is forwarded to its cloud under a name without -cloud"
            yield text, "never", ""
    elif target.locality == "lan":
        yield f"the server at {at} does not forward what it is sent", "never", "write locality: remote where it does"
        if is_name(url.host):
            text = f"the name {url.host} leads to this machine or into a private network"
            yield text, "when connecting", "write the address in place of the name"
    yield from _of_the_vendor(spec, target)


def _of_the_vendor(spec: RoutingSpec, target: Target) -> Iterator[tuple[str, Checked, str]]:
    behind = processors(target)
    if behind is not None and behind.names:
        text = f"{behind.title} passes the prompts for {target.model} on to {', '.join(behind.names)} alone"
        yield text, "never", ""
    elif behind is not None:
        text = f"any processor behind {behind.title} may have the prompts for {target.model}"
        yield text, "never", behind.remedy
    declared = spec.providers.get(target.provider or "")
    if declared is not None and declared.regions:
        yield f"the provider {target.provider} works in {', '.join(declared.regions)} and nowhere else", "never", ""


def _is_ollama(spec: RoutingSpec, target: Target, url: Url) -> bool:
    declared = spec.providers.get(target.provider or "")
    preset = declared.preset if declared is not None and declared.preset else target.provider
    return preset == "ollama" or target.api == "ollama-chat" or url.port == _OLLAMA_PORT


def is_name(host: str) -> bool:
    """Whether a host has to be looked up.

    >>> is_name("gpu-box"), is_name("fd00::7")
    (True, False)
    """
    try:
        addresses.read(host)
    except ValueError:
        return True
    return False
