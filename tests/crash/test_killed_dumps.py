"""A dump that is killed, or finds the disk full, leaves no release; the same command then makes the whole one."""

import collections
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import dump_builder, dump_server, serving_archive, task_server

from archive.errors import DiskFull
from archive.releases.manifest import read_manifest

Dump = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_archive.harvested(tmp_path_factory.mktemp("made") / "archive", [serving_archive.many(40)])


@pytest.fixture(scope="module")
def dump(archive: Path) -> Iterator[Dump]:
    """`dump(out, kill=["part-written", 2])` dumps in a process of its own, and says how it ended."""
    with task_server.server(dump_server.__file__) as ask:
        yield lambda out, **how: ask({"archive": str(archive), "out": str(out), **how})


@pytest.fixture(scope="module")
def unbroken(dump: Dump, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, collections.Counter[str]]:
    """A release that nothing interrupts, and how often each named point is reached."""
    out = tmp_path_factory.mktemp("unbroken") / "out"
    answer = dump(out)
    assert (answer["signal"], answer["code"]) == (0, 0), answer
    dump_builder.check(out)
    return out, collections.Counter(answer["points"])


def same(out: Path, unbroken: Path) -> None:
    """A whole release, equal to that of an unbroken dump, and nothing beside it."""
    assert read_manifest(out) == read_manifest(unbroken)
    assert dump_builder.bytes_of(out) == dump_builder.bytes_of(unbroken)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def occurrences(points: collections.Counter[str]) -> Iterator[tuple[str, int]]:
    """The first and the last time that each point is reached."""
    for point, most in sorted(points.items()):
        yield from ((point, number) for number in sorted({1, most}))


def test_the_points_are_those_of_every_file_and_of_the_one_rename(unbroken: tuple[Path, collections.Counter[str]]):
    points = unbroken[1]
    assert points["release-renaming"] == points["release-renamed"] == 1
    assert points["part-synced"] == len(read_manifest(unbroken[0]).content.parts) > 5
    assert points["lookup-synced"] == points["release-index-synced"] == points["manifest-synced"] == 1


def test_killed_at_any_point_there_is_no_release_and_then_a_whole_one(
    dump: Dump, unbroken: tuple[Path, collections.Counter[str]], tmp_path: Path
):
    for point, number in occurrences(unbroken[1]):
        out = tmp_path / f"{point}-{number}" / "out"
        out.parent.mkdir()
        assert dump(out, kill=[point, number])["signal"] == signal.SIGKILL, point
        if point == "release-renamed":
            same(out, unbroken[0])
            continue
        assert [path.name for path in out.parent.iterdir()] == [".out.staging"], point
        assert dump(out)["code"] == 0
        same(out, unbroken[0])


def test_a_full_disk_at_any_point_leaves_nothing_and_says_so(
    dump: Dump, unbroken: tuple[Path, collections.Counter[str]], tmp_path: Path
):
    before = [(point, number) for point, number in occurrences(unbroken[1]) if point.endswith("ing")]
    assert len(before) > 10
    for point, number in before:
        out = tmp_path / f"{point}-{number}" / "out"
        out.parent.mkdir()
        answer = dump(out, full=[point, number])
        assert answer["code"] == 3, (point, answer)
        assert answer["points"][-1].startswith("DiskFull: ")
        assert not list(out.parent.iterdir()), point


def test_on_a_disk_that_is_really_full_there_is_no_release(archive: Path, tmp_path: Path):
    if os.geteuid():
        pytest.skip("only root mounts a small disk")
    small = tmp_path / "small"
    small.mkdir()
    refused = 0
    for size in range(4, 260, 12):
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", small], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
        try:
            dump_builder.released(archive, small / "out")
            dump_builder.check(small / "out")
        except DiskFull:
            refused += 1
            assert not list(small.iterdir())
        finally:
            subprocess.run(["umount", small], check=True)
    assert refused > 3
