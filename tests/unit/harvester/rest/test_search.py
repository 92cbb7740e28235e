"""Search APIs: the URLs that are asked for, and what their pages say."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from archive.formats import jsonseq
from archive.store import envelope
from harvester.errors import MalformedPage
from harvester.oaipmh.cutting import Span
from harvester.rest.hits import Count
from harvester.rest.search import (
    FIRST,
    STYLES,
    Asking,
    decode_page,
    next_page,
    oldest_stamp,
    oldest_url,
    page_url,
    platform_of,
    read_total,
    style_of,
)

JANUARY = Span(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC))
ANY = Span(None, None)


def words(style: str, span: Span = JANUARY, place: str = "", query: str = "", **more: str) -> dict[str, str]:
    asking = Asking("https://x.example/search", style, query, STYLES[style].sort, 25)
    url = page_url(asking, span, place or FIRST[STYLES[style].paging])
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def decoded(page: object, style: str = "invenio", accept: str = "application/json", sent: str = "application/json"):
    body = json.dumps(page).encode()
    return decode_page(body, style, "https://x.example/p", "json", accept, sent, "2024-01-01T00:00:00Z")


def hits(*found: object, total: int | None = None) -> dict[str, object]:
    return {"hits": {"hits": list(found), "total": len(found) if total is None else total}, "links": {}}


def test_a_slice_is_asked_for_half_open_and_with_all_versions():
    found = words("invenio", place="3")
    assert found["q"] == r"updated:[2024-01-01T00\:00\:00Z TO 2024-02-01T00\:00\:00Z}"
    assert (found["page"], found["size"], found["allversions"], found["sort"]) == ("3", "25", "true", "oldest")


def test_the_query_of_the_user_stays_beside_the_bounds():
    assert words("invenio", query="a OR b")["q"].startswith("(a OR b) AND updated:[")
    assert "q" not in words("invenio", ANY)
    assert words("invenio", Span(JANUARY.from_, None))["q"] == r"updated:[2024-01-01T00\:00\:00Z TO *]"
    quoted = Asking("https://x.example/s", "invenio", "", "", 25, "quoted")
    assert "%222024-01-01T00%3A00%3A00Z%22" in page_url(quoted, JANUARY, "1")


def test_datacite_is_asked_by_cursor():
    found = words("datacite")
    assert (found["page[cursor]"], found["page[size]"]) == ("1", "25")
    assert "updated:" in found["query"]


def test_a_query_in_the_address_is_kept():
    asking = Asking("https://api.datacite.org/dois?affiliation=true", "datacite", "", "", 25)
    assert page_url(asking, ANY, "1").startswith("https://api.datacite.org/dois?affiliation=true&page")


def test_other_platforms_have_their_own_words():
    assert words("figshare")["published_since"] == "2024-01-01"
    assert words("dspace", place="1")["page"] == "0"
    assert "dsoType" not in words("dspace-items", place="1")
    assert words("dataverse", place="1000")["start"] == "1000"


def test_the_platform_is_known_by_its_path():
    assert platform_of("https://api.datacite.org/dois") == "datacite"
    assert platform_of("https://x.example/api/records") == "invenio"
    assert style_of("dspace", "https://x.example/server/api/core/items") == "dspace-items"


def test_records_of_a_page_have_their_id_as_text_and_their_date_as_sent():
    page = decoded(hits({"id": 7, "updated": "2024-01-02T03:04:05.678+00:00"}, {"id": "abc", "modified": "2024"}))
    assert page.rows == (("7", "2024-01-02T03:04:05.678+00:00"), ("abc", "2024"))
    assert (page.total, page.hits, page.next) == (2, 2, None)
    texts = [text for text in b"".join(piece for piece, _ in page.payload).split(jsonseq.RS) if text]
    assert [envelope.decode(text).identifier for text in texts] == ["7", "abc"]


def test_the_cursor_is_taken_out_of_the_link_and_nothing_else():
    link = "http://evil.example/dois?page[cursor]=abc%3D&page[size]=1"
    page = decoded(
        {"data": [{"id": "10.1/x", "attributes": {}}], "meta": {"total": 1}, "links": {"next": link}}, "datacite"
    )
    assert (page.cursor, page.next) == ("abc=", link)


def test_a_hit_without_an_id_is_refused_and_the_others_are_kept():
    page = decoded(hits({"id": "1"}, {"title": "?"}, 5, {"id": True}, {"id": "2"}))
    assert [row[0] for row in page.rows] == ["1", "2"]
    assert [hit.body for hit in page.refused] == [b'{"title": "?"}', b"5", b'{"id": true}']
    assert len({hit.name for hit in page.refused}) == 3


def test_a_server_that_ignores_accept_gives_its_format_away():
    page = decoded(hits({"id": "1"}), accept="application/vnd.inveniordm.v1+json")
    assert page.problem is not None
    assert page.problem[0] == "other-media-type"
    assert b'"format":"json"' in page.payload[0][0]


def test_names_of_plain_json_are_the_same_to_us():
    assert decoded(hits({"id": "1"}), sent="application/hal+json; charset=utf-8").problem is None


@pytest.mark.parametrize(
    "page",
    [
        [],
        {},
        {"hits": []},
        {"hits": {"hits": [], "total": "many"}},
        {"hits": {"hits": [], "total": {"value": "x"}}},
        {"hits": {"hits": [], "total": True}},
        {"hits": {"total": 5}},
        {"hits": {"hits": {}, "total": 1}},
    ],
)
def test_what_is_no_page_of_its_style_is_refused(page: object):
    with pytest.raises(MalformedPage):
        decoded(page)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        (5, (5, True)),
        ("5", (5, True)),
        (5.0, (5, True)),
        ({"value": 5, "relation": "eq"}, (5, True)),
        ({"value": 10_000, "relation": "gte"}, (10_000, False)),
        ({"value": "7"}, (7, True)),
        (-1, (None, True)),
        (None, (None, True)),
        ("-1", (None, True)),
    ],
)
def test_a_total_is_read_in_the_forms_that_searches_give_it(stated: object, read: tuple[int | None, bool]):
    page = decoded({"hits": {"hits": [{"id": 1}], "total": stated}})
    assert (page.total, page.exact) == read


def test_the_total_and_the_oldest_date_are_read():
    body = json.dumps(hits({"id": 1, "updated": "2020-01-01"}, total=9)).encode()
    assert read_total(body, "invenio") == Count(9)
    assert oldest_stamp(body, "invenio") == "2020-01-01"
    assert read_total(b"[]", "figshare") is None
    with pytest.raises(MalformedPage):
        read_total(b"{}", "figshare")
    asking = Asking("https://x.example/s", "invenio", "", "oldest", 25)
    assert "sort=updated-asc&size=1" in (oldest_url(asking, ANY) or "")
    assert oldest_url(Asking("https://x.example/s", "dataverse", "", "", 25), ANY) is None


def test_a_next_link_is_read_for_comparison_only():
    assert next_page("https://X.example/p?page=3&size=5") == ("x.example", "3")
    assert next_page("https://[broken") is None


def test_recorded_pages_of_zenodo_are_read(corpus: Path):
    found = 0
    for path in (corpus / "zenodo" / "legacy-rest-http").glob("200-records_*q=*.json"):
        if not path.name.endswith(".http.json"):
            body = path.read_bytes()
            page = decode_page(body, "invenio", "u", "json", "application/json", "application/json", "t")
            parsed = json.loads(body)["hits"]
            assert [row[0] for row in page.rows] == [str(hit["id"]) for hit in parsed["hits"]]
            assert (page.total, page.refused) == (parsed["total"], ())
            found += 1
    assert found
