"""`harvester crawl search` against searches that end at a window, cut pages, lie in links and totals, and fail."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support import archive_builder, bulk_provider, fork_server
from support.bulk_provider import Bulk, serving
from support.harvest_runs import Harvest, Hostile, environment

from archive.store import envelope, shards
from archive.store.accounting import read_account

STORED = "SELECT DISTINCT o.identifier FROM outcomes AS o WHERE o.state = 'read' ORDER BY 1"


def held(harvest: Harvest) -> set[str]:
    return {row[0] for row in archive_builder.rows(harvest.archive, STORED)}


def codes(harvest: Harvest) -> set[str]:
    return {row[0] for row in archive_builder.rows(harvest.archive, "SELECT DISTINCT code FROM findings")}


def sound(harvest: Harvest, *, once: bool = True) -> None:
    """The archive is whole, its sums balance, and no version of a record is stored twice unless that is expected."""
    archive_builder.check(harvest.archive)
    assert read_account(harvest.archive).balanced
    if not once:
        return
    copies = Counter(
        (one.identifier, one.datestamp, one.sha256) for _, _, one in archive_builder.stored(harvest.archive)
    )
    assert set(copies.values()) <= {1}, copies.most_common(3)


def ids(server: Bulk) -> set[str]:
    return {one["id"] for one in server.records}


@pytest.fixture
def search(harvest: Harvest, tmp_path: Path) -> Callable[..., int]:
    """Harvest a server by a source file with the values given."""

    def run(server: Bulk, *words: str, path: str = "/api/records", **values: Any) -> int:
        lines = [f'url = "{server.url}{path}"', *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        source = tmp_path / "source.toml"
        source.write_text("[search]\n" + "\n".join(lines) + "\n")
        command = harvest.command(f"{server.url}{path}", f"source={source}", *words, spider="search")
        # two tries, so that nobody sits through five
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


def test_every_record_is_had_though_the_window_is_smaller_than_the_search(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(700), window=50)) as server:
        assert search(server, size=10, window=50) == 0, harvest.output
    assert held(harvest) == ids(server)
    assert all(
        row[0] <= 50
        for row in archive_builder.rows(
            harvest.archive, "SELECT stated FROM windows WHERE state = 'done' AND until IS NOT NULL"
        )
    )
    sound(harvest)


def test_records_are_kept_byte_for_byte_as_they_stand_in_the_page(search: Any, harvest: Harvest):
    odd = bulk_provider.record(7, bulk_provider.DAY) | {"number": "@@"}
    shape = lambda body: body.replace(b'"@@"', b"1.50e+3").replace(b"\xc3\xa9", b"\\u00E9", 1)  # noqa: E731
    with serving(Bulk([odd, bulk_provider.record(8, bulk_provider.DAY)], shape=shape)) as server:
        assert search(server) == 0, harvest.output
    sent = {}
    for path in (harvest.archive / "shards").iterdir():
        for frame in shards.iter_frames(path):
            for text in frame.texts():
                sent[envelope.decode(text).identifier] = envelope.sent_bytes(text) or b""
    assert b'"number": 1.50e+3' in sent["7"]
    assert b"Title \\u00E9 7" in sent["7"]
    assert json.loads(sent["8"]) == server.records[1]


@pytest.mark.parametrize("takes", ["quoted", "escaped"])
def test_bounds_are_written_as_the_search_takes_them(search: Any, harvest: Harvest, takes: str):
    with serving(Bulk(bulk_provider.records(120), window=50, takes=takes)) as server:
        assert search(server, size=10, window=50) == 0, harvest.output
    assert held(harvest) == ids(server)


@pytest.mark.parametrize("link", ["missing", "elsewhere"])
def test_a_next_link_that_lies_is_not_followed_and_said(search: Any, harvest: Harvest, link: str):
    with serving(Bulk(bulk_provider.records(60), next_link=link)) as server:
        assert search(server, size=25) == 0, harvest.output
    assert held(harvest) == ids(server)
    assert ("next-link-lies" in codes(harvest)) == (link == "elsewhere"), "a page without a link does not lie"


@pytest.mark.parametrize("refused", [False, True])
def test_pages_go_by_the_size_that_is_served(search: Any, harvest: Harvest, refused: bool):
    with serving(Bulk(bulk_provider.records(90), size_most=25, size_refused=refused)) as server:
        assert search(server, size=100) == 0, harvest.output
    assert held(harvest) == ids(server)
    assert ("search-size-cut" in codes(harvest)) != refused
    sound(harvest)


def test_a_slice_whose_total_moves_is_listed_again(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(60), total_drifts=5)) as server:
        assert search(server, size=25) == 0, harvest.output
    assert held(harvest) == ids(server)
    assert archive_builder.rows(harvest.archive, "SELECT attempts FROM windows WHERE window = 1") == [(2,)]


def test_a_total_that_never_agrees_is_a_finding_with_both_numbers(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(60), total_lies=3)) as server:
        assert search(server, size=25) == 1, harvest.output
    assert held(harvest) == ids(server)
    rows = archive_builder.rows(
        harvest.archive, "SELECT expected, found FROM findings WHERE code = 'list-size-differs'"
    )
    assert (63, 60) in rows
    assert not read_account(harvest.archive).complete


def test_more_in_one_second_than_the_window_opens_is_lost_and_named(search: Any, harvest: Harvest):
    crowd = [bulk_provider.record(5000 + n, bulk_provider.DAY + timedelta(days=9)) for n in range(70)]
    with serving(Bulk(bulk_provider.records(30) + crowd, window=50)) as server:
        assert search(server, size=10, window=50) == 3, harvest.output
    assert {one["id"] for one in bulk_provider.records(30)} < held(harvest)
    rows = archive_builder.rows(
        harvest.archive, "SELECT expected, found FROM findings WHERE code = 'search-window-overflow'"
    )
    assert rows == [(70, 50)]
    sound(harvest)


def test_bounds_that_are_ignored_are_noticed(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(60), window=50, ignores_bounds=True)) as server:
        assert search(server, size=10, window=50) == 3, harvest.output
    assert "ranges-ignored" in codes(harvest)
    assert len(server.asked) < 60


def test_the_hostile_search_is_read_to_its_end(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "300", "--p-html200", ".1", "--p-cut", ".1", "--p-503", ".1", "--p-500", ".1")
    live = {str(row["recid"]) for row in server.truth() if row["status"] != "deleted"}
    assert harvest.run(server.url.replace("/oai2d", "/api/records"), spider="search") == 0, harvest.output
    assert held(harvest) == live
    sound(harvest)


@pytest.mark.parametrize("kind", ["html", "cut", "list", "other"])
def test_a_page_that_is_none_is_asked_again_and_then_refused_with_its_bytes(search: Any, harvest: Harvest, kind: str):
    bodies = {
        "html": b"<html>soon back</html>",
        "cut": b'{"hits": {"hits": [{"id": "1"',
        "list": b"[1, 2]",
        "other": b'{"hits": {"hits": {}, "total": "many"}}',
    }

    def spoil(number: int, url: str) -> web.Response | None:
        return web.Response(body=bodies[kind], content_type="text/html") if "page=2" in url else None

    with serving(Bulk(bulk_provider.records(60), spoil=spoil)) as server:
        assert search(server, size=25) == 3, harvest.output
    assert sum("page=2" in url for url in server.asked) == 2
    refused = archive_builder.rows(harvest.archive, "SELECT count(*) FROM quarantine")
    assert refused == [(1,)]
    assert (harvest.archive / "quarantine" / "000001.body").read_bytes() == bodies[kind]
    sound(harvest)


def test_a_hit_without_an_id_is_refused_alone(search: Any, harvest: Harvest):
    odd = {key: value for key, value in bulk_provider.record(9, bulk_provider.DAY).items() if key != "id"}
    with serving(Bulk(bulk_provider.records(5))) as server:
        server.shape = lambda body: body.replace(b'"hits": [{', b'"hits": [' + json.dumps(odd).encode() + b", {", 1)
        server.total_lies = 1
        assert search(server) == 1, harvest.output
    assert held(harvest) == ids(server)
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM quarantine") != [(0,)]
    assert "ids-refused" in codes(harvest)
    sound(harvest)


def test_a_killed_search_goes_on_with_its_slices(search: Any, harvest: Harvest, tmp_path: Path):
    with serving(Bulk(bulk_provider.records(400), window=50)) as server:
        stop_at = 30

        def spoil(number: int, url: str) -> web.Response | None:
            return web.Response(status=429, headers={"Retry-After": "86400"}) if number > stop_at else None

        server.spoil = spoil
        assert search(server, size=10, window=50) == 3, harvest.output
        before = held(harvest)
        assert 0 < len(before) < len(ids(server))
        server.spoil = lambda number, url: None
        asked = len(server.asked)
        assert search(server, size=10, window=50) == 0, harvest.output
    assert held(harvest) == ids(server)
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM runs") == [(1,)]
    assert len(server.asked) - asked < asked + 30
    sound(harvest, once=False)  # a resumed run does not know what it stored


def test_an_incremental_search_asks_for_what_changed_since(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(30))) as server:
        assert search(server, "mode=incremental") == 0, harvest.output
        asked = len(server.asked)
        assert search(server, "mode=incremental") == 0, harvest.output
    pages = [url for url in server.asked[asked:] if "size=25" in url]
    assert pages
    assert all("updated" in url for url in pages)
    assert archive_builder.rows(harvest.archive, "SELECT count(DISTINCT run) FROM windows") == [(2,)]


def test_a_search_that_no_longer_finds_a_tenth_of_what_is_held_needs_a_word(search: Any, harvest: Harvest):
    server = Bulk(bulk_provider.records(40))
    with serving(server):
        assert search(server) == 0, harvest.output
        del server.records[3]
        assert search(server) == 0, harvest.output
        assert codes(harvest) == {"no-longer-found"}
        gone, server.records = server.records[:10], server.records[10:]
        assert search(server) == 3
        assert "10 of 40 records held live" in harvest.output
        assert "loss-in-bulk" in codes(harvest)
        assert search(server) == 3, "the same command asks once more"
        server.records = gone + server.records
        assert search(server) == 0, harvest.output
        server.records = server.records[10:]
        assert search(server) == 3
        assert search(server, "accept-loss=true") == 0, harvest.output
        assert search(server) == 0, "what was accepted is not said again"
    sound(harvest, once=False)


def test_a_query_of_ones_own_is_no_loss(search: Any, harvest: Harvest):
    server = Bulk(bulk_provider.records(40))
    with serving(server):
        assert search(server) == 0, harvest.output
        server.records = server.records[:5]  # as a query would
        assert search(server, "query=climate") == 0, harvest.output
        assert search(server, "mode=incremental") == 0, harvest.output
        assert search(server, "mode=census") == 0, harvest.output
    assert "loss-in-bulk" not in codes(harvest)


def test_a_census_by_search_keeps_ids_and_no_records(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(30))) as server:
        assert search(server, "mode=census") == 0, harvest.output
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM census") == [(30,)]
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM frames") == [(0,)]
    sound(harvest)


def test_a_sample_and_two_shards_take_their_part(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(200, timedelta(days=1)))) as server:
        assert search(server, "sample=30", size=25) == 0, harvest.output
        assert len(held(harvest)) == 50
        assert search(server, "shard=1/2", size=25) == 0, harvest.output
        assert search(server, "shard=2/2", size=25) == 0, harvest.output
    first, second = (
        {
            row[0]
            for row in archive_builder.rows(
                harvest.archive, "SELECT identifier FROM outcomes JOIN requests USING (request) WHERE run = ?", run
            )
        }
        for run in (2, 3)
    )
    assert first | second == ids(server)
    assert not first & second
    assert 0 < len(first) < 200


def test_datacite_is_read_by_cursor_whatever_its_links_say(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(2500))) as server:
        assert search(server, path="/dois", style="datacite", size=1000) == 0, harvest.output
    assert held(harvest) == {f"10.5072/{name}" for name in ids(server)}
    assert archive_builder.rows(harvest.archive, "SELECT name FROM channels") == [("search:datacite-json",)]
    sound(harvest)


def test_a_cursor_that_starts_again_is_done_without(search: Any, harvest: Harvest):
    with serving(Bulk(bulk_provider.records(60), cursor_forgets=True)) as server:
        assert search(server, path="/dois", style="datacite", size=25) == 0, harvest.output
    assert len(server.asked) < 40
    assert held(harvest) == {f"10.5072/{name}" for name in ids(server)}
    sound(harvest, once=False)  # one list names them twice


@pytest.mark.parametrize(
    ("path", "style", "prefix"),
    [
        ("/v2/articles", "figshare", ""),
        ("/server/api/discover/search/objects", "dspace", ""),
        ("/api/search", "dataverse", "doi:10.5072/"),
    ],
)
def test_other_platforms_are_read_to_their_end(search: Any, harvest: Harvest, path: str, style: str, prefix: str):
    with serving(Bulk(bulk_provider.records(130), window=50)) as server:
        limit = {"window": 50} if style == "figshare" else {}
        assert search(server, path=path, style=style, size=10, **limit) == 0, harvest.output
    assert held(harvest) == {prefix + name for name in ids(server)}
    assert archive_builder.rows(harvest.archive, "SELECT name FROM channels") == [(f"search:{style}-json",)]
    sound(harvest)


def test_what_is_no_search_is_a_usage_error_and_leaves_no_archive(search: Any, harvest: Harvest):
    with serving(Bulk()) as server:
        assert search(server, path="/elsewhere") == 2
    assert not harvest.archive.exists()
