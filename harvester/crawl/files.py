"""Which files of a record are asked for, what a download that failed says of one, and what a shard of records says.

Pure: values in, values out.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from archive.files import FileList, FileRow, RecordFile, files_of, parse_checksum
from archive.findings import Finding, finding
from archive.store import Part, Record, WindowRow
from harvester.crawl.arguments import FileFilter, media_type_of
from harvester.http import Wanted, sendable

# the key under which the list itself stands that a repository did not give
LIST_KEY = ""
_FORBIDDEN = frozenset({401, 403, 451})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The files of a record that are wanted; `left_out` counts the others, `elsewhere` has the hosts of those that no
    host of the source has, and whether the record only links to them. `unsaid`: what the filter asks for and the record
    does not say (size, type, set), and the key of the file; one for each that is left out for that.
    """

    rows: tuple[FileRow, ...]
    left_out: int
    elsewhere: tuple[tuple[str, bool], ...]
    unsaid: tuple[tuple[str, str], ...] = ()


def choose(
    record: Record,
    files: FileList,
    wanted: FileFilter,
    hosts: frozenset[str],
    most: int | None = None,
    scrub: Callable[[str], str] = str,
) -> Chosen:
    """Those files that the filter takes and a host of the source has, `most` of them at most."""
    rows: list[FileRow] = []
    elsewhere: list[tuple[str, bool]] = []
    unsaid: list[tuple[str, str]] = []
    sets = sets_of(record)
    for file in files.files:
        host = host_of(file.url)
        if not wanted.takes(file, sets):
            if (what := wanted.unsaid(file, sets)) is not None:
                unsaid.append((what, file.key))
            continue
        if most is not None and len(rows) >= most:
            continue
        if host in hosts:
            rows.append(_row(record, file, scrub))
        else:
            elsewhere.append((host, file.is_link))
    return Chosen(tuple(rows), len(files.files) - len(rows), tuple(dict.fromkeys(elsewhere)), tuple(unsaid))


def sets_of(record: Record) -> tuple[str, ...]:
    """The sets of a record: those of its header, else its communities by the names that their sets have over OAI-PMH.

    InvenioRDM calls the set of a community `community-SLUG`, Zenodo `user-SLUG`; the slug alone will do as well.
    """
    if record.sets or not isinstance(record.metadata, dict):
        return record.sets
    slugs = dict.fromkeys(
        (*_communities(record.metadata.get("parent")), *_communities(record.metadata.get("metadata")))
    )
    return tuple(f"{before}{slug}" for slug in slugs for before in ("", "user-", "community-"))


def _communities(part: object) -> Iterator[str]:
    """The slugs of InvenioRDM's `parent.communities.entries`, and of `metadata.communities` in Zenodo's own JSON."""
    found = part.get("communities") if isinstance(part, dict) else None
    entries = found.get("entries") if isinstance(found, dict) else found
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            slug = next(
                (entry[name] for name in ("slug", "id", "identifier") if isinstance(entry.get(name), str)), None
            )
            if slug:
                yield slug


def _row(record: Record, file: RecordFile, scrub: Callable[[str], str]) -> FileRow:
    checksum = str(file.checksum) if file.checksum is not None else None
    return FileRow(
        identifier=record.identifier,
        key=scrub(file.key),
        url=scrub(sendable(file.url)),
        size=file.size,
        checksum=checksum,
        media_type=media_type_of(file) or None,
        version=record.datestamp,
    )


def list_row(record: Record, url: str, state: str, reason: str) -> FileRow:
    """What stands for the files of a record whose list could not be had."""
    return FileRow(
        identifier=record.identifier,
        key=LIST_KEY,
        url=url,
        size=None,
        checksum=None,
        media_type=None,
        version=record.datestamp,
        state=state,
        reason=reason,
    )


def wanted_of(row: FileRow) -> Wanted:
    """A row as the downloader takes it."""
    pages = row.media_type in ("text/html", "application/xhtml+xml")
    return Wanted(row.url, row.size, parse_checksum(row.checksum), pages)


def part_name(row: FileRow) -> str:
    """What the part of a file is called: by its checksum, or its URL, so that two processes mean the same."""
    text = f"{row.checksum} {row.size}" if parse_checksum(row.checksum) is not None else row.url
    return f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.part"


def state_of(status: int) -> str:
    """The state of a file whose request ended with such a status, and not with the file."""
    if status in (404, 410):
        return "absent"
    return "forbidden" if status in _FORBIDDEN else "refused"


def host_of(url: str) -> str:
    """The network location of an http URL in lower case; "" for any other, and for one with a password in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in ("http", "https") and "@" not in parts.netloc else ""


# --- a shard of records whose files are harvested


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
    named = [
        (record, outcome, files) for record, outcome, files in listed if files.files or files.ask or files.unusable
    ]
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
