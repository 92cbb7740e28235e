"""archive/audits/audit.py: the marks of every id, against truths that are known."""

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder

from archive.audits import audit, sides
from archive.audits.result import Wish
from archive.errors import BadIdFile, StaleIndex
from archive.formats import jsonseq
from archive.index import ledger_copy
from archive.index.build import index
from archive.store import envelope
from archive.store.ledger import NewWindow

STAMP, LATER, LONG_AFTER = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2030-01-01T00:00:00Z"


def marks(comparison: audit.Comparison) -> dict[str, str]:
    return {identifier: mark for _, mark, identifier, _ in comparison.lines()}


def test_an_archive_agrees_with_its_own_ledger(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    with audit.against_ledger(tmp_path / "a") as found:
        report = found.report
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "=", "oai:x:3": "="}
    assert (report.expected, report.held, report.same, report.completeness) == (3, 3, 3, 100.0)
    assert report.balanced
    assert report.complete


def test_what_was_refused_is_missing_and_what_is_absent_is_not_expected(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    for name, state in (("oai:x:2", "refused"), ("oai:x:3", "absent"), ("oai:x:4", "lost"), ("oai:x:1", "refused")):
        writer.put(
            archive_builder.answer(
                channel, window.window, [], state=state, listed=0, outcomes=[(name, None, state, "why")], bare=True
            )
        )
    count = writer.count_window(window.window, 1)
    writer.close_window(window.window, state="done", end="list-complete", count=count, stated=None, pages=1, attempts=1)
    writer.finish("unfinished")
    writer.close()
    with audit.against_ledger(tmp_path / "a") as found:
        # what is held is never erased by a later failure
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "+", "oai:x:4": "+"}
        assert found.report.reasons == {"refused": 1, "lost": 1}
        assert not found.report.complete


def test_a_window_that_is_not_read_is_never_complete(tmp_path: Path):
    writer, channel, (first, _) = archive_builder.begun(tmp_path / "a", windows=2)
    writer.put(archive_builder.answer(channel, first.window, ["oai:x:1"]))
    count = writer.count_window(first.window, 1)
    writer.close_window(first.window, state="done", end="list-complete", count=count, stated=None, pages=1, attempts=1)
    writer.finish("unfinished")
    writer.close()
    with audit.against_ledger(tmp_path / "a") as found:
        assert found.report.lost_windows == 1
        assert not found.report.complete


def take_census(folder: Path, rows: list[tuple[str, str, str]]) -> int:
    writer = archive_builder.writer(folder)
    writer.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel("census:oai_dc", "oai_dc", None)
    (window,) = writer.open_windows([NewWindow(channel, "ListIdentifiers", None, None)])
    outcomes = [(name, stamp, state, None) for name, stamp, state in rows]
    writer.put(
        archive_builder.answer(channel, window.window, [], listed=len(rows), outcomes=outcomes, payload=(), bare=True)
    )
    count = writer.count_window(window.window, 1)
    writer.close_window(window.window, state="done", end="list-complete", count=count, stated=None, pages=1, attempts=1)
    writer.finish("complete")
    run = writer.run_number
    writer.close()
    return run


@pytest.mark.parametrize("seed", range(5))
def test_an_audit_names_exactly_what_was_lost_repeated_deleted_and_changed(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    names = [f"oai:x:{n}" for n in range(300)]
    here = [name for name in names if dice.random() < 0.8]
    pages = [here[n : n + 40] for n in range(0, len(here), 40)] + [here[:20]]  # some come twice
    archive_builder.ended(tmp_path / "a", pages)
    truth, rows = {}, []
    for name in names:
        fate = dice.choice(["same", "same", "changed", "deleted", "gone"])
        if fate != "gone":
            rows.append((name, STAMP if fate == "same" else LATER, "deleted" if fate == "deleted" else "read"))
        if name in here:
            truth[name] = {"same": "=", "changed": "*", "deleted": "*", "gone": "-"}[fate]
        elif fate != "gone":
            truth[name] = "+"
    run = take_census(tmp_path / "a", rows)
    with audit.against_census(tmp_path / "a", "there", tmp_path / "a", run, finished=True) as found:
        assert marks(found) == truth
        report = found.report
    assert report.balanced
    assert report.expected == len(rows)
    assert (report.missing, report.extra) == (list(truth.values()).count("+"), list(truth.values()).count("-"))
    with audit.against_census(tmp_path / "a", "there", tmp_path / "a", run, finished=False) as found:
        assert found.report.unchecked == report.extra
        assert found.report.extra == 0


def test_a_file_of_local_ids_is_compared_with_the_local_parts(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    (tmp_path / "ids.txt").write_text("1\n3\n")
    with audit.against_file(tmp_path / "a", tmp_path / "ids.txt") as found:
        assert marks(found) == {"1": "=", "2": "-", "3": "+"}
    (tmp_path / "full.txt").write_text("oai:x:1\noai:x:1\noai:x:2\n")
    with audit.against_file(tmp_path / "a", tmp_path / "full.txt") as found:
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "="}
        assert found.report.complete


def test_two_archives_are_compared_by_what_they_hold(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    archive_builder.ended(tmp_path / "b", [["oai:x:2", "oai:x:3"]])
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert marks(found) == {"oai:x:1": "-", "oai:x:2": "=", "oai:x:3": "+"}


def test_no_trace_is_left_in_the_archive(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    before = {path.name for path in (tmp_path / "a").iterdir()}
    with audit.against_ledger(tmp_path / "a"):
        assert {path.name for path in (tmp_path / "a").iterdir()} > before
    # who reads a ledger in WAL mode leaves SQLite's own two files beside it
    assert {path.name for path in (tmp_path / "a").iterdir()} - {"ledger.sqlite-shm", "ledger.sqlite-wal"} == before


def truth_of(seed: int, names: list[str]) -> tuple[list[str], list[tuple[str, str, str]], dict[str, str]]:
    """Ids that are held, (id, datestamp, state) of what is there with some of them twice, and the mark of each id."""
    dice = random.Random(seed)
    here = [name for name in names if dice.random() < 0.8]
    truth, rows = {}, []
    for name in names:
        fate = dice.choice(["same", "same", "changed", "deleted", "gone"])
        if fate != "gone":
            row = (name, STAMP if fate == "same" else LATER, "deleted" if fate == "deleted" else "read")
            rows += [row, row] if dice.random() < 0.1 else [row]
        if name in here:
            truth[name] = {"same": "=", "changed": "*", "deleted": "*", "gone": "-"}[fate]
        elif fate != "gone":
            truth[name] = "+"
    dice.shuffle(rows)
    return here, rows, truth


def as_text(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    path = folder / "ids.csv"
    lines = [f'"{name}",{stamp},{str(state == "deleted").lower()}' for name, stamp, state in rows]
    path.write_text("identifier,datestamp,deleted\n" + "\n".join(lines) + "\n")
    return path


def as_json(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    path = folder / "ids.jsonl"
    objects = [{"id": name, "updated": stamp, "status": state} for name, stamp, state in rows]
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    return path


def as_parquet(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    path = folder / "ids.parquet"
    with duckdb.connect() as db:
        db.execute("CREATE TABLE ids (Identifier VARCHAR, datestamp TIMESTAMP, deleted BOOLEAN)")
        values = [[name, stamp.rstrip("Z"), state == "deleted"] for name, stamp, state in rows]
        db.executemany("INSERT INTO ids VALUES (?, ?, ?)", values)
        db.execute(f"COPY ids TO '{path}'")
    return path


@pytest.mark.parametrize("write", [as_text, as_json, as_parquet])
@pytest.mark.parametrize("local", [False, True])
def test_a_file_names_exactly_what_was_lost_repeated_deleted_and_changed(tmp_path: Path, write: Any, local: bool):
    names = [f"oai:x:{n}" for n in range(200)]
    here, rows, truth = truth_of(7, names)
    archive_builder.ended(tmp_path / "a", [here])
    if local:
        rows = [(name.rpartition(":")[2], *rest) for name, *rest in rows]
        truth = {name.rpartition(":")[2]: mark for name, mark in truth.items()}
    with audit.against_file(tmp_path / "a", write(tmp_path, rows)) as found:
        assert marks(found) == truth
        assert found.report.balanced
        assert found.report.twice_there == len(rows) - len({row[0] for row in rows})
        assert sum(found.report.reasons.values()) == found.report.missing
        assert sum(found.report.differences.values()) == found.report.stale
        repeated = {name for name, count in Counter(row[0] for row in rows).items() if count > 1}
        assert {name for side, _, name, _ in found.duplicates() if side == "there"} == repeated


@pytest.mark.parametrize("seed", range(3))
def test_another_archive_names_exactly_what_was_lost_deleted_and_changed(tmp_path: Path, seed: int):
    names = [f"oai:x:{n}" for n in range(200)]
    here, rows, truth = truth_of(seed, names)
    archive_builder.ended(tmp_path / "a", [here])
    writer, channel, (window,) = archive_builder.begun(tmp_path / "b")
    for name, stamp, state in dict.fromkeys(rows):
        deleted = state == "deleted"
        writer.put(
            archive_builder.answer(
                channel,
                window.window,
                [name],
                outcomes=[(name, stamp, state, None)],
                payload=archive_builder.payload([name], datestamp=stamp, deleted=deleted),
            )
        )
    writer.finish("complete")
    writer.close()
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert marks(found) == truth
        assert found.report.balanced


def test_what_is_held_twice_in_one_run_is_said_and_a_new_version_is_no_duplicate(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"], ["oai:x:2"]])
    writer = archive_builder.writer(tmp_path / "a")
    writer.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    (window,) = writer.open_windows([NewWindow(channel, "ListRecords", "2021-01-01", None)])
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    writer.finish("complete")
    writer.close()
    with audit.against_ledger(tmp_path / "a") as found:
        assert list(found.duplicates()) == [("here", "oai_dc", "oai:x:2", 2)]
        assert (found.report.twice_here, found.report.twice_there, found.report.held) == (1, 0, 2)


REASONS = [
    ("oai:x:refused", "refused", STAMP, "read", "refused"),
    ("oai:x:forbidden", "forbidden", STAMP, "read", "forbidden"),
    ("oai:x:lost", "lost", LONG_AFTER, "read", "lost"), ("oai:x:open", "open", STAMP, "deleted", "open"),
    ("oai:x:absent", "absent", STAMP, "read", "absent"), ("oai:x:moved", "moved", STAMP, "read", "moved"),
    ("oai:x:came-back", "absent", LONG_AFTER, "read", "changed since"),
    ("oai:x:tombstone", None, STAMP, "deleted", "deleted"), ("oai:x:new", None, LONG_AFTER, "read", "changed since"),
    ("oai:x:never", None, STAMP, "read", "never listed"),
]  # fmt: skip


def test_every_missing_id_has_its_reason(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    for name, state, *_ in REASONS:
        if state is not None:
            outcomes = [(name, None, state, "why")]
            writer.put(
                archive_builder.answer(channel, window.window, [], state="read", listed=0, outcomes=outcomes, bare=True)
            )
    writer.finish("unfinished")
    writer.close()
    run = take_census(tmp_path / "a", [(name, stamp, state) for name, _, stamp, state, _ in REASONS])
    with audit.against_census(tmp_path / "a", "there", tmp_path / "a", run, finished=True) as found:
        told = {identifier: reason for _, _, identifier, reason in found.lines()}
        assert told == {name: reason for name, *_, reason in REASONS}
        assert found.report.reasons == dict(Counter(told.values()))


DIFFERENCES = [
    ((STAMP, False), (LATER, False), "newer there"), ((LATER, False), (STAMP, False), "older there"),
    ((STAMP, False), (LATER, True), "deleted there"), ((LATER, True), (STAMP, False), "live there"),
    ((STAMP, False), ("2020-01-01", False), None), ((STAMP, False), ("2020-01-01T00:00:00.4+00:00", False), None),
    ((STAMP, False), ("2020-01-01T02:00:00+02:00", False), None),
    ((STAMP, False), ("2020-01-02", False), "newer there"),
    (("yesterday", False), ("yesterday", False), None), (("yesterday", False), ("today", False), "datestamp differs"),
]  # fmt: skip


@pytest.mark.parametrize(("here", "there", "why"), DIFFERENCES)
def test_how_an_id_differs_is_said(tmp_path: Path, here: tuple[str, bool], there: tuple[str, bool], why: str | None):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    stamp, deleted = here
    writer.put(
        archive_builder.answer(
            channel,
            window.window,
            ["oai:x:1"],
            payload=archive_builder.payload(["oai:x:1"], datestamp=stamp, deleted=deleted),
            outcomes=[("oai:x:1", stamp, "deleted" if deleted else "read", None)],
        )
    )
    writer.finish("complete")
    writer.close()
    run = take_census(tmp_path / "a", [("oai:x:1", there[0], "deleted" if there[1] else "read")])
    with audit.against_census(tmp_path / "a", "there", tmp_path / "a", run, finished=True) as found:
        assert [(mark, reason) for _, mark, _, reason in found.lines()] == [("=" if why is None else "*", why)]


def test_content_is_compared_where_both_sides_know_its_digest(tmp_path: Path):
    for name, digest in (("a", "1" * 64), ("b", "2" * 64)):
        writer, channel, (window,) = archive_builder.begun(tmp_path / name)
        how = ("oai_dc", "application/xml", archive_builder.URL, STAMP)
        texts = [
            envelope.encode(one, STAMP, False, (), *how, sha256, {}, "<a/>", ())
            for one, sha256 in (("oai:x:1", digest), ("oai:x:2", "3" * 64))
        ]
        payload = ((b"".join(map(jsonseq.encode, texts)), 2),)
        writer.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2"], payload=payload))
        writer.finish("complete")
        writer.close()
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "="}, "without an index nobody knows"
    index(tmp_path / "a")
    index(tmp_path / "b")
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert [(mark, reason) for _, mark, _, reason in found.lines()] == [("*", "content differs"), ("=", None)]
        assert found.report.balanced
    (tmp_path / "ids.jsonl").write_text(
        json.dumps({"id": "1", "sha256": "4" * 64}) + "\n" + json.dumps({"id": "2", "sha256": "3" * 64}) + "\n"
    )
    with audit.against_file(tmp_path / "a", tmp_path / "ids.jsonl") as found:
        assert marks(found) == {"1": "*", "2": "="}


def test_big_sides_are_compared_in_parts_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = [f"oai:x:{n}" for n in range(300)]
    here, rows, truth = truth_of(1, names)
    archive_builder.ended(tmp_path / "a", [here])
    monkeypatch.setattr(sides, "PART_ROWS", 40)
    monkeypatch.setattr(sides, "BATCH_ROWS", 30)
    monkeypatch.setattr(ledger_copy, "PIECE_ROWS", 50)
    with audit.against_file(tmp_path / "a", as_text(tmp_path, rows)) as found:
        assert marks(found) == truth
        assert found.report.balanced


def test_the_numbers_by_group_add_up_to_the_whole(tmp_path: Path):
    writer, channel, windows = archive_builder.begun(tmp_path / "a", windows=2)
    for window, name in zip(windows, ("oai:x:1", "oai:x:2"), strict=True):
        writer.put(archive_builder.answer(channel, window.window, [name]))
    writer.finish("complete")
    writer.close()
    index(tmp_path / "a")
    (tmp_path / "ids.csv").write_text("id,updated\n1,2020-01-01\n3,2001-06-01\n4,\n")
    wish = Wish(("set", "window", "year"))
    with audit.against_file(tmp_path / "a", tmp_path / "ids.csv", wish) as found:
        by = found.report.by
    of_windows = {row["group"]: (row["same"], row["missing"], row["extra"]) for row in by["window"]}
    assert of_windows == {
        "window 1: 2000-01-01..": (1, 0, 0),
        "window 2: 2001-01-01..": (0, 1, 1),
        "no window": (0, 1, 0),
    }
    assert {row["group"]: row["expected"] for row in by["set"]} == {"a": 1, "a:b": 1, "not known": 2}
    assert sum(row["expected"] for row in by["year"]) == found.report.expected


def test_groups_of_which_only_the_index_knows_need_it(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    with pytest.raises(StaleIndex), audit.against_ledger(tmp_path / "a", Wish(("year",))):
        pass


def test_a_total_that_was_said_again_to_a_second_look_counts_once(tmp_path: Path):
    writer, channel, (first, tail) = archive_builder.begun(tmp_path / "a", windows=2)
    for window, end in ((first, "list-complete"), (tail, "bounds ignored")):
        writer.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2"]))
        count = writer.count_window(window.window, 1)
        writer.close_window(window.window, state="done", end=end, count=count, stated=2, pages=1, attempts=1)
    writer.finish("complete")
    writer.close()
    with audit.against_ledger(tmp_path / "a") as found:
        assert found.report.findings == ()
        assert [(total.stated, total.counted) for total in found.report.totals] == [(2, 2)]


def test_a_total_that_disagrees_keeps_both_sides_from_being_complete(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    (tmp_path / "ids").write_text("1\n")
    with audit.against_file(tmp_path / "a", tmp_path / "ids", Wish(stated=(("doi", 1, None),))) as found:
        assert found.report.complete
    with audit.against_file(tmp_path / "a", tmp_path / "ids", Wish(stated=(("doi", 2, None),))) as found:
        assert not found.report.complete
        assert [(one.code, one.expected, one.found) for one in found.report.findings] == [("total-differs", 2, 1)]
    with audit.against_file(tmp_path / "a", tmp_path / "ids", Wish(stated=(("then", 2, "2020"),))) as found:
        assert found.report.complete, "what was counted long ago informs"
        assert [one.code for one in found.report.findings] == ["total-was"]


def test_an_account_that_does_not_balance_is_said(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    with closing(sqlite3.connect(tmp_path / "a" / "ledger.sqlite")) as ledger:
        ledger.execute("UPDATE requests SET listed = 3")
        ledger.commit()
    with audit.against_ledger(tmp_path / "a") as found:
        assert not found.report.balanced
        assert not found.report.complete


def test_a_parquet_file_with_a_row_that_names_no_id_is_refused(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    path = tmp_path / "ids.parquet"
    duckdb.execute(f"COPY (SELECT unnest(['1', '2', NULL]) AS id) TO '{path}'")
    with pytest.raises(BadIdFile), audit.against_file(tmp_path / "a", path):
        pass


def test_an_index_counts_although_a_census_was_taken_since_and_not_when_records_came(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    index(tmp_path / "a")
    run = take_census(tmp_path / "a", [("oai:x:1", STAMP, "read")])
    wish = Wish(("set",))
    with audit.against_census(tmp_path / "a", "there", tmp_path / "a", run, finished=True, wish=wish) as found:
        assert {row["group"] for row in found.report.by["set"]} == {"a", "a:b"}
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:2"]))
    writer.finish("complete")
    writer.close()
    with pytest.raises(StaleIndex), audit.against_ledger(tmp_path / "a", wish):
        pass


def test_a_target_that_names_nothing_proves_nothing(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    archive_builder.ended(tmp_path / "b", [])
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert (found.report.expected, found.report.completeness, found.report.complete) == (0, 0.0, False)
    with audit.against_archive(tmp_path / "b", tmp_path / "b") as found:
        assert (found.report.completeness, found.report.complete) == (0.0, False)
