"""One misbehaviour at a time: the archive equals the truth, or a finding or an outcome names what differs."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import fork_server, oracle
from support.example_counts import tried
from support.harvest_runs import Harvest, Hostile, end, environment
from support.scenarios import FAULTS

from archive.store.snapshots import read_only

ALWAYS_RIGHT = ("unexpected", "datestamp", "status", "sets", "content")
# name: (options of the provider, arguments of the harvest, exit codes that are right)
WORLDS: dict[str, tuple[str, str, set[int]]] = {
    "plain": ("", "", {0}),
    "offset tokens in pages of 20": ("--page-size 20", "", {0}),
    "keyset tokens": ("--paging keyset", "", {0}),
    "snapshot tokens": ("--paging snapshot", "", {0}),
    "scroll tokens with lost answers": ("--paging scroll --p-reset .1 --p-cut .1 --page-size 50", "", {0}),
    "overlapping pages": ("--overlap 3 --page-size 50", "", {0, 1}),
    "a depth limit": ("--deep-limit 300 --page-size 50", "", {0}),
    "no list size": ("--no-list-size --page-size 50", "", {0}),
    "a list size too large": ("--list-size-lie 7 --page-size 50", "", {1}),
    "a list size too small": ("--list-size-lie -7 --page-size 50", "", {1}),
    "tokens in need of encoding": ("--token-style nasty --page-size 50", "", {0}),
    "long tokens": ("--token-style long --page-size 50", "", {0}),
    "tokens in white space": ("--token-style ws --page-size 50", "", {0}),
    "tokens used once": ("--token-single-use --page-size 50 --p-cut .1", "", {0}),
    "tokens that loop": ("--token-loop-at 4 --page-size 50", "", {0, 1}),
    "tokens that repeat": ("--token-repeat-at 4 --page-size 50", "", {0, 1}),
    "tokens that loop, no list size": ("--token-loop-at 4 --page-size 50 --no-list-size", "", {0, 1}),
    "tokens refused once": ("--token-expire-at 3,7 --page-size 50", "", {0}),
    "lists that end early": ("--truncate-at 3 --page-size 50", "", {0, 1}),
    "empty pages": ("--empty-page-at 2,5 --page-size 50", "", {0}),
    "granularity of a day": ("--granularity day --page-size 50", "", {0}),
    "a day of granularity and poison": ("--granularity day --page-size 50 --kinds xml_badchar:2", "", {1}),
    "no sets": ("--no-sets", "", {0}),
    "earliest datestamp of year 1": ("--earliest 0001-01-01T00:00:00Z --deep-limit 300 --page-size 50", "", {0}),
    "earliest datestamp far too late": ("--earliest 2024-01-01T00:00:00Z --deep-limit 300 --page-size 50", "", {0}),
    "errors with status 422": ("--oai-error-status 422 --deep-limit 300 --page-size 50", "", {0}),
    "errors with status 500": ("--oai-error-status 500 --deep-limit 300 --page-size 50", "", {0}),
    "until leaves its second out": ("--until-exclusive --deep-limit 300 --page-size 50", "", {0}),
    "a clock an hour ahead": ("--clock-skew 3600", "", {0}),
    "a clock an hour behind": ("--clock-skew -3600", "", {0}),
    "a base URL elsewhere": ("--identify-other-host", "", {0}),
    "deletions not said": ("--deleted-claim no", "", {0}),
    "gzip": ("--gzip", "", {0}),
    "sent as HTML": ("--oai-content-type text/html", "", {0}),
    "a burst larger than a window": ("--burst-share .9 --page-size 50 --deep-limit 400", "", {0, 1, 3}),
    "500s": ("--p-500 .2 --page-size 50", "", {0}),
    "502s and 504s": ("--p-502 .1 --p-504 .1 --page-size 50", "", {0}),
    "bad characters on the way": ("--p-badchars .1 --page-size 50", "", {0}),
    "bad encoding on the way": ("--p-badenc .1 --page-size 50", "", {0}),
    "gzip cut short": ("--p-truncgzip .2 --gzip --page-size 50", "", {0}),
    "pages of HTML": ("--p-html200 .1 --p-htmlxml .1 --page-size 50", "", {0}),
    "empty answers": ("--p-empty .2 --page-size 50", "", {0}),
    "redirects in a circle": ("--p-redirect-loop .1 --page-size 50", "", {0}),
    "redirects to another host": ("--p-redirect-other-host .1 --page-size 50", "", {0}),
    "connections refused": ("--p-refuse .1 --page-size 50", "", {0}),
    "slow answers": ("--p-drip .1 --drip-chunks 4 --drip-delay 0.05 --page-size 50", "", {0}),
    "Retry-After as a date": ("--p-429 .2 --retry-after date --retry-after-secs 1 --page-size 50", "", {0}),
    "Retry-After that is garbage": ("--p-429 .2 --retry-after garbage --page-size 50", "", {0}),
    "Retry-After in the past": ("--p-503 .2 --retry-after past --page-size 50", "", {0}),
    "Retry-After of zero": ("--p-429 .2 --retry-after zero --page-size 50", "", {0}),
    "Retry-After below zero": ("--p-429 .2 --retry-after negative --page-size 50", "", {0}),
    "Retry-After as a fraction": ("--p-429 .2 --retry-after float --page-size 50", "", {0}),
    "Retry-After of a year": ("--p-429 .9 --retry-after huge --fault-burst 0 --page-size 50", "", {3}),
    "one request at a time": ("--max-inflight 1 --page-size 50", "windows=4 slices=year", {0}),
    "windows at once": ("--page-size 50", "windows=4 slices=year", {0}),
    "a budget": ("--rate 30:1 --rate-retry-after --page-size 20", "", {0}),
    "no list size and months": ("--no-list-size --page-size 50", "slices=month", {0}),
    "until leaves its second out, and months": ("--until-exclusive --burst-share .5", "slices=month", {0}),
    "deletions not listed": ("--deleted no", "", {0}),
    "deletions listed for a while": ("--deleted transient --page-size 50", "", {0}),
    "deletions no longer listed": ("--deleted transient --transient-secs 1 --page-size 50", "", {0}),
    "sets that must be known": ("--strict-sets --page-size 50", "", {0}),
    "until a day is its midnight": ("--until-midnight --granularity day --deep-limit 300 --page-size 50", "", {0, 1}),
    "tokens that live no time at all": ("--token-ttl 0.001 --page-size 50", "", {0}),
    "tokens said to be dead already": ("--token-ttl 60 --token-ttl-lie -3600 --page-size 50", "", {0}),
    "tokens said to live longer than they do": ("--token-ttl 0.05 --token-ttl-lie 600 --page-size 50 --latency-ms 40",
                                                "", {0}),
    "answers that never come": ("--p-hang .05 --hang-secs 600 --page-size 50", "", {0}),
    "answers that come late to nothing": ("--p-hang .1 --hang-secs 1 --page-size 50", "", {0}),
    "connections that break off": ("--p-reset .2 --page-size 50", "", {0}),
    "pages cut short": ("--p-cut .2 --page-size 50", "", {0}),
    "503s that name no time": ("--p-503 .1 --retry-after none --page-size 50", "", {0}),
    "orders of every form": ("--p-503 .1 --retry-after mixed --retry-after-secs 1 --page-size 50", "", {0}),
    "URLs that fail the same way each time": ("--sticky --p-500 .1 --p-cut .1 --page-size 50", "", {0}),
    "URLs that always fail": ("--sticky --fault-burst 0 --p-500 .1 --fault-scope oai --page-size 50", "", {0, 1, 3}),
    "faults of the API only": ("--fault-scope api --p-500 .5 --page-size 50", "", {0}),
    "a ban that every request makes longer": ("--rate 8:1 --ban-after 2 --ban-secs 2 --ban-extend --page-size 50",
                                              "", {0}),
    "no records": ("--records 0", "", {0, 1}),
    "many deletions and one second": ("--deleted-share .5 --burst-share .5 --page-size 50", "", {0}),
    "another repository id": ("--repo-id other.example --first-id 5 --page-size 50", "", {0}),
}  # fmt: skip
# An answer that takes longer never comes; none of these worlds is so slow on purpose.
PATIENCE = "DOWNLOAD_TIMEOUT=5"


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_harvested_whole_or_says_what_is_missing(
    name: str, hostile: Callable[..., Hostile], harvest: Harvest
):
    options, words, codes = WORLDS[name]
    tried("worlds of one misbehaviour")
    server = hostile("--records", "800", *options.split())
    harvest.settings = [PATIENCE]
    code = harvest.run(server.url, *words.split())
    assert code in codes, harvest.output[-3000:]
    if code == 3:
        return
    found = oracle.compare(harvest.archive, server.truth())
    for kind in ALWAYS_RIGHT:
        assert not found[kind], (kind, found[kind][:5])
    assert not set(found["missing"]) - set(found["named"])
    assert not server.stats().get("probe_hits")
    findings = read_only(harvest.archive / "ledger.sqlite").execute("SELECT code FROM findings").fetchall()
    assert code == 0 or findings


def test_tokens_that_die_with_the_provider_cost_no_record(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    options = ("--token-boot-bound", "--state", str(tmp_path / "state"), "--page-size", "20", "--latency-ms", "100")
    server = hostile("--records", "400", *options)
    server.get("/__mutate?touch=5&delete=2&add=3")
    command, silent = harvest.command(server.url), subprocess.DEVNULL
    running = fork_server.Process(command, cwd=tmp_path, stdout=silent, stderr=silent, env=environment())
    try:
        while server.stats()["requests"] < 12 and running.poll() is None:
            time.sleep(0.05)
        assert running.poll() is None, "the harvest was faster than this test"
        end(server.process)
        server.process = fork_server.Process(server.process.args, stdout=silent, stderr=silent)
        assert running.wait(300) == 0
        found = oracle.compare(harvest.archive, server.truth())
        assert not any(found[kind] for kind in (*ALWAYS_RIGHT, "missing"))
    finally:
        end(running)
        end(server.process)


def test_a_change_that_is_listed_late_comes_with_the_overlap(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "200", "--index-lag", "3", "--page-size", "50")
    source = tmp_path / "late.toml"
    source.write_text(f'[oaipmh]\nurl = "{server.url}"\noverlap_seconds = 30\n')
    words = (f"source={source}", "mode=incremental")
    assert harvest.run(server.url, *words) == 0, harvest.output[-3000:]
    server.get("/__mutate?touch=5&delete=2&add=3")
    assert harvest.run(server.url, *words) == 0, harvest.output[-3000:]
    for _ in range(60):  # the provider lists its changes when it is asked
        server.get("/api/records?size=1")
        if all(line["listed"] for line in server.truth()):
            break
        time.sleep(0.1)
    assert harvest.run(server.url, *words) == 0, harvest.output[-3000:]
    found = oracle.compare(harvest.archive, server.truth())
    assert not any(found[kind] for kind in (*ALWAYS_RIGHT, "missing")), found


def test_every_switch_of_the_hostile_provider_is_served(beds: Path, root: Path):
    asked = fork_server.run(
        [sys.executable, beds / "hostile" / "server.py", "--help"], capture_output=True, text=True, check=True
    )
    switches = set(re.findall(r"--[a-z0-9][a-z0-9-]*", asked.stdout.partition("A hostile repository")[0]))
    tests = [*(root / "tests" / "e2e").glob("*.py"), root / "tests" / "support" / "scenarios.py"]
    served = " ".join(path.read_text(encoding="utf-8") for path in tests) + " ".join(f"--p-{name}" for name in FAULTS)
    missing = {name for name in switches if not re.search(name + r"(?![\w-])", served)}
    assert missing <= {"--help", "--list-kinds", "--port", "--probe-port"}


def test_the_comparison_sees_a_difference(hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path):
    server = hostile("--records", "50")
    assert harvest.run(server.url) == 0
    truth = server.truth()
    assert not oracle.compare(harvest.archive, truth)["missing"]
    live = next(line for line in truth if line["status"] == "live")
    found = oracle.compare(harvest.archive, [*truth, {**live, "identifier": "oai:hostile.example:0"}])
    assert found["missing"] == ["oai:hostile.example:0"]
    assert oracle.compare(harvest.archive, [{**live, "datestamp": "2001-01-01T00:00:00Z"}])["datestamp"]
