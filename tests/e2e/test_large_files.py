"""A file of many GB and records of many files: broken off, killed, resumed, checked, packed, in little memory."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import archive_builder
from support.example_counts import amount
from support.file_harvests import contents, crawl, harvest, last, sha512
from support.file_provider import File, Filing, made_digest, serving
from support.harvest_runs import HARVESTER, environment
from support.memory_use import KNOWN, ended

# what a process that fetches files has at most: Python, Scrapy, SQLite and the pieces on their way
MEMORY_MOST_BYTES = 160 << 20
BIG_BYTES = amount(192 << 20, 5 << 30)
PATH = "/api/records/1/files/big/content"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for the file, which does not stay there after a test that failed."""
    if shutil.disk_usage(tmp_path).free < BIG_BYTES + (2 << 30):
        pytest.skip(f"no room for a file of {BIG_BYTES} bytes")
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_a_file_of_many_gb_is_broken_off_killed_resumed_checked_and_packed(room: Path):
    archive, cut, stall = room / "archive", BIG_BYTES // 3 + 5, 2 * BIG_BYTES // 3
    big = File(made=BIG_BYTES, cuts=[cut], stall=stall)
    with serving(Filing({"1": {"big": big, "small": File(b"small")}})) as server:
        assert harvest(server, archive) == 0
        process = fetching(archive)
        wait_for(lambda: part_bytes(archive) > stall - (2 << 20), process)
        os.killpg(process.pid, signal.SIGKILL)
        assert ended(process) < MEMORY_MOST_BYTES
        had, big.stall = part_bytes(archive), None
        process = fetching(archive)
        assert ended(process) < MEMORY_MOST_BYTES
        assert process.returncode == 0
        asked = [words.get("Range") for path, words in zip(server.asked, server.headers, strict=True) if path == PATH]
    assert asked[0] is None
    assert asked[-1] == f"bytes={had}-"
    begun = [int(words.removeprefix("bytes=").removesuffix("-")) for words in asked[1:] if words is not None]
    assert len(begun) == 2
    assert cut - (8 << 20) < begun[0] <= cut
    assert server.sent[PATH] < BIG_BYTES + (16 << 20)
    kept = next(one for one in contents(archive) if one.bytes == BIG_BYTES)
    assert (kept.sha256, kept.sha512) == (made_digest("sha256", BIG_BYTES), made_digest("sha512", BIG_BYTES))
    assert last(archive).complete
    packed(archive, room / "bag", kept.path)


def packed(archive: Path, bag: Path, path: str) -> None:
    """Put it into a bag, which costs no room, and check both."""
    assert command("bag", archive, bag) < MEMORY_MOST_BYTES
    assert (bag / "data" / path).samefile(archive / path)
    assert (archive / path).stat().st_nlink == 2
    for one in (bag, archive):
        assert command("verify", one) < MEMORY_MOST_BYTES
    lines = (bag / "manifest-sha512.txt").read_text().splitlines()
    assert f"{sha512(archive / path)}  data/{path}" in lines


def test_a_record_of_thousands_of_files_is_an_ordinary_case(tmp_path: Path):
    archive, number = tmp_path / "a", amount(1500, 6000)
    many = {f"dir/{n}.bin": File(n.to_bytes(4, "big") * 50) for n in range(number)}
    with serving(Filing({"1": many})) as server:
        assert harvest(server, archive) == 0
        server.asked.clear()
        process = fetching(archive)
        assert ended(process) < MEMORY_MOST_BYTES
        assert process.returncode == 0
        assert (len(server.asked), len(set(server.asked))) == (number + 1, number + 1)  # one each, and robots.txt
        assert (last(archive).states["read"], len(contents(archive))) == (number, number)
        server.asked.clear()
        assert crawl("files", archive) == 0
        assert server.asked == []
    rows = "SELECT count(*) FROM files WHERE run = 2"
    # a row when it was listed and one when it ended: the ledger grows with the files, not with their square
    assert archive_builder.rows(archive, rows) == [(2 * number,)]
    packed_many = tmp_path / "bag"
    assert command("bag", archive, packed_many) < MEMORY_MOST_BYTES
    assert command("verify", packed_many) < MEMORY_MOST_BYTES
    told = subprocess.run(
        [HARVESTER, "why", archive, "1", "--json"], capture_output=True, env=environment(), check=False
    )
    assert json.loads(told.stdout)["files"]["states"]["read"] == number


def test_a_list_of_six_thousand_files_that_only_a_link_leads_to(tmp_path: Path):
    many = {f"{n}.bin": File(str(n).encode()) for n in range(amount(600, 6000))}
    with serving(Filing({"1": many}, lists={"1": 200})) as server:
        assert harvest(server, tmp_path / "a", "files=true") == 0
        assert server.asked.count("/api/records/1/files") == 1
        assert len(server.downloads()) == len(many)
    assert last(tmp_path / "a").states["read"] == len(many)


@pytest.mark.skipif(not KNOWN, reason="memory is read from /proc")
def test_many_large_files_at_once_take_no_more_memory_than_one(tmp_path: Path):
    archive, size = tmp_path / "a", 24 << 20
    files = {f"big {n}": File(made=size + n) for n in range(8)}
    with serving(Filing({"1": files})) as server:
        assert harvest(server, archive) == 0
        process = fetching(archive, "downloads=8")
        assert ended(process) < MEMORY_MOST_BYTES
    assert process.returncode == 0
    assert {one.bytes for one in contents(archive)} == {size + n for n in range(8)}


def fetching(archive: Path, *words: str) -> "subprocess.Popen[bytes]":
    """The files spider at work, in a group of its own."""
    pairs = [part for word in (*words, f"archive={archive}") for part in ("-a", word)]
    return subprocess.Popen(
        [HARVESTER, "crawl", "files", "--progress", "none", *pairs],
        env=environment(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def command(*words: object) -> int:
    """A command that ends well. Returns the most memory that it had, in bytes."""
    process = subprocess.Popen([HARVESTER, *map(str, words)], env=environment(), stdout=subprocess.DEVNULL)
    most = ended(process)
    assert process.returncode == 0
    return most


def wait_for(there: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    while not there():
        assert process.poll() is None
        time.sleep(0.02)


def part_bytes(archive: Path) -> int:
    return sum(path.stat().st_size for path in (archive / "downloads").glob("*.part"))
