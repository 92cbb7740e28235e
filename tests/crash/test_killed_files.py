"""Files of records: killed or without room at any point, then run again: nothing is believed and missing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, fork_server
from support.file_provider import File, Filing, serving
from support.harvest_runs import HARVESTER, environment

from archive.files.account import file_accounts
from archive.files.checksums import FileDigests
from archive.files.store import check_file, stored_files
from archive.store.layout import Layout
from archive.store.snapshots import read_only

UNTIL = Path(__file__).parents[1] / "support" / "harvester_until.py"
POINTS = [
    "download-opened",
    "download-written",
    "download-synced",
    "file-synced",
    "file-renaming",
    "file-renamed",
    "ledger-committing",
    "ledger-committed",
]


def run(server: Filing, archive: Path, until: str = "", spider: str = "files") -> int:
    """One command; a signal that ended it is a negative number."""
    words = {"files": {}, "idrange": {"url": server.records_url, "ids": "1-3", "accept": "application/json"}}[spider]
    pairs = [part for name, value in {**words, "archive": archive}.items() for part in ("-a", f"{name}={value}")]
    start = [sys.executable, UNTIL, until] if until else [HARVESTER]
    command = [*start, "crawl", spider, "--progress", "none", "-s", "HARVEST_TRIES=2", *pairs]
    return fork_server.run(command, env=environment(), capture_output=True, timeout=600, check=False).returncode


def contents(server: Filing) -> set[str]:
    """The SHA-256 of every file that can be had."""
    return {file.digest("sha256") for files in server.records.values() for file in files.values() if file.status == 200}


def sound(server: Filing, archive: Path) -> None:
    """Everything is there, once, as it was sent; the account of each run balances; nothing else is left behind."""
    archive_builder.check(archive)
    ledger = read_only(Layout(archive).ledger)
    stored = list(stored_files(ledger))
    for one in stored:
        check_file(archive, one)
    assert {one.sha256 for one in stored} == contents(server)
    on_disk = {str(path.relative_to(archive)) for path in (archive / "files").rglob("*") if path.is_file()}
    assert on_disk == {one.path for one in stored}
    assert not list((archive / "downloads").iterdir())
    assert all(account.balanced for account in file_accounts(ledger))
    assert file_accounts(ledger)[-1].complete
    ledger.close()


def some() -> Filing:
    return Filing(
        {
            "1": {"a": File(b"a" * 3_000_000), "b": File(b"b")},
            "2": {"the same": File(b"a" * 3_000_000), "none": File(b"", stated={"checksum": None, "size": None})},
            "3": {"gone": File(b"x", status=404), "etag": File(b"e" * 70_000, stated={"checksum": None}, etag='"1"')},
        }
    )


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_then_run_again_every_file_is_there(tmp_path: Path, point: str):
    for occurrence in (1, 3):
        archive = tmp_path / str(occurrence)
        with serving(some()) as server:
            assert run(server, archive, spider="idrange") == 0
            assert run(server, archive, f"kill:{point}:{occurrence}") == -signal.SIGKILL
            for one in stored_files(read_only(Layout(archive).ledger)):
                check_file(archive, one)
            assert run(server, archive) == 0
            sound(server, archive)
            assert len(archive_builder.rows(archive, "SELECT * FROM runs WHERE spider = 'files'")) == 1


@pytest.mark.parametrize("step", ["download-opening", "download-writing", "download-syncing", "file-renaming"])
def test_a_full_disk_ends_the_run_in_order_and_loses_nothing(tmp_path: Path, step: str):
    archive = tmp_path / "archive"
    with serving(some()) as server:
        assert run(server, archive, spider="idrange") == 0
        assert run(server, archive, f"full:{step}:2") == 3
        assert archive_builder.rows(archive, "SELECT state FROM runs WHERE spider = 'files'") == [("unfinished",)]
        assert run(server, archive) == 0
        sound(server, archive)


@pytest.mark.parametrize("stated", [{}, {"checksum": None}])
def test_killed_in_the_middle_of_a_big_file_only_the_rest_is_asked_for(tmp_path: Path, stated: dict[str, Any]):
    archive, big = tmp_path / "archive", File(made=24 << 20, stated=stated, etag='"v1"')
    with serving(Filing({"1": {"big": big}}, pause_seconds=0.005)) as server:
        assert run(server, archive, spider="idrange") == 0
        process = subprocess.Popen(
            [HARVESTER, "crawl", "files", "--progress", "none", "-a", f"archive={archive}"],
            env=environment(),
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not part_bytes(archive):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        had, before = part_bytes(archive), len(server.asked)
        assert 0 < had < big.size
        server.pause_seconds = 0
        assert run(server, archive) == 0
        asked = [server.headers[n] for n in range(before, len(server.asked)) if server.asked[n].endswith("/content")]
        assert [one.get("Range") for one in asked] == [f"bytes={had}-"]
        assert asked[0].get("If-Range") == ('"v1"' if stated else None)
        sound(server, archive)


def test_a_file_that_changed_while_nobody_looked_is_begun_again(tmp_path: Path):
    archive, stated = tmp_path / "archive", {"checksum": None}
    with serving(Filing({"1": {"big": File(made=24 << 20, stated=stated, etag='"v1"')}})) as server:
        server.records["1"]["big"].cuts = [9 << 20, 0]
        assert run(server, archive, spider="idrange") == 0
        assert run(server, archive, "kill:download-synced:1") == -signal.SIGKILL
        new = File(b"n" * (24 << 20), stated=stated, etag='"v2"')
        server.records["1"]["big"] = new
        assert run(server, archive) == 0
        assert server.headers[-1]["If-Range"] == '"v1"'
        sound(server, archive)


def part_bytes(archive: Path) -> int:
    return sum(path.stat().st_size for path in (archive / "downloads").glob("*.part"))


def test_digests_go_on_with_what_an_earlier_process_wrote(tmp_path: Path):
    part = tmp_path / "x.part"
    part.write_bytes(b"abc")
    digests = FileDigests()
    digests.catch_up(part)
    digests.update(b"def")
    whole = FileDigests()
    whole.update(b"abcdef")
    assert (digests.sha256, digests.sha512, digests.length) == (whole.sha256, whole.sha512, 6)
