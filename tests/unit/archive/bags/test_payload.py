"""What goes into a bag: all of it, with the digests that were recorded, and nothing that changes."""

import hashlib
import os
from pathlib import Path

import pytest
from support import archive_builder
from support.bag_builder import FILES, bagged, folder_of, validate

from archive.bags.payload import Item, Payload, payload_of
from archive.errors import Busy, Damaged, NotAtRest, NotBaggable
from archive.files.store import path_of
from archive.index.build import index
from archive.releases.manifest import (
    INDEX,
    LOOKUP,
    Content,
    Edge,
    FileEntry,
    Making,
    Manifest,
    Part,
    Selection,
    write_manifest,
)
from archive.store.quarantine import RefusedBody


def look(path: Path, *, with_index: bool = False) -> Payload:
    with payload_of(path, with_index=with_index) as payload:
        return payload


def archive(folder: Path) -> Path:
    archive_builder.ended(folder, [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return folder


def by_path(payload: Payload) -> dict[str, Item]:
    return {item.path: item for item in payload.items}


def test_an_archive_is_its_description_its_ledger_and_its_shards(tmp_path: Path):
    payload = look(archive(tmp_path / "a"))
    assert (payload.kind, payload.left_out) == ("archive", ())
    items = by_path(payload)
    assert list(items) == ["archive.json", "ledger.sqlite", "ledger.sqlite.sha256", "shards/00001.json-seq.zst"]
    shard = items["shards/00001.json-seq.zst"]
    body = shard.source.read_bytes()
    assert (shard.sha256, shard.sha512) == (hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest())
    assert [item.settled for item in items.values()] == [False, False, False, True]
    ledger = (tmp_path / "a" / "ledger.sqlite").read_bytes()
    assert items["ledger.sqlite"].sha256 == hashlib.sha256(ledger).hexdigest()


def test_refused_bodies_are_in_it_with_their_digests(tmp_path: Path):
    writer, channel, [window] = archive_builder.begun(tmp_path / "a")
    refused = RefusedBody(archive_builder.URL, 200, (), b"<html>no</html>", "2026-03-04T05:06:07Z", "no XML")
    writer.put(
        archive_builder.answer(channel, window.window, [], state="refused", refused=refused, payload=(), outcomes=())
    )
    writer.commit()
    writer.finish("findings")
    writer.close()
    items = by_path(look(tmp_path / "a"))
    assert items["quarantine/000001.body"].sha256 == hashlib.sha256(refused.body).hexdigest()
    description = items["quarantine/000001.json"]
    assert description.sha512 == hashlib.sha512(description.source.read_bytes()).hexdigest()
    description.source.write_bytes(b"{}")
    with pytest.raises(Damaged):
        look(tmp_path / "a")


def test_files_of_records_are_in_it(tmp_path: Path):
    folder = archive(tmp_path / "a")
    content = b"a file of a record"
    digests = hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest()
    writer = archive_builder.writer(folder)
    with writer.ledger.transaction():
        insert = "INSERT INTO contents (sha256, sha512, bytes) VALUES (?, ?, ?)"
        writer.ledger.db.execute(insert, (*digests, len(content)))
    writer.close()
    with pytest.raises(Damaged):
        look(folder)
    folder_of(folder, {path_of(digests[0]): content})
    item = by_path(look(folder))[path_of(digests[0])]
    assert (item.bytes, item.sha256, item.sha512, item.settled) == (len(content), *digests, True)


def test_an_archive_that_is_written_to_is_not_packed(tmp_path: Path):
    writer, _, _ = archive_builder.begun(tmp_path / "a")
    with pytest.raises(Busy):
        look(tmp_path / "a")
    writer.close()


def test_nobody_writes_to_an_archive_while_it_is_packed(tmp_path: Path):
    folder = archive(tmp_path / "a")
    with payload_of(folder), pytest.raises(Busy):
        archive_builder.writer(folder)
    archive_builder.writer(folder).close()


def test_an_archive_that_was_left_open_is_not_packed(tmp_path: Path):
    folder = archive(tmp_path / "a")
    (folder / "ledger.sqlite.sha256").unlink()
    with pytest.raises(NotAtRest):
        look(folder)


@pytest.mark.parametrize("name", ["ledger.sqlite", "shards/00001.json-seq.zst"])
def test_a_file_that_is_missing_is_damage(tmp_path: Path, name: str):
    folder = archive(tmp_path / "a")
    (folder / name).unlink()
    with pytest.raises(Damaged):
        look(folder)


def test_a_shard_of_another_length_is_damage(tmp_path: Path):
    folder = archive(tmp_path / "a")
    with (folder / "shards" / "00001.json-seq.zst").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Damaged):
        look(folder)


def test_what_nobody_knows_of_is_left_out_and_named(tmp_path: Path):
    folder = archive(tmp_path / "a")
    folder_of(
        folder, {"notes.txt": b"", "shards/x": b"", "downloads/y.part": b"", "index.duckdb": b"", ".index/z": b""}
    )
    assert set(look(folder).left_out) == {"notes.txt", "shards/x"}


def test_an_index_is_in_it_only_when_it_is_wanted(tmp_path: Path):
    folder = archive(tmp_path / "a")
    with pytest.raises(NotBaggable):
        look(folder, with_index=True)
    index(folder)
    assert "index.duckdb" not in by_path(look(folder))
    assert {"index.duckdb", "index.duckdb.sha256"} <= set(by_path(look(folder, with_index=True)))


# --- a release


def release(folder: Path) -> Path:
    """A release whose parts are no real ones."""
    files = {"records-00001.json-seq.zst": b"part", INDEX: b"index", LOOKUP: b"lookup", "README.md": b"read me"}
    folder_of(folder, files)
    entries = {
        name: FileEntry(name, len(body), hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest())
        for name, body in files.items()
    }
    first, *_ = entries.values()
    edge = Edge("oai:x:1", "oai_dc", "2020-01-01")
    part = Part(
        first.name, "records", 1, 1, first.bytes, 9, first.sha256, first.sha512, edge, edge, "2020-01-01", "2020-01-01"
    )
    making_ = Making("envelope", "jsonseq", "zstd", 10, 4 << 20, 50_000_000_000, 0)
    content = Content(1, 0, 1, "e" * 64, {}, making_, Selection(), (part,), entries[INDEX], entries[LOOKUP])
    write_manifest(
        folder,
        Manifest(
            "full", "a-release", "A release", "2026-03-04", content, (entries["README.md"],), {}, {}, (), {}, {}, {}
        ),
    )
    return folder


def test_a_release_is_its_manifest_and_all_that_it_names(tmp_path: Path):
    payload = look(release(tmp_path / "r"))
    items = by_path(payload)
    assert (payload.kind, payload.left_out) == ("release", ())
    assert {name for name, item in items.items() if item.sha512 is None} == {"manifest.json"}
    assert {name for name, item in items.items() if item.settled} == {"records-00001.json-seq.zst", INDEX, LOOKUP}
    assert dict(payload.info)["External-Identifier"] == "a-release"
    (tmp_path / "r" / "notes.txt").write_bytes(b"")
    assert look(tmp_path / "r").left_out == ("notes.txt",)


def test_a_release_becomes_a_valid_bag_whose_payload_is_that_release(tmp_path: Path):
    made = bagged(release(tmp_path / "r"), tmp_path / "bag")
    validate(tmp_path / "bag")
    assert (made.bags[0].linked, made.bags[0].copied) == (3, 2)
    assert look(tmp_path / "bag" / "data").kind == "release"


def test_a_release_with_a_part_of_another_length_is_damage(tmp_path: Path):
    (release(tmp_path / "r") / "records-00001.json-seq.zst").write_bytes(b"par")
    with pytest.raises(Damaged):
        look(tmp_path / "r")


# --- any folder


def test_a_folder_is_all_its_files(tmp_path: Path):
    payload = look(folder_of(tmp_path / "f"))
    assert {item.path: item.bytes for item in payload.items} == {name: len(body) for name, body in FILES.items()}
    assert [item.path for item in payload.items] == sorted(FILES, key=str.encode)
    assert {(item.sha256, item.settled) for item in payload.items} == {(None, False)}


def test_folders_with_nothing_in_them_are_named(tmp_path: Path):
    folder_of(tmp_path / "f")
    (tmp_path / "f" / "b" / "none").mkdir()
    assert look(tmp_path / "f").empty == ("b/none",)


def test_what_is_no_file_is_refused(tmp_path: Path):
    folder = folder_of(tmp_path / "f")
    look(folder)
    (folder / "link").symlink_to("a.txt")
    with pytest.raises(NotBaggable):
        look(folder)
    (folder / "link").unlink()
    os.mkfifo(folder / "fifo")
    with pytest.raises(NotBaggable):
        look(folder)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path):
    folder = folder_of(tmp_path / "f")
    (folder / os.fsdecode(b"\xff.txt")).write_bytes(b"")
    with pytest.raises(NotBaggable):
        look(folder)


def test_a_file_and_a_bag_are_no_payload(tmp_path: Path):
    folder_of(tmp_path, {"file": b"", "bag/bagit.txt": b"", "bag/data/a": b""})
    assert [item.path for item in look(tmp_path / "bag" / "data").items] == ["a"]
    for name in ("file", "bag", "none"):
        with pytest.raises(NotBaggable):
            look(tmp_path / name)
