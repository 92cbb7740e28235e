"""index.lookup: every version of the index, for one state of the ledger, which it names."""

from contextlib import closing
from pathlib import Path

import pytest
from support import archive_builder, serving_archive

from archive.disk import durable
from archive.errors import DiskFull
from archive.index.build import index
from archive.index.file import open_index
from archive.index.lookup import index_lookup, ledger_at_rest
from archive.store.layout import Layout
from archive.store.lookup_file import Lookup, LookupWriter
from archive.store.pieces import FolderFiles, open_lookup

PLACES = """
    SELECT identifier, local_id, doi, shards.name, frames."offset", frames.bytes, position
    FROM versions JOIN frames USING (shard, frame) JOIN shards USING (shard)
"""


def opened(layout: Layout) -> Lookup:
    lookup = open_lookup(FolderFiles(layout.root), "index.lookup")
    assert lookup is not None
    return lookup


def test_every_version_of_the_index_is_found_by_each_of_its_names(tmp_path: Path):
    records = serving_archive.many(300)
    serving_archive.archive(tmp_path / "archive", [records[:100], records[100:], records[:50]])
    layout = Layout(tmp_path / "archive")
    lookup = opened(layout)
    with closing(open_index(layout.root)) as db:
        rows = db.execute(PLACES).fetchall()
    assert lookup.entries == 2 * len(rows) == 600
    for identifier, local, doi, name, *place in rows:
        assert doi is None
        for key in (identifier, local):
            assert (name, *place) in [(p.name, p.offset, p.length, p.position) for p in lookup.find(key)]


def test_an_index_whose_lookup_cannot_be_made_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    layout = Layout(tmp_path / "archive")
    for path in (layout.index, index_lookup(layout)):
        path.unlink(missing_ok=True)

    def full(*_: object) -> None:
        raise DiskFull("no room left")

    monkeypatch.setattr(LookupWriter, "finish", full)
    with pytest.raises(DiskFull):
        index(layout.root)
    assert not layout.index.exists()
    assert not index_lookup(layout).exists()


def test_it_names_the_ledger_it_was_made_of_unless_that_was_written_to(tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    layout = Layout(tmp_path / "archive")
    index(layout.root)
    about = opened(layout).about
    assert about["ledger"] == ledger_at_rest(layout) is not None
    made, *_ = archive_builder.begun(layout.root)
    try:
        index(layout.root)
    finally:
        made.close()
    later = opened(layout).about
    assert later["ledger"] is None
    assert (later["archive"], later["stamp"] != about["stamp"]) == (about["archive"], True)


def test_one_that_is_not_finished_does_not_take_the_place_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    layout = Layout(tmp_path / "archive")
    index(layout.root)
    before = index_lookup(layout).read_bytes()

    def stop(point: str) -> None:
        if point == "lookup-synced":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "watch", stop)
    with pytest.raises(OSError):
        index(layout.root, full=True)
    monkeypatch.setattr(durable, "watch", None)
    assert index_lookup(layout).read_bytes() == before
    assert {path.name for path in layout.root.iterdir()} >= {"index.duckdb", "index.lookup"}
    assert not (layout.root / ".index").exists()
