"""Archives and releases made by an earlier commit (see archives/make.py) are read, resumed and checked as they were."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import earlier_archives
from support.command_runner import Typed
from support.earlier_archives import Repository, Way
from support.harvest_runs import HARVESTER, environment

BAGIT = str(Path(sys.executable).with_name("bagit.py"))
EXPECTED = earlier_archives.expected()


@pytest.fixture(params=earlier_archives.WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return earlier_archives.WAYS[request.param]


@pytest.fixture
def expected(way: Way) -> dict[str, Any]:
    found: dict[str, Any] = EXPECTED[way.name]
    return found


@pytest.fixture
def archive(way: Way, tmp_path: Path) -> Path:
    """A finished archive, with its release beside it."""
    return earlier_archives.unpack(way.name, tmp_path)


def manifest(release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((release / "manifest.json").read_bytes())
    return found


def dumped(typed: Typed, archive: Path, out: Path) -> dict[str, Any]:
    """A release with the words of the earlier one."""
    assert typed("dump", archive, out, *earlier_archives.RELEASED).code == 1
    return manifest(out)


def test_it_is_whole_and_its_account_balances(archive: Path, expected: dict[str, Any], typed: Typed):
    verified = typed("verify", archive, "--json")
    assert (verified.code, verified.json["whole"], verified.json["problems"]) == (0, True, [])
    status = typed("status", archive, "--json")
    assert (status.code, earlier_archives.account(status.json)) == (1, expected["account"])
    assert status.json["balanced"]


def test_it_is_indexed_and_each_record_is_the_bytes_it_was(archive: Path, expected: dict[str, Any], typed: Typed):
    assert typed("index", archive).code == 0
    assert typed("index", archive, "--check").code == 0
    assert typed("sql", archive, earlier_archives.COUNTS, "--json").json == [expected["counts"]]
    got = subprocess.run([HARVESTER, "get", archive, expected["record"]["id"]], capture_output=True, env=environment())
    assert hashlib.sha256(got.stdout).hexdigest() == expected["record"]["sha256"]


def test_a_release_of_it_has_the_same_bytes(archive: Path, expected: dict[str, Any], typed: Typed):
    """The root depends on the records alone; the bytes also on the versions of zstd and DuckDB, which it states."""
    old, new = manifest(archive.parent / "release"), dumped(typed, archive, archive.parent / "new")
    assert new["content"]["root"] == old["content"]["root"] == expected["root"]
    assert typed("verify", archive.parent / "new").code == 0
    assert typed("diff", archive.parent / "release", archive.parent / "new").code == 0
    if any(new["software"][name] != old["software"][name] for name in ("zstandard", "zstd", "duckdb")):
        pytest.skip("other versions of zstd or DuckDB than those of the earlier release: only its root can be compared")
    assert new["content"] == old["content"]
    documents = {entry["name"] for entry in old["files"]} | {"manifest.json"}
    before, after = (earlier_archives.digests(archive.parent / name) for name in ("release", "new"))
    assert before.keys() == after.keys()
    assert {n: d for n, d in after.items() if n not in documents} == {
        n: d for n, d in before.items() if n not in documents
    }
    # the documentation files and the manifest also name the software, and so change with its version
    if new["software"] == old["software"]:
        assert after == before


def test_the_earlier_release_is_read(archive: Path, expected: dict[str, Any], typed: Typed):
    release = archive.parent / "release"
    assert typed("verify", release).code == 0
    assert typed("index", release).code == 0
    content = manifest(release)["content"]
    assert (content["records"] + content["tombstones"]) == expected["counts"]["records"]
    assert json.loads(typed("get", release, expected["record"]["id"]).out)["identifier"] == expected["record"]["id"]


@pytest.mark.parametrize("what", ["archive", "release"])
def test_it_is_bagged(archive: Path, typed: Typed, what: str):
    bag = archive.parent / "bag"
    assert typed("bag", archive.parent / what, bag).code == 0
    verified = typed("verify", bag, "--json")
    assert (verified.code, verified.json["kind"], verified.json["whole"]) == (0, "bag", True)
    assert subprocess.run([BAGIT, "--validate", bag], capture_output=True, check=False).returncode == 0


def test_a_flipped_byte_is_found_wherever_it_is(archive: Path, typed: Typed):
    # before it is read: SQLite leaves a -wal and a -shm beside what it reads, which hold nothing
    names = sorted(earlier_archives.digests(archive))
    assert len(names) > 5
    assert typed("verify", archive).code == 0
    for name in names:
        copy = archive.parent / "copy"
        shutil.copytree(archive, copy)
        body = bytearray((copy / name).read_bytes())
        body[len(body) // 2] ^= 1
        (copy / name).write_bytes(body)
        assert typed("verify", copy).code == 4, name
        shutil.rmtree(copy)


def test_the_next_run_brings_nothing_new(way: Way, archive: Path, expected: dict[str, Any], typed: Typed):
    with way.served(second=True):
        assert way.crawl(archive, *way.again) == expected["exit"]
    account = earlier_archives.account(typed("status", archive, "--json").json)
    assert len(account["runs"]) > len(expected["account"]["runs"])
    assert (account["balanced"], account["states"]) == (True, expected["account"]["states"])
    assert typed("verify", archive).code == 0
    assert dumped(typed, archive, archive.parent / "new")["content"]["root"] == expected["root"]


def test_an_archive_that_was_broken_off_is_resumed_to_its_end(
    way: Way, expected: dict[str, Any], tmp_path: Path, typed: Typed
):
    archive = earlier_archives.unpack(f"{way.name}-unfinished", tmp_path)
    check_unfinished(way.name, archive)
    before = typed("status", archive, "--json")
    assert (before.code, before.json["balanced"]) == (3, True)
    with way.served() as repository:
        assert way.crawl(archive) == expected["first"]["exit"]
    check_asked(way.name, repository)
    status = typed("status", archive, "--json").json
    assert earlier_archives.account(status) == expected["first"]["account"]
    assert status["balanced"]
    assert typed("verify", archive).code == 0
    assert dumped(typed, archive, tmp_path / "new")["content"]["root"] == expected["first"]["root"]


def check_unfinished(name: str, archive: Path) -> None:
    """Each was broken off in another way, and the fixture still shows it."""
    names = earlier_archives.digests(archive).keys()
    killed = name == "oaipmh"
    assert killed == any(one.endswith(".open") for one in names)
    assert killed == ("ledger.sqlite-wal" in names)
    assert killed != ("ledger.sqlite.sha256" in names)
    assert (name == "exporter") == any(one.endswith(".part") for one in names)


def check_asked(name: str, repository: Repository) -> None:
    """What was held is not asked for again."""
    if name == "oaipmh":  # a window that was half read is read again
        assert any("ListRecords" in path for path in repository.asked)
    elif name == "idrange":
        assert len([path for path in repository.asked if "/api/records/" in path]) < 40
    else:
        assert not [path for path in repository.asked if "/api/exporter/" in path]
        assert repository.sent["/api/records/3/files/big.bin/content"] == 120_000
