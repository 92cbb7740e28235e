"""Check a selection against the records of an archive.

A value that matches no record is an error, never an empty release.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from archive.errors import CannotDump
from archive.releases.entries import is_within, same_type
from archive.releases.manifest import Selection
from archive.store import Record

# how many names of one kind a message shows
_SHOWN = 20


@dataclass(slots=True)
class Offered:
    """The formats, media types and sets of the records that were read, and the range of their datestamps."""

    formats: set[str] = field(default_factory=set)
    media_types: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    earliest: str = ""
    latest: str = ""

    def take(self, record: Record) -> None:
        """Add the values of a record."""
        self.formats.add(record.format)
        self.media_types.add(record.media_type)
        self.sets.update(record.sets)
        if stamp := record.datestamp.strip():
            self.earliest = min(self.earliest or stamp, stamp)
            self.latest = max(self.latest, stamp)

    def add(self, other: "Offered") -> None:
        """Add the values of another one."""
        self.formats |= other.formats
        self.media_types |= other.media_types
        self.sets |= other.sets
        self.earliest = min(filter(None, (self.earliest, other.earliest)), default="")
        self.latest = max(self.latest, other.latest)


def check_values(selection: Selection, offered: Offered) -> None:
    """Raise CannotDump for a value of the selection that no record has, naming the available ones."""
    for wanted in selection.formats:
        if wanted not in offered.formats:
            raise _nothing(f"--format {wanted}", "formats", offered.formats)
    for wanted in selection.media_types:
        if not any(same_type(found, wanted) for found in offered.media_types):
            raise _nothing(f"--media-type {wanted}", "media types", offered.media_types)
    for wanted in selection.sets:
        if not any(is_within(found, wanted) for found in offered.sets):
            raise _nothing(f"--set {wanted}", "sets", offered.sets)


def nothing_selected(selection: Selection, offered: Offered) -> CannotDump:
    """Make the error for a selection whose values all occur, but that matches no record as a whole."""
    return CannotDump(
        f"no record fits {describe(selection)}, so the release would be empty; datestamps here are "
        f"{offered.earliest or 'missing'} to {offered.latest or 'missing'}, the formats {_names(offered.formats)}, "
        f"the sets {_names(offered.sets)}"
    )


def describe(selection: Selection) -> str:
    """Describe a selection by the options that request it."""
    words = [f"--format {one}" for one in selection.formats]
    words += [f"--media-type {one}" for one in selection.media_types]
    words += [f"--set {one}" for one in selection.sets]
    words += [f"--from {selection.from_}"] if selection.from_ else []
    words += [f"--until {selection.until}"] if selection.until else []
    return " ".join(words) or "no selection"


def _nothing(option: str, what: str, there: Iterable[str]) -> CannotDump:
    return CannotDump(f"{option} fits no record of this archive; the {what} here are {_names(there)}")


def _names(there: Iterable[str]) -> str:
    names = sorted(filter(None, there))
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
