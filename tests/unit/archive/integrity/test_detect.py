"""Which check a path needs, and what a bag's findings are among problems."""

from pathlib import Path

import pytest
from support import archive_builder
from support.handmade_bags import close_tags, write_bag
from support.release_builder import make_release

from archive.bags.check import check_bag
from archive.errors import NotAnArchive
from archive.integrity.detect import as_report, check, recognise


def test_each_kind_is_recognised(tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    make_release(tmp_path / "release")
    write_bag(tmp_path / "bag")
    kinds = {
        "archive": "archive",
        "archive/shards/00001.json-seq.zst": "shard",
        "release": "release",
        "bag": "bag",
        "release/records-00001.json-seq.zst": "part",
    }
    for name, kind in kinds.items():
        assert recognise(tmp_path / name) == kind
        assert (check(tmp_path / name).kind, check(tmp_path / name).whole) == (kind, True)
    for name in ("", "nothing", "archive/shards"):
        with pytest.raises(NotAnArchive):
            recognise(tmp_path / name)


def test_a_bag_without_its_declaration_is_a_damaged_bag(tmp_path: Path):
    bag = write_bag(tmp_path / "bag")
    (bag / "bagit.txt").unlink()
    assert {(p.kind, p.code) for p in check(bag).problems} == {
        ("missing", "bag-declaration-missing"),
        ("missing", "tag-file-missing"),
    }


def test_holes_and_warnings_are_no_damage(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", info="Bag-Size: 1\nBag-Size: 2\n")
    report = check(bag)
    assert ([p.kind for p in report.problems], report.whole) == (["warning"], True)
    (bag / "fetch.txt").write_text("http://x.example/ 4 data/one.txt\n")
    (bag / "data/one.txt").unlink()
    close_tags(bag)
    report = check(bag)
    assert {p.kind for p in report.problems} == {"warning", "unfetched"}
    assert (report.damaged, report.whole) == (False, False)


def test_what_is_in_a_bag_can_be_checked_too(tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    files = {
        f"data/{p.relative_to(tmp_path / 'archive').as_posix()}": p.read_bytes()
        for p in (tmp_path / "archive").rglob("*")
        if p.is_file()
    }
    shard = "data/shards/00001.json-seq.zst"
    bag = write_bag(tmp_path / "bag", files)
    report = check(bag, inside=True)
    assert (report.problems, report.records, report.kind) == ([], 1, "bag")
    # as whole as a bag, and no whole archive
    cut = write_bag(tmp_path / "cut", {**files, shard: files[shard][:-1]})
    assert check(cut).whole
    assert {p.file for p in check(cut, inside=True).problems} == {shard}


def test_findings_that_were_not_kept_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("archive.bags.codes.KEPT_MOST", 1)
    bag = write_bag(tmp_path / "bag")
    for path in (bag / "data/one.txt", bag / "data/empty"):
        path.unlink()
    missing = [p.message for p in as_report(check_bag(bag)).problems if p.code == "file-missing"]
    assert len(missing) == 2
    assert "1 more" in missing[1]
