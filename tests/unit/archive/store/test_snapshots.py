"""Reading the ledger: one state of it, and SQLite's errors as ours."""

import sqlite3
from pathlib import Path

import pytest
from support import archive_builder

from archive.errors import ArchiveError, Busy, Damaged, DiskFailed, DiskFull, NotAnArchive
from archive.store.layout import Layout
from archive.store.snapshots import snapshot


def test_what_is_written_meanwhile_is_not_seen(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    with snapshot(Layout(tmp_path)) as ledger:
        before = ledger.execute("SELECT count(*) FROM outcomes").fetchone()
        made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
        made.commit()
        assert ledger.execute("SELECT count(*) FROM outcomes").fetchone() == before == (0,)
    with snapshot(Layout(tmp_path)) as ledger:
        assert ledger.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)
    made.close()


def test_nothing_can_be_written(tmp_path: Path):
    archive_builder.writer(tmp_path).close()
    with pytest.raises(ArchiveError), snapshot(Layout(tmp_path)) as ledger:
        ledger.execute("DELETE FROM runs")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database or disk is full", DiskFull),
        ("database is locked", Busy),
        ("disk I/O error", DiskFailed),
        ("database disk image is malformed", Damaged),
        ("no such table: outcomes", Damaged),
    ],
)
def test_an_error_of_sqlite_is_one_of_ours(tmp_path: Path, text: str, kind: type[ArchiveError]):
    archive_builder.writer(tmp_path).close()
    with pytest.raises(kind, match=r"ledger\.sqlite"), snapshot(Layout(tmp_path)):
        raise sqlite3.OperationalError(text)


def test_a_ledger_that_is_damaged_within_is_damaged(tmp_path: Path):
    archive_builder.ended(tmp_path, [[f"oai:x:{n}" for n in range(5000)]])
    path = Layout(tmp_path).ledger
    body = bytearray(path.read_bytes())
    body[len(body) // 2 :] = b"\xff" * (len(body) - len(body) // 2)
    path.write_bytes(body)
    with pytest.raises(Damaged), snapshot(Layout(tmp_path)) as ledger:
        ledger.execute("SELECT sum(outcome), max(identifier) FROM outcomes").fetchall()


def test_without_a_ledger_it_says_so(tmp_path: Path):
    with pytest.raises(NotAnArchive), snapshot(Layout(tmp_path)):
        pass
