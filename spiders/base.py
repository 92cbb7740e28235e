"""What every spider shares: its source and archive, the windows it walks, and how it ends."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import duckdb
import lxml.etree
import orjson
import zstandard
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.crosswalks import VERSIONS
from archive.disk import close_to_others
from archive.errors import ArchiveError
from archive.findings import Finding, finding
from archive.store import ArchiveWriter, WindowCount, WindowRow, read_loss
from harvester import __version__
from harvester.crawl import Decoders, Keeper, KeeperStopped, WindowEnd, lossguard
from harvester.crawl.arguments import Arguments
from harvester.errors import HarvestError, Unreachable
from harvester.http import Credentials, hide_in_logs, redirect_not_followed, robots, user_agent
from harvester.oaipmh import Decision, tokens
from harvester.printable import tame_logs
from harvester.ratelimit import Budget, WaitTooLong
from harvester.sources import NAMING, Source
from harvester.walks import Reply, Unusable

logger = logging.getLogger(__name__)


class HarvestSpider(Spider):
    """A spider over one source into one archive.

    `failure` is what ended the run before its time, None when it ended by itself; `finished_as` is the state
    the run was left in (complete, findings, unfinished), None until it has ended. `advice` is what its operator
    should know of such an end, in a sentence. `budgets` are those that the source names for each of its hosts;
    `naming` the arguments that named the source.
    """

    arguments: Arguments
    naming: dict[str, str]
    budgets: dict[str, tuple[Budget, ...]]
    credentials: Credentials
    keeper: Keeper
    decoders: Decoders
    resumed: bool
    failure: Exception | None = None
    _told = False
    finished_as: str | None = None
    advice = ""

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Read the arguments and open the archive. Raises our errors before anything is asked."""
        close_to_others()
        spider = super().from_crawler(crawler, *args)
        spider.arguments = cls.read_arguments(kwargs)
        spider.naming = {name: kwargs[name] for name in NAMING if kwargs.get(name)}
        settings = crawler.settings
        spider.credentials = Credentials.of(spider.arguments.source)
        _identify(spider.arguments, settings)
        settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", spider.arguments.windows, priority="spider")
        spider.budgets = spider.arguments.source.host_budgets(spider.credentials.has_token)
        spider.decoders = Decoders(settings.getint("HARVEST_DECODERS"), settings.getfloat("HARVEST_DECODE_SECONDS"))
        # an error of ours in a callback or a pipeline ends the run: its window would never be settled
        crawler.signals.connect(spider.callback_failed, signal=signals.spider_error)
        crawler.signals.connect(spider.callback_failed, signal=signals.item_error)
        spider.open_archive()
        return spider

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> Arguments:
        """Read what `-a` gave. Raises UsageError."""
        raise NotImplementedError

    def open_archive(self) -> None:
        """Open the archive for writing, and go on with the run of the same words or begin one."""
        source, settings, software = self.arguments.source, self.settings, software_versions()
        writer = ArchiveWriter(
            self.arguments.archive,
            _described(source) | self.naming,
            software,
            level=settings.getint("HARVEST_ZSTD_LEVEL"),
            shard_bytes=settings.getint("HARVEST_SHARD_BYTES"),
        )
        self.keeper = Keeper(writer)
        self.resumed = writer.begin(self.name, self.arguments.mode, self.arguments.identity, software)

    # --- before the first request

    async def introduce(self) -> None:
        """Read robots.txt of each host that this spider asks; `start` awaits this before anything else.

        Raises UsageError where it closes an endpoint and the source does not say why that is asked anyway, Unreachable
        where it cannot be read, WaitTooLong.
        """
        hide_in_logs(self.credentials)  # here, for Scrapy makes the log's handler anew after `from_crawler`
        tame_logs()
        source, tries = self.arguments.source, self.settings.getint("HARVEST_TRIES")
        verdict = await robots.read_robots(self._ask_robots, source, self.name, tries, lambda: not self.stopping)
        for remark in verdict.remarks:
            logger.warning("%s", remark)
        for host, seconds in verdict.delays.items():
            logger.info("robots.txt of %s asks for %g s between requests", host, seconds)
            self.crawler.gates.set_delay(host, seconds)  # type: ignore[attr-defined]
        because = source.robots.because
        closed = [finding("robots-closed", url=one.url, by=one.by, reason=because) for one in verdict.asked_anyway]
        sooner = verdict.sooner.items()
        for note in [*closed, *(finding("robots-delay", host=h, seconds=f"{s:g}", reason=because) for h, s in sooner)]:
            logger.info("%s", note.message)
            if not self.resumed:
                await self.find(note)

    async def _ask_robots(self, url: str) -> robots.Said:
        """Send one request. Raises Unreachable, WaitTooLong."""
        try:
            reply = await self.fetch(url)
        except WaitTooLong:
            raise
        except Exception as cause:  # whatever the downloader raises
            raise Unreachable(f"no answer ({type(cause).__name__}: {cause})") from cause
        return robots.Said(reply.status, reply.header("Content-Type"), reply.body, reply.header("Location"))

    # --- questions beside the windows

    @property
    def tries(self) -> int:
        """How often a request is sent before it is given up."""
        return self.settings.getint("HARVEST_TRIES")

    @property
    def running(self) -> bool:
        """Whether requests can still be sent."""
        return self.crawler.engine is not None and self.crawler.engine.running

    async def fetch(self, url: str, accept: str | None = None) -> Reply:
        """Send one request outside of the windows. Raises WaitTooLong and the downloader's errors."""
        assert self.crawler.engine is not None
        headers = {"Accept": accept} if accept is not None else None
        return reply_of(await self.crawler.engine.download_async(Request(url, headers=headers, dont_filter=True)))

    async def secret_masked(self, url: str) -> None:
        """Report once a process that an answer had the source's token in it, which was masked."""
        if not self._told:
            self._told = True
            found = finding("secret-masked", url=self.credentials.scrub(url))
            logger.warning("%s", found.message)
            await self.find(found)

    # --- what the pipelines ask of a spider

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """Decide on a window that was walked to its end; `count` is what the ledger says it brought."""
        raise NotImplementedError

    def describe(self, end: WindowEnd) -> str:
        """Describe a window for the log."""
        raise NotImplementedError

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Continue once the ledger has taken the end of a window, with the windows that take its place."""
        raise NotImplementedError

    async def find(self, found: Finding, channel: int | None = None, window: int | None = None) -> None:
        """Write one finding."""
        with contextlib.suppress(KeeperStopped):  # the failure itself ends the run
            await self.keeper.do(self.keeper.writer.note, found, channel, window)

    # --- the loss guard

    async def take_back_judgement(self) -> None:
        """Take back what the loss guard said of a run that is resumed; its windows are asked once more.

        Call it before the open windows are read. With accept-loss=true nothing is asked again.
        """
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        codes = await self.keeper.do(ledger.take_back, run, lossguard.JUDGED_AT_END)
        if "loss-in-bulk" in codes and not self.arguments.accept_loss:
            await self.keeper.do(ledger.ask_again, run)

    async def guard_losses(self, channels: Mapping[int, bool], *, tombstones: bool = True) -> None:
        """Judge what the run found of records held before it; call it when every window is done.

        `channels` are those of the run, each with whether the run listed all that there is in it; `tombstones` says
        whether lists name deleted records.
        """
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        for channel, whole in channels.items():
            loss = await self.keeper.do(read_loss, ledger, run, channel, whole=whole)
            if loss is not None:
                for found in lossguard.judge(loss, accepted=self.arguments.accept_loss, tombstones=tombstones):
                    await self.advise(found, channel)

    async def advise(self, found: Finding, channel: int | None = None) -> None:
        """Write a finding and tell the operator of it at the end of the run."""
        await self.find(found, channel)
        if found.severity != "info":
            logger.warning("%s", found.message)
            self.advice = f"{self.advice}; {found.message}" if self.advice else found.message

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Where redirects may lead."""
        return self.arguments.source.allowed_hosts

    def callback_failed(self, failure: Failure) -> None:
        """Scrapy logs what a callback raised, and goes on as if nothing had been."""
        self.fail(failure.value if isinstance(failure.value, Exception) else RuntimeError(str(failure.value)))

    def fail(self, error: Exception) -> None:
        """End the run because of an error; the first one counts."""
        if isinstance(error, WaitTooLong):
            error = Unreachable(f"{error}; run the same command again after that")
        if self.failure is None:
            self.failure = error
            if not isinstance(error, HarvestError | ArchiveError):
                logger.error("the run ends: %r", error, exc_info=error)
            engine = self.crawler.engine
            assert engine is not None
            reason = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
            asyncio.ensure_future(engine.close_spider_async(reason=reason))  # noqa: RUF006 - the engine holds it

    @property
    def stopping(self) -> bool:
        """Whether the run is ending: nothing new should be asked."""
        return self.failure is not None or not self.running


def reply_of(response: Response) -> Reply:
    """Take of Scrapy's response what decisions need."""
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    return Reply(response.url, response.status, headers, bytes(response.body), redirect_not_followed(response))


def no_reply(failure: Failure) -> Unusable:
    """Say what the downloader raised."""
    if isinstance(failure.value, DownloadTimeoutError):
        return Unusable(tokens.PAGE_LOST, "timed out")
    # the second: a body of more than DOWNLOAD_MAXSIZE bytes, as sent
    if isinstance(failure.value, IgnoreRequest | DownloadCancelledError):
        return Unusable(tokens.PAGE_REFUSED, str(failure.value))
    return Unusable(tokens.PAGE_LOST, f"{type(failure.value).__name__}: {failure.getErrorMessage()}"[:300])


def now_text() -> str:
    """Return the time of an answer, as records and requests carry it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def software_versions() -> dict[str, Any]:
    """Name what made a run's files, with versions."""
    return {
        "harvester": __version__,
        "orjson": orjson.__version__,
        "zstandard": zstandard.__version__,
        "duckdb": duckdb.__version__,
        "lxml": lxml.etree.__version__,
        "crosswalks": dict(VERSIONS),
    }


def _described(source: Source) -> dict[str, Any]:
    """Describe the source for archive.json; the licence of its metadata only where its file states one."""
    licence = {"licence": source.metadata_licence} if source.metadata_licence else {}
    return {"name": source.name, "url": source.url, "hosts": sorted(source.allowed_hosts), **licence}


def _identify(arguments: Arguments, settings: Any) -> None:
    """Put the contact into User-Agent, whatever else was set. Raises UsageError when one is needed and missing."""
    agent = user_agent(arguments.source.allowed_hosts, settings.get("HARVEST_CONTACT") or "")
    settings.set("USER_AGENT", agent, priority="cmdline")
