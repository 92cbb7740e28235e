"""The writer: nothing counts before it is durable, and what counts adds up."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from archive.disk import durable
from archive.errors import ArchiveError, Busy, Damaged, DiskFailed, DiskFull, OtherArchive
from archive.findings import Finding
from archive.integrity.verify import verify
from archive.store import shards
from archive.store.layout import read_description
from archive.store.ledger import NewWindow, WindowCount
from archive.store.quarantine import RefusedBody
from archive.store.writer import GROUP_BYTES, Answer, ArchiveWriter

PAGES = [["a", "b", "c"], ["d"], [], ["e", "f"]]


def test_what_was_put_is_in_the_archive_once_and_the_sums_agree(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", PAGES)
    archive_builder.check(tmp_path / "x")
    assert [r.identifier for _, _, r in archive_builder.stored(tmp_path / "x")] == ["a", "b", "c", "d", "e", "f"]
    assert archive_builder.rows(tmp_path / "x", "SELECT state, finished FROM runs") == [
        ("complete", "2026-03-04T05:06:07Z")
    ]


def test_an_answer_counts_only_after_its_commit(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    assert archive_builder.rows(tmp_path / "x", "SELECT count(*) FROM outcomes") == [(0,)]
    writer.commit()
    assert archive_builder.rows(tmp_path / "x", "SELECT count(*) FROM outcomes") == [(1,)]
    assert [r.identifier for _, _, r in archive_builder.stored(tmp_path / "x")] == ["a"]
    writer.put(archive_builder.answer(channel, window.window, ["a", "b"]))
    assert writer.count_window(window.window, 1) == WindowCount(3, 2)
    writer.close()
    archive_builder.check(tmp_path / "x")


def test_several_answers_share_a_frame_and_a_large_page_takes_several(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    for page in PAGES:
        writer.put(archive_builder.answer(channel, window.window, page))
    writer.commit()
    filler = "x" * (shards.FRAME_BYTES // 3)
    big = [piece for i in "ghijkl" for piece in archive_builder.payload([i], filler=filler)]
    writer.put(archive_builder.answer(channel, window.window, list("ghijkl"), payload=big))
    writer.commit()
    writer.close()
    archive_builder.check(tmp_path / "x")
    frames = archive_builder.rows(tmp_path / "x", "SELECT records, first_outcome, last_outcome FROM frames")
    assert frames == [(6, 1, 6), (2, 7, 8), (2, 9, 10), (2, 11, 12)]


def test_outcomes_without_records_take_no_place_in_a_frame(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    mixed = [
        (i, None, state, None) for i, state in zip("abcde", ("absent", "read", "moved", "deleted", "lost"), strict=True)
    ]
    writer.put(
        archive_builder.answer(
            channel, window.window, [], listed=5, outcomes=mixed, payload=archive_builder.payload(["b", "d"])
        )
    )
    writer.close()
    archive_builder.check(tmp_path / "x")
    assert archive_builder.rows(tmp_path / "x", "SELECT records, first_outcome, last_outcome FROM frames") == [
        (2, 2, 4)
    ]


def test_a_census_needs_no_shard(tmp_path: Path):
    writer = archive_builder.writer(tmp_path / "x")
    writer.begin("oaipmh", "census", {}, {})
    channel = writer.ledger.channel("census:oai_dc", "oai_dc", None)
    writer.put(archive_builder.answer(channel, None, ["a", "b"], payload=(), bare=True))
    writer.finish("complete")
    writer.close()
    archive_builder.check(tmp_path / "x")
    assert archive_builder.rows(tmp_path / "x", "SELECT identifier FROM census") == [("a",), ("b",)]
    assert list((tmp_path / "x" / "shards").iterdir()) == []


def test_a_shard_is_sealed_when_it_is_full_and_the_next_one_begun(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", [[str(n)] for n in range(9)], shard_bytes=400)
    archive_builder.check(tmp_path / "x")
    shards_ = archive_builder.rows(tmp_path / "x", "SELECT name, state, records FROM shards")
    assert len(shards_) > 2
    assert shards_[0][:2] == ("00001.json-seq.zst", "sealed")
    assert sum(records for _, _, records in shards_) == 9


def test_a_group_is_due_by_its_size_or_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    assert not writer.due
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    assert not writer.due
    with monkeypatch.context() as patch:
        patch.setattr("archive.store.writer.GROUP_SECONDS", 0.0)
        assert writer.due
    writer.commit()
    assert not writer.due
    writer.put(
        archive_builder.answer(
            channel, window.window, ["b"], payload=archive_builder.payload(["b"], filler="x" * GROUP_BYTES)
        )
    )
    assert writer.due
    writer.close()


def test_waits_are_written_with_the_next_commit_also_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    first, second = (
        ("a.example", "2026-03-04T05:06:07Z", 2.0, "429"),
        ("b.example", "2026-03-04T05:06:09Z", 1.5, "pace"),
    )
    writer.wait()
    writer.wait(first)
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    assert archive_builder.rows(tmp_path / "x", "SELECT count(*) FROM waits") == [(0,)]
    writer.commit()
    assert archive_builder.rows(tmp_path / "x", "SELECT run, host, began, seconds, reason FROM waits") == [(1, *first)]
    assert not writer.due
    writer.wait(second)
    monkeypatch.setattr("archive.store.writer.GROUP_SECONDS", 0.0)
    assert writer.due
    writer.commit()
    assert archive_builder.rows(tmp_path / "x", "SELECT host, wait FROM waits") == [("a.example", 1), ("b.example", 2)]
    writer.close()
    archive_builder.check(tmp_path / "x")


def test_a_window_ends_and_its_parts_open_together(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    parts = [
        NewWindow(channel, "ListRecords", "2000-01-01", "2000-06-01"),
        NewWindow(channel, "ListRecords", "2000-06-02", None),
    ]
    rows = writer.close_window(
        window.window,
        state="split",
        end="too-large",
        count=WindowCount(0, 0),
        stated=9,
        pages=1,
        attempts=1,
        children=parts,
        channel=channel,
        notes=[Finding("sample", "info", "words", "a", 1, 2)],
    )
    assert [(row.parent, row.from_, row.until) for row in rows] == [(window.window, p.from_, p.until) for p in parts]
    assert writer.ledger.windows(writer.run_number, "open") == rows
    found = archive_builder.rows(
        tmp_path / "x", "SELECT code, channel, window, identifier, expected, found FROM findings"
    )
    assert found == [("sample", channel, window.window, "a", 1, 2)]
    writer.close()


def test_a_refused_body_is_kept_and_named(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    for number in range(2):
        refused = RefusedBody("u", 200, (), b"<%d" % number, "t", "cut short")
        writer.put(
            archive_builder.answer(channel, window.window, [], refused=refused, refused_identifier=f"oai:x:{number}")
        )
    writer.close()
    archive_builder.check(tmp_path / "x")
    kept = archive_builder.rows(tmp_path / "x", "SELECT identifier, name, bytes FROM quarantine")
    assert kept == [("oai:x:0", "000001", 2), ("oai:x:1", "000002", 2)]
    assert (tmp_path / "x" / "quarantine" / "000002.body").read_bytes() == b"<1"


# --- again, and others


def test_the_same_words_go_on_and_a_finished_run_is_not_opened_again(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    writer.close()
    writer = archive_builder.writer(tmp_path / "x")
    assert writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    assert [row.window for row in writer.ledger.windows(writer.run_number, "open")] == [window.window]
    writer.finish("complete")
    writer.close()
    writer = archive_builder.writer(tmp_path / "x")
    assert not writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    writer.close()
    archive_builder.check(tmp_path / "x")


def test_an_archive_of_another_source_is_left_alone(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", PAGES)
    with pytest.raises(OtherArchive, match="not of https://other"):
        ArchiveWriter(tmp_path / "x", {"url": "https://other.example", "hosts": ["other.example"]}, {})
    ArchiveWriter(tmp_path / "x", {"url": "u", "hosts": ["other.example", "repository.example"]}, {}).close()
    archive_builder.check(tmp_path / "x")
    assert read_description(tmp_path / "x")["source"] == archive_builder.SOURCE


def test_a_second_writer_is_told_and_leaves(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    with pytest.raises(Busy):
        archive_builder.writer(tmp_path / "x")
    writer.close()
    archive_builder.check(tmp_path / "x")
    archive_builder.writer(tmp_path / "x").close()


def test_a_writer_that_cannot_open_lets_go(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", PAGES)
    ledger = tmp_path / "x" / "ledger.sqlite"
    body = ledger.read_bytes()
    ledger.write_bytes(body[:-1] + b"!")
    for _ in range(2):  # not Busy the second time
        with pytest.raises(Damaged, match="does not match"):
            archive_builder.writer(tmp_path / "x")
    ledger.write_bytes(body)
    archive_builder.writer(tmp_path / "x").close()
    ledger.unlink()
    with pytest.raises(ArchiveError, match="missing"):
        archive_builder.writer(tmp_path / "x")


def test_a_run_that_asked_for_nothing_is_taken_back_and_so_is_its_archive(tmp_path: Path):
    for begins in (True, False):
        writer = archive_builder.writer(tmp_path / "x")
        if begins:
            writer.begin("oaipmh", "full", {}, {})
        writer.withdraw()
        assert list(tmp_path.iterdir()) == []


def test_a_run_that_only_waited_is_taken_back(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", PAGES)
    writer = archive_builder.writer(tmp_path / "x")
    writer.begin("oaipmh", "full", {"url": "another"}, archive_builder.SOFTWARE)
    writer.wait(("a.example", "2026-03-04T05:06:07Z", 2.0, "429"))
    writer.commit()
    writer.withdraw()
    assert archive_builder.rows(tmp_path / "x", "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM waits)") == [
        (1, 0)
    ]
    archive_builder.check(tmp_path / "x")


def test_withdrawing_takes_nothing_from_an_archive_that_was_there(tmp_path: Path):
    archive_builder.ended(tmp_path / "x", PAGES)
    writer = archive_builder.writer(tmp_path / "x")
    writer.begin("oaipmh", "census", {}, {})
    writer.withdraw()
    archive_builder.check(tmp_path / "x")
    assert archive_builder.rows(tmp_path / "x", "SELECT mode FROM runs") == [("full",)]
    assert len(archive_builder.stored(tmp_path / "x")) == 6


def test_withdrawing_after_a_window_was_opened_is_closing(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    writer.withdraw()
    archive_builder.check(tmp_path / "x")
    assert [r.identifier for _, _, r in archive_builder.stored(tmp_path / "x")] == ["a"]


def test_records_that_the_ledger_did_not_count_are_cut_off_and_said(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    writer.commit()
    writer.abandon()
    file = tmp_path / "x" / "shards" / "00001.json-seq.zst.open"
    file.write_bytes(file.read_bytes() + b"torn")
    writer = archive_builder.writer(tmp_path / "x")
    assert len(writer.torn) == 1
    writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    writer.close()
    archive_builder.check(tmp_path / "x")
    ((message,),) = archive_builder.rows(tmp_path / "x", "SELECT message FROM findings WHERE code = 'torn-tail'")
    assert "00001.json-seq.zst: 4 bytes" in message


# --- failures


def failing_write(*_: Any) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def full_ledger(point: str) -> None:
    if point == "ledger-committing":
        raise sqlite3.OperationalError("database or disk is full")


def of_one_page(writer: ArchiveWriter, channel: int, window: int) -> Answer:
    return archive_builder.answer(channel, window, ["b"])


def of_two_frames(writer: ArchiveWriter, channel: int, window: int) -> Answer:
    big = [piece for i in "bc" for piece in archive_builder.payload([i], filler="x" * shards.FRAME_BYTES)]
    return archive_builder.answer(channel, window, ["b", "c"], payload=big)


@pytest.mark.parametrize("where", ["shard", "ledger"])
@pytest.mark.parametrize("page", [of_one_page, of_two_frames])
def test_after_a_failure_nothing_more_is_taken_counted_or_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, page: Callable[..., Answer]
):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "x")
    writer.put(archive_builder.answer(channel, window.window, ["a"]))
    writer.commit()
    with monkeypatch.context() as patch:
        if where == "shard":
            patch.setattr(os, "write", failing_write)
        else:
            patch.setattr(durable, "watch", full_ledger)
        with pytest.raises(DiskFull):
            [writer.put(page(writer, channel, window.window)), writer.commit()]
    for act in (writer.commit, lambda: writer.finish("complete"), lambda: writer.put(page(writer, channel, 1))):
        with pytest.raises(DiskFailed, match="run the same command again"):
            act()
    writer.close()
    assert archive_builder.rows(tmp_path / "x", "SELECT identifier FROM outcomes") == [("a",)]
    archive_builder.writer(tmp_path / "x").close()
    archive_builder.check(tmp_path / "x")
    assert [r.identifier for _, _, r in archive_builder.stored(tmp_path / "x")] == ["a"]


def test_outcomes_and_records_that_do_not_match_are_never_written(tmp_path: Path):
    for payload in ((), archive_builder.payload(["a"]), archive_builder.payload(["a", "b", "c"])):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        writer, channel, (window,) = archive_builder.begun(folder)
        writer.put(archive_builder.answer(channel, window.window, ["a", "b"], payload=payload))
        with pytest.raises(AssertionError):
            writer.commit()
        writer.close()
        archive_builder.writer(folder).close()
        archive_builder.check(folder)
        assert archive_builder.stored(folder) == []


def test_what_is_refused_in_the_same_words_is_kept_once_and_named_for_each(tmp_path: Path):
    writer, channel, _ = archive_builder.begun(tmp_path / "a")
    for number, (status, body) in enumerate([(406, b"no"), (406, b"no"), (406, b"not"), (200, b"no"), (200, b"no")]):
        refused = RefusedBody(f"u{number}", status, (), body, writer.now(), "no")
        writer.put(
            archive_builder.answer(
                channel,
                None,
                [str(number)],
                payload=(),
                bare=True,
                state="refused",
                refused=refused,
                refused_identifier=str(number),
                outcomes=[(str(number), None, "refused", "no")],
            )
        )
    writer.commit()
    writer.close()
    rows = archive_builder.rows(tmp_path / "a", "SELECT identifier, name FROM quarantine ORDER BY quarantine")
    assert rows == [("0", "000001"), ("1", "000001"), ("2", "000002"), ("3", "000003"), ("4", "000004")]
    assert len(list((tmp_path / "a" / "quarantine").iterdir())) == 8
    report = verify(tmp_path / "a")
    assert (report.refused, report.problems) == (4, [])
