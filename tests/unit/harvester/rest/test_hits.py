"""Hits cut out of a page: their bytes are the page's own, and what is no whole page gives none."""

import pytest

from harvester.errors import MalformedPage
from harvester.rest.hits import cut_hits, inside, parse_page

PAGE = (
    b'{"aggregations": {"hits": [1]}, "hits" : {"x": {"hits": [0]}, "hits":[ {"id":1,"t":"\xc3\xa9 \\u00e9 ]}"} '
    b',[1,2], "x" , -1.50e3, {"id":{"id":2}} ] , "total":5}}'
)


def test_a_hit_has_the_bytes_that_stand_in_the_page():
    hits = cut_hits(PAGE, parse_page(PAGE), ("hits", "hits"))
    assert [hit.body for hit in hits] == [
        b'{"id":1,"t":"\xc3\xa9 \\u00e9 ]}"}',
        b"[1,2]",
        b'"x"',
        b"-1.50e3",
        b'{"id":{"id":2}}',
    ]
    assert hits[0].value == {"id": 1, "t": "\u00e9 \u00e9 ]}"}


def test_a_page_cut_short_is_never_a_shorter_page():
    for cut in range(len(PAGE)):
        with pytest.raises(MalformedPage):
            parse_page(PAGE[:cut])


def test_a_page_may_be_the_list_itself_or_an_empty_one():
    assert [hit.body for hit in cut_hits(b"[{}, {}]", parse_page(b"[{}, {}]"), ())] == [b"{}", b"{}"]
    assert cut_hits(b' {"data" : [ ] }', parse_page(b' {"data" : [ ] }'), ("data",)) == []


def test_the_record_may_stand_inside_its_hit():
    page = b'{"o": [{"score": 1, "in": {"r": {"uuid": "a"}}}, {"score": 2}]}'
    hits = cut_hits(page, parse_page(page), ("o",), ("in", "r"))
    assert [hit.body for hit in hits] == [b'{"uuid": "a"}', b'{"score": 2}']
    assert [hit.value for hit in hits] == [{"uuid": "a"}, {"score": 2}]


@pytest.mark.parametrize("page", [b"{}", b"[]", b'{"hits": 5}', b'{"hits": {"hits": {}}}', b"null", b'"hits"'])
def test_what_has_no_list_of_hits_is_no_page(page: bytes):
    with pytest.raises(MalformedPage):
        cut_hits(page, parse_page(page), ("hits", "hits"))


def test_a_list_that_is_there_twice_is_refused():
    page = b'{"data": [{"id": 1}], "data": [{"id": 2}]}'
    with pytest.raises(MalformedPage, match="twice"):
        cut_hits(page, parse_page(page), ("data",))


def test_a_page_nested_too_deep_or_with_an_endless_number_is_refused():
    deep = b'{"data": [' + b"[" * 1100 + b"]" * 1100 + b"]}"
    with pytest.raises(MalformedPage):
        parse_page(deep)
    long = b'{"data": [' + b"9" * 5000 + b"]}"
    with pytest.raises(MalformedPage):
        cut_hits(long, parse_page(long), ("data",))


def test_a_path_that_leads_nowhere_is_none():
    assert inside({"a": {"b": 1}}, ("a", "b")) == 1
    assert inside({"a": 1}, ("a", "b")) is None
    assert inside([], ("a",)) is None
