"""Compare an uploader's own log with what the target holds: only the target knows the truth.

Every item ends in one class; the log's own sums follow from the classes: what it says is done is `done`,
`false_success` and those of `removed`, so that found - said = false failures - false successes, and the difference of
two totals alone reveals neither.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from archive.duck import translated_duckdb
from archive.migrations.log import LogLine, Wording, iter_log
from archive.migrations.match import Progress, load_lines, load_side, working
from archive.migrations.sides import log_taking, planned_taking, read_stock
from archive.queries import Queries

_SQL = Queries(__package__)

UPLOAD_CLASSES = ("done", "failed", "false_failure", "false_success", "never_tried", "unlogged", "removed")
# what a log says of an item
SAID = ("done", "failed", "pending", "unsaid")


@dataclass(frozen=True, slots=True)
class UploadReport:
    """The numbers of a log, in items; `table` has those of each class by what the log says (`SAID`).

    `things` are live records of the target, versions of one thing counted once: `found` of them are known to the log,
    `shared` of those match several items. `twice` items were uploaded more than once, which left `copies` too many.
    `reasons` are (items, false failures) by the log's reason for a failure.
    """

    lines: int
    items: int
    planned: int
    table: dict[str, dict[str, int]]
    things: int
    found: int
    shared: int
    twice: int
    copies: int
    reasons: dict[str, tuple[int, int]]
    off: tuple[str, ...]

    @property
    def classes(self) -> dict[str, int]:
        """Count the items of each class."""
        return {name: sum(row[name] for row in self.table.values()) for name in UPLOAD_CLASSES}

    @property
    def said_done(self) -> int:
        """Count what the log says that the target holds."""
        return sum(self.table["done"].values())

    @property
    def there(self) -> int:
        """Count the items that the target holds."""
        classes = self.classes
        return classes["done"] + classes["false_failure"] + classes["unlogged"]

    @property
    def balanced(self) -> bool:
        return not self.off

    @property
    def completeness(self) -> float:
        """Return the percentage of items that are there; 100.0 only if all are, 0.0 without items."""
        total = sum(self.classes.values())
        if not total:
            return 0.0
        return 100.0 if self.there == total else min(100 * self.there / total, 99.9999)

    @property
    def truthful(self) -> bool:
        """Return whether all items are there, each once, and the log says so."""
        return self.balanced and self.classes["done"] == sum(self.classes.values()) > 0 and not self.copies


@dataclass(frozen=True, slots=True)
class Uploads:
    """A compared log; open until its block ends."""

    report: UploadReport
    db: duckdb.DuckDBPyConnection

    def lines(self) -> Iterator[tuple[str, str, int, int | None, list[str]]]:
        """Yield (class, item, copies, first line of the log, records), in the order of items."""
        yield from self._rows("uploads_lines")

    def again(self) -> Iterator[str]:
        """Yield the items to upload, or to upload again."""
        return (item for (item,) in self._rows("uploads_again"))

    def first(self, class_: str, limit: int) -> list[tuple[str, int | None, str | None]]:
        """Return (item, line, reason) of some items of a class."""
        return self.db.execute(_SQL["uploads_first"], {"class": class_, "limit": limit}).fetchall()

    def twice(self, limit: int) -> list[tuple[str, int, list[str]]]:
        """Return (item, copies, records) of some items that were uploaded more than once."""
        return self.db.execute(_SQL["uploads_twice"], {"limit": limit}).fetchall()

    def _rows(self, name: str) -> Iterator[Any]:
        rows = self.db.execute(_SQL[name])
        while batch := rows.fetchmany(10_000):
            yield from batch


@contextmanager
def uploaded(
    log: Path,
    wording: Wording,
    target: Path,
    planned: Path | None = None,
    progress: Progress | None = None,
    *,
    matched: Iterator[tuple[str, str]] | None = None,
) -> Iterator[Uploads]:
    """Compare a log with a target; `planned` holds the records that were to be uploaded, None if only the log knows.

    `matched` are pairs of a planned record and one of the target that a rule found: they count besides those that share
    a name. Both are archives with an index, or releases. Raises BadIdFile, and as `iter_side`.
    """
    stocks = [read_stock(path) for path in (planned, target) if path is not None]
    with working() as (db, work), translated_duckdb(work):
        counted = _Counted()
        load_lines(db, "log", (log_line(line) for line in counted.over(iter_log(log, wording))), work)
        if planned is not None:
            load_side(
                db=db,
                side="source",
                path=planned,
                taking=planned_taking(stocks[0].format),
                work=work,
                stocks=stocks,
                progress=progress,
            )
        load_side(
            db=db,
            side="target",
            path=target,
            taking=log_taking(stocks[-1].format),
            work=work,
            stocks=stocks,
            progress=progress,
        )
        for name in ("uploads_planned", "uploads_items", "uploads_pairs"):
            db.execute(_SQL[name])
        if matched is not None:
            load_lines(db, "matched", (orjson.dumps(pair, option=orjson.OPT_APPEND_NEWLINE) for pair in matched), work)
        db.execute(_SQL["uploads_classes"])
        yield Uploads(_report(db, counted.lines, stocks[-1].items), db)


def log_line(line: LogLine) -> bytes:
    """Encode a row of the log as a line of JSON: see the query `migration_tables`."""
    row = {
        "line": line.line,
        "item": line.item,
        "said": line.said,
        "reason": line.reason,
        "keys": line.keys,
        "targets": line.targets,
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


class _Counted:
    """Counts the lines that pass through, for a comparison with what was loaded."""

    def __init__(self) -> None:
        self.lines = 0

    def over(self, lines: Iterator[LogLine]) -> Iterator[LogLine]:
        for line in lines:
            self.lines += 1
            yield line


def _report(db: duckdb.DuckDBPyConnection, read: int, records: int) -> UploadReport:
    table = {said: dict.fromkeys(UPLOAD_CLASSES, 0) for said in SAID}
    twice = copies = 0
    for said, class_, items, repeated, more in db.execute(_SQL["uploads_counts"]).fetchall():
        table[said or "unsaid"][class_] = items
        twice, copies = twice + repeated, copies + more
    totals: Any = db.execute(_SQL["uploads_totals"]).fetchone()
    lines, items, things, found, shared = map(int, totals)
    reasons = {name: (all_, false) for name, all_, false in db.execute(_SQL["uploads_reasons"]).fetchall()}
    planned = sum(table["unsaid"].values())
    report = UploadReport(
        lines=lines,
        items=items,
        planned=planned,
        table=table,
        things=things,
        found=found,
        shared=shared,
        twice=twice,
        copies=copies,
        reasons=reasons,
        off=(),
    )
    off = tuple(_off(report, read, records, _items_read(db)))
    return UploadReport(
        lines=lines,
        items=items,
        planned=planned,
        table=table,
        things=things,
        found=found,
        shared=shared,
        twice=twice,
        copies=copies,
        reasons=reasons,
        off=off,
    )


def _items_read(db: duckdb.DuckDBPyConnection) -> int:
    [(_, target)] = db.execute(_SQL["migration_loaded"]).fetchall()
    return int(target)


def _off(report: UploadReport, read: int, records: int, loaded: int) -> Iterator[str]:
    """Yield sentences on sums that do not add up."""
    said = sum(sum(row.values()) for name, row in report.table.items() if name != "unsaid")
    net = report.there - report.said_done
    false = report.classes["false_failure"] - report.classes["false_success"]
    other = report.classes["unlogged"] - report.table["done"]["removed"]
    sums: tuple[tuple[str, int, int], ...] = (
        ("lines of the log read, and compared", read, report.lines),
        ("items of the log, and those that ended in a class", report.items, said),
        ("records of the target, and those read", records, loaded),
        ("found less said, and false failures less false successes", net, false + other),
        ("copies found, and records they are of", report.there + report.copies, report.found)
        if not report.shared
        else ("", 0, 0),
    )
    return (f"{what}: {one} and {other_}" for what, one, other_ in sums if one != other_)
