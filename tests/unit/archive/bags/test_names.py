"""Names are data: what readers of manifests misread is named before a bag is written, and has a safe name."""

import json
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command_runner import Typed

from archive.bags.files import code_points, misread, safe_path, unseen

MISREAD = [
    "a\xa0",
    "a ",
    "a\t",
    "a\u2028b",
    "a\u2029",
    "a\x85b",
    "a\x0bb",
    "a\x0cb",
    "a\x1cb",
    "a\x1db",
    "a\x1eb",
    "a\x1f",
    "a\u3000",
    "a\ufeff",
    "d/a\u2028/b",
]
FINE = ["a b", "a\xa0b", "a%b", "a\nb", "a\rb", "a\n", "été", "e\u0301", "日本", "a.b"]


@pytest.mark.parametrize("name", MISREAD)
def test_a_name_that_is_misread_is_known_by_its_characters(name: str):
    assert code_points(misread(name)).startswith("U+")
    assert misread(safe_path(name)) == unseen(safe_path(name)) == ""


@pytest.mark.parametrize("name", FINE)
def test_other_names_are_not(name: str):
    assert misread(name) == ""


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_what_strip_or_splitlines_would_change_is_misread(name: str):
    plain = name.replace("\r", "").replace("\n", "")
    if (
        not plain.startswith("/")
        and plain
        and (f"x{plain}".strip() != f"x{plain}" or len(f"x{plain}".splitlines()) > 1)
    ):
        assert misread(plain)
    safe = safe_path(plain)
    assert misread(safe) == unseen(safe) == ""
    assert safe_path(safe) == safe


def test_a_bag_of_such_names_is_refused_before_it_is_written(typed: Typed, tmp_path: Path):
    (tmp_path / "src").mkdir()
    for number, name in enumerate(["a\u2028b", "c\xa0", "a_u2028_b", "fine"]):
        (tmp_path / "src" / name).write_text(str(number))
    said = typed("bag", tmp_path / "src", tmp_path / "bag")
    assert said.code == 2
    for text in ("U+2028", "U+00A0", "--safe-names", "a_u2028_b"):
        assert text in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["src"]
    assert typed("bag", tmp_path / "src", tmp_path / "bag", "--safe-names").code == 0
    assert bagit.Bag(str(tmp_path / "bag")).is_valid()
    lines = [json.loads(line) for line in (tmp_path / "bag" / "renamed-files.jsonl").read_text("ascii").splitlines()]
    assert {line["was"]: line["path"] for line in lines} == {
        "data/a\u2028b": "data/a_u2028_b_2",
        "data/c\xa0": "data/c_u00a0_",
    }
    for line in lines:
        assert (tmp_path / "bag" / line["path"]).read_text() == (tmp_path / "src" / line["was"][5:]).read_text()
    assert typed("verify", tmp_path / "bag").code == 0


def test_a_line_feed_in_a_name_is_encoded_and_never_printed(typed: Typed, tmp_path: Path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x\nbag: read 3 files\t!").write_text("x")
    made = typed("bag", tmp_path / "src", tmp_path / "bag")
    assert made.code == 1
    (tmp_path / "bag" / "data" / "x\nbag: read 3 files\t!").write_text("y")
    for said in (made, typed("verify", tmp_path / "bag"), typed("verify", tmp_path / "bag", "--json")):
        text = said.out + said.err
        assert "\t" not in text
        assert not any(line.startswith("bag: read 3") for line in text.splitlines())
    assert "%0A" in (tmp_path / "bag" / "manifest-sha256.txt").read_text()
