"""What an archive has to give on: lists from its index, records from its shards, whatever the size of both.

A page of a list is a range behind a position, never an offset: its cost does not grow with its depth. For a record
one frame of a shard is read, and the last frames are kept: neighbours in a list tend to be neighbours in a shard.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from archive.errors import Damaged
from archive.index import open_index
from archive.queries import Queries
from archive.store import BASE64, Layout, Record, decode, read_description, shard_file, shards
from harvester.oaipmh import MetadataFormat, RepositorySet, datestamps, format_of, is_prefix, is_xml, parse_document
from harvester.serving.provider import Item, Page, Position, Selection

_SQL = Queries(__package__)

# content of frames that is kept unpacked, over all threads
CACHED_BYTES = 64 << 20
# so many records of a format are looked at for one that shows its namespace
SAMPLED = 20
_DECLARATION = re.compile(r"\A\ufeff?<\?xml\s[^>]*\?>\s*")
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Held:
    """The latest version of a record, and where it lies: `position` counts the records of its frame."""

    identifier: str
    format: str
    deleted: bool
    shard: int
    frame: int
    position: int


class ArchiveHoldings:
    """The holdings of one archive, as its index has them when it is opened. For any number of threads."""

    def __init__(self, folder: Path) -> None:
        """Open an archive for reading.

        Raises NotAnArchive, OtherArchive or Damaged as `read_description` does, StaleIndex when the index is missing
        or does not match the shards.
        """
        self.description = read_description(folder)
        self._db = open_index(folder)
        self._threads = threading.local()
        self._frames = _Frames(Layout(folder), self._ask)
        # an index does not change while it is open: what holds for all of it is asked once
        self._formats = tuple(self._xml_formats())
        prefixes = [held.prefix for held in self._formats]
        [(earliest,)] = self._ask("earliest_datestamp", prefixes=prefixes)
        self._earliest = _aware(earliest) if earliest is not None else datestamps.parse(self.description["created"])
        self._sets = tuple(_with_parents(spec for (spec,) in self._ask("set_specs", prefixes=prefixes)))
        self._count = lru_cache(maxsize=1024)(self._counted)

    def close(self) -> None:
        """Let go of the index."""
        self._db.close()

    @property
    def token_key(self) -> bytes:
        """What resumption tokens are signed with: another in each archive, the same after a restart."""
        return hashlib.sha256(b"resumption tokens of " + self.description["id"].encode()).digest()

    # as a provider asks

    def earliest(self) -> datetime:
        """The oldest datestamp of all that is held as XML; the archive's own beginning when that is nothing."""
        return self._earliest or _FIRST

    def formats(self, identifier: str | None = None) -> Sequence[MetadataFormat] | None:
        """The formats of all, or of one item, that are held as XML; None when there is no such item."""
        if identifier is None:
            return self._formats
        names = {name for _, name, *_ in self._ask("by_identifier", identifier=identifier)}
        return [held for held in self._formats if held.prefix in names] if names else None

    def sets(self) -> Sequence[RepositorySet]:
        """Every set that a record names and those above it, ordered by spec; an archive has no other names of them."""
        return self._sets

    def count(self, selection: Selection) -> int:
        """How many records a list has; looked up once for each selection."""
        return self._count(selection)

    def page(self, selection: Selection, after: Position | None, limit: int, *, bodies: bool) -> Page:
        """The first `limit` records behind a position, ordered by datestamp and identifier."""
        at, last = after if after is not None else (_FIRST, "")
        rows = self._ask("list_page", **_bounds(selection), at=_naive(at), last=last, limit=limit + 1)
        items = tuple(self._item(selection.prefix, row, bodies=bodies) for row in rows[:limit])
        return Page(items, len(rows) > limit)

    def item(self, identifier: str, prefix: str) -> Item | None:
        """One record with its metadata, None when it is not held in this format."""
        if prefix not in {held.prefix for held in self._formats}:
            return None
        rows = self._ask("by_identifier", identifier=identifier)
        found = ((name, *rest) for name, format_, *rest in rows if format_ == prefix)
        return next((self._item(prefix, row, bodies=True) for row in found), None)

    # by name

    def find(self, name: str) -> list[Held]:
        """Records of an identifier, in each format by name; without any, those whose local id it is."""
        rows = self._ask("by_identifier", identifier=name) or self._ask("by_local_id", local_id=name)
        return [Held(identifier, format_, deleted, *place) for identifier, format_, _, deleted, _, *place in rows]

    def text(self, held: Held) -> bytes:
        """A record's JSON text as the shard has it. Raises Damaged when it cannot be had."""
        return self._frames.text(held)

    # inside

    def _ask(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query of this package; each thread has a cursor of its own."""
        if not hasattr(self._threads, "cursor"):
            self._threads.cursor = self._db.cursor()
        rows: list[tuple[Any, ...]] = self._threads.cursor.execute(_SQL[name], parameters).fetchall()
        return rows

    def _counted(self, selection: Selection) -> int:
        [(count,)] = self._ask("list_count", **_bounds(selection))
        return int(count)

    def _item(self, prefix: str, row: Sequence[Any], *, bodies: bool) -> Item:
        identifier, given, deleted, sets, *place = row
        if deleted or not bodies:
            return Item(identifier, _aware(given), deleted, tuple(sets))
        record = decode(self.text(Held(identifier, prefix, deleted, *place)))
        return Item(
            identifier=identifier,
            datestamp=_aware(given),
            deleted=deleted,
            sets=tuple(sets),
            metadata=_element(record),
            about=record.about,
        )

    def _xml_formats(self) -> Iterable[MetadataFormat]:
        for (name,) in self._ask("formats"):
            rows = self._ask("sample_of_format", format=name, limit=SAMPLED) if is_prefix(name) else ()
            places = (Held(identifier, name, deleted, *place) for identifier, deleted, *place in rows)
            if (known := _format_shown(name, (decode(self.text(place)) for place in places))) is not None:
                yield known


def _element(record: Record) -> str | None:
    """A record's XML as it may stand inside another document: a whole one loses its declaration (XML 1.0, 2.8)."""
    if record.original is None or not is_xml(record.media_type):
        return None
    if record.encoding == BASE64:
        root = parse_document(record.original_bytes() or b"")
        return etree.tostring(root, encoding="unicode", with_tail=False)
    return _DECLARATION.sub("", record.original, count=1)


def _format_shown(name: str, records: Iterable[Record]) -> MetadataFormat | None:
    """What a format is by some of its records, live ones first; None when it is not XML."""
    known = None
    for record in records:
        if not is_xml(record.media_type):
            return None
        known = format_of(name, _element(record))
        if record.original is not None:
            return known
    return known


class _Frames:
    """Frames of an archive's shards, the last ones used kept unpacked."""

    def __init__(self, layout: Layout, ask: Callable[..., list[tuple[Any, ...]]]) -> None:
        self._layout, self._ask = layout, ask
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._bytes = 0

    def text(self, held: Held) -> bytes:
        """The text of a record. Raises Damaged when its frame cannot be read, or another record is there."""
        texts = self._texts(held.shard, held.frame)
        text = texts[held.position] if held.position < len(texts) else b"{}"
        # a text begins with its identifier
        if not text.startswith(b'{"identifier":' + orjson.dumps(held.identifier) + b","):
            raise Damaged(
                f"shard {held.shard}, frame {held.frame}: record {held.position} is not {held.identifier}, as the "
                "index has it; run `harvester verify`, then `harvester index`"
            )
        return text

    def _texts(self, shard: int, frame: int) -> list[bytes]:
        with self._lock:
            if (texts := self._kept.get((shard, frame))) is not None:
                self._kept.move_to_end((shard, frame))
                return texts
        texts = self._read(shard, frame)
        with self._lock:
            if (shard, frame) not in self._kept:
                self._kept[shard, frame] = texts
                self._bytes += _size(texts)
            while self._bytes > CACHED_BYTES and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return texts

    def _read(self, shard: int, frame: int) -> list[bytes]:
        [(name, offset, length)] = self._ask("frame_place", shard=shard, frame=frame)
        return shards.read_frame_at(shard_file(self._layout, name), frame, offset, length).texts()


def _size(texts: Iterable[bytes]) -> int:
    return sum(map(len, texts))


def _bounds(selection: Selection) -> dict[str, Any]:
    return {
        "format": selection.prefix,
        "first": _naive(selection.from_ or _FIRST),
        "last_of_all": _naive(selection.until or _LAST),
        "set": selection.set_spec,
    }


def _naive(moment: datetime) -> datetime:
    """As DuckDB's TIMESTAMP has it, which is in UTC here."""
    return moment.replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(microsecond=0, tzinfo=UTC)


def _with_parents(specs: Iterable[str]) -> list[RepositorySet]:
    """Sets and those above them (section 2.6)."""
    every: set[str] = set()
    for spec in specs:
        parts = spec.split(":")
        every.update(":".join(parts[:length]) for length in range(1, len(parts) + 1))
    return [RepositorySet(spec, spec) for spec in sorted(every) if spec]
