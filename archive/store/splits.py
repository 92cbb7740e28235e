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
    """A window whose list was cut, with all its parts settled; bounds are text as in the ledger.

    `listed` ids came before it was cut, `brought` ids are in its parts, `together` in either; `lacking` are those that
    came before and are in no other list of the run. `reason` says why the last answer that was unusable was so.
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
    """Read the lists that were cut, parts before the lists that they are parts of."""
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
    """Read the ids that a list of names showed in a window whose records could not be listed, and nothing brought."""
    found: dict[int, list[str]] = {}
    for channel, identifier in ledger.db.execute(_SQL["splits_open"], {"run": run}):
        found.setdefault(channel, []).append(identifier)
    return found


def not_seen(ledger: Ledger, run: int, channel: int, identifiers: Iterable[str]) -> list[str]:
    """Select the ids that no answer of a run has named in a channel, in their order."""
    db = ledger.db
    db.execute(_SQL["drop_shown"])
    db.execute(_SQL["create_shown"])
    db.executemany(_SQL["add_shown"], ((name,) for name in identifiers))
    return [name for (name,) in db.execute(_SQL["splits_not_seen"], {"run": run, "channel": channel})]


def lose(ledger: Ledger, window: int) -> None:
    """Leave a list that was cut as lost: the next run of the same words lists it again."""
    with ledger.transaction():
        ledger.db.execute(_SQL["lose_window"], (window,))


def restate(ledger: Ledger, window: int, stated: int) -> None:
    """Keep the size that the provider states now for a list that was cut."""
    with ledger.transaction():
        ledger.db.execute(_SQL["restate_window"], (stated, window))


@dataclass(frozen=True, slots=True)
class UnsizedList:
    """A finished list: `listed` records on `pages`; `falls` says that no datestamp is later than the one before it.

    `edge` is the datestamp, as text, of its newest record, of its oldest one where they fall; where they do both, that
    to which its newest half page goes back. A page of what lies beyond has room for records that the list lacks.
    """

    window: int
    pages: int
    listed: int
    falls: bool
    edge: str


def unsized_lists(ledger: Ledger, run: int, *, after: int = 0) -> list[UnsizedList]:
    """Read the finished lists of a run that may have broken off and were not listed again in parts.

    These had no stated size, and several pages or a round number of records. They come in the order of their windows,
    from the one behind `after` on.
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
