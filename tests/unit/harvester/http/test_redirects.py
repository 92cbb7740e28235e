"""Redirects: to another id, to another place of the same record, to a login, and never out of the source."""

import pytest

from harvester.http.redirects import HOPS_MOST, IdUrls

HOSTS = frozenset({"x.example", "www.x.example"})
URLS = IdUrls("https://x.example/api/records/{id}", "[0-9]+", HOSTS)
HERE = "https://x.example/api/records/5"


@pytest.mark.parametrize(
    ("location", "kind", "target"),
    [
        ("/api/records/6", "moved", "6"),
        ("https://www.x.example/api/records/6/", "moved", "6"),
        ("6", "moved", "6"),
        ("/api/records/6?format=x", "moved", "6"),
        ("/api/records/5?again", "follow", HERE + "?again"),
        ("https://www.x.example/api/records/5", "follow", "https://www.x.example/api/records/5"),
        ("/records/6", "follow", "https://x.example/records/6"),
        ("/login?next=5", "login", "/login"),
        ("/cgi/users/login.html", "login", "/cgi/users/login.html"),
        ("https://evil.example/api/records/6", "refused", "evil.example"),
        ("//evil.example/api/records/6", "refused", "evil.example"),
        ("file:///etc/passwd", "refused", "file"),
        ("https://me:pass@x.example/api/records/6", "refused", "x.example"),
        ("https://x.example:8443/api/records/6", "refused", "x.example:8443"),
        ("http://x.example/api/records/5", "refused", "https to http"),
        ("", "refused", "Location"),
        (None, "refused", "Location"),
        (HERE, "refused", "circle"),
        ("https://[::1/", "refused", "no URL"),
        ("javascript:alert(1)", "refused", "javascript"),
    ],
)
def test_where_a_redirect_leads(location: str | None, kind: str, target: str):
    found = URLS.redirect("5", HERE, location, 0)
    assert found.kind == kind
    assert found.target == target or (kind == "refused" and target in found.target)
    assert "pass" not in found.target.replace("passwd", "")


def test_a_doi_is_found_whether_its_slash_is_escaped_or_not():
    urls = IdUrls("https://x.example/dois/{id}", r"10\.[0-9]+/.+", HOSTS)
    for path in ("10.5/a%2Fb", "10.5%2Fa/b", "10.5%2fa%2fb"):
        found = urls.redirect("10.1/x", "https://x.example/dois/10.1%2Fx", f"/dois/{path}", 0)
        assert (found.kind, found.target) == ("moved", "10.5/a/b")
    assert urls.id_in("https://x.example/dois/about") is None


def test_a_chain_ends():
    assert URLS.redirect("5", HERE, "/api/records/5?hop=9", HOPS_MOST - 1).kind == "follow"
    assert URLS.redirect("5", HERE, "/api/records/5?hop=9", HOPS_MOST).kind == "refused"


@pytest.mark.parametrize("identifier", ["5", "10.5281/zenodo.5", "a b/ü?&#", "oai:x:5", "{id}"])
def test_an_id_is_found_again_in_its_url(identifier: str):
    for template in ("https://x.example/r/{id}/JSON", "https://x.example/d?persistentId={id}&a=1"):
        urls = IdUrls(template, "[^/?#]+", HOSTS)
        assert urls.id_in(urls.url(identifier)) == identifier
        assert urls.id_in("https://x.example/elsewhere") is None


def test_a_doi_is_sent_with_its_scheme_where_only_that_is_an_id():
    template = "https://x.example/api/datasets/:persistentId/?persistentId={id}"
    urls = IdUrls(template, "(doi|hdl|perma):.+", HOSTS)
    here = urls.url("10.5072/fk2/a")
    assert here == template.replace("{id}", "doi%3A10.5072%2Ffk2%2Fa")
    assert urls.url("hdl:1902.1/1") == template.replace("{id}", "hdl%3A1902.1%2F1")
    assert urls.redirect("10.5072/fk2/a", here, here.replace("fk2", "FK2"), 0).kind == "follow"
    moved = urls.redirect("10.5072/fk2/a", here, here.replace("fk2%2Fa", "FK2%2FB"), 0)
    assert (moved.kind, moved.target) == ("moved", "10.5072/fk2/b")
