"""Sources: a repository or platform, where it answers, and how it wants to be asked. One TOML file each in `data/`."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "NAMING",
    "SITE",
    "BudgetEntry",
    "Exporter",
    "IdChannel",
    "Idrange",
    "MixStep",
    "Oaipmh",
    "Robots",
    "Search",
    "Source",
    "checked_url",
    "is_loopback",
    "own_source",
    "own_source_at",
    "read_values",
    "single_sites",
    "source_names",
    "spdx_id",
]

if TYPE_CHECKING:
    from harvester.sources.model import (
        SITE,
        BudgetEntry,
        Exporter,
        IdChannel,
        Idrange,
        MixStep,
        Oaipmh,
        Robots,
        Search,
        Source,
        checked_url,
        is_loopback,
        read_values,
        single_sites,
        source_names,
        spdx_id,
    )
    from harvester.sources.own import NAMING, own_source, own_source_at
else:
    __getattr__ = lazy.exports(__name__)
