"""Bags that are written: valid for others, nothing moved, nothing read twice, and none that is not whole."""

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from pathlib import Path
from typing import Any

import bagit
import pytest
from support import archive_builder
from support.bag_builder import DATE, FILES, bagged, folder_of, options, validate
from support.external_checkers import bagit_profile_problems

from archive.bags import create
from archive.bags.check import check_bag
from archive.bags.payload import payload_of
from archive.bags.tagfiles import PROFILE_FILE
from archive.disk import durable
from archive.disk.digests import Digests
from archive.errors import Busy, Damaged, NotAtRest, NotBaggable
from archive.integrity.verify import verify


def archive(folder: Path) -> Path:
    archive_builder.ended(folder, [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return folder


def info(bag: Path) -> dict[str, Any]:
    found: dict[str, Any] = bagit.Bag(str(bag)).info
    return found


def inode(path: Path) -> int:
    return path.stat().st_ino


# --- what is in a bag


def test_a_folder_becomes_a_valid_bag_and_stays_as_it_is(tmp_path: Path):
    folder = folder_of(tmp_path / "f")
    made = bagged(folder, tmp_path / "bag")
    validate(tmp_path / "bag")
    assert [(bag.path, bag.files, bag.linked, bag.copied) for bag in made.bags] == [(str(tmp_path / "bag"), 4, 0, 4)]
    for name, content in FILES.items():
        assert (folder / name).read_bytes() == (tmp_path / "bag" / "data" / name).read_bytes() == content
        assert inode(folder / name) != inode(tmp_path / "bag" / "data" / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bag", "f"]


def test_an_archive_becomes_a_valid_bag_whose_payload_is_that_archive(tmp_path: Path):
    made = bagged(archive(tmp_path / "a"), tmp_path / "bag")
    validate(tmp_path / "bag")
    assert (made.bags[0].linked, made.bags[0].copied, made.remarks) == (1, 3, ())
    archive_builder.check(tmp_path / "bag" / "data")


def test_an_archive_in_a_bag_is_read_without_a_trace(tmp_path: Path):
    bagged(archive(tmp_path / "a"), tmp_path / "bag")
    assert verify(tmp_path / "bag" / "data").problems == []
    validate(tmp_path / "bag")


def test_an_empty_folder_becomes_a_valid_bag(tmp_path: Path):
    (tmp_path / "f").mkdir()
    bagged(tmp_path / "f", tmp_path / "bag")
    validate(tmp_path / "bag")


def test_a_bag_is_what_its_profile_asks_for(tmp_path: Path):
    bagged(archive(tmp_path / "a"), tmp_path / "bag")
    profile = tmp_path / "bag" / PROFILE_FILE
    assert bagit_profile_problems(tmp_path / "bag", profile) == []
    text = (tmp_path / "bag" / "bag-info.txt").read_text().replace("Bagging-Date: ", "Not-A-Date: ")
    (tmp_path / "bag" / "bag-info.txt").write_text(text)
    assert bagit_profile_problems(tmp_path / "bag", profile) != []


def test_bag_info_is_complete(tmp_path: Path):
    bagged(archive(tmp_path / "a"), tmp_path / "bag", info=(("Source-Organization", "Ümlaut Library"),))
    found = info(tmp_path / "bag")
    described = json.loads((tmp_path / "a" / "archive.json").read_text())
    payload = [path for path in (tmp_path / "bag" / "data").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in payload)
    assert found["Source-Organization"] == "Ümlaut Library"
    assert found["External-Identifier"] == f"urn:uuid:{described['id']}"
    assert found["Payload-Oxum"] == f"{size}.{len(payload)}"
    assert (found["Bagging-Date"], found["Bag-Software-Agent"]) == (DATE, "harvester 0")
    assert found["Internal-Sender-Identifier"] == "a"
    assert "3 records" in found["External-Description"].replace("\n", " ")
    assert not {"Bag-Count", "Bag-Group-Identifier"} & set(found)


def test_the_same_files_give_the_same_bag(tmp_path: Path):
    for name in ("one", "two"):
        bagged(folder_of(tmp_path / name / "f"), tmp_path / name / "bag")
    tags = [{path.name: path.read_bytes() for path in (tmp_path / name / "bag").glob("*.*")} for name in ("one", "two")]
    assert tags[0] == tags[1]


def test_names_with_percent_and_line_ends_are_encoded_and_remarked(tmp_path: Path):
    folder = folder_of(tmp_path / "f", {"100%": b"a", "x%0Ay": b"b", "line\nend": b"c", "carriage\rreturn": b"d"})
    made = bagged(folder, tmp_path / "bag")
    assert [remark.code for remark in made.remarks] == ["name-encoded"] * 4
    report = check_bag(tmp_path / "bag")
    assert (report.valid, report.payload_files) == (True, 4)
    manifest = (tmp_path / "bag" / "manifest-sha256.txt").read_text()
    assert "data/100%25\n" in manifest
    assert "data/x%250Ay\n" in manifest
    assert "data/line%0Aend\n" in manifest
    assert "data/carriage%0Dreturn\n" in manifest


# --- nothing read twice


class Read:
    """What was read while a bag was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        read = Digests.update

        def update(digests: Digests, data: bytes) -> None:
            self.bytes += len(data)
            read(digests, data)

        monkeypatch.setattr(Digests, "update", update)


def test_what_has_digests_is_not_read_and_what_has_none_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive(tmp_path / "a")
    read = Read(monkeypatch)
    bagged(tmp_path / "a", tmp_path / "bag")
    names = ("archive.json", "ledger.sqlite", "ledger.sqlite.sha256")
    assert read.bytes == sum((tmp_path / "a" / name).stat().st_size for name in names)
    read.bytes = 0
    bagged(folder_of(tmp_path / "f"), tmp_path / "g", link=True)
    assert read.bytes == sum(map(len, FILES.values()))


def test_what_nobody_writes_to_is_linked_unless_copies_are_wanted(tmp_path: Path):
    shard = "shards/00001.json-seq.zst"
    archive(tmp_path / "a")
    linked = bagged(tmp_path / "a", tmp_path / "linked").bags[0]
    copied = bagged(tmp_path / "a", tmp_path / "copied", copy=True).bags[0]
    assert inode(tmp_path / "linked" / "data" / shard) == inode(tmp_path / "a" / shard)
    assert inode(tmp_path / "copied" / "data" / shard) != inode(tmp_path / "a" / shard)
    assert ((linked.linked, linked.copied), (copied.linked, copied.copied)) == ((1, 3), (0, 4))
    validate(tmp_path / "copied")


def test_where_there_are_no_hard_links_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def link(*words: Any, **more: Any) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", link)
    assert bagged(archive(tmp_path / "a"), tmp_path / "bag").bags[0].linked == 0
    validate(tmp_path / "bag")


def test_a_file_that_is_not_what_was_recorded_is_not_packed_as_it(tmp_path: Path):
    archive(tmp_path / "a")
    path = tmp_path / "a" / "shards" / "00001.json-seq.zst"
    body = bytearray(path.read_bytes())
    body[40] ^= 1
    path.write_bytes(body)
    with pytest.raises(Damaged):
        bagged(tmp_path / "a", tmp_path / "bag", copy=True)
    assert not (tmp_path / "bag").exists()
    bagged(tmp_path / "a", tmp_path / "bag")
    assert [finding.code for finding in check_bag(tmp_path / "bag").findings] == ["manifest-mismatch"] * 2


def test_a_ledger_that_was_changed_is_not_packed(tmp_path: Path):
    archive(tmp_path / "a")
    body = bytearray((tmp_path / "a" / "ledger.sqlite").read_bytes())
    body[60] ^= 1  # the user version: SQLite sees nothing
    (tmp_path / "a" / "ledger.sqlite").write_bytes(body)
    with pytest.raises(Damaged):
        bagged(tmp_path / "a", tmp_path / "bag")


@pytest.mark.parametrize("change", ["longer", "touched"])
def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path, change: str):
    folder = folder_of(tmp_path / "f")
    with payload_of(folder) as payload:
        if change == "longer":
            (folder / "a.txt").write_bytes(b"other bytes")
        else:
            os.utime(folder / "a.txt", ns=(0, 0))
        with pytest.raises(NotAtRest):
            create.write_bags(payload, tmp_path / "bag", options())
    assert not (tmp_path / "bag").exists()


def test_every_flipped_byte_of_a_bag_is_found(tmp_path: Path):
    bagged(folder_of(tmp_path / "f", {"a": b"one", "b": b"two"}), tmp_path / "bag")
    validate(tmp_path / "bag")
    for path in sorted(path for path in (tmp_path / "bag").rglob("*") if path.is_file()):
        if path.name.startswith("tagmanifest-"):
            continue
        body = path.read_bytes()
        for place in {0, len(body) // 2, len(body) - 1}:
            path.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
            assert not check_bag(tmp_path / "bag").valid, (path, place)
        path.write_bytes(body)


# --- split


def test_a_payload_is_split_into_bags_that_together_are_all_of_it(tmp_path: Path):
    files = {f"{n:02d}": bytes([n]) * 100 for n in range(7)}
    folder_of(tmp_path / "f", files)
    made = bagged(tmp_path / "f", tmp_path / "out" / "bag", max_bytes=250)
    names = [f"bag-{number}-of-4" for number in range(1, 5)]
    assert [Path(bag.path).name for bag in made.bags] == names
    groups, found = set(), {}
    for number, name in enumerate(names, 1):
        bag = tmp_path / "out" / name
        validate(bag)
        said = info(bag)
        assert said["Bag-Count"] == f"{number} of 4"
        groups.add(said["Bag-Group-Identifier"])
        found |= {path.name: path.read_bytes() for path in (bag / "data").iterdir()}
    assert (len(groups), found) == (1, files)
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == names


# --- holey


def test_a_holey_bag_lists_what_it_lacks(tmp_path: Path):
    archive(tmp_path / "a")
    shard = tmp_path / "a" / "shards" / "00001.json-seq.zst"
    made = bagged(tmp_path / "a", tmp_path / "bag", fetch_url="https://example.org/a/", fetch=("shards/*",))
    bag = tmp_path / "bag"
    assert (made.bags[0].fetched, made.bags[0].copied) == (1, 3)
    name = f"shards/{shard.name}"
    assert (bag / "fetch.txt").read_text() == f"https://example.org/a/{name} {shard.stat().st_size} data/{name}\n"
    assert [finding.code for finding in check_bag(bag).findings] == ["fetch-missing"]
    (bag / "data" / "shards").mkdir()
    (bag / "data" / name).write_bytes(shard.read_bytes())
    validate(bag)


def test_a_bag_may_lack_everything(tmp_path: Path):
    bagged(folder_of(tmp_path / "f"), tmp_path / "bag", fetch_url="https://example.org/a/")
    assert list((tmp_path / "bag" / "data").iterdir()) == []
    assert {finding.code for finding in check_bag(tmp_path / "bag").findings} == {"fetch-missing"}


# --- where it is made


def test_what_is_there_is_not_written_over(tmp_path: Path):
    folder_of(tmp_path / "f")
    (tmp_path / "bag").mkdir()
    with pytest.raises(NotBaggable):
        bagged(tmp_path / "f", tmp_path / "bag")
    (tmp_path / "bag-2-of-4").symlink_to("nowhere")
    with pytest.raises(NotBaggable):
        bagged(folder_of(tmp_path / "g", {str(n): b"x" for n in range(4)}), tmp_path / "bag", max_bytes=1)
    assert not (tmp_path / ".bag.staging").exists()


@pytest.mark.parametrize("out", ["f", "f/bag", "f/b/c/bag", "."])
def test_a_bag_is_not_made_inside_what_it_packs(tmp_path: Path, out: str):
    with pytest.raises(NotBaggable):
        bagged(folder_of(tmp_path / "f"), tmp_path / out)
    assert list(tmp_path.rglob(".*")) == []


def test_one_process_at_a_time_makes_a_bag(tmp_path: Path):
    folder_of(tmp_path / "f")
    with create._staged(tmp_path / "bag"), pytest.raises(Busy):
        bagged(tmp_path / "f", tmp_path / "bag")
    bagged(tmp_path / "f", tmp_path / "bag")


# --- killed


def _points(folder: Path, out: Path) -> Counter[str]:
    """How often each named point is reached."""
    found: list[str] = []
    durable.watch = found.append
    try:
        bagged(folder, out, max_bytes=2000)
    finally:
        durable.watch = None
    return Counter(found)


def _killed_at(folder: Path, out: Path, point: str, times: int, max_bytes: int = 2000) -> int | None:
    """Make a bag in another process, which is gone at a named point; its exit code."""
    left = [times]

    def watch(reached: str) -> None:
        if reached == point:
            left[0] -= 1
            if not left[0]:
                os._exit(9)

    def run() -> None:
        durable.watch = watch
        bagged(folder, out, max_bytes=max_bytes)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(300)
    return process.exitcode


def test_killed_anywhere_there_is_no_bag_that_is_none_and_the_same_command_makes_it(tmp_path: Path):
    files = {f"{n}": bytes([n]) * 900 for n in range(5)}
    folder = folder_of(tmp_path / "f", files)
    reached = _points(folder, tmp_path / "unbroken" / "bag")
    assert {"bag-payload-placed", "bag-tags-written", "bag-whole-renamed", "bag-renamed"} <= set(reached)
    for point, count in sorted(reached.items()):
        for times in {1, count}:
            out = tmp_path / f"{point}-{times}" / "bag"
            assert _killed_at(folder, out, point, times) == 9
            for bag in out.parent.glob("bag*"):
                validate(bag)
            made = bagged(folder, out, max_bytes=2000)
            assert [(bag.files, bag.bytes) for bag in made.bags] == [(2, 1800), (2, 1800), (1, 900)]
            assert sorted(entry.name for entry in out.parent.iterdir()) == [Path(bag.path).name for bag in made.bags]
            found = {p.name: p.read_bytes() for p in out.parent.glob("bag*/data/*")}
            assert found == files


def test_what_another_command_left_there_is_taken_away(tmp_path: Path):
    folder = folder_of(tmp_path / "f")
    assert _killed_at(folder, tmp_path / "bag", "bag-whole-renamed", 1, 1 << 30) == 9
    (folder / "a.txt").write_bytes(b"another state")
    bagged(folder, tmp_path / "bag", max_bytes=1 << 30)
    validate(tmp_path / "bag")
    digest = hashlib.sha256(b"another state").hexdigest()
    assert digest in (tmp_path / "bag" / "manifest-sha256.txt").read_text()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bag", "f"]
