"""`report`, and `status --by`, as a user types them: what is printed, what is written, and the exit codes."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import fork_server, report_archive
from support.command_runner import Typed
from support.harvest_runs import Harvest, Hostile, environment

from archive.store.layout import Layout


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return report_archive.archive(tmp_path / "archive", {1: "read", 2: "read", 3: "absent", 250: "deleted"})


@pytest.fixture
def lossy(tmp_path: Path) -> Path:
    return report_archive.archive(tmp_path / "lossy", {1: "read", 2: "lost"}, ending="unfinished")


def test_report_prints_markdown_or_json_and_writes_what_is_named(typed: Typed, archive: Path, tmp_path: Path):
    said = typed("report", archive)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("# archive\n")
    page, text = tmp_path / "page.html", tmp_path / "text.md"
    said = typed("report", archive, "--html", page, "--markdown", text, "--json")
    values = json.loads(said.out)
    assert values["complete"] is True
    assert (values["listed"], values["compared"]["expected"], values["compared"]["missing"]) == (4, 3, 0)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert text.read_text().startswith("# archive\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "page.html", "text.md"]


def test_report_ends_with_the_code_of_the_archive(typed: Typed, archive: Path, lossy: Path, tmp_path: Path):
    assert typed("report", lossy, "--json").code == 3
    off = change(archive, "UPDATE requests SET listed = listed + 1")
    said = typed("report", off, "--json")
    assert (said.code, json.loads(said.out)["complete"]) == (4, False)
    assert typed("report", tmp_path / "nothing").code == 2


def test_status_by_counts_the_same_ids_in_every_cut(typed: Typed, archive: Path):
    assert typed("index", archive).code == 0
    for by, values in (
        ("window", ["1"]),
        ("year", ["2019"]),
        ("month", ["2019-01", "2019-03"]),
        ("set", ["user-a", "user-b", None]),
    ):
        said = typed("status", archive, "--by", by, "--json")
        rows = json.loads(said.out)["rows"]
        assert (said.code, said.err) == (0, "")
        assert [row[by] for row in rows] == values
        assert sum(row["listed"] for row in rows) == 4
        assert all(row["balanced"] for row in rows)
    assert "2019-03" in typed("status", archive, "--by", "month").out
    assert typed("status", archive, "--by", "year", "--run", "1").code == 0


def test_status_by_a_run_that_is_not_there_is_usage(typed: Typed, archive: Path):
    assert typed("status", archive, "--by", "year", "--run", "7").code == 2
    assert typed("status", archive, "--run", "1").code == 2
    assert typed("status", archive, "--by", "set").code == 3  # there is no index yet


def test_status_by_names_the_window_that_is_off(typed: Typed, archive: Path):
    change(archive, "UPDATE windows SET distinct_ids = distinct_ids + 1")
    said = typed("status", archive, "--by", "window")
    assert said.code == 4
    assert "NO" in said.out


def test_a_run_whose_sums_do_not_balance_fails_with_the_row(harvest: Harvest, hostile: Callable[..., Hostile]):
    server = hostile("--records", "300", "--page-size", "20")
    command = [*harvest.command(server.url, "prefix=oai_dc"), "-s", "CLOSESPIDER_PAGECOUNT=4"]
    assert run(harvest, command) == 3
    change(harvest.archive, "UPDATE requests SET listed = listed + 1 WHERE request = 1")
    assert harvest.run(server.url, "prefix=oai_dc") == 4
    assert "request 1 names" in harvest.output


def change(folder: Path, statement: str) -> Path:
    """Write to the ledger behind everybody's back, as a bit that flips would, and hide it from its digest."""
    with closing(sqlite3.connect(Layout(folder).ledger)) as db, db:
        db.execute(statement)
    Layout(folder).ledger_digest.unlink(missing_ok=True)
    return folder


def run(harvest: Harvest, command: list[str]) -> int:
    """Run a command; returns its exit code."""
    done = fork_server.run(
        command, cwd=harvest.archive.parent, capture_output=True, text=True, timeout=600, check=False, env=environment()
    )
    return done.returncode
