"""One shard, alone and against the ledger. What damage in an archive looks like is in test_verify.py."""

from contextlib import closing
from pathlib import Path

from support import archive_builder

from archive.queries import Queries
from archive.store.check import ShardCheck, ShardToCheck, check_alone, check_shard
from archive.store.layout import Layout
from archive.store.snapshots import read_only

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


def task(folder: Path) -> ShardToCheck:
    layout = Layout(folder)
    with closing(read_only(layout.ledger)) as ledger:
        [row] = ledger.execute(Queries("archive.integrity")["shards_to_check"]).fetchall()
    return ShardToCheck(layout, *row)


def test_a_whole_shard_has_no_faults(tmp_path: Path):
    archive_builder.ended(tmp_path, PAGES)
    size = task(tmp_path).path.stat().st_size
    whole = ShardCheck("00001.json-seq.zst", size, 2, 3, [])
    assert check_shard(task(tmp_path)) == whole
    assert check_alone(task(tmp_path).path) == whole


def test_the_records_of_a_frame_that_cannot_be_read_are_named(tmp_path: Path):
    archive_builder.ended(tmp_path, PAGES)
    path = task(tmp_path).path
    body = bytearray(path.read_bytes())
    body[30] ^= 1
    path.write_bytes(body)
    check = check_shard(task(tmp_path))
    [fault] = check.faults
    assert (fault.frame, check.frames, check.records) == (0, 1, 1)
    assert "2 records are those of oai:x:1 to oai:x:2" in fault.message
    assert [each.frame for each in check_alone(path).faults] == [0]


def test_frames_are_found_by_the_ledger_where_the_seek_table_is_lost(tmp_path: Path):
    archive_builder.ended(tmp_path, PAGES)
    path = task(tmp_path).path
    path.write_bytes(path.read_bytes()[:-20])
    check = check_shard(task(tmp_path))
    assert (check.frames, check.records) == (2, 3)
    assert [each.frame for each in check.faults] == [None]


def test_a_shard_of_another_archive_is_found_by_its_records(tmp_path: Path):
    archive_builder.ended(tmp_path / "one", PAGES)
    archive_builder.ended(tmp_path / "two", [["oai:y:1", "oai:y:2"], ["oai:y:3"]])
    task(tmp_path / "one").path.write_bytes(task(tmp_path / "two").path.read_bytes())
    faults = check_shard(task(tmp_path / "one")).faults
    assert [(each.frame, each.record) for each in faults if each.record is not None] == [(0, 0), (0, 1), (1, 0)]


def test_a_missing_shard_is_missing_only_if_something_of_it_counts(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    opened = tmp_path / "shards" / "00001.json-seq.zst.open"
    opened.rename(tmp_path / "elsewhere")
    assert check_shard(task(tmp_path)).faults == []
    (tmp_path / "elsewhere").rename(opened)
    made.commit()
    assert (check_shard(task(tmp_path)).records, check_shard(task(tmp_path)).faults) == (1, [])
    opened.unlink()
    [fault] = check_shard(task(tmp_path)).faults
    assert fault.missing
    made.abandon()
