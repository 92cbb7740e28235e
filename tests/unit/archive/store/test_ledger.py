"""The ledger: what is in a transaction or is not there, states by the last outcome, damage by its digest."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.errors import Busy, Damaged, DiskFailed, DiskFull, NotAnArchive, OtherArchive
from archive.store.layout import FORMAT_VERSION, Layout
from archive.store.ledger import Ledger, NewWindow, WindowCount
from archive.store.snapshots import check_digest, read_only, write_digest

NOW = "2026-03-04T05:06:07Z"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite", create=True)
    yield made
    made.db.close()


@pytest.fixture
def run(ledger: Ledger) -> int:
    return ledger.add_run("oaipmh", "full", {"url": "u"}, {}, NOW).run


def listed(ledger: Ledger, run: int, *states: tuple[str, str], channel: int | None = None, **more: Any) -> None:
    """One list request that settled (identifier, state)."""
    values = {"window": None, "attempt": 1, "state": "read", **more}
    with ledger.transaction():
        ledger.add_request(
            run,
            channel,
            values["window"],
            values["attempt"],
            "u",
            values["state"],
            200,
            None,
            1,
            NOW,
            len(states),
            [(identifier, None, state, None) for identifier, state in states],
        )


def window(ledger: Ledger, run: int, channel: int) -> int:
    with ledger.transaction():
        return ledger.add_windows(run, [NewWindow(channel, "ListRecords", None, None)], NOW)[0].window


# --- files


def test_a_ledger_is_made_once_and_opened_again(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    first = Ledger(path, create=True)
    first.add_run("oaipmh", "full", {}, {}, NOW)
    first.close()
    again = Ledger(path)
    assert again.open_run("oaipmh", "full", {}) is not None
    assert again.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert again.db.execute("PRAGMA synchronous").fetchone() == (2,)
    again.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_a_missing_ledger_is_not_made_in_silence(tmp_path: Path):
    with pytest.raises(Damaged, match="missing"):
        Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(NotAnArchive, match="missing"):
        read_only(tmp_path / "ledger.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_or_nameless_format_is_left_alone(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    made = Ledger(path, create=True)
    made.db.execute("UPDATE meta SET value = ?", (str(FORMAT_VERSION + 1),))
    made.close()
    with pytest.raises(OtherArchive, match=f"format version {FORMAT_VERSION + 1}"):
        Ledger(path)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM meta")
    db.commit()
    db.close()
    with pytest.raises(Damaged):
        Ledger(path)


@pytest.mark.parametrize("body", [b"no database at all, but text\n" * 300, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_damage(tmp_path: Path, body: bytes):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(body)
    for act in (Ledger, read_only):
        with pytest.raises((Damaged, DiskFailed), match=r"ledger\.sqlite"):
            act(path)
    assert path.read_bytes() == body


def test_a_reader_reads_while_a_writer_writes_and_cannot_write(ledger: Ledger, run: int):
    db = read_only(ledger.path)
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    ledger.add_run("oaipmh", "full", {}, {}, NOW)
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    with pytest.raises(sqlite3.OperationalError):
        db.execute("DELETE FROM runs")
    db.close()


# --- transactions and what goes wrong in them


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger, run: int):
    with pytest.raises(TypeError), ledger.transaction():
        ledger.add_request(run, None, None, 1, "u", "read", 200, None, 1, NOW, 1, [("a", None, "read", None), None])  # type: ignore[list-item]
    assert ledger.db.execute("SELECT count(*) FROM requests").fetchone() == (0,)
    listed(ledger, run, ("a", "read"))
    assert ledger.db.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)


def test_a_full_disk_is_said_to_be_full_and_leaves_nothing(ledger: Ledger, run: int):
    listed(ledger, run, ("a", "read"))
    pages = ledger.db.execute("PRAGMA page_count").fetchone()[0]
    ledger.db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(DiskFull, match="free some room"):
        listed(ledger, run, *((f"{n:05d}" * 20, "read") for n in range(1000)))
    assert ledger.db.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)


def test_a_ledger_that_another_process_holds_is_busy(ledger: Ledger, run: int):
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.db.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(Busy):
        ledger.finish_run(run, "complete", NOW)
    other.close()


def test_a_state_that_is_none_is_refused(ledger: Ledger, run: int):
    with pytest.raises(Damaged, match="CHECK"):
        listed(ledger, run, ("a", "vanished"))


# --- runs


def test_the_same_words_resume_and_other_words_begin_anew(ledger: Ledger):
    words = {"url": "u", "set": ["a", "b"]}
    run = ledger.add_run("oaipmh", "full", words, {}, NOW)
    assert ledger.open_run("oaipmh", "full", {"set": ["a", "b"], "url": "u"}) == run
    for spider, mode, arguments in (("idrange", "full", words), ("oaipmh", "census", words), ("oaipmh", "full", {})):
        assert ledger.open_run(spider, mode, arguments) is None
    for state, resumes in (("unfinished", True), ("findings", False), ("complete", False)):
        ledger.finish_run(run.run, state, NOW)
        assert (ledger.open_run("oaipmh", "full", words) is not None) == resumes


def test_the_last_run_is_the_newest_that_ended_whole(ledger: Ledger):
    runs = [
        ledger.add_run("oaipmh", mode, {"url": "u"}, {}, NOW).run for mode in ("full", "incremental", "census", "full")
    ]
    for run, state in zip(runs, ("complete", "findings", "complete", "unfinished"), strict=True):
        ledger.finish_run(run, state, NOW)
    found = ledger.last_run("oaipmh", {"url": "u"}, ("full", "incremental"))
    assert found is not None
    assert (found.run, found.state) == (runs[1], "findings")
    assert ledger.last_run("oaipmh", {"url": "v"}, ("full",)) is None


def test_a_run_that_is_resumed_asks_again_for_what_it_lost(ledger: Ledger, run: int):
    channel = ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    number = window(ledger, run, channel)
    with ledger.transaction():
        ledger.close_window(
            number, state="lost", end="page-lost", count=WindowCount(0, 0), stated=None, pages=0, attempts=3, now=NOW
        )
    ledger.finish_run(run, "unfinished", NOW)
    assert ledger.windows(run, "open") == []
    ledger.reopen_run(run)
    assert [(row.window, row.state, row.attempts) for row in ledger.windows(run, "open")] == [(number, "open", 3)]


def test_the_first_response_date_stays(ledger: Ledger, run: int):
    for date in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"):
        ledger.set_provider_started(run, date)
    found = ledger.open_run("oaipmh", "full", {"url": "u"})
    assert found is not None
    assert found.provider_started == "2026-01-01T00:00:00Z"


SETTLED = [
    ([("a", "read"), ("b", "deleted"), ("c", "absent"), ("d", "moved"), ("e", "forbidden")], "complete"),
    ([], "complete"),
    ([("a", "refused")], "findings"),
    ([("a", "lost")], "unfinished"),
    ([("a", "open")], "unfinished"),
    ([("a", "open"), ("a", "read")], "complete"),
    ([("a", "lost"), ("a", "absent")], "complete"),
    ([("a", "refused"), ("a", "read")], "complete"),
    ([("a", "read"), ("a", "refused")], "findings"),
    ([("a", "read"), ("a", "lost")], "unfinished"),
    ([("a", "lost"), ("a", "refused")], "findings"),
    ([("a", "refused"), ("b", "lost")], "unfinished"),
]


@pytest.mark.parametrize(("outcomes", "state"), SETTLED)
def test_a_run_is_left_in_the_state_of_its_last_outcomes(
    ledger: Ledger, run: int, outcomes: list[tuple[str, str]], state: str
):
    channel = ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    other = ledger.add_run("oaipmh", "full", {"url": "v"}, {}, NOW).run
    listed(ledger, other, ("z", "lost"), channel=channel)
    for outcome in outcomes:
        listed(ledger, run, outcome, channel=channel)
    listed(ledger, other, ("a", "lost"), channel=channel)
    assert ledger.settled_state(run) == state
    assert ledger.settled_state(other) == "unfinished"


def test_an_outcome_of_one_channel_settles_nothing_in_another(ledger: Ledger, run: int):
    one, two = (ledger.channel(f"oaipmh:{name}", name, None) for name in ("oai_dc", "marc21"))
    listed(ledger, run, ("a", "lost"), channel=one)
    listed(ledger, run, ("a", "read"), channel=two)
    assert ledger.settled_state(run) == "unfinished"


@pytest.mark.parametrize(("severity", "state"), [("info", "complete"), ("warning", "findings"), ("error", "findings")])
def test_findings_of_a_run_count_by_their_severity(ledger: Ledger, run: int, severity: str, state: str):
    with ledger.transaction():
        ledger.add_finding(run, "sample", severity, "words", NOW)
    assert ledger.settled_state(run) == state


def test_an_open_window_leaves_a_run_unfinished(ledger: Ledger, run: int):
    channel = ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    number = window(ledger, run, channel)
    for state, left in (("open", "unfinished"), ("lost", "unfinished"), ("split", "complete"), ("done", "complete")):
        with ledger.transaction():
            ledger.close_window(
                number, state=state, end="x", count=WindowCount(0, 0), stated=None, pages=1, attempts=1, now=NOW
            )
        assert ledger.settled_state(run) == left


# --- channels, windows, requests


def test_a_channel_keeps_its_number(ledger: Ledger):
    first = ledger.channel("oaipmh:oai_dc:a", "oai_dc", "a")
    second = ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    assert first != second
    assert ledger.channel("oaipmh:oai_dc:a", "oai_dc", "a") == first


def test_a_window_counts_the_headers_and_identifiers_of_one_attempt(ledger: Ledger, run: int):
    channel = ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    number = window(ledger, run, channel)
    listed(ledger, run, ("a", "read"), ("b", "read"), channel=channel, window=number)
    listed(ledger, run, ("b", "read"), ("c", "deleted"), channel=channel, window=number)
    listed(ledger, run, ("d", "refused"), channel=channel, window=number, state="refused")
    listed(ledger, run, ("e", "read"), channel=channel, window=number, attempt=2)
    listed(ledger, run, channel=channel, window=number)
    assert ledger.count_window(number, 1) == WindowCount(4, 3)
    assert ledger.count_window(number, 2) == WindowCount(1, 1)
    assert ledger.count_window(number, 3) == WindowCount(0, 0)


def test_outcomes_are_numbered_without_gaps_and_a_request_names_its_own(ledger: Ledger, run: int):
    listed(ledger, run, ("a", "read"), ("b", "read"))
    listed(ledger, run)
    listed(ledger, run, ("c", "read"))
    spans = ledger.db.execute("SELECT first_outcome, last_outcome FROM requests ORDER BY request").fetchall()
    assert spans == [(1, 2), (None, None), (3, 3)]
    assert ledger.db.execute("SELECT outcome, request FROM outcomes").fetchall() == [(1, 1), (2, 1), (3, 3)]


def test_the_census_is_what_census_runs_saw(ledger: Ledger, run: int):
    census = ledger.add_run("oaipmh", "census", {}, {}, NOW).run
    listed(ledger, run, ("a", "read"))
    listed(ledger, census, ("b", "read"), ("c", "deleted"), ("d", "lost"))
    found = ledger.db.execute("SELECT run, identifier, deleted FROM census ORDER BY identifier").fetchall()
    assert found == [(census, "b", 0), (census, "c", 1)]


# --- its digest


def test_every_changed_byte_of_a_ledger_at_rest_is_found(tmp_path: Path):
    layout = Layout(tmp_path)
    made = Ledger(layout.ledger, create=True)
    made.add_run("oaipmh", "full", {}, {}, NOW)
    made.close()
    check_digest(layout)  # there is none yet
    write_digest(layout)
    check_digest(layout)
    body = layout.ledger.read_bytes()
    for place in range(0, len(body), 997):
        layout.ledger.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        with pytest.raises(Damaged, match="does not match"):
            check_digest(layout)
    layout.ledger.unlink()
    with pytest.raises(Damaged, match="missing"):
        check_digest(layout)


def test_a_ledger_that_was_not_closed_in_order_is_not_held_to_its_digest(tmp_path: Path):
    layout = Layout(tmp_path)
    made = Ledger(layout.ledger, create=True)
    write_digest(layout)
    made.add_run("oaipmh", "full", {}, {}, NOW)
    check_digest(layout)
    made.db.close()


def test_a_ledger_from_before_there_were_waits_is_read_as_it_is_and_gets_them_when_it_is_written_to(tmp_path: Path):
    Ledger(tmp_path / "ledger.sqlite", create=True).db.execute("DROP TABLE waits")
    reading = read_only(tmp_path / "ledger.sqlite")
    assert reading.execute("SELECT * FROM waits").fetchall() == []
    assert reading.execute("SELECT 1 FROM main.sqlite_schema WHERE name = 'waits'").fetchall() == []
    made = Ledger(tmp_path / "ledger.sqlite")
    run = made.add_run("oaipmh", "full", {}, {}, NOW).run
    with made.transaction():
        made.add_waits(run, [("repository.example", NOW, 2.5, "429, as ordered")])
    query = "SELECT run, host, began, seconds, reason FROM waits"
    waits = read_only(tmp_path / "ledger.sqlite").execute(query).fetchall()
    assert waits == [(run, "repository.example", NOW, 2.5, "429, as ordered")]


def test_a_ledger_from_before_there_was_a_sha512_is_read_as_it_is_and_gets_it_when_it_is_written_to(tmp_path: Path):
    old = Ledger(tmp_path / "ledger.sqlite", create=True)
    old.db.execute("ALTER TABLE shards DROP COLUMN sha512")
    run = old.add_run("oaipmh", "full", {}, {}, NOW).run
    old.db.execute("INSERT INTO shards VALUES (1, '00001.json-seq.zst', ?, 'sealed', 0, 0, 0, 0, 'ab')", (run,))
    old.close()
    query = "SELECT name, sha256, sha512 FROM shards"
    assert read_only(tmp_path / "ledger.sqlite").execute(query).fetchall() == [("00001.json-seq.zst", "ab", None)]
    Ledger(tmp_path / "ledger.sqlite").close()
    reading = read_only(tmp_path / "ledger.sqlite")
    assert reading.execute(query).fetchall() == [("00001.json-seq.zst", "ab", None)]
    assert reading.execute("SELECT 1 FROM pragma_table_info('shards', 'main') WHERE name = 'sha512'").fetchone()
