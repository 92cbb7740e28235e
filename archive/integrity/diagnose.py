"""Find everything in an archive that differs from what was written, and what repairing it takes; changes nothing.

A shard has checksums of its own, a ledger has none in its rows: if both can be read and contradict each other, the
ledger is wrong.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.disk import sha256_of
from archive.errors import ArchiveError, Busy, Damaged, DiskFull, NotAnArchive, OtherArchive, StaleIndex
from archive.files import FileFault, check_files
from archive.index import check_index_digest, check_index_lookup, index_lookup, open_index
from archive.integrity.fixity_log import NAME as FIXITY_LOG
from archive.integrity.fixity_log import read_history
from archive.integrity.mend_shards import Examined, examine, shards_of
from archive.queries import Queries
from archive.store import (
    SHARD_NAME,
    Frame,
    Layout,
    check_alone,
    check_digest,
    check_refused,
    left_over,
    read_accounts,
    read_description,
    salvage,
    snapshot,
)

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class Step:
    """One repair: the file, relative to the archive, what is wrong with it and what is done about it."""

    file: str
    wrong: str
    remedy: str


@dataclass(slots=True)
class Diagnosis:
    """Diagnosis of an archive, part by part; None or empty for an intact part.

    `ledger` says why it must be rebuilt, `trusted` whether its rows count if they can be read, `changed` that its bytes
    were changed and nothing shows where. `left` are files of shards that were replaced by others.
    """

    description: str | None = None
    ledger: str | None = None
    trusted: bool = True
    changed: str | None = None
    shards: list[Examined] = field(default_factory=list)
    alone: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    files: list[FileFault] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    log: str | None = None
    derived: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        return list(self._steps())

    def _steps(self) -> Iterator[Step]:
        if self.description is not None:
            yield Step("archive.json", self.description, "written anew of what the ledger and the records say")
        if self.ledger is not None:
            yield Step("ledger.sqlite", self.ledger, "made anew of the rows that can be read, and of the shards")
        if self.changed is not None:
            yield Step("ledger.sqlite", self.changed, "its rows agree with the shards: kept, with a new digest")
        for name, wrong in self.alone:
            yield Step(f"shards/{name}", wrong, "what can be read of it is written anew, the rest is lost")
        for seen in self.shards:
            yield Step(f"shards/{seen.task.name}", *_of_shard(seen))
        for name, wrong in self.refused:
            yield Step(f"quarantine/{name}", wrong, "put away; its id is still refused, and asked for again")
        for fault in self.files:
            yield Step(fault.path, fault.message, "put away; files with this content are lost, to be asked for again")
        for path in self.left:
            yield Step(
                f"shards/{path.name}", "another file of this shard counts: whoever wrote that was killed", "put away"
            )
        if self.log is not None:
            yield Step(FIXITY_LOG, self.log, "written anew without these lines")
        for path, wrong in self.derived:
            yield Step(path.name, wrong, "taken away; `harvester index` makes it again")


def _of_shard(seen: Examined) -> tuple[str, str]:
    if not seen.bad:
        return str(seen.end), "its frames are good: they are written anew, nothing is lost"
    first = next(iter(seen.bad.values()))
    if len(seen.bad) == seen.task.frames:
        return f"nothing of it can be read ({first})", f"{seen.lost} records are lost, to be asked for again"
    wrong = f"{len(seen.bad)} of {seen.task.frames} frames cannot be read ({first})"
    return wrong, f"the others are written anew; {seen.lost} records are lost, to be asked for again"


def diagnose(folder: Path, ledger: str | None = None) -> Diagnosis:
    """Read everything. Raises NotAnArchive if nothing here is of an archive, OtherArchive, Busy, DiskFull.

    `ledger` is a fault that was found while writing to it, if reading shows none.
    """
    layout, found = Layout(folder), Diagnosis()
    if not (layout.ledger.exists() or layout.shards.is_dir()):
        raise NotAnArchive(f"{folder} has neither a ledger nor shards; name an archive")
    try:
        read_description(folder)
    except (Damaged, NotAnArchive) as error:
        found.description = short(error)
    found.ledger = ledger
    if ledger is None:
        _look_at_ledger(layout, found)
    if found.ledger is not None:
        found.alone = list(_damaged_alone(layout))
        found.refused = list(_refused_alone(layout))
    history = read_history(folder / FIXITY_LOG)
    if history.damaged_lines:
        found.log = f"{len(history.damaged_lines)} lines do not match their checksums"
    found.derived = list(_derived(layout, found))
    return found


def short(error: Exception) -> str:
    """Return the fault in a message, without the remedy."""
    return str(error).split("; take")[0]


# --- the ledger, and the files it refers to


def _look_at_ledger(layout: Layout, found: Diagnosis) -> None:
    if not layout.ledger.exists():
        found.ledger = "it is missing"
        return
    try:
        check_digest(layout)
    except Damaged as error:
        found.changed = short(error).split(": ", 1)[-1]
    try:
        with snapshot(layout) as ledger:
            found.ledger = next(_inconsistent(ledger), None)
            if found.ledger is None:
                _look_at_what_it_names(ledger, layout, found)
    except (Busy, DiskFull, OtherArchive):
        raise
    except ArchiveError as error:
        found.ledger = short(error)
    if found.ledger is not None:
        found.changed, found.shards, found.files, found.left = None, [], [], []


def _inconsistent(ledger: sqlite3.Connection) -> Iterator[str]:
    for (sentence,) in ledger.execute("PRAGMA integrity_check(1)"):
        if sentence != "ok":
            yield str(sentence).splitlines()[-1]
    for table, row, parent, _ in ledger.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} names a row of {parent} that is not there"
    *_, whole = read_accounts(ledger)
    for off in whole.off:
        yield f"{off.message}: the account does not balance"


def _look_at_what_it_names(ledger: sqlite3.Connection, layout: Layout, found: Diagnosis) -> None:
    tasks = shards_of(ledger, layout)
    for task in tasks:
        seen = examine(ledger, task)
        if seen.differs is not None:
            found.ledger, found.trusted = seen.differs, False
            return
        if not seen.good:
            found.shards.append(seen)
    numbers = {int(row[0]) for row in ledger.execute(_SQL["mend_shards"])}
    for path in sorted(layout.shards.glob("*")) if layout.shards.is_dir() else ():
        match = SHARD_NAME.fullmatch(path.name.removesuffix(".open"))
        if match is not None and int(match[1]) not in numbers and _holds_records(path):
            found.ledger, found.trusted = f"it does not know of shards/{path.name}, which holds records", False
            return
    look_at_files(ledger, layout, found)


def look_at_files(ledger: sqlite3.Connection, layout: Layout, found: Diagnosis) -> None:
    """Find refused bodies and contents that differ from the ledger, and left-over shards."""
    rows = ledger.execute(_SQL["mend_refused"]).fetchall()
    faults = ((name, _refused_fault(layout, name, sha256)) for name, sha256 in rows)
    found.refused = [(name, wrong) for name, wrong in faults if wrong is not None]
    found.files = list(check_files(ledger, layout.root, lambda _: None, quick=False, checked=None))
    found.left = left_over(ledger, layout) if layout.shards.is_dir() else []


def _refused_fault(layout: Layout, name: str, sha256: str | None = None) -> str | None:
    """Say what is wrong with a refused body; without the `sha256` of its description, trust the description."""
    try:
        check_refused(layout.quarantine, name, sha256 or sha256_of(layout.quarantine / f"{name}.json"))
    except (ArchiveError, OSError, KeyError, TypeError, ValueError) as error:
        return short(error)
    return None


def _holds_records(path: Path) -> bool:
    limit = path.stat().st_size if path.suffix == ".open" else None
    return any(isinstance(item, Frame) and item.records for item in salvage(path, limit))


def _damaged_alone(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield the names of shards that are damaged by their own checksums, and what is wrong."""
    for path in sorted(layout.shards.glob("*.json-seq.zst")) if layout.shards.is_dir() else ():
        faults = check_alone(path).faults
        if faults:
            first = faults[0].message.split("; take")[0]
            yield path.name, f"{len(faults)} of its places cannot be read, the first: {first}"


def _refused_alone(layout: Layout) -> Iterator[tuple[str, str]]:
    for path in sorted(layout.quarantine.glob("*.json")):
        if (wrong := _refused_fault(layout, path.stem)) is not None:
            yield path.stem, wrong


# --- derived files


def _derived(layout: Layout, found: Diagnosis) -> Iterator[tuple[Path, str]]:
    """Yield an index that is damaged, or that will be stale after the repair."""
    changes = found.ledger is not None or found.changed is not None or found.description is not None
    changes = changes or bool(found.shards or found.refused or found.files)
    for path in (layout.index, index_lookup(layout)):
        if path.exists():
            wrong = "it is of what was there before" if changes else _index_fault(layout, path)
            if wrong is not None:
                yield path, wrong


def _index_fault(layout: Layout, path: Path) -> str | None:
    try:
        if path == layout.index:
            check_index_digest(layout)
            open_index(layout.root).close()
        else:
            check_index_lookup(layout)
    except StaleIndex:
        return None
    except Damaged as error:
        return short(error)
    return None
