"""What an answer for an id that cannot exist teaches, and what a 404, a 410 or a 200 means beside it."""

from dataclasses import replace

import pytest

from archive.store import envelope
from harvester.rest.absences import Known, Look, impossible_ids
from harvester.rest.answers import Received, settle

JSON, RIS = "application/json", "application/x-research-info-systems"
NGINX = (
    b"<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center>nginx</body></html>"
)
EPRINTS = (
    b"<!DOCTYPE html><html><head><title>Invented Repository: No such record</title></head><body><div>Home About Browse "
    b"Sorry, the document /cgi/export/eprint/%s was not found here. Contact the library.</div></body></html>"
)
OWN = b'{"status": 404, "message": "The persistent identifier does not exist."}'


def look(body: bytes, status: int = 404, identifier: str = "2147483629") -> Look:
    return Look.of(status, body, identifier)


def state(
    body: bytes, status: int, known: Known, accept: str = JSON, identifier: str = "7"
) -> tuple[str, str | None, bool]:
    answer = Received(identifier, f"https://x.example/{identifier}", status, "", "", "", body)
    settled, _ = settle(answer, "form", accept, "now", known=known)
    return settled.state, settled.reason, settled.again


def test_an_id_that_cannot_exist_has_the_shape_of_the_others():
    assert impossible_ids(["1", "20"]) == ("2147483629", "2147483619")
    assert impossible_ids(["1"], [range(1, 3_000_000_000)]) == ("9007199254740881", "9007199254740871")
    assert impossible_ids(["2147483640"]) == ("9007199254740881", "9007199254740871")
    assert impossible_ids([str(10**17)]) == ()
    assert impossible_ids(["xb1by-jaq68"]) == ("zz9zz-zzz99", "yy8yy-yyy88")
    assert impossible_ids(["10.5281/zenodo.7"]) == ("10.5281/zzzzzz.9", "10.5281/yyyyyy.8")
    assert impossible_ids(["10.5281/7"])[0] == "10.5281/9z9z9z9z9"
    assert impossible_ids(["oai:x.example:a1"])[0] == "z9z9z9z9z9"
    (one, two) = impossible_ids(["f47ac10b-58cc-4372-a567-0e02b2c3d479"])
    assert (one, two) == ("ffffffff-ffff-ffff-ffff-ffffffffffff", "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee")
    assert impossible_ids([]) == ()


def test_the_look_of_an_answer_does_not_depend_on_the_id_or_on_numbers():
    one, two = EPRINTS.replace(b"%s", b"5/JSON/5.js"), EPRINTS.replace(b"%s", b"2147483629/JSON/2147483629.js")
    assert look(one, identifier="5").is_same(look(two))
    assert Look.decoded(look(one).encoded()) == look(one)
    assert not look(NGINX).is_like(look(two))


@pytest.mark.parametrize(
    ("body", "own", "expected"),
    [
        (OWN, OWN, "absent"),
        (b'{"message": "Record not found", "status": 404}', OWN, "absent"),
        (b'{"status": 404, "message": "gone", "tombstone": {}}', OWN, "absent"),
        (NGINX, OWN, "refused"),
        (b"", OWN, "refused"),
        (b"not found", OWN, "refused"),
        (b'{"message": "no Route matched with those values"}', OWN, "refused"),
        (NGINX, NGINX, "absent"),
        (EPRINTS, EPRINTS, "absent"),
        (NGINX, EPRINTS, "refused"),
        (EPRINTS, NGINX, "refused"),
        (OWN, NGINX, "absent"),
        (b"", b"", "absent"),
        (NGINX, b"", "refused"),
    ],
)
def test_a_404_counts_where_it_is_the_forms_own(body: bytes, own: bytes, expected: str):
    found, reason, again = state(body, 404, Known(look(own)))
    assert (found, again) == (expected, expected == "refused")
    assert (reason is None) == (expected == "absent" and body == OWN) or body[:1] == b"{"


def test_a_404_that_comes_for_every_id_is_not_asked_for_again():
    known = Known(look(OWN), look(NGINX))
    assert state(NGINX, 404, known)[::2] == ("refused", False)
    assert state(OWN, 404, known)[0] == "absent"


def test_without_anything_learned_a_404_is_absent_and_its_reason_names_what_is_odd():
    assert state(OWN, 404, Known()) == ("absent", None, False)
    assert state(NGINX, 404, Known()) == ("absent", "HTTP status 404 with an HTML page", False)
    assert state(b"", 404, Known()) == ("absent", "HTTP status 404 with no body", False)
    assert state(b"nothing here", 404, Known(), RIS) == ("absent", None, False)


def test_a_410_counts_where_it_is_the_forms_own():
    gone = b'{"status": 410, "message": "x", "tombstone": {"removal_reason": {"id": "spam"}}}'
    assert state(gone, 410, Known(look(OWN))) == ("deleted", "spam", False)
    assert state(NGINX, 410, Known(look(OWN)))[0] == "refused"
    assert state(NGINX, 410, Known(look(EPRINTS)))[:2] == ("deleted", "HTTP status 410 with an HTML page")
    own = Look.of(410, b'{"status": 410, "message": "x"}', "2147483629")
    assert state(b'{"status": 410, "message": "y"}', 410, Known(own))[0] == "absent"
    assert state(gone, 410, Known(own))[0] == "deleted"


def test_a_200_that_says_word_for_word_what_an_impossible_id_is_answered_is_no_record():
    soft = Look.of(200, b'{"result": "Nothing for 2147483629", "took": 12, "n": 8}', "2147483629")
    assert state(b'{"result": "Nothing for 7", "took": 3, "n": 8}', 200, Known(soft))[0] == "absent"
    assert state(b'{"result": "Nothing for 7", "took": 3, "n": 9}', 200, Known(soft))[0] == "read"
    soft = replace(soft, digest="")  # two answers of them had other numbers
    assert state(b'{"result": "Nothing for 7", "took": 3, "n": 9}', 200, Known(soft))[0] == "absent"
    assert state(b'{"result": {"title": "x"}, "took": 3}', 200, Known(soft))[0] == "read"
    assert state(b'{"result": "Nothing for 7", "took": 3}', 200, Known(look(OWN)))[0] == "read"
    for body in (b"{}", b"[]", b"null"):
        assert state(body, 200, Known(Look.of(200, body, "2147483629")))[0] == "absent"
        assert state(body, 200, Known())[0] == "refused"
    assert state(b"", 204, Known(Look.of(204, b"", "2147483629")))[0] == "absent"
    assert state(b"", 204, Known(look(OWN)))[0] == "refused"


def test_records_that_differ_in_numbers_or_are_sent_for_any_id_are_records():
    soft = Look.of(200, b'{"height": 0, "at": "2026-01-01T00:00:00Z"}', "2147483629")
    assert state(b'{"height": 12, "at": "2026-01-01T00:00:01Z"}', 200, Known(soft))[0] == "read"
    assert state(b'{"height": 0, "at": "2026-01-01T00:00:01Z"}', 200, Known(soft))[0] == "absent"
    first = Look.of(200, b'{"id": 1, "title": "x"}', "2147483629")
    assert state(b'{"id": 1, "title": "x"}', 200, Known(first), identifier="1")[0] == "read"
    assert state(b'{"id": 1, "title": "x"}', 200, Known(first), identifier="8")[0] == "absent"


def test_pages_of_html_and_empty_bodies_are_refused_whatever_was_learned():
    for body in (NGINX, b""):
        assert state(body, 200, Known(Look.of(200, body, "2147483629")))[::2] == ("refused", True)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_oai_pmh_lists_as_deleted_and_is_closed_by_id_is_a_tombstone(status: int):
    known = Known(look(OWN), look(OWN), {"7": "2024-05-06T00:00:00Z"})
    answer = Received("7", "https://x.example/7", status, "text/html", "", "", NGINX)
    settled, text = settle(answer, "json", JSON, "now", known=known)
    assert text is not None
    record = envelope.decode(text)
    assert (settled.state, settled.datestamp, settled.again) == ("deleted", "2024-05-06T00:00:00Z", False)
    assert (record.deleted, record.datestamp, record.format) == (True, "2024-05-06T00:00:00Z", "json")
    assert str(status) in (settled.reason or "")
    assert settle(answer, "json", JSON, "now")[0].state != "deleted"


def test_a_record_that_oai_pmh_lists_as_deleted_and_that_is_there_is_read():
    assert state(b'{"id": 7}', 200, Known(deleted={"7": "2024-05-06T00:00:00Z"}))[0] == "read"
