"""harvester/cli/census.py: what a target is, and which spider lists it."""

import pytest

from harvester.cli.census import Asked, what_to_ask
from harvester.errors import UsageError
from harvester.sources.model import Source


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("https://x.example/oai", Asked("oaipmh", "https://x.example/oai", None)),
        ("https://x.example/api/records", Asked("search", "https://x.example/api/records", None)),
        ("https://x.example/api/records/", Asked("search", "https://x.example/api/records/", None)),
        ("https://x.example/v2/articles", Asked("search", "https://x.example/v2/articles", None)),
        ("https://x.example/api/exporter", Asked("exporter", "https://x.example/api/exporter", None)),
        ("https://zenodo.org/oai2d", Asked("oaipmh", "https://zenodo.org/oai2d", "zenodo")),
        ("https://zenodo.org/api/records", Asked("search", "https://zenodo.org/api/records", "zenodo")),
        ("https://zenodo.org/api/exporter", Asked("exporter", "https://zenodo.org/api/exporter", "zenodo")),
        ("https://zenodo.org/elsewhere", Asked("oaipmh", "https://zenodo.org/elsewhere", "zenodo")),
        ("zenodo", Asked("oaipmh", "https://zenodo.org/oai2d", "zenodo")),
    ],
)
def test_a_url_or_a_name_says_how_it_is_asked(target: str, asked: Asked):
    assert what_to_ask(target, None) == asked


def test_what_is_asked_for_by_name_is_asked():
    assert what_to_ask("zenodo", "exporter").url == Source.named("zenodo").parts["exporter"].url
    assert what_to_ask("https://x.example/oai", "search").spider == "search"


def test_an_archive_that_was_not_harvested_over_oai_pmh_is_compared_with_a_search_first():
    assert what_to_ask("zenodo", None, oaipmh_first=False).spider == "search"


def test_a_source_without_such_an_endpoint_is_refused():
    with pytest.raises(UsageError):
        what_to_ask("datacite", "exporter")
