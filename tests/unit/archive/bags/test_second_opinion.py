"""The verdict of bagit-python beside ours: agreement, disagreement about a file, and when it is not run."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bag_builder import bagged, folder_of
from support.handmade_bags import write_bag

from archive.bags import ask_bagit, check_bag


def test_both_find_a_bag_valid(tmp_path: Path):
    bagged(folder_of(tmp_path / "files"), tmp_path / "bag")
    opinion = ask_bagit(check_bag(tmp_path / "bag"))
    assert (opinion.valid, opinion.agrees, opinion.message, opinion.files) == (True, True, "", ())
    assert opinion.software.startswith("bagit 1.")


@pytest.mark.parametrize(
    ("damage", "quick", "valid"),
    [
        (lambda bag: (bag / "data/one.txt").write_bytes(b"eno\n"), False, False),
        (lambda bag: (bag / "data/one.txt").write_bytes(b"eno\n"), True, True),
        (lambda bag: (bag / "data/one.txt").unlink(), False, False),
        (lambda bag: (bag / "data/one.txt").unlink(), True, False),
        (lambda bag: (bag / "data/two.txt").write_bytes(b"2"), False, False),
        (lambda bag: (bag / "bagit.txt").unlink(), False, False),
        (lambda bag: (bag / "bagit.txt").write_bytes(b"\xff\xfe\x00"), False, False),
        (lambda bag: (bag / "manifest-sha256.txt").write_bytes(b"\xff\xff"), False, False),
    ],
)
def test_both_find_the_same_damage(tmp_path: Path, damage: Callable[[Path], object], quick: bool, valid: bool):
    bag = write_bag(tmp_path / "bag", {"data/one.txt": b"one\n"})
    assert ask_bagit(check_bag(bag)).valid
    damage(bag)
    report = check_bag(bag, quick=quick)
    opinion = ask_bagit(report)
    assert (report.complete and report.valid, opinion.valid, opinion.agrees) == (valid, valid, True)
    assert bool(opinion.message) is not valid


def test_a_hole_is_invalid_to_both(tmp_path: Path):
    bag = write_bag(
        tmp_path / "bag", {"data/one.txt": b"one\n"}, more={"fetch.txt": b"http://x.example/ 4 data/one.txt\n"}
    )
    (bag / "data/one.txt").unlink()
    opinion = ask_bagit(check_bag(bag))
    assert (opinion.valid, opinion.agrees) == (False, True)


def test_a_name_that_it_reads_differently_is_named(tmp_path: Path):
    # RFC 8493, 2.1.3: % is written %25, which bagit-python 1.9 does not decode
    bagged(folder_of(tmp_path / "files", {"100%25.txt": b"x"}), tmp_path / "bag")
    report = check_bag(tmp_path / "bag")
    opinion = ask_bagit(report)
    assert report.valid
    assert (opinion.valid, opinion.agrees) == (False, False)
    assert "data/100%25.txt" in opinion.files


def test_what_only_our_check_finds_is_named(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", {"data/one.txt": b"1", "data/two.txt": b"2"}, algorithms=("sha256", "sha512"))
    lines = (bag / "manifest-sha512.txt").read_bytes().splitlines(keepends=True)
    (bag / "manifest-sha512.txt").write_bytes(b"".join(line for line in lines if b"two.txt" not in line))
    (bag / "tagmanifest-sha256.txt").unlink(missing_ok=True)
    (bag / "tagmanifest-sha512.txt").unlink(missing_ok=True)
    opinion = ask_bagit(check_bag(bag))
    assert (opinion.valid, opinion.agrees) == (True, False)
    assert opinion.files != ()


def test_it_is_not_run_where_it_would_hang(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", {"data/one.txt": b"one\n"})
    (bag / "data/one.txt").unlink()
    os.mkfifo(bag / "data/one.txt")
    opinion = ask_bagit(check_bag(bag))
    assert (opinion.valid, opinion.agrees) == (None, None)
    assert "special-file" in opinion.message


# bagit-python takes a folder beside the bag for a part of it if its name begins as the bag's does; it also strips
# every asterisk, and ends a line where Unicode does
@pytest.mark.parametrize("listed", ["../bag-2/secret", "**../bag-2/secret", f"data/x\u2028{'0' * 64}  ../bag-2/secret"])
def test_it_is_not_run_where_it_would_read_files_out_of_the_bag(tmp_path: Path, listed: str):
    bag = write_bag(tmp_path / "bag", {"data/one.txt": b"one\n"})
    (tmp_path / "bag-2").mkdir()
    (tmp_path / "bag-2/secret").write_bytes(b"secret")
    with (bag / "manifest-sha256.txt").open("a", encoding="utf-8") as manifest:
        manifest.write(f"{'0' * 64}  {listed}\n")
    report = check_bag(bag)
    opinion = ask_bagit(report)
    assert not report.valid
    assert (opinion.valid, opinion.agrees, opinion.files) == (None, None, ())
    assert "out of the bag" in opinion.message


def test_its_log_messages_are_kept_off_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    bag = write_bag(tmp_path / "bag", {"data/one.txt": b"one\n"})
    (bag / "data/one.txt").write_bytes(b"eno\n")
    ask_bagit(check_bag(bag))
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("bagit").disabled
