"""What a person needs beside the failure: which scope chose the target, what was tried, and the next step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from llmroute.catalog.presets import PRESETS
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmroute.catalog.presets import Preset
    from llmroute.errors import CallError
    from llmroute.routing.route import Query, Resolution, Target
    from llmroute.wire.chat import Attempt


def advise(failure: CallError, target: Target, resolution: Resolution, log: Sequence[Attempt]) -> CallError:
    """The failure with its attempts, and with a hint that says who chose the target and what to do."""
    failure.attempts = tuple(log)
    lines = [_chosen(target, resolution), *_tried(log), *([failure.hint] if failure.hint else [])]
    failure.hint = "\n  ".join([*lines, *_next_steps(failure, target, resolution.query)])
    return failure


def _chosen(target: Target, resolution: Resolution) -> str:
    chosen = f"chosen by {target.scope}" if target.scope else "chosen by the route"
    if target.origin is not None:
        chosen += f" ({target.origin})"
    if len(resolution.route.targets) > 1:
        return chosen
    stays = target.locality == "local"
    return f"{chosen}; no fallback is declared" + (", and none leaves this machine" if stays else "")


def _tried(log: Sequence[Attempt]) -> list[str]:
    if len(log) <= 1:
        return []
    counted = Counter((row.target, row.kind or "answered", row.status) for row in log)
    shown = [
        f"{name}: {kind}{f' {status}' if status else ''}{f', {n} times' if n > 1 else ''}"
        for (name, kind, status), n in counted.items()
    ]
    return [f"tried {'; '.join(shown)}"]


def _next_steps(failure: CallError, target: Target, query: Query) -> list[str]:
    if failure.own_limit and failure.kind != "context":
        return [f"`providers.{target.provider}.limits` says so; fallbacks are asked where it leaves no room in time"]
    preset = preset_of(target) or _by_port(target)
    flags = "".join(
        f" --{name} {value}" for name, value in (("agent", query.agent), ("purpose", query.purpose)) if value
    )
    explain = f"is it the URL?   llmroute explain{flags}"
    match failure.kind:
        case "connect":
            steps = [*_start(preset, target), explain, *_get_model(preset, target)]
        case "model":
            steps = [*_get_model(preset, target), explain]
        case "auth":
            steps = [f"is the key right?   {_key(target)}"]
        case "quota":
            steps = ["is there credit left?   see the account of the provider"]
        case "rate" if failure.retry_after_s is not None:
            steps = [f"try again in {failure.retry_after_s:g} s"]
        case "ambiguous":
            steps = ["it may have been executed and billed; `timeout` says how long to wait"]
        case "context":
            steps = ["shorten the conversation, or name a fallback with a larger window and `fallback_on: [context]`"]
        case "malformed" | "request":
            steps = [explain]
        case _:
            steps = []
    return steps


def _start(preset: Preset | None, target: Target) -> list[str]:
    if preset is not None and preset.start_hint:
        return [f"is it running?   {preset.start_hint}"]
    return [] if target.locality == "remote" else ["is it running?   ollama serve, or whatever else serves that URL"]


def _get_model(preset: Preset | None, target: Target) -> list[str]:
    if preset is not None and preset.model_hint:
        return [f"is the model there?   {preset.model_hint.replace('{model}', target.model)}"]
    if target.locality == "remote":
        return []
    lists = f"llmroute local list {target.base_url}"
    return [f"is the model there?   {lists}; an Ollama gets it with ollama pull {target.model}"]


def _key(target: Target) -> str:
    credential = target.credential
    if credential.variable:
        return f"it comes from the variable {credential.variable}"
    return "no key was declared" if credential.source == "none" else f"it comes from {credential.source}"


def _by_port(target: Target) -> Preset | None:
    """The local server that stands at that port unless somebody moved it."""
    if target.locality == "remote":
        return None
    near = (preset for preset in PRESETS.values() if preset.start_hint)
    port = parse(target.base_url).port
    return next((preset for preset in near if parse(preset.base_url).port == port), None)


def preset_of(target: Target) -> Preset | None:
    """The preset that the target's provider is, by its name, by an API that nobody else has, else by its URL."""
    named = PRESETS.get(target.provider or "")
    if named is not None:
        return named
    if target.api == "ollama-chat":
        return PRESETS["ollama"]
    return next((preset for preset in PRESETS.values() if preset.base_url == target.base_url), None)
