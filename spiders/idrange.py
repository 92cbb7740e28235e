"""Records by id: each id of each form is asked for, and ends in one state."""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Self

import orjson
from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings
from twisted.python.failure import Failure

from archive.audits import iter_ids
from archive.crosswalks import local_id
from archive.findings import finding
from archive.store import IDS, REST, Answer, NewWindow, WindowCount, WindowRow, ids, lost_ids
from harvester.crawl import Batch, KeeperStopped, WindowEnd, lossguard
from harvester.crawl.arguments import CENSUS, FILE, RETRY, IdrangeArguments, parse_idrange_arguments
from harvester.errors import MalformedPage, Unreachable
from harvester.http import NOT_SERVED, REDIRECTS, Asked, BlockResponse, IdUrls, block_request, host_of, pause_seconds
from harvester.oaipmh import Decision, Done, Lost
from harvester.rest import GAP, Chunk, Learning, ListSupply, Look, RangeSupply, gallop, sentence
from harvester.rest.answers import UNPROVEN, DecodedBlock, Received, Settled, decode_block, is_odd
from harvester.walks import FormState, IdWalk, judged, not_asked, received, without_decoding
from spiders.base import HarvestSpider, now_text

# ids of one block, and blocks that are asked for, decoded or written at once
BLOCK_IDS = 200
BLOCKS = 4
# ids that turn up on the way are asked for in windows of so many
NAMED_MOST = 1000
# a provider that has answered nobody for so long is not there
SILENCE_SECONDS = 60.0
# so many ids that show no record, in a form that never showed one, are a finding
UNSEEN_LEAST = 3
# a list of fewer ids is not worth another question before anything looks odd
LEARN_LEAST = 10
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class IdrangeSpider(HarvestSpider):
    """Ask for ids in blocks; hand on; every id of every form ends as one Answer, with its record or its reason."""

    name = "idrange"

    arguments: IdrangeArguments

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> IdrangeArguments:
        return parse_idrange_arguments(words)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        # the wire is shared out by the handler of blocks; Scrapy only keeps some of them going
        crawler.settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", BLOCKS, priority="spider")
        return spider

    @property
    def connections(self) -> int:
        """How many requests may be open at once."""
        return self.arguments.windows

    settled_before = 0

    @property
    def expected_ids(self) -> int | None:
        """How many ids are asked for in all channels, None while nobody knows."""
        arguments = self.arguments
        count = arguments.ranges.count if arguments.ranges is not None else None
        if count is None:
            return None
        return min(count, arguments.sample or count) * len(arguments.forms) // arguments.parts

    @property
    def open_windows(self) -> int:
        """Windows whose ids are being asked for."""
        return len(self._walks)

    # --- the plan

    async def start(self) -> AsyncIterator[Any]:
        """Yield a block whenever there is room for one, until every id has its state."""
        self._walks: dict[int, IdWalk] = {}
        self._flying = 0
        self._changed = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._answered = 0.0
        self._moved = False
        self._galloped: int | None = None
        try:
            await self._prepare()
        except Exception as error:
            self.fail(error)
            return
        while not self.stopping:
            # before anything is looked at: what changes while it is must not be slept through
            self._changed.clear()
            block = self._next_block() if self._flying < BLOCKS else None
            try:
                if block is None and self._flying < BLOCKS and await self._open_more():
                    continue
            except Exception as error:
                self.fail(error)
                return
            unserved = self._unserved()
            if block is not None:
                self._flying += 1
                yield block
            for walk in unserved:
                yield Batch((self._settle_unserved(walk),))
                if not walk.unsettled:
                    yield WindowEnd(walk.window, 1, walk.answers, "not served")
            if block is not None or unserved:
                continue
            if self._walks:
                await self._changed.wait()
                continue
            try:
                await self._conclude()
            except Exception as error:
                self.fail(error)
            return

    async def _prepare(self) -> None:
        """The rest of a new run, or the open windows of one that is resumed."""
        arguments, keeper = self.arguments, self.keeper
        census = None
        rows = await keeper.do(keeper.writer.ledger.windows, keeper.writer.run_number)
        if not rows and arguments.kind == CENSUS:
            census = await self._take_census()
        await asyncio.gather(self.introduce(), self.decoders.start())
        writer = self.keeper.writer
        self._forms: dict[int, FormState] = {}
        for form in arguments.forms:
            number = await self.keeper.do(writer.ledger.channel, form.channel, form.name, None)
            self._forms[number] = FormState(form, number)
        self._deleted = await self.keeper.do(ids.deleted_in_lists, writer.ledger)
        if arguments.file is not None:
            self._deleted |= {
                local_id(one.identifier): one.datestamp or "" for one in iter_ids(arguments.file) if one.deleted
            }
        self._urls = {
            form.name: IdUrls(form.url, arguments.endpoint.pattern, self.allowed_hosts) for form in arguments.forms
        }
        self._top = await self.keeper.do(ids.highest_in_use, writer.ledger, writer.run_number)
        self._moved = bool(rows)
        if not rows:
            rows = await self.keeper.do(writer.open_windows, [await self._new_rest(census)])
        self._rest = next(row for row in rows if row.verb == REST)
        self._supply = self._supply_of(self._rest)
        if arguments.ranges is not None and arguments.ranges.open_from is not None:
            self._newest = await self._newest_id()
        if self.resumed:
            self.settled_before = await self.keeper.do(writer.ledger.records_done, writer.run_number)
        for row in rows:
            if row.verb == IDS and row.state == "open":
                await self._walk_again(row)
        if self.resumed:
            await self._ask_for_lost()

    async def _ask_for_lost(self) -> None:
        """Ask once more for what the loss guard found gone in bulk, unless that is accepted now."""
        writer, ledger = self.keeper.writer, self.keeper.writer.ledger
        codes = await self.keeper.do(ledger.take_back, writer.run_number, lossguard.JUDGED_AT_END)
        if "loss-in-bulk" not in codes or self.arguments.accept_loss:
            return
        for number, state in self._forms.items():
            names = await self.keeper.do(lost_ids, ledger, writer.run_number, number)
            for start in range(0, len(names), NAMED_MOST):
                window, part = NewWindow(number, IDS, None, None), names[start : start + NAMED_MOST]
                row = await self.keeper.do(
                    ids.open_named,
                    ledger=ledger,
                    run=writer.run_number,
                    window=window,
                    named=part,
                    url=state.form.url,
                    now=writer.now(),
                )
                await self._walk_again(row)

    async def _new_rest(self, census: int | None) -> NewWindow:
        """The window of all ids that no window has; what its list is bound to stands in `until`."""
        arguments, ledger = self.arguments, self.keeper.writer.ledger
        if arguments.ranges is not None and arguments.sample is None:
            return NewWindow(
                next(iter(self._forms)), REST, str(arguments.ranges.ranges[0].first), str(arguments.ranges)
            )
        bound = arguments.kind
        if census is not None:
            bound = f"{arguments.kind}:{census}"
        elif arguments.kind == "gaps":
            before = await self.keeper.do(ids.next_outcome, ledger)
            retry = arguments.mode == RETRY
            listed = None if retry else await self.keeper.do(ids.newest_census, ledger)
            bound = f"gaps:{before}:{listed or ''}:{next(iter(self._forms)) if retry else ''}"
        return NewWindow(next(iter(self._forms)), REST, ListSupply.start, bound)

    def _supply_of(self, rest: WindowRow) -> RangeSupply | ListSupply:
        arguments, ledger = self.arguments, self.keeper.writer.ledger
        kind, *bounds = (rest.until or "").split(":")

        def read() -> Iterator[str]:
            if arguments.file is not None:
                return (local_id(wanted.identifier) for wanted in iter_ids(arguments.file))
            if arguments.ranges is not None:
                return map(str, arguments.ranges.spread(arguments.sample or 1))
            if kind == CENSUS:
                return ids.iter_census(ledger, int(bounds[0]))
            before, listed, channel = (int(bound) if bound else None for bound in bounds)
            return ids.iter_gaps(ledger, before or 0, listed, channel)

        if arguments.ranges is not None and arguments.sample is None:
            return RangeSupply(arguments.ranges, arguments.shard)
        if arguments.ranges is None and arguments.sample is not None:
            return ListSupply(lambda: itertools.islice(read(), arguments.sample), arguments.shard)
        return ListSupply(read, arguments.shard)

    # --- ids that no window has yet

    async def _open_more(self) -> bool:
        """Open the next windows. False when there is nothing to open now, or ever."""
        if len(self._walks) >= 2 * len(self._forms):
            return False
        if self._rest.state == "open":
            chunk = await self._next_chunk()
            if chunk is not None:
                await self._open_chunk(chunk)
                return True
            if self._rest.state == "open":
                return any(walk.waiting for walk in self._walks.values())
        return not self._walks and await self._open_targets()

    async def _next_chunk(self) -> Chunk | None:
        """The next ids; None when they are not known yet, or when there are no more and the rest is closed."""
        assert self._rest.from_ is not None
        if isinstance(self._supply, ListSupply):
            chunk = await self.keeper.do(self._supply.chunk, self._rest.from_)
            if chunk is None:
                await self._close_rest()
            return chunk
        span = self._supply.span(self._rest.from_)
        start = self._supply.ranges.open_from
        if span is None:
            await self._close_rest()
            return None
        if start is not None and span.first >= start:
            horizon = self._horizon(start)
            if span.first > horizon:
                await self._go_further()
                return None
            span = type(span)(span.first, min(span.last or horizon, horizon))
        return self._supply.chunk(span)

    async def _open_chunk(self, chunk: Chunk) -> None:
        """Open a window of these ids in each channel."""
        writer = self.keeper.writer
        windows = [NewWindow(channel, IDS, chunk.first, chunk.last) for channel in self._forms]
        at, number = ("@", int(chunk.last[1:])) if chunk.named else ("", int(chunk.last))
        next_ = f"{at}{number + 1}"
        named = chunk.ids if chunk.named else ()
        windows = windows if chunk.ids else []
        rows = await self.keeper.do(
            ids.open_chunk,
            ledger=writer.ledger,
            run=writer.run_number,
            rest=self._rest,
            next_=next_,
            windows=windows,
            now=writer.now(),
            named=named,
            url=self._list_name(),
        )
        self._rest = _moved_on(self._rest, next_)
        for row in rows:
            await self._walk(row, chunk.ids)

    def _list_name(self) -> str:
        arguments = self.arguments
        return f"file:{arguments.file.name}" if arguments.kind == FILE and arguments.file else f"ids={arguments.kind}"

    async def _close_rest(self) -> None:
        writer = self.keeper.writer
        await self.keeper.do(
            ids.open_chunk,
            ledger=writer.ledger,
            run=writer.run_number,
            rest=self._rest,
            next_=None,
            windows=[],
            now=writer.now(),
        )
        self._rest = _moved_on(self._rest, None)

    async def _open_targets(self) -> bool:
        """Ask for ids that others moved to and that nobody asked for: once each. False when there are none."""
        if not self._moved:
            return False
        writer, found = self.keeper.writer, False
        for channel in self._forms:
            targets = await self.keeper.do(ids.targets_not_asked, writer.ledger, writer.run_number, channel, NAMED_MOST)
            if targets:
                found = True
                await self._open_named(channel, "moved", targets)
        return found

    async def _open_named(self, channel: int, what: str, identifiers: Sequence[str]) -> None:
        writer = self.keeper.writer
        window = NewWindow(channel, IDS, what, None)
        row = await self.keeper.do(
            ids.open_named,
            ledger=writer.ledger,
            run=writer.run_number,
            window=window,
            named=identifiers,
            url=f"ids={what}",
            now=writer.now(),
        )
        await self._walk(row, identifiers)

    # --- a range without an end

    def _horizon(self, start: int) -> int:
        """The highest id that is asked for as things are known."""
        return max(self._top or start - 1, self._newest or 0, start - 1) + GAP

    async def _go_further(self) -> None:
        """The range ends here unless ids far above are in use: look for some, or end it and say by which rule."""
        if self._walks:
            return
        assert self.arguments.ranges is not None
        start = self.arguments.ranges.open_from or 0
        top = self._horizon(start) - GAP
        if self._galloped != top:
            self._galloped = top
            await self._open_named(next(iter(self._forms)), "above", [str(number) for number in gallop(top)])
            return
        await self.find(finding("range-top", rule=sentence(self.arguments.ranges, top, self._newest)))
        await self._close_rest()

    async def _newest_id(self) -> int | None:
        """The id of the newest record, as the source's search tells it; None when it does not."""
        search = self.arguments.source.search
        base, _, rest = self.arguments.endpoint.url.partition("/{id}")
        if search is not None and search.style == "invenio":
            base, rest = search.url, ""
        if rest or "?" in base:
            return None
        try:
            reply = await self.fetch(f"{base}?size=1&page=1&sort=newest", accept="application/json")
            newest = int(orjson.loads(reply.body)["hits"]["hits"][0]["id"])
        except Exception as error:  # whatever the downloader raises, or an answer of another shape
            self.logger.info("the source does not name its newest record (%s): the top is found by asking", error)
            return None
        return newest if newest < 10**18 else None

    # --- windows

    async def _walk(self, row: WindowRow, identifiers: Sequence[str]) -> None:
        """Begin with the ids of a window."""
        state = self._forms[row.channel]
        if len(identifiers) >= LEARN_LEAST:
            await self._learn_absence(state, identifiers)
        urls, trusted = self._urls[state.form.name], self.arguments.endpoint.validators
        walk = IdWalk(row, state, urls, None if trusted == "none" else trusted, unsettled=len(identifiers))
        walk.size = len(identifiers)
        known: dict[str, str] = {}
        if walk.validator and self.arguments.mode == "incremental":
            known = await self.keeper.do(ids.validators, self.keeper.writer.ledger, row.channel, identifiers)
        walk.waiting = deque(
            Asked(name, urls.url(name), (_CONDITIONS[trusted], known[name]) if name in known else None)
            for name in identifiers
        )
        if identifiers:
            self._walks[row.window] = walk

    async def _walk_again(self, row: WindowRow) -> None:
        """Go on with a window of an earlier process: with what has no end state yet."""
        ledger = self.keeper.writer.ledger
        named = await self.keeper.do(ids.named_in, ledger, row.window)
        if not named:
            assert isinstance(self._supply, RangeSupply)
            named = list(self._supply.between(int(row.from_ or 0), int(row.until or 0)))
        settled = await self.keeper.do(ids.settled_in, ledger, row.window)
        open_ = [identifier for identifier in named if identifier not in settled]
        await self._walk(row, open_)
        if not open_:  # killed between its last id and the word that it is over
            count = await self.keeper.do(ledger.count_window, row.window, 1)
            await self.keeper.do(
                self.keeper.writer.close_window,
                row.window,
                state="done",
                end="all asked",
                count=count,
                stated=None,
                pages=0,
                attempts=1,
                channel=row.channel,
            )

    def _next_block(self) -> Request | None:
        """The next ids of the oldest window that has some."""
        for walk in self._walks.values():
            if walk.waiting and not walk.state.service.refused:
                return block_request(
                    host_of(walk.form.url),
                    next(self._numbers),
                    walk.take(BLOCK_IDS),
                    walk.form.accept,
                    walk.state.service,
                    callback=self.block,
                    errback=self.no_block,
                    cb_kwargs={"walk": walk},
                )
        return None

    async def block(self, response: BlockResponse, walk: IdWalk) -> AsyncIterator[Any]:
        """The answers of a block."""
        walk.waiting.extendleft(reversed(response.left))
        self._flying -= 1
        if response.ended is not None:
            self.fail(response.ended)
        fetched = response.fetched
        if any(one.status is not None for one in fetched):
            self._answered = time.monotonic()
        deleted = {
            one.asked.identifier: self._deleted[one.asked.identifier]
            for one in fetched
            if one.asked.identifier in self._deleted
        }
        said = without_decoding(fetched, walk.urls, deleted)
        answered = received(one for one, early in zip(fetched, said, strict=True) if early is None)
        decoded = await self._decoded(answered, walk.state, deleted)
        if not walk.state.learned and walk.size > 1 and any(map(is_odd, answered, decoded.settled)):
            await self._learn_absence(walk.state, [answer.identifier for answer in answered])
            decoded = await self._decoded(answered, walk.state, deleted)
        if walk.state.service.refused:
            service = walk.state.service
            await self._find_once(
                walk.state, "type-not-served", found=service.turned, status=service.status, accept=walk.form.accept
            )
        result = judged(walk=walk, fetched=fetched, said=said, decoded=decoded, tries=self.tries, at=now_text())
        walk.waiting.extendleft(reversed(result.elsewhere))
        if result.again:
            self._ask_later(walk, result.again)
        answers = result.answers
        if any(answer.state == "lost" for answer in answers) and self._silent():
            self.fail(Unreachable(f"{host_of(walk.form.url)} does not answer; run the same command again later"))
            return
        if answers:
            self._learn(answers)
            await self._learn_from(walk.state, answers)
            walk.unsettled -= len(answers)
            walk.answers += len(answers)
            walk.lost += sum(answer.state == "lost" for answer in answers)
            yield Batch(answers)
        if not walk.unsettled:
            yield WindowEnd(walk.window, 1, walk.answers, "all asked")
        self._changed.set()

    async def _decoded(self, answers: Sequence[Received], state: FormState, deleted: Mapping[str, str]) -> DecodedBlock:
        """Decode a block; one that brings its process down is decoded answer by answer."""
        level, form = self.settings.getint("HARVEST_ZSTD_LEVEL"), state.form
        try:
            return await self.decoders.run(
                decode_block,
                answers=answers,
                name=form.name,
                accept=form.accept,
                retrieved=now_text(),
                level=level,
                most=self.settings.getint("DOWNLOAD_MAXSIZE"),
                known=state.known(deleted),
            )
        except MalformedPage as error:
            if len(answers) == 1:
                return DecodedBlock((Settled("refused", str(error)),), ())
        parts = [await self._decoded([answer], state, deleted) for answer in answers]
        return DecodedBlock(
            tuple(settled for part in parts for settled in part.settled),
            tuple(piece for part in parts for piece in part.payload),
        )

    def no_block(self, failure: Failure) -> None:
        """A block that was not even begun: the handler itself answers for every id."""
        self.callback_failed(failure)

    def _silent(self) -> bool:
        """Whether the provider has answered nobody for a while: then nothing is said of single ids."""
        return not self._answered or time.monotonic() - self._answered > SILENCE_SECONDS

    def _learn(self, answers: Sequence[Any]) -> None:
        """Follow the highest id in use, and whether ids moved."""
        for answer in answers:
            self._moved = self._moved or answer.state == "moved"
            name = answer.outcomes[0].identifier
            if answer.state not in ("absent", "lost") and name.isascii() and name.isdigit() and len(name) < 19:
                self._top = max(self._top or 0, int(name))

    def _ask_later(self, walk: IdWalk, again: Sequence[Asked]) -> None:
        """Ask again after a time that grows with the tries."""
        delay = pause_seconds(max(one.tries for one in again))

        async def later() -> None:
            await asyncio.sleep(delay)
            walk.waiting.extend(again)
            self._changed.set()

        task = asyncio.ensure_future(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- ids that are not there

    async def _learn_absence(self, state: FormState, identifiers: Sequence[str]) -> None:
        """Learn how a form answers for ids that are not there, by one that cannot exist.

        It is asked once, and a second one where the answer may be of something in front of the repository.
        """
        if state.learned:
            return
        state.learned = True
        ledger = self.keeper.writer.ledger
        kept = await self.keeper.do(ids.absence_look, ledger, state.form.channel)
        before = None if kept is None else Look.decoded(kept)
        state.now = await self._look(state, identifiers)
        state.own = before or state.now
        if before is None or state.now is None:
            return
        state.proven = state.now.is_same(before) or (state.now.status == before.status and state.now.is_like(before))
        if state.proven:
            state.own = state.now
        else:
            await self._find_once(state, "absence-changed", reason=str(state.now), seen=str(before))

    async def _look(self, state: FormState, identifiers: Sequence[str]) -> Look | None:
        """What is answered for an id that cannot exist; None when nothing can be learned from it."""
        ranges = self.arguments.ranges.ranges if self.arguments.ranges is not None else ()
        taken = [range(one.first, (one.last or one.first) + 1) for one in ranges]
        learning = Learning(identifiers, state.form.accept, taken)
        while (identifier := learning.ask()) is not None:
            learning.take(await self._ask_impossible(state, identifier))
        if learning.invented is not None:
            await self._find_once(state, "answers-any-id", identifier=learning.invented)
        return learning.look

    async def _ask_impossible(self, state: FormState, identifier: str) -> Received | None:
        """Ask for one id outside the account; None when no answer came."""
        urls = self._urls[state.form.name]
        asked = [Asked(identifier, urls.url(identifier))]
        assert self.crawler.engine is not None
        while asked and not self.stopping:
            request = block_request(host_of(state.form.url), next(self._numbers), asked, state.form.accept)
            response = await self.crawler.engine.download_async(request)
            assert isinstance(response, BlockResponse)
            if response.ended is not None:
                raise response.ended
            for answer, one in zip(received(response.fetched), response.fetched, strict=True):
                if one.status in NOT_SERVED:  # before it looked for a record
                    state.service.take(one.status)
                return None if one.status is None or one.reason or one.status in REDIRECTS else answer
            asked = list(response.left)
        return None

    async def _learn_from(self, state: FormState, answers: Sequence[Answer]) -> None:
        """Keep how a form answers for ids that are not there once a record shows who answers.

        Where that was in doubt the impossible id is asked for again: what answered then may have been a proxy.
        """
        if state.shown or not any(answer.state == "read" for answer in answers):
            return
        state.shown = True
        if state.doubtful and not state.proven:
            names = [answer.outcomes[0].identifier for answer in answers]
            state.now = await self._look(state, names) or state.now
            state.own = state.now
        if state.own is not None and not state.proven:
            ledger = self.keeper.writer.ledger
            await self.keeper.do(ids.keep_absence_look, ledger, state.form.channel, state.own.encoded())

    async def _find_once(self, state: FormState, code: str, **words: Any) -> None:
        """Write a finding of a channel, unless this run has it."""
        writer, found = self.keeper.writer, finding(code, name=state.form.name, **words)

        def write() -> None:  # looked up and written in one go: several chunks may find it at the same time
            if not ids.has_finding(writer.ledger, writer.run_number, state.number, code):
                writer.note(found, state.number)

        with contextlib.suppress(KeeperStopped):  # the failure itself ends the run
            await self.keeper.do(write)

    async def _conclude(self) -> None:
        """Doubt what the run found absent, where nothing shows that the repository said it or where it is held."""
        writer, ledger = self.keeper.writer, self.keeper.writer.ledger
        run = writer.run_number
        await self.keeper.do(writer.commit)
        for number, state in self._forms.items():
            form = state.form
            mixed = state.trusted and await self.keeper.do(ids.has_own_absence, ledger, run, number)
            if mixed or not state.trusted:
                what = UNPROVEN + "what may be a proxy's page"
                count = await self.keeper.do(
                    ids.refuse_unproven,
                    ledger=ledger,
                    run=run,
                    channel=number,
                    begins=UNPROVEN,
                    url=form.url,
                    reason=what,
                    now=writer.now(),
                )
                if count:
                    reason = str(state.now or "pages of HTML, plain text or nothing")
                    code = "absences-of-two-kinds" if mixed else "absence-unproven"
                    await self._find_once(state, code, found=count, reason=reason, url=form.url)
            ended, unseen = await self.keeper.do(ids.ended, ledger, run, number)
            if unseen >= UNSEEN_LEAST and not await self.keeper.do(ids.has_shown, ledger, number):
                await self._find_once(state, "no-record-shown", found=ended, url=form.url)
            if not unseen:
                continue
            found, first, channels = await self.keeper.do(ids.denied, ledger, run, number)
            if found:
                await self._find_once(state, "held-and-absent", found=found, identifier=first, channels=channels)
        await self.guard_losses(dict.fromkeys(self._forms, False))

    # --- a type that is not served

    def _unserved(self) -> list[IdWalk]:
        """Windows with ids that wait in a type that is not served."""
        return [walk for walk in self._walks.values() if walk.waiting and walk.state.service.refused]

    def _settle_unserved(self, walk: IdWalk) -> Answer:
        answer = not_asked(walk, now_text())
        walk.unsettled -= len(answer.outcomes)
        walk.answers += 1
        return answer

    # --- what the pipelines ask

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """A window with ids that brought no answer is lost: the next run asks for these alone."""
        walk = self._walks[end.window.window]
        return Lost() if walk.lost else Done()

    def describe(self, end: WindowEnd) -> str:
        """The ids of a window."""
        row = end.window
        return f"{self._forms[row.channel].form.name} {row.from_}" + (f" to {row.until}" if row.until else "")

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """The window is over."""
        self._walks.pop(end.window.window, None)
        self._changed.set()

    # --- a census

    async def _take_census(self) -> int:
        """List the ids by OAI-PMH, as a run of its own in the same archive. Returns its number."""
        arguments = self.arguments
        await self.keeper.close()
        words = {
            "url": arguments.oai or "",
            "archive": str(arguments.archive),
            "mode": "census",
            "prefix": arguments.prefix or "",
            "hosts": ",".join(sorted(self.allowed_hosts)),
            **arguments.named,
        } | ({"set": arguments.set_spec} if arguments.set_spec else {})
        if arguments.accept_loss:
            words["accept-loss"] = "true"
        settings = Settings()
        for setting, kept in self.settings.attributes.items():
            if kept.priority > 0:
                settings.set(setting, kept.value, priority="cmdline")
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler("oaipmh")
        try:
            await runner.crawl(crawler, **words)
        finally:
            self.open_archive()
        _check_census(crawler.spider)
        number = await self.keeper.do(ids.newest_census, self.keeper.writer.ledger)
        assert number is not None
        return number


def _check_census(spider: Spider | None) -> None:
    """Raises what ended a census, or Unreachable when it is not whole."""
    failure = getattr(spider, "failure", None)
    if isinstance(failure, Exception):
        raise failure
    if getattr(spider, "finished_as", None) not in ("complete", "findings"):
        raise Unreachable("the census of ids is unfinished; run the same command again")


def _moved_on(rest: WindowRow, place: str | None) -> WindowRow:
    """The rest as the ledger has it now."""
    state = "done" if place is None else "open"
    return WindowRow(
        window=rest.window,
        channel=rest.channel,
        parent=rest.parent,
        verb=rest.verb,
        from_=place,
        until=rest.until,
        state=state,
        attempts=rest.attempts,
    )
