"""Validate the records of an archive: against the schemas that they declare, and representations against each other.

Shards are read in worker processes, every record against its outcome. Results go through files into a database in the
archive's folder, which finds the latest version of each record. Nothing is changed, and memory use does not depend on
the number of records.

Two representations of one id disagree only if they describe different things: markup, entities, case, white space,
the precision of dates, the order of titles and missing values are no disagreement.
"""

import html
import re
import shutil
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import combinations, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson

from archive.conversions.schemas import Fault, Schemas, XmlSchemas, declared
from archive.crosswalks import Claims, claims_of, local_id
from archive.disk import spread
from archive.duck import working_database
from archive.findings import Finding, finding
from archive.queries import Queries
from archive.store import (
    FramesToSpill,
    Layout,
    Record,
    ShardToRead,
    Spill,
    frames_to_spill,
    kept_in,
    matched,
    newest_of,
    read_description,
    read_looks,
    shards,
    snapshot,
    spilled,
)

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A field, and the shortened values of each representation (by format)."""

    field: str
    values: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "; ".join(f"{format_} says {value}" for format_, value in self.values)


def disagreements(representations: Sequence[tuple[str, Claims]]) -> Iterator[Disagreement]:
    """Yield what the representations of one id, as (format, claims), disagree about."""
    for field, values_of, agree in _FIELDS:
        said = [(format_, values_of(claims)) for format_, claims in representations if values_of(claims)]
        if any(not agree(one, other) for (_, one), (_, other) in combinations(said, 2)):
            yield Disagreement(field, tuple((format_, " | ".join(values)[:200]) for format_, values in said))


def same_dois(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether both have a common DOI: Dublin Core does not distinguish DOIs of versions and concepts."""
    return not set(one).isdisjoint(other)


def same_titles(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether both have a common title, by letters and digits alone."""
    return not {letters(title) for title in one}.isdisjoint(letters(title) for title in other)


def same_dates(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a date of one equals, or is a part of, a date of the other: 2020 and 2020-01-05."""
    return any(a.startswith(b) or b.startswith(a) for a in one for b in other)


def letters(text: str) -> str:
    """Return the letters and digits of a text in one case, without markup; all of it if it has neither."""
    plain = re.sub(r"<[^<>]*>", " ", html.unescape(html.unescape(text)))
    squashed = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", plain).casefold())
    return squashed or text


_FIELDS: tuple[tuple[str, Callable[[Claims], Sequence[str]], Callable[[Sequence[str], Sequence[str]], bool]], ...] = (
    ("DOI", lambda claims: claims.dois, same_dois),
    ("title", lambda claims: claims.titles, same_titles),
    ("date", lambda claims: claims.dates, same_dates),
)


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """Records of a format that declare one version: `schema` is what they were validated against, None if nothing."""

    format: str
    declared: str | None
    schema: str | None
    records: int
    invalid: int
    first: str


@dataclass(frozen=True, slots=True)
class Line:
    """One fault of one record."""

    code: str
    identifier: str
    format: str
    place: str
    message: str


@dataclass(slots=True)
class ValidateReport:
    """The findings, grouped. `records` are live ones, each once; `compared` ids have several formats."""

    path: Path
    checked: tuple[Checked, ...] = ()
    findings: tuple[Finding, ...] = ()
    compared: int = 0
    disagreeing: int = 0

    @property
    def records(self) -> int:
        return sum(one.records for one in self.checked)

    @property
    def invalid(self) -> int:
        return sum(one.invalid for one in self.checked)


class Validation:
    """A validation whose results can be read until it is closed."""

    def __init__(self, report: ValidateReport, db: duckdb.DuckDBPyConnection) -> None:
        self.report = report
        self._db = db

    def lines(self) -> Iterator[Line]:
        """Yield all faults, record by record, then all disagreements, id by id."""
        for identifier, format_, _, place, _, message in _rows(self._db, "validate_faults"):
            yield Line("schema-invalid", identifier, format_, place, message)
        for identifier, formats, found in _disagreeing(self._db):
            if found is not None:
                yield Line("representations-disagree", identifier, ",".join(formats), found.field, str(found))


@contextmanager
def validated(folder: Path, schemas: Path | None = None, progress: Progress | None = None) -> Iterator[Validation]:
    """Validate an archive, also during a harvest: what was counted when it started.

    `schemas` is a folder of JSON schemas, XML schemas, or both. `progress` is called with the records read so far and
    their number. Raises NoSchemas, NotAnArchive; Damaged if a shard is not what was written.
    """
    read_description(folder)
    Schemas(schemas)  # raises before anything is read if schemas are missing
    work = Path(tempfile.mkdtemp(prefix=".validate-", dir=folder))
    try:
        with closing(_connect(work)) as db:
            _fill(db, Layout(folder), work, schemas, progress)
            db.execute(_SQL["validate_latest"])
            yield Validation(_report(folder, db), db)
    finally:
        shutil.rmtree(work, ignore_errors=True)


# --- reading


@dataclass(frozen=True, slots=True)
class _Task:
    frames: FramesToSpill
    schemas: Path | None


def _fill(
    db: duckdb.DuckDBPyConnection, layout: Layout, work: Path, schemas: Path | None, progress: Progress | None
) -> None:
    with snapshot(layout) as ledger:
        there = [
            ShardToRead(number, name, state == "sealed", *rest)
            for number, name, state, *rest in ledger.execute(_STORE_SQL["shards_to_read"])
        ]
        tasks = [_Task(frames, schemas) for frames in frames_to_spill(ledger, layout, there, work)]
        done, total = 0, sum(shard.records for shard in there)
        for rows in spread(_check_frames, tasks, sum(shard.believed for shard in there)):
            parameters = {"path": str(rows.path), "longest": max(rows.longest + 1, 1 << 24)}
            db.execute(_SQL["validate_load"], parameters)
            rows.path.unlink()
            done += rows.rows
            if progress is not None:
                progress(done, total)
        _choose(db, ledger)


def _choose(db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection) -> None:
    """Store the latest state of each record with several copies in a temporary table."""
    looks = read_looks(ledger)
    repeated = db.execute(_SQL["validate_repeated"]).fetchall()
    chosen = [newest_of(ledger, looks, outcomes) for (outcomes,) in repeated]
    db.execute(_SQL["validate_choose"], {"outcomes": chosen})


def _check_frames(task: _Task) -> Spill:
    check = _Check(Schemas(task.schemas), XmlSchemas(task.schemas) if task.schemas else None)
    return spilled(_checked_lines(task.frames, check), "checked", task.frames.path)


def _checked_lines(task: FramesToSpill, check: "_Check") -> Iterator[bytes]:
    shard, path = task.shard, task.layout.shard(task.shard.name, sealed=task.shard.sealed)
    with snapshot(task.layout) as ledger:
        places = {"shard": shard.shard, "first": task.first, "last": task.last}
        for number, offset, length, _ in ledger.execute(_STORE_SQL["frames_of_shard"], places):
            frame = shards.read_frame_at(path, number, offset, length)
            for record, kept in matched(shard.name, frame, kept_in(ledger, shard.shard, number)):
                yield orjson.dumps(_row(record, kept.outcome, check), option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class _Check:
    """The schemas that records are validated against."""

    json: Schemas
    xml: XmlSchemas | None

    def faults(self, record: Record) -> tuple[str | None, str | None, list[Fault]]:
        """Return what a live record declares, what it is validated against (None: nothing), and its faults."""
        names, faults, version = [], list[Fault](), None
        if (what := declared(record)) is not None and record.metadata is not None:
            version = f"DataCite {what.version}"
            names.append(self.json.name(what))
            faults += self.json.faults(what, record.metadata)
        if self.xml is not None and (checked := self.xml.check(record)) is not None:
            version = version or checked.namespace
            names.append(checked.schema)
            faults += checked.faults
        return version, " and ".join(names) or None, faults


def _row(record: Record, outcome: int, check: _Check) -> dict[str, Any]:
    version, schema, faults = (None, None, []) if record.deleted else check.faults(record)
    claims = claims_of(None if record.deleted else record.metadata)
    return {
        "identifier": record.identifier,
        "local_id": local_id(record.identifier),
        "format": record.format,
        "outcome": outcome,
        "deleted": record.deleted,
        "declared": version,
        "schema": schema,
        "faults": [asdict(fault) for fault in faults],
        "dois": claims.dois,
        "titles": claims.titles,
        "dates": claims.dates,
    }


# --- reporting


def _report(folder: Path, db: duckdb.DuckDBPyConnection) -> ValidateReport:
    checked = tuple(Checked(*row) for row in _rows(db, "validate_schemas"))
    report = ValidateReport(folder, checked)
    report.findings = (*_schema_findings(checked), *_invalid(db), *_compare(db, report))
    return report


def _schema_findings(checked: Iterable[Checked]) -> Iterator[Finding]:
    for one in checked:
        if one.schema is None:
            yield finding("schema-unknown", identifier=one.first, found=one.records, format=one.format)
        elif one.declared is not None and _is_of_another(one.declared, one.schema):
            yield finding(
                "schema-of-another-version",
                identifier=one.first,
                found=one.records,
                declared=one.declared,
                schema=one.schema,
            )


def _is_of_another(version: str, schema: str) -> bool:
    return version.startswith("DataCite ") and version != f"DataCite {schema.split(' ')[0]}"


def _invalid(db: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    for version, schema, place, rule, records, first, message in _rows(db, "validate_groups"):
        yield finding(
            "schema-invalid",
            identifier=first,
            found=records,
            declared=version,
            schema=schema,
            rule=rule,
            where=place or "the record",
            reason=message,
        )


def _compare(db: duckdb.DuckDBPyConnection, report: ValidateReport) -> Iterator[Finding]:
    """Count the ids that were compared; for each field, report how many disagree, and the first."""
    firsts: dict[str, tuple[str, str]] = {}
    counts: dict[str, int] = {}
    wrong = None
    for identifier, _, found in _disagreeing(db):
        if found is None:
            report.compared += 1
            continue
        counts[found.field] = counts.get(found.field, 0) + 1
        firsts.setdefault(found.field, (identifier, str(found)))
        report.disagreeing += identifier != wrong
        wrong = identifier
    for field, count in counts.items():
        identifier, reason = firsts[field]
        yield finding("representations-disagree", identifier=identifier, found=count, field=field, reason=reason)


class _Representation(NamedTuple):
    """One of several records of an id, and what it claims."""

    local_id: str
    identifier: str
    format: str
    dois: list[str]
    titles: list[str]
    dates: list[str]


def _disagreeing(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield each id with several representations, its formats, and None; then again for each disagreement."""
    rows = (_Representation(*row) for row in _rows(db, "validate_representations"))
    for _, group in groupby(rows, key=attrgetter("local_id")):
        members = list(group)
        identifier, formats = members[0].identifier, tuple(dict.fromkeys(member.format for member in members))
        yield identifier, formats, None
        said = [(one.format, Claims(tuple(one.dois), tuple(one.titles), tuple(one.dates))) for one in members]
        yield from ((identifier, formats, found) for found in disagreements(said))


def _rows(db: duckdb.DuckDBPyConnection, name: str) -> Iterator[tuple[Any, ...]]:
    # a separate cursor, because two queries are read at the same time
    rows = db.cursor().execute(_SQL[name])
    while several := rows.fetchmany(10_000):
        yield from several


def _connect(work: Path) -> duckdb.DuckDBPyConnection:
    db = working_database(work / "checked.duckdb")
    db.execute(_SQL["validate_tables"])
    return db
