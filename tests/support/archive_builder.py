"""Archives made for tests: records, answers, a still clock, and what must hold of an archive whatever happened."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from archive.formats import jsonseq
from archive.store import envelope, shards
from archive.store import frames as zstdframes
from archive.store.layout import Layout
from archive.store.ledger import NewWindow, Outcome, WindowRow
from archive.store.quarantine import check_refused
from archive.store.snapshots import check_digest
from archive.store.writer import Answer, ArchiveWriter

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
URL = "https://repository.example/oai"
SOURCE: dict[str, Any] = {"url": URL, "hosts": ["repository.example"]}
SOFTWARE: dict[str, Any] = {"name": "harvester", "version": "0"}
CHANNEL = ("oaipmh:oai_dc", "oai_dc", None)


def record(
    identifier: str, datestamp: str = "2020-01-01T00:00:00Z", *, deleted: bool = False, filler: str = ""
) -> bytes:
    """The JSON text of a record."""
    metadata = None if deleted else {"title": [f"Title of {identifier}{filler}"]}
    original = None if deleted else f"<dc><title>Title of {identifier}{filler}</title></dc>"
    return envelope.encode(
        identifier,
        datestamp,
        deleted,
        ("a", "a:b"),
        "oai_dc",
        "application/xml",
        URL,
        "2026-03-04T05:06:07Z",
        None if deleted else "0" * 64,
        metadata,
        original,
        (),
    )


def payload(identifiers: Sequence[str], **more: Any) -> tuple[tuple[bytes, int], ...]:
    """The framed records of some identifiers, as one piece."""
    return ((b"".join(jsonseq.encode(record(i, **more)) for i in identifiers), len(identifiers)),)


def unpacked(pieces: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Pieces of a payload as framed texts, those that are frames already included."""
    return [(zstandard.decompress(p) if p[:4] == zstdframes.MAGIC else p, records) for p, records in pieces]


def answer(
    channel: int | None, window: int | None, identifiers: Sequence[str], attempt: int = 1, **more: Any
) -> Answer:
    """A page of live records."""
    values: dict[str, Any] = {
        "channel": channel,
        "window": window,
        "attempt": attempt,
        "url": f"{URL}?verb=ListRecords",
        "state": "read",
        "http_status": 200,
        "reason": None,
        "attempts": 1,
        "at": "2026-03-04T05:06:07Z",
        "listed": len(identifiers),
        "outcomes": [(i, "2020-01-01T00:00:00Z", "read", None) for i in identifiers],
        "payload": payload(identifiers),
    }
    values |= more
    return Answer(**values | {"outcomes": [Outcome(*outcome) for outcome in values["outcomes"]]})


def writer(folder: Path, **more: Any) -> ArchiveWriter:
    """An archive open for writing, its clock standing still."""
    return ArchiveWriter(folder, SOURCE, SOFTWARE, **{"level": 1, "clock": lambda: NOW, **more})


def begun(folder: Path, windows: int = 1, **more: Any) -> tuple[ArchiveWriter, int, list[WindowRow]]:
    """An archive with a run, a channel and some open windows."""
    made = writer(folder, **more)
    made.begin("oaipmh", "full", {"url": URL}, SOFTWARE)
    channel = made.ledger.channel(*CHANNEL)
    rows = made.open_windows([NewWindow(channel, "ListRecords", f"{2000 + n}-01-01", None) for n in range(windows)])
    return made, channel, rows


def ended(folder: Path, pages: Sequence[Sequence[str]], **more: Any) -> None:
    """Make an archive of these pages of identifiers, one commit and so one frame a page, and close it."""
    made, channel, (window,) = begun(folder, **more)
    for identifiers in pages:
        made.put(answer(channel, window.window, identifiers))
        made.commit()
    count = made.count_window(window.window, 1)
    made.close_window(
        window.window, state="done", end="empty-token", count=count, stated=None, pages=len(pages), attempts=1
    )
    made.finish("complete")
    made.close()


def rows(folder: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the ledger of an archive."""
    with closing(sqlite3.connect(Layout(folder).ledger)) as db:
        return db.execute(query, values).fetchall()


def stored(folder: Path) -> list[tuple[int, int, envelope.Record]]:
    """(shard, frame, record) of every record that the ledger believes in, each frame checked."""
    out = []
    layout = Layout(folder)
    for number, name, state, believed in rows(folder, "SELECT shard, name, state, bytes FROM shards ORDER BY shard"):
        sealed = state == "sealed"
        path = layout.shards / (name if sealed else f"{name}.open")
        if sealed or believed:
            for frame in shards.iter_frames(path, None if sealed else believed):
                out += [(number, frame.frame, envelope.decode(text)) for text in frame.texts()]
    return out


_IN_FRAMES = """
    SELECT f.shard, f.frame, o.identifier
    FROM frames AS f JOIN outcomes AS o ON o.outcome BETWEEN f.first_outcome AND f.last_outcome
    JOIN requests AS r USING (request) JOIN runs USING (run)
    WHERE o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified' AND runs.mode <> 'census'
    ORDER BY f.shard, f.frame, o.outcome
"""
_SUMS = """
    SELECT (SELECT count(*) FROM frames),
           (SELECT count(*) FROM outcomes JOIN requests USING (request) JOIN runs USING (run)
            WHERE outcomes.state IN ('read', 'deleted') AND outcomes.reason IS NOT 'not modified' AND mode <> 'census'),
           (SELECT coalesce(sum(listed), 0) FROM requests WHERE url LIKE '%verb=List%'),
           (SELECT count(*) FROM outcomes JOIN requests USING (request) WHERE url LIKE '%verb=List%')
"""


def check(folder: Path) -> None:
    """What holds of an archive at rest, whatever happened to the processes that wrote it."""
    layout = Layout(folder)
    check_digest(layout)
    assert layout.ledger_digest.exists()
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    assert rows(folder, "PRAGMA foreign_key_check") == []
    _check_shards(folder)
    _check_sums(folder)
    for name, sha256 in rows(folder, "SELECT name, sha256 FROM quarantine"):
        check_refused(layout.quarantine, name, sha256)


def _check_shards(folder: Path) -> None:
    """Every shard is sealed, is the file the ledger names, and its frames are those of the ledger."""
    names = set()
    for number, name, state, records, frames, size, content, sha256, sha512 in rows(
        folder, "SELECT shard, name, state, records, frames, bytes, content_bytes, sha256, sha512 FROM shards"
    ):
        names.add(name)
        seal = shards.check_shard(Layout(folder).shards / name, sha256)
        assert (state, seal) == ("sealed", shards.Seal(records, frames, size, content, sha256, sha512))
        found = [
            (f.frame, f.offset, f.length, len(f.content), f.records)
            for f in shards.iter_frames(Layout(folder).shards / name)
        ]
        counted = rows(
            folder,
            "SELECT frame, offset, bytes, content_bytes, records FROM frames WHERE shard = ? ORDER BY frame",
            number,
        )
        assert found == counted
    assert {path.name for path in Layout(folder).shards.iterdir()} == names


def _check_sums(folder: Path) -> None:
    """Law 1: requests, outcomes and records are counted three times, and the three agree."""
    held = [(number, frame, record.identifier) for number, frame, record in stored(folder)]
    assert rows(folder, _IN_FRAMES) == held
    ((frames, kept, listed, counted),) = rows(folder, _SUMS)
    assert (frames, kept) == (len({place[:2] for place in held}), len(held))
    assert listed == counted
