"""What an archive knows of ids, for who asks a sample of them: which there may be, and what is held of some.

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
    """Local ids that are one text followed by a number: from `first` to `last`, of which `ids` are known."""

    prefix: str
    first: int
    last: int
    ids: int

    @property
    def span(self) -> int:
        """How many numbers there are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """An id of a sample. `identifier` is as lists name it, None where only its number was drawn."""

    local_id: str
    identifier: str | None = None
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """What is here of an id: `held` is read, deleted or None; `state` that of the last harvest that asked, if any."""

    held: str | None = None
    state: str | None = None
    datestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Captures:
    """Records by the kinds of channel that showed them live.

    `left_out` are runs (number, what named its ids) that are no captures; `partial` are those (number, spider) that
    asked only for what is new, of a spider that never read all.
    """

    kinds: tuple[str, ...]
    cells: dict[Cell, int]
    left_out: tuple[tuple[int, str], ...]
    partial: tuple[tuple[int, str], ...]


class Knowledge:
    """The index of an archive, open; to be closed. Raises StaleIndex when there is none of its present state."""

    def __init__(self, folder: Path) -> None:
        self._db = open_index(folder)

    def close(self) -> None:
        self._db.close()

    def families(self) -> tuple[list[Family], int]:
        """Numbered ids by what stands before the number, and how many known ids there are in all."""
        rows = self._rows("sample_families")
        found = [Family(*row) for row in rows if row[0] is not None]
        return found, sum(row[3] for row in rows)

    def naming(self) -> tuple[str, str] | None:
        """What stands before a local id in the provider's lists, and the metadata prefix of the most read one."""
        rows = self._rows("sample_naming")
        return (rows[0][0], rows[0][1]) if rows else None

    def strata(self, by: str) -> dict[str, int]:
        """The number of known ids by `year`, by `set`, or all in one."""
        return dict(self._rows("sample_strata", by=by))

    def draw(self, by: str, seed: int, takes: Mapping[str, int]) -> list[Drawn]:
        """So many ids of each stratum at random."""
        parameters = {"by": by, "seed": str(seed), "strata": list(takes), "takes": list(takes.values())}
        return [Drawn(*row) for row in self._rows("sample_draw", **parameters)]

    def here(self, local_ids: Sequence[str], kinds: Sequence[str]) -> dict[str, Here]:
        """What is here of some ids; those that nothing has named are left out."""
        rows = self._rows("sample_here", ids=list(local_ids), kinds=list(kinds))
        return {local_id: Here(*rest) for local_id, *rest in rows}

    def _rows(self, name: str, **parameters: Any) -> list[Any]:
        return self._db.execute(_SQL[name], parameters).fetchall()


def read_captures(folder: Path) -> Captures:
    """The cells for `archive.captures.unseen`. Raises StaleIndex when there is no index of the present state."""
    with closing(open_index(folder, strict=True)) as db:
        rows = db.execute(_SQL["captures_cells"]).fetchall()
        left_out = [(run, ids) for run, _, ids in db.execute(_SQL["captures_left_out"]).fetchall()]
        partial = db.execute(_SQL["captures_partial"]).fetchall()
    kinds = tuple(sorted({kind for seen, _ in rows for kind in seen}))
    cells = {tuple(kind in seen for kind in kinds): ids for seen, ids in rows}
    return Captures(kinds, cells, tuple(left_out), tuple(partial))
