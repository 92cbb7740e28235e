"""Verify an archive, or one shard, to the last byte, and name everything that differs from what was written.

A shard is verified against its own checksums, digest and seek table, then against the ledger: its size, its SHA-256,
its frames, and each record against its outcome. All damage is listed, not only the first.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.disk import Checked, spread
from archive.errors import ArchiveError, Damaged, DiskFull, NotAnArchive, StaleIndex
from archive.files import check_files, count_files, other_files
from archive.findings import Problem, VerifyReport
from archive.index import check_current, check_index_digest, check_index_lookup, index_lookup
from archive.integrity.fixity_log import NAME as FIXITY_LOG
from archive.integrity.fixity_log import read_history
from archive.queries import Queries
from archive.store import (
    Layout,
    ShardCheck,
    ShardToCheck,
    check_alone,
    check_digest,
    check_refused,
    check_shard,
    look_at_shard,
    read_accounts,
    read_description,
    snapshot,
)

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

# left behind by a killed process; harmless, and removed or overwritten by the next one
_LEFT_OVER = re.compile(
    r"\.(archive\.json|(ledger\.sqlite|index\.duckdb)\.sha256|\d{6,}\.(body|json))\.\d+"
    r"|\.index|\.(audit|validate|mending)-\w+|index\.duckdb\.tmp|[^/]+\.part"
)
_REFUSED = re.compile(r"quarantine/(\d{6,})\.(?:body|json)")
_SHARD = re.compile(r"shards/(\d{5,})(?:\.\d+)?\.json-seq\.zst(?:\.open)?")
_INSIDE = re.compile(r"(\.index|damaged|\.(?:audit|validate|mending)-\w+|index\.duckdb\.tmp)/.*")
_OURS = {
    "archive.json",
    "ledger.sqlite",
    "ledger.sqlite-wal",
    "ledger.sqlite-shm",
    "ledger.sqlite.sha256",
    "shards",
    "quarantine",
    "files",
    "downloads",
    FIXITY_LOG,
    "index.duckdb",
    "index.duckdb.sha256",
    "index.lookup",
    "damaged",
}

_NOT_CLOSED = "it has no digest: a harvest is writing to it, or was killed; it gets one when a harvest ends in order"
_LEFT_BEHIND = "left behind by a process that was killed"
_UNKNOWN = "neither the ledger nor the format knows of it"

Progress = Callable[[int, int], None]

__all__ = ["Problem", "Progress", "VerifyReport", "verify"]


def verify(
    path: Path, progress: Progress | None = None, *, quick: bool = False, checked: Checked | None = None
) -> VerifyReport:
    """Verify an archive, also during a harvest, or one sealed shard.

    `progress` is called with the bytes of shards and files read so far and their total. With `quick` only names and
    sizes in an archive are checked. What the checkpoint `checked` has is not read again. Raises NotAnArchive if `path`
    is neither, OtherArchive if its format is newer, DiskFull if SQLite has no room to read it; everything else that is
    wrong is in the report.
    """
    if path.is_dir():
        return _verify_archive(path, progress, quick, checked)
    if not path.exists():
        raise NotAnArchive(f"{path} does not exist; name an archive or a shard (*.json-seq.zst)")
    if not path.name.endswith(".json-seq.zst"):
        raise NotAnArchive(f"{path} is neither an archive nor a shard (*.json-seq.zst)")
    report = VerifyReport(path, kind="shard")
    _take(report, path.name, check_alone(path))
    return report


# --- archives


def _verify_archive(folder: Path, progress: Progress | None, quick: bool, checked: Checked | None) -> VerifyReport:
    report, layout = VerifyReport(folder, quick=quick), Layout(folder)
    try:
        read_description(folder)
    except (Damaged, NotAnArchive) as error:
        if not (layout.description.exists() and layout.ledger.exists()):
            raise
        report.problems.append(Problem("damaged", "archive.json", str(error)))
    kind = "damaged" if layout.ledger.exists() else "missing"
    try:
        if not quick or kind == "missing":
            check_digest(layout)
    except ArchiveError as error:
        report.problems.append(Problem(kind, "ledger.sqlite", str(error)))
    if layout.ledger.exists() and not layout.ledger_digest.exists():
        report.problems.append(Problem("unproven", "ledger.sqlite", _NOT_CLOSED))
    before = list(report.problems)
    try:
        with snapshot(layout) as ledger:
            known = _verify_with_ledger(ledger, layout, report, progress, checked)
    except DiskFull:
        raise  # SQLite needs room to read beside a writer: this is not damage
    except ArchiveError as error:
        problems = [*before, Problem(kind, "ledger.sqlite", f"it cannot be read: {error}")]
        report = VerifyReport(folder, problems=problems, quick=quick)
        known = _verify_without_ledger(layout, report, progress)
    if not quick:
        report.problems += _index_problems(layout)
    report.problems += _fixity_log_problems(layout)
    report.problems += _unknown_files(layout, known)
    return report


def _verify_with_ledger(
    ledger: sqlite3.Connection, layout: Layout, report: VerifyReport, progress: Progress | None, checked: Checked | None
) -> "_Known":
    tasks = [ShardToCheck(layout, *row) for row in ledger.execute(_SQL["shards_to_check"])]
    stored, file_bytes = count_files(ledger)
    total = sum(task.bytes for task in tasks) + file_bytes
    if report.quick:
        _take_all(report, map(look_at_shard, tasks), total, None)
    else:
        report.problems += _ledger_problems(ledger)
        _take_all(report, _check_shards(tasks, checked), total, progress)
    last = _verify_refused(ledger, layout, report)
    _verify_files(ledger=ledger, layout=layout, report=report, total=total, progress=progress, checked=checked)
    report.files, report.file_bytes = stored, file_bytes
    return _Known({f"shards/{task.path.name}" for task in tasks}, last)


def _check_shards(tasks: list[ShardToCheck], checked: Checked | None) -> Iterator[ShardCheck]:
    """Yield the check of each shard, in order; those in the checkpoint are not repeated."""
    known = [checked.known(task.identity, task.path) if checked is not None else None for task in tasks]
    unread = [task for task, noted in zip(tasks, known, strict=True) if noted is None]
    found = spread(check_shard, unread, sum(task.bytes for task in unread))
    for task, noted in zip(tasks, known, strict=True):
        if noted is not None:
            yield ShardCheck(task.name, task.bytes, noted["frames"], noted["records"])
            continue
        check = next(found)
        if checked is not None and not check.faults:
            checked.add(task.identity, task.path, {"frames": check.frames, "records": check.records})
        yield check


def _verify_files(
    ledger: sqlite3.Connection,
    layout: Layout,
    report: VerifyReport,
    total: int,
    progress: Progress | None,
    checked: Checked | None,
) -> None:
    """Verify the files of records, and find unknown ones among them."""
    done = report.bytes

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    for fault in check_files(ledger, layout.root, step, quick=report.quick, checked=checked):
        report.problems.append(Problem("missing" if fault.missing else "damaged", fault.path, fault.message))
    for name, known in other_files(ledger, layout.root):
        if known:
            report.problems.append(
                Problem("left-over", name, "no file of a record has this content: a killed process left it")
            )
        else:
            report.problems.append(Problem("extra", name, "neither the ledger nor the format knows of it"))


def _verify_without_ledger(layout: Layout, report: VerifyReport, progress: Progress | None) -> "_Known":
    """Verify shards against their own checksums if there is no ledger."""
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
    """Yield problems of derived files: stale ones are not damaged, changed bytes are."""
    for path, look in ((layout.index, _look_at_index), (index_lookup(layout), _look_at_lookup)):
        if not path.exists():
            continue
        try:
            yield from look(layout)
        except StaleIndex as error:
            yield Problem("stale", path.name, str(error))
            return
        except Damaged as error:
            yield Problem("damaged", path.name, str(error))
        except DiskFull:
            raise
        except ArchiveError:
            return  # what it would be compared with is damaged, and already reported


def _look_at_index(layout: Layout) -> Iterable[Problem]:
    if not check_index_digest(layout):
        yield Problem("unproven", layout.index.name, "it has no digest: whether it was changed is not seen")
    check_current(layout.root)


def _look_at_lookup(layout: Layout) -> Iterable[Problem]:
    check_index_lookup(layout)
    return ()


def _fixity_log_problems(layout: Layout) -> Iterator[Problem]:
    history = read_history(layout.root / FIXITY_LOG)
    for line in history.damaged_lines:
        yield Problem("damaged", FIXITY_LOG, f"line {line} does not match its checksum; take the line out")
    if history.torn_bytes:
        yield Problem("left-over", FIXITY_LOG, f"its last {history.torn_bytes} bytes are no whole line")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows: paths of shards, and the number of the last refused body; None if it was not read."""

    shards: set[str] | None
    refused: int | None


def _unknown_files(layout: Layout, known: _Known) -> Iterator[Problem]:
    """Yield files that are neither in the ledger nor part of the format."""
    for path in sorted(layout.root.rglob("*")):
        name = path.relative_to(layout.root).as_posix()
        if name in _OURS or _INSIDE.fullmatch(name) or _is_known(name, known) or name.startswith("files/"):
            continue
        if _LEFT_OVER.fullmatch(path.name) or _REFUSED.fullmatch(name) or _is_other_generation(name, known):
            yield Problem("left-over", name, _LEFT_BEHIND)
        else:
            yield Problem("extra", name, _UNKNOWN)


def _is_known(name: str, known: _Known) -> bool:
    if match := _REFUSED.fullmatch(name):
        return known.refused is None or int(match[1]) <= known.refused
    if known.shards is None:
        return name.startswith("shards/") and name.endswith((".json-seq.zst", ".json-seq.zst.open"))
    return name in known.shards


def _is_other_generation(name: str, known: _Known) -> bool:
    """Return whether a killed conversion left this file of a shard of which another file counts."""
    match = _SHARD.fullmatch(name)
    counted = (_SHARD.fullmatch(shard) for shard in known.shards or ())
    return match is not None and any(other is not None and other[1] == match[1] for other in counted)


def _verify_refused(ledger: sqlite3.Connection, layout: Layout, report: VerifyReport) -> int:
    """Verify refused bodies, each of which several rows may name; returns the number of the last file."""
    last = 0
    for name, sha256 in ledger.execute(_STORE_SQL["refused_bodies"]):
        report.refused, last = report.refused + 1, max(last, int(name))
        try:
            if not report.quick or not all((layout.quarantine / f"{name}.{e}").exists() for e in ("json", "body")):
                check_refused(layout.quarantine, name, sha256)
        except (ArchiveError, OSError) as error:
            pair = [layout.quarantine / f"{name}.{ending}" for ending in ("json", "body")]
            kind = "damaged" if all(path.exists() for path in pair) else "missing"
            report.problems.append(Problem(kind, f"quarantine/{name}", str(error)))
    return last
