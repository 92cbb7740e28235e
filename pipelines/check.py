"""Refuse what breaks the record contract, and mask what would give a secret away, before it reaches the disk."""

from collections.abc import Sequence
from typing import Any, Self

from scrapy.crawler import Crawler

from archive.store import Answer
from harvester.crawl import Batch
from harvester.http import Credentials


class ContractBroken(Exception):
    """A spider yielded something that must not be written: a defect of ours, never of the provider."""


class CheckPipeline:
    """Each outcome names an id; each record in the payload has its outcome, each outcome its record.

    The secret is masked in bodies before they come here (`harvester.http.middlewares`), in errors and URLs here.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        spider: Any = self.crawler.spider
        credentials: Credentials = spider.credentials
        if isinstance(item, Answer):
            check((item,))
            return credentials.clean_answer(item) if credentials.has_token else item
        if isinstance(item, Batch):
            check(item.answers)
            return Batch([*map(credentials.clean_answer, item.answers)]) if credentials.has_token else item
        return item


def check(answers: Sequence[Answer]) -> None:
    """Raises ContractBroken unless records and outcomes of answers that came together are the same, one for one."""
    stored = texts = 0
    for answer in answers:
        if any(not outcome.identifier for outcome in answer.outcomes):
            raise ContractBroken(f"an outcome without an identifier: {answer.url}")
        brought = sum(count for _, count in answer.payload)
        if answer.bare and brought:
            raise ContractBroken(f"records in an answer that carries none: {answer.url}")
        stored += 0 if answer.bare else sum(outcome.has_record for outcome in answer.outcomes)
        texts += brought
    if stored != texts:
        raise ContractBroken(f"{stored} outcomes read or deleted, {texts} records: {answers[0].url}")
