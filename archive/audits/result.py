"""The result of an audit: its numbers, the conditions under which two sides are complete, and declared totals.

A total that a provider or user declares is compared with what was counted.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archive.findings import Finding, finding
from archive.queries import Queries

_SQL = Queries(__package__)

_NAMES = {
    "ListRecords": "completeListSize",
    "ListIdentifiers": "completeListSize",
    "search": "search total",
    "dump": "rows of the dump",
}


@dataclass(frozen=True, slots=True)
class Total:
    """A total that was declared (`stated`), and the `counted` one. With `seen`, an old declaration, it only informs."""

    name: str
    stated: int
    counted: int
    seen: str | None = None

    @property
    def agrees(self) -> bool:
        return self.stated == self.counted


def list_totals(ledger: sqlite3.Connection, run: int | None) -> Iterator[Total]:
    """Yield the lengths that the lists of a census declared, or those of the last harvests if `run` is None."""
    for channel, verb, stated, counted, _ in ledger.execute(_SQL["audit_stated"], {"run": run}):
        if stated is not None:
            yield Total(f"{_NAMES[verb]}, {channel}", stated, counted)
    # the parts declare only their own size: what the list declared before it was split is compared with them too
    for channel, from_, until, stated, counted in ledger.execute(_SQL["audit_short_splits"], {"run": run}):
        bounds = f"{from_ or 'the beginning'} to {until or 'the end'}" if from_ or until else "the whole list"
        yield Total(f"completeListSize, {channel}, {bounds} before it was cut", stated, counted)


def list_doubts(ledger: sqlite3.Connection, run: int) -> Iterator[Finding]:
    """Yield the findings of a census that say why its list may be incomplete."""
    yield from (Finding(*row) for row in ledger.execute(_SQL["audit_doubts"], {"run": run}))


def disagreements(totals: Iterable[Total]) -> tuple[Finding, ...]:
    """Make a finding for each total that differs from the count."""
    return tuple(
        finding("total-differs", name=total.name, expected=total.stated, found=total.counted)
        if total.seen is None
        else finding("total-was", name=total.name, seen=total.seen, expected=total.stated, found=total.counted)
        for total in totals
        if not total.agrees
    )


SAME, MISSING, EXTRA, DIFFERS, UNTOLD, FORGOTTEN = "=", "+", "-", "*", "!", "~"
MARKS = (SAME, MISSING, EXTRA, DIFFERS, UNTOLD, FORGOTTEN)
GROUPS = ("set", "year", "type", "window")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Additional results of an audit: its numbers `by` some of GROUPS; `stated` totals, as (name, number, when)."""

    by: tuple[str, ...] = ()
    stated: tuple[tuple[str, int, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The numbers of an audit, in ids; an id that is in two channels counts as two.

    `stale` ids are on both sides with another datestamp, state or content; `unchecked` could not be compared, because
    the target was not listed to its end; `forgotten` are tombstones held here that the target no longer shows; `live`
    ids are named there and not as deleted. `reasons` says why ids are missing, `differences` how stale ones differ.
    `twice_here` ids are in one list of a harvest more than once, `twice_there` in one of the target. `balanced`: the
    account of the archive is, and no id is counted twice or not at all. `doubts` are findings of the census that listed
    the target: its list is not proven to be complete.
    """

    target: str
    expected: int
    held: int
    same: int
    missing: int
    extra: int
    stale: int
    unchecked: int
    forgotten: int
    reasons: dict[str, int]
    channels: dict[str, dict[str, int]]
    balanced: bool
    finished: bool
    lost_windows: int
    differences: dict[str, int] = field(default_factory=dict)
    live: int = 0
    twice_here: int = 0
    twice_there: int = 0
    totals: tuple[Total, ...] = ()
    by: dict[str, list[Row]] = field(default_factory=dict)
    doubts: tuple[Finding, ...] = ()

    @property
    def completeness(self) -> float:
        """Return the percentage of expected ids that are held in any version.

        It is 100.0 only if none is missing, and 0.0 if none is expected.
        """
        return percent_of(self.same + self.stale, self.expected)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the totals that disagree, and what kept the list of the target from being proven."""
        return (*disagreements(self.totals), *self.doubts)

    @property
    def complete(self) -> bool:
        """Return whether there are ids, both sides agree in each and in every total, and everything was requested."""
        clean = not (self.missing or self.extra or self.stale or self.unchecked or self.lost_windows)
        agreed = all(found.severity == "info" for found in self.findings)
        return clean and agreed and self.balanced and self.finished and self.expected > 0


def percent_of(part: int, whole: int) -> float:
    """Compute a percentage that is 100.0 only for the whole, and 0.0 of nothing, which proves nothing."""
    if not whole:
        return 0.0
    percent = 100 * part / whole
    return percent if part == whole else min(percent, 99.9999)
