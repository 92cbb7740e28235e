"""Read an archive, or one shard, back to the last byte, and name everything that is not as it was written.

A shard is read against its own checksums, digest and seek table, then against the ledger: its size, its SHA-256,
its frames, and each record against its outcome. All damage is listed, not only the first.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.account import read_accounts
from archive.errors import ArchiveError, Damaged, NotAnArchive, StaleIndex
from archive.folder import Layout, read_description
from archive.index import check_index_digest, open_index
from archive.ledger import check_digest
from archive.parallel import spread
from archive.quarantine import check_refused
from archive.questions import question
from archive.reading import snapshot
from archive.shardcheck import ShardCheck, ShardToCheck, check_alone, check_shard

# left behind by a process that was killed; harmless, and taken away or written over by the next one
_LEFT_OVER = re.compile(
    r"\.(archive\.json|(ledger\.sqlite|index\.duckdb)\.sha256|\d{6,}\.(body|json))\.\d+"
    r"|\.index|\.audit-\w+|index\.duckdb\.tmp|[^/]+\.part"
)
_REFUSED = re.compile(r"quarantine/(\d{6,})\.(?:body|json)")
_INSIDE = re.compile(r"(\.index|\.audit-\w+|index\.duckdb\.tmp)/.*")
_OURS = {
    "archive.json", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite.sha256", "shards",
    "quarantine", "downloads", "index.duckdb", "index.duckdb.sha256",
}  # fmt: skip

_NOT_CLOSED = "it has no digest: a harvest is writing to it, or was killed; it gets one when a harvest ends in order"
_HARMLESS = ("left-over", "unproven")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written.

    `kind` is damaged, missing, extra (a file nobody knows of), stale (an index of another state); or, which is no
    fault, left-over (by a killed process) and unproven (no digest to check). `frame` and `record` count from 0 and
    are None where the file as a whole is meant.
    """

    kind: str
    file: str
    message: str
    frame: int | None = None
    record: int | None = None


@dataclass(slots=True)
class VerifyReport:
    """What was read, and every problem that was found. `bytes` are those of the shards."""

    path: Path
    shards: int = 0
    frames: int = 0
    records: int = 0
    bytes: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def damaged(self) -> bool:
        return any(problem.kind in ("damaged", "missing") for problem in self.problems)

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written, and nothing else is there."""
        return all(problem.kind in _HARMLESS for problem in self.problems)


def verify(path: Path, progress: Progress | None = None) -> VerifyReport:
    """Check an archive, also while a harvest writes, or one sealed shard.

    `progress` is called with the bytes of shards read so far and their number. Raises NotAnArchive when `path` is
    neither, OtherArchive when it is of a newer format; whatever else is wrong is in the report.
    """
    if path.is_dir():
        return _verify_archive(path, progress)
    if not path.exists():
        raise NotAnArchive(f"{path} does not exist; name an archive or a shard (*.json-seq.zst)")
    if not path.name.endswith(".json-seq.zst"):
        raise NotAnArchive(f"{path} is neither an archive nor a shard (*.json-seq.zst)")
    report = VerifyReport(path)
    _take(report, path.name, check_alone(path))
    return report


# --- an archive


def _verify_archive(folder: Path, progress: Progress | None) -> VerifyReport:
    report, layout = VerifyReport(folder), Layout(folder)
    try:
        read_description(folder)
    except (Damaged, NotAnArchive) as error:
        if not (layout.description.exists() and layout.ledger.exists()):
            raise
        report.problems.append(Problem("damaged", "archive.json", str(error)))
    kind = "damaged" if layout.ledger.exists() else "missing"
    try:
        check_digest(layout)
    except ArchiveError as error:
        report.problems.append(Problem(kind, "ledger.sqlite", str(error)))
    if layout.ledger.exists() and not layout.ledger_digest.exists():
        report.problems.append(Problem("unproven", "ledger.sqlite", _NOT_CLOSED))
    before = list(report.problems)
    try:
        with snapshot(layout) as ledger:
            known = _verify_with_ledger(ledger, layout, report, progress)
    except ArchiveError as error:
        report = VerifyReport(folder, problems=[*before, Problem(kind, "ledger.sqlite", f"it cannot be read: {error}")])
        known = _verify_without_ledger(layout, report, progress)
    report.problems += _index_problems(layout)
    report.problems += _unknown_files(layout, known)
    return report


def _verify_with_ledger(
    ledger: sqlite3.Connection, layout: Layout, report: VerifyReport, progress: Progress | None
) -> "_Known":
    report.problems += _ledger_problems(ledger)
    tasks = [ShardToCheck(layout, *row) for row in ledger.execute(question("shards_to_check"))]
    total = sum(task.bytes for task in tasks)
    _take_all(report, spread(check_shard, tasks, total), total, progress)
    last = _verify_refused(ledger, layout, report)
    return _Known({f"shards/{task.path.name}" for task in tasks}, last)


def _verify_without_ledger(layout: Layout, report: VerifyReport, progress: Progress | None) -> "_Known":
    """Without a ledger shards are checked by what they say of themselves."""
    paths = sorted(layout.shards.glob("*.json-seq.zst"))
    total = sum(path.stat().st_size for path in paths)
    _take_all(report, spread(check_alone, paths, total), total, progress)
    return _Known(None, None)


def _take_all(report: VerifyReport, checks: Iterable[ShardCheck], total: int, progress: Progress | None) -> None:
    for check in checks:
        _take(report, f"shards/{check.name}", check)
        if progress is not None:
            progress(report.bytes, total)


def _take(report: VerifyReport, file: str, check: ShardCheck) -> None:
    report.shards += 1
    report.frames += check.frames
    report.records += check.records
    report.bytes += check.bytes
    for fault in check.faults:
        kind = "missing" if fault.missing else "damaged"
        report.problems.append(Problem(kind, file, fault.message, fault.frame, fault.record))


def _ledger_problems(ledger: sqlite3.Connection) -> Iterator[Problem]:
    for (sentence,) in ledger.execute("PRAGMA integrity_check"):
        if sentence != "ok":
            yield Problem("damaged", "ledger.sqlite", f"{sentence}; take it from a copy of the archive")
    for table, row, parent, _ in ledger.execute("PRAGMA foreign_key_check"):
        yield Problem("damaged", "ledger.sqlite", f"row {row} of {table} names a row of {parent} that is not there")
    *_, whole = read_accounts(ledger)
    for off in whole.off:
        yield Problem("damaged", "ledger.sqlite", f"{off.message}; the account does not balance")


def _index_problems(layout: Layout) -> Iterator[Problem]:
    """An index is derived: a stale one is no damage, one with changed bytes is."""
    if not layout.index.exists():
        return
    try:
        if not check_index_digest(layout):
            yield Problem("unproven", "index.duckdb", "it has no digest: whether its bytes were changed is not seen")
        open_index(layout.root).close()
    except StaleIndex as error:
        yield Problem("stale", "index.duckdb", str(error))
    except Damaged as error:
        yield Problem("damaged", "index.duckdb", str(error))
    except ArchiveError:
        pass  # what it is compared with is damaged, and named already


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows of: paths of shards, and the number of the last refused body; None when it is not read."""

    shards: set[str] | None
    refused: int | None


def _unknown_files(layout: Layout, known: _Known) -> Iterator[Problem]:
    """Files that neither the ledger nor the format knows of."""
    for path in sorted(layout.root.rglob("*")):
        name = path.relative_to(layout.root).as_posix()
        if name in _OURS or _INSIDE.fullmatch(name) or _is_known(name, known):
            continue
        if _LEFT_OVER.fullmatch(path.name) or _REFUSED.fullmatch(name):
            yield Problem("left-over", name, "left behind by a process that was killed")
        else:
            yield Problem("extra", name, "neither the ledger nor the format knows of it")


def _is_known(name: str, known: _Known) -> bool:
    if match := _REFUSED.fullmatch(name):
        return known.refused is None or int(match[1]) <= known.refused
    if known.shards is None:
        return name.startswith("shards/") and name.endswith((".json-seq.zst", ".json-seq.zst.open"))
    return name in known.shards


def _verify_refused(ledger: sqlite3.Connection, layout: Layout, report: VerifyReport) -> int:
    """Check refused bodies, of which several rows may name one; returns the number of the last file."""
    last = 0
    for name, sha256 in ledger.execute("SELECT DISTINCT name, sha256 FROM quarantine ORDER BY name"):
        report.refused, last = report.refused + 1, max(last, int(name))
        try:
            check_refused(layout.quarantine, name, sha256)
        except (ArchiveError, OSError) as error:
            pair = [layout.quarantine / f"{name}.{ending}" for ending in ("json", "body")]
            kind = "damaged" if all(path.exists() for path in pair) else "missing"
            report.problems.append(Problem(kind, f"quarantine/{name}", str(error)))
    return last
