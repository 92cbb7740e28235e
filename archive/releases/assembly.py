"""Assemble the parts, index and lookup of a release from its entries in order; the input alone determines their bytes.

Frames are cut in the calling thread, compressed in a thread pool, and written by the calling thread in order.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import duckdb
import orjson

from archive.disk import digests_of, durable
from archive.duck import translated_duckdb
from archive.queries import Queries
from archive.releases.codecs import compress, encode_texts, member_name
from archive.releases.entries import Entry, lookup_keys
from archive.releases.manifest import INDEX, LOOKUP, Content, Edge, FileEntry, Making, OtherLayout, Part, Selection
from archive.releases.merkle import MerkleTree
from archive.releases.parts import FrameEdges, PartsWriter
from archive.store import LookupWriter

_SQL = Queries(__package__)

RECORDS, TOMBSTONES = "records", "tombstones"
# the smallest buffer with which DuckDB reads lines
_LINE_BYTES = 16 << 20
_MEMORY_LIMIT = "2GB"
_FORMAT = attrgetter("deleted", "format")

# called with the number of entries written so far
Written = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Entries that are compressed together; `size` is that of their content in bytes."""

    entries: list[Entry]
    size: int


def assemble(
    entries: Iterable[Entry],
    folder: Path,
    work: Path,
    making: Making,
    selection: Selection,
    written: Written | None = None,
    *,
    others: Sequence[str] = (),
    sink: bool = False,
) -> Content:
    """Write parts, index and lookup into `folder`; `work` is for temporary files, on the same disk.

    Entries come in the order of the index: records, then tombstones, both by identifier and format, without duplicates;
    any other order raises ValueError. `others` are layouts in which the same records are also written. With `sink` no
    part is written: the result says only what they would be.
    """
    with closing(Assembly(folder, work, making, others=others, sink=sink)) as assembly:
        for kind, group in groupby(_in_order(entries), _kind):
            assembly.add_all(kind, group, written)
        return assembly.finish(selection)


def file_entry(path: Path) -> FileEntry:
    """Make the manifest entry of a file."""
    digests = digests_of(path)
    return FileEntry(path.name, path.stat().st_size, digests.sha256, digests.sha512)


class Assembly:
    """The part of a release, or a delta, that was written so far; the kinds are those of its parts."""

    def __init__(
        self, folder: Path, work: Path, making: Making, *, others: Sequence[str] = (), sink: bool = False
    ) -> None:
        self._others: dict[str, list[Part]] = {layout: [] for layout in others}
        self._folder, self._spool_path, self._making, self._sink = folder, work / "index", making, sink
        self._names: list[str] = []
        self._lookup = LookupWriter(folder / LOOKUP, self._names)
        self._spool = durable.AppendFile(self._spool_path, "spool", truncate=True)
        self._longest = 0
        self._tree = MerkleTree()
        self._counts: Counter[tuple[bool, str]] = Counter()
        self._parts: list[Part] = []

    def add_all(self, kind: str, entries: Iterable[Entry], written: Written | None) -> None:
        """Write all parts of one kind."""
        writer = PartsWriter(self._folder, kind, self._making, sink=self._sink)
        beside = [
            _Beside(PartsWriter(self._folder, kind, making, sink=self._sink), making)
            for making in (replace(self._making, layout=layout) for layout in self._others)
        ]
        try:
            frames = _frames(_handed_on(entries, beside), self._making)
            for frame, raw in _compressed(frames, self._making):
                self._add(frame, raw, writer)
                if written is not None:
                    written(self._tree.entries)
            self._parts += writer.finish()
            for one in beside:
                self._others[one.layout] += one.finish()
        finally:
            writer.close()
            for one in beside:
                one.close()

    def finish(self, selection: Selection) -> Content:
        """Write index and lookup."""
        self._spool.close()
        with ThreadPoolExecutor(1, thread_name_prefix="indexing") as beside:
            index = beside.submit(_write_index, self._spool_path, self._longest, self._folder / INDEX)
            self._lookup.finish()
            identifiers = index.result()
        self._spool_path.unlink()
        records, tombstones = (self._counted(deleted) for deleted in (False, True))
        return Content(
            records.total(),
            tombstones.total(),
            identifiers,
            self._tree.root().hex(),
            {name: {RECORDS: records[name], TOMBSTONES: tombstones[name]} for name in sorted(records | tombstones)},
            self._making,
            selection,
            tuple(self._parts),
            file_entry(self._folder / INDEX),
            file_entry(self._folder / LOOKUP),
            tuple(OtherLayout(layout, tuple(parts)) for layout, parts in self._others.items()),
        )

    def close(self) -> None:
        """Close what is open, also after an error: a full disk was already reported then."""
        self._spool.close()
        with suppress(OSError):
            self._lookup.close()

    def _add(self, frame: _Frame, raw: bytes, writer: PartsWriter) -> None:
        place = writer.add(raw, frame.size, _edges(frame.entries))
        if not self._names or self._names[-1] != place.part:
            self._names.append(place.part)
        lines, file, offset, length = list[bytes](), len(self._names) - 1, place.offset, len(raw)
        for position, entry in enumerate(frame.entries):
            lines.append(_line(entry, place.part, place.frame, offset, length, position))
            self._tree.add(bytes.fromhex(entry.sha256))
            for key in lookup_keys(entry):
                self._lookup.add(key, file, offset, length, position)
        self._counts.update(map(_FORMAT, frame.entries))
        self._longest = max(self._longest, *map(len, lines))
        self._spool.write(b"".join(lines))

    def _counted(self, deleted: bool) -> Counter[str]:
        """Count entries by format."""
        return Counter({name: count for (of_deleted, name), count in self._counts.items() if of_deleted is deleted})


def _kind(entry: Entry) -> str:
    return TOMBSTONES if entry.deleted else RECORDS


def _in_order(entries: Iterable[Entry]) -> Iterator[Entry]:
    before: tuple[bool, str, str] | None = None
    for entry in entries:
        place = (entry.deleted, entry.identifier, entry.format)
        if before is not None and place <= before:
            raise ValueError(f"{place} comes after {before}")
        yield entry
        before = place


def _frames(entries: Iterable[Entry], making: Making) -> Iterator[_Frame]:
    """Cut frames when they have enough content, and every `part_records` records, because parts end only there."""
    cutter = _Cutter(making)
    for entry in entries:
        if (frame := cutter.take(entry)) is not None:
            yield frame
    if (frame := cutter.rest()) is not None:
        yield frame


class _Cutter:
    """Collects entries until they make up a frame."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._entries: list[Entry] = []
        self._size = self._number = 0

    def take(self, entry: Entry) -> _Frame | None:
        """Add an entry; return the frame that it completes, if any."""
        making = self._making
        self._entries.append(entry)
        self._number += 1
        self._size += _content_bytes(making.layout, len(entry.text))
        whole = self._size >= making.frame_bytes or (making.part_records and self._number % making.part_records == 0)
        return self.rest() if whole else None

    def rest(self) -> _Frame | None:
        """Return the entries since the last frame as a frame, None without any."""
        frame = _Frame(self._entries, self._size) if self._entries else None
        self._entries, self._size = [], 0
        return frame


class _Beside:
    """Writes the parts of one kind in another layout, from the same stream of entries."""

    def __init__(self, writer: PartsWriter, making: Making) -> None:
        self.layout = making.layout
        self._writer, self._making, self._cutter = writer, making, _Cutter(making)
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="compressing-beside")
        self._pending: deque[tuple[_Frame, Future[bytes]]] = deque()

    def take(self, entry: Entry) -> None:
        """Add an entry."""
        self._pack(self._cutter.take(entry))

    def finish(self) -> list[Part]:
        """End the last part; return all parts."""
        self._pack(self._cutter.rest())
        while self._pending:
            self._lay()
        return self._writer.finish()

    def close(self) -> None:
        """Close what is open, also after an error."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._writer.close()

    def _pack(self, frame: _Frame | None) -> None:
        if frame is not None:
            self._pending.append((frame, self._pool.submit(_compress, frame, self._making)))
        if len(self._pending) > 2 * (os.cpu_count() or 1):
            self._lay()

    def _lay(self) -> None:
        frame, made = self._pending.popleft()
        self._writer.add(made.result(), frame.size, _edges(frame.entries))


def _handed_on(entries: Iterable[Entry], beside: Sequence[_Beside]) -> Iterator[Entry]:
    """Yield the entries unchanged, after the writers of other layouts have taken them."""
    for entry in entries:
        for one in beside:
            one.take(entry)
        yield entry


def _content_bytes(layout: str, text_bytes: int) -> int:
    """Return the size of a text with its framing: RS and LF, LF, or a header and padding to blocks of 512."""
    if layout == "tar":
        return 512 + text_bytes + -text_bytes % 512
    return text_bytes + (2 if layout == "jsonseq" else 1)


def _compressed(frames: Iterable[_Frame], making: Making) -> Iterator[tuple[_Frame, bytes]]:
    """Yield frames in order, with their bytes, and only a few of them ahead."""
    threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads, thread_name_prefix="compressing")
    pending: deque[tuple[_Frame, Future[bytes]]] = deque()
    try:
        for frame in frames:
            pending.append((frame, pool.submit(_compress, frame, making)))
            if len(pending) > 2 * threads:
                first, made = pending.popleft()
                yield first, made.result()
        while pending:
            first, made = pending.popleft()
            yield first, made.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _compress(frame: _Frame, making: Making) -> bytes:
    names = [member_name(e.identifier, e.format) for e in frame.entries] if making.layout == "tar" else ()
    content = encode_texts(making.layout, names, [entry.text for entry in frame.entries])
    return compress(making.compression, making.level, content)


def _edges(entries: list[Entry]) -> FrameEdges:
    stamps = sorted(entry.datestamp for entry in entries if entry.datestamp) or [""]
    return FrameEdges(len(entries), _edge(entries[0]), _edge(entries[-1]), stamps[0], stamps[-1])


def _edge(entry: Entry) -> Edge:
    return Edge(entry.identifier, entry.format, entry.datestamp)


def _line(entry: Entry, part: str, frame: int, offset: int, length: int, position: int) -> bytes:
    row = {
        "identifier": entry.identifier,
        "format": entry.format,
        "datestamp": entry.datestamp,
        "deleted": entry.deleted,
        "part": part,
        "frame": frame,
        "offset": offset,
        "length": length,
        "position": position,
        "sha256": entry.sha256,
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _write_index(spool: Path, longest: int, path: Path) -> int:
    """Write and sync the index; returns how many identifiers it names."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "preserve_insertion_order": True,
        "memory_limit": _MEMORY_LIMIT,
        "temp_directory": str(spool.parent / "temp"),
    }
    with translated_duckdb(path), closing(duckdb.connect(config=config)) as db:
        values = {"spool": str(spool), "longest": max(_LINE_BYTES, longest + 1), "path": str(path)}
        db.execute(_SQL["write_release_index"], values)
        [(identifiers,)] = db.execute(_SQL["count_identifiers"], {"path": str(path)}).fetchall()
    file = durable.AppendFile(path, "release-index")
    file.sync()
    file.close()
    return int(identifiers)
