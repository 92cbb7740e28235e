"""Each command that writes, killed or failed at a system call that changes a file; run again it ends as it should.

The calls are counted below Python, SQLite and DuckDB (`faults.c`). In an ordinary run some calls of each command are
taken, in `make test-nightly` every one.
"""

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, fault_server, serving_archive
from support.example_counts import NIGHTLY, tried
from support.fault_server import Faults
from support.file_provider import File, Filing, serving
from support.harvest_runs import HARVESTER, end, environment

from archive.index.file import open_index
from archive.integrity.detect import check as check_anything
from archive.integrity.fixity_log import read_history
from archive.store.accounting import read_account
from archive.store.layout import Layout
from archive.store.snapshots import snapshot

MEMORY = Path("/dev/shm")
RECORDS = serving_archive.many(60)
# calls of one command that are tried in an ordinary run, in each way
TRIED = int(os.environ.get("TRIED", "1"))
CRASHES, FAILURES, CLOCKS = ("kill", "tear"), ("full", "bad-once", "bad"), ("back", "on")
COUNTED = {"full": "system calls that found the disk full", "bad-once": "system calls that met an I/O error"}


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: some thousand fsyncs wear a disk and prove nothing more."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def faults(memory: Path) -> Iterator[Faults]:
    library = fault_server.compiled(memory)
    if library is None:
        pytest.skip("no C compiler to make a layer below Python with")
    with fault_server.faults(library, environment()) as server:
        yield server


UNLICENSED = ("--licence-unknown",)


class Base:
    """What the commands begin with, made once: an archive, an older one, their releases, a bag, and who serves them."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.folder, self.run = folder, functools.partial(faults.run, folder)
        folder.mkdir()
        self.archive = serving_archive.harvested(folder / "archive", [RECORDS[:40], RECORDS[40:]], shard_bytes=900)
        self.old = serving_archive.harvested(folder / "old", [RECORDS[:40]])
        self.url = self.files_url = ""
        self.made("index", self.archive)
        self.made("dump", self.old, folder / "release", "--name", "r", *UNLICENSED)
        self.made("dump", self.archive, folder / "delta", "--name", "d", "--since", folder / "release", *UNLICENSED)

    def made(self, *words: Any) -> None:
        answer = self.run([str(word) for word in words])
        assert answer["code"] in (0, 1), answer["said"]


@pytest.fixture(scope="module")
def base(memory: Path, faults: Faults) -> Iterator[Base]:
    base = Base(memory / "base", faults)
    port_file = memory / "port"
    provider = subprocess.Popen(
        [HARVESTER, "serve", base.archive, "--port", "0", "--port-file", port_file, "--page-size", "20"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    files = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(base.folder / "release")))
    thread = threading.Thread(target=files.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    filing = Filing({"1": {"a": File(b"a" * 300_000), "b": File(b"b")}, "2": {"c": File(b"c")}})
    try:
        with serving(filing):
            for _ in range(400):
                with contextlib.suppress(OSError, ValueError):
                    base.url = f"http://127.0.0.1:{int(port_file.read_text())}"
                    break
                time.sleep(0.05)
            base.files_url = f"http://127.0.0.1:{files.server_port}"
            base.made("bag", base.folder / "release", base.folder / "holey", "--fetch-url", base.files_url)
            idrange = ["-a", f"url={filing.records_url}", "-a", "ids=1-2", "-a", "accept=application/json"]
            base.made("crawl", "idrange", "--progress", "none", *idrange, "-a", f"archive={base.folder / 'filed'}")
            yield base
    finally:
        end(provider)
        files.shutdown()
        files.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


# --- the commands: what is there before, the words, and what must hold in the end


class Command:
    """`words` with names in braces: WORK is the folder whose changes count, BASE what is made once."""

    def __init__(
        self, *words: str, copies: str = "", then: Callable[[Path], None], codes: tuple[int, ...] = (0,)
    ) -> None:
        self.words, self.copies, self.then, self.codes = words, copies, then, codes


def whole(folder: Path) -> None:
    assert check_anything(folder).whole, check_anything(folder).problems


def whole_archive(folder: Path) -> None:
    archive_builder.check(folder)
    whole(folder)
    assert read_account(folder).balanced
    assert {record.identifier for _, _, record in archive_builder.stored(folder)} == {one.identifier for one in RECORDS}


def indexed(folder: Path) -> None:
    whole_archive(folder)
    with contextlib.closing(open_index(folder)) as db:
        assert db.execute("SELECT count(*) FROM records").fetchone() == (60,)


def logged(folder: Path) -> None:
    whole_archive(folder)
    history = read_history(folder / "fixity.log")
    assert (history.damaged_lines, history.torn_bytes) == ([], 0)
    assert {last.result for last in history.files.values()} == {"good"}


def filed(folder: Path) -> None:
    whole(folder)
    with snapshot(Layout(folder)) as ledger:
        assert ledger.execute("SELECT count(*), count(DISTINCT key) FROM files WHERE state = 'read'").fetchone()[1] == 3


def mended(folder: Path) -> None:
    whole(folder)
    assert read_account(folder).balanced
    assert read_account(folder).states["lost"] == 40


def hurt(folder: Path) -> None:
    """A byte of the first frame and the header of the ledger."""
    for path, place in ((sorted((folder / "shards").iterdir())[-1], 60), (folder / "ledger.sqlite", 5)):
        body = bytearray(path.read_bytes())
        body[place] ^= 1
        path.write_bytes(body)
    shutil.rmtree(folder / "damaged", ignore_errors=True)


COMMANDS = {
    "crawl-oaipmh": Command("crawl", "oaipmh", "--progress", "none", "-a", "url={url}/oai", "-a", "prefix=oai_dc",
                            "-a", "archive={work}/it", then=whole_archive),
    "crawl-files": Command("crawl", "files", "--progress", "none", "-a", "archive={work}/it", copies="filed",
                           then=filed),
    "index": Command("index", "{work}/it", copies="archive", then=indexed),
    "convert": Command("convert", "--all", "{work}/it", copies="archive", then=whole_archive),
    "fixity": Command("fixity", "--once", "--rate", "0", "{work}/it", copies="archive", then=logged),
    "dump": Command("dump", "{base}/archive", "{work}/it", "--name", "r", *UNLICENSED, then=whole, codes=(0, 1)),
    "delta": Command("dump", "{base}/archive", "{work}/it", "--name", "r", *UNLICENSED, "--since", "{base}/release",
                     then=whole, codes=(0, 1)),
    "bag": Command("bag", "{base}/archive", "{work}/it", then=whole, codes=(0, 1)),
    "apply": Command("apply", "{base}/release", "{base}/delta", "{work}/it", then=whole),
    "fill": Command("fill", "{work}/it", "--allow-host", "{files_host}", copies="holey", then=whole),
    "mend": Command("mend", "{work}/it", copies="archive", then=mended, codes=(0, 1)),
}  # fmt: skip


def pairs(ways: tuple[str, ...], every: int = 1) -> list[tuple[str, str]]:
    """Each command in each way; in an ordinary run each (or each n-th) in one of them."""
    if NIGHTLY:
        return [(name, how) for name in COMMANDS for how in ways]
    return [(name, ways[number % len(ways)]) for number, name in enumerate(COMMANDS)][::every]


def begun(base: Base, name: str, work: Path) -> list[str]:
    """The folder as it is before the command, and its words."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    command = COMMANDS[name]
    if command.copies:
        shutil.copytree(base.folder / command.copies, work / "it")
    if name in ("index", "mend", "convert", "fixity"):
        for path in (work / "it").glob("index.*"):
            path.unlink()
    if name == "mend":
        hurt(work / "it")
    names = {"work": work, "base": base.folder, "url": base.url, "files_host": base.files_url.removeprefix("http://")}
    return [word.format(**names) for word in command.words]


def ends_well(faults: Faults, work: Path, name: str, words: list[str]) -> None:
    again = faults.run(work, words)
    assert again["signal"] == 0
    # killed after it had its name: what must not be written over is there, and whole
    there = again["code"] == 2 and "is there already" in again["said"]
    assert there or again["code"] in COMMANDS[name].codes, again["said"]
    COMMANDS[name].then(work / "it")


@functools.cache
def calls_of(faults: Faults, base: Base, name: str, work: Path) -> int:
    """How many calls the command makes when nothing stops it; it ends as it should."""
    words = begun(base, name, work)
    answer = faults.run(work, words)
    assert answer["code"] in COMMANDS[name].codes, answer["said"]
    COMMANDS[name].then(work / "it")
    assert answer["calls"] > 5
    return int(answer["calls"])


def chosen(most: int, name: str, how: str) -> list[int]:
    """The calls to try: all, or some that are other ones for each command and way."""
    number = (20 if how in CLOCKS else most) if NIGHTLY else TRIED
    return sorted(random.Random(f"{name} {how}").sample(range(1, most + 1), min(number, most)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), pairs(CRASHES))
def test_killed_at_any_call_then_run_again_it_ends_as_it_should(
    faults: Faults, base: Base, memory: Path, name: str, how: str
):
    work = memory / "work"
    for n in chosen(calls_of(faults, base, name, work), name, how):
        words = begun(base, name, work)
        answer = faults.run(work, words, how, n)
        assert answer["signal"] == signal.SIGKILL or answer["code"] in COMMANDS[name].codes, (n, answer)
        ends_well(faults, work, name, words)
        tried("kill points")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), pairs(FAILURES))
def test_where_the_disk_fails_at_any_call_it_says_so_and_ends_when_run_again(
    faults: Faults, base: Base, memory: Path, name: str, how: str
):
    work = memory / "work"
    codes = {3} if how == "full" else {3, 4}
    for n in chosen(calls_of(faults, base, name, work), name, how):
        words = begun(base, name, work)
        answer = faults.run(work, words, how, n)
        assert answer["signal"] == 0, (n, answer)
        if answer["code"] in COMMANDS[name].codes:  # what failed was not needed
            COMMANDS[name].then(work / "it")
        else:
            assert answer["code"] in codes, (n, answer)
            assert "harvester: " in answer["said"], (n, answer)
            assert "Traceback" not in answer["said"], (n, answer)
        ends_well(faults, work, name, words)
        tried(COUNTED.get(how, "disks that fail from a system call on"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), pairs(CLOCKS, every=3))
def test_a_clock_that_jumps_at_any_call_changes_only_the_times_that_are_noted(
    faults: Faults, base: Base, memory: Path, name: str, how: str
):
    work = memory / "work"
    for n in {0, *chosen(calls_of(faults, base, name, work), name, how)}:
        words = begun(base, name, work)
        answer = faults.run(work, words, how, n)
        assert answer["signal"] == 0
        assert answer["code"] in COMMANDS[name].codes, (n, answer)
        COMMANDS[name].then(work / "it")
        tried("system calls at which the clock jumped")
        if n and name.startswith("crawl"):  # and where it was killed before the clock jumped
            words = begun(base, name, work)
            faults.run(work, words, "kill", n)
            answer = faults.run(work, words, how, 0)
            assert answer["code"] in COMMANDS[name].codes, (n, answer)
            COMMANDS[name].then(work / "it")
