"""Lists that were split: what each declared and returned before, and what its parts returned.

A list without a declared size may have broken off. The ledger knows where to request each such list again to detect it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archive.queries import Queries
from archive.store.ledger import Ledger

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class SplitList:
    """A window whose list was split, with all its parts settled; bounds are text as in the ledger.

    `listed` ids came before the split, `brought` ids are in its parts, `together` in either; `lacking` are those that
    came before and are in no other list of the run. `reason` says why the last unusable response was unusable.
    """

    window: int
    parent: int | None
    channel: int
    from_: str | None
    until: str | None
    end: str
    stated: int | None
    reason: str | None
    listed: int
    brought: int
    together: int
    lacking: tuple[str, ...]


def iter_splits(ledger: Ledger, run: int) -> Iterator[SplitList]:
    """Iterate over the lists that were split, parts before the lists that they are parts of."""
    db = ledger.db
    for window, *row in db.execute(_SQL["splits_windows"], {"run": run}).fetchall():
        for statement in _SQL["splits_ids"].split(";"):
            if statement.strip():
                db.execute(statement, {"window": window})
        counts: tuple[int, int, int] = db.execute(_SQL["splits_counts"]).fetchone()
        lacking = db.execute(_SQL["splits_lacking"], {"window": window}).fetchall()
        names = tuple(identifier for (identifier,) in lacking)
        yield SplitList(*(window, *row, *counts, names))


def named_and_open(ledger: Ledger, run: int) -> dict[int, list[str]]:
    """Map channels to ids that a list of identifiers showed and that nothing returned.

    The records in the window of that list could not be listed.
    """
    found: dict[int, list[str]] = {}
    for channel, identifier in ledger.db.execute(_SQL["splits_open"], {"run": run}):
        found.setdefault(channel, []).append(identifier)
    return found


def not_seen(ledger: Ledger, run: int, channel: int, identifiers: Iterable[str]) -> list[str]:
    """Select the ids that no response of a run has named in a channel, in their order."""
    db = ledger.db
    db.execute(_SQL["drop_shown"])
    db.execute(_SQL["create_shown"])
    db.executemany(_SQL["add_shown"], ((name,) for name in identifiers))
    return [name for (name,) in db.execute(_SQL["splits_not_seen"], {"run": run, "channel": channel})]


def lose(ledger: Ledger, window: int) -> None:
    """Mark a list that was split as lost: the next run with the same arguments lists it again."""
    with ledger.transaction():
        ledger.db.execute(_SQL["lose_window"], (window,))


def restate(ledger: Ledger, window: int, stated: int) -> None:
    """Store the size that the provider now declares for a list that was split."""
    with ledger.transaction():
        ledger.db.execute(_SQL["restate_window"], (stated, window))


@dataclass(frozen=True, slots=True)
class UnsizedList:
    """A finished list without a declared size: `listed` records on `pages`.

    `falls` says that no datestamp is later than the one before it. `edge` is the datestamp, as text, of its newest
    record, or of its oldest if they fall; if they both rise and fall, the one that its newest half page goes back to. A
    page of what lies beyond has room for records that the list lacks.
    """

    window: int
    pages: int
    listed: int
    falls: bool
    edge: str


def unsized_lists(ledger: Ledger, run: int, *, after: int = 0) -> list[UnsizedList]:
    """Read the finished lists of a run that may have broken off and were not listed again in parts.

    They had no declared size, and several pages or a round number of records. They come in the order of their windows,
    from the one after `after` on.
    """
    found = []
    lists = ledger.db.execute(_SQL["unsized_lists"], {"run": run, "after": after}).fetchall()
    for window, pages, listed, rises, falls in lists:
        only_falls = bool(falls) and not rises
        place = listed // pages // 2 if rises and falls else 0
        words = {"window": window, "place": place, "oldest": only_falls}
        (edge,) = ledger.db.execute(_SQL["unsized_edge"], words).fetchone()
        found.append(UnsizedList(window=window, pages=pages, listed=listed, falls=only_falls, edge=edge))
    return found
