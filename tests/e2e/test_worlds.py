"""Worlds drawn at random: what is kept equals the truth, or each difference is named; and every run ends."""

import json
import shlex
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, fork_server, oracle
from support.example_counts import amount, tried
from support.faulty_proxy import BENDS, bent
from support.harvest_runs import Harvest, Hostile, environment
from support.scenarios import World, drawn

from archive.store.accounting import read_account
from archive.store.snapshots import read_only

# No harvest of so small a provider takes that long; one that does waits for something that does not come.
WATCHDOG_SECONDS = 240
# Requests for one record: tries, halved windows, GetRecord. A harvest that asks more turns in a circle.
REQUESTS_A_RECORD = 40
ALWAYS_RIGHT = ("unexpected", "datestamp", "status", "sets", "content")
# of records that are there these say that they are not: no harvest can know better, and none may call itself complete
DENYING = ("a proxy's 404 for every second id",)
STATES = {200: "read", 401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}
IN_DOUBT = "SELECT w.from_, w.until FROM findings JOIN windows AS w USING (window) WHERE code = 'window-unproven'"
# of a provider that is bent, pages may hold what cannot be read, and parts of a list may lack what it had
IN_DOUBT_WHERE_BENT = f"{IN_DOUBT} OR code IN ('page-unaccounted', 'list-size-differs') OR code GLOB 'parts-*'"
LIMITED = "SELECT code FROM findings WHERE code IN ('listed-by-set', 'listed-with-bounds', 'empty-list')"
BY_ID = "SELECT o.identifier, o.state, o.reason FROM outcomes AS o ORDER BY outcome"


def crawl(harvest: Harvest, server: Hostile, world: World, *words: str) -> int:
    """Harvest once, or until something was begun; the exit code."""
    code = crawl_once(harvest, server, world, *words)
    for _ in range(3):
        if (harvest.archive / "ledger.sqlite").exists():
            break
        assert code == 3, harvest.output  # a page for people in Identify's place: nothing was begun, and it is said
        code = crawl_once(harvest, server, world, *words)
    return code


def crawl_once(harvest: Harvest, server: Hostile, world: World, *words: str) -> int:
    """Harvest once; the exit code. A harvest that does not end fails with the way to repeat it."""
    if world.bend is None:
        return crawl_at(f"http://127.0.0.1:{server.port}", harvest, server, world, *words)
    with bent(f"http://127.0.0.1:{server.port}", BENDS[world.way][world.bend]) as base:
        return crawl_at(base, harvest, server, world, *words)


def crawl_at(base: str, harvest: Harvest, server: Hostile, world: World, *words: str) -> int:
    paths = {"oaipmh": "/oai2d", "idrange": "/api/records/{id}", "search": "/api/records"}
    command = harvest.command(base + paths[world.way], *world.words, *words, spider=world.way)
    repeat = f"server.py --port {server.port} {shlex.join(world.options)}\n{shlex.join(command)}\nbend: {world.bend}"
    try:
        done = fork_server.run(
            [*command, "-s", "DOWNLOAD_TIMEOUT=20"],
            cwd=harvest.archive.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=WATCHDOG_SECONDS,
            env=environment(),
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"no end after {late.timeout} s\n{repeat}\n{str(late.stderr)[-3000:]}")
    harvest.output = f"{repeat}\n{done.stdout}{done.stderr[-6000:]}"
    return done.returncode


@pytest.mark.parametrize("seed", range(amount(30, 300)))
def test_whatever_a_provider_does_the_archive_is_the_truth_or_names_what_differs(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path, seed: int
):
    world = drawn(seed)
    server = hostile(*world.options)
    if world.way == "oaipmh":
        code = listed(harvest, server, world)
    elif world.way == "idrange":
        code = asked_one_by_one(harvest, server, world)
    else:
        code = searched(harvest, server, world)
    assert code in (0, 1, 3), harvest.output
    archive_builder.check(harvest.archive)
    stats = server.stats()
    assert not stats.get("probe_hits"), harvest.output
    assert stats["requests"] < REQUESTS_A_RECORD * 250, harvest.output
    if code:
        assert named(harvest.archive), harvest.output
    tried("worlds drawn at random")


def listed(harvest: Harvest, server: Hostile, world: World) -> int:
    code = crawl(harvest, server, world)
    found = oracle.compare(harvest.archive, server.truth())
    for _ in range(6 if world.moving else 0):  # what one run could not see, the next one brings
        if not any(found[kind] for kind in (*ALWAYS_RIGHT, "missing")):
            break
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # what a list that could not be read whole had is told by the run that read it, and by no later one
        code = max(code, crawl(harvest, server, world, "mode=incremental"))
        truth = server.truth()
        # a provider that changes with every few requests is never caught up with: only what is older counts
        moved = {
            oracle.collapsed(row["identifier"]) for row in truth if row["datestamp"] >= began[: len(row["datestamp"])]
        }
        found = {
            kind: [one for one in ids if one not in moved] if isinstance(ids, list) else ids
            for kind, ids in oracle.compare(harvest.archive, truth).items()
        }
    # what vanishes without a word is for a census to find, not for what changed since
    always = ALWAYS_RIGHT[1:] if world.moving and world.has("--deleted") else ALWAYS_RIGHT
    for kind in always:
        assert not found[kind], (kind, found[kind][:5], harvest.output)
    missing = set(found["missing"]) - set(found["named"]) - in_doubt(harvest.archive, server, world)
    if world.bend is not None and archive_builder.rows(harvest.archive, LIMITED):
        missing = set()  # the run says which lists it had, and that others cannot be known
    # a run that says it is unfinished names the windows that stay open, not what would be in them
    assert not missing or code == 3, (sorted(missing)[:5], harvest.output)
    assert not found["missing"] or code, harvest.output
    return code


def in_doubt(archive: Path, server: Hostile, world: World) -> set[str]:
    """Identifiers of windows of which a finding says that nothing shows their lists to be whole."""
    spans = archive_builder.rows(archive, IN_DOUBT if world.bend is None else IN_DOUBT_WHERE_BENT)
    return {
        oracle.collapsed(row["identifier"])
        for row in server.truth()
        for from_, until in spans
        if (from_ or "") <= row["datestamp"] and (until is None or row["datestamp"] <= until)
    }


def asked_one_by_one(harvest: Harvest, server: Hostile, world: World) -> int:
    rows = {str(row["recid"]): row for row in map(json.loads, server.get("/__truth?bodies=1").splitlines())}
    first, last = min(map(int, rows)), min(max(map(int, rows)), min(map(int, rows)) + 320)
    accept = "application/marcxml+xml" if world.has("--conneg") else "application/json"
    code = crawl(harvest, server, world, f"ids={first - 5}-{last}", f"accept={accept}")
    with closing(read_only(harvest.archive / "ledger.sqlite")) as db:
        ends = {row[0]: row[1:] for row in db.execute(BY_ID).fetchall()}
    records = {record.identifier: record for *_, record in archive_builder.stored(harvest.archive)}
    assert {str(number) for number in range(first - 5, last + 1)} <= set(ends), harvest.output
    for identifier, (state, reason) in ends.items():
        row = rows.get(identifier)
        right = {"absent", "moved"} if row is None else {STATES.get(row["rest_status"], "refused")}
        if code and world.bend in DENYING:
            right.add("absent")
        assert state in right or (state in ("refused", "lost", "open") and reason and code), (
            identifier,
            state,
            reason,
            row,
            harvest.output,
        )
        if state == "read" and row is not None:
            sent = {media for media, sha256 in row["body_sha256"].items() if sha256 == records[identifier].sha256}
            assert sent, (identifier, row["kind"], harvest.output)
    return code


def searched(harvest: Harvest, server: Hostile, world: World) -> int:
    live = {str(row["recid"]) for row in server.truth() if row["status"] == "live"}
    code = crawl(harvest, server, world)
    held = {record.identifier: record for *_, record in archive_builder.stored(harvest.archive)}
    assert set(held) <= live, harvest.output
    assert set(held) == live or code, harvest.output
    assert all(record.metadata and str(record.metadata["id"]) == name for name, record in held.items())
    assert read_account(harvest.archive).balanced
    return code


def named(archive: Path) -> list[tuple[Any, ...]]:
    """What the archive says of its own gaps: findings, windows that are not done, ids without a record."""
    queries = (
        "SELECT code FROM findings",
        "SELECT window FROM windows WHERE state <> 'done'",
        "SELECT identifier FROM outcomes WHERE state IN ('refused', 'lost', 'open') AND reason IS NOT NULL",
    )
    return [row for query in queries for row in archive_builder.rows(archive, query)]


def test_each_world_is_drawn_again_the_same_and_all_that_can_be_drawn_is():
    assert drawn(7) == drawn(7)
    served = {option for seed in range(300) for option in drawn(seed).options if option.startswith("--")}
    assert len(served) > 60
    assert {drawn(seed).way for seed in range(5)} == {"oaipmh", "idrange", "search"}
    bends = {(drawn(seed).way, drawn(seed).bend) for seed in range(2000)}
    assert {(way, name) for way, named_bends in BENDS.items() for name in named_bends} <= bends


def test_the_comparison_would_notice_a_record_that_is_not_there(hostile: Callable[..., Hostile], harvest: Harvest):
    world = World(0, "search", ("--records", "60"), (), False)
    server = hostile(*world.options)
    assert searched(harvest, server, world) == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/__mutate?add=1", timeout=10):
        live = {str(row["recid"]) for row in server.truth() if row["status"] == "live"}
    assert live - {record.identifier for *_, record in archive_builder.stored(harvest.archive)}
