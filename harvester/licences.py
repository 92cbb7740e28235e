"""The licence that the metadata of a repository is under, as a release states it."""

import re
from collections.abc import Collection

from harvester.errors import UsageError
from harvester.sources import single_sites

DEFAULT = "CC0-1.0"
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,60}")
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


def licence_values(spdx_id: str) -> dict[str, str]:
    """`id`, `name` and `url` of a licence. Raises UsageError for what cannot be an id of SPDX."""
    if _SPDX.fullmatch(spdx_id) is None:
        raise UsageError(f"--licence {spdx_id[:60]!r} is no SPDX id such as CC0-1.0 or CC-BY-4.0 (spdx.org/licenses)")
    name, url = _KNOWN.get(spdx_id, (spdx_id, f"https://spdx.org/licenses/{spdx_id}.html"))
    return {"id": spdx_id, "name": name, "url": url}


def licence_of(hosts: Collection[str]) -> str | None:
    """The licence that is known of a source which answers at one of these hosts; None when none is known."""
    for source in single_sites().values():
        if source.metadata_licence and source.own_hosts.intersection(hosts):
            return source.metadata_licence
    return None
