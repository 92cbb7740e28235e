"""harvester/crawl/retry.py: by which spider the gaps of an archive are asked for."""

import pytest

from harvester.crawl.retry import Gap, Told, fillings, full_identifier
from harvester.sources.model import Source

OAI = {"url": "https://x.example/oai", "prefix": ["oai_dc", "marc21"], "set": []}
BY_ID = {
    "url": "https://x.example/api/{id}",
    "ids": "1-9",
    "accept": ["application/json", "text/xml at https://y/{id}"],
}
SEARCH = {"url": "https://x.example/api/records", "accept": "application/json", "query": ""}
GAPS = [Gap("oai_dc", "oai:x:1"), Gap("marc21", "oai:x:2"), Gap("", "3")]


def told(spider: str, arguments: dict[str, object], *channels: str) -> Told:
    return Told(spider, "full", arguments, "complete", True, channels)


def test_ids_are_asked_for_by_their_url_where_the_archive_was_harvested_so():
    runs = [told("oaipmh", OAI, "oaipmh:oai_dc"), told("idrange", BY_ID, "idrange:json")]
    (found,), rest = fillings(GAPS, runs, None)
    assert (found.spider, found.words) == ("idrange", {"url": BY_ID["url"], "accept": "application/json"})
    assert (found.gaps, found.whole, rest) == (tuple(GAPS), False, [])


def test_where_there_is_only_oai_pmh_each_channel_asks_for_its_own():
    found, rest = fillings(GAPS, [told("oaipmh", OAI, "oaipmh:oai_dc", "oaipmh:marc21:a:b")], None)
    assert [(one.words["prefix"], one.words.get("set"), one.words["mode"]) for one in found] == [
        ("oai_dc", None, "retry")
    ]
    assert found[0].gaps == (GAPS[0], GAPS[2])
    assert found[0].whole
    assert rest == [GAPS[1]]


def test_a_gap_in_one_of_several_sets_is_asked_for_in_it():
    gaps = [Gap("oai_dc:a:b", "oai:x:1")]
    (found,), rest = fillings(gaps, [told("oaipmh", OAI, "oaipmh:oai_dc:a:b")], None)
    assert (found.words["set"], rest) == ("a:b", [])


@pytest.mark.parametrize(
    ("source", "url"),
    [(None, "https://x.example/api/records/{id}"), ("zenodo", "https://zenodo.org/api/records/{id}")],
)
def test_what_came_from_a_search_is_had_below_it_or_as_the_source_says(source: str | None, url: str):
    (found,), rest = fillings(GAPS, [told("search", SEARCH, "search:json")], Source.named(source) if source else None)
    assert (found.spider, found.words["url"], rest) == ("idrange", url, [])


def test_gaps_that_nobody_can_be_asked_for_are_left():
    assert fillings(GAPS, [told("exporter", {"url": "https://x.example/dumps"}, "exporter:json")], None) == ([], GAPS)


@pytest.mark.parametrize(
    ("identifier", "sample", "full"),
    [("5", "oai:x.org:1", "oai:x.org:5"), ("oai:y:5", "oai:x:1", "oai:y:5"), ("5", "1", "5"), ("5", "", "5")],
)
def test_a_local_id_is_written_as_its_repository_does(identifier: str, sample: str, full: str):
    assert full_identifier(identifier, sample) == full
