"""Which files of a record are asked for, and what a download that failed says of one. Pure: values in, values out."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from archive.envelope import Record
from archive.files.checksums import parse_checksum
from archive.files.filelist import FileList, RecordFile
from archive.files.filestore import FileRow
from harvester.downloads import Wanted
from harvester.filearguments import FileFilter, media_type_of

# the key under which the list itself stands that a repository did not give
LIST_KEY = ""
_SAFE = "!#$%&'()*+,/:;=?@[]~"
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
    record: Record, files: FileList, wanted: FileFilter, hosts: frozenset[str], most: int | None = None,
    scrub: Callable[[str], str] = str,
) -> Chosen:  # fmt: skip
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
        record.identifier, scrub(file.key), scrub(sendable(file.url)), file.size, checksum, media_type_of(file) or None,
        record.datestamp,
    )  # fmt: skip


def list_row(record: Record, url: str, state: str, reason: str) -> FileRow:
    """What stands for the files of a record whose list could not be had."""
    return FileRow(record.identifier, LIST_KEY, url, None, None, None, record.datestamp, state, reason)


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


def sendable(url: str) -> str:
    """A URL without what may not stand in a request: white space, controls, other than ASCII."""
    return quote(url.strip(), safe=_SAFE)
