"""archive/crosswalks/urls.py: URLs that are the same by RFC 3986 have one form, and others keep theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.crosswalks.urls import normalise_url, without_scheme


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTP://Example.ORG:80/%7euser/./a/../b/?q=%c3%a9#F", "http://example.org/~user/b/?q=%C3%A9#F"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org:443/a%2fb", "https://example.org/a%2Fb"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://example.org/a/..", "http://example.org/"),
        ("http://example.org/../../a", "http://example.org/a"),
        ("ftp://example.org/", None),
        ("https:///nothing", None),
        ("https://example.org:port/", None),
        ("not a URL", None),
    ],
)
def test_urls_have_one_form(text: str, url: str | None):
    assert normalise_url(text) == url


def test_http_and_https_lead_to_one_page():
    assert without_scheme("https://example.org/a/?b=c#d") == without_scheme("http://example.org/a?b=c")


@given(st.text(max_size=30))
def test_the_form_of_a_form_is_itself(text: str):
    url = normalise_url(f"https://example.org/{text}")
    if url is not None:
        assert normalise_url(url) == url
