"""The middleware for tokens: on the way out by the request's own URL, on the way in masked, whatever way it is."""

import asyncio
import gzip
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response, XmlResponse

from harvester import settings
from harvester.http.credentials import Credentials
from harvester.http.middlewares import CredentialsMiddleware, Masked

SECRET = "s3cret-token-1"
HERE, AWAY = "https://x.example/oai", "https://y.example/oai"


class Spider:
    """What the middleware asks of a spider."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials, self.told = credentials, []  # type: ignore[var-annotated]

    async def secret_masked(self, url: str) -> None:
        self.told.append(url)


def made(secret: str = SECRET, header: str = "Authorization") -> tuple[CredentialsMiddleware, Spider]:
    spider = Spider(Credentials(header, "Bearer ", secret, frozenset({"x.example"})))
    crawler: Any = SimpleNamespace(spider=spider)
    return CredentialsMiddleware(crawler), spider


def sent(request: Request, header: str = "Authorization") -> bytes | None:
    made(header=header)[0].process_request(request)
    return request.headers.get(header)


def test_the_token_is_added_on_its_host_and_taken_off_on_any_other():
    assert sent(Request(HERE)) == f"Bearer {SECRET}".encode()
    assert sent(Request(AWAY)) is None
    assert sent(Request(AWAY, headers={"Authorization": f"Bearer {SECRET}"})) is None
    # Scrapy takes Authorization off a redirect's request, and no other header
    assert sent(Request(AWAY, headers={"X-Key": SECRET}), "X-Key") is None


def received(response: Response) -> tuple[Response, list[str]]:
    middleware, spider = made()
    return asyncio.run(middleware.process_response(Request(response.url), response)), spider.told


def test_an_answer_without_the_token_is_passed_on_as_it_is():
    response = XmlResponse(HERE, headers={"A": "1"}, body=b"<a/>")
    found, told = received(response)
    assert found is response
    assert told == []


@pytest.mark.parametrize("body", [f"<a>{SECRET}</a>".encode(), gzip.compress(f"<a>{SECRET}</a>".encode(), mtime=0)])
def test_the_token_is_masked_in_a_body_and_told(body: bytes):
    found, told = received(XmlResponse(HERE, status=500, body=body))
    assert (found.body, found.status, found.url, type(found)) == (b"<a>***</a>", 500, HERE, XmlResponse)
    assert told == [HERE]


def test_the_token_is_masked_in_every_header_of_an_answer():
    headers = {"Location": f"{HERE}?t={SECRET}", "X": [SECRET.encode(), b"2"], "Date": "now"}
    found, told = received(Response(HERE, status=302, headers=headers, body=b"moved"))
    assert found.headers["Location"] == f"{HERE}?t=***".encode()
    assert found.headers.getlist("X") == [b"***", b"2"]
    assert (found.body, found.headers["Date"], told) == (b"moved", b"now", [HERE])


def test_an_error_that_quotes_the_token_is_another_error_without_it():
    middleware, spider = made()
    with pytest.raises(Masked) as caught:
        asyncio.run(middleware.process_exception(Request(HERE), ValueError("bad status line", SECRET.encode())))
    assert SECRET not in str(caught.value)
    assert "ValueError" in str(caught.value)
    assert spider.told == [HERE]
    assert asyncio.run(middleware.process_exception(Request(HERE), ValueError("reset"))) is None


def test_without_a_token_nothing_is_looked_at():
    middleware, _ = made("")
    request, response = Request(HERE, headers={"Authorization": "mine"}), Response(HERE, body=b"x")
    middleware.process_request(request)
    assert request.headers["Authorization"] == b"mine"
    assert asyncio.run(middleware.process_response(request, response)) is response
    assert asyncio.run(middleware.process_exception(request, ValueError("x"))) is None


def test_tokens_are_added_and_masked_nearer_to_the_wire_than_redirects_and_on_unpacked_bodies():
    order = settings.DOWNLOADER_MIDDLEWARES
    redirects, ours = (
        order["harvester.http.middlewares.SameHostRedirects"],
        order["harvester.http.middlewares.CredentialsMiddleware"],
    )
    unpacking = order["harvester.http.middlewares.ContentCodingMiddleware"]
    assert redirects is not None
    assert unpacking is not None
    assert redirects < ours < unpacking


def test_what_could_leave_traces_or_open_a_door_is_off():
    off = (
        "REMOTE_CONTROL_ENABLED",
        "TELNETCONSOLE_ENABLED",
        "COOKIES_ENABLED",
        "REFERER_ENABLED",
        "METAREFRESH_ENABLED",
    )
    assert [name for name in off if getattr(settings, name) is not False] == []
    assert settings.DOWNLOAD_VERIFY_CERTIFICATES is True
    assert settings.DOWNLOADER_MIDDLEWARES["scrapy.downloadermiddlewares.redirect.RedirectMiddleware"] is None
