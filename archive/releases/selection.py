"""What an archive offers to a selection: a value that fits no record is a mistake, and never an empty release."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from archive.errors import CannotDump
from archive.releases.entries import is_within, same_type
from archive.releases.manifest import Selection
from archive.store import Record

# names of one kind that a message shows
_SHOWN = 20


@dataclass(slots=True)
class Offered:
    """The formats, media types and sets of the records that were read, and their datestamps from first to last."""

    formats: set[str] = field(default_factory=set)
    media_types: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    earliest: str = ""
    latest: str = ""

    def take(self, record: Record) -> None:
        """Note what a record has."""
        self.formats.add(record.format)
        self.media_types.add(record.media_type)
        self.sets.update(record.sets)
        if stamp := record.datestamp.strip():
            self.earliest = min(self.earliest or stamp, stamp)
            self.latest = max(self.latest, stamp)

    def add(self, other: "Offered") -> None:
        """Note what another one has."""
        self.formats |= other.formats
        self.media_types |= other.media_types
        self.sets |= other.sets
        self.earliest = min(filter(None, (self.earliest, other.earliest)), default="")
        self.latest = max(self.latest, other.latest)


def check_values(selection: Selection, offered: Offered) -> None:
    """Raises CannotDump for a value of the selection that no record has, and names those that there are."""
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
    """The error for a selection whose values occur, and that fits no record as a whole."""
    return CannotDump(
        f"no record fits {describe(selection)}, so the release would be empty; datestamps here are "
        f"{offered.earliest or 'missing'} to {offered.latest or 'missing'}, the formats {_names(offered.formats)}, "
        f"the sets {_names(offered.sets)}"
    )


def describe(selection: Selection) -> str:
    """A selection as the options that ask for it."""
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
