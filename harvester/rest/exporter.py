"""A provider's own dumps (Zenodo's /api/exporter): the list of files, and the records in them. Bytes in, values out.

A file of records is a .tar.gz of one member a record, ID.json or ID.xml, without folders; the file of deletions is a
.csv.gz of one row a deleted record. Every member and every row ends as one outcome.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import orjson

from archive.formats import jsonseq
from archive.store import envelope
from harvester.errors import MalformedPage, UsageError
from harvester.oaipmh import datestamps, packed, pieces
from harvester.rest import answers
from harvester.rest.answers import Problem, Received, Settled
from harvester.rest.tar import Member, gunzip, iter_members

JSON, XML, DELETED = "json", "xml", "deleted"
# what comes in each kind of file: the format of its records, and their media type
FORMATS = {
    JSON: ("inveniordm-json", "application/vnd.inveniordm.v1+json"),
    XML: ("oai_datacite", "application/xml"),
    DELETED: ("tombstone", "text/csv"),
}
# no record is that long; a larger member is refused, and not held
MEMBER_MOST = 64 << 20
BATCH_BYTES, BATCH_MEMBERS = 1 << 20, 1000
# a field of the deletions may be a whole citation, but not the rest of a file behind a quotation mark
FIELD_MOST = 1 << 20
csv.field_size_limit(FIELD_MOST)
_NAME = re.compile(r"(?:\./)?([^/\\\x00-\x1f]+)\.(json|xml)")
_MD5 = re.compile(r"md5:([0-9a-fA-F]{32})")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file. `made` is when the provider made it, as it was sent."""

    key: str
    version: str
    made: str
    size: int
    md5: str
    url: str

    @property
    def name(self) -> str:
        """What a window begins with: the file and its version."""
        return f"{self.key}/{self.version}"

    @property
    def moment(self) -> datetime | None:
        return datestamps.parse(self.made)

    @property
    def kind(self) -> str:
        return kind_of(self.key)

    @property
    def text(self) -> str:
        """What a window ends with: enough to go on without the list, which may have newer files by then."""
        return f"{self.made} {self.size} md5:{self.md5} {self.url}"


def read_version(name: str, text: str) -> Version:
    """A version from the two texts of its window."""
    key, _, version = name.rpartition("/")
    made, size, md5, url = text.split(" ", 3)
    return Version(key=key, version=version, made=made, size=int(size), md5=md5.removeprefix("md5:"), url=url)


def kind_of(key: str) -> str:
    """What a file holds, by its name. Raises UsageError for one that is none of the three."""
    last = key.rpartition("/")[2]
    for ending, kind in (("-json.tar.gz", JSON), ("-xml.tar.gz", XML), ("-deleted.csv.gz", DELETED)):
        if last.endswith(ending):
            return kind
    raise UsageError(
        f"{key} is no file of records or deletions; they end in -json.tar.gz, -xml.tar.gz, -deleted.csv.gz"
    )


def community_of(key: str) -> str | None:
    """The community whose records a file has (COMMUNITY/records-json.tar.gz), None for the whole repository."""
    return key.rpartition("/")[0] or None


def parse_listing(body: bytes, url: str) -> dict[str, list[Version]]:
    """The versions of each file, the head first. Raises MalformedPage, also where one has no size or no MD5."""
    try:
        listing = orjson.loads(body)
        return {key: _versions(key, versions, url) for key, versions in listing.items()}
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as cause:
        raise MalformedPage(f"{url} is no list of dumps ({cause!r}); it begins {body[:60]!r}") from None


def _versions(key: str, versions: list[dict[str, Any]], url: str) -> list[Version]:
    found = []
    for one in sorted(versions, key=lambda one: not one["is_head"]):
        md5 = _MD5.fullmatch(one["checksum"])
        if md5 is None or one["size"] < 0 or " " in one["created"] or "/" in one["version_id"]:
            raise ValueError(f"{key}: {one['version_id']}, size {one['size']}, checksum {one['checksum']}")
        link = (one.get("links") or {}).get("self") or f"{url}/{quote(key)}/{one['version_id']}"
        version = Version(
            key=key,
            version=one["version_id"],
            made=one["created"],
            size=one["size"],
            md5=md5[1].lower(),
            url=urljoin(url, link),
        )
        found.append(version)
    return found


def choose(
    listing: dict[str, list[Version]], files: Sequence[str], named: bool, version: str | None
) -> tuple[list[Version], list[str]]:
    """One version of each file that is wanted, and the files that are not offered.

    Raises UsageError when one that was `named` is not offered, when none of records is, or there is no such version.
    """
    missing = [key for key in files if not listing.get(key)]
    offered = ", ".join(key for key, versions in listing.items() if versions) or "none"
    there = [key for key in files if key not in missing]
    if (missing and named) or not there:
        raise UsageError(f"the provider has no {', '.join(missing)}; it offers {offered}")
    chosen = [next((one for one in listing[key] if version in (None, one.version)), None) for key in there]
    if not any(chosen):
        raise UsageError(f"there is no version {version} of {', '.join(there)}; leave it out for the newest")
    return [one for one in chosen if one is not None], missing


def made_text(versions: Iterable[Version]) -> str | None:
    """When the oldest of these files was made: a list may go on from there. None when one does not say."""
    moments = [version.moment for version in versions]
    known = [moment for moment in moments if moment is not None]
    return datestamps.as_argument(min(known).astimezone(UTC)) if known and len(known) == len(moments) else None


# --- members


@dataclass(frozen=True, slots=True)
class Entry:
    """A member or a row, named: its id, its bytes, and the reason why it is none (None: it may be one)."""

    identifier: str
    body: bytes
    reason: str | None = None


def iter_entries(packed_file: Iterable[bytes], version: Version) -> Iterator[Entry]:
    """Every member of a file of records, or row of one of deletions. Raises MalformedPage naming the place."""
    if version.kind == DELETED:
        yield from _rows(gunzip(packed_file), version)
        return
    for member in iter_members(gunzip(packed_file), MEMBER_MOST):
        if not member.is_root:
            yield _entry(member, version)


def _entry(member: Member, version: Version) -> Entry:
    name = _NAME.fullmatch(member.name)
    place = f"member {member.name[:200]!r} at byte {member.offset} of {version.name}"
    reason = None
    if not member.is_file:
        reason = f"{place} is no file (type {member.kind!r})"
    elif name is None or name[2] != version.kind or name[1] in (".", ".."):
        reason = f"{place} is not named ID.{version.kind}"
    elif not member.whole:
        reason = f"{place} has {member.size} bytes, more than {MEMBER_MOST}: its beginning is kept"
    return Entry(name[1] if name else _printable(member.name), member.body, reason)


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:200] or "(no name)"


def _rows(plain: Iterable[bytes], version: Version) -> Iterator[Entry]:
    """Rows as they were sent, each under its id; the first one, which names the columns, is the first entry.

    It is no outcome: it comes with the id "" and is what the others are read with.
    """
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        for line in _lines(plain):
            taken.append(line)
            yield line.decode("utf-8", "surrogateescape")

    reader = csv.reader(lines(), strict=True)
    header: list[str] = []
    number = 0
    try:
        for row in reader:
            body, number = b"".join(taken), number + 1
            taken.clear()
            if not header:
                header = _columns(row, version)
                yield Entry("", body)
            elif row:
                yield _row(row, body, header, f"row {number} of {version.name}")
    except csv.Error as cause:
        raise MalformedPage(f"row {number + 1} of {version.name} cannot be read: {cause}") from None
    if not header:
        raise MalformedPage(f"{version.name} is empty: it does not even name its columns")


def _lines(plain: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their ends; a byte order mark is none of their text."""
    held, first = b"", True
    for piece in plain:
        held += piece
        if first:
            held, first = held.removeprefix(codecs.BOM_UTF8), False
        *whole, held = held.split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(held) > 8 * FIELD_MOST:
            raise MalformedPage(f"a line of more than {8 * FIELD_MOST} bytes")
    if held:
        yield held


def _columns(row: Sequence[str], version: Version) -> list[str]:
    if "record_id" not in row or len(set(row)) < len(row):
        raise MalformedPage(f"{version.name} names the columns {', '.join(row)[:200]!r}; record_id must be one of them")
    return list(row)


def _row(row: Sequence[str], body: bytes, header: Sequence[str], place: str) -> Entry:
    values = dict(zip(header, row, strict=False))
    identifier = values.get("record_id", "").strip()
    reason = None
    if len(row) != len(header):
        reason = f"{place} has {len(row)} fields, {len(header)} are named"
    elif not identifier:
        reason = f"{place} names no record"
    elif any("\ud800" <= character <= "\udfff" for value in row for character in value):
        reason = f"{place} is not UTF-8"
    return Entry(_printable(identifier) if identifier else place, body, reason)


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in pieces of about a frame; those before the place where a file breaks come before the error."""
    batch: list[Entry] = []
    size = 0
    try:
        for entry in entries:
            if batch and (size + len(entry.body) > BATCH_BYTES or len(batch) == BATCH_MEMBERS):
                yield batch
                batch, size = [], 0
            batch.append(entry)
            size += len(entry.body)
    except MalformedPage:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


# --- records


@dataclass(frozen=True, slots=True)
class DecodedEntry:
    """What one entry became: (identifier, date, state, reason), a refusal's bytes, and a problem for a finding."""

    identifier: str
    datestamp: str
    state: str
    reason: str | None
    refused: bytes | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Entries in their order, and the framed records of those read and deleted."""

    entries: tuple[DecodedEntry, ...]
    payload: tuple[tuple[bytes, int], ...]


def decode_batch(
    batch: Sequence[Entry], kind: str, url: str, retrieved: str, header: Sequence[str] = (), level: int = 3
) -> DecodedBatch:
    """Turn members or rows into records; `header` names the columns of rows."""
    done, texts = [], []
    for entry in batch:
        if entry.reason is not None:
            result, text = DecodedEntry(entry.identifier, "", "refused", entry.reason, entry.body), None
        elif kind == DELETED:
            result, text = _tombstone(entry, header, url, retrieved)
        else:
            result, text = _record(entry, kind, url, retrieved)
        done.append(result)
        if text is not None:
            texts.append(jsonseq.encode(text))
    return DecodedBatch(tuple(done), tuple(packed(piece, level) for piece in pieces(texts)))


def _record(entry: Entry, kind: str, url: str, retrieved: str) -> tuple[DecodedEntry, bytes | None]:
    format_, media_type = FORMATS[kind]
    received = Received(
        identifier=entry.identifier,
        url=url,
        status=200,
        media_type=media_type,
        encoding="",
        last_modified="",
        body=entry.body,
    )
    settled, text = answers.settle(received, format_, media_type, retrieved)
    if settled.problem is not None and settled.problem.code == "other-media-type":
        settled, text = Settled("refused", f"{settled.problem.found}: not what its name says"), None
    if settled.state != "read":  # a dump holds records: an error in the place of one is no answer about its id
        settled, text = Settled("refused", settled.reason), None
    refused = entry.body if settled.state == "refused" else None
    done = DecodedEntry(
        identifier=entry.identifier,
        datestamp=settled.datestamp,
        state=settled.state,
        reason=settled.reason,
        refused=refused,
        problem=settled.problem,
    )
    return done, text


def read_columns(body: bytes) -> list[str]:
    """The columns that the first row of the deletions names."""
    return next(csv.reader([body.decode("utf-8", "surrogateescape")]))


def _tombstone(entry: Entry, header: Sequence[str], url: str, retrieved: str) -> tuple[DecodedEntry, bytes]:
    """A row of the deletions: kept as it was sent, and as JSON; its reason and its date are those of the removal."""
    text = entry.body.decode("utf-8")
    (row,) = csv.reader([text], strict=True)
    values = dict(zip(header, row, strict=True))
    stamp, reason = values.get("removal_date", ""), values.get("removal_reason") or None
    format_, media_type = FORMATS[DELETED]
    record = envelope.encode_bytes(
        identifier=entry.identifier,
        datestamp=stamp,
        deleted=True,
        sets=(),
        format_=format_,
        media_type=media_type,
        url=url,
        retrieved=retrieved,
        body=entry.body,
        encoding="utf-8",
        metadata=values,
    )
    return DecodedEntry(entry.identifier, stamp, "deleted", reason), record


class Seen:
    """Which ids came before: a bit for a number, so that a dump of millions stays small."""

    _NUMBER_MOST = 1 << 31

    def __init__(self) -> None:
        self._bits, self._others = bytearray(), set[str]()

    def add(self, identifier: str) -> bool:
        """Remember an id; True when it was there already."""
        number = int(identifier) if identifier.isascii() and identifier.isdigit() and len(identifier) < 11 else None
        if number is None or number >= self._NUMBER_MOST or str(number) != identifier:
            before = identifier in self._others
            self._others.add(identifier)
            return before
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1 - len(self._bits), len(self._bits), 4096)))
        before = bool(self._bits[place] & bit)
        self._bits[place] |= bit
        return before


def same_hosts(version: Version, hosts: frozenset[str]) -> bool:
    """Whether a file is offered by a host of the source."""
    parts = urlsplit(version.url)
    return parts.scheme in ("http", "https") and parts.netloc.lower() in hosts
