"""A repository that changes: incremental harvests, censuses and audits tell what happened since."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import fork_server, oracle
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment

from archive.store.snapshots import read_only


def audited(archive: Path, target: str, *options: str) -> tuple[int, dict[str, object]]:
    done = fork_server.run(
        [HARVESTER, "audit", str(archive), "--against", target, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=600,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_an_incremental_harvest_brings_what_changed_and_deletions(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "300")
    assert harvest.run(server.url, "mode=incremental") == 0  # the first one is the whole list
    assert audited(harvest.archive, server.url)[0] == 0
    server.get("/__mutate?touch=7&delete=3&add=4")
    code, report = audited(harvest.archive, server.url, "--lines", str(tmp_path / "lines"))
    assert (code, report["missing"], report["stale"], report["extra"]) == (1, 4, 10, 0)
    assert report["balanced"]
    changed = {line[2:].strip() for line in (tmp_path / "lines").read_text().splitlines() if line[0] != "="}
    assert len(changed) == 14
    assert harvest.run(server.url, "mode=incremental") == 0
    assert audited(harvest.archive, server.url)[0] == 0
    found = oracle.compare(harvest.archive, server.truth())
    assert not any(found[kind] for kind in ("missing", "unexpected", "datestamp", "status", "content"))
    ledger = read_only(harvest.archive / "ledger.sqlite")
    (listed,) = ledger.execute(
        "SELECT sum(listed) FROM requests WHERE run = (SELECT max(run) FROM runs WHERE mode = 'incremental')"
    ).fetchone()
    assert listed < 100, "the incremental harvest took the whole list"


@pytest.mark.parametrize("skew", [10_000, -10_000])
def test_a_clock_that_answers_otherwise_than_it_stamps_records_hides_no_change(
    hostile: Callable[..., Hostile], harvest: Harvest, skew: int
):
    server = hostile("--records", "120", "--clock-skew", str(skew))
    assert harvest.run(server.url) == 0, harvest.output[-2000:]
    server.get("/__mutate?touch=7&delete=2&add=2")
    assert harvest.run(server.url, "mode=incremental") == 0, harvest.output[-2000:]
    found = oracle.compare(harvest.archive, server.truth())
    assert not any(found[kind] for kind in ("missing", "unexpected", "datestamp", "status", "sets", "content"))


def test_a_census_finds_what_has_vanished_where_deletions_are_not_told(
    hostile: Callable[..., Hostile], harvest: Harvest
):
    server = hostile("--records", "200", "--deleted", "no")
    assert harvest.run(server.url) == 0
    server.get("/__mutate?delete=5")
    assert harvest.run(server.url, "mode=census") == 1
    assert "5 of " in harvest.output, "it says how many are no longer listed"
    code, report = audited(harvest.archive, server.url)
    assert (code, report["extra"], report["missing"]) == (1, 5, 0)
    held = oracle.held(harvest.archive, "oai_dc")
    assert len(held) == report["held"], "nothing is ever removed from an archive"


def test_a_second_process_is_told_so_and_leaves(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "300", "--page-size", "10", "--latency-ms", "150")
    first = fork_server.Process(
        harvest.command(server.url),
        cwd=harvest.archive.parent,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (harvest.archive / "shards").exists():
            assert first.poll() is None
        assert harvest.run(server.url) == 3
        assert "another process" in harvest.output
    finally:
        first.wait(300)
    assert first.returncode == 0


def test_several_prefixes_and_sets_are_counted_apart(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "300")
    assert harvest.run(server.url, "prefix=oai_dc,datacite", "set=software,user-cern") == 0
    ledger = read_only(harvest.archive / "ledger.sqlite")
    counts = dict(
        ledger.execute(
            "SELECT c.name, count(DISTINCT o.identifier) FROM channels AS c JOIN requests USING (channel) "
            "JOIN outcomes AS o USING (request) GROUP BY c.name"
        ).fetchall()
    )
    sizes = {
        s: sum(s in t["sets"] or any(x.startswith(s + ":") for x in t["sets"]) for t in server.truth())
        for s in ("software", "user-cern")
    }
    assert counts == {f"oaipmh:{p}:{s}": sizes[s] for p in ("oai_dc", "datacite") for s in ("software", "user-cern")}


def test_words_that_make_no_sense_are_usage_errors_that_say_what_would(
    hostile: Callable[..., Hostile], harvest: Harvest
):
    server = hostile("--records", "20")
    for words, hint in (
        (("prefix=nothing",), "oai_dc"),
        (("set=nothing",), "user-cern"),
        (("from=yesterday",), "YYYY-MM-DD"),
        (("until=2020-01-01", "from=2021-01-01"), "after"),
        (("colour=blue",), "unknown argument"),
        (("mode=half",), "incremental"),
        (("shard=3/2",), "i/n"),
    ):
        assert harvest.run(server.url, *words) == 2, words
        assert hint in harvest.output
    base = server.url.removesuffix("/oai2d")
    assert harvest.run(base + "/api/records") == 2
    assert "no OAI-PMH endpoint" in harvest.output
    assert harvest.run("http://127.0.0.1:9/oai") == 3
    assert harvest.run("https://repository.example/oai") == 2
    assert "HARVEST_CONTACT" in harvest.output


def test_an_archive_of_another_source_is_left_alone(hostile: Callable[..., Hostile], harvest: Harvest):
    one, other = hostile("--records", "20"), hostile("--records", "20", "--seed", "8")
    assert harvest.run(one.url) == 0
    before = (harvest.archive / "archive.json").read_bytes()
    assert harvest.run(other.url) == 2
    assert "another folder" in harvest.output
    assert (harvest.archive / "archive.json").read_bytes() == before
