"""Which of two forms a client gets."""

import pytest

from harvester.serving.http import JSON, XML, accepted_form, takes_gzip


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/xml", XML),
        ("text/xml", XML),
        ("text/*", XML),
        ("APPLICATION/XML; charset=utf-8", XML),
        ("application/json, application/xml", JSON),
        ("application/json;q=0.5, application/xml;q=0.9", XML),
        ("application/xml;q=0.5, */*;q=0.9", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", XML),
        ("application/json;q=0, */*", XML),
        ("application/xml;q=0, */*", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
        (",,;", JSON),
    ],
)
def test_the_form_a_client_likes_better(accept: str, form: str | None):
    assert accepted_form(accept) == form


@pytest.mark.parametrize(
    ("encodings", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("br, gzip;q=0.1", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*, gzip;q=0", False),
        ("identity", False),
        ("GZIP", True),
        ("x-gzip", False),
        ("gzip;q=2", False),
    ],
)
def test_a_body_is_packed_only_for_who_takes_it(encodings: str, taken: bool):
    assert takes_gzip(encodings) == taken
