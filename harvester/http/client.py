"""The HTTP client beside Scrapy: what may be asked, what is sent along, and what of an answer is believed.

Two transports share one policy. `BlockingClient`, on http.client, is for commands that ask one thing after the other;
`harvester.http.asyncclient`, on aiohttp, is for what runs beside Scrapy or keeps several connections busy. (To import
aiohttp takes 0.2 s, half as long as all the rest of `harvester get`.)

- A redirect is followed to the hosts of the policy only, and not to a page to log in at.
- A token goes to its own hosts, and is masked in what comes back before anything reads it, and in every error.
- A body has a limit, packed and unpacked, and one that is cut short is no answer.

Unreachable
├── NoAnswer       nothing came, or only a part of it: the same may be asked again
├── BodyTooLong    more than is read
├── NotFollowed    a redirect that must not be followed
├── NotSendable    a URL that no request can be made for
├── NotTrusted     a certificate that does not hold
└── LongWait       an order to wait longer than is sat out
"""

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self
from urllib.parse import urlsplit

from harvester.errors import Unreachable
from harvester.http.charsets import as_declared
from harvester.http.credentials import Credentials
from harvester.http.encoding import decoded
from harvester.http.redirects import ALLOWED_BY_ARGUMENT, HOPS_MOST, REDIRECTS, leads_to_login, not_followed, resolve
from harvester.http.retries import TRANSIENT, Retries, ordered_seconds, pause_seconds
from harvester.sources import is_loopback

BODY_MOST = 64 << 20
# of an answer that was not wanted so much is read
BEGINNING_BYTES = 4096
_PIECE_BYTES = 1 << 16


class NoAnswer(Unreachable):
    """Nothing came, or only a part of it: the same may be asked again."""


class NotFollowed(Unreachable):
    """A redirect that must not be followed; `login`: it leads to a page to log in at."""

    def __init__(self, message: str, *, login: bool = False) -> None:
        super().__init__(message)
        self.login = login


class NotSendable(Unreachable):
    """A URL that no request can be made for."""


class NotTrusted(Unreachable):
    """A certificate that does not hold: nothing was asked."""


class LongWait(Unreachable):
    """A provider orders a wait that is longer than is sat out."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are in lower case. `url` is where it came from, after redirects from `requested`.

    `body` is as the policy's `bodies` says; of a status that was not wanted it is the beginning. `masked`: the token
    was in the body or a header. `not_now`: the rate limiter takes it for an order to wait, so the same is asked again.
    """

    requested: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    masked: bool = False
    not_now: bool = False

    @property
    def place(self) -> str:
        """Its URL as messages have it."""
        return shown(self.url)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def location(self) -> str:
        """Where it redirects to, "" when it is no redirect."""
        return self.headers.get("location", "").strip() if self.status in REDIRECTS else ""


class BodyTooLong(Unreachable):
    """More than is read; `response` is the answer without its body."""

    def __init__(self, message: str, response: Response) -> None:
        super().__init__(message)
        self.response = response


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was answered: `range_` as it was sent, None for a whole file; `bytes` of the answer's body."""

    url: str
    range_: str | None
    status: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who asks whom for what, and for how long.

    Redirects lead to `hosts` (network locations) only; `remedy` says how a person allows another one. `bodies` are
    handed on "verbatim", as the bytes of a file; "packed", without the token; or "decoded", without their content
    coding and, as XML, in the charset that a parser takes them for. Between two requests of a `BlockingClient` to a
    host that is not this machine `distance_seconds` pass; a `Client` leaves that to its rate limiter.
    """

    user_agent: str
    hosts: frozenset[str]
    credentials: Credentials = field(default_factory=Credentials)
    accept: str = "*/*"
    accept_encoding: str = "gzip"
    bodies: Literal["verbatim", "packed", "decoded"] = "decoded"
    body_most: int = BODY_MOST
    remedy: str = ALLOWED_BY_ARGUMENT
    stops_at_login: bool = True
    retries: Retries = field(default_factory=Retries)
    distance_seconds: float = 0.0
    connections: int = 100
    connect_seconds: float = 30.0
    total_seconds: float | None = 60.0
    silence_seconds: float | None = None

    @property
    def session_headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"User-Agent": self.user_agent, "Accept-Encoding": self.accept_encoding, "Accept": self.accept}

    def received(self, url: str, status: int, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        """Make a response, its headers without the token: a Location is masked before it is followed."""
        found = {name.lower(): value for name, value in headers.items()}
        if not self.credentials.has_token:
            return Response(requested=url, url=url, status=status, headers=found, body=body, seconds=seconds)
        clean = {name: self.credentials.scrub(value) for name, value in found.items()}
        return Response(
            requested=url, url=url, status=status, headers=clean, body=body, seconds=seconds, masked=clean != found
        )

    def next_url(self, url: str, location: str) -> str:
        """Resolve a Location that may be followed. Raises NotFollowed."""
        try:
            target = resolve(url, location)
            reason = not_followed(url, target, self.hosts, self.remedy)
        except ValueError:
            raise NotFollowed(f"{shown(url)} redirects to what is no URL") from None
        if reason is not None:
            raise NotFollowed(f"{shown(url)} {reason}")
        if self.stops_at_login and leads_to_login(target):
            raise NotFollowed(f"{shown(url)} redirects to {urlsplit(target).path[:200]}, to log in", login=True)
        return target

    def settle_body(self, response: Response) -> Response:
        """Give a response the body that is handed on. Raises NoAnswer for one that is not what its coding says."""
        if self.bodies == "verbatim" or not response.body:
            return response
        if self.bodies == "packed":
            return self._masked(response)
        encoding, kind = response.headers.get("content-encoding", ""), response.headers.get("content-type", "")
        try:
            plain = decoded(response.body, encoding, self.body_most, undeclared=True)
        except ValueError as cause:
            raise NoAnswer(f"{response.place}: no usable answer ({cause})") from None
        if plain[:64].lstrip()[:1] == b"<":
            plain = as_declared(plain, kind)
        return self._masked(replace(response, body=plain))

    def _masked(self, response: Response) -> Response:
        """Take the token out of a body; one that was packed is unpacked for that."""
        if not self.credentials.has_token:
            return response
        clean = self.credentials.clean_body(response.body, response.headers.get("content-encoding", ""))
        if clean is None:
            return response
        headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return replace(response, headers=headers, body=clean, masked=True)

    def describe(self, error: Exception) -> str:
        """Describe a transport's error, without the token."""
        if isinstance(error, TimeoutError):
            return "timed out"
        return self.credentials.scrub(f"{type(error).__name__}: {error}")[:300]


def shown(url: str) -> str:
    """Return a URL as messages have it: what a server may have put behind `?` is not repeated."""
    return url.partition("?")[0]


def too_many_redirects(url: str) -> NotFollowed:
    """Make the error for a chain of redirects that does not end."""
    return NotFollowed(f"{shown(url)} redirects more than {HOPS_MOST} times")


class BlockingClient:
    """Asks one thing after the other; to be closed. `exchanges` has every request that was answered.

    `sleep` is called with the seconds of each wait.
    """

    def __init__(self, policy: Policy, sleep: Callable[[float], None] = time.sleep) -> None:
        self._policy, self._sleep = policy, sleep
        self._connections: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._last_request: dict[str, float] = {}
        self.exchanges: list[Exchange] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        while self._connections:
            self._connections.popitem()[1].close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        wanted: int | None = None,
        body_most: int | None = None,
    ) -> Response:
        """Ask, follow redirects, and ask again for what brought nothing usable.

        Of a status other than `wanted` only the beginning of the body is read; None: all bodies are read. Raises
        Unreachable after all tries; at once for what would not change: a redirect that is not followed, a body of more
        than `body_most` bytes, a certificate, and an order to wait too long.
        """
        target, failures = url, 0
        request = _Request(headers or {}, wanted, self._policy.body_most if body_most is None else body_most)
        for _ in range(HOPS_MOST + 1):
            while True:
                try:
                    response = replace(self._send(target, request), requested=url)
                except NoAnswer:
                    failures += 1
                    if self._policy.retries.exhausted(failures):
                        raise
                    self._sleep(pause_seconds(failures))
                    continue
                if response.status not in TRANSIENT:
                    break
                failures += 1
                if self._policy.retries.exhausted(failures):
                    break
                self._sleep(self._pause_seconds(response, failures))
            if not response.location:
                return response
            target = self._policy.next_url(target, response.location)
        raise too_many_redirects(url)

    def _pause_seconds(self, response: Response, failures: int) -> float:
        """Decide how long to wait before the same is asked again. Raises LongWait."""
        retries, order = self._policy.retries, ordered_seconds(response.status, response.headers)
        if retries.is_too_long(order):
            raise LongWait(
                f"{response.place} answers {response.status} and asks for a wait of {order:.0f} s; ask again then"
            )
        return pause_seconds(failures, order)

    def _send(self, url: str, request: "_Request") -> Response:
        """Send one request and read its answer. Raises NoAnswer, BodyTooLong, NotSendable, NotTrusted."""
        parts = urlsplit(url)
        host = parts.netloc.lower()
        self._keep_distance(host)
        policy, began = self._policy, time.monotonic()
        headers = {**policy.session_headers, **request.headers, **policy.credentials.headers(url)}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            answer = self._answer(parts.scheme, host, target, headers)
            found = {name: _text(value) for name, value in answer.getheaders()}
            response = policy.received(url, answer.status, found, b"", 0.0)
            body = self._body(answer, response, request, began)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise NotTrusted(
                f"{host} shows a certificate that is not trusted ({error.verify_message}): nothing is asked"
            ) from None
        except (http.client.InvalidURL, UnicodeError) as error:
            raise NotSendable(f"{shown(url)[:200]} is no URL that can be asked ({policy.describe(error)})") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(f"{shown(url)}: no usable answer ({policy.describe(error)})") from None
        finally:
            self._last_request[host] = time.monotonic()
        seconds = time.monotonic() - began
        self.exchanges.append(Exchange(shown(url), request.headers.get("Range"), answer.status, len(body), seconds))
        response = replace(response, body=body, seconds=seconds)
        return policy.settle_body(response) if request.wants(answer.status) else response

    def _keep_distance(self, host: str) -> None:
        if self._policy.distance_seconds and host in self._last_request and not is_loopback(host):
            ready = self._last_request[host] + self._policy.distance_seconds
            self._sleep(max(0.0, ready - time.monotonic()))

    def _answer(self, scheme: str, host: str, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send a request; once more where a connection that was kept had been closed meanwhile."""
        kept = (scheme, host) in self._connections
        try:
            return self._request(scheme, host, target, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            if not kept:
                raise
            self.close()
            return self._request(scheme, host, target, headers)

    def _request(self, scheme: str, host: str, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        if (connection := self._connections.get((scheme, host))) is None:
            connection = self._connections[scheme, host] = kind(host, timeout=self._policy.total_seconds)
        connection.request("GET", target, headers=dict(headers))
        return connection.getresponse()

    def _body(self, answer: http.client.HTTPResponse, response: Response, request: "_Request", began: float) -> bytes:
        """Read a body; the connection ends with one that is not read to its end."""
        stated, wanted = answer.length, request.wants(answer.status)
        most = request.body_most if wanted else BEGINNING_BYTES
        too_long = wanted and (stated or 0) > most
        body = bytearray()
        while not too_long and len(body) <= most and (piece := answer.read1(min(_PIECE_BYTES, most + 1 - len(body)))):
            body += piece
            if self._policy.total_seconds is not None and time.monotonic() - began > self._policy.total_seconds:
                raise TimeoutError
        if stated is not None and len(body) == stated:
            answer.close()
        if not answer.isclosed():
            self.close()
        if too_long or (wanted and len(body) > most):
            raise BodyTooLong(f"{response.place}: more is sent than {most} bytes, which are read at most", response)
        if wanted and stated is not None and len(body) != stated:
            raise http.client.IncompleteRead(bytes(body), stated - len(body))
        return bytes(body[:most])


@dataclass(frozen=True, slots=True)
class _Request:
    headers: Mapping[str, str]
    wanted: int | None
    body_most: int

    def wants(self, status: int) -> bool:
        return self.wanted is None or status == self.wanted


def _text(value: str) -> str:
    """Decode a header's value: http.client takes its bytes for Latin-1, servers send UTF-8."""
    return value.encode("latin-1").decode("utf-8", "surrogateescape")
