"""Rows out of a damaged ledger: those before and behind the damage, and never a row that is none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.integrity.salvage import salvage_rows
from archive.store.ledger import Ledger

ROWS = 5000
PAGE = 4096


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with some thousand waits; an empty one beside it."""
    Ledger(tmp_path / "model", create=True).close()
    made = Ledger(tmp_path / "ledger", create=True)
    run = made.add_run("oaipmh", "full", {}, {}, "2026-03-04T05:06:07Z").run
    with made.transaction():
        made.add_waits(run, [(f"host {n}", "2026-03-04T05:06:07Z", float(n), "x") for n in range(1, ROWS + 1)])
    made.close()
    return tmp_path / "ledger"


def salvaged(ledger: Path) -> tuple[set[int], frozenset[str]]:
    """The numbers of the waits that were read, and the tables that are whole."""
    into = ledger.with_name("rows")
    into.unlink(missing_ok=True)
    found = salvage_rows(ledger, into, ledger.with_name("model"))
    with closing(sqlite3.connect(into)) as db:
        rows = db.execute("SELECT wait, host, seconds FROM waits").fetchall()
    assert found.rows["waits"] == len(rows)
    assert all((host, seconds) == (f"host {number}", number) for number, host, seconds in rows)
    return {row[0] for row in rows}, found.whole


def test_of_a_sound_ledger_every_row_of_every_table_is_read(ledger: Path):
    numbers, whole = salvaged(ledger)
    assert numbers == set(range(1, ROWS + 1))
    assert {"meta", "runs", "waits", "outcomes", "frames"} <= whole


@pytest.mark.parametrize("page", [40, 60, 75])
def test_around_a_page_that_cannot_be_read_all_rows_are_read(ledger: Path, page: int):
    body = bytearray(ledger.read_bytes())
    body[page * PAGE : (page + 1) * PAGE] = b"\xff" * PAGE
    ledger.write_bytes(body)
    numbers, whole = salvaged(ledger)
    assert "waits" not in whole
    assert "runs" in whole
    assert ROWS - 150 < len(numbers) < ROWS
    assert {1, ROWS} <= numbers


def test_without_its_first_page_or_its_end_what_is_left_is_read(ledger: Path):
    body = ledger.read_bytes()
    ledger.write_bytes(bytes(PAGE) + body[PAGE:])
    assert salvaged(ledger)[0] == set(range(1, ROWS + 1))
    ledger.write_bytes(body[: len(body) * 2 // 3 - 100])
    numbers, whole = salvaged(ledger)
    assert ROWS // 3 < len(numbers) < ROWS
    assert "waits" not in whole
    ledger.write_bytes(b"")
    assert salvaged(ledger) == (set(), frozenset())
