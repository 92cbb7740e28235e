"""`scrapy crawl` with the exit codes of the contract: Scrapy itself ends with 0 in every lossy run."""

import argparse
import sys
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler, CrawlerProcess
from scrapy.exceptions import UsageError

from harvester.crawling import Ending, ending_of, run_crawler


class Command(ScrapyCrawl):
    """Run one spider; what it ended as is the exit code, and one line on stderr says why."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: scrapy crawl SPIDER -a name=value")
        assert isinstance(self.crawler_process, CrawlerProcess | AsyncCrawlerProcess)
        try:
            spider_class = self.crawler_process.spider_loader.load(args[0])
        except KeyError:
            self.exitcode = _say(Ending(2, f"there is no spider {args[0]}; see scrapy list"))
            return
        crawler: Crawler = self.crawler_process.create_crawler(spider_class)
        failure: Any = run_crawler(self.crawler_process, crawler, opts.spargs)
        self.exitcode = _say(ending_of(crawler, failure))


def _say(ending: Ending) -> int:
    if ending.sentence:
        print(f"harvester: {ending.sentence}", file=sys.stderr)
    return ending.code
