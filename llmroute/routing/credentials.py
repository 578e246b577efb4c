"""Which key a target has: it goes only to the URL that it was declared beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmroute.errors import BadArgumentError, BadEnvironmentError
from llmroute.routing.diagnostics import Origin
from llmroute.routing.interpolation import interpolate
from llmroute.routing.route import NO_CREDENTIAL, Credential, Secret
from llmroute.routing.spec import KeyFile, KeyRing, KeyVariable, RoutingSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.routing.endpoints import Facts
    from llmroute.routing.scopes import Scope


def credential_of(
    spec: RoutingSpec, scope: Scope, facts: Facts | None, environ: Mapping[str, str], *, moved: bool
) -> Credential:
    """The key of the endpoint: the scope's own, else the provider's where the scope did not move its origin."""
    if "api_key" in scope.values:
        return _scope_credential(scope, environ)
    if facts is None:
        return NO_CREDENTIAL
    if not moved:
        return _provider_credential(spec, facts, environ)
    declared, preset = facts.declared, facts.preset
    if declared.api_key is not None or (declared.base_url is None and preset and preset.key_variable):
        variable = preset.key_variable if preset and declared.api_key is None else ""
        return Credential("none", "dropped", variable=variable or "")
    return NO_CREDENTIAL


def _credential(key: Any, environ: Mapping[str, str], origin: Origin) -> Credential:
    """The credential of a key as it was written."""
    if isinstance(key, KeyFile):
        return Credential(f"file:{key.file}", "unread")
    if isinstance(key, KeyRing):
        return Credential(f"keyring:{key.keyring}", "unread")
    if isinstance(key, KeyVariable):
        key = f"${{{key.name}}}"
    result = interpolate(key, environ)
    if result.missing:
        return Credential(f"env:{','.join(result.missing)}", "missing", variable=result.missing[0])
    if result.blank:
        return NO_CREDENTIAL
    if not result.text.isprintable():
        names = ", ".join(result.variables) or str(origin)
        raise BadEnvironmentError(f"the key in {names} holds a line break or control character", origin=origin)
    source = f"env:{','.join(result.variables)}" if result.variables else "inline"
    return Credential(source, "set", Secret(result.text), result.variables[0] if result.variables else "")


def _provider_credential(spec: RoutingSpec, facts: Facts, environ: Mapping[str, str]) -> Credential:
    declared, preset = facts.declared, facts.preset
    if declared.api_key is not None:
        return _credential(declared.api_key, environ, spec.source.origin(("providers", facts.name, "api_key")))
    # A vendor's variable belongs to the vendor's URL: a URL of the spec's own gets no key by itself.
    if declared.base_url is not None or preset is None or preset.key_variable is None:
        return NO_CREDENTIAL
    return _credential(f"${{{preset.key_variable}}}", environ, Origin("env", name=preset.key_variable))


def _scope_credential(scope: Scope, environ: Mapping[str, str]) -> Credential:
    key, origin = scope.values["api_key"], scope.origin("api_key")
    if scope.layer == "env":
        variable = scope.variables["api_key"]
        return _credential(f"${{{variable}}}", environ, origin)
    if not scope.path and not isinstance(key, KeyFile | KeyRing | KeyVariable):
        # What a program passes in code is the key itself, whatever dollars it holds.
        text = key.reveal() if isinstance(key, Secret) else key
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            hint = "pass one line of text, or leave it out, or None, to say nothing"
            raise BadArgumentError("the argument api_key is no key", hint=hint, origin=origin)
        return Credential("inline", "set", Secret(text))
    return _credential(key, environ, origin)
