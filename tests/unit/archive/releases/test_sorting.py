"""The records of an archive come each once, in their latest version, sorted; in memory or not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import archive_builder, serving_archive

from archive.errors import CannotDump, Damaged
from archive.releases import sorting
from archive.releases.entries import Entry
from archive.releases.manifest import Selection
from archive.releases.sorting import iter_entries, make_plan
from archive.store.layout import Layout
from archive.store.snapshots import snapshot
from archive.store.writer import ArchiveWriter


def entries(folder: Path, work: Path, form: str = "envelope", **selection: object) -> list[Entry]:
    work.mkdir(exist_ok=True)
    with snapshot(Layout(folder)) as ledger:
        plan = make_plan(ledger, Layout(folder), work, form, Selection(**selection))
    return list(iter_entries(plan, work))


def places(found: list[Entry]) -> list[tuple[bool, str, str]]:
    return [(entry.deleted, entry.identifier, entry.format) for entry in found]


def test_records_come_sorted_then_tombstones_each_once(tmp_path: Path):
    records = serving_archive.many(200)
    folder = serving_archive.harvested(tmp_path / "archive", [records[:80], records[80:]])
    found = places(entries(folder, tmp_path / "work"))
    assert found == sorted((r.deleted, r.identifier, r.format) for r in records)
    assert len(found) == 200


def test_many_buckets_give_what_one_gives_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    records = serving_archive.many(300)
    folder = serving_archive.harvested(
        tmp_path / "archive", [records[n : n + 20] for n in range(0, 300, 20)], shard_bytes=5_000
    )
    whole = entries(folder, tmp_path / "work")
    monkeypatch.setattr(sorting, "BUCKET_BYTES", 5_000)
    monkeypatch.setattr(sorting, "PIECE_BYTES", 7_000)
    with snapshot(Layout(folder)) as ledger:
        plan = make_plan(ledger, Layout(folder), tmp_path / "work", "envelope", Selection())
    assert len(plan.borders) > 10
    assert len(plan.pieces) > 5
    assert list(iter_entries(plan, tmp_path / "work")) == whole
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["tombstones"]


def test_identifiers_are_sorted_by_their_bytes(tmp_path: Path):
    names = ["10", "9", "Z", "a", "é", "\uffee", "\U0001f600", "a:b", "a b"]
    folder = serving_archive.harvested(
        tmp_path / "archive", [[serving_archive.record(name, "2020", "T") for name in names]]
    )
    assert [entry.identifier for entry in entries(folder, tmp_path / "work")] == sorted(names, key=str.encode)


def test_the_version_with_the_newest_datestamp_stays_whatever_came_last(tmp_path: Path):
    versions = [
        serving_archive.record("1", "2024-01-01", "first"),
        serving_archive.record("1", "2026-01-01", "second"),
        serving_archive.record("1", "2025-01-01", "x"),
    ]
    folder = serving_archive.harvested(tmp_path / "archive", [[one] for one in versions])
    [entry] = entries(folder, tmp_path / "work")
    assert entry.datestamp == "2026-01-01"
    assert b'"title":["second"]' in entry.text


def test_a_record_that_was_deleted_is_a_tombstone_and_one_that_came_back_is_none(tmp_path: Path):
    pages = [
        [serving_archive.record("gone", "2020-01-01", "T"), serving_archive.record("back", "2020-01-01", None)],
        [serving_archive.record("gone", "2020-01-02", None), serving_archive.record("back", "2020-01-02", "T")],
    ]
    folder = serving_archive.harvested(tmp_path / "archive", pages)
    assert places(entries(folder, tmp_path / "work")) == [(False, "back", "oai_dc"), (True, "gone", "oai_dc")]


def test_formats_of_one_identifier_are_records_of_their_own(tmp_path: Path):
    page = [serving_archive.record("1", "2020", "T", format_=name) for name in ("oai_dc", "marcxml", "datacite")]
    folder = serving_archive.harvested(tmp_path / "archive", [page])
    assert [e.format for e in entries(folder, tmp_path / "work")] == ["datacite", "marcxml", "oai_dc"]
    assert [e.format for e in entries(folder, tmp_path / "work", formats=("oai_dc",))] == ["oai_dc"]
    with pytest.raises(CannotDump, match="--format x"):
        entries(folder, tmp_path / "work", formats=("oai_dc", "x"))


def test_what_is_selected_is_asked_of_the_latest_version(tmp_path: Path):
    pages = [
        [serving_archive.record("left", "2020-01-01", "T", ["a"]), serving_archive.record("came", "2020-01-01", "T")],
        [serving_archive.record("left", "2021-01-01", "T"), serving_archive.record("came", "2021-01-01", "T", ["a"])],
    ]
    folder = serving_archive.harvested(tmp_path / "archive", pages)
    assert [e.identifier for e in entries(folder, tmp_path / "work", sets=("a",))] == ["came"]
    with pytest.raises(CannotDump, match="--until 2020"):
        entries(folder, tmp_path / "work", until="2020")


def test_a_record_without_text_in_a_form_is_refused_only_when_it_is_taken(tmp_path: Path):
    page = [serving_archive.record("1", "2020", "T"), serving_archive.record("2", "2021", "T", media_type="text/plain")]
    folder = serving_archive.harvested(tmp_path / "archive", [page])
    with pytest.raises(CannotDump, match="inveniordm"):
        entries(folder, tmp_path / "work", "migrator")
    with pytest.raises(CannotDump, match="--set none"):
        entries(folder, tmp_path / "work", "migrator", sets=("none",))
    assert len(entries(folder, tmp_path / "work", "bare")) == 2


def test_an_open_shard_counts_as_far_as_the_ledger_says(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "archive")
    writer.put(archive_builder.answer(channel, window.window, ["a", "b"]))
    writer.commit()
    writer.put(archive_builder.answer(channel, window.window, ["c"]))
    found = entries(tmp_path / "archive", tmp_path / "work")
    writer.close()
    assert [entry.identifier for entry in found] == ["a", "b"]


def test_a_census_and_unchanged_records_add_nothing(tmp_path: Path):
    folder = tmp_path / "archive"
    archive_builder.ended(folder, [["a", "b"]])
    writer: ArchiveWriter = archive_builder.writer(folder)
    writer.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel("census:oai_dc", "oai_dc", None)
    writer.put(archive_builder.answer(channel, None, ["a", "z"], payload=(), bare=True))
    writer.finish("complete")
    writer.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    unchanged = [("b", "2020-01-01T00:00:00Z", "read", "not modified")]
    writer.put(archive_builder.answer(channel, None, ["b"], outcomes=unchanged, payload=(), bare=True))
    writer.finish("complete")
    writer.close()
    assert [entry.identifier for entry in entries(folder, tmp_path / "work")] == ["a", "b"]


def test_a_changed_byte_of_a_shard_is_damage(tmp_path: Path):
    folder = serving_archive.harvested(tmp_path / "archive", [serving_archive.many(20)])
    [path] = (folder / "shards").glob("*.zst")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Damaged):
        entries(folder, tmp_path / "work")


def test_records_of_another_archive_are_damage(tmp_path: Path):
    folder = serving_archive.harvested(
        tmp_path / "archive", [[serving_archive.record(f"{n}", "2020", "T") for n in range(9)]]
    )
    with closing(sqlite3.connect(Layout(folder).ledger)) as ledger, ledger:
        ledger.execute("UPDATE outcomes SET identifier = 'other' WHERE outcome = 4")
    with pytest.raises(Damaged, match=r"record 3: .*shard and ledger"):
        entries(folder, tmp_path / "work")
