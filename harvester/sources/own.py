"""The source that an archive was harvested from, as the arguments that name it again."""

from collections.abc import Mapping
from typing import Any

from harvester.errors import UsageError
from harvester.sources.model import Source, single_sites

# arguments that name a source; archive.json keeps them as they were given
NAMING = ("source", "site")


def own_source(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the arguments `source` and `site` of an archive; none where it was harvested from a URL alone.

    `described` is the source in archive.json. One that was written before these arguments were kept there is recognised
    by its name and hosts, where it is a single site that comes with the project.
    """
    if described.get("source"):
        return {name: str(described[name]) for name in NAMING if described.get(name)}
    held = {str(host).lower() for host in described.get("hosts", ())}
    for name, source in single_sites().items():
        if source.name == described.get("name") and held and held <= source.allowed_hosts:
            return {"source": name}
    return {}


def own_source_at(described: Mapping[str, Any], host: str) -> dict[str, str]:
    """Return the arguments that name an archive's own source where `host` is one of its hosts, else none."""
    words = own_source(described)
    try:
        source = Source.named(words["source"], words.get("site")) if words else None
    except UsageError:  # its file is not where it was: the URL can be asked without what it says
        return {}
    return words if source is not None and host.lower() in source.allowed_hosts else {}
