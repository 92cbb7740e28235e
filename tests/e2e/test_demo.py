"""`harvester demo` keeps what it promises, twice in the same folder, and leaves nothing running."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bagit
import pytest
from support.harvest_runs import environment

from archive.index.build import index
from archive.releases.manifest import read_manifest
from archive.store.layout import Layout
from harvester.demo.demo import committed_records, differing_records
from harvester.demo.samples import build_archive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="what runs is read from /proc"),
]

FEW = 300
STATES = ("read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open")


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "harvester", "demo", "--folder", str(folder), "--records", str(FEW), *words]


def processes() -> Iterator[tuple[int, int, str]]:
    """(process id, process group, command line) of all that run."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
            words = (path / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if state != "Z":
            yield int(path.name), int(group), words


def groups_of(folder: Path) -> set[int]:
    """Process groups with a process that names the folder: its decoders, which do not, are in the same ones."""
    return {group for _, group, words in processes() if str(folder) in words}


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(folder, *words), env=environment(), capture_output=True, text=True, timeout=300, check=False
    )


def test_the_demonstration_gives_what_it_promises_and_can_be_given_again(tmp_path: Path):
    folder = tmp_path / "a demo's folder"
    done = run(folder, "--rate", "40/1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill -9" in done.stdout
    assert not [state for state in STATES if state not in done.stdout]
    assert str(folder / "mirror") in done.stdout
    assert differing_records(folder / "provider" / "index.duckdb", folder / "mirror" / "index.duckdb") == 0
    mirror = sqlite3.connect(folder / "mirror" / "ledger.sqlite")
    assert set(mirror.execute("SELECT state FROM runs")) == {("complete",)}
    assert mirror.execute("SELECT count(DISTINCT identifier) FROM outcomes").fetchone() == (FEW,)
    assert read_manifest(folder / "release").content.identifiers == FEW
    assert bagit.Bag(str(folder / "bag")).is_valid()
    assert (folder / "report.html").stat().st_size < 1_000_000
    again = run(folder, "--rate", "40/1", "--remove")
    assert again.returncode == 0, again.stdout + again.stderr
    assert not folder.exists()
    assert not groups_of(folder)


def test_a_demonstration_that_is_interrupted_ends_what_it_started(tmp_path: Path):
    folder = tmp_path / "demo"
    demo = subprocess.Popen(
        command(folder, "--rate", "2/1"),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        until = time.monotonic() + 120
        while not committed_records(folder / "mirror"):
            assert demo.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        started = groups_of(folder)
        assert len(started) == 3  # itself, the server, the harvest
        os.kill(demo.pid, signal.SIGTERM)
        assert demo.wait(60) == 3
    finally:
        demo.kill()
        demo.wait()
    assert not [words for _, group, words in processes() if group in started]


def test_a_rate_that_is_none_is_a_usage_error_and_touches_nothing(tmp_path: Path):
    assert run(tmp_path / "demo", "--rate", "fast").returncode == 2
    assert not (tmp_path / "demo").exists()


def test_a_mirror_that_differs_in_one_record_is_found_out(tmp_path: Path):
    for name, records in (("one", 100), ("same", 100), ("other", 101)):
        build_archive(tmp_path / name, records)
        index(tmp_path / name)
    one, same, other = (Layout(tmp_path / name).index for name in ("one", "same", "other"))
    assert differing_records(one, same) == 0
    assert differing_records(one, other) == differing_records(other, one) == 2


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("seven years of work")
    done = run(tmp_path)
    assert done.returncode == 2
    assert "--folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
