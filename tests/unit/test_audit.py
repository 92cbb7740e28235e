"""archive/audit.py: the marks of every id, against truths that are known."""

import random
from pathlib import Path

import making
import pytest

from archive import audit
from archive.ledger import NewWindow

STAMP, LATER = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def marks(comparison: audit.Comparison) -> dict[str, str]:
    return {identifier: mark for _, mark, identifier, _ in comparison.lines()}


def test_an_archive_agrees_with_its_own_ledger(tmp_path: Path):
    making.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    with audit.against_ledger(tmp_path / "a") as found:
        report = found.report
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "=", "oai:x:3": "="}
    assert (report.expected, report.held, report.same, report.completeness) == (3, 3, 3, 100.0)
    assert report.balanced
    assert report.complete


def test_what_was_refused_is_missing_and_what_is_absent_is_not_expected(tmp_path: Path):
    writer, channel, (window,) = making.begun(tmp_path / "a")
    writer.put(making.answer(channel, window.window, ["oai:x:1"]))
    for name, state in (("oai:x:2", "refused"), ("oai:x:3", "absent"), ("oai:x:4", "lost"), ("oai:x:1", "refused")):
        writer.put(
            making.answer(
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
    writer, channel, (first, _) = making.begun(tmp_path / "a", windows=2)
    writer.put(making.answer(channel, first.window, ["oai:x:1"]))
    count = writer.count_window(first.window, 1)
    writer.close_window(first.window, state="done", end="list-complete", count=count, stated=None, pages=1, attempts=1)
    writer.finish("unfinished")
    writer.close()
    with audit.against_ledger(tmp_path / "a") as found:
        assert found.report.lost_windows == 1
        assert not found.report.complete


def take_census(folder: Path, rows: list[tuple[str, str, str]]) -> int:
    writer = making.writer(folder)
    writer.begin("oaipmh", "census", {"url": making.URL}, making.SOFTWARE)
    channel = writer.ledger.channel("census:oai_dc", "oai_dc", None)
    (window,) = writer.open_windows([NewWindow(channel, "ListIdentifiers", None, None)])
    outcomes = [(name, stamp, state, None) for name, stamp, state in rows]
    writer.put(making.answer(channel, window.window, [], listed=len(rows), outcomes=outcomes, payload=(), bare=True))
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
    making.ended(tmp_path / "a", pages)
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
    making.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    (tmp_path / "ids.txt").write_text("1\n3\n")
    with audit.against_file(tmp_path / "a", tmp_path / "ids.txt") as found:
        assert marks(found) == {"1": "=", "2": "-", "3": "+"}
    (tmp_path / "full.txt").write_text("oai:x:1\noai:x:1\noai:x:2\n")
    with audit.against_file(tmp_path / "a", tmp_path / "full.txt") as found:
        assert marks(found) == {"oai:x:1": "=", "oai:x:2": "="}
        assert found.report.complete


def test_two_archives_are_compared_by_what_they_hold(tmp_path: Path):
    making.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    making.ended(tmp_path / "b", [["oai:x:2", "oai:x:3"]])
    with audit.against_archive(tmp_path / "a", tmp_path / "b") as found:
        assert marks(found) == {"oai:x:1": "-", "oai:x:2": "=", "oai:x:3": "+"}


def test_no_trace_is_left_in_the_archive(tmp_path: Path):
    making.ended(tmp_path / "a", [["oai:x:1"]])
    before = {path.name for path in (tmp_path / "a").iterdir()}
    with audit.against_ledger(tmp_path / "a"):
        assert {path.name for path in (tmp_path / "a").iterdir()} > before
    # who reads a ledger in WAL mode leaves SQLite's own two files beside it
    assert {path.name for path in (tmp_path / "a").iterdir()} - {"ledger.sqlite-shm", "ledger.sqlite-wal"} == before
