"""archive/report/breakdown.py: the account by window, year, month and set, and the same again by DuckDB."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder, report_archive, serving_archive

from archive.errors import NotAnArchive, StaleIndex
from archive.index.build import index
from archive.queries import Queries
from archive.report.breakdown import Cut, read_breakdown, summed
from archive.store.accounting import STATES, read_account
from archive.store.layout import Layout
from archive.store.ledger import NewWindow


def changed(folder: Path, statement: str) -> None:
    """Write to the ledger behind everybody's back."""
    with closing(sqlite3.connect(Layout(folder).ledger)) as db, db:
        db.execute(statement)


def counts(cuts: tuple[Cut, ...]) -> dict[str | None, dict[str, int]]:
    """Value -> states that any id is in."""
    return {cut.value: {state: ids for state, ids in cut.states.items() if ids} for cut in cuts}


def answered(channel: int, window: int | None, identifier: str, state: str, stamp: str | None = None) -> Any:
    return archive_builder.answer(
        channel,
        window,
        [],
        url=f"{archive_builder.URL}?verb=GetRecord",
        state=state,
        listed=0,
        bare=True,
        payload=(),
        outcomes=[(identifier, stamp, state, None)],
    )


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    """Two windows of a run: an id is lost in the first and in both, another was asked for outside of any."""
    made, channel, (first, second) = archive_builder.begun(tmp_path / "archive", windows=2)
    made.put(archive_builder.answer(channel, first.window, ["oai:x:1", "oai:x:2"]))
    made.put(answered(channel, first.window, "oai:x:3", "lost"))
    made.put(archive_builder.answer(channel, second.window, ["oai:x:3"]))
    made.put(answered(channel, None, "oai:x:4", "absent"))
    for window in (first, second):
        count = made.count_window(window.window, 1)
        made.close_window(window.window, state="done", end="empty-token", count=count, stated=None, pages=1, attempts=1)
    made.finish("complete")
    made.close()
    return tmp_path / "archive"


def test_each_window_has_its_account_and_an_id_may_be_in_two(windows: Path):
    cuts = read_breakdown(windows, "window")
    assert counts(cuts) == {None: {"absent": 1}, "1": {"read": 2, "lost": 1}, "2": {"read": 1}}
    assert [cut.listed for cut in cuts] == [1, 3, 1]
    assert all(cut.run == 1 and cut.balanced for cut in cuts)
    assert "2000-01-01" in cuts[1].about


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE windows SET distinct_ids = distinct_ids - 1 WHERE window = 2", "2"),
        ("UPDATE requests SET listed = listed + 1 WHERE request = 1", "1"),
    ],
)
def test_only_the_window_of_a_wrong_row_is_out_of_balance(windows: Path, statement: str, wrong: str):
    changed(windows, statement)
    assert [cut.value for cut in read_breakdown(windows, "window") if not cut.balanced] == [wrong]
    assert not any(cut.balanced for cut in read_breakdown(windows, "year"))


def test_a_year_counts_the_last_state_under_the_last_date_that_is_known(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2"]))
    made.put(answered(channel, window.window, "oai:x:1", "deleted", "2023-05-06T00:00:00Z"))
    made.put(answered(channel, window.window, "oai:x:2", "lost"))
    made.put(answered(channel, window.window, "oai:x:3", "absent", "yesterday"))
    made.close()
    assert counts(read_breakdown(tmp_path, "year")) == {
        None: {"absent": 1},
        "2020": {"lost": 1},
        "2023": {"deleted": 1},
    }
    assert list(counts(read_breakdown(tmp_path, "month"))) == [None, "2020-01", "2023-05"]


def test_years_part_the_account_after_all_runs_and_of_each(tmp_path: Path):
    dice = random.Random(5)
    report_archive.archive(tmp_path, {number: dice.choice(STATES) for number in range(1, 1500)})
    for by in ("year", "month"):
        for run in (None, 1):
            cuts, account = read_breakdown(tmp_path, by, run), read_account(tmp_path, run)
            assert sum(cut.listed for cut in cuts) == account.listed
            assert {state: sum(cut.states[state] for cut in cuts) for state in STATES} == account.states


def test_a_census_is_in_its_own_windows_only(tmp_path: Path):
    archive_builder.ended(tmp_path, [["oai:x:1"]])
    made = archive_builder.writer(tmp_path)
    made.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("census:oai_dc", "oai_dc", None)
    made.put(archive_builder.answer(channel, None, ["oai:x:1", "oai:x:9"], payload=(), bare=True))
    made.finish("complete")
    made.close()
    assert counts(read_breakdown(tmp_path, "year")) == {"2020": {"read": 1}}
    assert counts(read_breakdown(tmp_path, "year", 2)) == {"2020": {"read": 2}}
    assert [cut.run for cut in read_breakdown(tmp_path, "window")] == [1, 2]


def test_sets_are_those_of_records_and_that_of_the_channel(tmp_path: Path):
    serving_archive.harvested(
        tmp_path,
        [
            [
                serving_archive.record("oai:x:1", "2020-01-01", "One", ["a", "b"]),
                serving_archive.record("oai:x:2", "2020-01-01", "Two"),
            ]
        ],
    )
    made = archive_builder.writer(tmp_path)
    made.begin("oaipmh", "full", {"url": archive_builder.URL, "set": "c:d"}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("oaipmh:oai_dc:c:d", "oai_dc", "c:d")
    made.put(answered(channel, None, "oai:x:3", "lost"))
    made.finish("unfinished")
    made.close()
    with pytest.raises(StaleIndex):
        read_breakdown(tmp_path, "set")
    index(tmp_path)
    assert counts(read_breakdown(tmp_path, "set")) == {
        "a": {"read": 1},
        "b": {"read": 1},
        None: {"read": 1},
        "c:d": {"lost": 1},
    }


def test_channels_are_summed_by_value():
    states = dict.fromkeys(STATES, 0)
    cuts = [
        Cut(None, "a", "2020", 2, {**states, "read": 2}, True),
        Cut(None, "b", "2020", 1, {**states, "lost": 1}, False),
        Cut(None, "a", None, 1, {**states, "open": 1}, True),
    ]
    assert [(cut.value, cut.listed, cut.balanced) for cut in summed(cuts)] == [("2020", 3, False), (None, 1, True)]


def test_what_is_not_there_is_said(windows: Path, tmp_path: Path):
    with pytest.raises(NotAnArchive):
        read_breakdown(tmp_path / "nothing", "year")
    with pytest.raises(KeyError):
        read_breakdown(windows, "year", 7)


# --- the same as a table with constraints


def table(folder: Path) -> duckdb.DuckDBPyConnection:
    """What the index holds, and the account by window, year and set upon it."""
    index(folder)
    made = duckdb.connect()
    made.execute(f"ATTACH '{Layout(folder).index}' AS built (READ_ONLY)")
    for name in ("outcomes", "requests", "windows", "versions", "account"):
        made.execute(f"CREATE TABLE {name} AS SELECT * FROM built.{name}")
    made.execute(Queries("archive.index")["account_cuts_tables"])
    made.execute(Queries("archive.index")["account_cuts_fill"])
    return made


@pytest.mark.parametrize("seed", range(3))
def test_two_engines_count_the_same(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    made, channel, rows = archive_builder.begun(tmp_path, windows=4)
    other = made.ledger.channel("oaipmh:oai_dc:part", "oai_dc", "part")
    for _ in range(60):
        identifier, window = f"oai:x:{dice.randrange(40)}", dice.choice([*(row.window for row in rows), None])
        stamp = dice.choice([None, "never", f"20{dice.randrange(10, 25)}-0{dice.randrange(1, 9)}-01"])
        made.put(answered(dice.choice([channel, other]), window, identifier, dice.choice(STATES[2:]), stamp))
    made.put(archive_builder.answer(channel, rows[0].window, [f"oai:x:{n}" for n in range(0, 40, 3)]))
    made.open_windows([NewWindow(channel, "ListRecords", None, None)])
    made.close()
    with closing(table(tmp_path)) as db:
        found = db.execute(
            "SELECT cut, run, channel, value, listed, read, deleted, absent, moved, forbidden, refused, "
            "lost, open FROM account_cuts"
        ).fetchall()
        assert db.execute(Queries("archive.index")["account_cuts_off"]).fetchall() == []
    expected = [
        (by, cut.run, cut.channel, cut.value, cut.listed, *cut.states.values())
        for by in ("window", "year", "set")
        for cut in read_breakdown(tmp_path, by)
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_row_whose_states_are_not_what_was_listed_cannot_be_written(windows: Path):
    with closing(table(windows)) as db, pytest.raises(duckdb.ConstraintException):
        db.execute("INSERT INTO account_cuts VALUES ('year', NULL, 'a', '2020', 2, 1, 0, 0, 0, 0, 0, 0, 0)")


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE account SET listed = listed + 1 WHERE run IS NULL", ("year", None, "oaipmh:oai_dc", None, 5, 4)),
        ('UPDATE windows SET distinct_ids = 4 WHERE "window" = 1', ("window", 1, "oaipmh:oai_dc", "1", 4, 3)),
    ],
)
def test_a_row_that_is_off_by_one_is_named(windows: Path, statement: str, row: tuple[Any, ...]):
    with closing(table(windows)) as db:
        db.execute(statement)
        assert db.execute(Queries("archive.index")["account_cuts_off"]).fetchall() == [row]
