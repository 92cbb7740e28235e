"""harvester/rest/recordasking.py: single records over a gate, from servers that answer in every way."""

import gzip
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from support.local_server import serving

from harvester.errors import Unreachable, UsageError
from harvester.http.client import Policy
from harvester.http.credentials import Credentials
from harvester.http.robots import RobotsVerdict
from harvester.oaipmh.protocol import get_record_url
from harvester.ratelimit import limiter
from harvester.ratelimit.limiters import Gates
from harvester.rest import recordasking
from harvester.rest.recordasking import Question, RecordAsker
from harvester.sampling.sample import Target, There
from harvester.sources.model import Source

OAI = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
RECORD = (
    "<GetRecord><record><header{}><identifier>{}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp>"
    "<setSpec>one</setSpec><setSpec>two</setSpec></header>{}</record></GetRecord>"
)
DC = (
    '<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title><dc:date>1999-05-06</dc:date></oai_dc:dc>'
    "</metadata>"
)


class Provider(BaseHTTPRequestHandler):
    """Answers by the id: each is named by what it does."""

    asked: ClassVar[list[str]] = []
    robots: ClassVar[str] = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/robots.txt":
            packed = gzip.compress(self.robots.encode(), mtime=0)
            return self.send(200 if self.robots else 404, packed, "text/plain", {"Content-Encoding": "gzip"})
        name = parse_qs(parts.query).get("identifier", [parts.path.rpartition("/")[2]])[0].rpartition(":")[2]
        Provider.asked.append(name)
        known = getattr(self, f"{'oai' if parts.path == '/oai' else 'rest'}_{name}", None)
        if known is not None:
            return known(name)
        if "again" in name and Provider.asked.count(name) < 3:
            return self.answer(429 if "told" in name else 503, "", "text/plain", {"Retry-After": "0"})
        if parts.path == "/oai":
            return self.answer(200, OAI.format(RECORD.format("", f"oai:x:{name}", DC)), "text/xml")
        return self.answer(200, f'{{"id": "{name}", "updated": "2020-01-01T00:00:00Z"}}', "application/json")

    def oai_gone(self, name: str) -> None:
        self.answer(200, OAI.format(RECORD.format(' status="deleted"', "oai:x:gone", "")), "text/xml")

    def oai_absent(self, name: str) -> None:
        self.answer(422, OAI.format('<error code="idDoesNotExist">no</error>'), "text/xml")

    def oai_other(self, name: str) -> None:
        self.answer(200, OAI.format(RECORD.format("", "oai:x:another", DC)), "text/xml")

    def oai_cut(self, name: str) -> None:
        self.answer(200, OAI.format(RECORD.format("", "oai:x:cut", DC))[:-20], "text/xml")

    def oai_closed(self, name: str) -> None:
        self.answer(403, '{"status": 403}', "application/json")

    rest_closed = oai_closed

    def rest_gone(self, name: str) -> None:
        self.answer(410, '{"status": 410}', "application/json")

    def rest_absent(self, name: str) -> None:
        self.answer(404, "{}", "application/json")

    def rest_concept(self, name: str) -> None:
        self.answer(302, "", "text/plain", {"Location": "/api/records/7"})

    def rest_page(self, name: str) -> None:
        self.answer(200, "<html>log in</html>", "text/html")

    def rest_login(self, name: str) -> None:
        self.answer(302, "", "text/plain", {"Location": "/login?next=x"})

    def rest_out(self, name: str) -> None:
        self.answer(302, "", "text/plain", {"Location": "http://elsewhere.example/api/records/7"})

    def answer(self, status: int, text: str, media_type: str, more: Mapping[str, str] | None = None) -> None:
        self.send(status, text.encode(), media_type, more)

    def send(self, status: int, body: bytes, media_type: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Provider, "asked", [])
    monkeypatch.setattr(Provider, "robots", "")
    monkeypatch.setattr(limiter, "BACKOFF_MOST_SECONDS", 0.01)
    with serving(Provider) as base:
        yield base


def ask(base: str, part: str, names: list[str]) -> dict[str, There]:
    url = f"{base}/oai" if part == "oaipmh" else f"{base}/api/records/{{id}}"
    source = Source.of(None, url, part)
    gates = Gates(None, {}, lambda: True)
    accept = "text/xml" if part == "oaipmh" else "application/json"
    asker = RecordAsker(Target(source, part, accept), gates, "harvester/0", Credentials())
    urls = [
        get_record_url(url, f"oai:x:{name}", "oai_dc") if part == "oaipmh" else url.replace("{id}", name)
        for name in names
    ]
    try:
        found = asker.ask([Question(name, url) for name, url in zip(names, urls, strict=True)])
    finally:
        gates.close()
    return dict(zip(names, found, strict=True))


def test_get_record_is_read_whatever_the_status_is(provider: str):
    names = ["1", "gone", "absent", "closed", "other", "cut", "again", "again-told"]
    found = ask(provider, "oaipmh", names)
    assert [found[name].state for name in names] == [
        "read",
        "deleted",
        "absent",
        "forbidden",
        "refused",
        "refused",
        "read",
        "read",
    ]
    assert found["1"] == There("read", "", datetime(2020, 1, 1), ("one", "two"), 1999)
    assert Provider.asked.count("absent") == 1
    assert Provider.asked.count("cut") == recordasking.TRIES


def test_answers_by_id_have_the_states_that_a_harvest_gives_them(provider: str):
    names = ["1", "gone", "absent", "closed", "concept", "page", "login", "out", "again", "again-told"]
    found = ask(provider, "idrange", names)
    assert [found[name].state for name in names] == [
        "read",
        "deleted",
        "absent",
        "forbidden",
        "moved",
        "refused",
        "forbidden",
        "refused",
        "read",
        "read",
    ]
    assert found["1"].datestamp == datetime(2020, 1, 1)
    assert found["concept"].reason == "to 7"


def test_what_only_says_not_now_uses_up_no_try(provider: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recordasking, "TRIES", 1)
    assert ask(provider, "idrange", ["again-told"])["again-told"].state == "read"
    assert Provider.asked.count("again-told") == 3


def test_robots_txt_is_obeyed_packed_as_it_is(provider: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Provider, "robots", "User-agent: *\nDisallow: /api\n")
    with pytest.raises(UsageError):
        ask(provider, "idrange", ["1"])
    assert Provider.asked == []
    assert ask(provider, "oaipmh", ["1"])["1"].state == "read"


def test_a_record_that_is_too_long_is_refused_as_in_a_harvest(provider: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recordasking, "Policy", partial(Policy, body_most=100))
    there = ask(provider, "idrange", ["1", "2" * 100])
    assert [one.state for one in there.values()] == ["read", "refused"]
    assert Provider.asked.count("2" * 100) == 1


def test_a_target_that_is_not_there_is_not_asked_for_all(monkeypatch: pytest.MonkeyPatch):
    with serving(Provider) as base:
        pass
    monkeypatch.setattr(limiter, "BACKOFF_MOST_SECONDS", 0.01)
    monkeypatch.setattr(recordasking.robots, "read_robots", allowed)
    with pytest.raises(Unreachable, match="does not answer"):
        ask(base, "idrange", [str(number) for number in range(100)])
    assert [there.state for there in ask(base, "idrange", ["1", "2"]).values()] == ["lost", "lost"]


async def allowed(*words: object) -> RobotsVerdict:
    return RobotsVerdict()
