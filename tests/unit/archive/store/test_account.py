"""The account: states by the last outcome, everything counted twice, and the row that is off named."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from archive.errors import NotAnArchive
from archive.findings import Finding
from archive.store.accounting import STATES, read_account, read_off
from archive.store.layout import Layout
from archive.store.snapshots import snapshot

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", PAGES)
    return tmp_path / "archive"


def changed(folder: Path, statement: str, *values: Any) -> None:
    """Write to the ledger behind everybody's back."""
    with closing(sqlite3.connect(Layout(folder).ledger)) as db, db:
        db.execute(statement, values)


def outcome(identifier: str, state: str, reason: str | None = None) -> tuple[str, None, str, str | None]:
    return (identifier, None, state, reason)


def single(channel: int, window: int, identifier: str, state: str) -> Any:
    """The answer to a request for one record, which brought none."""
    return archive_builder.answer(
        channel,
        window,
        [],
        url=f"{archive_builder.URL}?verb=GetRecord",
        state=state,
        listed=0,
        outcomes=[outcome(identifier, state)],
        payload=(),
    )


def test_what_a_harvest_read_is_listed_and_balanced(archive: Path):
    account = read_account(archive)
    assert (account.listed, account.states["read"], account.balanced, account.complete) == (3, 3, True, True)
    assert tuple(account.states) == STATES
    [channel] = account.channels
    assert (channel.channel, channel.listed, channel.balanced) == ("oaipmh:oai_dc", 3, True)
    assert read_account(archive, 1).states == account.states


@pytest.mark.parametrize(
    ("statement", "table", "row"),
    [
        ("UPDATE requests SET listed = listed + 1 WHERE request = 1", "requests", "1"),
        ("UPDATE requests SET listed = 0 WHERE request = 2", "requests", "2"),
        ("UPDATE requests SET last_outcome = last_outcome + 1 WHERE request = 1", "requests", "1"),
        ("DELETE FROM outcomes WHERE outcome = 3", "requests", "2"),
        ("UPDATE outcomes SET request = 2 WHERE outcome = 1", "outcomes", "1"),
        ("INSERT INTO outcomes VALUES (4, 2, 'oai:x:4', NULL, 'read', NULL)", "outcomes", "4"),
        ("UPDATE windows SET listed = listed - 1", "windows", "1"),
        ("UPDATE windows SET distinct_ids = distinct_ids + 1", "windows", "1"),
        ("UPDATE frames SET records = records + 1 WHERE frame = 1", "frames", "00001.json-seq.zst/1"),
        ("UPDATE frames SET last_outcome = 3 WHERE frame = 0", "frames", "00001.json-seq.zst/0"),
        ("UPDATE outcomes SET state = 'absent' WHERE outcome = 2", "frames", "00001.json-seq.zst/0"),
        ("UPDATE shards SET records = records - 1", "shards", "00001.json-seq.zst"),
        ("UPDATE shards SET frames = frames + 1", "shards", "00001.json-seq.zst"),
        ("DELETE FROM frames WHERE frame = 1", "shards", "00001.json-seq.zst"),
    ],
)
def test_a_row_that_is_off_by_one_is_named(archive: Path, statement: str, table: str, row: str):
    assert read_account(archive).balanced
    changed(archive, statement)
    account = read_account(archive)
    assert not account.balanced
    assert (table, row) in [(off.table, off.row) for off in account.off]
    assert not read_account(archive, 1).balanced


@pytest.mark.parametrize(
    ("statement", "first", "second"),
    [
        ("UPDATE requests SET listed = listed + 1 WHERE request = 3", [], ["3"]),
        ("UPDATE frames SET records = records + 1 WHERE shard = 2", [], ["00002.json-seq.zst/0", "00002.json-seq.zst"]),
        ("UPDATE outcomes SET request = 2 WHERE outcome = 4", ["4"], ["3"]),
        ("UPDATE outcomes SET request = 3 WHERE outcome = 3", ["2"], []),
        ("UPDATE windows SET distinct_ids = 0", ["1"], []),
    ],
)
def test_a_run_is_out_of_balance_by_its_own_rows_only(
    archive: Path, statement: str, first: list[str], second: list[str]
):
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    made.put(archive_builder.answer(made.ledger.channel(*archive_builder.CHANNEL), None, ["oai:x:4"]))
    made.finish("complete")
    made.close()
    with snapshot(Layout(archive)) as ledger:
        assert read_off(ledger, 1) == read_off(ledger, 2) == ()
    changed(archive, statement)
    with snapshot(Layout(archive)) as ledger:
        assert [[off.row for off in read_off(ledger, run)] for run in (1, 2)] == [first, second]


def test_only_the_channel_of_a_wrong_row_is_out_of_balance(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    other = made.ledger.channel("oaipmh:other", "other", None)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.put(archive_builder.answer(other, None, ["oai:x:1"]))
    made.close()
    changed(tmp_path, "UPDATE requests SET listed = 2 WHERE channel = ?", other)
    balanced = {channel.channel: channel.balanced for channel in read_account(tmp_path).channels}
    assert balanced == {"oaipmh:oai_dc": True, "oaipmh:other": False}


def test_the_last_outcome_of_an_id_is_its_state(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    names = archive_builder.answer(
        channel,
        window.window,
        [],
        url=f"{archive_builder.URL}?verb=ListIdentifiers",
        listed=3,
        bare=True,
        payload=(),
        outcomes=[outcome(f"oai:x:{n}", "open") for n in range(3)],
    )
    made.put(names)
    made.put(
        archive_builder.answer(
            channel, window.window, ["oai:x:0"], url=f"{archive_builder.URL}?verb=GetRecord", listed=0
        )
    )
    made.put(single(channel, window.window, "oai:x:1", "lost"))
    made.put(single(channel, window.window, "oai:x:1", "refused"))
    made.close()
    account = read_account(tmp_path)
    assert account.balanced
    assert not account.complete
    assert account.listed == 3
    assert {state: count for state, count in account.states.items() if count} == {"read": 1, "refused": 1, "open": 1}


def test_the_archive_stands_as_its_last_harvest_left_it(archive: Path):
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    later = "2021-01-01T00:00:00Z"
    tombstone = archive_builder.payload(["oai:x:1"], datestamp=later, deleted=True)
    outcomes = [("oai:x:1", later, "deleted", None)]
    gone = archive_builder.answer(channel, None, ["oai:x:1"], outcomes=outcomes, payload=tombstone)
    made.put(gone)
    made.finish("complete")
    made.close()
    first, second, whole = (read_account(archive, run) for run in (1, 2, None))
    assert first.states["read"] == 3
    assert (second.listed, second.states["deleted"]) == (1, 1)
    assert (whole.listed, whole.states["read"], whole.states["deleted"]) == (3, 2, 1)
    assert all(account.balanced and account.complete for account in (first, second, whole))


def test_a_census_is_an_account_of_its_own(archive: Path):
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("census:oai_dc", "oai_dc", None)
    made.put(archive_builder.answer(channel, None, ["oai:x:1", "oai:x:9"], payload=(), bare=True))
    made.finish("complete")
    made.close()
    assert read_account(archive).listed == 3
    census = read_account(archive, 2)
    assert (census.listed, census.channels[0].channel, census.balanced) == (2, "census:oai_dc", True)


def test_it_can_be_read_while_a_harvest_writes(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    for number in range(3):
        made.put(archive_builder.answer(channel, window.window, [f"oai:x:{number}"]))
        made.commit()
        account = read_account(tmp_path)
        assert (account.listed, account.balanced, account.complete) == (number + 1, True, False)
    made.close()


@pytest.mark.parametrize(("code", "complete"), [("list-size-differs", False), ("record-without-metadata", True)])
def test_a_total_that_disagrees_keeps_it_from_complete(tmp_path: Path, code: str, complete: bool):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    count = made.count_window(window.window, 1)
    made.close_window(
        window.window,
        state="done",
        end="empty-token",
        count=count,
        stated=2,
        pages=1,
        attempts=1,
        notes=[Finding(code, "warning", "a sentence")],
    )
    made.finish("findings")
    made.close()
    account = read_account(tmp_path)
    assert (account.balanced, account.complete) == (True, complete)


def test_nothing_harvested_is_balanced_and_not_complete(tmp_path: Path):
    archive_builder.writer(tmp_path).close()
    account = read_account(tmp_path)
    assert (account.listed, account.balanced, account.complete) == (0, True, False)


def test_an_archive_or_run_that_is_not_there_is_said(archive: Path, tmp_path: Path):
    with pytest.raises(NotAnArchive):
        read_account(tmp_path / "nothing")
    with pytest.raises(KeyError):
        read_account(archive, 7)
