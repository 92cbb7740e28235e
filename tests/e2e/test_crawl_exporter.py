"""`harvester crawl exporter` against dumps that break off, lie about themselves, or hold what they should not."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support import archive_builder, bulk_provider, fork_server
from support.bulk_provider import Bulk, serving
from support.harvest_runs import Harvest, Hostile, environment

from archive.integrity.verify import verify
from archive.store import envelope, shards
from archive.store.accounting import read_account

STATES = """
    SELECT c.name, o.state, count(DISTINCT o.identifier) FROM outcomes AS o JOIN requests USING (request)
    JOIN channels AS c USING (channel) GROUP BY 1, 2 ORDER BY 1, 2
"""
GONE = [
    {
        "record_id": "9001",
        "doi": "10.5072/zenodo.9001",
        "removal_reason": "spam",
        "removal_date": "2024-03-01T10:00:00+00:00",
        "removal_note": 'blocked, said\r\n"the system"',
    },
    {
        "record_id": "9002",
        "removal_reason": "retracted",
        "removal_date": "2024-03-02T10:00:00+00:00",
        "citation_text": "\u00c4, B. (2024)",
    },
]


def states(harvest: Harvest) -> list[tuple[Any, ...]]:
    return archive_builder.rows(harvest.archive, STATES)


def codes(harvest: Harvest) -> set[str]:
    return {row[0] for row in archive_builder.rows(harvest.archive, "SELECT DISTINCT code FROM findings")}


def stored(harvest: Harvest) -> dict[str, tuple[envelope.Record, bytes | None]]:
    found = {}
    for path in sorted((harvest.archive / "shards").iterdir()):
        for frame in shards.iter_frames(path):
            for text in frame.texts():
                record = envelope.decode(text)
                found[record.identifier] = (record, envelope.sent_bytes(text))
    return found


def sound(harvest: Harvest) -> None:
    """The archive is whole, its sums balance, and nothing is left of what was fetched."""
    archive_builder.check(harvest.archive)
    assert read_account(harvest.archive).balanced
    assert not list((harvest.archive / "downloads").iterdir())


@pytest.fixture
def export(harvest: Harvest, tmp_path: Path) -> Callable[..., int]:
    """Take a server's dump, with two tries a request."""

    def run(server: Bulk, *words: str) -> int:
        command = harvest.command(f"{server.url}/api/exporter", *words, spider="exporter")
        done = fork_server.run(
            [*command, "-s", "HARVEST_TRIES=2"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env=environment(),
        )
        harvest.output = done.stdout + done.stderr
        return done.returncode

    return run


def dumps(count: int = 300) -> Bulk:
    found = bulk_provider.records(count)
    return Bulk(
        found,
        files={
            "records-json.tar.gz": ("11111111-aaaa", bulk_provider.json_dump(found)),
            "records-deleted.csv.gz": ("22222222-bbbb", bulk_provider.deletions(GONE)),
        },
    )


def test_a_dump_is_taken_whole_and_its_records_are_those_bytes(export: Any, harvest: Harvest):
    with serving(dumps()) as server:
        assert export(server) == 0, harvest.output
    assert states(harvest) == [("exporter:deleted", "deleted", 2), ("exporter:json", "read", 300)]
    kept = stored(harvest)
    for one in server.records:
        record, sent = kept[one["id"]]
        assert sent == json.dumps(one, ensure_ascii=False).encode()
        assert (record.datestamp, record.format) == (one["updated"], "inveniordm-json")
    sound(harvest)
    assert verify(harvest.archive).whole


def test_a_row_of_the_deletions_is_a_tombstone_with_its_reason(export: Any, harvest: Harvest):
    with serving(dumps(1)) as server:
        assert export(server) == 0, harvest.output
    record, sent = stored(harvest)["9001"]
    assert record.deleted
    assert (record.datestamp, record.format) == (GONE[0]["removal_date"], "tombstone")
    assert record.metadata is not None
    assert record.metadata["removal_note"] == 'blocked, said\r\n"the system"'
    assert sent is not None
    assert sent.startswith(b"9001,10.5072/zenodo.9001,")
    rows = archive_builder.rows(
        harvest.archive, "SELECT identifier, reason FROM outcomes WHERE state = 'deleted' ORDER BY 1"
    )
    assert rows == [("9001", "spam"), ("9002", "retracted")]


def test_a_broken_download_goes_on_where_it_broke(export: Any, harvest: Harvest):
    server = dumps()
    length = len(server.files["records-json.tar.gz"][1])
    server.break_after = [length // 3, length // 3]
    with serving(server):
        assert export(server) == 0, harvest.output
    ranges = [int(one["Range"][6:-1]) for one in server.headers if "Range" in one]
    assert len(ranges) == 2
    assert 0 < ranges[0] < ranges[1] < length
    assert states(harvest)[1] == ("exporter:json", "read", 300)
    sound(harvest)


def test_a_server_without_ranges_starts_over(export: Any, harvest: Harvest):
    server = dumps()
    server.break_after, server.ranges = [5000], False
    with serving(server):
        assert export(server) == 0, harvest.output
    assert states(harvest)[1] == ("exporter:json", "read", 300)
    sound(harvest)


def test_after_a_kill_the_download_goes_on_by_range(export: Any, harvest: Harvest):
    server = dumps()
    server.break_after = [4000]

    def spoil(number: int, url: str) -> web.Response | None:
        # so far the first process comes: after the break it is told to come back tomorrow
        later = any("Range" in one for one in server.headers) and len(server.asked) < 8
        return web.Response(status=429, headers={"Retry-After": "86400"}) if later else None

    server.spoil = spoil
    with serving(server):
        assert export(server) == 3, harvest.output
        (part,) = (harvest.archive / "downloads").iterdir()
        assert 0 < part.stat().st_size <= 4000
        assert verify(harvest.archive).whole
        server.spoil = lambda number, url: None
        before = len(server.headers)
        assert export(server) == 0, harvest.output
    assert server.headers[-2]["Range"] == f"bytes={part_size(server, before)}-"
    assert states(harvest)[1] == ("exporter:json", "read", 300)
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM runs") == [(1,)]
    sound(harvest)


def part_size(server: Bulk, before: int) -> int:
    """Where the last download of the first process had broken."""
    return int(next(one["Range"] for one in server.headers[before:] if "Range" in one)[6:-1])


def test_killed_while_it_is_counted_each_member_is_counted_once(harvest: Harvest, tmp_path: Path):
    # more than one commit holds, so that there is something between the first and the last
    found = [bulk_provider.record(n, bulk_provider.DAY, title=f"{n} " * 500) for n in range(1, 20_001)]
    with serving(Bulk(files={"records-json.tar.gz": ("1", bulk_provider.json_dump(found))})) as server:
        url = f"{server.url}/api/exporter"
        process = fork_server.Process(
            harvest.command(url, spider="exporter"),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        while process.poll() is None and not _counted(harvest):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert 0 < _counted(harvest) < len(found)
        asked = len(server.asked)
        assert harvest.run(url, spider="exporter") == 0, harvest.output
    assert not [path for path in server.asked[asked:] if "/api/exporter/" in path]
    assert archive_builder.rows(harvest.archive, "SELECT count(*), count(DISTINCT identifier) FROM outcomes") == [
        (20_000, 20_000)
    ]
    assert set(stored(harvest)) == {one["id"] for one in found}
    sound(harvest)


def _counted(harvest: Harvest) -> int:
    """Outcomes in the ledger so far, 0 while there is none."""
    try:
        return int(archive_builder.rows(harvest.archive, "SELECT count(*) FROM outcomes")[0][0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize("wrong", [{"checksum": "md5:" + "0" * 32}, {"size": 77}])
def test_what_is_not_as_stated_is_fetched_once_more_and_then_refused(export: Any, harvest: Harvest, wrong: Any):
    server = dumps()
    server.listing = {"records-json.tar.gz": wrong}
    with serving(server):
        assert export(server) == 3, harvest.output
        assert states(harvest) == [("exporter:deleted", "deleted", 2)]
        assert "dump-refused" in codes(harvest)
        archive_builder.check(harvest.archive)


def test_an_error_page_does_not_take_the_place_of_what_was_fetched(export: Any, harvest: Harvest):
    server = dumps()
    server.break_after = [len(server.files["records-json.tar.gz"][1]) // 2]
    pages = [web.Response(text="<html>soon back</html>", content_type="text/html")]
    server.spoil = lambda number, url: pages.pop() if pages and "Range" in server.headers[-1] else None
    with serving(server):
        assert export(server) == 0, harvest.output
    ranges = [one["Range"] for one in server.headers if "Range" in one]
    assert len(ranges) == 2
    assert ranges[0] == ranges[1]
    sound(harvest)


def test_members_that_are_no_records_are_refused_with_their_bytes_and_the_others_kept(export: Any, harvest: Harvest):
    found = bulk_provider.records(20)
    members = [(f"{one['id']}.json", json.dumps(one).encode()) for one in found]
    odd = [
        ("7.json", b'{"id": "7"'),
        ("../8.json", b"{}"),
        ("9.txt", b"hello"),
        ("10.json", b"<html></html>"),
        ("folder/11.json", b"{}"),
    ]
    content = bulk_provider.packed_tar([*members[:10], *odd, *members[10:]], ["./", "folder"])
    with serving(Bulk(files={"records-json.tar.gz": ("1", content)})) as server:
        assert export(server) == 1, harvest.output
    assert states(harvest) == [("exporter:json", "read", 20), ("exporter:json", "refused", len(odd) + 1)]
    kept = {path.read_bytes() for path in (harvest.archive / "quarantine").glob("*.body")}
    assert {body for _, body in odd} <= kept
    assert "ids-refused" in codes(harvest)
    sound(harvest)


def test_a_member_that_comes_twice_is_kept_twice_and_said(export: Any, harvest: Harvest):
    found = bulk_provider.records(3)
    twice = [(f"{one['id']}.json", json.dumps(one).encode()) for one in [*found, found[0] | {"revision_id": 2}]]
    with serving(Bulk(files={"records-json.tar.gz": ("1", bulk_provider.packed_tar(twice))})) as server:
        assert export(server) == 1, harvest.output
    assert states(harvest) == [("exporter:json", "read", 3)]
    assert archive_builder.rows(harvest.archive, "SELECT sum(records) FROM frames") == [(4,)]
    assert "member-twice" in codes(harvest)
    sound(harvest)


def test_a_dump_that_ends_early_keeps_what_came_and_names_the_place(export: Any, harvest: Harvest):
    whole = bulk_provider.json_dump(bulk_provider.records(3000))
    with serving(Bulk(files={"records-json.tar.gz": ("1", whole[: len(whole) // 2])})) as server:
        assert export(server) == 3, harvest.output
    ((_, state, count),) = states(harvest)
    assert state == "read"
    assert 0 < count < 3000
    messages = archive_builder.rows(harvest.archive, "SELECT message FROM findings WHERE code = 'dump-refused'")
    assert "byte" in messages[0][0]
    archive_builder.check(harvest.archive)


def test_a_version_that_is_gone_is_replaced_by_the_newest(export: Any, harvest: Harvest):
    old, new = dumps(20), bulk_provider.json_dump(bulk_provider.records(25))

    def spoil(number: int, url: str) -> web.Response | None:
        if url.endswith("11111111-aaaa"):
            old.files["records-json.tar.gz"] = ("33333333-cccc", new)
        return None

    old.spoil = spoil
    with serving(old):
        assert export(old) == 0, harvest.output
    assert states(harvest) == [("exporter:deleted", "deleted", 2), ("exporter:json", "read", 25)]
    assert "dump-version-gone" in codes(harvest)
    sound(harvest)


def test_a_version_that_is_held_is_not_fetched_again(export: Any, harvest: Harvest):
    with serving(dumps(20)) as server:
        assert export(server) == 0, harvest.output
        asked = len(server.asked)
        assert export(server) == 0, harvest.output
    assert not [url for url in server.asked[asked:] if "/api/exporter/" in url]
    assert "dump-held" in codes(harvest)
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM runs") == [(2,)]
    sound(harvest)


def test_a_sample_takes_the_first_records(export: Any, harvest: Harvest):
    with serving(dumps(300)) as server:
        assert export(server, "sample=7", "files=records-json.tar.gz") == 0, harvest.output
    assert set(stored(harvest)) == {one["id"] for one in server.records[:7]}
    sound(harvest)


def test_two_shards_are_the_whole(export: Any, harvest: Harvest):
    with serving(dumps(100)) as server:
        assert export(server, "shard=1/2") == 0, harvest.output
        first = set(stored(harvest))
        assert export(server, "shard=2/2") == 0, harvest.output
    assert 0 < len(first) < 102
    assert len(stored(harvest)) == 102
    sound(harvest)


def test_what_offers_no_dump_is_a_usage_error_and_leaves_no_archive(export: Any, harvest: Harvest):
    with serving(dumps(1)) as server:
        assert export(server, "files=records-xml.tar.gz") == 2
        assert "records-json.tar.gz" in harvest.output
        assert export(server, "version=none") == 2
    with serving(Bulk()) as server:
        assert export(server) == 2
    assert not harvest.archive.exists()


def test_a_list_goes_on_from_the_dump_and_one_archive_holds_the_union(
    export: Any, harvest: Harvest, hostile: Callable[..., Hostile], tmp_path: Path
):
    """What was in the dump, and what changed since, are together what the provider has."""
    provider = hostile("--records", "200", "--deleted", "persistent")
    truth = {row["recid"]: row for row in provider.truth()}
    stamps = sorted(row["datestamp"] for row in truth.values())
    made = stamps[len(stamps) // 2]
    before = [row for row in truth.values() if row["datestamp"] <= made]
    bodies = {
        row["recid"]: provider.get(f"/api/records/{row['recid']}") for row in before if row["status"] != "deleted"
    }
    gone = [
        {"record_id": str(row["recid"]), "removal_reason": "spam", "removal_date": row["datestamp"]}
        for row in before
        if row["status"] == "deleted"
    ]
    files = {
        "records-json.tar.gz": (
            "1",
            bulk_provider.packed_tar([(f"{number}.json", body) for number, body in bodies.items()]),
        ),
        "records-deleted.csv.gz": ("2", bulk_provider.deletions(gone)),
    }
    with serving(Bulk(files=files, made=made)) as server:
        hosts = f"hosts=127.0.0.1:{provider.port}"
        assert export(server, hosts) == 0, harvest.output
    assert harvest.run(provider.url, "mode=incremental", f"hosts={server.url[7:]}") == 0, harvest.output
    assert "dump-continued" in codes(harvest)
    listed = archive_builder.rows(
        harvest.archive, "SELECT count(DISTINCT identifier) FROM outcomes WHERE identifier LIKE 'oai:%'"
    )
    assert listed[0][0] < len(truth)
    last = archive_builder.rows(
        harvest.archive,
        "SELECT replace(identifier, 'oai:', ''), state, max(outcome) FROM outcomes GROUP BY 1",
    )
    held = {identifier.rpartition(":")[2]: state for identifier, state, _ in sorted(last, key=lambda row: row[2])}
    assert held == {str(row["recid"]): "deleted" if row["status"] == "deleted" else "read" for row in truth.values()}
    channels = {row[0] for row in archive_builder.rows(harvest.archive, "SELECT name FROM channels")}
    assert channels == {"exporter:json", "exporter:deleted", "oaipmh:oai_dc"}
    archive_builder.check(harvest.archive)
