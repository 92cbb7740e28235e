"""Run one spider in this process, as `scrapy crawl` does, and say what it ended as."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess, Crawler, CrawlerProcess
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.project import get_project_settings
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from archive.errors import ArchiveError
from harvester.errors import HarvestError, UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS, UNFINISHED, exit_code

CODES = {"complete": DONE, "findings": FINDINGS, "unfinished": UNFINISHED}


@dataclass(frozen=True, slots=True)
class Ending:
    """An exit code of the contract, and the sentence for stderr when there is something to say."""

    code: int
    sentence: str = ""


def project_settings() -> Settings:
    """The project's settings, from whatever folder: `harvester crawl` is `scrapy crawl` anywhere."""
    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "harvester.settings")
    return get_project_settings()


def crawl(spider: str, arguments: Mapping[str, str], settings: Mapping[str, Any] | None = None) -> Ending:
    """Run a spider to its end. A process can do this once: Scrapy's reactor does not start twice."""
    values = project_settings()
    values.update(dict(settings or {}), priority="cmdline")
    process = AsyncCrawlerProcess(values)
    crawler = process.create_crawler(process.spider_loader.load(spider))
    return ending_of(crawler, run_crawler(process, crawler, dict(arguments)))


def spider_names() -> list[str]:
    """The spiders there are."""
    return SpiderLoader.from_settings(project_settings()).list()


def spider_class(name: str) -> Any:
    """The class of a spider. Raises UsageError when there is none of that name."""
    try:
        return SpiderLoader.from_settings(project_settings()).load(name)
    except KeyError:
        raise UsageError(f"there is no spider {name!r}; there are {', '.join(spider_names())}") from None


def run_crawler(
    process: CrawlerProcess | AsyncCrawlerProcess, crawler: Crawler, arguments: Mapping[str, str]
) -> BaseException | None:
    """Start the reactor and wait for the crawl. Returns what kept the spider from starting, if anything did."""
    failures: list[BaseException] = []
    started = process.crawl(crawler, **arguments)
    if isinstance(started, Deferred):
        started.addErrback(lambda failure: failures.append(_cause(failure)))
    else:
        started.add_done_callback(lambda task: failures.append(error) if (error := task.exception()) else None)
    process.start()
    return failures[0] if failures else None


def _cause(failure: Failure) -> BaseException:
    return failure.value if isinstance(failure.value, BaseException) else RuntimeError(str(failure))


def ending_of(crawler: Crawler, failure: BaseException | None) -> Ending:
    """What a finished crawl means to whoever started it."""
    spider: Any = crawler.spider
    error = failure or getattr(spider, "failure", None)
    if isinstance(error, ArchiveError | HarvestError):
        return Ending(exit_code(error), str(error))
    if error is not None:
        return Ending(UNFINISHED, f"{type(error).__name__}: {error}")
    state = getattr(spider, "finished_as", None)
    folder = getattr(getattr(spider, "arguments", None), "archive", "DIR")
    advice = getattr(spider, "advice", "")
    if state == "complete":
        return Ending(DONE)
    if state == "findings":
        return Ending(FINDINGS, f"done, with findings: harvester status {folder}" + (f" ({advice})" if advice else ""))
    if state == "unfinished":
        return Ending(UNFINISHED, f"unfinished: {advice}" if advice else "unfinished; run the same command again")
    return Ending(DAMAGED, f"the crawl ended without a state; {_where_logged(crawler.settings)}")


def _where_logged(settings: Settings) -> str:
    """Name the file of the log, or say how to get one."""
    if path := settings.get("LOG_FILE"):
        return f"see {path}"
    return "run it again with -v, or with -s LOG_FILE=FILE, to see why"
