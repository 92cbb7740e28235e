"""Releases: the same records give the same bytes, however they came, and every record is in it once."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support import dump_builder, serving_archive

from archive.releases import sorting
from archive.store.envelope import Record

NAMES = st.sampled_from(
    ["1", "10", "9", "oai:x:é", "oai:x:\U0001f600", "a/../b", "10.5555/A", "x\x00y", "%0A", "\ufffe"]
)
RECORDS = st.lists(
    st.builds(
        serving_archive.record, NAMES, st.sampled_from(["", "2020-01-01", "2021-02-03T04:05:06Z"]),
        st.none() | st.text(st.characters(codec="utf-8"), max_size=30), st.permutations(["a", "b:c", "é"]),
        format_=st.sampled_from(["oai_dc", "marcxml"]),
    ),
    min_size=1, max_size=16, unique_by=lambda record: (record.identifier, record.format),
)  # fmt: skip
MAKINGS = st.fixed_dictionaries(
    {
        "form": st.sampled_from(["envelope", "bare"]),
        "layout": st.sampled_from(["jsonseq", "jsonl", "tar"]),
        "compression": st.sampled_from(["zstd", "xz", "gzip"]),
        "frame_bytes": st.sampled_from([1, 700, 1 << 20]),
        "part_records": st.sampled_from([0, 1, 3]),
        "part_bytes": st.sampled_from([1, 1500, 10**9]),
    }
)


def cut(data: st.DataObject, records: Sequence[Record]) -> list[Sequence[Record]]:
    """In any order, in pages of any size."""
    found = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=4)))
    pages = [found[a:b] for a, b in zip([0, *cuts], [*cuts, len(found)], strict=True)]
    return [page for page in pages if page]


@settings(max_examples=40)
@given(RECORDS, MAKINGS, st.data())
def test_any_order_and_any_split_over_shards_and_buckets_gives_the_same_bytes(
    records: list[Record], making: dict[str, object], data: st.DataObject
):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = serving_archive.harvested(folder / "one", [records])
        first = dump_builder.released(one, folder / "first", **making)
        dump_builder.check(folder / "first")
        # older versions of some come before, and must leave no trace
        older = data.draw(st.lists(st.sampled_from(records), max_size=4))
        other = serving_archive.harvested(folder / "other", [*cut(data, older), *cut(data, records)], shard_bytes=300)
        whole = sorting.BUCKET_BYTES
        sorting.BUCKET_BYTES = data.draw(st.sampled_from([200, 1000, whole]))
        try:
            second = dump_builder.released(other, folder / "second", **making)
        finally:
            sorting.BUCKET_BYTES = whole
        assert second.content == first.content
        assert dump_builder.bytes_of(folder / "second") == dump_builder.bytes_of(folder / "first")


@settings(max_examples=25)
@given(RECORDS, MAKINGS)
def test_every_record_is_there_once_and_what_it_was(records: list[Record], making: dict[str, object]):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = dump_builder.released(
            serving_archive.harvested(folder / "archive", [records]), folder / "out", **making
        )
        assert sorted(row[:4] for row in dump_builder.rows(folder / "out")) == sorted(
            (r.identifier, r.format, r.datestamp, r.deleted) for r in records
        )
        live = sorted((r for r in records if not r.deleted), key=lambda r: (r.identifier, r.format))
        found = dump_builder.texts(folder / "out")
        assert [text if making["form"] == "bare" else text["metadata"] for text in found] == [r.metadata for r in live]
        gone = sorted((r.identifier, r.format) for r in records if r.deleted)
        assert [(t["identifier"], t["format"]) for t in dump_builder.texts(folder / "out", "tombstones")] == gone
        assert all(
            part.records <= making["part_records"] or not making["part_records"] for part in manifest.content.parts
        )
