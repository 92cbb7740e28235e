"""A shard whose records' files are harvested: what was read of it, what is on its way, and what is to be said of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archive.envelope import Record
from archive.files.filelist import FileList
from archive.files.filestore import FileRow
from archive.files.recordfiles import files_of
from archive.findings import Finding, finding
from archive.latest import Part
from archive.ledger import WindowRow
from harvester.filewalk import sets_of


@dataclass(frozen=True, slots=True)
class Named:
    """The records of a frame that name files, each with its outcome.

    `silent` counts those that say nothing of files, `telling` those that do; `sets`: some are in sets.
    """

    records: list[tuple[Record, int, FileList]]
    silent: int
    telling: int
    sets: bool


def next_named(frames: Iterator[list[tuple[Record, int]]]) -> Named | None:
    """What the next frame says of files; None after the last one."""
    found = next(frames, None)
    if found is None:
        return None
    listed = [(record, outcome, files_of(record)) for record, outcome in found]
    silent = sum(files.silent for _, _, files in listed)
    named = [one for one in listed if one[2].files or one[2].ask or one[2].unusable]
    return Named(named, silent, len(listed) - silent, any(sets_of(record) for record, _ in found))


@dataclass(slots=True)
class PartWalk:
    """A shard whose records' files are on their way. `pending` were listed and have not ended.

    `silent` records say nothing of files, `telling` ones do; `sets`: some are in sets. `unsaid` counts files of which
    the filter asks what is not said, by that, and `first_unsaid` has the (identifier, key) of the first.
    """

    window: WindowRow
    part: Part
    pending: int = 0
    listed: bool = False
    lost: int = 0
    first_lost: FileRow | None = None
    silent: int = 0
    telling: int = 0
    sets: bool = False
    unsaid: Counter[str] = field(default_factory=Counter)
    first_unsaid: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note_read(self, found: Named) -> None:
        """The records of one more frame."""
        self.silent, self.telling = self.silent + found.silent, self.telling + found.telling
        self.sets = self.sets or found.sets

    def note_unsaid(self, identifier: str, unsaid: Iterable[tuple[str, str]]) -> None:
        """Files of a record that are left out because nothing says of them what the filter asks for."""
        for what, key in unsaid:
            self.unsaid[what] += 1
            self.first_unsaid.setdefault(what, (identifier, key))

    def note_lost(self, row: FileRow) -> None:
        """A file, or a list of files, to which no answer came."""
        self.lost += 1
        self.first_lost = self.first_lost or row

    @property
    def over(self) -> bool:
        return self.listed and not self.pending

    @property
    def end(self) -> str:
        """How its list ended; `files_unnamed.sql` knows these words."""
        if self.telling:
            return "all files"
        return "no files named" if self.silent else "no live records"

    def notes(self) -> list[Finding]:
        """What is to be said once it is over."""
        notes = []
        if (first := self.first_lost) is not None:
            name = first.key or "its list"
            notes.append(finding("files-lost", identifier=first.identifier, found=self.lost, name=name))
        if self.silent and not self.telling:
            notes.append(finding("form-without-files", found=self.silent, form=self.part.format))
        for what, found in self.unsaid.items():
            identifier, key = self.first_unsaid[what]
            if what != "set":
                notes.append(finding("filter-unsaid", identifier=identifier, found=found, what=what, name=key))
            elif not self.sets:  # where some records have sets, others may be in none
                notes.append(finding("filter-without-sets", identifier=identifier, found=found))
        return notes
