"""Downloader middlewares: the gate of each host, redirects that stay with the source's hosts, tokens, codings."""

import logging
from collections.abc import Callable
from typing import Any, Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Headers, Response, TextResponse
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from harvester.http.credentials import Credentials
from harvester.http.encoding import NotDecoded, TooLong, decoded
from harvester.http.redirects import not_followed
from harvester.ratelimit import FIRST_BYTES, HEADERS, Gates

logger = logging.getLogger(__name__)
# how a response is flagged that is a redirect which was not followed; the reason is behind it
NOT_FOLLOWED = "redirect not followed: "


class GateMiddleware:
    """Holds each request until its host may be asked, and sends it again as it was when the answer is "not now".

    Waits use up no tries. Other schemes than HTTP pass: their download handlers ask the gates themselves.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if _is_http(request):
            await Gates.of(self.crawler).admit(request.url)

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        if not _is_http(request):
            return response
        found = {name: response.headers.get(name) for name in HEADERS if name in response.headers}
        headers = {name: value.decode("latin-1") for name, value in found.items() if value is not None}
        if Gates.of(self.crawler).judge(request.url, response.status, headers, response.body[:FIRST_BYTES]):
            return response
        assert self.crawler.stats is not None
        self.crawler.stats.inc_value(f"harvest/told_to_wait/{response.status}")
        return request.replace(dont_filter=True)

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """Report that no answer came."""
        if _is_http(request):
            Gates.of(self.crawler).lost(request.url)


class Masked(Exception):
    """What the downloader raised, without the token that the provider had put into it."""


class CredentialsMiddleware:
    """Adds the token to requests for its own hosts, takes it off all others, and masks it in what comes back.

    It stands between redirects and the wire: a redirect's request comes by again and is judged by its own URL, and
    a Location is masked before it is followed. Errors come by as well, for they quote what they stumbled over.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    @property
    def credentials(self) -> Credentials:
        found: Credentials = getattr(self.crawler.spider, "credentials", None) or Credentials()
        return found

    def process_request(self, request: Request) -> None:
        if (credentials := self.credentials).has_token:
            request.headers.pop(credentials.header, None)
            request.headers.update(credentials.headers(request.url))

    async def process_response(self, request: Request, response: Response) -> Response:
        if not (credentials := self.credentials).has_token:
            return response
        sent = response.headers
        headers = Headers({name: list(map(credentials.scrub_bytes, values)) for name, values in sent.items()})
        body = credentials.clean_body(response.body)
        if body is None and headers == sent:
            return response
        await self._tell(request)
        return response.replace(headers=headers, body=response.body if body is None else body)

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """Raise Masked in the place of an exception that shows the token."""
        credentials = self.credentials
        if credentials.has_token and (text := credentials.scrub(said := f"{exception} {exception!r}")) != said:
            await self._tell(request)
            raise Masked(f"{type(exception).__name__}: {text[:500]}") from None

    async def _tell(self, request: Request) -> None:
        spider: Any = self.crawler.spider
        await spider.secret_masked(request.url)


class ContentCodingMiddleware(HttpCompressionMiddleware):
    """Scrapy's content codings; a body that is not in the one it is said to be in is what its bytes are.

    Scrapy's raises for such a body, and takes a gzip stream that is cut short for a whole one.
    """

    def process_response(self, request: Request, response: Response) -> Response:  # type: ignore[override]
        named = response.headers.getlist("Content-Encoding")
        if not named or request.method == "HEAD":
            return response
        encoding = b",".join(named).decode("latin-1")
        try:
            body = decoded(response.body, encoding, self._max_size, undeclared=True, others=_OTHERS)
        except TooLong as cause:
            raise IgnoreRequest(f"{response.url}: {cause}, which DOWNLOAD_MAXSIZE sets") from cause
        except NotDecoded:  # whoever reads it reports it
            return response
        headers = response.headers.copy()
        del headers["Content-Encoding"]
        encoding_of_text = {"encoding": None} if isinstance(response, TextResponse) else {}
        return response.replace(body=body, headers=headers, **encoding_of_text)


def _scrapys(coding: str) -> Callable[[bytes, int], bytes]:
    def decode(body: bytes, most: int) -> bytes:
        try:
            return HttpCompressionMiddleware._decode(body, coding.encode(), most)
        except _DecompressionMaxSizeExceeded as cause:
            raise TooLong(f"{coding} that unpacks to more than {most} bytes") from cause

    return decode


_OTHERS = {coding: _scrapys(coding) for coding in ("br", "zstd")}


def _is_http(request: Request) -> bool:
    return request.url.startswith(("http://", "https://"))


class SameHostRedirects(RedirectMiddleware):
    """Scrapy's redirects, as long as they lead to a host of the source; any other answer stays what it is."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make one without Scrapy's search for a middleware that sets Referer, which is never sent here."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        try:
            result = super().process_response(request, response)
            hosts: frozenset[str] = getattr(self.crawler.spider, "allowed_hosts", frozenset())
            reason = not_followed(request.url, result.url, hosts) if isinstance(result, Request) else None
        except ValueError:
            return response  # what it names is no URL
        if reason is None:
            return result
        logger.warning("%s %s", request.url, reason)
        return response.replace(flags=[*response.flags, f"{NOT_FOLLOWED}{reason}"])


def redirect_not_followed(response: Response) -> str | None:
    """Return why the redirect that an answer is was not followed, None where it is no such answer."""
    return next((flag.removeprefix(NOT_FOLLOWED) for flag in response.flags if flag.startswith(NOT_FOLLOWED)), None)
