"""Signs requests to Oracle's cloud as a profile of `~/.oci/config` says, with the signers of its SDK (extra `oci`).

Of the SDK nothing else is used: it would send through a library of its own, ask again by itself and obey the proxy
variables of the environment.
"""

from __future__ import annotations

import configparser
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from llmroute.adapters.failures import context, where
from llmroute.errors import AuthenticationError, MissingExtraError, RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmroute.adapters.base import Call

CONFIG_FILE = "~/.oci/config"
PROFILE = "DEFAULT"
_PROBLEMS = {
    "ConfigFileNotFound": "there is no such file",
    "ProfileNotFound": "the file has no such profile",
    "InvalidKeyFilePath": "its key_file is not there",
    "MissingPrivateKeyPassphrase": "its key needs a pass_phrase",
    "InvalidPrivateKey": "its key is no private key, or its pass_phrase is wrong",
}
"""The SDK's exceptions in words that show nothing of what was read."""
_FILES = ("key_file", "security_token_file")


class Profile(NamedTuple):
    """A section of a configuration file of Oracle's tools."""

    path: str
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Who signs."""

    tenancy: str
    """The root compartment, in which requests are made that name no other."""
    signer: Any
    files: tuple[str, ...]
    """What it was read from."""
    stamp: tuple[int, ...]
    """When those were written."""

    def signed(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, str]:
        """The headers with the date, the digest of the body and the signature; names in lower case."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        given = {name: value for name, value in headers.items() if name != "authorization"}
        length = {} if body is None else {"content-length": str(len(body))}
        request = SimpleNamespace(
            method=method, url=url, path_url=path, body=body, headers={**given, **length, "host": parts.netloc}
        )
        made = self.signer.do_request_sign(request, enforce_content_headers=body is not None)
        return {name.lower(): value for name, value in made.headers.items()}


class Identities:
    """Those that were read, each until one of its files is written anew."""

    def __init__(self) -> None:
        self._known: dict[Profile, Identity] = {}
        self._lock = threading.Lock()

    def of(self, call: Call) -> Identity:
        """Who signs a call.

        Raises:
            AuthenticationError: the profile can't be used.
            MissingExtraError: Oracle's SDK is not installed.
        """
        profile = profile_of(call)
        with self._lock:
            known = self._known.get(profile)
            if known is None or known.stamp != _stamp(known.files):
                known = self._known[profile] = _read(profile, call)
            return known


def profile_of(call: Call) -> Profile:
    """The profile that the endpoint's `extra_body` names, else the usual one.

    Raises:
        RequestError: it names what is no text.
    """
    extra = call.endpoint.extra_body
    names = [extra.get("config_file", CONFIG_FILE), extra.get("profile", PROFILE)]
    if not all(isinstance(name, str) and name for name in names):
        raise RequestError("config_file and profile in extra_body are texts", **context(call.endpoint))
    return Profile(str(Path(names[0]).expanduser()), names[1])


def _stamp(files: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(map(_written_at, files))


def _written_at(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _read(profile: Profile, call: Call) -> Identity:
    try:
        import oci.config
        import oci.exceptions
        import oci.signer
    except ImportError:
        raise MissingExtraError("api: oci-genai needs Oracle's SDK, which is not installed", extra="oci") from None
    try:
        # A path with its `~` undone is the one that is read: the SDK looks elsewhere for a default that is not there.
        config = oci.config.from_file(profile.path, profile.name)
        signer = _signer(config)
    except oci.exceptions.InvalidConfig as exc:
        problem = f"{', '.join(sorted(exc.errors))} is missing or malformed"
    except (oci.exceptions.ClientError, configparser.Error, ValueError, OSError) as exc:
        problem = _PROBLEMS.get(type(exc).__name__) or f"it can't be read ({type(exc).__name__})"
    else:
        files = (profile.path, *(str(Path(config[name]).expanduser()) for name in _FILES if config.get(name)))
        return Identity(config["tenancy"], signer, files, _stamp(files))
    raise AuthenticationError(
        f"no signature for {where(call.endpoint)}: profile {profile.name} in {profile.path}: {problem}",
        hint="`oci setup config` writes one; `extra_body: {config_file: …, profile: …}` names another",
        **context(call.endpoint),
    )


def _signer(config: dict[str, Any]) -> Any:
    """The signer of a profile: with a key of the user's, or with a session and its token."""
    import oci.auth.signers
    import oci.config
    import oci.exceptions
    import oci.signer

    if "authentication_type" in config:
        raise oci.exceptions.InvalidConfig({"authentication_type": "only keys and sessions sign here"})
    # The URL says the region; the SDK would look for a missing one in the environment.
    config = {"region": "-", **config}
    if config.get("security_token_file"):
        missing = {name: "missing" for name in ("tenancy", "key_file") if not config.get(name)}
        if missing:
            raise oci.exceptions.InvalidConfig(missing)
        token = Path(config["security_token_file"]).expanduser().read_text(encoding="utf-8").strip()
        key = oci.signer.load_private_key_from_file(config["key_file"], config.get("pass_phrase"))
        return oci.auth.signers.SecurityTokenSigner(token, key)
    oci.config.validate_config(config)
    return oci.signer.Signer.from_config(config)
