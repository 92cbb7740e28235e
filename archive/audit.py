"""An audit: every id that a target names against every id that an archive lists, in one pass.

The archive's side comes from its ledger, whose outcomes are one for one with the records in the shards (law 1,
checked by the account). Both sides go through files into DuckDB, which needs little memory for 100 million ids.
"""

import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson

from archive.account import read_account
from archive.crosswalks.identifiers import local_id
from archive.folder import Layout, read_description
from archive.idfiles import iter_ids
from archive.index import MEMORY_LIMIT
from archive.questions import question
from archive.reading import snapshot
from archive.spill import spilled

# rows of some 150 bytes that are on their way at a time
BATCH_ROWS = 200_000
SAME, MISSING, EXTRA, DIFFERS, UNTOLD, FORGOTTEN = "=", "+", "-", "*", "!", "~"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The numbers of an audit, in ids; one that is in two channels counts as two.

    `stale` ids are on both sides with another datestamp or state; `unchecked` could not be told, because the target
    was not listed to its end; `forgotten` are tombstones held here that the target no longer shows. `reasons` says
    why ids are missing. `balanced`: the account of the archive is, and no id is counted twice or not at all.
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

    @property
    def completeness(self) -> float:
        """Percent of the expected ids that are held in any version; 100.0 only when none is missing."""
        if not self.expected:
            return 100.0
        percent = 100 * (self.same + self.stale) / self.expected
        return percent if not self.missing else min(percent, 99.9999)

    @property
    def complete(self) -> bool:
        """Whether both sides agree in every id, and nothing was left unasked."""
        clean = not (self.missing or self.extra or self.stale or self.unchecked or self.lost_windows)
        return clean and self.balanced and self.finished


@dataclass(slots=True)
class Comparison:
    """Both sides compared; open until its block ends."""

    target: str
    finished: bool
    account_balanced: bool
    lost_windows: int
    db: duckdb.DuckDBPyConnection
    report: AuditReport = field(init=False)

    def lines(self) -> Iterator[tuple[str, str, str, str | None]]:
        """(channel, mark, identifier, reason) of every id, in the order of identifiers."""
        rows = self.db.execute(question("audit_lines"))
        while batch := rows.fetchmany(10_000):
            yield from batch

    def first(self, mark: str, limit: int = 10) -> list[Row]:
        """Some ids of one mark, with both sides."""
        rows = self.db.execute(question("audit_first"), {"mark": mark, "limit": limit})
        names = [column[0] for column in rows.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


@contextmanager
def against_ledger(folder: Path) -> Iterator[Comparison]:
    """Every id that was listed or asked for, against what is held."""
    with _compared(folder, "ledger", lambda db, _: db.execute(question("audit_want_listed"))) as comparison:
        yield comparison


@contextmanager
def against_census(folder: Path, target: str, census: Path, run: int, *, finished: bool) -> Iterator[Comparison]:
    """What census `run` of the archive at `census` listed, which may be the same archive, against what is held."""
    read_description(census)
    with snapshot(Layout(census)) as ledger:
        rows = _rows(ledger, "audit_census", run=run)
        with _compared(folder, target, lambda db, work: _fill(db, "wanted", rows, work), finished=finished) as found:
            yield found


@contextmanager
def against_archive(folder: Path, other: Path) -> Iterator[Comparison]:
    """What another archive holds, against what is held here; channels are matched by prefix and set."""
    read_description(other)
    with snapshot(Layout(other)) as ledger:
        rows = _rows(ledger, "audit_held")
        with _compared(folder, str(other), lambda db, work: _fill(db, "wanted", rows, work)) as found:
            yield found


@contextmanager
def against_file(folder: Path, path: Path) -> Iterator[Comparison]:
    """The ids in a file, against what is held in any channel.

    They are compared with identifiers as the provider writes them; when none of the file's ids looks like one
    (no colon), with the local part of the identifiers.
    """
    local = not any(":" in wanted.identifier for wanted, _ in zip(iter_ids(path), range(10_000), strict=False))
    key = local_id if local else str
    rows = (
        {"channel": "", "identifier": w.identifier, "datestamp": w.datestamp, "deleted": w.deleted, "place": place}
        for place, w in enumerate(iter_ids(path))
    )
    with _compared(folder, str(path), lambda db, work: _fill(db, "wanted", rows, work), key=key) as found:
        yield found


@contextmanager
def _compared(
    folder: Path,
    target: str,
    want: Callable[[duckdb.DuckDBPyConnection, Path], object],
    *,
    finished: bool = True,
    key: Callable[[str], str | None] | None = None,
) -> Iterator[Comparison]:
    """Load both sides and join them, in a temporary folder inside the archive; `key` compares ids across channels."""
    read_description(folder)
    balanced = read_account(folder).balanced
    work = Path(tempfile.mkdtemp(prefix=".audit-", dir=folder))
    try:
        with snapshot(Layout(folder)) as ledger, closing(_connect(work)) as db:
            db.execute(question("audit_tables"))
            rows = _rows(ledger, "audit_outcomes")
            _fill(db, "outcomes", rows if key is None else _keyed(rows, key), work)
            want(db, work)
            db.execute(question("audit_compare"), {"finished": finished})
            comparison = Comparison(target, finished, balanced, _lost_windows(ledger), db)
            comparison.report = _report(comparison)
            yield comparison
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _connect(work: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT, "temp_directory": str(work / "spill"), "preserve_insertion_order": False,
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    }  # fmt: skip
    return duckdb.connect(str(work / "audit.duckdb"), config=config)


def _rows(ledger: sqlite3.Connection, name: str, **parameters: int) -> Iterator[Row]:
    rows = ledger.execute(question(name), parameters)
    names = [column[0] for column in rows.description]
    for row in rows:
        yield dict(zip(names, row, strict=True))


def _keyed(rows: Iterable[Row], key: Callable[[str], str | None]) -> Iterator[Row]:
    """Outcomes of all channels as one, by the local part of their ids where that is what is compared."""
    for row in rows:
        yield {**row, "channel": "", "identifier": key(row["identifier"]) or row["identifier"]}


def _fill(db: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Row], work: Path) -> None:
    """Bring rows into a table, through files of so many lines at a time."""
    lines = (orjson.dumps(_typed(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    while (spill := spilled(itertools.islice(lines, BATCH_ROWS), table, work / table)).rows:
        longest = max(spill.longest, 1 << 20)
        db.execute(question(f"audit_load_{table}"), {"path": str(spill.path), "longest": longest})


def _typed(row: Row) -> Row:
    """SQLite has no booleans."""
    return {**row, "deleted": bool(row["deleted"])} if isinstance(row.get("deleted"), int) else row


def _lost_windows(ledger: sqlite3.Connection) -> int:
    """Windows of the last harvest whose list could not be had, or not yet: what is in them nobody knows."""
    row = ledger.execute(
        "SELECT count(*) FROM windows WHERE state IN ('lost', 'open') "
        "AND run = (SELECT max(run) FROM runs WHERE mode <> 'census')"
    ).fetchone()
    return int(row[0])


def _report(comparison: Comparison) -> AuditReport:
    rows: Sequence[tuple[str, str, str | None, int]] = comparison.db.execute(question("audit_counts")).fetchall()
    marks = dict.fromkeys((SAME, MISSING, EXTRA, DIFFERS, UNTOLD, FORGOTTEN), 0)
    reasons: dict[str, int] = {}
    channels: dict[str, dict[str, int]] = {}
    for channel, mark, reason, ids in rows:
        marks[mark] += ids
        channels.setdefault(channel, {}).setdefault(mark, 0)
        channels[channel][mark] += ids
        if reason is not None:
            reasons[reason] = reasons.get(reason, 0) + ids
    expected = _count(comparison, "SELECT count(*) FROM (SELECT DISTINCT channel, identifier FROM wanted)")
    held = _count(
        comparison,
        "SELECT count(*) FROM (SELECT DISTINCT channel, identifier FROM outcomes WHERE state IN ('read', 'deleted'))",
    )
    balanced = (
        comparison.account_balanced
        and expected == marks[SAME] + marks[MISSING] + marks[DIFFERS]
        and held == marks[SAME] + marks[DIFFERS] + marks[EXTRA] + marks[UNTOLD] + marks[FORGOTTEN]
    )
    return AuditReport(
        comparison.target, expected, held, marks[SAME], marks[MISSING], marks[EXTRA], marks[DIFFERS], marks[UNTOLD],
        marks[FORGOTTEN], reasons, channels, balanced, comparison.finished, comparison.lost_windows,
    )  # fmt: skip


def _count(comparison: Comparison, query: str) -> int:
    row = comparison.db.execute(query).fetchone()
    assert row is not None
    return int(row[0])
