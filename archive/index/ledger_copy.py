"""Copy a ledger into DuckDB in bulk: SQLite writes the lines of CSV, and Python never sees a row.

Rows are appended to a ledger and never changed, so that pieces that are read one after the other are of one state.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb

from archive.disk import translated
from archive.queries import Queries
from archive.store import Layout, snapshot

_SQL = Queries(__package__)

# each piece is on the disk a second time until it is loaded: some 60 MB
PIECE_ROWS = 1_000_000
# SQLite releases the GIL; more readers than this would wait for DuckDB
READERS = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table, first and last included, or all of them, and the file they are written to."""

    table: str
    path: Path
    first: int | None = None
    last: int | None = None


def copy_ledger(
    db: duckdb.DuckDBPyConnection,
    layout: Layout,
    ledger: int,
    sides: Mapping[int, int],
    skipped: Sequence[int],
    work: Path,
    *,
    windows: bool = False,
) -> None:
    """Copy requests, outcomes and windows as those of ledger number `ledger`; `sides` has the side of each run.

    Rows that only `skipped` runs have are not even read.
    """
    values = [[ledger, run, side] for run, side in sides.items()]
    if values:
        db.executemany(_SQL["audit_add_run"], values)
    with snapshot(layout) as rows:
        (requests,), (outcomes,) = (
            rows.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()
            for key, table in (("request", "requests"), ("outcome", "outcomes"))
        )
        gaps = _left_out(rows.execute(_SQL["audit_runs"]).fetchall(), skipped)
    pieces = [Piece("windows", work / "windows")] if windows else []
    pieces += _pieces("requests", [Span(1, requests)], work)
    pieces += _pieces("outcomes", _without(Span(1, outcomes), gaps), work)
    for piece in _written(layout, pieces):
        db.execute(_SQL[f"audit_load_{piece.table}"], {"path": str(piece.path), "ledger": ledger})
        piece.path.unlink()


class Span(NamedTuple):
    """A range of numbers, both ends included."""

    first: int
    last: int

    def meets(self, other: "Span") -> bool:
        """Return whether a number is in both."""
        return self.first <= other.last and other.first <= self.last


def _left_out(runs: Sequence[tuple[int, str, str, int | None, int | None]], skipped: Sequence[int]) -> list[Span]:
    """Return the spans of outcomes of skipped runs, unless another run has outcomes in them."""
    spans = {run: Span(first, last) for run, _, _, first, last in runs if first is not None and last is not None}
    others = [span for run, span in spans.items() if run not in skipped]
    return [spans[run] for run in skipped if run in spans and not any(spans[run].meets(other) for other in others)]


def _without(span: Span, gaps: Sequence[Span]) -> list[Span]:
    """Split a span of numbers around the gaps."""
    parts, first = [], span.first
    for begin, end in sorted(gaps):
        if begin > first:
            parts.append(Span(first, begin - 1))
        first = max(first, end + 1)
    return [*parts, Span(first, span.last)] if first <= span.last else parts


def _pieces(table: str, spans: Sequence[Span], work: Path) -> list[Piece]:
    return [
        Piece(table, work / f"{table}-{start}", start, min(start + PIECE_ROWS - 1, last))
        for first, last in spans
        for start in range(first, last + 1, PIECE_ROWS)
    ]


def _written(layout: Layout, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield each piece in order once it is written, with only a few written ahead."""
    with ThreadPoolExecutor(READERS, thread_name_prefix="ledger") as pool:
        ahead: list[Future[Piece]] = []
        for piece in pieces:
            ahead.append(pool.submit(_write, layout, piece))
            if len(ahead) > READERS:
                yield ahead.pop(0).result()
        for done in ahead:
            yield done.result()


def _write(layout: Layout, piece: Piece) -> Piece:
    parameters = {} if piece.first is None else {"first": piece.first, "last": piece.last}
    with snapshot(layout) as ledger, translated(piece.path, "writing"):
        ledger.text_factory = bytes
        with piece.path.open("wb", buffering=1 << 20) as file:
            for (lines,) in ledger.execute(_SQL[f"audit_copy_{piece.table}"], parameters):
                file.write(lines)
                file.write(b"\n")
    return piece
