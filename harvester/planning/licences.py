"""The licence that the metadata of a repository is under, as a release states it: never one that is not known."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from harvester.errors import UsageError
from harvester.sources import single_sites, spdx_id

# what SPDX writes where nothing is claimed about a licence
UNKNOWN = {"id": "NOASSERTION", "name": "no licence that is known", "url": ""}
# SPDX id: name in SPDX's list, address of the licence itself
_KNOWN = {
    "CC0-1.0": ("Creative Commons Zero v1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "CC-BY-4.0": ("Creative Commons Attribution 4.0 International", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": (
        "Creative Commons Attribution Share Alike 4.0 International",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    ),
    "ODC-By-1.0": ("Open Data Commons Attribution License v1.0", "https://opendatacommons.org/licenses/by/1.0/"),
    "PDDL-1.0": (
        "Open Data Commons Public Domain Dedication & License 1.0", "https://opendatacommons.org/licenses/pddl/1-0/"
    ),
}  # fmt: skip
_CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<kind>by(?:-nc)?(?:-nd|-sa)?)|publicdomain/(?P<zero>zero))/(?P<version>\d\.\d)"
    r"(?:/(?:rdf|legalcode|deed)?(?:\.[a-z]{2}(?:[-_][a-z]+)?)?)?/?"
)


def licence_values(text: str) -> dict[str, str]:
    """`id`, `name` and `url` of a licence of SPDX's list, in any case. Raises UsageError for another."""
    known = spdx_id(text.strip())
    if known is None:
        raise UsageError(
            f"--licence {text[:60]!r} is no SPDX id such as CC0-1.0 or CC-BY-4.0 (spdx.org/licenses); of a licence "
            "that is not in that list give the address with --licence-url"
        )
    name, url = _KNOWN.get(known, (known, f"https://spdx.org/licenses/{known}.html"))
    return {"id": known, "name": name, "url": url}


def licence_at(url: str, name: str | None = None) -> dict[str, str]:
    """A licence by its address: of SPDX's list where that is one of theirs. Raises UsageError for no address."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.strip().isprintable() or " " in url:
        raise UsageError(f"--licence-url {url[:80]!r} is no http or https URL")
    if (known := spdx_id((name or "").strip())) or (known := spdx_id_at(url)):
        return licence_values(known)
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name or f"{parts.hostname}{parts.path}").strip("-.")[:60]
    return {"id": f"LicenseRef-{slug or 'other'}", "name": (name or url).strip(), "url": url.strip()}


def spdx_id_at(url: str) -> str | None:
    """The SPDX id of the licence that an address is of; None where that is not known."""
    address = re.sub(r"^https?://(www\.)?", "", url.strip().lower())
    for known, (_, place) in _KNOWN.items():
        if address.rstrip("/") == place.removeprefix("https://").rstrip("/"):
            return known
    if listed := re.fullmatch(r"spdx\.org/licenses/([a-z0-9.+-]+?)(\.html|\.json)?", address):
        return spdx_id(listed[1])
    if (found := _CREATIVE_COMMONS.fullmatch(address)) is None:
        return None
    return spdx_id(f"cc0-{found['version']}" if found["zero"] else f"cc-{found['kind']}-{found['version']}")


def is_known(licence: Mapping[str, str]) -> bool:
    """Whether a release states a licence."""
    return licence.get("id") != UNKNOWN["id"]


def known_licence(source: Mapping[str, Any], stated: Sequence[str] = ()) -> dict[str, str] | None:
    """The licence of an archive's metadata: that of its source's file, or the one that Identify states; else None.

    Several statements in Identify that differ are no licence of all records.
    """
    named = source.get("licence")
    if known := (spdx_id(named) if isinstance(named, str) else None) or licence_of(source.get("hosts", ())):
        return licence_values(known)
    if len(stated) != 1:
        return None
    try:
        return licence_at(stated[0])
    except UsageError:
        return None


def licence_of(hosts: Collection[str]) -> str | None:
    """The licence that is known of a source which answers at one of these hosts; None when none is known."""
    for source in single_sites().values():
        if source.metadata_licence and source.own_hosts.intersection(hosts):
            return source.metadata_licence
    return None
