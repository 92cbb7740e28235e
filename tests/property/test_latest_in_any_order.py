"""The same records in any order of arrival, pages and lists: the same latest states, the same dump, the same root."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from support import archive_builder, dump_builder, serving_archive

from archive.formats import jsonseq
from archive.index.build import index
from archive.lookup.get import find_in_ledger, open_reader
from archive.store import envelope
from archive.store.layout import Layout
from archive.store.ledger import NOT_MODIFIED
from archive.store.pairing import LatestRecords
from archive.store.pieces import FolderFiles

STAMPS = ["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-02T00:00:00Z", "2020-01-02T01:00:00+01:00", "no date"]
# identifier, datestamp, deleted, title, list (None: the whole repository)
ONE = st.tuples(
    st.sampled_from("123"),
    st.sampled_from(STAMPS),
    st.booleans(),
    st.sampled_from("xy"),
    st.sampled_from([None, "a", "b"]),
)
RUNS = st.lists(st.lists(ONE, min_size=1, max_size=6), min_size=1, max_size=2)


def archive(
    folder: Path,
    runs: list[list[tuple[str, str, bool, str, str | None]]],
    again: list[list[tuple[str, str, bool, str, str | None]]] | None = None,
) -> Path:
    """An archive of some runs; each record comes on a page of its own.

    `again` are records that each run lists once more without storing them.
    """
    for listed, left_out in zip(runs, again or [[] for _ in runs], strict=True):
        writer = archive_builder.writer(folder)
        try:
            writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
            for identifier, stamp, gone, title, spec in listed:
                record = serving_archive.record(identifier, stamp, None if gone else title)
                name = "oaipmh:oai_dc" + (f":{spec}" if spec else "")
                channel = writer.ledger.channel(name, "oai_dc", spec)
                outcomes = [(identifier, stamp, "deleted" if gone else "read", None)]
                writer.put(
                    archive_builder.answer(channel, None, [identifier], outcomes=outcomes, payload=framed(record))
                )
            for identifier, stamp, gone, _, spec in left_out:
                channel = writer.ledger.channel("oaipmh:oai_dc" + (f":{spec}" if spec else ""), "oai_dc", spec)
                outcomes = [(identifier, stamp, "deleted" if gone else "read", NOT_MODIFIED)]
                writer.put(archive_builder.answer(channel, None, [identifier], outcomes=outcomes, payload=()))
            writer.finish("complete")
        finally:
            writer.close()
    return folder


def framed(record: envelope.Record) -> tuple[tuple[bytes, int], ...]:
    sha256 = None if record.deleted else str(record.metadata)[-3:].encode().hex().ljust(64, "0")
    text = envelope.encode(
        record.identifier,
        record.datestamp,
        record.deleted,
        record.sets,
        record.format,
        record.media_type,
        record.url,
        record.retrieved,
        sha256,
        record.metadata,
        record.original,
        record.about,
    )
    return ((jsonseq.encode(text), 1),)


def states(folder: Path) -> dict[str, Any]:
    """What each way to read an archive says of its latest states, without what tells when a copy came."""
    manifest = dump_builder.released(folder, folder.with_name(f"{folder.name}-dump"))
    index(folder)
    with closing(duckdb.connect(str(Layout(folder).index), read_only=True)) as db:
        of_index = db.execute("SELECT identifier, stamp, deleted, sha256 FROM records ORDER BY ALL").fetchall()
    records = LatestRecords(Layout(folder))
    with closing(records):
        live = sorted(r.identifier for part in records.parts() for frame in records.frames(part) for r, _ in frame)
    reader = open_reader(FolderFiles(folder))
    for identifier, _, deleted, _ in of_index:
        [got] = reader.find(identifier).latest().records
        [slow] = find_in_ledger(folder, identifier).latest().records
        assert (got.deleted, got.text) == (slow.deleted, slow.text)
        assert got.deleted == deleted
    assert live == [identifier for identifier, _, deleted, _ in of_index if not deleted]
    dumped = dump_builder.texts(folder.with_name(f"{folder.name}-dump"))
    assert [text["identifier"] for text in dumped] == live
    return {"root": manifest.content.root, "index": of_index, "live": live}


@settings(max_examples=4)
@given(RUNS, st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_a_latest_state(runs: list[Any], random: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        first = states(archive(Path(name) / "first", runs))
        shuffled = [random.sample(listed, len(listed)) for listed in runs]
        assert states(archive(Path(name) / "second", shuffled)) == first


@settings(max_examples=4)
@given(RUNS, st.randoms(use_true_random=False))
def test_a_version_listed_again_changes_no_latest_state_whether_it_is_stored_or_left_out(
    runs: list[Any], random: Any
) -> None:
    again = [random.sample(listed, random.randint(1, len(listed))) for listed in runs]
    with tempfile.TemporaryDirectory() as name:
        stored = states(archive(Path(name) / "stored", [a + b for a, b in zip(runs, again, strict=True)]))
        assert states(archive(Path(name) / "left-out", runs, again)) == stored
