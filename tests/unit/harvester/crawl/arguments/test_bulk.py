"""Arguments of the search and exporter spiders."""

from pathlib import Path

import pytest

from harvester.crawl.arguments.base import Shard
from harvester.crawl.arguments.bulk import in_shard, parse_exporter, parse_search
from harvester.errors import UsageError


def words(url: str = "https://x.example/api/records", **more: str) -> dict[str, str]:
    return {"url": url, "archive": "a", **more}


@pytest.mark.parametrize(
    ("url", "style", "channel", "limit"),
    [
        ("https://x.example/api/records", "invenio", "search:json", 10_000),
        ("https://api.datacite.org/dois", "datacite", "search:datacite-json", None),
        ("https://api.figshare.com/v2/articles", "figshare", "search:figshare-json", 9_000),
        ("https://x.example/server/api/core/items", "dspace-items", "search:dspace-json", None),
        ("https://x.example/api/search", "dataverse", "search:dataverse-json", None),
    ],
)
def test_a_url_says_which_search_it_is(url: str, style: str, channel: str, limit: int | None):
    found = parse_search(words(url))
    assert (found.style, found.channel, found.limit) == (style, channel, limit)
    assert parse_search(words("https://x.example/s", style=style.partition("-")[0])).channel == channel


def test_a_form_is_called_after_its_media_type():
    accept = "application/vnd.inveniordm.v1+json"
    assert parse_search(words(accept=accept)).channel == "search:inveniordm-json"
    assert parse_search(words(mode="census")).channel == "census:json"
    assert parse_search({"source": "zenodo", "archive": "a"}).channel == "search:inveniordm-json"


def test_the_same_words_are_the_same_harvest():
    assert parse_search(words()).identity == parse_search(words(archive="b", windows="3")).identity
    for more in ({"query": "x"}, {"from": "2024-01-01"}, {"sample": "5"}, {"accept": "application/ld+json"}):
        assert parse_search(words(**more)).identity != parse_search(words()).identity


@pytest.mark.parametrize(
    "more",
    [
        {"from": "2024-02-01", "until": "2024-01-01"},
        {"mode": "incremental", "from": "2024-01-01"},
        {"mode": "x"},
        {"accept": "application/xml"},
        {"accept": "json"},
        {"style": "solr"},
        {"files": "x"},
        {"sample": "0"},
        {"style": "dataverse", "from": "2024-01-01"},
        {"style": "figshare", "until": "2024-01-01"},
        {"style": "dspace", "mode": "incremental"},
    ],
)
def test_what_a_search_cannot_do_is_named(more: dict[str, str]):
    with pytest.raises(UsageError):
        parse_search(words(**more))


def test_the_files_of_a_dump_are_those_of_the_source_or_those_that_are_named():
    url = "https://x.example/api/exporter"
    found = parse_exporter(words(url))
    assert found.files == ("records-json.tar.gz", "records-xml.tar.gz", "records-deleted.csv.gz")
    assert not found.named
    named = parse_exporter(words(url, files="a/records-json.tar.gz", version="v"))
    assert (named.files, named.named, named.version) == (("a/records-json.tar.gz",), True, "v")
    with pytest.raises(UsageError):
        parse_exporter(words(url, mode="incremental"))


def test_a_source_with_neither_says_so(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text('[oaipmh]\nurl = "https://x.example/oai"\n')
    for parse in (parse_search, parse_exporter):
        with pytest.raises(UsageError):
            parse({"source": str(path), "archive": "a"})


def test_every_record_is_in_one_shard():
    names = [str(n) for n in range(100)]
    assert [sum(in_shard(name, Shard(part, 3)) for part in (1, 2, 3)) for name in names] == [1] * 100
    assert all(in_shard(name, None) for name in names)
