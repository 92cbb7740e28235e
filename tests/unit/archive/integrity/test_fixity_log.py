"""The log of rolling checks: what it says is what was written, and what is damaged in it is not believed."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest

from archive.disk.checkpoints import seal
from archive.errors import Busy
from archive.integrity.fixity_log import (
    DAMAGED,
    GOOD,
    SEEN,
    Entry,
    LastOf,
    log_path,
    opened_log,
    parse_history,
    read_history,
)


def entry(result: str, day: int, name: str = "a", expected: str | None = "x", digest: str | None = "x") -> Entry:
    return Entry(f"2026-03-{day:02d}T00:00:00Z", name, 3, result, "sha256", expected, digest)


def at(day: int) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02d}T00:00:00Z")


def written(path: Path, *entries: Entry) -> Path:
    with opened_log(path) as log:
        log.add(*entries)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return written(tmp_path / "log", entry(SEEN, 1), entry(GOOD, 2), entry(DAMAGED, 3, digest="y"), entry(SEEN, 4, "b"))


def test_the_last_word_on_each_file_counts(log: Path):
    assert read_history(log).files == {
        "a": LastOf("x", at(1), at(2), "x", DAMAGED),
        "b": LastOf("x", at(4)),
    }
    written(log, entry(GOOD, 5))
    assert read_history(log).files["a"] == LastOf("x", at(1), at(5), "x", GOOD)
    assert read_history(log.parent / "none").files == {}


def test_a_file_that_should_be_another_begins_anew(log: Path):
    written(log, entry(SEEN, 6, expected="z"))
    assert read_history(log).files["a"] == LastOf("z", at(6))


def test_every_flip_is_found_and_costs_its_line(log: Path):
    body = log.read_bytes()
    for place in range(len(body)):
        history = parse_history(body[:place] + bytes([body[place] ^ 1 << place % 8]) + body[place + 1 :])
        assert history.damaged_lines or history.torn_bytes, place
        for name, last in history.files.items():
            assert name in ("a", "b")
            assert last.good in (None, at(2))


def test_a_torn_end_is_cut_off_and_written_over(log: Path):
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(1, len(lines[-1])):
        log.write_bytes(whole[:-cut])
        assert read_history(log).torn_bytes == len(lines[-1]) - cut
        written(log, entry(SEEN, 4, "b"))
        assert log.read_bytes() == whole


def test_one_process_at_a_time_writes(log: Path):
    with opened_log(log), pytest.raises(Busy), opened_log(log):
        pass
    with opened_log(log):
        pass


def test_a_log_is_in_an_archive_and_beside_all_else(tmp_path: Path):
    assert log_path(tmp_path / "x", archive=True) == tmp_path / "x/fixity.log"
    assert log_path(tmp_path / "x", archive=False) == tmp_path / "x.fixity"


@pytest.mark.parametrize("line", [b"\xff", b"[1]", b"{}", b'{"at": 1}', b"[" * 5000, b'"x"', b"null"])
def test_a_line_that_somebody_sealed_and_that_is_no_entry_is_damaged(line: bytes):
    sealed = line + b"\t" + hashlib.sha256(line).hexdigest()[:16].encode() + b"\n"
    good = seal(json.dumps(asdict(entry(GOOD, 2))))
    history = parse_history(good + sealed + good)
    assert history.damaged_lines == [2]
    assert history.files["a"].good == at(2)
