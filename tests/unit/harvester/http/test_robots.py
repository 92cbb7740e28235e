"""robots.txt: what it closes is asked only in words, and what cannot be read closes everything."""

import asyncio
import tomllib

import pytest

from harvester.errors import Unreachable, UsageError
from harvester.http import robots
from harvester.http.robots import SIZE_MOST, Closed, RobotsFile, Said, closing_line, endpoint_urls, judge, parse_robots
from harvester.ratelimit import limiter
from harvester.sources.model import Robots, Source

ZENODO = """
User-agent: *
Disallow: /search
Disallow: /api  # the API
Allow: /api/records/*/files
Crawl-delay: 10
"""
BECAUSE = "the API is made for programs and documented as such"
SOURCE = {
    "oaipmh": {"url": "https://x.example/oai2d"},
    "idrange": {"url": "https://x.example/api/records/{id}", "channels": [
        {"accept": "application/json"}, {"accept": "application/xml", "url": "https://y.example/export/{id}"}]},
    "search": {"url": "https://x.example/api/records?all=1", "style": "invenio"},
    "exporter": {"url": "https://x.example/api/exporter"},
}  # fmt: skip


def source(**words: object) -> Source:
    return Source.model_validate({**SOURCE, "robots": words})


def file(text: str = ZENODO, host: str = "x.example") -> RobotsFile:
    return parse_robots(host, Said(200, "text/plain", text.encode()))


def test_one_url_of_each_kind_that_a_spider_asks_for_is_judged():
    found = {part: endpoint_urls(source(), part) for part in ("oaipmh", "idrange", "search", "exporter")}
    assert found == {
        "oaipmh": ["https://x.example/oai2d?verb=ListRecords"],
        "idrange": ["https://x.example/api/records/{id}", "https://y.example/export/{id}"],
        "search": ["https://x.example/api/records?all=1&page=1"],
        "exporter": ["https://x.example/api/exporter"],
    }


def test_a_path_that_is_open_is_asked_and_its_delay_obeyed():
    verdict = judge([file()], source(), "oaipmh")
    assert verdict.asked_anyway == ()
    assert verdict.delays == {"x.example": 10.0}
    assert verdict.sooner == {}


def test_a_path_that_is_closed_refuses_the_run_and_says_what_to_write():
    with pytest.raises(UsageError, match=r"x\.example") as caught:
        judge([file()], source(), "search")
    assert "/api/records" in str(caught.value)
    assert "Disallow: /api" in str(caught.value)
    written = tomllib.loads(str(caught.value).partition("\n")[2])
    assert judge([file()], source(**written["robots"]), "search").asked_anyway


def test_what_to_write_for_ids_holds_for_all_of_them():
    with pytest.raises(UsageError) as caught:
        judge([file(), file("", "y.example")], source(), "idrange")
    assert 'asks_anyway = ["/api/records/"]' in str(caught.value)
    with pytest.raises(UsageError):
        judge([file(), file("", "y.example")], source(asks_anyway=["/api/records/1"], because=BECAUSE), "idrange")


def test_a_closed_path_that_the_source_speaks_of_is_asked_and_told():
    verdict = judge([file()], source(asks_anyway=["/api/"], because=BECAUSE), "search")
    assert verdict.asked_anyway == (Closed("https://x.example/api/records?all=1&page=1", "Disallow: /api"),)
    assert verdict.delays == {"x.example": 10.0}
    with pytest.raises(UsageError):
        judge([file()], source(asks_anyway=["/api/exporter"], because=BECAUSE), "search")


def test_words_for_one_path_open_no_other():
    both = [file(), file("User-agent: *\nDisallow: /export", "y.example")]
    with pytest.raises(UsageError, match=r"y\.example"):
        judge(both, source(asks_anyway=["/api"], because=BECAUSE), "idrange")
    said = judge(both, source(asks_anyway=["/api", "/export"], because=BECAUSE), "idrange")
    assert [closed.by for closed in said.asked_anyway] == ["Disallow: /api", "Disallow: /export"]


def test_a_crawl_delay_is_left_aside_only_in_words():
    ignoring = source(asks_anyway=["/api"], crawl_delay="ignored", because=BECAUSE)
    verdict = judge([file()], ignoring, "search")
    assert verdict.delays == {}
    assert verdict.sooner == {"x.example": 10.0}
    with pytest.raises(ValueError, match="because"):
        Robots(crawl_delay="ignored", because="no reason")


@pytest.mark.parametrize("path", ["", "api", "*"])
def test_what_is_asked_anyway_is_a_path(path: str):
    with pytest.raises(ValueError):
        Robots(asks_anyway=(path,), because=BECAUSE)


@pytest.mark.parametrize("delay", ["-1", "nan", "inf", "soon", "", "0"])
def test_a_delay_that_is_none_asks_for_nothing(delay: str):
    assert judge([file(f"User-agent: *\nCrawl-delay: {delay}")], source(), "oaipmh").delays == {}


def test_our_own_group_goes_before_that_for_all():
    text = "User-agent: *\nDisallow: /\nCrawl-delay: 9\nUser-agent: Harvester\nDisallow: /private\nCrawl-delay: 2\n"
    assert judge([file(text)], source(), "oaipmh").delays == {"x.example": 2.0}
    with pytest.raises(UsageError):
        judge([file("User-agent: *\nDisallow:\nUser-agent: harvester\nDisallow: /oai")], source(), "oaipmh")
    assert not judge([file("User-agent: other\nDisallow: /\nCrawl-delay: 5")], source(), "oaipmh").delays


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 451])
def test_no_robots_txt_allows_everything(status: int):
    assert parse_robots("x.example", Said(status, "text/plain", b"User-agent: *\nDisallow: /")).text == ""


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_one_that_the_server_cannot_give_closes_everything_unless_the_source_speaks_of_it(status: int):
    unread = parse_robots("x.example", Said(status, "text/plain", b""))
    with pytest.raises(Unreachable, match=str(status)):
        judge([unread], source(), "oaipmh")
    verdict = judge([unread], source(asks_anyway=["/oai2d"], because=BECAUSE), "oaipmh")
    assert [closed.by for closed in verdict.asked_anyway] == [f"HTTP status {status}"]


def test_a_page_of_html_and_a_redirect_elsewhere_are_no_robots_txt_and_told():
    pages = [
        Said(200, "text/html; charset=utf-8", b"Disallow: /"),
        Said(200, "text/plain", b"\n <!doctype html>"),
        Said(302, "", b"", "https://me@evil.example/robots.txt"),
    ]
    for page in pages:
        found = parse_robots("x.example", page)
        assert found.text == ""
        assert not found.closed
        assert "x.example" in found.remark
        assert "me@" not in found.remark
        assert judge([found], source(), "oaipmh").remarks == (found.remark,)


def test_a_mark_of_utf8_and_bytes_of_no_encoding_hide_no_rule():
    found = parse_robots("x.example", Said(200, "", b"\xef\xbb\xbfUser-agent: *\n# caf\xe9\nDisallow: /oai2d\n"))
    with pytest.raises(UsageError):
        judge([found], source(), "oaipmh")


def test_what_follows_500_kibibytes_is_not_read_and_no_rule_is_cut_in_two():
    head = b"User-agent: *\n"
    rules = b"Disallow: /oai2d\n" * (SIZE_MOST // 17)
    found = parse_robots("x.example", Said(200, "", (head + rules)[: SIZE_MOST - 3] + b"Disallow: /\n" * 9))
    assert found.text.endswith("Disallow: /oai2d\n")


def test_the_line_that_closes_is_named_among_others():
    text = "User-agent: *\nAllow: /api/open\nDisallow: /\nDisallow: /api/*\nDisallow: /apiary\n"
    assert closing_line(text, "https://x.example/api/1") == "Disallow: /api/*"


# --- asked for


def answers(*script: Said | Exception):
    """A client that gives these answers, one after the other, and the URLs it was asked for."""
    left, asked = list(script), []

    async def ask(url: str) -> Said:
        asked.append(url)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, asked


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limiter, "backoff_seconds", lambda failures, chance: 0.0)


GOOD, BAD = Said(200, "text/plain", b""), Said(503, "text/plain", b"")


def test_each_host_is_asked_once_on_its_own_scheme_and_port():
    ask, asked = answers(GOOD, GOOD)
    asyncio.run(robots.read_robots(ask, source(), "idrange"))
    assert asked == ["https://x.example/robots.txt", "https://y.example/robots.txt"]


def test_what_fails_is_asked_again_and_then_given_up():
    ask, asked = answers(BAD, Unreachable("reset"), GOOD)
    asyncio.run(robots.read_robots(ask, source(), "oaipmh", tries=3))
    assert len(asked) == 3
    ask, asked = answers(BAD, BAD, Unreachable("reset"))
    with pytest.raises(Unreachable, match="reset"):
        asyncio.run(robots.read_robots(ask, source(), "oaipmh", tries=3))
    ask, asked = answers(BAD, GOOD)
    with pytest.raises(Unreachable):
        asyncio.run(robots.read_robots(ask, source(), "oaipmh", running=lambda: False))
    assert len(asked) == 1


def test_a_certificate_that_is_not_trusted_ends_the_run_at_once_even_if_the_source_asks_anyway():
    anyway = source(asks_anyway=["/"], because=BECAUSE)
    ask, asked = answers(Unreachable("no answer ([SSL routines, certificate verify failed])"))
    with pytest.raises(Unreachable, match="certificate"):
        asyncio.run(robots.read_robots(ask, anyway, "oaipmh"))
    assert len(asked) == 1


def test_an_order_to_wait_goes_through():
    class WaitTooLong(Exception):
        pass

    ask, _ = answers(WaitTooLong())
    with pytest.raises(WaitTooLong):
        asyncio.run(robots.read_robots(ask, source(), "oaipmh"))
