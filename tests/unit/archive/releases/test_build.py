"""A release says what it was made of, is refused where it cannot be, and appears whole."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support import archive_builder, dump_builder, serving_archive

from archive.disk.durable import WORK, staged
from archive.errors import Busy, CannotDump, Damaged, NotAnArchive
from archive.releases import assembly
from archive.releases.build import write_release
from archive.releases.entries import Entry
from archive.releases.manifest import Making, Selection, is_release, read_manifest
from archive.store.layout import Layout, read_description

RECORDS = [serving_archive.record(f"oai:x:{n:02d}", f"2020-01-{n + 1:02d}", "T" * n, ["a"]) for n in range(12)]
GONE = serving_archive.record("oai:x:99", "2020-02-01", None)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return serving_archive.harvested(tmp_path / "archive", [[*RECORDS[6:], GONE], RECORDS[:6]])


def test_a_release_says_what_it_holds_and_what_it_was_made_of(archive: Path, tmp_path: Path):
    manifest = dump_builder.released(archive, tmp_path / "out")
    dump_builder.check(tmp_path / "out")
    content = manifest.content
    assert (content.records, content.tombstones, content.identifiers) == (12, 1, 13)
    assert content.by_format == {"oai_dc": {"records": 12, "tombstones": 1}}
    first, *_, last = content.parts
    assert (first.first.identifier, first.earliest, first.latest) == ("oai:x:00", "2020-01-01", "2020-01-12")
    assert (last.kind, last.first.identifier) == ("tombstones", "oai:x:99")
    assert first.frames > 3
    assert manifest.account == {
        "listed": 13,
        "read": 12,
        "deleted": 1,
        "absent": 0,
        "moved": 0,
        "forbidden": 0,
        "refused": 0,
        "lost": 0,
        "open": 0,
        "balanced": True,
        "complete": True,
    }
    assert manifest.source == archive_builder.SOURCE
    assert manifest.archive["id"] == read_description(archive)["id"]
    [run] = manifest.runs
    assert (run["spider"], run["state"], run["records"], run["software"]) == (
        "oaipmh",
        "complete",
        13,
        archive_builder.SOFTWARE,
    )


def test_nothing_but_the_release_is_left(archive: Path, tmp_path: Path):
    dump_builder.released(archive, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "out"}
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_parts_have_no_more_records_and_bytes_than_they_may(archive: Path, tmp_path: Path):
    by_records = dump_builder.released(archive, tmp_path / "records", part_records=5).content.parts
    assert [part.records for part in by_records] == [5, 5, 2, 1]
    by_bytes = dump_builder.released(archive, tmp_path / "bytes", part_bytes=900).content.parts
    assert max(part.bytes for part in by_bytes) <= 900
    assert len(by_bytes) > 3
    dump_builder.check(tmp_path / "bytes")


def test_an_open_run_is_said_and_does_not_keep_anyone_from_a_release(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "archive")
    writer.put(archive_builder.answer(channel, window.window, ["a", "b"]))
    writer.commit()
    manifest = dump_builder.released(tmp_path / "archive", tmp_path / "out")
    writer.close()
    assert manifest.account["complete"] is False
    assert [run["state"] for run in manifest.runs] == ["open"]


def test_an_account_that_does_not_balance_is_not_published(archive: Path, tmp_path: Path):
    with closing(sqlite3.connect(Layout(archive).ledger)) as ledger, ledger:
        ledger.execute("UPDATE requests SET last_outcome = last_outcome - 1 WHERE request = 1")
    with pytest.raises(Damaged, match="does not balance"):
        write_release(archive, tmp_path / "out", dump_builder.options())
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_an_archive_without_records_is_no_release(tmp_path: Path):
    writer, *_ = archive_builder.begun(tmp_path / "archive")
    writer.close()
    with pytest.raises(CannotDump, match="no records"):
        write_release(tmp_path / "archive", tmp_path / "out", dump_builder.options())
    with pytest.raises(NotAnArchive):
        write_release(tmp_path / "none", tmp_path / "out", dump_builder.options())


def test_a_selection_of_nothing_is_no_release(archive: Path, tmp_path: Path):
    with pytest.raises(CannotDump, match="--set none"):
        dump_builder.released(archive, tmp_path / "out", sets=("none",))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_there_is_never_written_over(archive: Path, tmp_path: Path, make: object):
    make(tmp_path / "out")
    with pytest.raises(CannotDump, match="there already"):
        write_release(archive, tmp_path / "out", dump_builder.options())
    with pytest.raises(CannotDump, match="no folder"):
        write_release(archive, tmp_path / "none" / "out", dump_builder.options())


def test_arguments_name_no_folder_of_the_machine(tmp_path: Path):
    writer = archive_builder.writer(tmp_path / "archive")
    writer.begin("idrange", "full", {"ids": f"@{tmp_path}/ids.txt", "prefix": ["a"]}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    writer.put(archive_builder.answer(channel, None, ["a"]))
    writer.finish("complete")
    writer.close()
    manifest = dump_builder.released(tmp_path / "archive", tmp_path / "out")
    assert manifest.runs[0]["arguments"] == {"ids": "@ids.txt", "prefix": ["a"]}
    assert str(tmp_path).encode() not in (tmp_path / "out" / "manifest.json").read_bytes()


def test_every_changed_byte_of_the_manifest_is_damage(archive: Path, tmp_path: Path):
    dump_builder.released(archive, tmp_path / "out", part_records=6)
    path = tmp_path / "out" / "manifest.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((Damaged, NotAnArchive, ValueError)):
            read_manifest(tmp_path / "out")
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises((Damaged, NotAnArchive)):
            read_manifest(tmp_path / "out")


# --- assembling


def entry(identifier: str, *, deleted: bool = False) -> Entry:
    return Entry(identifier, "f", "", deleted, None, "0" * 64, b"{}")


@pytest.mark.parametrize(
    "wrong",
    [[entry("b"), entry("a")], [entry("a"), entry("a")], [entry("a", deleted=True), entry("b")]],
)
def test_entries_out_of_order_or_twice_are_never_assembled(tmp_path: Path, wrong: list[Entry]):
    making_ = Making(**dump_builder.MAKING)
    with pytest.raises(ValueError, match="comes after"):
        assembly.assemble(wrong, tmp_path, tmp_path, making_, Selection())


def test_a_sink_says_what_there_would_be(archive: Path, tmp_path: Path):
    content = dump_builder.released(archive, tmp_path / "out").content
    (tmp_path / "sink").mkdir()
    rows = {row[0]: row for row in dump_builder.rows(tmp_path / "out")}
    entries = [Entry(*row[:4], None, row[9], b"") for row in rows.values()]
    texts = [
        text
        for part in content.parts
        for *_, found in dump_builder.iter_texts(tmp_path / "out", part, content.making)
        for text in found
    ]
    entries = [replace(one, text=text) for one, text in zip(entries, texts, strict=True)]
    found = assembly.assemble(entries, tmp_path / "sink", tmp_path / "sink", content.making, Selection(), sink=True)
    assert found == content
    assert {path.name for path in (tmp_path / "sink").iterdir()} == {"index.parquet", "lookup.idx"}


# --- staging


def test_a_folder_appears_when_its_block_ends_well_and_not_before(tmp_path: Path):
    with staged(tmp_path / "out") as folder:
        (folder / "file").write_text("x")
        (folder / WORK / "temporary").write_text("x")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_after_an_error_nothing_is_left(tmp_path: Path):
    with pytest.raises(FileExistsError), staged(tmp_path / "out") as folder:
        (folder / WORK).mkdir()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_not_in_the_next_one(tmp_path: Path):
    left = tmp_path / ".out.staging"
    (left / WORK / "deep").mkdir(parents=True)
    (left / "records-00001.json-seq.zst").write_text("half")
    (left / "link").symlink_to(tmp_path)
    with staged(tmp_path / "out") as folder:
        assert [path.name for path in folder.iterdir()] == [WORK]
        assert not list((folder / WORK).iterdir())
    assert tmp_path.is_dir()


def test_one_process_at_a_time_makes_a_release(tmp_path: Path):
    with staged(tmp_path / "out") as folder:
        (folder / "file").write_text("x")
        with pytest.raises(Busy), staged(tmp_path / "out"):
            pass
        assert (folder / "file").exists()
        with staged(tmp_path / "other"):
            pass
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_a_name_that_was_taken_meanwhile_is_left_alone(tmp_path: Path):
    with pytest.raises(CannotDump), staged(tmp_path / "out"):
        (tmp_path / "out").write_text("mine")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_release_is_told_from_an_archive(archive: Path, tmp_path: Path):
    dump_builder.released(archive, tmp_path / "out")
    assert is_release(tmp_path / "out")
    assert not is_release(archive)
    assert not is_release(tmp_path / "none")
