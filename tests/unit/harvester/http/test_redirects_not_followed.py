"""A redirect that is not followed says where it leads, and which argument would allow it."""

import pytest

from harvester.http.redirects import not_followed

HOSTS = frozenset({"a.example"})
ASKED = "https://a.example/oai?verb=ListRecords&from=2020-01-01T00%3A00%3A00Z"
QUERY = ASKED.partition("?")[2]


@pytest.mark.parametrize(
    "target",
    [
        f"https://a.example/oai/?{QUERY}",
        "https://a.example/oai/?from=2020-01-01T00:00:00Z&verb=ListRecords",
        f"https://A.EXAMPLE/other?{QUERY}",
    ],
)
def test_another_place_of_the_same_host_is_followed(target: str):
    assert not_followed(ASKED, target, HOSTS) is None


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"https://b.example:8443/oai?{QUERY}", ["https://b.example:8443/oai", "-a hosts=b.example:8443"]),
        (f"http://a.example/oai?{QUERY}", ["from https", "http://a.example/oai"]),
        ("https://a.example/oai/", ["without the query", "-a url=https://a.example/oai/"]),
        ("https://a.example/oai/?lang=en", ["without the query"]),
        (f"https://a.example/oai/?{QUERY.replace('%', '%25')}", ["encoded twice", "-a url=https://a.example/oai/"]),
        ("ftp://a.example/oai", ["no address of a provider"]),
        ("https://a:b@a.example/oai", ["https://a.example/oai"]),
    ],
)
def test_any_other_is_named(target: str, words: list[str]):
    said = not_followed(ASKED, target, HOSTS)
    assert said is not None
    assert [word for word in words if word not in said] == []
    assert "a:b" not in said


def test_only_oai_pmh_needs_its_query():
    assert not_followed("https://a.example/record?id=5", "https://a.example/record/5", HOSTS) is None
    assert not_followed("https://a.example/oai?verb=Identify", "https://a.example/oai/?verb=Identify", HOSTS) is None
