"""`scrapy crawl` with the exit codes of the contract: Scrapy itself ends with 0 in every lossy run."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler, CrawlerProcess
from scrapy.exceptions import UsageError

from archive.errors import ArchiveError
from archive.formats import printable
from harvester.cli.params import pairs
from harvester.cli.processes import run_again
from harvester.crawl import Ending, ending_of, run_crawler, run_steps, split
from harvester.errors import HarvestError
from harvester.exits import exit_code
from harvester.printable import check_text


class Command(ScrapyCrawl):
    """Run one spider; what it ended as is the exit code, and one line on stderr says why."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Refuse an argument or a setting with two values: Scrapy keeps the last one without a word."""
        try:
            for words in (opts.spargs, opts.set):
                pairs(tuple(words))
        except HarvestError as error:
            raise UsageError(str(error), print_help=False) from error
        super().process_options(args, opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: scrapy crawl SPIDER -a name=value")
        assert isinstance(self.crawler_process, CrawlerProcess | AsyncCrawlerProcess)
        try:
            spider_class: Any = self.crawler_process.spider_loader.load(args[0])
        except KeyError:
            self.exitcode = _say(Ending(2, f"there is no spider {args[0]}; see scrapy list"))
            return
        try:
            check_text([f"{name}={value}" for name, value in opts.spargs.items()])
            words, files = split(args[0], opts.spargs)
            read = spider_class.read_arguments(words) if files is not None else None
        except (ArchiveError, HarvestError) as error:
            self.exitcode = _say(Ending(exit_code(error), str(error)))
            return
        if files is None:
            self.exitcode = self._take(spider_class, words)
            return
        settings = [part for word in opts.set for part in ("-s", word)]
        given = [part for name, value in files.items() for part in ("-a", f"{name}={value}")]
        self.exitcode = run_steps(
            args[0],
            read,
            files,
            lambda: self._take(spider_class, words),
            lambda: run_again(["crawl", "files", *given, *settings]),
        )

    def _take(self, spider_class: Any, words: Mapping[str, str]) -> int:
        """Run a spider in this process, which can be done once."""
        process = self.crawler_process
        assert isinstance(process, CrawlerProcess | AsyncCrawlerProcess)
        crawler: Crawler = process.create_crawler(spider_class)
        failure: Any = run_crawler(process, crawler, words)
        return _say(ending_of(crawler, failure))


def _say(ending: Ending) -> int:
    if ending.sentence:
        print(f"harvester: {printable(ending.sentence)}", file=sys.stderr)
    return ending.code
