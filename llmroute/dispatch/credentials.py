"""Reads the keys that the pure decision only names: files and the keyring."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.errors import KeyInTheClearError, MissingKeyError
from llmroute.routing.diagnostics import Diagnostic, Origin
from llmroute.routing.route import Route
from llmroute.routing.rules import RULES
from llmroute.routing.urls import parse

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmroute.routing.route import Resolution, Target

_ALLOW = "use https://, or write allow_http: true beside the base_url where the network is your own"
LARGEST = 64 * 1024
"""No key is longer; a device or a log named by mistake is not read to its end."""


def with_read_credentials(resolution: Resolution, left_unread: Collection[str] = ()) -> Resolution:
    """The resolution with the status of keys in files and the keyring, which the pure decision leaves unread.

    `left_unread` names sources that are not to be opened.
    """
    targets = resolution.route.targets
    if all(target.credential.status != "unread" for target in targets):
        return resolution
    read = [target if target.credential.source in left_unread else _read(target) for target in targets]
    return replace(resolution, route=Route(tuple(read)))


def _read(target: Target) -> Target:
    credential = target.credential
    if credential.status != "unread":
        return target
    try:
        _key_of(target)
        return replace(target, credential=credential._replace(status="set"))
    except MissingKeyError:
        return replace(target, credential=credential._replace(status="missing"))


def key_of(target: Target) -> str | None:
    """The key to send to the target, None where none was declared.

    Raises:
        MissingKeyError: one was declared and is not there, was dropped with its origin, or can't be sent.
        KeyInTheClearError: it would travel over plain HTTP to another machine, and nobody said that it may.
    """
    key = _key_of(target)
    if key is not None and in_the_clear(target):
        raise KeyInTheClearError(_in_words(target), hint=_ALLOW, origin=target.origin)
    return key


def in_the_clear(target: Target) -> bool:
    """Whether whoever is on the way can read a key that the target gets."""
    if target.allow_http or target.auth == "none" or not target.base_url.startswith("http:"):
        return False
    return target.credential.status in {"set", "unread"} and parse(target.base_url).locality != "local"


def clear_text(resolution: Resolution) -> list[Diagnostic]:
    """The keys of a resolution that would travel in the clear, as diagnostics."""
    rule = RULES[KeyInTheClearError.rule]
    return [
        Diagnostic(rule.code, rule.slug, rule.severity, _in_words(target), target.origin or Origin("mapping"), _ALLOW)
        for target in resolution.route.targets
        if in_the_clear(target)
    ]


def _in_words(target: Target) -> str:
    source = target.credential.source
    return f"the key for {target.name} ({source}) would travel to {target.base_url} over plain HTTP"


def _key_of(target: Target) -> str | None:
    credential = target.credential
    if credential.status == "none":
        return None
    if credential.status in {"missing", "dropped"}:
        raise _missing(target, _why(target))
    if credential.secret is not None:
        key = credential.secret.reveal()
    else:
        kind, _, name = credential.source.partition(":")
        key = (_from_file if kind == "file" else _from_keyring)(target, name)
    return _sendable(target, key)


def _why(target: Target) -> str:
    variable = target.credential.variable
    if target.credential.status == "dropped":
        named = f"the key of {target.provider}" + (f" ({variable})" if variable else "")
        return f"{named} belongs to another origin and is not sent to {target.base_url}"
    return f"{variable} is not set" if variable else f"{target.credential.source} is not there"


def _missing(target: Target, why: str) -> MissingKeyError:
    variable = target.credential.variable
    chosen = f"; chosen by {target.scope} ({target.origin})" if target.scope else ""
    if target.credential.status == "dropped":
        hint = f"declare `api_key` beside the base_url that {target.scope or 'the scope'} sets"
    elif variable:
        hint = f"export {variable}=…"
    else:
        hint = "declare `api_key: ${VARIABLE}` where the provider stands"
    return MissingKeyError(f"no key for {target.name}: {why}{chosen}", hint=hint, origin=target.origin)


def _from_file(target: Target, name: str) -> str:
    problem = "is empty"
    try:
        with Path(name).expanduser().open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode("utf-8-sig").strip()
        if len(raw) > LARGEST:
            problem = "is too long for a key"
        elif text:
            return text
    except OSError as exc:
        problem = f"can't be read ({(exc.strerror or type(exc).__name__).lower()})"
    except UnicodeDecodeError:
        problem = "holds no UTF-8 text"
    raise MissingKeyError(
        f"no key for {target.name}: the file {name} {problem}",
        hint="write the key into that file, and nothing else",
        origin=target.origin,
    )


def _from_keyring(target: Target, name: str) -> str:
    service, _, user = name.partition("/")
    if importlib.util.find_spec("keyring") is None:
        raise MissingKeyError(
            f"no key for {target.name}: it is in the keyring, and the package `keyring` is not installed",
            hint="pip install 'llmroute[keyring]'",
            origin=target.origin,
        )
    import keyring.errors

    problem = "is not there"
    try:
        value: str | None = keyring.get_password(service, user)
    except keyring.errors.KeyringError as exc:
        value, problem = None, f"can't be read ({type(exc).__name__})"
    if value:
        return value
    raise MissingKeyError(
        f"no key for {target.name}: the keyring entry {name} {problem}",
        hint=f"keyring set {service} {user}",
        origin=target.origin,
    )


def _sendable(target: Target, key: str) -> str:
    """The key without the line end that files and shells leave; a header takes visible ASCII only."""
    key = key.strip()
    if key and all("!" <= char <= "~" for char in key):
        return key
    what = "is blank" if not key else "holds spaces, control characters or characters outside ASCII"
    raise MissingKeyError(
        f"the key for {target.name} ({target.credential.source}) {what}",
        hint="a key is one word; look for a line break or a quote that was copied along",
        origin=target.origin,
    )
