"""Convert the metadata of records again from their originals, in place.

A shard whose records change is rewritten beside the old one under the name of its next generation: the same records in
the same frames, so that outcomes stay valid. Once it is synced, one ledger transaction switches to it, and the old
file is removed. If it is interrupted anywhere, the ledger names a whole shard, and the same call resumes after the
last shard that was committed.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from archive.crosswalks import VERSIONS, ConversionError, Converted, convert, iso2709
from archive.disk import durable, spread
from archive.formats import encode_as_sent, jsonseq
from archive.queries import Queries
from archive.store import (
    Anew,
    ArchiveWriter,
    Layout,
    Ledger,
    NewFrame,
    Record,
    kept_in,
    left_over,
    matched,
    parse_json,
    parsed_original,
    read_description,
    replace,
    shards,
    snapshot,
)
from archive.store.frames import pack

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

# Results for a record: the same JSON, another, or JSON where there was none; or none now where there was some (which
# stays), or none as before although XML was sent. `other`: without XML, or with XML that no crosswalk reads.
KINDS = ("same", "otherwise", "new", "no_longer", "not", "other")
# media types of ISO 2709
_MARC = frozenset({"application/marc", "application/x-marc", "application/marc21", "application/octet-stream"})


@dataclass(frozen=True, slots=True)
class Redone:
    """The result of converting a record; `kind` is one of KINDS, `reason` says what differs or what is wrong."""

    kind: str
    identifier: str
    format: str
    reason: str = ""


def redone(text: bytes, record: Record) -> tuple[bytes, Redone]:
    """Return the JSON text of a record with its metadata converted again, and the result.

    A record that no longer converts keeps the JSON it has: nothing that is stored is erased.
    """
    element = parsed_original(record)
    body = _iso2709(record) if element is None else None
    if element is not None:
        made, reason, unknown = *_converted(element), f"no crosswalk for {element.tag!s}"
    elif body is not None:
        records = iso2709.read_bytes(body)
        made, unknown = iso2709.joined_json(records), ""
        reason = next((one.reason for one in records if isinstance(one, iso2709.Fault)), "")
    else:
        return _reread(text, record)
    start, end = _place_of_metadata(text)
    had = text[start:end] != b"null"
    if made is None:
        kind = "no_longer" if had else "not" if reason else "other"
        return text, Redone(kind, record.identifier, record.format, reason or unknown)
    new = encode_as_sent(made)
    if new == text[start:end]:
        return text, Redone("same", record.identifier, record.format)
    what = Redone("otherwise" if had else "new", record.identifier, record.format, _difference(record.metadata, made))
    return text[:start] + new + text[end:], what


def _converted(element: etree._Element) -> tuple[Converted | None, str]:
    try:
        return convert(element), ""
    except (ConversionError, RecursionError) as error:
        return None, str(error)[:200] or "elements nested too deep"


def _iso2709(record: Record) -> bytes | None:
    """Return the bytes of a record that was sent as ISO 2709; None for any other."""
    if record.deleted or record.original is None or record.media_type.partition(";")[0].strip() not in _MARC:
        return None
    try:
        body = record.original_bytes() or b""
    except ValueError:
        return None
    return body if iso2709.looks_like(body[:4096]) else None


def _reread(text: bytes, record: Record) -> tuple[bytes, Redone]:
    """Parse again, with all digits, JSON that was kept in `original` beside its meaning."""
    other = Redone("other", record.identifier, record.format)
    if record.metadata is None or record.original is None:
        return text, other
    try:
        parsed = parse_json(record.original_bytes() or b"")
    except ValueError:
        return text, other
    start, end = _place_of_metadata(text)
    if not isinstance(parsed.value, dict) or parsed.text == text[start:end]:
        return text, other
    difference = _difference(record.metadata, parsed.value)
    return text[:start] + parsed.text + text[end:], Redone("otherwise", record.identifier, record.format, difference)


def _place_of_metadata(text: bytes) -> tuple[int, int]:
    """Find where the metadata of a record with an `original` begins and ends in its JSON text.

    No string contains the searched bytes: a quotation mark in it would be escaped.
    """
    start = text.index(b',"metadata":') + len(b',"metadata":')
    return start, text.rindex(b',"original":')


def _difference(had: Mapping[str, object] | None, made: Mapping[str, object]) -> str:
    """Name the keys whose values differ."""
    names = [name for name in {**(had or {}), **made} if (had or {}).get(name) != made.get(name)]
    return ", ".join(names[:5]) or "how it is written"


# bytes of content that one task converts
TASK_BYTES = 8 << 20
# how many records of each reported kind are named
NAMED = 10
QUIET = ("same", "other")
# index fields are derived when the index is built, from what the shards hold then
IN_SHARDS = {name: version for name, version in VERSIONS.items() if name != "index-json"}
_META = "crosswalks"

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class ConvertReport:
    """The result of a conversion.

    `kinds` counts the records by `KINDS`. Of the `shards` that were read `changed` were rewritten; `current` were made
    by these `versions` and not read. `before` has the versions that were in use, None if unknown. `torn` says what a
    killed harvest had left.
    """

    path: Path
    versions: Mapping[str, int]
    before: Mapping[str, int | None] | None = None
    shards: int = 0
    changed: int = 0
    current: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Redone] = field(default_factory=list)
    torn: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        return sum(self.kinds.values())


def convert_archive(
    folder: Path, *, everything: bool = False, level: int = 3, progress: Progress | None = None
) -> ConvertReport:
    """Convert the sealed shards of an archive that other versions made, or all of them.

    `progress` is called with the bytes of shards settled so far and their total. Raises NotAnArchive; Busy if another
    process writes; Damaged if a shard is not what was written; DiskFull, after which the same call resumes.
    """
    description = read_description(folder)
    layout, report = Layout(folder), ConvertReport(folder, IN_SHARDS)
    with snapshot(layout) as ledger:
        settled = not _due(ledger, everything, report) and not left_over(ledger, layout)
    if settled and layout.ledger_digest.exists():
        return report
    writer = ArchiveWriter(folder, description["source"], description["software"])
    try:
        report.torn = tuple(writer.torn)
        for path in left_over(writer.ledger.db, layout):
            durable.remove(path)
        due = _due(writer.ledger.db, everything, report)
        for shard, pieces in _converted_shards(writer.ledger.db, layout, due, level):
            _settle(writer.ledger, layout, shard, pieces, report)
            if progress is not None:
                progress(sum(one.bytes for one in due[: report.shards]), sum(one.bytes for one in due))
    except BaseException:
        writer.abandon()
        raise
    writer.close()
    return report


# --- choosing shards


@dataclass(frozen=True, slots=True)
class _Due:
    """A shard to be converted."""

    shard: int
    name: str
    bytes: int


def _due(ledger: sqlite3.Connection, everything: bool, report: ConvertReport) -> list[_Due]:
    """List the shards to convert, in order; notes in the report what is current, and what was in use before."""
    row = ledger.execute(_STORE_SQL["meta"], (_META,)).fetchone()
    settled: dict[str, Any] = orjson.loads(row[0]) if row else {"versions": None, "shards": 0}
    due, report.current = [], 0
    for shard, name, size, crosswalks in ledger.execute(_SQL["convert_shards"]):
        in_use = settled["versions"] if shard <= settled["shards"] else _of_software(crosswalks)
        if in_use == IN_SHARDS and not everything:
            report.current += 1
        else:
            report.before = in_use if report.before is None else report.before
            due.append(_Due(shard, name, size))
    return due


def _of_software(crosswalks: str | None) -> dict[str, int | None] | None:
    """Return the versions of a run's software that affect the content of shards."""
    found = orjson.loads(crosswalks) if crosswalks else None
    return {name: found.get(name) for name in IN_SHARDS} if isinstance(found, dict) else None


# --- converting frames, in worker processes


@dataclass(frozen=True, slots=True)
class _Task:
    """Some frames of a shard, first and last included."""

    layout: Layout
    due: _Due
    first: int
    last: int
    level: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """The output of a task."""

    due: _Due
    frames: tuple[NewFrame, ...]
    kinds: Counter[str]
    examples: tuple[Redone, ...]


def _converted_shards(
    ledger: sqlite3.Connection, layout: Layout, due: Sequence[_Due], level: int
) -> Iterator[tuple[_Due, Iterator[_Piece]]]:
    """Yield each shard with the converted frames, in order."""
    tasks = [task for shard in due for task in _tasks(ledger, layout, shard, level)]
    return groupby(spread(_convert_frames, tasks, sum(shard.bytes for shard in due)), key=lambda piece: piece.due)


def _tasks(ledger: sqlite3.Connection, layout: Layout, due: _Due, level: int) -> Iterator[_Task]:
    """Divide a shard into pieces of about `TASK_BYTES` of content; one without frames gives an empty task."""
    rows = ledger.execute(_STORE_SQL["frames_of_shard"], {"shard": due.shard, "first": 0, "last": None}).fetchall()
    first = content = 0
    for frame, _, _, size in rows:
        if content and content + size > TASK_BYTES:
            yield _Task(layout, due, first, frame - 1, level)
            first, content = frame, 0
        content += size
    yield _Task(layout, due, first, len(rows) - 1, level)


def _convert_frames(task: _Task) -> _Piece:
    """Convert some frames; each record must match its outcome. Raises Damaged."""
    path, frames, seen = task.layout.shards / task.due.name, [], list[Redone]()
    with snapshot(task.layout) as ledger:
        places = {"shard": task.due.shard, "first": task.first, "last": task.last}
        for number, offset, length, _ in ledger.execute(_STORE_SQL["frames_of_shard"], places).fetchall():
            frame = shards.read_frame_at(path, number, offset, length)
            pairs = matched(task.due.name, frame, kept_in(ledger, task.due.shard, number))
            made = [redone(text, record) for text, (record, _) in zip(frame.texts(), pairs, strict=True)]
            content = b"".join(jsonseq.encode(text) for text, _ in made)
            packed = None if content == frame.content else pack(content, task.level)
            frames.append(NewFrame(offset, length, frame.records, packed))
            seen += [what for _, what in made]
    return _Piece(task.due, tuple(frames), Counter(what.kind for what in seen), tuple(_first_of_each_kind(seen)))


def _first_of_each_kind(seen: Iterable[Redone]) -> Iterator[Redone]:
    named = Counter[str]()
    for what in seen:
        named[what.kind] += 1
        if what.kind not in QUIET and named[what.kind] <= NAMED:
            yield what


# --- writing the new shard


def _settle(ledger: Ledger, layout: Layout, due: _Due, pieces: Iterable[_Piece], report: ConvertReport) -> None:
    """Rewrite a shard if anything in it changes; then record in the ledger, in one transaction, that it is settled."""
    old = layout.shards / due.name
    anew = Anew(old)
    try:
        for piece in pieces:
            anew.take(piece.frames)
            report.kinds.update(piece.kinds)
            report.examples = list(_first_of_each_kind([*report.examples, *piece.examples]))
        sealed = anew.seal()
    finally:
        anew.close()
    with ledger.transaction():
        if sealed is not None:
            replace(ledger.db, due.shard, anew.path.name, *sealed)
        value = orjson.dumps({"versions": IN_SHARDS, "shards": due.shard}).decode()
        ledger.db.execute(_STORE_SQL["set_meta"], (_META, value))
    report.shards += 1
    if sealed is not None:
        report.changed += 1
        durable.reached("conversion-removing")
        durable.remove(old)
        durable.reached("conversion-removed")
