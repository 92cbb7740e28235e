"""Credentials: sent to their own hosts and nowhere else, and masked wherever they come back."""

import base64
import gzip
import html
import json
import logging
import pickle
import zlib
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.findings import Finding
from archive.store.ledger import Outcome
from archive.store.quarantine import RefusedBody
from archive.store.writer import Answer
from harvester.errors import UsageError
from harvester.http.credentials import MASK, Credentials, SecretFilter
from harvester.sources.model import Source

SECRET = "s3cr+t/Tok=n&x"
SOURCE = {
    "oaipmh": {"url": "https://X.example/oai"},
    "idrange": {"url": "https://api.x.example:8443/{id}"},
    "hosts": ["files.x.example"],
    "token": {"environment": "X_TOKEN"},
}


def credentials(secret: str = SECRET, **more: object) -> Credentials:
    return Credentials.of(Source.model_validate({**SOURCE, **more}), {"X_TOKEN": secret})


def test_the_token_goes_to_the_hosts_of_the_endpoints_over_https():
    for url in ("https://x.example/oai?a=1", "https://X.EXAMPLE/other", "https://api.x.example:8443/5"):
        assert credentials().headers(url) == {"Authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example/oai",
        "https://x.example:444/oai",
        "https://api.x.example/5",
        "https://files.x.example/",
        "https://evil.example/?x.example",
        "https://evil.example/x.example/oai",
        "https://x.example.evil.example/",
        "https://x.example@evil.example/",
        "https://me@x.example/",
        "https://x.example./",
        "ftp://x.example/",
        "https://x.example%2eevil.example/",
        "https://x.example\\@evil.example/",
        "//x.example/",
        "ids://x.example/1",
        "https://[x.example/",
    ],
)
def test_the_token_goes_nowhere_else(url: str):
    assert credentials().headers(url) == {}


def test_over_plain_http_the_token_goes_to_this_machine_only():
    here = credentials(oaipmh={"url": "http://127.0.0.1:8000/oai"})
    assert here.headers("http://127.0.0.1:8000/oai")
    assert not here.headers("http://127.0.0.1:8001/oai")


def test_named_hosts_take_the_place_of_the_endpoints():
    token = {"environment": "X_TOKEN", "hosts": ["API.x.example:8443"], "header": "X-Key", "prefix": ""}
    only = credentials(token=token)
    assert only.headers("https://api.x.example:8443/1") == {"X-Key": SECRET}
    assert only.headers("https://x.example/oai") == {}


def test_a_url_given_beside_a_source_file_does_not_get_the_token_of_the_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('[oaipmh]\nurl = "https://x.example/oai"\n[token]\nenvironment = "X_TOKEN"\n')
    given_url = Source.of(str(path), "https://mirror.example/oai")
    found = Credentials.of(given_url, {"X_TOKEN": SECRET})
    assert found.headers("https://x.example/oai")
    assert not found.headers("https://mirror.example/oai")
    path.write_text('[oaipmh]\nurl = "{site}/oai"\n[token]\nenvironment = "X_TOKEN"\n')
    site = Credentials.of(Source.of(str(path), None, site="https://y.example"), {"X_TOKEN": SECRET})
    assert site.headers("https://y.example/oai")


def test_without_a_token_nothing_is_sent_or_changed():
    for none in (Credentials(), Credentials.of(Source.model_validate(SOURCE), {}), credentials("")):
        assert not none.has_token
        assert none.headers("https://x.example/oai") == {}
        assert none.scrub("text") == "text"
        assert none.scrub_bytes(b"text") == b"text"
        assert none.clean_body(gzip.compress(b"text"), "gzip") is None


@pytest.mark.parametrize("secret", [SECRET + "\n", " " + SECRET, "two words", "tab\there12", "pässwörd123", "\x00" * 9])
def test_what_is_no_token_is_refused_by_the_name_of_its_variable(secret: str):
    with pytest.raises(UsageError, match="X_TOKEN") as caught:
        credentials(secret)
    assert secret.strip() not in str(caught.value)


def test_a_token_too_short_to_be_told_from_other_text_is_refused():
    with pytest.raises(UsageError, match="X_TOKEN") as caught:
        credentials("geheim")
    assert "geheim" not in str(caught.value)


def test_it_is_not_shown_and_not_carried_to_another_process():
    found = credentials()
    assert SECRET not in repr(found)
    assert SECRET not in str(found)
    assert not hasattr(found, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(found)


printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)


@given(secret=printable, before=st.text(max_size=7), after=st.text(max_size=7))
def test_the_secret_is_masked_in_every_form_that_it_comes_back_in(secret: str, before: str, after: str):
    found = credentials(secret)
    packed = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    forms = [secret, quote(secret), quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1]]
    for form in forms:
        assert found.scrub(form) == MASK
        assert found.scrub_bytes(f"<a>{form}</a>".encode()) == f"<a>{MASK}</a>".encode()
    masked = found.scrub(packed)
    assert MASK in masked
    kept = masked.replace(MASK, "A" * (len(packed) - len(masked) + len(MASK)))
    assert secret.encode() not in base64.b64decode(kept)
    assert MASK in found.scrub(packed.replace("+", "-").replace("/", "_"))


def test_a_body_without_the_secret_stays_as_it_is_and_one_with_it_is_masked():
    found = credentials()
    assert found.clean_body(b"<a>nothing</a>") is None
    assert found.clean_body(f"<a>{SECRET}</a>".encode()) == b"<a>***</a>"
    assert found.clean_body(gzip.compress(b"nothing" * 99), "gzip") is None


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "raw", ""])
def test_a_packed_body_is_masked_too(encoding: str):
    plain = b"x" * (3 << 20) + SECRET.encode() + b"y"
    packer = zlib.compressobj(wbits=-15) if encoding == "raw" else zlib.compressobj()
    deflated = packer.compress(plain) + packer.flush()
    body = deflated if encoding in ("deflate", "raw") else gzip.compress(plain)
    assert credentials().clean_body(body, encoding.replace("raw", "deflate")) == b"x" * (3 << 20) + b"***y"


def test_a_packed_body_in_several_members_is_masked_too():
    body = gzip.compress(b"one ") + gzip.compress(SECRET.encode())
    assert credentials().clean_body(body, "gzip") == b"one ***"


def test_a_packed_body_with_the_secret_that_is_cut_short_never_passes_for_a_whole_one():
    whole = gzip.compress(SECRET.encode() * 3 + bytes(range(256)) * 40)
    for length in range(len(whole) // 2, len(whole)):
        assert credentials().clean_body(whole[:length], "gzip") in (b"", None)
    assert credentials().clean_body(whole[:-8], "gzip") == b""


def test_nothing_that_the_ledger_or_the_quarantine_keeps_of_an_answer_shows_the_secret():
    refused = RefusedBody(f"https://x/?t={SECRET}", 500, (("X", SECRET),), gzip.compress(SECRET.encode()), "", SECRET)
    answer = Answer(
        channel=1,
        window=1,
        attempt=1,
        url=f"https://x/?t={quote(SECRET, safe='')}",
        state="refused",
        http_status=500,
        reason=f"said {SECRET}",
        attempts=1,
        at="",
        outcomes=[Outcome("1", None, "refused", SECRET), Outcome("2", None, "read")],
        payload=[(b"frame", 1)],
        refused=refused,
        notes=[Finding("x", "info", SECRET, None, 1, 2)],
    )
    found = credentials().clean_answer(answer)
    assert SECRET not in str(found)
    assert quote(SECRET, safe="") not in str(found)
    assert found.refused is not None
    assert found.refused.body == MASK.encode()
    assert found.payload == answer.payload
    assert found.outcomes[1] == answer.outcomes[1]
    assert found.notes[0].found == 2
    plain = replace(answer, url="u", reason=None, outcomes=[Outcome("2", None, "read")], refused=None, notes=[])
    assert credentials().clean_answer(plain) == plain


def test_a_log_record_shows_no_secret_in_message_arguments_or_traceback(caplog: pytest.LogCaptureFixture):
    logger = logging.getLogger("test-secret")
    caplog.handler.addFilter(hider := SecretFilter(credentials()))
    try:
        logger.warning("sent %s to %s", {"Authorization": f"Bearer {SECRET}"}, "x")
        try:
            raise ValueError(f"bad header {SECRET}")
        except ValueError:
            logger.exception("failed", stack_info=True)
        logger.warning(f"%d {SECRET}", "no number")
    finally:
        caplog.handler.removeFilter(hider)
    assert SECRET not in caplog.text
    assert caplog.text.count(MASK) >= 2
    assert "ValueError" in caplog.text
