"""Ids that an archive knows, for sampling: which ids there may be, and what is held of some.

All of it comes from the index.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from archive.audits.loglinear import Cell
from archive.index import open_index
from archive.queries import Queries

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class Family:
    """Local ids that are the same text followed by a number: from `first` to `last`, of which `ids` are known."""

    prefix: str
    first: int
    last: int
    ids: int

    @property
    def span(self) -> int:
        """Return how many numbers the range has."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """An id of a sample. `identifier` is as lists name it, None if only its number was drawn."""

    local_id: str
    identifier: str | None = None
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """Holdings of an id: `held` is read, deleted or None.

    `state` is that of the last harvest that requested it, if any.
    """

    held: str | None = None
    state: str | None = None
    datestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Captures:
    """Records by the kinds of channel that showed them live.

    `left_out` are runs (number, what named its ids) that are not captures; `partial` are those (number, spider) that
    requested only what is new, of a spider that never read all.
    """

    kinds: tuple[str, ...]
    cells: dict[Cell, int]
    left_out: tuple[tuple[int, str], ...]
    partial: tuple[tuple[int, str], ...]


class Knowledge:
    """The open index of an archive; close it. Raises StaleIndex if there is no current index."""

    def __init__(self, folder: Path) -> None:
        self._db = open_index(folder)

    def close(self) -> None:
        self._db.close()

    def families(self) -> tuple[list[Family], int]:
        """Return numbered ids by what precedes the number, and the total of known ids."""
        rows = self._rows("sample_families")
        found = [Family(*row) for row in rows if row[0] is not None]
        return found, sum(ids for *_, ids in rows)

    def naming(self) -> tuple[str, str] | None:
        """Return what precedes a local id in the provider's lists, and the metadata prefix read most."""
        rows = self._rows("sample_naming")
        return next(((before, prefix) for before, prefix in rows), None)

    def strata(self, by: str) -> dict[str, int]:
        """Count the known ids by `year`, by `set`, or all in one."""
        return dict(self._rows("sample_strata", by=by))

    def draw(self, by: str, seed: int, takes: Mapping[str, int]) -> list[Drawn]:
        """Draw ids at random, as many from each stratum as `takes` says."""
        parameters = {"by": by, "seed": str(seed), "strata": list(takes), "takes": list(takes.values())}
        return [Drawn(*row) for row in self._rows("sample_draw", **parameters)]

    def here(self, local_ids: Sequence[str], kinds: Sequence[str]) -> dict[str, Here]:
        """Look up what is held of some ids; those that nothing has named are left out."""
        rows = self._rows("sample_here", ids=list(local_ids), kinds=list(kinds))
        return {local_id: Here(*rest) for local_id, *rest in rows}

    def _rows(self, name: str, **parameters: Any) -> list[Any]:
        return self._db.execute(_SQL[name], parameters).fetchall()


def read_captures(folder: Path) -> Captures:
    """Read the cells for `unseen`. Raises StaleIndex if there is no current index."""
    with closing(open_index(folder, strict=True)) as db:
        rows = db.execute(_SQL["captures_cells"]).fetchall()
        left_out = [(run, ids) for run, _, ids in db.execute(_SQL["captures_left_out"]).fetchall()]
        partial = db.execute(_SQL["captures_partial"]).fetchall()
    kinds = tuple(sorted({kind for seen, _ in rows for kind in seen}))
    cells = {tuple(kind in seen for kind in kinds): ids for seen, ids in rows}
    return Captures(kinds, cells, tuple(left_out), tuple(partial))
