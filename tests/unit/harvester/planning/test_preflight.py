"""The cheap questions of a plan: what comes back is counted, what does not is named."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.stub_server import Reply, answering

from harvester.errors import Unreachable
from harvester.http.asking import Asker
from harvester.http.client import Response
from harvester.planning.forecast import Answers
from harvester.planning.preflight import limit_words, seen_budget, survey
from harvester.ratelimit import limiter
from harvester.ratelimit.headers import Budget
from harvester.sources.model import Source

XML = {"Content-Type": "text/xml"}
MINUTE, HOUR = Budget(60, 60.0), Budget(2000, 3600.0)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "BACKOFF_MOST_SECONDS", 0.01)


def page(count: int, size: int | None, token: str = "t") -> Reply:
    records = "".join(
        f"<record><header><identifier>oai:x:{n}</identifier><datestamp>2020-01-01</datestamp></header></record>"
        for n in range(count)
    )
    attribute = "" if size is None else f' completeListSize="{size}"'
    more = f"<resumptionToken{attribute}>{token}</resumptionToken>" if token else ""
    body = (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
        f"<request>x</request><ListRecords>{records}{more}</ListRecords></OAI-PMH>"
    )
    return 200, XML, body.encode()


def as_json(value: Any) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def asked(replies: Mapping[str, Any], **parts: Any) -> Answers:
    with answering(replies) as server:
        filled = json.loads(json.dumps(parts).replace("SITE", server.url))
        source = Source.model_validate(filled)
        with Asker("test", source.allowed_hosts) as asker:
            return survey(source, asker)


def test_the_size_of_a_list_and_of_its_pages_is_that_of_the_first_page():
    found = asked({"/oai": page(40, 1234)}, oaipmh={"url": "SITE/oai"})
    assert (found.listed, found.page_records, found.counted) == (1234, 40, "now")
    assert found.page_seconds is not None
    assert found.list_record_bytes is not None


def test_a_list_of_one_page_is_counted_and_says_nothing_of_the_size_of_pages():
    found = asked({"/oai": page(7, None, token="")}, oaipmh={"url": "SITE/oai"})
    assert (found.listed, found.page_records) == (7, None)


def test_a_list_that_says_no_size_leaves_the_dated_count():
    counts = {"seen": "2025-01-02", "listed": 99}
    found = asked({"/oai": page(7, None)}, oaipmh={"url": "SITE/oai"}, counts=counts)
    assert (found.listed, found.counted) == (99, "2025-01-02")


def test_sets_are_counted_one_by_one():
    found = asked(
        {"/oai": lambda target: page(5, 100 if "set=a" in target else 23)},
        oaipmh={"url": "SITE/oai", "sets": ["a", "b"]},
    )
    assert found.listed == 123


def test_one_record_is_asked_for_by_the_id_that_the_list_has():
    replies = {"/oai": page(3, 9), "/r/0": (200, {}, b"x" * 500)}
    found = asked(replies, oaipmh={"url": "SITE/oai"}, idrange={"url": "SITE/r/{id}", "pattern": "[0-9]+"})
    assert found.record_bytes == 500
    assert found.record_seconds is not None
    other = asked(replies, oaipmh={"url": "SITE/oai"}, idrange={"url": "SITE/r/{id}", "pattern": "[a-z]{5}"})
    assert other.record_bytes is None


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("invenio", {"hits": {"hits": [], "total": 17}}),
        ("datacite", {"data": [], "meta": {"total": 17}}),
        ("dataverse", {"status": "OK", "data": {"total_count": 17, "items": []}}),
        ("dspace", {"_embedded": {"searchResult": {"page": {"totalElements": 17}}}}),
    ],
)
def test_each_search_says_how_much_it_finds(style: str, body: Any):
    assert asked({"/s": as_json(body)}, search={"url": "SITE/s", "style": style}).found == 17
    wrong = asked({"/s": as_json({"x": 1})}, search={"url": "SITE/s", "style": style})
    assert wrong.found is None
    assert len(wrong.unanswered) == 1


def test_a_dump_is_as_large_as_the_newest_of_its_files_and_the_list_since_then_is_the_tail():
    def version(size: int, head: bool, made: str) -> dict[str, Any]:
        return {
            "version_id": made,
            "created": f"{made}T01:02:03.5+00:00",
            "is_head": head,
            "size": size,
            "checksum": "md5:x",
        }

    listing = {
        "records-json.tar.gz": [version(1, False, "2025-01-01"), version(1000, True, "2025-02-01")],
        "records-deleted.csv.gz": [version(30, True, "2025-02-02")],
    }
    since = "from=2025-02-01T01%3A02%3A03Z"
    replies = {"/e": as_json(listing), "/oai": lambda target: page(5, 77 if since in target else 900)}
    found = asked(replies, oaipmh={"url": "SITE/oai"}, exporter={"url": "SITE/e"})
    assert (found.dump_bytes, found.dump_made, found.listed, found.tail) == (1030, "2025-02-01T01:02:03Z", 900, 77)


def test_what_is_not_answered_is_named_and_nobody_there_at_all_is_an_error():
    found = asked({"/oai": (500, XML, b"down")}, oaipmh={"url": "SITE/oai"})
    assert found.listed is None
    assert len(found.unanswered) == 2
    source = Source.model_validate({"oaipmh": {"url": "http://127.0.0.1:9/oai"}})
    with Asker("test", source.allowed_hosts) as asker, pytest.raises(Unreachable):
        survey(source, asker)


@pytest.mark.parametrize(
    ("headers", "known", "budget"),
    [
        ({"x-ratelimit-limit": "30"}, (MINUTE, HOUR), Budget(30, 60.0, "/oai")),
        ({"x-ratelimit-limit": "60"}, (MINUTE,), None),
        ({"x-ratelimit-limit": "2000"}, (MINUTE, HOUR), None),
        ({"x-ratelimit-limit": "30"}, (), None),
        ({"ratelimit-policy": '"burst";q=100;w=60,"daily";q=1000;w=86400'}, (), Budget(100, 60.0, "/oai")),
        ({"x-ratelimit-limit": "many"}, (MINUTE,), None),
        ({}, (MINUTE,), None),
    ],
)
def test_a_limit_in_headers_counts_where_it_is_another_one(
    headers: dict[str, str], known: tuple[Budget, ...], budget: Budget | None
):
    answer = Response("x", "https://x.example/oai", 200, headers, b"", 0.1)
    assert seen_budget(answer, known) == budget
    assert bool(limit_words(answer)) == bool(headers)


@pytest.mark.parametrize(
    ("stated", "found", "least"),
    [
        (171, 171, False),
        ({"value": 171, "relation": "eq"}, 171, False),
        (10_000, 10_000, True),
        ({"value": 5_000, "relation": "gte"}, 5_000, True),
    ],
)
def test_a_search_that_may_count_no_further_is_taken_as_the_least(stated: Any, found: int, least: bool):
    page_of = as_json({"hits": {"hits": [], "total": stated}})
    answers = asked({"/api/records": page_of}, search={"url": "SITE/api/records"})
    assert (answers.found, answers.found_least) == (found, least)
