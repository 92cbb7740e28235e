"""What the ledger knows of records that came in bulk: dumps that were taken whole, and how far one was counted.

All of it is done by the thread that writes the ledger.
"""

from dataclasses import dataclass

from archive.ledger import Ledger
from archive.questions import question


@dataclass(frozen=True, slots=True)
class Dump:
    """A run that took a provider's own dump whole; `made` is when the provider made the oldest file of it."""

    run: int
    made: str


def newest_dump(ledger: Ledger) -> Dump | None:
    """The newest whole dump of all records, None without one: a list may go on from when it was made."""
    row = ledger.db.execute(question("exported_newest")).fetchone()
    return Dump(int(row[0]), str(row[1])) if row else None


def is_held(ledger: Ledger, channel: int, version: str) -> bool:
    """Whether every member of this version of a file was counted by a run that took the whole of it."""
    return ledger.db.execute(question("exported_held"), {"channel": channel, "version": version}).fetchone() is not None


def members_counted(ledger: Ledger, window: int) -> int:
    """How many members of a file have their outcome; they are its first ones."""
    return int(ledger.db.execute(question("exported_counted"), {"window": window}).fetchone()[0])


def distinct_in_run(ledger: Ledger, run: int) -> int:
    """How many different ids a run has met."""
    return int(ledger.db.execute(question("exported_distinct"), {"run": run}).fetchone()[0])


@dataclass(frozen=True, slots=True)
class EndedWindow:
    """How a window of a run stands: its state and end, the total that was stated, and the different ids it brought."""

    state: str
    end: str | None
    stated: int | None
    distinct: int


def windows_in_run(ledger: Ledger, run: int) -> list[EndedWindow]:
    """List the windows of a run, in the order in which they were opened."""
    return [EndedWindow(*row) for row in ledger.db.execute(question("exported_windows"), {"run": run})]


def listed_in_run(ledger: Ledger, run: int) -> dict[str, str]:
    """Map each id that a run has read to the last date that came with it, in the order in which ids came first."""
    return dict(ledger.db.execute(question("exported_listed"), {"run": run}))
