"""Totals that somebody states, held against what was counted."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archive.findings import Finding, finding
from archive.questions import question

_NAMES = {"ListRecords": "completeListSize", "ListIdentifiers": "completeListSize", "search": "search total",
          "dump": "rows of the dump"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """`stated` by somebody, `counted` here. `seen` is when it was stated, where that was long ago: it only informs."""

    name: str
    stated: int
    counted: int
    seen: str | None = None

    @property
    def agrees(self) -> bool:
        return self.stated == self.counted


def list_totals(ledger: sqlite3.Connection, run: int | None) -> Iterator[Total]:
    """What the lists of a census said of their length, or those of the last harvests when `run` is None."""
    for channel, verb, stated, counted, _ in ledger.execute(question("audit_stated"), {"run": run}):
        if stated is not None:
            yield Total(f"{_NAMES[verb]}, {channel}", stated, counted)
    # the parts state only what they have: what the list before them stated is held against them as well
    for channel, from_, until, stated, counted in ledger.execute(question("audit_short_splits"), {"run": run}):
        bounds = f"{from_ or 'the beginning'} to {until or 'the end'}" if from_ or until else "the whole list"
        yield Total(f"completeListSize, {channel}, {bounds} before it was cut", stated, counted)


def list_doubts(ledger: sqlite3.Connection, run: int) -> Iterator[Finding]:
    """Iterate over the findings of a census that say why its list may not be all."""
    yield from (Finding(*row) for row in ledger.execute(question("audit_doubts"), {"run": run}))


def disagreements(totals: Iterable[Total]) -> tuple[Finding, ...]:
    """A finding for each total that is not what was counted."""
    return tuple(
        finding("total-differs", name=total.name, expected=total.stated, found=total.counted)
        if total.seen is None
        else finding("total-was", name=total.name, seen=total.seen, expected=total.stated, found=total.counted)
        for total in totals
        if not total.agrees
    )
