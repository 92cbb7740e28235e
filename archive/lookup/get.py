"""Read one record by its id, from a release or an archive.

With a lookup only the lookup and one frame are read. Nothing that is read is trusted: manifest, lookup and frame have
checksums of their own, and the id of a record that was found under a key is compared with the requested one. Without
a lookup the ledger is queried: slower, and correct whatever derived files exist.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from archive.errors import Damaged, NotAnArchive, StaleIndex
from archive.lookup.found import Answer, Got, chosen, gather
from archive.lookup.held import Copy, array, iter_copies
from archive.lookup.keys import find_id
from archive.queries import Queries
from archive.releases import DEAD, INDEX, LOOKUP, MANIFEST, Manifest, decode_frame, parse_manifest
from archive.store import (
    Files,
    Layout,
    Lookup,
    Record,
    check_current,
    content_of,
    envelope,
    is_file_name,
    newest,
    open_lookup,
    parse_description,
    read_copies,
    read_looks,
    read_piece,
    read_stamp,
    snapshot,
)

_SQL = Queries(__package__)


def find_in_ledger(folder: Path, asked: str) -> Answer:
    """Find every version of the records of an id.

    Raises as `find_id`; Damaged if one of them cannot be read, because it may be the latest.
    """
    layout = Layout(folder)
    with snapshot(layout) as ledger:
        found = find_id(folder, ledger, asked)
        stored = dict(ledger.execute(_SQL["get_stored"], {"outcomes": array(found.outcomes)}).fetchall())
        copies = [_checked(copy) for copy in iter_copies(ledger, layout, stored)]
        last = _latest(ledger, copies)
    return replace(chosen(_versions(copies, last), asked, found.searched), others=found.others)


class _Version(NamedTuple):
    copy: Copy
    record: Record


def _checked(copy: Copy) -> _Version:
    if copy.problem is not None:
        raise Damaged(copy.problem)
    return _Version(copy, envelope.decode(copy.text))


def _latest(ledger: sqlite3.Connection, copies: Iterable[_Version]) -> set[int]:
    """Return the outcomes of the latest state of each record."""
    by_record: dict[tuple[str, str], dict[int, Record]] = {}
    for copy, record in copies:
        by_record.setdefault((record.identifier, record.format), {})[copy.outcome] = record
    looks = read_looks(ledger)
    known = read_copies(ledger, [outcome for records in by_record.values() for outcome in records])
    return {
        newest([replace(known[n], content=content_of(record)) for n, record in records.items()], looks).outcome
        for records in by_record.values()
    }


def _versions(copies: Iterable[_Version], last: Set[int]) -> Iterator[Got]:
    """Yield versions like `settle_versions`: records with the same bytes are one version, the last copy of it.

    The copies in `last` come after all others of their records.
    """
    kept: dict[tuple[str, str], list[_Version]] = {}
    for copy, record in sorted(copies, key=lambda one: (one.copy.outcome in last, one.copy.outcome)):
        versions = kept.setdefault((record.identifier, record.format), [])
        if versions and _content(versions[-1].record) == _content(record):
            versions.pop()
        versions.append(_Version(copy, record))
    for copy, record in (one for versions in kept.values() for one in versions):
        yield Got(
            text=copy.text,
            file=copy.shard,
            offset=copy.offset,
            position=copy.position,
            identifier=record.identifier,
            format=record.format,
            deleted=record.deleted,
        )


def _content(record: Record) -> tuple[str, bool, str | None]:
    return record.datestamp, record.deleted, record.sha256


DESCRIPTION, INDEX_LOOKUP, LEDGER_DIGEST, SHARDS = "archive.json", "index.lookup", "ledger.sqlite.sha256", "shards"


class Reader(Protocol):
    """Finds records by id, in the state in which it was opened.

    `formats` are those of a release, empty for an archive; `enveloped`: records name their identifier and format.
    """

    @property
    def formats(self) -> tuple[str, ...]: ...

    @property
    def enveloped(self) -> bool: ...

    def find(self, asked: str) -> Answer:
        """Find every version of the records of an identifier, a local id, or a DOI in any form. Raises Damaged."""

    def sent(self, got: Got) -> bytes | None:
        """Return the bytes that the provider sent, None if there were none: for a deleted record.

        Raises ValueError, with the reason, if only their meaning was kept.
        """


def open_reader(files: Files) -> Reader:
    """Open a release or an archive for finding records.

    A delta has the records that it changes.

    Raises NotAnArchive if the files are neither; Damaged; OtherArchive for a newer format; StaleIndex for a remote
    archive without a current lookup.
    """
    if (manifest := files.whole(MANIFEST)) is not None:
        return _ReleaseReader(files, parse_manifest(manifest, f"{files.where}/{MANIFEST}"))
    if (description := files.whole(DESCRIPTION)) is not None:
        return _ArchiveReader(files, parse_description(description, f"{files.where}/{DESCRIPTION}")["id"])
    raise NotAnArchive(f"{files.where} is neither a release nor an archive: it has no {MANIFEST} and no {DESCRIPTION}")


class _ReleaseReader:
    def __init__(self, files: Files, manifest: Manifest) -> None:
        content = manifest.content
        self._files, self._making = files, content.making
        self.formats, self.enveloped = tuple(content.by_format), content.making.form == "envelope"
        self._parts = {part.name: part for part in content.parts}
        if content.lookup is None:
            raise NotAnArchive(f"{files.where} was made without {LOOKUP}; {INDEX} says where records are")
        lookup = open_lookup(files, LOOKUP)
        if lookup is None or lookup.size_bytes != content.lookup.bytes:
            what = "is missing" if lookup is None else "is not the one that the manifest names"
            raise Damaged(f"{files.where}/{LOOKUP} {what}; take the release from a copy")
        self._lookup = lookup

    def find(self, asked: str) -> Answer:
        found = gather(self._lookup, self._read, asked, enveloped=self.enveloped)
        return chosen(found, asked, "lookup")

    def sent(self, got: Got) -> bytes | None:
        if got.deleted:
            return None
        values = orjson.loads(got.text)
        if not self.enveloped:
            raise ValueError("bare records are the metadata alone")
        if "original" in values:
            return envelope.decode(orjson.dumps({**values, "url": "", "retrieved": ""})).original_bytes()
        if values["metadata"] is None:
            return None
        raise ValueError("JSON that was sent is there in canonical form, not as its bytes were")

    def _read(self, name: str, offset: int, length: int, positions: Set[int]) -> Iterator[Got]:
        part = self._parts.get(name)
        if part is None or not is_file_name(name):
            raise Damaged(f"{self._lookup.where} names {name!r}, which is no part; take the release from a copy")
        where = f"{self._files.where}/{name}, the frame at byte {offset}"
        raw = read_piece(self._files, [name], offset, length, where)
        texts = decode_frame(self._making.layout, self._making.compression, raw, where, positions)
        # a tombstone has its identifier and format in any release
        enveloped = self.enveloped or part.kind in DEAD
        yield from _records(texts, positions, name, offset, where, enveloped=enveloped)


class _ArchiveReader:
    formats: tuple[str, ...] = ()
    enveloped = True

    def __init__(self, files: Files, archive: str) -> None:
        self._files = files
        self._notes: tuple[str, ...] = ()
        self._lookup = self._current(archive) if files.folder is None else self._current_in(files.folder, archive)
        self._latest = set() if self._lookup is None else _latest_places(self._lookup)

    def find(self, asked: str) -> Answer:
        return replace(self._find(asked), notes=self._notes)

    def _find(self, asked: str) -> Answer:
        if self._lookup is not None:
            found = gather(self._lookup, self._read, asked, enveloped=True)
            # goes after the versions that came later
            found.sort(key=lambda got: (got.file, got.offset, got.position) in self._latest)
            return chosen(found, asked, "lookup")
        # imports DuckDB, which takes longer than all other imports here

        assert self._files.folder is not None
        return find_in_ledger(self._files.folder, asked)

    def sent(self, got: Got) -> bytes | None:
        return envelope.sent_bytes(got.text)

    def _current_in(self, folder: Path, archive: str) -> Lookup | None:
        """Open the lookup if it matches the ledger; None if it does not, or cannot be read."""
        try:
            lookup = open_lookup(self._files, INDEX_LOOKUP)
            if lookup is None:
                return None
            with snapshot(Layout(folder)) as ledger:
                check_current(lookup.about, read_stamp(ledger, archive), folder)
        except StaleIndex:
            return None
        except Damaged as error:
            self._notes = (f"{error}; it is derived, and the ledger was asked instead",)
            return None
        return lookup

    def _current(self, archive: str) -> Lookup:
        """Open the lookup of a remote archive, and compare it with the digest of the ledger there."""
        again = "run `harvester index` where the archive is kept"
        if (lookup := open_lookup(self._files, INDEX_LOOKUP)) is None:
            raise StaleIndex(
                f"{self._files.where} has no {INDEX_LOOKUP}, by which records are found from afar; {again}"
            )
        made_of = lookup.about.get("ledger")
        digest = (self._files.whole(LEDGER_DIGEST) or b"").decode("ascii", "replace").split()[:1]
        if lookup.about.get("archive") != archive or (made_of and digest and [made_of] != digest):
            raise StaleIndex(f"{self._files.where}: the archive has changed since its {INDEX_LOOKUP} was made; {again}")
        if not (made_of and digest):
            self._notes = (
                f"{self._files.where}: whether {INDEX_LOOKUP} is of the archive's present state is not seen; {again}",
            )
        return lookup

    def _read(self, name: str, offset: int, length: int, positions: Set[int]) -> Iterator[Got]:
        if not is_file_name(name):
            raise Damaged(f"{self._files.where}/{INDEX_LOOKUP} names {name!r}, which is no shard")
        where = f"{self._files.where}/{SHARDS}/{name}, the frame at byte {offset}"
        # a shard that was open when the lookup was made is still open, or was sealed since
        raw = read_piece(self._files, [f"{SHARDS}/{name}", f"{SHARDS}/{name}.open"], offset, length, where)
        texts = decode_frame("jsonseq", "zstd", raw, where, positions)
        yield from _records(texts, positions, name, offset, where, enveloped=True)


def _latest_places(lookup: Lookup) -> set[tuple[str, int, int]]:
    """Return the places of latest states that were followed by other versions."""
    return {(lookup.names[file], offset, position) for file, offset, position in lookup.about.get("latest", ())}


def _records(
    texts: list[bytes], positions: Set[int], file: str, offset: int, where: str, *, enveloped: bool
) -> Iterator[Got]:
    """Yield the records at some positions of a frame."""
    for position in sorted(positions):
        try:
            text = texts[position]
            if enveloped:
                values = orjson.loads(text)
                yield Got(
                    text=text,
                    file=file,
                    offset=offset,
                    position=position,
                    identifier=values["identifier"],
                    format=values["format"],
                    deleted=values["deleted"],
                )
            else:
                yield Got(
                    text=text, file=file, offset=offset, position=position, identifier=None, format=None, deleted=False
                )
        except (IndexError, KeyError, TypeError, ValueError) as cause:
            raise Damaged(f"{where}: record {position} cannot be read ({cause!r}); take it from a copy") from cause
