"""What is said of a shard once the files of its records have ended."""

from dataclasses import replace
from typing import Any

import pytest

from archive.files.store import FileRow
from archive.store.envelope import Record
from archive.store.ledger import WindowRow
from archive.store.pairing import Part
from harvester.crawl.files import Named, PartWalk, next_named

RECORD = Record("1", "2024-01-01", False, (), "f", "t", "https://x.example/1", "", None, None, None)
FILES = {"files": [{"key": "a", "links": {"self": "https://x.example/a"}}]}


def walk() -> PartWalk:
    return PartWalk(WindowRow(1, 1, None, "files", "00001", None, "open", 0), Part(1, "oai_dc", 1, "00001"))


def read(*records: Record) -> Named:
    found = next_named(iter([[(record, number) for number, record in enumerate(records)]]))
    assert found is not None
    return found


def test_a_frame_has_its_records_that_name_files_and_counts_the_others():
    found = read(RECORD, replace(RECORD, metadata=FILES), replace(RECORD, metadata={"files": []}, sets=("a",)))
    assert ([outcome for _, outcome, _ in found.records], found.silent, found.telling, found.sets) == ([1], 1, 2, True)
    assert next_named(iter([])) is None


@pytest.mark.parametrize(
    ("metadata", "end", "codes"),
    [
        ([None], "no files named", ["form-without-files"]),
        ([None, FILES], "all files", []),
        ([{"files": []}], "all files", []),
        ([], "no live records", []),
    ],
)
def test_a_shard_whose_records_say_nothing_of_files_is_named(metadata: list[Any], end: str, codes: list[str]):
    one = walk()
    one.note_read(read(*(replace(RECORD, metadata=value) for value in metadata)))
    assert (one.end, [note.code for note in one.notes()]) == (end, codes)


def test_files_that_a_filter_leaves_out_unasked_are_counted_by_what_is_not_said():
    one = walk()
    one.note_read(read(replace(RECORD, metadata=FILES)))
    one.note_unsaid("1", [("size", "a"), ("set", "b"), ("size", "c")])
    one.note_unsaid("2", [("size", "d")])
    assert [(note.code, note.found, note.identifier) for note in one.notes()] == [
        ("filter-unsaid", 3, "1"),
        ("filter-without-sets", 1, "1"),
    ]
    one.note_read(read(replace(RECORD, metadata=FILES, sets=("a",))))
    assert [note.code for note in one.notes()] == ["filter-unsaid"]


def test_it_is_over_when_all_that_was_listed_has_ended():
    one = walk()
    one.pending = 1
    one.listed = True
    assert not one.over
    one.pending = 0
    one.note_lost(FileRow("1", "a", "u", None, None, None, "", "lost"))
    one.note_lost(FileRow("1", "b", "u", None, None, None, "", "lost"))
    assert one.over
    assert [(note.code, note.found) for note in one.notes()] == [("files-lost", 2)]
