"""The table of faults: each row whole, each test there, and docs/reliability.md as the rows say."""

import datetime
from pathlib import Path

import pytest
import reliability
from support import example_counts

ROW = (
    'fault = "x"\nseen = "a/b#1"\ndoes = "y"\ntest = "tests/repository/test_reliability.py::test_every_row_is_whole"\n'
)


def test_every_row_is_whole():
    assert list(reliability.wrong()) == []


def test_the_page_is_what_its_rows_say():
    assert reliability.PAGE.read_text(encoding="utf-8") == reliability.page(), "run make reliability"


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (ROW + 'area = "load"\n', 0),
        (ROW + 'area = "providers"\n', 1),
        (ROW.replace('"y"', '""') + 'area = "load"\n', 1),
        (ROW.replace("_whole", "_who") + 'area = "load"\n', 1),
        (ROW + 'area = "load"\nwhy = "z"\n', 1),
        (ROW + 'area = "load"\n[[fault]]\n' + ROW + 'area = "load"\n', 1),
    ],
)
def test_a_row_that_is_not_whole_is_named(tmp_path: Path, row: str, found: int):
    (tmp_path / "load.toml").write_text("[[fault]]\n" + row)
    assert len(list(reliability.wrong(tmp_path))) == found


def test_what_is_in_brackets_must_be_spelled_out_in_the_module():
    test = "tests/e2e/test_hostile.py::test_a_world_is_harvested_whole_or_says_what_is_missing"
    assert reliability.exists(test)
    assert reliability.exists(f"{test}[gzip]")
    assert not reliability.exists(f"{test}[no such world]")


def test_a_row_fits_into_a_table_and_links_to_what_it_names(tmp_path: Path):
    (tmp_path / "load.toml").write_text("[[fault]]\n" + ROW.replace('"y"', '"one | two"') + 'area = "load"\n')
    text = reliability.page(tmp_path, tmp_path / "none.json")
    assert "| x | [a/b#1](https://github.com/a/b/issues/1) | one \\| two |" in text


def test_what_was_tried_is_summed_up_over_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    counts = tmp_path / "counts"
    example_counts.tried("worlds")
    monkeypatch.setenv("HARVESTER_COUNTS", str(counts))
    example_counts.tried("worlds")
    example_counts.tried("worlds", 2)
    example_counts.tried("kill points", 40)
    read = reliability.count(counts, datetime.date(2026, 1, 2))
    assert read["counts"] == {"kill points": 40, "worlds": 3}
    assert read["date"] == "2026-01-02"
