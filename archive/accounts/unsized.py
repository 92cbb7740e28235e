"""Lists without a stated size, and where to request each again to detect that it broke off."""

from dataclasses import dataclass

from archive.ledger import Ledger
from archive.questions import question


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
    lists = ledger.db.execute(question("unsized_lists"), {"run": run, "after": after}).fetchall()
    for window, pages, listed, rises, falls in lists:
        only_falls = bool(falls) and not rises
        place = listed // pages // 2 if rises and falls else 0
        words = {"window": window, "place": place, "oldest": only_falls}
        (edge,) = ledger.db.execute(question("unsized_edge"), words).fetchone()
        found.append(UnsizedList(window=window, pages=pages, listed=listed, falls=only_falls, edge=edge))
    return found
