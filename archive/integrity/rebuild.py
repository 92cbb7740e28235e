"""Rebuild a ledger: from the rows of the old one if all of them can be read, else from the shards.

A readable record in a shard proves itself. The other content of the old ledger (ids without a record, runs, findings,
refused bodies) is taken over as far as it can be read. Windows are not: a shard cannot show that a list was read to its
end, so its run is unfinished and the same command lists again.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from archive.crosswalks import local_id
from archive.disk import digests_of, is_sha256
from archive.errors import ArchiveError, Damaged
from archive.files import path_of
from archive.integrity.mend_shards import count_frames, count_shard, next_generation
from archive.integrity.salvage import Salvaged, salvage_rows
from archive.queries import Queries
from archive.store import (
    SHARD_NAME,
    Frame,
    FrameEntry,
    Layout,
    Ledger,
    Outcome,
    Record,
    Seal,
    ShardWriter,
    check_names,
    check_refused,
    envelope,
    read_accounts,
    salvage,
    shards,
)

_SQL = Queries(__package__)

REBUILT = "rebuilt"
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A new ledger at `path`, not yet in its place.

    `carried`: it has every row of the old one. `lost` counts ids whose record is gone. `replaced` are files of shards
    that others now stand for, and refused bodies that nothing names.
    """

    path: Path
    carried: bool
    records: int
    lost: int
    replaced: tuple[Path, ...]


def rebuild(layout: Layout, work: Path, source: dict[str, Any], now: str, *, trusted: bool = True) -> Rebuilt:
    """Build a ledger in the folder `work`. If `trusted`, the old rows are used if all can be read and add up.

    Damaged shards are rewritten beside the old ones; nothing else of the archive is changed.
    """
    ledger = Ledger(work / "ledger.sqlite", create=True)
    try:
        salvaged = _salvage(layout, work, ledger)
        ledger.db.execute("ATTACH ? AS old", (str(work / "rows.sqlite"),))
        ledger.db.execute(_SQL["rebuild_index_outcomes"])
        if trusted and salvaged.complete and salvaged.rows["meta"] and _carried_over(ledger, salvaged):
            return Rebuilt(ledger.path, True, _count(ledger.db, "sum(records)", "shards"), 0, ())
        return _Rebuilding(ledger, layout, source, now, salvaged).made()
    finally:
        with suppress(sqlite3.Error):
            ledger.db.execute("DETACH old")
        ledger.close()


# --- from the old rows


def _salvage(layout: Layout, work: Path, model: Ledger) -> Salvaged:
    """Read what can be read of the old ledger, from a copy."""
    model.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    empty, copy = work / "empty.sqlite", work / "damaged.sqlite"
    shutil.copyfile(model.path, empty)
    for ending in ("", "-wal"):
        path = layout.ledger.with_name(layout.ledger.name + ending)
        if path.exists():
            copy_readable(path, copy.with_name(copy.name + ending))
    copy.touch()
    return salvage_rows(copy, work / "rows.sqlite", empty)


def copy_readable(old: Path, new: Path) -> None:
    """Copy a file; blocks that cannot be read become zeros."""
    with old.open("rb", buffering=0) as source, new.open("wb") as target:
        size = source.seek(0, 2)
        for offset in range(0, size, _READ_AT_ONCE):
            source.seek(offset)
            try:
                target.write(source.read(_READ_AT_ONCE))
            except OSError:
                target.write(b"".join(_pages(source, offset, min(size, offset + _READ_AT_ONCE))))


def _pages(source: Any, first: int, last: int) -> Iterator[bytes]:
    for offset in range(first, last, 4096):
        try:
            source.seek(offset)
            yield source.read(min(4096, last - offset))
        except OSError:
            yield bytes(min(4096, last - offset))


def _carried_over(ledger: Ledger, salvaged: Salvaged) -> bool:
    """Copy all rows unchanged; copy none and return False unless they are consistent."""
    db = ledger.db
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA defer_foreign_keys = ON")
        for table in salvaged.rows:
            db.execute(f"DELETE FROM main.{table}")
            db.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
        check_names(db, ledger.path)
        whole = read_accounts(db)[-1]
        consistent = whole.balanced and not db.execute("PRAGMA main.foreign_key_check").fetchone()
        consistent = consistent and all(is_sha256(name) for (name,) in db.execute(_SQL["rebuild_new_contents"]))
        db.execute("COMMIT" if consistent else "ROLLBACK")
        return consistent
    except (sqlite3.Error, Damaged):
        if db.in_transaction:
            db.execute("ROLLBACK")
        return False


# --- from the shards

# names of refused bodies that a ledger accepts, and the keys of their descriptions
_NAME = re.compile(r"[0-9]{6,12}", re.ASCII)
_TOLD = ("url", "retrieved", "reason", "http_status", "bytes")


def _is_told(url: object, at: object, reason: object, status: object, size: object) -> bool:
    texts = all(isinstance(text, str) for text in (url, at, reason))
    return texts and isinstance(status, int | None) and isinstance(size, int)


class _Rebuilding:
    """The rebuilding of one ledger, in one transaction."""

    def __init__(self, ledger: Ledger, layout: Layout, source: dict[str, Any], now: str, old: Salvaged) -> None:
        self._ledger, self._db, self._layout = ledger, ledger.db, layout
        self._source, self._now, self._old = source, now, old
        self._replaced: list[Path] = []
        self._records = 0
        self._shards_whole = "shards" in old.whole

    def made(self) -> Rebuilt:
        with self._ledger.transaction():
            for name in ("rebuild_meta", "rebuild_runs", "rebuild_channels"):
                self._db.execute(_SQL[name])
            self._channels = self._db.execute(_SQL["rebuild_new_channels"]).fetchall()
            known = self._known_names()
            for number, paths in _shard_files(self._layout, known):
                known.pop(number, None)
                self._take_shard(number, paths)
            self._shards_whole = self._shards_whole and not known
            lost = self._take_outcomes()
            self._take_refused()
            self._take_files()
            for name in ("rebuild_findings", "rebuild_waits", "rebuild_states"):
                self._db.execute(_SQL[name])
        return Rebuilt(self._ledger.path, False, self._records, lost, tuple(self._replaced))

    def _known_names(self) -> dict[int, str]:
        return dict(self._db.execute(_SQL["rebuild_old_shards"]).fetchall())

    # shards

    def _take_shard(self, number: int, paths: list[Path]) -> None:
        """Count the first file that is readable at least in part; the others are replaced."""
        taken = False
        for path in paths:
            if not taken and (sealed := _sealed(self._layout, path)) is not None:
                new, seal, entries = sealed
                self._count(number, new, seal, entries)
                taken = True
                if new == path:
                    continue
            self._shards_whole = False
            self._replaced.append(path)

    def _count(self, number: int, path: Path, seal: Seal, entries: list[FrameEntry]) -> None:
        run = self._run_of(number, path)
        self._db.execute(_SQL["rebuild_open_shard"], (number, path.name, run))
        count_shard(self._db, number, path.name, seal)
        ranges = [self._count_records(run, path, frame) for frame in shards.iter_frames(path)]
        count_frames(self._db, number, entries, ranges)

    def _run_of(self, number: int, path: Path) -> int:
        """Return the run that wrote a shard by the old ledger, else the newest full run, or a new one."""
        row = self._db.execute(_SQL["rebuild_run_of_shard"], (number,)).fetchone()
        if row is None:
            row = self._db.execute(_SQL["rebuild_full_run"]).fetchone()
        return int(row[0]) if row[0] is not None else self._new_run(path)

    def _new_run(self, path: Path) -> int:
        """Create an unfinished run whose arguments would harvest these records, so that it is repeated."""
        records = [_record(text) for frame in shards.iter_frames(path) for text in frame.texts()]
        spider, arguments = run_words([r for r in records if r is not None], self._source)
        cursor = self._db.execute(
            _SQL["rebuild_add_run"],
            (spider, orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS).decode(), self._now, self._now),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _count_records(self, run: int, path: Path, frame: Frame) -> tuple[int, int]:
        """Give each record of a frame its outcome; returns their first and last number."""
        records = [_record(text) for text in frame.texts()]
        numbers: list[int] = []
        for channel, group in groupby(records, key=lambda record: self._channel(run, record)):
            outcomes = [_outcome(record) for record in group]
            at = next((r.retrieved for r in records if r is not None), self._now)
            numbers += self._request(run, channel, f"{path.name}, frame {frame.frame}", outcomes, at)
        self._records += len(records)
        return numbers[0], numbers[-1]

    def _request(self, run: int, channel: int | None, what: str, outcomes: list[Outcome], at: str) -> list[int]:
        _, first = self._ledger.add_request(
            run=run,
            channel=channel,
            window=None,
            attempt=1,
            url=f"{REBUILT}: {what}",
            state="read",
            http_status=None,
            reason=REBUILT,
            attempts=1,
            at=at,
            listed=0,
            outcomes=outcomes,
        )
        return [first, first + len(outcomes) - 1]

    def _channel(self, run: int, record: Record | None) -> int | None:
        """Return the channel of a record: that of its outcome in the old ledger, or the one of its format."""
        if record is None:
            return None
        fitting = [number for number, _, format_ in self._channels if format_ == record.format]
        if len(fitting) > 1:
            rows = self._db.execute(_SQL["rebuild_channel_of"], (record.identifier,)).fetchall()
            fitting = [number for (number,) in rows if number in fitting] or fitting
        return fitting[0] if fitting else self._new_channel(run, record.format)

    def _new_channel(self, run: int, format_: str) -> int:
        spider = self._db.execute(_SQL["rebuild_spider"], (run,)).fetchone()[0]
        cursor = self._db.execute(_SQL["rebuild_add_channel"], (f"{spider}:{format_}", format_))
        number = int(cursor.fetchone()[0])
        self._channels.append((number, f"{spider}:{format_}", format_))
        return number

    # ids without a record

    def _take_outcomes(self) -> int:
        """Take over the last states of ids in the old ledger, unless a record contradicts them.

        Returns how many are now lost.
        """
        rows = self._db.execute(_SQL["rebuild_outcomes"], {"whole": self._shards_whole}).fetchall()
        lost = 0
        for (run, channel), group in groupby(rows, key=itemgetter(0, 1)):
            outcomes = [Outcome(*outcome) for _, _, *outcome in group]
            self._request(run, channel, "the old ledger", outcomes, self._now)
            lost += sum(one.state == "lost" and str(one.reason).startswith("its record") for one in outcomes)
        return lost

    def _take_refused(self) -> None:
        """Take over intact refused bodies, whether the old ledger had them or not."""
        run = self._db.execute(_SQL["rebuild_newest_run"]).fetchone()[0]
        known = dict(self._db.execute(_SQL["rebuild_refused"]).fetchall())
        for path in sorted(self._layout.quarantine.glob("*.json")):
            try:
                sha256 = digests_of(path).sha256
                check_refused(self._layout.quarantine, path.stem, sha256)
                told = orjson.loads(path.read_bytes())
                url, at, reason, status, size = (told[key] for key in _TOLD)
                if _NAME.fullmatch(path.stem) is None or not _is_told(url, at, reason, status, size):
                    raise ValueError(path.stem)
            except (ArchiveError, OSError, ValueError, KeyError, TypeError):
                self._replaced += [found for found in (path, path.with_suffix(".body")) if found.exists()]
                continue
            if run is None:
                continue
            request, _ = self._ledger.add_request(
                run=run,
                channel=None,
                window=None,
                attempt=1,
                url=url,
                state="refused",
                http_status=status,
                reason=reason,
                attempts=1,
                at=at,
                listed=0,
                outcomes=(),
            )
            self._ledger.add_quarantine(request, known.get(path.stem), path.stem, size, sha256)

    def _take_files(self) -> None:
        """Take over files of records with a complete list and stored content; others are listed again."""
        self._db.execute(_SQL["rebuild_create_stored"])
        for (sha256,) in self._db.execute(_SQL["rebuild_old_contents"]).fetchall():
            path = self._layout.root / path_of(sha256) if is_sha256(sha256) else None
            if path is not None and path.is_file() and (found := digests_of(path)).sha256 == sha256:
                self._db.execute(_SQL["rebuild_add_stored"], (sha256, found.sha512, path.stat().st_size))
        for name in ("rebuild_contents", "rebuild_filelists", "rebuild_files"):
            self._db.execute(_SQL[name])


# --- reading


def _shard_files(layout: Layout, known: dict[int, str]) -> Iterator[tuple[int, list[Path]]]:
    """Yield (number, its files); the one that the old ledger names first, then the newest generation."""
    found: dict[int, list[tuple[tuple[bool, bool, int], Path]]] = {}
    for path in layout.shards.glob("*") if layout.shards.exists() else ():
        if (match := SHARD_NAME.fullmatch(path.name.removesuffix(".open"))) is not None and path.is_file():
            number, generation = int(match[1]), int(match[2] or 0)
            named = known.get(number) == path.name.removesuffix(".open")
            found.setdefault(number, []).append(((named, path.suffix != ".open", generation), path))
    for number in sorted(found):
        yield number, [path for _, path in sorted(found[number], key=lambda one: one[0], reverse=True)]


def _sealed(layout: Layout, path: Path) -> tuple[Path, Seal, list[FrameEntry]] | None:
    """Return an intact shard as it is, else what can be read of it, rewritten. None if that is nothing."""
    try:
        seal, entries = shards.check_shard(path), []
        for frame in shards.iter_frames(path):
            entries.append(FrameEntry(frame.frame, frame.offset, frame.length, len(frame.content), frame.records))
        if all(_record(text) is not None for frame in shards.iter_frames(path) for text in frame.texts()):
            return path, seal, entries
    except ArchiveError:
        pass
    return _written_anew(layout, path)


def _written_anew(layout: Layout, path: Path) -> tuple[Path, Seal, list[FrameEntry]] | None:
    limit = path.stat().st_size if path.suffix == ".open" else None
    writer: ShardWriter | None = None
    new = next_generation(layout, path.name.removesuffix(".open"))
    try:
        for item in salvage(path, limit):
            texts = item.texts() if isinstance(item, Frame) else []
            good = [text for text in texts if _record(text) is not None]
            if good:
                writer = writer or ShardWriter(new)
                writer.append(b"".join(b"\x1e" + text + b"\n" for text in good), len(good))
                writer.flush()
        if writer is None:
            return None
        writer.sync()
        return new, writer.seal(), writer.take_frames()
    finally:
        if writer is not None:
            writer.close()


def _record(text: bytes) -> Record | None:
    """Decode a record, None if the text is not one of ours."""
    try:
        record = envelope.decode(text)
    except (KeyError, TypeError, ValueError):
        return None
    strings = (record.identifier, record.datestamp, record.format, record.url, record.retrieved)
    return record if all(isinstance(value, str) for value in strings) else None


def _outcome(record: Record | None) -> Outcome:
    assert record is not None, "only shards of which every record can be read are counted"
    return Outcome(record.identifier, record.datestamp or None, "deleted" if record.deleted else "read", REBUILT)


def run_words(records: Iterable[Record], source: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Find the spider that returned records, and arguments that harvest them again, as far as possible.

    For OAI-PMH the whole list of each prefix; for requests by id the ids from the lowest to the highest, in the media
    types received. For ids without numbers the arguments are only the URL.
    """
    records = list(records)
    urls = [urlsplit(record.url) for record in records]
    none: dict[str, Any] = {"set": [], "from": None, "until": None, "sample": None, "shard": None}
    formats = sorted({record.format for record in records})
    if any("verb" in parse_qs(url.query) for url in urls):
        url = next(url for url in urls if "verb" in parse_qs(url.query))
        return "oaipmh", {"url": url._replace(query="", fragment="").geturl(), "prefix": formats, **none}
    numbers = [int(text) for record in records if (text := local_id(record.identifier) or "").isdigit()]
    if not numbers:
        return "search", {"url": str(source.get("url", ""))}
    ids = f"{min(numbers)}-{max(numbers)}" if min(numbers) < max(numbers) else str(numbers[0])
    return "idrange", {
        "url": str(source.get("url", "")),
        "ids": ids,
        "accept": sorted({record.media_type for record in records}),
        "oai": None,
        "prefix": None,
        "set": None,
        "sample": None,
        "shard": None,
    }


def _count(db: sqlite3.Connection, what: str, table: str) -> int:
    return int(db.execute(f"SELECT coalesce({what}, 0) FROM main.{table}").fetchone()[0])
