"""Refuse what breaks the record contract, before it reaches the disk."""

from collections.abc import Sequence
from typing import Any

from harvester.records import Answer, Batch

STORED = frozenset({"read", "deleted"})


class ContractBroken(Exception):
    """A spider yielded something that must not be written: a defect of ours, never of the provider."""


class CheckPipeline:
    """Each outcome names an id; each record in the payload has its outcome, each outcome its record."""

    def process_item(self, item: Any) -> Any:
        if isinstance(item, Answer):
            check((item,))
        elif isinstance(item, Batch):
            check(item.answers)
        return item


def check(answers: Sequence[Answer]) -> None:
    """Raises ContractBroken unless records and outcomes of answers that came together are the same, one for one."""
    stored = texts = 0
    for answer in answers:
        if any(not outcome[0] for outcome in answer.outcomes):
            raise ContractBroken(f"an outcome without an identifier: {answer.url}")
        brought = sum(count for _, count in answer.payload)
        if answer.bare and brought:
            raise ContractBroken(f"records in an answer that carries none: {answer.url}")
        stored += 0 if answer.bare else sum(outcome[2] in STORED for outcome in answer.outcomes)
        texts += brought
    if stored != texts:
        raise ContractBroken(f"{stored} outcomes read or deleted, {texts} records: {answers[0].url}")
