"""Reads the keys that the pure decision only names: files and the keyring."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmroute.errors import MissingKeyError
from llmroute.routing.route import Route

if TYPE_CHECKING:
    from llmroute.routing.route import Credential, Resolution, Target

LARGEST = 64 * 1024
"""No key is longer; a device or a log named by mistake is not read to its end."""


def with_read_credentials(resolution: Resolution) -> Resolution:
    """The resolution with the status of keys in files and the keyring, which the pure decision leaves unread."""
    targets = resolution.route.targets
    if all(target.credential.status != "unread" for target in targets):
        return resolution
    return replace(resolution, route=Route(tuple(replace(target, credential=_read(target)) for target in targets)))


def _read(target: Target) -> Credential:
    if target.credential.status != "unread":
        return target.credential
    try:
        key_of(target)
    except MissingKeyError:
        return target.credential._replace(status="missing")
    return target.credential._replace(status="set")


def key_of(target: Target) -> str | None:
    """The key to send to the target, None where none was declared.

    Raises:
        MissingKeyError: one was declared and is not there, was dropped with its origin, or can't be sent.
    """
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
