"""What a holey bag lacks, and bags whose lists are not believed."""

import hashlib
from pathlib import Path

import pytest
from support.bag_builder import FILES, bagged, folder_of

from archive.bags.holey import Hole, place, read_holes
from archive.errors import Damaged, NotAnArchive

BASE = "https://example.org/a/"


def holey(folder: Path, **more: object) -> Path:
    """A bag that lacks what is below b/."""
    bagged(folder_of(folder / "f"), folder / "bag", fetch_url=BASE, fetch=("b/*",), **more)
    return folder / "bag"


def test_what_is_missing_is_named_with_its_place_and_all_its_digests(tmp_path: Path):
    holes = read_holes(holey(tmp_path))
    named = sorted(name for name in FILES if name.startswith("b/"))
    assert ([hole.path for hole in holes.to_fetch], holes.nowhere) == ([f"data/{name}" for name in named], ())
    content = FILES["b/with blank and 'quotes'.txt"]
    digests = (("sha256", hashlib.sha256(content).hexdigest()), ("sha512", hashlib.sha512(content).hexdigest()))
    url = f"{BASE}b/with%20blank%20and%20%27quotes%27.txt"
    assert Hole("data/b/with blank and 'quotes'.txt", url, len(content), digests) in holes.to_fetch


def test_what_is_there_is_not_missing(tmp_path: Path):
    bag = holey(tmp_path)
    folder_of(bag / "data", FILES)
    assert read_holes(bag).to_fetch == ()


def test_what_fetch_txt_does_not_name_is_nowhere(tmp_path: Path):
    bag = holey(tmp_path)
    (bag / "data" / "a.txt").unlink()
    assert read_holes(bag).nowhere == ("data/a.txt",)


def test_a_length_may_be_unknown(tmp_path: Path):
    bag = holey(tmp_path)
    text = (bag / "fetch.txt").read_text()
    (bag / "fetch.txt").write_text(text.replace(" 0 data", " - data"))
    assert [hole.path for hole in read_holes(bag).to_fetch if hole.length is None] == ["data/b/c/empty"]


def test_what_is_no_bag_is_refused(tmp_path: Path):
    with pytest.raises(NotAnArchive):
        read_holes(folder_of(tmp_path / "f"))


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "data/../../x",
        "/etc/passwd",
        "~/x",
        "data/..\\x",
        "C:\\x",
        "file:///x",
        "data/unlisted",
        "data/b",
        "data/%",
    ],
)
def test_lists_that_lead_elsewhere_are_not_believed(tmp_path: Path, path: str):
    bag = holey(tmp_path)
    read_holes(bag)
    with (bag / "fetch.txt").open("a") as file:
        file.write(f"https://example.org/x 5 {path}\n")
    with pytest.raises(Damaged):
        read_holes(bag)


def test_a_file_that_only_one_manifest_lists_is_not_fetched(tmp_path: Path):
    bag = holey(tmp_path)
    lines = (bag / "manifest-sha512.txt").read_text().splitlines(keepends=True)
    (bag / "manifest-sha512.txt").write_text("".join(line for line in lines if "empty" not in line))
    with pytest.raises(Damaged):
        read_holes(bag)


@pytest.mark.parametrize("name", ["bagit.txt", "manifest-sha256.txt", "fetch.txt"])
def test_lists_that_cannot_be_read_are_not_believed(tmp_path: Path, name: str):
    bag = holey(tmp_path)
    (bag / name).write_bytes(b"\xff\xfe nonsense\n")
    with pytest.raises(Damaged):
        read_holes(bag)


def test_a_fetched_file_gets_its_place(tmp_path: Path):
    bag = holey(tmp_path)
    (tmp_path / "part").write_bytes(b"x")
    place(bag, "data/b/c/empty", tmp_path / "part")
    assert (bag / "data" / "b" / "c" / "empty").read_bytes() == b"x"
    assert not (tmp_path / "part").exists()


def test_nothing_is_placed_through_a_link_or_over_a_file(tmp_path: Path):
    bag = holey(tmp_path)
    (tmp_path / "part").write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (bag / "data" / "b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Damaged):
        place(bag, "data/b/c/empty", tmp_path / "part")
    with pytest.raises(Damaged):
        place(bag, "data/a.txt", tmp_path / "part")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (bag / "data" / "a.txt").read_bytes() == FILES["a.txt"]
    with pytest.raises(Damaged):
        read_holes(bag)
