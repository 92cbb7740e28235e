"""`harvester audit` against searches, dumps, releases and files, and `harvester repair`: a truth that is known."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder, bulk_provider, fork_server
from support.bulk_provider import DAY, Bulk, serving
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment

from archive.queries import Queries


def run(*words: str | Path) -> tuple[int, str, str]:
    done = fork_server.run(
        [HARVESTER, *map(str, words)], capture_output=True, text=True, check=False, env=environment(), timeout=600
    )
    return done.returncode, done.stdout, done.stderr


def audited(archive: Path, target: str | Path, *options: str | Path) -> tuple[int, dict[str, Any]]:
    code, printed, said = run("audit", archive, "--against", target, "--json", *options)
    assert printed, said
    return code, json.loads(printed)


def marks(path: Path) -> dict[str, str]:
    return {line[2:].split("\t")[0]: line[0] for line in path.read_text().splitlines()}


def change(server: Bulk, seed: int) -> dict[str, str]:
    """Some records vanish, some change, some are new. Returns the mark of each id."""
    dice = random.Random(seed)
    truth, left = {}, []
    for one in server.records:
        fate = dice.choice(["same", "same", "changed", "gone"])
        truth[one["id"]] = {"same": "=", "changed": "*", "gone": "-"}[fate]
        if fate == "changed":
            one = bulk_provider.record(int(one["id"]), DAY + timedelta(days=100, hours=int(one["id"])))
        if fate != "gone":
            left.append(one)
    new = [bulk_provider.record(5000 + n, DAY + timedelta(days=200, hours=n)) for n in range(7)]
    server.records = [*left, *new]
    return truth | {one["id"]: "+" for one in new}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_search_is_listed_and_names_exactly_what_changed(harvest: Harvest, tmp_path: Path, seed: int):
    with serving(Bulk(bulk_provider.records(120))) as server:
        url = f"{server.url}/api/records"
        assert harvest.run(url, spider="search") == 0, harvest.output
        assert audited(harvest.archive, url)[0] == 0
        truth = change(server, seed)
        code, report = audited(harvest.archive, url, "--lines", tmp_path / "lines", "--stated", "doi=1")
    assert (code, marks(tmp_path / "lines")) == (1, truth)
    counts = {mark: list(truth.values()).count(mark) for mark in "=+-*"}
    assert (report["same"], report["missing"], report["extra"], report["stale"]) == tuple(counts.values())
    assert report["differences"] == {"newer there": counts["*"]}
    assert sum(report["reasons"].values()) == report["missing"]
    totals = {one["name"]: one for one in report["totals"]}
    listed = next(one for name, one in totals.items() if name.startswith("search total"))
    assert listed["stated"] == listed["counted"] == len(server.records)
    assert [one["code"] for one in report["findings"]] == ["total-differs"]
    assert totals["doi"] == {"name": "doi", "stated": 1, "counted": len(server.records), "agrees": False, "seen": None}


def test_a_dump_names_what_is_there_and_what_was_deleted(harvest: Harvest, tmp_path: Path):
    found = bulk_provider.records(60)
    files = {
        "records-json.tar.gz": ("1", bulk_provider.json_dump(found)),
        "records-deleted.csv.gz": ("2", bulk_provider.deletions([])),
    }
    with serving(Bulk(found, files=files)) as server:
        url = f"{server.url}/api/exporter"
        assert harvest.run(url, spider="exporter") == 0, harvest.output
        gone = [found[0]["id"], "777"]
        server.files = {
            "records-json.tar.gz": ("3", bulk_provider.json_dump([*found[2:], bulk_provider.record(5000, DAY)])),
            "records-deleted.csv.gz": ("4", bulk_provider.deletions([{"record_id": one} for one in gone])),
        }
        code, report = audited(harvest.archive, url, "--lines", tmp_path / "lines")
        again = audited(harvest.archive, url)
    assert code == 1
    truth = {one["id"]: "=" for one in found} | {gone[0]: "*", "777": "+", found[1]["id"]: "-", "5000": "+"}
    assert marks(tmp_path / "lines") == truth
    assert report["differences"] == {"deleted there": 1}
    assert report["reasons"] == {"deleted": 1, "never listed": 1}
    assert again[1] == report, "a census changes nothing of what is held"
    assert archive_builder.rows(harvest.archive, Queries("archive.store")["exported_newest"])[0][0] == 1, (
        "and is no dump to go on from"
    )
    archive_builder.check(harvest.archive)


def test_a_release_of_another_archive_is_compared_by_its_formats(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2", "oai:x:3"]])
    archive_builder.ended(tmp_path / "b", [["oai:x:2", "oai:x:3", "oai:x:4"]])
    assert run("dump", tmp_path / "b", tmp_path / "release", "--licence", "CC0-1.0")[0] == 0
    code, report = audited(tmp_path / "a", tmp_path / "release", "--lines", tmp_path / "lines")
    assert (code, marks(tmp_path / "lines")) == (1, {"oai:x:1": "-", "oai:x:2": "=", "oai:x:3": "=", "oai:x:4": "+"})
    assert report["totals"][0]["agrees"]
    assert audited(tmp_path / "a", tmp_path / "release" / "manifest.json")[1]["missing"] == 1
    alone = tmp_path / "manifest.json"
    alone.write_bytes((tmp_path / "release" / "manifest.json").read_bytes())
    assert run("audit", tmp_path / "a", "--against", alone)[0] == 2


def test_a_parquet_file_of_ids_says_what_it_knows(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2", "oai:x:3"]])
    ids = tmp_path / "ids.parquet"
    duckdb.execute(
        f"COPY (SELECT * FROM (VALUES (1, TIMESTAMP '2020-01-01', false), (2, TIMESTAMP '2021-01-01', false), "
        f"(3, NULL, true), (4, NULL, true)) AS t(ID, updated, deleted)) TO '{ids}'"
    )
    code, report = audited(tmp_path / "a", ids, "--differences", tmp_path / "differences")
    assert code == 1
    found = {row["identifier"]: row for row in map(json.loads, (tmp_path / "differences").read_text().splitlines())}
    assert {name: (row["mark"], row["reason"]) for name, row in found.items()} == {
        "2": ("*", "newer there"),
        "3": ("*", "deleted there"),
        "4": ("+", "deleted"),
    }
    assert report["balanced"]


@pytest.mark.parametrize(("percent", "code"), [("66.0", 0), ("66.9", 1)], ids=["enough", "too little"])
def test_completeness_may_be_enough(tmp_path: Path, percent: str, code: int):
    archive_builder.ended(tmp_path / "a", [["oai:x:1", "oai:x:2"]])
    (tmp_path / "ids").write_text("1\n2\n3\n")
    assert audited(tmp_path / "a", tmp_path / "ids", "--fail-under", percent)[0] == code
    assert audited(tmp_path / "a", tmp_path / "ids")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--against", "nothing-of-that-name"),
        ("--stated", "many"),
        ("--via", "search"),
        ("--redirects", "x"),
        ("--seed", "3"),
        ("--sample", "3", "--estimate"),
        ("--against", "http://a:b@x.example/oai"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(tmp_path: Path, words: tuple[str, ...]):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    assert run("audit", tmp_path / "a", *words)[0] == 2


# --- repair


def test_what_is_missing_and_stale_is_fetched_by_id_and_then_nothing_is_missing(harvest: Harvest):
    with serving(Bulk(bulk_provider.records(40))) as server:
        url = f"{server.url}/api/records"
        assert harvest.run(url, spider="search") == 0, harvest.output
        removed = server.records[:2]
        truth = change(server, 3)
        server.records = [one for one in server.records if one not in removed]
        code, printed, said = run("repair", harvest.archive, "--against", url, "--json")
        report = json.loads(printed)
        assert report["before"]["missing"] == 7, said
        assert (report["after"]["missing"], report["after"]["stale"]) == (0, 0), said
        assert report["after"]["extra"] == len(truth) - len(server.records)
        assert code == 1, "what is no longer there is still held"
        assert not (harvest.archive / ".repair").exists()
        asked = len(server.asked)
        assert run("repair", harvest.archive, "--against", url, "--json")[0] == 1
        assert not [path for path in server.asked[asked:] if path.startswith("/api/records/")], "nothing to ask for"
        assert audited(harvest.archive, url)[1]["differences"] == {}
    archive_builder.check(harvest.archive)


def test_where_there_is_only_oai_pmh_single_records_are_asked_for(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "80", "--page-size", "20")
    assert harvest.run(server.url, "sample=30") == 0
    code, printed, said = run("repair", harvest.archive, "--against", server.url, "--json")
    report = json.loads(printed)
    assert code == 0, said
    assert report["before"]["missing"] > 0
    assert report["after"]["complete"]
    assert [one["left"] for one in report["rounds"]] == [0]
    archive_builder.check(harvest.archive)


def test_a_repair_that_is_killed_goes_on_with_the_crawl_it_had_begun(harvest: Harvest):
    with serving(Bulk(bulk_provider.records(300))) as server:
        url = f"{server.url}/api/records"
        everything = server.records
        server.records = everything[:20]
        assert harvest.run(url, spider="search") == 0, harvest.output
        server.records = everything
        words = [HARVESTER, "repair", str(harvest.archive), "--against", url, "--json"]
        with fork_server.Process(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=environment()
        ) as process:
            deadline = time.monotonic() + 300
            while not _asked(server) and time.monotonic() < deadline:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
        before = len(_asked(server))
        assert 0 < before < 280
        assert (harvest.archive / ".repair" / "0.json").exists()
        code, printed, said = run("repair", harvest.archive, "--against", url, "--json")
        assert code == 0, said
        assert json.loads(printed)["after"]["complete"]
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM runs WHERE spider = 'idrange'") == [(1,)]
    assert not (harvest.archive / ".repair").exists()
    archive_builder.check(harvest.archive)


def _asked(server: Bulk) -> list[str]:
    return [path for path in server.asked if path.startswith("/api/records/")]


def test_gaps_that_nobody_can_be_asked_for_are_said(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    (tmp_path / "ids").write_text("1\n2\n")
    # the archive says that it came from where nobody answers
    code, _, said = run("repair", tmp_path / "a", "--against", tmp_path / "ids", "-s", "HARVEST_TRIES=1")
    assert code == 2, said
