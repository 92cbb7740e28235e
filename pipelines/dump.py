"""Append records to the open shard."""

from typing import Any, Self

from scrapy.crawler import Crawler

from archive.errors import ArchiveError
from archive.store import Answer
from harvester.crawl import Batch, Keeper, KeeperStopped


class DumpPipeline:
    """Hands answers to the archive's writer; nothing is counted yet."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_item(self, item: Any) -> Any:
        if isinstance(item, Answer | Batch):
            spider: Any = self.crawler.spider
            keeper: Keeper = spider.keeper
            try:
                await keeper.do(keeper.writer.put, *(item.answers if isinstance(item, Batch) else (item,)))
            except KeeperStopped:
                pass
            except ArchiveError as error:
                spider.fail(error)
        return item
