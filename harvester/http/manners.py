"""Downloader middleware: a token goes to its own hosts only, and what comes back never shows it."""

from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response

from harvester.http.credentials import Credentials


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
        """Raises Masked in the place of an exception that shows the token."""
        credentials = self.credentials
        if credentials.has_token and (text := credentials.scrub(said := f"{exception} {exception!r}")) != said:
            await self._tell(request)
            raise Masked(f"{type(exception).__name__}: {text[:500]}") from None

    async def _tell(self, request: Request) -> None:
        spider: Any = self.crawler.spider
        await spider.secret_masked(request.url)
