"""The newest version of each record, wherever it lies."""

from pathlib import Path

from support import archive_builder

from archive.store.layout import Layout
from archive.store.pairing import LatestRecords


def newest(folder: Path) -> list[tuple[str, str]]:
    """(shard, identifier) of all newest records."""
    records = LatestRecords(Layout(folder))
    try:
        return [
            (part.name, record.identifier)
            for part in records.parts()
            for frame in records.frames(part)
            for record, _ in frame
        ]
    finally:
        records.close()


def test_a_record_that_was_read_again_counts_where_it_is_newest(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["1", "2"], ["3"], ["2"]])
    assert newest(tmp_path / "a") == [("00001.json-seq.zst", one) for one in ("1", "3", "2")]
    archive_builder.ended(tmp_path / "a", [["1"]])
    assert newest(tmp_path / "a") == [
        ("00001.json-seq.zst", "3"),
        ("00001.json-seq.zst", "2"),
        ("00002.json-seq.zst", "1"),
    ]


def test_a_record_that_was_deleted_since_is_not_among_them(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["1", "2"]])
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    gone = archive_builder.answer(
        channel,
        window.window,
        ["2"],
        outcomes=[("2", "2020-01-01T00:00:00Z", "deleted", None)],
        payload=archive_builder.payload(["2"], deleted=True),
    )
    writer.put(gone)
    writer.close()
    assert newest(tmp_path / "a") == [("00001.json-seq.zst", "1")]
