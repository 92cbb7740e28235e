"""Audit a migration: each item of a source against the records of a target, matched by a rule.

Every item of the source ends in exactly one class, every record of the target in one of its own, and both sums are
compared with what the two sides declare that they hold (law 1, for two repositories).
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from archive.duck import translated_duckdb, working_database
from archive.errors import BadQuery
from archive.migrations.fields import Mapping
from archive.migrations.sides import Rule, Stock, Taking, iter_side, read_stock, side_line, source_taking, target_taking
from archive.queries import Queries
from archive.store import spilled

_SQL = Queries(__package__)

# an item of the source is in one of these; those after WITHDRAWN are no longer live there
MATCHED, MISSING, GONE, AMBIGUOUS, CONTESTED, UNKEYED, WITHDRAWN, KEPT = CLASSES = (
    "matched",
    "missing",
    "gone",
    "ambiguous",
    "contested",
    "unkeyed",
    "withdrawn",
    "kept",
)
CLAIMED, UNCLAIMED, DELETED = TARGET_CLASSES = ("claimed", "unclaimed", "deleted")
JUDGEMENTS = ("equal", "different", "only_old", "only_new", "neither", "uncompared")
BATCH_ROWS = 100_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FieldReport:
    """How the values of one mapped field agree over all pairs; `judgements` adds up to the matched items."""

    name: str
    how: tuple[str, ...]
    judgements: dict[str, int]

    @property
    def agreement(self) -> float | None:
        """Return the percentage of equal values in pairs where either side has one; None without any."""
        told = sum(self.judgements[name] for name in ("equal", "different", "only_old", "only_new"))
        return None if not told else _percent(self.judgements["equal"], told)


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """The numbers of a migration, in items of the source (`classes`) and records of the target (`targets`).

    `off` are sentences on sums that do not add up, of which a sound audit has none. `chains` counts by code what is
    wrong with chains of versions.
    """

    rule: str
    items: int
    records: int
    classes: dict[str, int]
    targets: dict[str, int]
    chains: dict[str, int]
    fields: tuple[FieldReport, ...]
    off: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        return not self.off

    @property
    def expected(self) -> int:
        """Count the items that are live in the source, and so should be in the target."""
        return self.items - self.classes[WITHDRAWN] - self.classes[KEPT]

    @property
    def completeness(self) -> float:
        """Return the percentage of expected items that were matched, each with a record of its own."""
        return _percent(self.classes[MATCHED], self.expected)

    @property
    def complete(self) -> bool:
        """Return whether every item is there, no withdrawn one is, chains are whole and mapped values agree."""
        differing = any(
            field.judgements["different"] + field.judgements["only_old"] + field.judgements["uncompared"]
            for field in self.fields
        )
        whole = self.classes[MATCHED] == self.expected > 0 and not self.classes[KEPT]
        return self.balanced and whole and not self.chains and not differing


@dataclass(frozen=True, slots=True)
class Migration:
    """Both sides, matched; open until its block ends."""

    report: MigrationReport
    db: duckdb.DuckDBPyConnection

    def lines(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield (class, item, targets) of every item, and `unclaimed` records of the target, in the order of items."""
        return self._rows("migration_lines")

    def first(self, class_: str, limit: int) -> list[tuple[str, str, str | None]]:
        """Return (item, local id, title) of some items of a class, or of records that nothing claims."""
        if class_ == UNCLAIMED:
            return self.db.execute(_SQL["migration_unclaimed"], {"limit": limit}).fetchall()
        return self.db.execute(_SQL["migration_first"], {"class": class_, "limit": limit}).fetchall()

    def missing(self) -> Iterator[str]:
        """Yield the local ids of items that are not in the target, each once."""
        return (name for (name,) in self._rows("migration_missing"))

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield (old URL, new URL) of matched items, each old one once."""
        return self._rows("migration_redirects")

    def unredirected(self) -> int:
        """Count the matched items without a redirect, because one side has no URL."""
        return _number(self.db, _SQL["migration_unredirected"])

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield (item, record of the target) of everything that the rule matched, ambiguous or not."""
        return self._rows("migration_pairs")

    def chains(self) -> list[tuple[str, str, str | None, list[int]]]:
        """Return (code, chain, item, positions) of what is wrong with chains; see the query `migration_chains`."""
        return self.db.execute(_SQL["migration_wrong_chains"]).fetchall()

    def by(self, what: str) -> dict[str, dict[str, int]]:
        """Count items in classes by type, year or set."""
        found: dict[str, dict[str, int]] = {}
        for name, class_, items in self.db.execute(_SQL[f"migration_by_{what}"]).fetchall():
            found.setdefault(name, dict.fromkeys(CLASSES, 0))[class_] = items
        return found

    def differences(self, field: int, limit: int) -> list[tuple[str, str, list[str], list[str]]]:
        """Return (item, target, old values, new values) of some pairs that differ in a field, counted from 0."""
        return self.db.execute(_SQL["migration_field_examples"], {"field": field, "limit": limit}).fetchall()

    def _rows(self, name: str) -> Iterator[Any]:
        rows = self.db.execute(_SQL[name])
        while batch := rows.fetchmany(10_000):
            yield from batch


@contextmanager
def migrated(
    source: Path, target: Path, rule: Rule, mapping: Mapping | None = None, progress: Progress | None = None
) -> Iterator[Migration]:
    """Match a source with a target, both archives with an index or releases; `mapping` names fields to compare.

    Raises as `iter_side`, and BadQuery for an expression that DuckDB refuses.
    """
    fields = mapping.fields if mapping else ()
    stocks = source_stock, target_stock = read_stock(source), read_stock(target)
    old_format, new_format = (mapping.old_format, mapping.new_format) if mapping else (None, None)
    with working() as (db, work), translated_duckdb(work):
        load_side(
            db=db,
            side="source",
            path=source,
            taking=source_taking(rule, old_format or source_stock.format, fields),
            work=work,
            stocks=stocks,
            progress=progress,
        )
        load_side(
            db=db,
            side="target",
            path=target,
            taking=target_taking(rule, new_format or target_stock.format, fields),
            work=work,
            stocks=stocks,
            progress=progress,
        )
        if rule.kind == "sql":
            _pair_by(db, rule.argument)
        else:
            db.execute(_SQL["migration_pair_keys"])
        db.execute(_SQL["migration_claims"])
        db.execute(_SQL["migration_classes"], {"needs_keys": rule.kind != "sql"})
        db.execute(_SQL["migration_chains"])
        if fields:
            db.execute(_SQL["migration_judge"], {"fields": len(fields)})
        yield Migration(_report(db, rule, stocks, mapping), db)


@contextmanager
def working() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Yield a database in a temporary folder, which is removed when the block ends."""
    work = Path(tempfile.mkdtemp(prefix="harvester-migration-"))
    try:
        with closing(working_database(work / "migration.duckdb")) as db:
            db.execute(_SQL["migration_tables"])
            yield db, work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def load_side(
    db: duckdb.DuckDBPyConnection,
    side: str,
    path: Path,
    taking: Taking,
    work: Path,
    stocks: Sequence[Stock],
    progress: Progress | None = None,
) -> None:
    """Read one side, `source` or `target`, into its tables. Progress is counted in items of both."""
    total = sum(stock.items for stock in stocks)
    before = stocks[0].items if side == "target" and len(stocks) > 1 else 0
    lines = (side_line(record, taking) for record in iter_side(path))
    load_lines(db, f"{side}", lines, work, lambda rows: progress and progress(before + rows, total))
    db.execute(_SQL[f"migration_items_{side}"], {"format": taking.format})


def load_lines(
    db: duckdb.DuckDBPyConnection,
    what: str,
    lines: Iterator[bytes],
    work: Path,
    advanced: Callable[[int], object] = lambda rows: None,
) -> None:
    """Load lines of JSON into the table source, target, log or matched, through files of limited size."""
    done = 0
    while (spill := spilled(itertools.islice(lines, BATCH_ROWS), what, work / what)).rows:
        longest = max(spill.longest + 1, 1 << 20)
        db.execute(_SQL[f"migration_load_{what}"], {"path": str(spill.path), "longest": longest})
        done += spill.rows
        advanced(done)


def _percent(part: int, whole: int) -> float:
    """Compute a percentage that is 100.0 only for the whole; 0.0 of nothing."""
    if not whole:
        return 0.0
    return 100.0 if part == whole else min(100 * part / whole, 99.9999)


def _pair_by(db: duckdb.DuckDBPyConnection, expression: str) -> None:
    """Add pairs for which an expression over `source` and `target` holds.

    The expression is the operator's SQL, and can read no file.
    """
    query = f"INSERT INTO pairs SELECT DISTINCT source.item, target.item FROM source JOIN target ON ({expression}\n)"
    try:
        if len(db.extract_statements(query)) != 1:
            raise BadQuery(f"{expression!r} is more than an expression; write one over source and target")
        db.execute("SET enable_external_access = false")
        db.execute(query)
    except duckdb.Error as cause:
        raise BadQuery(f"the rule sql:{expression} does not run: {str(cause).splitlines()[0]}") from cause


def _report(
    db: duckdb.DuckDBPyConnection, rule: Rule, stocks: tuple[Stock, Stock], mapping: Mapping | None
) -> MigrationReport:
    classes, targets = dict.fromkeys(CLASSES, 0), dict.fromkeys(TARGET_CLASSES, 0)
    for side, class_, items in db.execute(_SQL["migration_counts"]).fetchall():
        (classes if side == "source" else targets)[class_] = items
    source, target = stocks
    chains = dict(db.execute(_SQL["migration_chain_counts"]).fetchall())
    fields = _fields(db, mapping) if mapping else ()
    off = [
        f"the {side} holds {stock.items} items, {read} were read and {sum(counts.values())} ended in a class"
        for side, stock, read, counts in zip(("source", "target"), stocks, _loaded(db), (classes, targets), strict=True)
        if not stock.items == read == sum(counts.values())
    ]
    off += [
        f"{field.name} was judged {sum(field.judgements.values())} times for {classes[MATCHED]} pairs"
        for field in fields
        if sum(field.judgements.values()) != classes[MATCHED]
    ]
    return MigrationReport(
        rule=rule.text,
        items=source.items,
        records=target.items,
        classes=classes,
        targets=targets,
        chains=chains,
        fields=fields,
        off=tuple(off),
    )


def _fields(db: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[FieldReport, ...]:
    counts = [dict.fromkeys(JUDGEMENTS, 0) for _ in mapping.fields]
    for number, judgement, pairs in db.execute(_SQL["migration_judged"]).fetchall():
        counts[number][judgement] = pairs
    return tuple(FieldReport(field.name, field.how, told) for field, told in zip(mapping.fields, counts, strict=True))


def _loaded(db: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    [(source, target)] = db.execute(_SQL["migration_loaded"]).fetchall()
    return source, target


def _number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row: Any = db.execute(query).fetchone()
    return int(row[0])
