"""Refuse what breaks the record contract, before it reaches the disk."""

from typing import Any

from harvester.records import Answer

STORED = frozenset({"read", "deleted"})


class ContractBroken(Exception):
    """A spider yielded something that must not be written: a defect of ours, never of the provider."""


class CheckPipeline:
    """Each outcome names an id; each record in the payload has its outcome, each outcome its record."""

    def process_item(self, item: Any) -> Any:
        if isinstance(item, Answer):
            check(item)
        return item


def check(answer: Answer) -> None:
    """Raises ContractBroken unless an answer's records and outcomes are the same, one for one."""
    if any(not outcome[0] for outcome in answer.outcomes):
        raise ContractBroken(f"an outcome without an identifier: {answer.url}")
    stored = sum(outcome[2] in STORED for outcome in answer.outcomes)
    texts = sum(count for _, count in answer.payload)
    if answer.bare and texts:
        raise ContractBroken(f"records in an answer that carries none: {answer.url}")
    if not answer.bare and stored != texts:
        raise ContractBroken(f"{stored} outcomes read or deleted, {texts} records: {answer.url}")
