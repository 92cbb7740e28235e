"""Harvests by id from a provider that misbehaves: every id of every form ends in the state that the truth names."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, fork_server
from support.example_counts import amount, tried
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment

from archive.store.envelope import Record

ZENODO, MARC = "application/vnd.zenodo.v1+json", "application/marcxml+xml"
FORMATS = {ZENODO: "zenodo-json", MARC: "marcxml"}
STATES = {200: "read", 401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}

# name: options of the provider
WORLDS = {
    "plain": "",
    "gzip": "--gzip",
    "gzip cut short": "--gzip --p-truncgzip .1",
    "bodies cut short": "--p-cut .1",
    "resets and refusals": "--p-reset .05 --p-refuse .05",
    "pages of HTML": "--p-html200 .05 --p-htmlxml .05",
    "empty answers": "--p-empty .1",
    "500, 502, 503, 504": "--p-500 .03 --p-502 .03 --p-503 .03 --p-504 .03 --retry-after none",
    "429 with and without an order": "--p-429 .05 --retry-after mixed --retry-after-secs 1",
    "bad characters and bad encoding": "--p-badchars .05 --p-badenc .05",
    "redirects elsewhere and in a circle": "--p-redirect-other-host .05 --p-redirect-loop .05",
    "one answer for all forms, says its cache": "--no-vary",
    "slow answers": "--p-drip .02 --drip-chunks 3 --drip-delay 0.05",
}


def bodies(server: Hostile) -> dict[str, dict[str, Any]]:
    """What the provider has, by id."""
    return {str(row["recid"]): row for row in map(json.loads, server.get("/__truth?bodies=1").splitlines())}


def states(archive: Path, format_: str) -> dict[str, tuple[str, str | None]]:
    """The last (state, reason) of each id in a form."""
    query = (
        "SELECT o.identifier, o.state, o.reason FROM outcomes AS o JOIN requests USING (request) "
        "JOIN channels USING (channel) WHERE name = ? ORDER BY outcome"
    )
    return {row[0]: (row[1], row[2]) for row in archive_builder.rows(archive, query, f"idrange:{format_}")}


def held(archive: Path, format_: str) -> dict[str, Record]:
    return {record.identifier: record for *_, record in archive_builder.stored(archive) if record.format == format_}


def compare(archive: Path, server: Hostile, last: int, accept: str = f"{ZENODO},{MARC}") -> None:
    """Every id from 1 to `last` in its state, and the exact bytes of every record."""
    archive_builder.check(archive)
    truth = bodies(server)
    for media_type in accept.split(","):
        found, records = states(archive, FORMATS[media_type]), held(archive, FORMATS[media_type])
        assert sorted(map(int, found)) == list(range(1, last + 1))
        for identifier, (state, reason) in found.items():
            row = truth.get(identifier)
            if row is None:
                assert state == "absent" or (state == "moved" and reason), (identifier, state, reason)
                continue
            assert state == STATES[row["rest_status"]], (identifier, state, reason)
            if state == "read":
                assert records[identifier].sha256 == row["body_sha256"][media_type], identifier
            elif state == "deleted":
                tombstone = records[identifier]
                assert tombstone.deleted
                assert tombstone.metadata is not None
                assert tombstone.metadata["tombstone"]["removal_reason"] == {"id": "retracted"}
        concepts = {identifier: reason for identifier, (state, reason) in found.items() if state == "moved"}
        assert concepts
        assert all(reason and reason.startswith("to ") and reason[3:] in truth for reason in concepts.values())


@pytest.mark.parametrize("name", WORLDS)
def test_every_id_ends_in_the_state_that_the_truth_names(hostile: Callable[..., Hostile], harvest: Harvest, name: str):
    server = hostile("--records", "300", *WORLDS[name].split())
    # where 429 comes by chance the gate looks for a limit that is not there, and takes its time
    first, last = (1000, 1060) if "429" in name else (900, 1500)
    asked = (f"ids={first}-{last},1-50", f"accept={ZENODO},{MARC}", "connections=8")
    assert harvest.run(server.records_url, *asked, spider="idrange") == 0, harvest.output[-3000:]
    truth = bodies(server)
    archive_builder.check(harvest.archive)
    for media_type, format_ in FORMATS.items():
        found, records = states(harvest.archive, format_), held(harvest.archive, format_)
        assert set(found) >= {str(number) for number in (*range(1, 51), *range(first, last + 1))}
        for identifier, (state, reason) in found.items():
            row = truth.get(identifier)
            expected = {"absent", "moved"} if row is None else {STATES[row["rest_status"]]}
            assert state in expected, (identifier, state, reason)
            if state == "read" and row is not None:
                assert records[identifier].sha256 == row["body_sha256"][media_type], identifier
            if state == "moved":
                assert reason is not None
                assert found[reason.removeprefix("to ")][0] in ("read", "deleted")
    stats = server.stats()
    assert not stats.get("probe_hits")
    tombstones = [record for record in held(harvest.archive, "zenodo-json").values() if record.deleted]
    assert tombstones
    assert all(t.metadata and t.metadata["tombstone"]["removal_reason"] == {"id": "retracted"} for t in tombstones)


def test_each_kind_of_bad_record_is_refused_with_its_bytes_and_no_other_is(
    hostile: Callable[..., Hostile], harvest: Harvest
):
    server = hostile("--records", "300", "--kinds", "rest_*,json_*,redirect_*")
    asked = ("ids=1-1500", f"accept={ZENODO}", "connections=8")
    assert harvest.run(server.records_url, *asked, spider="idrange") == 1, harvest.output[-3000:]
    archive_builder.check(harvest.archive)
    found, truth = states(harvest.archive, "zenodo-json"), bodies(server)
    bad = {
        "rest_500",
        "rest_429",
        "redirect_other_host",
        "redirect_file",
        "redirect_loop",
        "redirect_chain",
        "redirect_scheme",
        "json_rs_raw",
        "json_deep",
        "json_latin1",
        "json_two",
        "json_array",
        "json_empty",
        "json_html",
    }
    for identifier, row in truth.items():
        state, reason = found[identifier]
        if row["kind"] in bad:
            assert state == "refused", (row["kind"], state, reason)
        else:
            assert state == STATES[row["rest_status"]], (row["kind"], state, reason)
    kept = {row[0] for row in archive_builder.rows(harvest.archive, "SELECT identifier FROM quarantine")}
    assert kept == {identifier for identifier, (state, _) in found.items() if state == "refused"}
    assert not server.stats().get("probe_hits")


@pytest.mark.parametrize(("conneg", "kept_as"), [("ignore", "json"), ("mislabel", "json"), ("lie", "marcxml")])
def test_another_type_than_was_asked_for_is_kept_as_what_it_is(
    hostile: Callable[..., Hostile], harvest: Harvest, conneg: str, kept_as: str
):
    server = hostile("--records", "50", "--conneg", conneg)
    assert harvest.run(server.records_url, "ids=1001-1020", f"accept={MARC}", spider="idrange") == 1
    records = [record for *_, record in archive_builder.stored(harvest.archive) if not record.deleted]
    assert records
    assert {record.format for record in records} == {kept_as}
    codes = {row[0] for row in archive_builder.rows(harvest.archive, "SELECT code FROM findings")}
    assert codes == {"other-media-type"}
    body = "application/json" if kept_as == "json" else MARC
    truth = bodies(server)
    assert all(record.sha256 == truth[record.identifier]["body_sha256"][body] for record in records)


def test_a_type_that_is_not_served_is_refused_in_its_channel_only(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "50")
    asked = ("ids=1001-1020", "accept=application/x-datacite-v41+xml,application/json")
    assert harvest.run(server.records_url, *asked, spider="idrange") == 1
    refused = states(harvest.archive, "datacite-v41-xml")
    read = {i for i, (state, _) in states(harvest.archive, "json").items() if state == "read"}
    # after a few of them no more are asked for, whatever they would have been answered
    assert {i for i, (state, _) in refused.items() if state == "refused"} >= read
    assert {
        row[0]
        for row in archive_builder.rows(harvest.archive, "SELECT http_status FROM requests WHERE state='refused'")
    } == {406}
    archive_builder.check(harvest.archive)


def test_a_range_without_an_end_ends_above_the_highest_id_by_a_stated_rule(
    hostile: Callable[..., Hostile], harvest: Harvest
):
    server = hostile("--records", "200")
    assert harvest.run(server.records_url, "ids=900-", "connections=8", spider="idrange") == 0, harvest.output[-2000:]
    truth = bodies(server)
    found = states(harvest.archive, "json")
    assert set(truth) <= set(found)
    assert all(found[identifier][0] == STATES[row["rest_status"]] for identifier, row in truth.items())
    top = max(int(i) for i, (state, _) in found.items() if state != "absent")
    assert {str(number) for number in range(900, top + 1001)} <= set(found)
    ((code, message),) = archive_builder.rows(harvest.archive, "SELECT code, message FROM findings")
    assert code == "range-top"
    assert str(top) in message


def test_ids_of_a_file_are_asked_once_each(hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path):
    server = hostile("--records", "50")
    wanted = ["1003", "1001", "77", "1003", "1010"]
    for name, text in (
        ("a.txt", "\n".join(wanted)),
        ("a.csv", "recid,x\n" + "".join(f"{i},y\n" for i in wanted)),
        ("a.jsonl", "".join(f'{{"id": {i}}}\n' for i in wanted)),
    ):
        (tmp_path / name).write_text(text)
        one = Harvest(tmp_path / f"archive-{name}")
        assert one.run(server.records_url, f"ids=@{tmp_path / name}", spider="idrange") == 0, one.output
        found = states(one.archive, "json")
        assert set(wanted) <= set(found)
        assert found["77"][0] == "absent"
        asked = archive_builder.rows(one.archive, "SELECT count(*) FROM requests WHERE url LIKE '%/1003'")
        assert asked == [(1,)]


def test_ids_are_listed_by_oai_pmh_and_asked_for_one_by_one(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "150", "--page-size", "50")
    words = ("ids=census", f"oai={server.url}", f"accept={ZENODO},{MARC}", "connections=4")
    assert harvest.run(server.records_url, *words, spider="idrange") == 0, harvest.output[-2000:]
    truth = bodies(server)
    for format_ in FORMATS.values():
        found = states(harvest.archive, format_)
        assert set(found) == set(truth)
        assert all(found[i][0] == STATES[row["rest_status"]] for i, row in truth.items())
    runs = archive_builder.rows(harvest.archive, "SELECT spider, mode, state FROM runs ORDER BY run")
    assert runs == [("oaipmh", "census", "complete"), ("idrange", "full", "complete")]
    archive_builder.check(harvest.archive)


def test_the_gaps_that_an_audit_names_are_filled_by_id(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "120", "--page-size", "50")
    assert harvest.run(server.url, "sample=30") == 0
    gaps = tmp_path / "gaps.txt"
    words = [HARVESTER, "audit", str(harvest.archive), "--against", server.url, "--gaps", str(gaps)]
    audited = fork_server.run(words, capture_output=True, text=True, check=False, timeout=600, env=environment())
    assert audited.returncode == 1, audited.stderr
    wanted = {line.split(":")[-1] for line in gaps.read_text().split()}
    assert len(wanted) == 70
    assert harvest.run(server.records_url, f"ids=@{gaps}", f"accept={MARC}", "connections=4", spider="idrange") == 0
    found = states(harvest.archive, "marcxml")
    assert set(found) == wanted
    assert {state for state, _ in found.values()} <= {"read", "deleted"}
    archive_builder.check(harvest.archive)


def test_gaps_are_asked_again_and_nothing_else(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "60", "--kinds", "rest_500:3")
    assert harvest.run(server.records_url, "ids=1001-1120", "connections=8", spider="idrange") == 1
    broken = {i for i, (state, _) in states(harvest.archive, "json").items() if state in ("refused", "lost")}
    assert broken
    assert harvest.run(server.records_url, "ids=gaps", spider="idrange") == 1
    (count,) = archive_builder.rows(
        harvest.archive,
        "SELECT count(DISTINCT o.identifier) FROM outcomes o JOIN requests USING (request) WHERE run = 2",
    )[0]
    assert count == len(broken)
    archive_builder.check(harvest.archive)


def test_what_has_not_changed_is_not_fetched_again_where_etags_can_be_trusted(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "60", "--etag-per-format")
    source = tmp_path / "x.toml"
    source.write_text(f'[idrange]\nurl = "{server.records_url}"\nvalidators = "etag"\n')
    words = (f"source={source}", "ids=1001-1080")
    assert harvest.run(server.records_url, *words, spider="idrange") == 0, harvest.output[-2000:]
    before = archive_builder.rows(harvest.archive, "SELECT count(*) FROM outcomes WHERE state = 'read'")[0][0]
    server.get("/__mutate?touch=3&delete=1")
    assert harvest.run(server.records_url, *words, "mode=incremental", spider="idrange") == 0, harvest.output[-2000:]
    archive_builder.check(harvest.archive)
    query = (
        "SELECT o.reason, o.state FROM outcomes o JOIN requests r USING (request) WHERE run = 2 AND o.state = 'read'"
    )
    reasons = [row[0] for row in archive_builder.rows(harvest.archive, query)]
    same, changed = reasons.count("not modified"), reasons.count(None)
    assert same + changed in (before, before - 1)
    assert 1 <= changed <= 3
    truth = bodies(server)
    latest = held(harvest.archive, "json")
    for identifier, (state, _) in states(harvest.archive, "json").items():
        if state == "read":
            assert latest[identifier].sha256 == truth[identifier]["body_sha256"]["application/json"]


def test_counts_that_change_with_each_answer_make_one_version_of_a_record_each(
    hostile: Callable[..., Hostile], harvest: Harvest
):
    server = hostile("--records", "40", "--volatile-stats", "--deleted-share", "0")
    for _ in range(2):
        assert harvest.run(server.records_url, "ids=1001-1040", spider="idrange") == 0, harvest.output[-2000:]
    archive_builder.check(harvest.archive)
    read = {i for i, (state, _) in states(harvest.archive, "json").items() if state == "read"}
    versions = [record for *_, record in archive_builder.stored(harvest.archive)]
    assert {record.identifier for record in versions} == read
    assert len({(record.identifier, record.sha256) for record in versions}) == 2 * len(read)


def test_a_sample_and_the_parts_of_a_range(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "100")
    parts = []
    for part in (1, 2, 3):
        one = Harvest(tmp_path / f"part-{part}")
        assert one.run(server.records_url, "ids=1001-1100", f"shard={part}/3", spider="idrange") == 0, one.output
        parts.append(set(states(one.archive, "json")))
    inside = {str(number) for number in range(1001, 1101)}
    assert inside <= set.union(*parts)
    targets = {
        reason for part in (1, 2, 3) for _, reason in states(tmp_path / f"part-{part}", "json").values() if reason
    }
    twice = {i for i in inside if sum(i in part for part in parts) > 1}
    assert {f"to {i}" for i in twice} <= targets
    one = Harvest(tmp_path / "sample")
    assert one.run(server.records_url, "ids=1-2000", "sample=20", spider="idrange") == 0
    asked = archive_builder.rows(
        one.archive, "SELECT count(DISTINCT o.identifier) FROM outcomes o WHERE state = 'open'"
    )
    assert asked == [(20,)]


def test_killed_at_random_moments_every_id_still_has_one_end(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "1500", "--latency-ms", "4", "--p-500", ".02")
    words = ("ids=1-3500", f"accept={ZENODO},{MARC}", "connections=4")
    dice = random.Random(3)
    kills, most = 0, amount(6, 60)
    while kills < most and harvest.kill_after(server.records_url, dice.uniform(0.2, 1.6), *words, spider="idrange"):
        kills += 1
    assert harvest.run(server.records_url, *words, spider="idrange") == 0, harvest.output[-2000:]
    tried("random kills", kills)
    assert kills >= 2
    compare(harvest.archive, server, 3500)
    assert archive_builder.rows(harvest.archive, "SELECT count(*), min(state) FROM runs") == [(1, "complete")]
