"""Single records, asked for outside a crawl and through the same gates: by OAI-PMH GetRecord, or by id over REST.

One question after the other. What only says "not now" is asked again and uses up no try.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from scrapy.exceptions import IgnoreRequest

from archive.crosswalks import ConversionError, convert, index_fields, local_id
from archive.store import MOVED_TO, envelope, moment
from harvester.errors import MalformedPage, ProviderError, Unreachable
from harvester.http import (
    HOPS_MOST,
    REDIRECTS,
    BodyTooLong,
    Client,
    Credentials,
    IdUrls,
    Policy,
    RateLimiter,
    Response,
    Retries,
    as_declared,
    pause_seconds,
    robots,
    short_name,
)
from harvester.oaipmh import NO_RECORD, protocol, without_noise
from harvester.rest.absences import Known, is_machine
from harvester.rest.answers import UNPROVEN, Received, Unusable, settle, unpacked
from harvester.rest.learning import Learning
from harvester.sampling import Target, There

logger = logging.getLogger(__name__)

TRIES = 4
# so many ids are worth a question about one that cannot exist
LEARN_LEAST = 10
# so many questions in a row without any answer, and the target is not there
SILENT_MOST = 20
# answers with text around their document after which that is how the provider answers
NOISY_LEAST = 2
TOTAL_SECONDS = 180.0

Progress = Callable[[int, int], None]


class Delays(RateLimiter, Protocol):
    """A rate limiter with a minimum delay between requests to a host (`harvester.ratelimit.limiters.Gates`)."""

    def set_delay(self, host: str, seconds: float) -> None:
        """Set the minimum delay between requests to `host`."""


@dataclass(frozen=True, slots=True)
class Question:
    """One id as its provider names it, and where its record is."""

    identifier: str
    url: str


class RecordAsker:
    """Asks a target for single records, each let in by the rate limiter."""

    def __init__(self, target: Target, limiter: Delays, user_agent: str, credentials: Credentials) -> None:
        source, part, accept = target.source, target.part, target.accept
        self._source, self._part, self._accept, self._limiter = source, part, accept, limiter
        self._policy = Policy(
            user_agent=user_agent,
            hosts=source.allowed_hosts,
            credentials=credentials,
            accept=accept,
            bodies="packed",
            retries=Retries(tries=TRIES),
            total_seconds=TOTAL_SECONDS,
        )
        self._noisy = 0
        endpoint, pattern = source.idrange, "[^/?#]+"
        if part == "idrange" and endpoint is not None:
            template, pattern = endpoint.url, endpoint.pattern
        else:  # a redirect to the same question somewhere else is followed, and none names another id
            template = f"{source.parts[part].url}?identifier={{id}}"
        self._urls = IdUrls(template, pattern, source.allowed_hosts)
        self._known = Known()

    def ask(self, questions: Sequence[Question], progress: Progress = lambda done, total: None) -> list[There]:
        """Return the answers in the order of the questions; one without a usable answer is lost or refused.

        Raises Unreachable when nobody answers or too long a wait is ordered, UsageError where robots.txt closes it.
        """
        try:
            return asyncio.run(self._ask_all(questions, progress))
        except IgnoreRequest as cause:  # the gates'
            raise Unreachable(f"{cause}; ask again then") from cause

    def first_identifiers(self, prefix: str) -> list[str]:
        """Read the identifiers on the first page of the target's list. Raises what a page raises that is none."""
        return asyncio.run(self._first_page(prefix))

    async def _ask_all(self, questions: Sequence[Question], progress: Progress) -> list[There]:
        async with Client(self._policy, self._limiter) as client:
            await self._introduce(client)
            await self._learn_absence(client, [question.identifier for question in questions])
            answers: dict[int, There] = {}
            waiting = deque((number, 1) for number in range(len(questions)))
            silent = 0
            while waiting:
                number, tries = waiting.popleft()
                found = await self._once(client, questions[number])
                if found is None:  # others go first: what they are answered tells a closed record from a ban
                    waiting.append((number, tries))
                    continue
                answer, again = found
                silent = silent + 1 if answer.state == "lost" else 0
                if silent >= SILENT_MOST:
                    raise Unreachable(f"{questions[number].url}: {answer.reason}; it does not answer, try again later")
                if again and not self._policy.retries.exhausted(tries):
                    if not waiting:
                        await asyncio.sleep(pause_seconds(tries))
                    waiting.append((number, tries + 1))
                    continue
                answers[number] = answer
                progress(len(answers), len(questions))
            return self._doubted([answers[number] for number in range(len(questions))])

    async def _learn_absence(self, client: Client, identifiers: Sequence[str]) -> None:
        """Learn what the target answers for ids that it does not have; a few ids are not worth another question."""
        if self._part != "idrange" or len(identifiers) < LEARN_LEAST:
            return
        learning = Learning(identifiers, self._accept)
        while (identifier := learning.ask()) is not None:
            url = self._urls.url(identifier)
            try:
                reply = await _persistent(client, url)
            except Unreachable:
                learning.take(None)
            else:
                learning.take(_received(identifier, reply))
        if learning.invented is not None:
            logger.warning("the target has a record for %s, an id that cannot exist", learning.invented)
        self._known = Known(own=learning.look, now=learning.look)

    def _doubted(self, answers: list[There]) -> list[There]:
        """Refuse absences that may be a proxy's, where no record came beside them to show who answers."""
        own = self._known.own
        shown = any(answer.state in ("read", "moved") for answer in answers)
        if self._part != "idrange" or (shown and (own is None or not is_machine(own.kind, self._accept))):
            return answers
        return [
            There("refused", f"{answer.reason}, and no record beside it")
            if answer.state == "absent" and answer.reason.startswith(UNPROVEN)
            else answer
            for answer in answers
        ]

    async def _first_page(self, prefix: str) -> list[str]:
        assert self._source.oaipmh is not None
        async with Client(self._policy, self._limiter) as client:
            await self._introduce(client)
            url = protocol.list_identifiers_url(self._source.oaipmh.url, prefix, None, None, None)
            reply = await _persistent(client, url)
            page = protocol.parse_list_identifiers(_document(reply))
            return [record.identifier for record in page.records]

    async def _introduce(self, client: Client) -> None:
        """Read robots.txt. Raises UsageError where it closes the endpoint."""

        async def said(url: str) -> robots.Said:
            reply = await _persistent(client, url)
            try:
                body = unpacked(reply.body, _encoding(reply), undeclared=True)
            except Unusable:  # read as it is, as in a crawl
                body = reply.body
            return robots.Said(reply.status, reply.media_type, body, reply.location)

        verdict = await robots.read_robots(said, self._source, self._part)
        for host, seconds in verdict.delays.items():
            self._limiter.set_delay(host, seconds)

    async def _once(self, client: Client, question: Question) -> tuple[There, bool] | None:
        """Ask once. Returns the answer and whether another try may bring another one; None for "not now"."""
        url = question.url
        for hops in range(HOPS_MOST + 1):
            try:
                reply = await client.send(url)
            except BodyTooLong as error:
                return There("refused", str(error)), False
            except Unreachable as error:
                return There("lost", str(error)), True
            if reply.not_now:
                return None
            if reply.status not in REDIRECTS:
                read = self._by_oaipmh if self._part == "oaipmh" else self._by_id
                return read(question.identifier, reply)
            found = self._urls.redirect(question.identifier, url, reply.location, hops)
            if found.kind != "follow":
                state, reason = {
                    "moved": ("moved", MOVED_TO + found.target),
                    "login": ("forbidden", f"redirects to a login ({found.target})"),
                }.get(found.kind, ("refused", found.target))
                return There(state, reason), False
            url = found.target
        return There("refused", f"redirects more than {HOPS_MOST} times"), False

    def _by_oaipmh(self, identifier: str, reply: Response) -> tuple[There, bool]:
        """Read an answer to GetRecord; without the text around its document once two answers had such text."""
        there, again = _by_oaipmh(identifier, reply)
        if there.state != "refused" or reply.status >= 300:
            return there, again
        try:
            document, noise = without_noise(_document(reply))
        except Unusable:
            return there, again
        self._noisy += bool(noise)
        if not noise or self._noisy < NOISY_LEAST:
            return there, again
        return _by_oaipmh(identifier, replace(reply, body=document, headers={}))

    def _by_id(self, identifier: str, reply: Response) -> tuple[There, bool]:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        settled, text = settle(
            _received(identifier, reply), short_name(self._accept), self._accept, now, known=self._known
        )
        year = None
        if settled.state == "read" and text is not None:
            year = index_fields(identifier, envelope.decode(text).metadata).publication_year
        return There(settled.state, settled.reason or "", _time(settled.datestamp), ("unknown",), year), settled.again


async def _persistent(client: Client, url: str) -> Response:
    """Send a request until its answer is more than "not now"."""
    while (reply := await client.send(url)).not_now:
        pass
    return reply


def _received(identifier: str, reply: Response) -> Received:
    return Received(
        identifier=identifier,
        url=reply.url,
        status=reply.status,
        media_type=reply.headers.get("content-type", ""),
        encoding=_encoding(reply),
        last_modified=reply.headers.get("last-modified", ""),
        body=reply.body,
    )


def _encoding(reply: Response) -> str:
    return reply.headers.get("content-encoding", "")


def _document(reply: Response) -> bytes:
    """Unpack the XML of an answer. Raises Unusable."""
    body = unpacked(reply.body, _encoding(reply), undeclared=True)
    return as_declared(body, reply.headers.get("content-type", ""))


def _by_oaipmh(identifier: str, reply: Response) -> tuple[There, bool]:
    """Read an answer to GetRecord. An error of the protocol comes with any HTTP status: the body is read first."""
    try:
        record = protocol.parse_get_record(_document(reply), asked=identifier)
    except ProviderError as error:
        absent = error.code in NO_RECORD
        return There("absent" if absent else "refused", str(error)), not absent
    except (MalformedPage, Unusable) as error:
        if reply.status in (401, 403):
            return There("forbidden", f"HTTP status {reply.status}"), False
        lost = reply.status in (502, 503, 504)
        why = f"HTTP status {reply.status}" if reply.status >= 300 else str(error)
        # 404 and 410 that are no answer of the protocol are about the endpoint, and say nothing of a record
        return There("lost" if lost else "refused", why), reply.status not in (404, 410)
    if local_id(record.identifier) != local_id(identifier):
        return There("refused", f"GetRecord answers for {record.identifier[:200]!r}"), True
    stamp = _time(record.datestamp)
    if record.deleted:
        return There("deleted", "", stamp, record.sets), False
    year = None
    try:
        metadata = convert(record.element) if record.element is not None else None
        year = index_fields(record.identifier, metadata).publication_year
    except (ConversionError, RecursionError):
        logger.info("%s: metadata that cannot be converted; its year is not known", record.identifier)
    return There("read", "", stamp, record.sets, year), False


def _time(stamp: str) -> datetime | None:
    """Parse a datestamp as the index has it."""
    text = moment(stamp) if stamp else None
    return datetime.fromisoformat(text) if text is not None else None
