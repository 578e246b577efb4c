"""Coda's section `oci_genai`: Oracle's generative AI, signed with a profile of `~/.oci/config`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmroute.importers.draft import escaped

if TYPE_CHECKING:
    from llmroute.importers.draft import Draft, Place

KNOWN = ("compartment_id", "region", "profile", "config_profile", "config_file", "config_file_location")
"""The settings of the section that no other provider of Coda's has."""
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_USUAL = "us-chicago-1"
_WHO = {"profile": ("profile", "config_profile"), "config_file": ("config_file", "config_file_location")}


def put_oracle(path: tuple[str, ...], section: Place, url: str | None, draft: Draft) -> None:
    """Write what is Oracle's own of a provider: its API, its region, and who signs in which compartment."""
    draft.put((*path, "api"), "oci-genai", "Needs the extra oci: pip install 'llmroute[oci]'")
    draft.put((*path, "base_url"), url or _regional(path, section, draft))
    extra = {}
    for name, rows in _WHO.items():
        said = next((text for row in rows if (text := section.at(row).text()) is not None), None)
        if said is not None:
            extra[name] = escaped(said)
    compartment = section.at("compartment_id").text()
    extra["compartmentId"] = "${OCI_COMPARTMENT_ID}" if compartment is None else escaped(compartment)
    draft.put((*path, "extra_body"), extra)
    if section.at("api_key").value:
        draft.leave(section.at("api_key"), "requests are signed, with the key of the profile")


def _regional(path: tuple[str, ...], section: Place, draft: Draft) -> str:
    region = section.at("region").text()
    if region is not None and not _REGION.fullmatch(region):
        draft.leave(section.at("region"), "it is no name of a region")
        region = None
    if region is None:
        draft.note((*path, "base_url"), "The region of the profile is not read here: set OCI_REGION, or write it.")
        region = f"${{OCI_REGION:-{_USUAL}}}"
    return f"https://inference.generativeai.{region}.oci.oraclecloud.com"
