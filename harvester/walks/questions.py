"""Questions beside the lists: who the provider is, what it offers, and how it takes from and until."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from harvester.errors import HarvestError, MalformedPage, ProviderError, Unreachable, UsageError
from harvester.http import pause_seconds
from harvester.oaipmh import OLDEST, Row, Traits, cutting, datestamps, emptiness, hints, protocol, xml
from harvester.ratelimit import WaitTooLong
from harvester.walks.attempt import Channel, Walk
from harvester.walks.replies import Reply

logger = logging.getLogger(__name__)
T = TypeVar("T")
# pages of ListSets that are read to find a set that lists nothing (one aggregator has 42,000 sets)
SET_PAGES_MOST = 20
# sets that are listed one by one where the list of all cannot be had
SETS_MOST = 200


_parse_headers = partial(protocol.parse_list_identifiers, lenient=True)


class Asker(Protocol):
    """Sends requests beside the windows of a crawl, `tries` times each at most, as long as it is `running`."""

    @property
    def tries(self) -> int: ...

    @property
    def running(self) -> bool: ...

    async def fetch(self, url: str) -> Reply:
        """Send one request. Raises WaitTooLong and the downloader's errors."""


class Questions:
    """Asks a provider at `url` outside the windows, through the crawl's own downloader and rate limits."""

    def __init__(self, asker: Asker, url: str) -> None:
        self.asker, self.url = asker, url
        self._offered: list[str] | None = None
        # how the text begins that the site puts around each of its documents, b"" for a site that does not
        self.noise = b""

    async def answer(self, url: str, parse: Callable[[bytes], T]) -> T:
        """Ask until an answer parses. Raises Unreachable or MalformedPage after all tries; ProviderError at once, and
        UsageError for a redirect that is not followed.
        """
        error: HarvestError = Unreachable(f"{url}: not asked")
        for attempt in range(1, self.asker.tries + 1):
            try:
                reply = await self.asker.fetch(url)
                if (reason := reply.not_followed) is not None:
                    error = UsageError(f"{url} {reason}")  # unless another try is not redirected
                elif reply.status < 400 or b"<OAI-PMH" in reply.body[:4096]:
                    return self._parsed(reply.plain_body(), parse, again=attempt > 1)
                else:
                    error = Unreachable(f"{url} answers with HTTP status {reply.status}")
            except (ProviderError, WaitTooLong):
                raise
            except MalformedPage as cause:
                before, error = error, MalformedPage(f"{url}: {cause}; the answer begins {reply.body[:60]!r}")
                if hints.is_html(reply.body):
                    error = Unreachable(
                        f"{url} answers with a page for people (HTML): the site is being maintained, asks for a login, "
                        "or has no OAI-PMH here; check the URL, or run the same command again later"
                    )
                if str(before) == str(error):  # twice the same is an answer, though not one of OAI-PMH
                    break
            except Exception as cause:  # whatever the downloader raises
                error = Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})")
            if not self.asker.running:
                break
            await asyncio.sleep(pause_seconds(attempt))
        raise error

    async def once(self, url: str, parse: Callable[[bytes], T]) -> T:
        """Ask once. Raises ProviderError, MalformedPage, Unreachable or WaitTooLong."""
        try:
            reply = await self.asker.fetch(url)
            body = reply.plain_body()
        except (HarvestError, WaitTooLong):
            raise
        except Exception as cause:  # whatever the downloader raises
            raise Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})") from cause
        if reply.status >= 400 and b"<OAI-PMH" not in body[:4096]:
            raise Unreachable(f"HTTP status {reply.status}")
        return self._parsed(body, parse, again=False)

    async def first_headers(self, channel: Channel, bounds: tuple[str | None, str | None]) -> list[Row]:
        """Return the headers on the first page of a list, [] if it cannot be read."""
        try:
            return (await self._first_page(channel, bounds))[0]
        except Exception as error:  # ours, or whatever the downloader raises
            logger.info("the end of a list is not asked for once more: %r", error)
            return []

    async def all_names(self, channel: Channel, bounds: tuple[str | None, str | None], most: int) -> list[str]:
        """Return the ids that ListIdentifiers names, as far as it can be read, and about `most` at the most."""
        names: dict[str, None] = {}
        url = protocol.list_identifiers_url(self.url, channel.prefix, *bounds, channel.sent_set)
        token: str | None = None
        try:
            while len(names) < most:
                page = await self.answer(url, partial(protocol.parse_list_identifiers, sent=token, lenient=True))
                before = len(names)
                names.update((record.identifier, None) for record in page.records)
                if not page.token or page.token == token or len(names) == before:
                    break
                token, url = page.token, protocol.resume_url(self.url, "ListIdentifiers", page.token)
        except (HarvestError, WaitTooLong) as error:
            logger.info("ListIdentifiers names %d records, and then: %s", len(names), error)
        return list(names)

    async def all_sets(self, most: int) -> list[str] | None:
        """Return the sets that ListSets names, none without a set hierarchy; None where it cannot be read.

        Reads no further than `most` sets and one page more.
        """
        specs: dict[str, None] = {}
        url = protocol.list_sets_url(self.url)
        try:
            while len(specs) <= most:
                page = await self.once(url, protocol.parse_list_sets)
                before = len(specs)
                specs.update((item.spec, None) for item in page.sets if item.spec)
                if not page.token or len(specs) == before:
                    break
                url = protocol.resume_url(self.url, "ListSets", page.token)
        except ProviderError as error:
            return [] if error.code == "noSetHierarchy" else None
        except (HarvestError, WaitTooLong):
            return None
        return list(specs)

    def _parsed(self, body: bytes, parse: Callable[[bytes], T], *, again: bool) -> T:
        """Parse a body; without the text around it if an earlier try brought that as well. Raises MalformedPage."""
        if self.noise:
            body, _ = xml.without_noise(body)
        try:
            return parse(body)
        except MalformedPage:
            document, noise = xml.without_noise(body)
            if not (noise and again):
                raise
        value = parse(document)
        self.noise = noise
        return value

    async def identify(self) -> protocol.Identify:
        """Ask who the provider is. Raises UsageError for an answer that is not of OAI-PMH, Unreachable for none.

        A page for people counts as none: it stands in the place of any URL while a site is being maintained.
        """
        try:
            return await self.answer(protocol.identify_url(self.url), protocol.parse_identify)
        except (MalformedPage, ProviderError) as error:
            raise UsageError(f"{self.url} is no OAI-PMH endpoint: {error}") from error

    async def somebody_there(self) -> bool:
        """Return whether the provider answers at all, when a list brought no answer."""
        try:
            await self.answer(protocol.identify_url(self.url), protocol.parse_identify)
        except (HarvestError, WaitTooLong):
            return False
        return True

    async def check_prefixes(self, prefixes: Sequence[str]) -> None:
        """Raise UsageError for a prefix that the provider does not have, listing those it has."""
        try:
            offered = await self._formats()
        except (ProviderError, MalformedPage) as error:
            logger.warning("ListMetadataFormats cannot be read (%s): prefixes are not checked", error)
            return
        if unknown := [prefix for prefix in prefixes if prefix not in offered]:
            raise UsageError(f"{self.url} has no metadata prefix {unknown[0]!r}; it offers {', '.join(offered)}")

    async def offers(self, prefix: str) -> bool:
        """Ask once whether the provider has a metadata prefix; without an answer it has not."""
        try:
            return prefix in (self._offered if self._offered is not None else await self._formats())
        except (HarvestError, WaitTooLong):
            self._offered = []
            return False

    async def _formats(self) -> list[str]:
        formats = await self.answer(protocol.list_formats_url(self.url), protocol.parse_list_metadata_formats)
        self._offered = [item.prefix for item in formats]
        return self._offered

    async def check_set(self, spec: str, prefix: str) -> str | None:
        """Raise UsageError for a set that is not there. One that lists something is; only others are looked up.

        Returns the form in which the set has to be sent, None for the usual one.
        """
        for sent in (None, *emptiness.encodings(spec)):
            set_ = spec if sent is None else protocol.AsSent(sent)
            url = protocol.list_identifiers_url(self.url, prefix, None, None, set_)
            try:
                page = await (self.answer if sent is None else self.once)(url, _parse_headers)
            except ProviderError as error:
                if error.code == "noSetHierarchy":
                    raise UsageError(f"{self.url} has no sets; leave out set={spec}") from None
            except MalformedPage:
                if sent is None:
                    return None
            except Unreachable:
                if sent is None:
                    raise
            else:
                if page.records:
                    return sent
        await self._look_up(spec)
        return None

    async def sets(self) -> tuple[str, ...]:
        """Return the sets of the repository, none when it has none, names none, or has too many to be asked singly."""
        found = await self.all_sets(SETS_MOST) or ()
        return tuple(found) if len(found) <= SETS_MOST else ()

    async def _look_up(self, spec: str) -> None:
        offered: list[str] = []
        url = protocol.list_sets_url(self.url)
        token: str | None = None
        for _ in range(SET_PAGES_MOST):
            try:
                sets = await self.answer(url, partial(protocol.parse_list_sets, sent=token))
            except (ProviderError, MalformedPage) as error:
                raise UsageError(f"{self.url} has no set {spec!r} ({error})") from None
            offered.extend(item.spec for item in sets.sets)
            if spec in offered:
                return
            if not sets.token:
                raise UsageError(f"{self.url} has no set {spec!r}; it offers {_some(offered)}")
            token = sets.token
            url = protocol.resume_url(self.url, "ListSets", token)
        raise UsageError(f"{self.url} lists nothing in set {spec!r}, which is not among its first {len(offered)} sets")

    async def known_stamp(self, channel: Channel) -> str | None:
        """Return a datestamp that a record has: the first in the list of all that is a moment; None without any."""
        url = protocol.list_identifiers_url(self.url, channel.prefix, None, None, channel.sent_set)
        try:
            page = await self.answer(url, _parse_headers)
        except HarvestError as error:
            logger.info("from and until are not tried: %s", error)
            return None
        return next((r.datestamp for r in page.records if datestamps.parse(r.datestamp) is not None), None)

    async def try_ranges(self, channel: Channel, stamp: str, traits: Traits, granularity: str) -> None:
        """Learn whether from and until are honoured and until is included: one datestamp that is known to exist.

        A provider that ignores them, or leaves the last second out, would lose records at each border of a window.
        """
        moment = datestamps.parse(stamp)
        if moment is None:
            return
        moment = cutting.on_granule(moment, traits)
        for until in (moment, moment + traits.granule):
            bounds = (datestamps.as_argument(moment, granularity), datestamps.as_argument(until, granularity))
            url = protocol.list_identifiers_url(self.url, channel.prefix, *bounds, channel.sent_set)
            try:
                page = await self.answer(url, _parse_headers)
            except ProviderError:
                continue
            except (Unreachable, MalformedPage):
                return
            stamps = [datestamps.parse(record.datestamp) for record in page.records]
            inside = [s for s in stamps if s is not None and moment <= s < until + traits.granule]
            if inside and 2 * len(inside) > len(stamps):
                traits.ranges, traits.until_excluded = True, until != moment
                return
        traits.ranges = False

    async def try_apart(self, channel: Channel, traits: Traits, granularity: str) -> None:
        """Learn that from and until are ignored, whatever the datestamps: two moments long ago hold the same."""
        lists = []
        for moment in (OLDEST, OLDEST + traits.granule):
            bound = datestamps.as_argument(moment, granularity)
            url = protocol.list_identifiers_url(self.url, channel.prefix, bound, bound, channel.sent_set)
            try:
                page = await self.answer(url, _parse_headers)
            except HarvestError:
                return
            lists.append([record.identifier for record in page.records])
        if lists[0] and lists[0] == lists[1]:
            traits.ranges = False

    async def lacks_names(self, walk: Walk, bounds: tuple[str | None, str | None]) -> bool:
        """Return whether ListIdentifiers leaves records of a window without an identifier too, or cannot be read."""
        url = protocol.list_identifiers_url(self.url, walk.channel.prefix, *bounds, walk.channel.sent_set)
        try:
            page = await self.answer(url, _parse_headers)
        except (ProviderError, MalformedPage):
            return True
        except (HarvestError, WaitTooLong):
            return False
        return any(protocol.NAMELESS in what for what in page.unaccounted)

    async def look_inside(self, walk: Walk, bounds: tuple[str | None, str | None]) -> Sequence[Row]:
        """Have ListIdentifiers say which records a window holds whose records cannot be listed.

        Leaves what it learned in `walk`, and returns the headers of the first page. One request, no second try: without
        an answer there are none, and the window is cut blindly.
        """
        try:
            headers, whole = await self._first_page(walk.channel, bounds)
        except Exception as error:  # ours, or whatever the downloader raises
            logger.info("ListIdentifiers does not help with %s: %r", cutting.describe(walk.span), error)
            return ()
        walk.follow([row.datestamp for row in headers])
        stamps: set[datetime | None] = {datestamps.parse(row.datestamp) for row in headers}
        if whole and None not in stamps:
            walk.stamps, walk.named = tuple(sorted(s for s in stamps if s is not None)), len(headers)
        return headers

    async def _first_page(self, channel: Channel, bounds: tuple[str | None, str | None]) -> tuple[list[Row], bool]:
        """Read the headers of the first page of a list, and whether they are all of it.

        Raises MalformedPage, ProviderError and the downloader's errors.
        """
        url = protocol.list_identifiers_url(self.url, channel.prefix, *bounds, channel.sent_set)
        body = (await self.asker.fetch(url)).plain_body()
        return _headers_in(xml.without_noise(body)[0] if self.noise else body)


def _headers_in(body: bytes) -> tuple[list[Row], bool]:
    """Read the rows of a page of headers, and whether they are all of their list.

    Raises MalformedPage or ProviderError when not even hints can be had.
    """
    try:
        page = _parse_headers(body)
    except MalformedPage:
        if (headers := hints.scan_headers(body)) is None:
            raise
        return [Row(name, stamp, False, ()) for name, stamp in headers], True
    whole = page.token is None and not page.unaccounted
    return [Row(record.identifier, record.datestamp, record.deleted, record.sets) for record in page.records], whole


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:50])
    return f"{shown} and {len(names) - 50} more" if len(names) > 50 else shown
