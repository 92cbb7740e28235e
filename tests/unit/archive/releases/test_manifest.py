"""The manifest of a release: what is written is read, and nothing else is."""

from dataclasses import replace
from pathlib import Path

import pytest

from archive.errors import ArchiveError, Damaged, NotAnArchive, OtherArchive
from archive.releases.manifest import (
    MANIFEST,
    Content,
    Edge,
    FileEntry,
    Making,
    Manifest,
    Part,
    Selection,
    is_release,
    manifest_bytes,
    parse_manifest,
    read_manifest,
    write_manifest,
)

ENTRY = FileEntry("index.parquet", 10, "a" * 64, "b" * 128)
PART = Part(
    "records-00001.json-seq.zst",
    "records",
    2,
    1,
    30,
    90,
    "c" * 64,
    "d" * 128,
    Edge("oai:é:1", "oai_dc", "2020-01-01"),
    Edge("oai:é:2", "oai_dc", "2020-01-02"),
    "2020-01-01",
    "2020-01-02",
)
MAKING = Making("envelope", "jsonseq", "zstd", 10, 4 << 20, 50_000_000_000, 0)
CONTENT = Content(
    2,
    0,
    2,
    "e" * 64,
    {"oai_dc": {"records": 2, "tombstones": 0}},
    MAKING,
    Selection(sets=("a", "b"), from_="2020"),
    (PART,),
    ENTRY,
    replace(ENTRY, name="lookup.idx"),
)
RELEASE = Manifest(
    "full",
    "a-release",
    "A release",
    "2026-03-04",
    CONTENT,
    (replace(ENTRY, name="README.md"),),
    {"url": "https://é"},
    {"id": "x"},
    ({"run": 1, "state": "complete"},),
    {"listed": 2, "balanced": True},
    {"harvester": "0"},
    {"id": "CC0-1.0", "name": "CC0", "url": "https://c"},
)


def test_a_manifest_that_was_written_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, RELEASE)
    assert read_manifest(tmp_path) == RELEASE
    assert read_manifest(tmp_path / MANIFEST) == RELEASE
    assert is_release(tmp_path)


def test_without_limits_and_a_lookup_as_well(tmp_path: Path) -> None:
    made = replace(RELEASE, content=replace(CONTENT, selection=Selection(), lookup=None, parts=()), since={"root": "f"})
    write_manifest(tmp_path, made)
    assert read_manifest(tmp_path) == made
    assert [entry.name for entry in made.entries()] == ["index.parquet", "README.md"]


def test_every_file_of_a_release_is_among_its_entries() -> None:
    assert [entry.name for entry in RELEASE.entries()] == [PART.name, "index.parquet", "lookup.idx", "README.md"]


def test_every_flipped_byte_and_every_truncation_is_seen() -> None:
    body = manifest_bytes(RELEASE)
    assert parse_manifest(body, "here") == RELEASE
    for at in range(len(body)):
        for changed in (body[:at], body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]):
            with pytest.raises(ArchiveError):
                parse_manifest(changed, "here")


def test_a_folder_without_a_manifest_is_no_release(tmp_path: Path) -> None:
    assert not is_release(tmp_path)
    assert not is_release(tmp_path / "none")
    with pytest.raises(NotAnArchive):
        read_manifest(tmp_path)


def test_a_manifest_of_something_else_is_refused_by_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotAnArchive):
        parse_manifest(b'{"format": "other"}', "here")
    with pytest.raises(Damaged):
        parse_manifest(b"{", "here")
    with pytest.raises(OtherArchive):
        parse_manifest(b'{"format": "harvester-release", "format_version": 99}', "here")
