"""harvester/oaipmh/emptiness.py: how else an empty list is asked for, and what it means when it stays empty."""

from datetime import UTC, datetime

import pytest

from harvester.oaipmh import protocol
from harvester.oaipmh.cutting import OLDEST, Span
from harvester.oaipmh.emptiness import Doubt, bounds_to_try, encodings

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "forms"),
    [
        ("plain", []),
        ("a:b", ["a:b", "a%253Ab"]),
        ("a/b", ["a/b", "a%252Fb"]),
        ("a%3Ab", ["a%3Ab", "a:b", "a%25253Ab"]),
    ],
)
def test_a_set_may_have_to_be_sent_bare_decoded_or_encoded_twice(spec: str, forms: list[str]):
    assert encodings(spec) == forms


def test_a_set_is_sent_as_it_stands_when_it_is_encoded_already():
    url = protocol.list_identifiers_url("http://r.example/oai", "oai_dc", None, None, protocol.AsSent("a:b"))
    assert url.endswith("&set=a:b")
    assert protocol.list_identifiers_url("http://r.example/oai", "oai_dc", None, None, "a:b").endswith("&set=a%3Ab")


def test_bounds_that_leave_least_out_are_tried_first():
    earliest = datetime(2010, 1, 1, tzinfo=UTC)
    assert bounds_to_try(earliest, NOW)[:2] == [Span(OLDEST, None), Span(earliest, None)]
    for impossible in (None, datetime(2030, 1, 1, tzinfo=UTC)):
        assert bounds_to_try(impossible, NOW) == [Span(OLDEST, None), Span(OLDEST, NOW), Span(None, NOW)]


@pytest.mark.parametrize(
    ("earliest", "others", "sets", "code"),
    [
        ("2026-11-30T11:00:00Z", 0, [], "empty-repository"),
        (None, 0, [], "empty-repository"),
        ("unknown", 0, [], "empty-repository"),
        ("2010-01-01", 0, [], "empty-list"),
        (None, 12, [], "empty-list"),
        (None, 0, ["a"], "empty-list"),
        (None, 0, None, "empty-list"),
    ],
)
def test_an_empty_list_is_believed_only_of_a_new_repository(
    earliest: str | None, others: int, sets: list[str] | None, code: str
):
    doubt = Doubt("oaipmh:oai_dc")
    doubt.tried.append("from 1970 (nothing)")
    doubt.consider(earliest, NOW, others, sets)
    found = doubt.judge()
    assert found.code == code
    assert "from 1970 (nothing)" in found.message
