"""`audit --sample` at a target that answers about something else: a page to log in, a ban, an order to wait."""

from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from support import archive_builder
from support.command_runner import Typed
from support.local_server import serving

from archive.index.build import index
from harvester.ratelimit import bans, limiter

OAI = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
RECORD = (
    "<GetRecord><record><header><identifier>oai:x:{}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp></header>"
    "<metadata><a xmlns='urn:a'/></metadata></record></GetRecord>"
)
LOGIN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form><input name=password></form></body></html>"
XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Sign in</title></head><body><p>1</p></body></html>'
HTML = "text/html; charset=utf-8"
PLACES = ["/oai", "/api/records/{id}"]


class Provider(BaseHTTPRequestHandler):
    """The records 1 to 40 live, and for those in `odd` another answer, by its name."""

    odd: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query).get("identifier", [parts.path.rpartition("/")[2]])[0]
        name = asked.removeprefix("oai:x:")
        self.asked.append(name)
        if parts.path == "/robots.txt":
            self.answer(404, "", "text/plain")
        elif parts.path in ("/", "/account/start"):  # which no list of names for pages to log in at has
            self.answer(200, LOGIN, HTML)
        elif name in self.odd:
            getattr(self, self.odd[name])(name)
        else:
            self.right(name)

    def right(self, name: str) -> None:
        if urlsplit(self.path).path == "/oai":
            self.answer(200, OAI.format(RECORD.format(name)), "text/xml")
        else:
            self.answer(200, f'{{"id": "{name}", "updated": "2020-01-01T00:00:00Z"}}', "application/json")

    def forbidden_page(self, name: str) -> None:
        self.answer(403, LOGIN, HTML)

    def login_page(self, name: str) -> None:
        self.answer(200, LOGIN, HTML)

    def login_page_called_right(self, name: str) -> None:
        self.answer(200, LOGIN, "text/xml" if "oai" in self.path else "application/json")

    def login_page_in_xml(self, name: str) -> None:
        self.answer(200, XHTML, HTML)

    def to_login(self, name: str) -> None:
        self.answer(302, "", HTML, {"Location": "/login?next=x"})

    def to_a_page(self, name: str) -> None:
        self.answer(302, "", HTML, {"Location": "/account/start"})

    def to_login_elsewhere(self, name: str) -> None:
        self.answer(302, "", HTML, {"Location": "https://sso.example/login"})

    def to_front_page(self, name: str) -> None:
        self.answer(301, "", HTML, {"Location": "/"})

    def page_not_found(self, name: str) -> None:
        self.answer(404, LOGIN, HTML)

    def wait(self, name: str) -> None:
        if self.asked.count(name) < 4:
            self.answer(429, LOGIN, HTML, {"Retry-After": "0"})
        else:
            self.right(name)

    def wait_for_hours(self, name: str) -> None:
        self.answer(429, LOGIN, HTML, {"Retry-After": "7200"})

    def answer(self, status: int, text: str, media_type: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(text)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HARVESTER_STATE", "none")
    monkeypatch.setattr(Provider, "asked", [])
    monkeypatch.setattr(limiter, "BACKOFF_MOST_SECONDS", 0.01)
    monkeypatch.setattr(bans, "SUSPICION_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(bans, "PROBE_SECONDS", 0.01)
    with serving(Provider) as base:
        yield base


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The records 1 to 40, without those from 21 to 30: what is not held is asked for as well."""
    archive_builder.ended(tmp_path / "a", [[f"oai:x:{n}" for n in range(1, 41) if n not in range(21, 31)]])
    index(tmp_path / "a")
    return tmp_path / "a"


# what is answered about a record that is held and one that is not, with the state that this is there
ODD = {
    "forbidden_page": "forbidden",
    "login_page": "refused",
    "login_page_called_right": "refused",
    "login_page_in_xml": "refused",
    "to_login": "forbidden",
    "to_a_page": "refused",
    "to_login_elsewhere": "refused",
    "to_front_page": "refused",
}


def sampled(typed: Typed, archive: Path, target: str, tmp_path: Path) -> tuple[dict[str, str], dict[str, object]]:
    """The mark of each id, and the report; it has findings."""
    said = typed(
        "audit", archive, "--against", target, "--sample", 100, "--seed", 1, "--json", "--lines", tmp_path / "lines"
    )
    assert said.code == 1, said.err
    lines = (tmp_path / "lines").read_text().splitlines()
    return {line.split("\t")[0][2:]: line[0] for line in lines}, said.json


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_answer_about_a_record_counts_neither_as_present_nor_as_missing(
    odd: str, place: str, provider: str, archive: Path, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Provider, "odd", {"7": odd, "25": odd})
    marks, report = sampled(typed, archive, provider + place, tmp_path)
    assert len(marks) == 40
    assert marks.pop("7") == "!"
    # closed there and never had: both show as much
    assert marks.pop("25") == ("=" if ODD[odd] == "forbidden" else "!")
    assert marks == {str(n): "+" if n in range(21, 31) else "=" for n in range(1, 41) if n not in (7, 25)}
    assert (report["expected"], report["held"], report["extra"]) == (38, 29, 0)
    assert report["states"] == {ODD[odd]: 2, "read": 38}


@pytest.mark.parametrize("odd", [*ODD, "page_not_found"])
def test_a_target_that_lets_nobody_in_has_told_nothing(
    odd: str, provider: str, archive: Path, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Provider, "odd", {str(n): odd for n in range(1, 41)})
    if odd == "forbidden_page":  # a ban, which is waited for until patience ends
        said = typed("audit", archive, "--against", f"{provider}/oai", "--sample", 100, "--json")
        assert (said.code, said.out) == (3, "")
        return
    marks, report = sampled(typed, archive, f"{provider}/oai", tmp_path)
    assert [report[name] for name in ("expected", "held", "missing", "extra", "stale")] == [0, 0, 0, 0, 0]
    assert len(marks) == 40


def test_closed_ids_alone_do_not_make_a_sample_complete(
    provider: str, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made, channel, (window,) = archive_builder.begun(tmp_path / "a")
    closed = [(f"oai:x:{n}", None, "forbidden", None) for n in range(1, 41)]
    made.put(archive_builder.answer(channel, window.window, [], listed=40, outcomes=closed, payload=()))
    made.commit()
    made.close()
    index(tmp_path / "a")
    monkeypatch.setattr(Provider, "odd", {str(n): "to_login" for n in range(1, 41)})
    marks, report = sampled(typed, tmp_path / "a", f"{provider}/oai", tmp_path)
    assert set(marks.values()) == {"="}
    assert (report["expected"], report["states"]) == (0, {"forbidden": 40})


@pytest.mark.parametrize("place", PLACES)
def test_an_order_to_wait_is_kept_and_is_no_answer(
    place: str, provider: str, archive: Path, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Provider, "odd", {"7": "wait", "25": "wait"})
    marks, report = sampled(typed, archive, provider + place, tmp_path)
    assert (marks["7"], marks["25"], report["unchecked"], report["extra"]) == ("=", "+", 0, 0)


@pytest.mark.parametrize("place", PLACES)
def test_an_order_to_wait_for_hours_ends_the_audit_unfinished_and_says_nothing(
    place: str, provider: str, archive: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Provider, "odd", {"7": "wait_for_hours"})
    said = typed("audit", archive, "--against", provider + place, "--sample", 100, "--json")
    assert (said.code, said.out) == (3, "")
