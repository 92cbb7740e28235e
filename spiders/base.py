"""What every spider shares: its source and archive, the windows it walks, and how it ends."""

import asyncio
import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import duckdb
import lxml.etree
import orjson
import zstandard
from scrapy import Spider, signals
from scrapy.crawler import Crawler
from twisted.python.failure import Failure

from archive.crosswalks import VERSIONS
from archive.errors import ArchiveError
from archive.writer import ArchiveWriter
from harvester import __version__
from harvester.arguments import Arguments, parse_arguments
from harvester.errors import HarvestError, Unreachable, UsageError
from harvester.keeper import Keeper
from harvester.middlewares import WaitTooLong
from harvester.workers import Decoders

logger = logging.getLogger(__name__)


class HarvestSpider(Spider):
    """A spider over one source into one archive.

    `failure` is what ended the run before its time, None when it ended by itself; `finished_as` is the state
    the run was left in (complete, findings, unfinished), None until it has ended.
    """

    arguments: Arguments
    keeper: Keeper
    decoders: Decoders
    resumed: bool
    failure: Exception | None = None
    finished_as: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Read the arguments and open the archive. Raises our errors before anything is asked."""
        spider = super().from_crawler(crawler, *args)
        spider.arguments = parse_arguments(kwargs)
        settings = crawler.settings
        _identify(spider.arguments, settings)
        settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", spider.arguments.windows, priority="spider")
        spider.decoders = Decoders(settings.getint("HARVEST_DECODERS"))
        software = software_versions()
        source = spider.arguments.source
        writer = ArchiveWriter(
            spider.arguments.archive,
            {"name": source.name, "url": source.url, "hosts": sorted(source.allowed_hosts)},
            software,
            level=settings.getint("HARVEST_ZSTD_LEVEL"),
            shard_bytes=settings.getint("HARVEST_SHARD_BYTES"),
        )
        spider.keeper = Keeper(writer)
        # an error of ours in a callback or a pipeline ends the run: its window would never be settled
        crawler.signals.connect(spider.callback_failed, signal=signals.spider_error)
        crawler.signals.connect(spider.callback_failed, signal=signals.item_error)
        spider.resumed = writer.begin(cls.name, spider.arguments.mode, spider.arguments.identity, software)
        return spider

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
        return self.failure is not None or self.crawler.engine is None or not self.crawler.engine.running


def now_text() -> str:
    """The time of an answer, as records and requests carry it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def software_versions() -> dict[str, Any]:
    """What made a run's files: names and versions."""
    return {
        "harvester": __version__, "orjson": orjson.__version__, "zstandard": zstandard.__version__,
        "duckdb": duckdb.__version__, "lxml": lxml.etree.__version__, "crosswalks": dict(VERSIONS),
    }  # fmt: skip


def _identify(arguments: Arguments, settings: Any, environment: Mapping[str, str] = os.environ) -> None:
    """Put the contact into User-Agent. Raises UsageError when a host that is not loopback would not get one."""
    contact = settings.get("HARVEST_CONTACT") or environment.get("HARVESTER_CONTACT", "")
    if not contact and not arguments.source.loopback:
        raise UsageError(
            "say who is harvesting: -s HARVEST_CONTACT=you@example.org, or HARVESTER_CONTACT in the environment; "
            "providers throttle or refuse clients they cannot write to"
        )
    if contact:
        settings.set("USER_AGENT", f"harvester/{__version__} (+{contact})", priority="spider")
