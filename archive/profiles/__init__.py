"""Profiles: which fields records have, how often and with which values, and how that drifts between releases."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "PERCENT",
    "Drift",
    "Field",
    "Profile",
    "as_json",
    "coverage",
    "drifts",
    "iter_live",
    "profile",
    "read_profile",
    "save_profile",
]

if TYPE_CHECKING:
    from archive.profiles.build import iter_live, profile
    from archive.profiles.drift import PERCENT, Drift, drifts
    from archive.profiles.model import Field, Profile, as_json, coverage, read_profile, save_profile
else:
    __getattr__ = lazy.exports(__name__)
