"""Reading the replies of a harvest by OAI-PMH as far as they can be read without guessing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from archive.findings import Finding
from harvester.crawl import Decoders
from harvester.errors import HarvestError, MalformedPage, NamelessRecords, ProviderError
from harvester.oaipmh import LIST_IDENTIFIERS, Asked, DecodedPage, tokens, xml
from harvester.oaipmh.decode import NOTHING, decode_get_record, decode_list_identifiers, decode_list_records
from harvester.walks.attempt import Walk
from harvester.walks.list_walk import WalkRules
from harvester.walks.questions import Questions
from harvester.walks.replies import Reply, Unusable


@dataclass(slots=True)
class PageReader:
    """Decodes the pages and records of one run in `decoders`, and asks what it needs to know to read them.

    `find` writes a finding, `now` is the time as records carry it, `level` is zstd's.
    """

    rules: WalkRules
    questions: Questions
    decoders: Decoders
    find: Callable[[Finding], Awaitable[None]]
    now: Callable[[], str]
    level: int
    _names_tried: set[int] = field(default_factory=set)

    async def read(self, reply: Reply, walk: Walk, asked: Asked, *, again: bool) -> DecodedPage | Unusable:
        """Decode a page, or GetRecord's answer for an identifier; the body is read whatever the status is.

        `again`: an earlier try brought nothing usable.
        """
        if reply.not_followed is not None:
            return Unusable(tokens.PAGE_REFUSED, reply.not_followed, reply.status, reply)
        read: DecodedPage | HarvestError
        try:
            read = await self._read(reply, walk, asked, again=again)
        except ProviderError as error:
            if self.rules.may_hold_nothing(error, walk, asked) and await self.questions.offers(walk.channel.prefix):
                for found in self.rules.empty_range(error, walk):
                    await self.find(found)
                return NOTHING
            read = error
        except MalformedPage as error:
            read = error
        return self.rules.judge(reply, read, asked)

    async def _read(self, reply: Reply, walk: Walk, asked: Asked, *, again: bool) -> DecodedPage:
        """Decode a body, leniently where nothing else helps. Raises MalformedPage and ProviderError."""
        body = reply.plain_body()
        if self.questions.noise:
            body, _ = xml.without_noise(body)
        try:
            page = await self._decode(body, reply.url, walk, asked)
        except NamelessRecords:
            if not await self._nothing_names(walk):
                raise
            page = await self._decode(body, reply.url, walk, replace(asked, lenient=True))
        except MalformedPage:
            document, noise = xml.without_noise(body)
            if not (noise and again):
                raise
            page = await self._decode(document, reply.url, walk, asked)
            self.questions.noise = noise
        for found in self.rules.deviations(page, self.questions.noise):
            await self.find(found)
        return page

    async def _nothing_names(self, walk: Walk) -> bool:
        """Return whether ListIdentifiers lacks the same identifiers: then asking for records singly gains nothing."""
        if walk.window.window not in self._names_tried:
            self._names_tried.add(walk.window.window)
            self.rules.lenient |= await self.questions.lacks_names(walk, self.rules.sent_bounds(walk.span))
        return self.rules.lenient

    async def _decode(self, body: bytes, url: str, walk: Walk, asked: Asked) -> DecodedPage:
        if asked.identifier is None and walk.verb == LIST_IDENTIFIERS:
            # no other question would name what this one does not
            return await self.decoders.run(decode_list_identifiers, body, replace(asked, lenient=True))
        run, prefix, level = self.decoders.run, walk.channel.prefix, self.level
        if asked.identifier is not None:
            return await run(decode_get_record, body, url, prefix, self.now(), level, asked)
        decode, versions, channel = decode_list_records, self.rules.versions, walk.window.channel
        known = versions.known_to(walk.window, tail=walk.tail)
        page = await run(decode, body, url, prefix, self.now(), level, asked, known=known)
        if any(versions.was_asked(channel, page.rows[place].identifier) for place in page.left_out):
            page = await run(decode, body, url, prefix, self.now(), level, asked)
        return page
