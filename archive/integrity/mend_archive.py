"""Repair an archive as far as the data allows; replaced files are kept in `damaged/`, with a note that says why.

Every step is reported before it is taken. The order is that of writing: new shards are durable before one transaction
of the ledger counts them, and the old files are moved last. After a kill at any time, the same call finds what is left
to do.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from archive.crosswalks import local_id
from archive.disk import durable, read_lines, seal
from archive.errors import ArchiveError, Damaged, DiskFailed, DiskFull, NotAnArchive
from archive.findings import Finding, Problem
from archive.index import index_digest
from archive.integrity.diagnose import Diagnosis, Step, diagnose, look_at_files, short
from archive.integrity.fixity_log import NAME as FIXITY_LOG
from archive.integrity.mend_shards import examine, rewrite, shards_of
from archive.integrity.rebuild import copy_readable, rebuild, run_words
from archive.integrity.verify import verify
from archive.queries import Queries
from archive.store import (
    FORMAT,
    FORMAT_VERSION,
    Frame,
    Layout,
    Ledger,
    WriteLock,
    envelope,
    read_description,
    refuse_links,
    salvage,
    snapshot,
    write_description,
    write_digest,
)

_SQL = Queries(__package__)

FOLDER, NOTE = "damaged", "note.txt"


@dataclass(slots=True)
class MendReport:
    """Damage and its repair; if `done` is false it was only reported.

    `kept` is the folder with what was replaced. `lost` counts records and contents of files; `unknown`: the ledger was
    changed, and what it alone knew may be wrong or missing. `left` is what a check finds after the repair.
    """

    path: Path
    steps: list[Step]
    done: bool = False
    kept: Path | None = None
    lost: int = 0
    unknown: bool = False
    left: list[Problem] = field(default_factory=list)


def mend(folder: Path, *, dry_run: bool = False, now: datetime | None = None) -> MendReport:
    """Report what is wrong and, unless it is a `dry_run`, repair it.

    Raises NotAnArchive, OtherArchive; Busy if another process writes; DiskFull, after which the same call resumes.
    """
    layout = Layout(folder)
    if not dry_run:
        refuse_links(folder)
    lock = WriteLock(folder) if layout.description.exists() and not dry_run else None
    try:
        found = diagnose(folder)
        if dry_run or not found.steps:
            return MendReport(folder, found.steps)
        moment = now or datetime.now(UTC)
        with _translated(folder):
            try:
                report = _Mending(layout, found, moment).run()
            except Damaged as error:
                if found.ledger is not None:
                    raise
                # a ledger with a damaged schema can be read but not written to
                report = _Mending(layout, diagnose(folder, short(error)), moment).run()
    finally:
        if lock is not None:
            lock.release()
    report.left = list(_left(report))
    return report


def _left(report: MendReport) -> Iterator[Problem]:
    """Yield what is still wrong, by reading everything again."""
    try:
        problems = verify(report.path).problems
    except DiskFull as cause:
        raise DiskFull(f"{cause}; what was mended is in {report.kept}, and was not read back yet") from cause
    yield from (problem for problem in problems if problem.kind not in ("left-over", "unproven"))


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Translate errors of the disk and of SQLite into ours."""
    try:
        with durable.translated(folder, "mending"):
            yield
    except sqlite3.DatabaseError as cause:
        if durable.has_room(folder):
            raise DiskFailed(f"{folder}: {cause} while mending; check the disk") from cause
        raise DiskFull(f"{folder}: {cause} while mending; free some room and run the same command again") from cause


class _Mending:
    """One repair of one archive, which is locked for others."""

    def __init__(self, layout: Layout, found: Diagnosis, now: datetime) -> None:
        self._layout, self._found, self._report = layout, found, MendReport(layout.root, found.steps)
        self._now = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._kept = _new_folder(layout.root, now.strftime("%Y%m%dT%H%M%SZ"))

    def run(self) -> MendReport:
        self._report.kept = self._kept
        self._report.unknown = self._found.ledger is not None or self._found.changed is not None
        self._write_note("to be done")
        if self._found.description is not None:
            self._mend_description()
        work = Path(tempfile.mkdtemp(prefix=".mending-", dir=self._layout.root))
        try:
            self._mend(work)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._write_note("done")
        self._report.done = True
        return self._report

    def _mend(self, work: Path) -> None:
        with suppress(OSError):
            self._keep_copy(self._layout.ledger_digest)
        if self._found.ledger is not None:
            self._make_ledger(work)
        elif self._changes_ledger:
            self._keep_ledger()
        durable.remove(self._layout.ledger_digest)
        ledger = Ledger(self._layout.ledger)
        try:
            self._look_again(ledger)
            self._mend_shards(ledger)
            self._mend_refused(ledger)
            self._mend_files(ledger)
            for path in self._found.left:
                self._put_away(path)
            self._note_finding(ledger)
        finally:
            ledger.close()
        if self._found.log is not None:
            path = self._layout.root / FIXITY_LOG
            self._keep_copy(path)
            durable.write_new(path, b"".join(map(seal, read_lines(path.read_bytes()).texts)), "fixity-log")
        for path, _ in self._found.derived:
            for one in (path, index_digest(self._layout)):
                durable.remove(one)
        write_digest(self._layout)

    @property
    def _changes_ledger(self) -> bool:
        found = self._found
        return bool(found.shards or found.refused or found.files or found.changed)

    # replaced files

    def _keep_copy(self, path: Path) -> None:
        if path.exists():
            copy_readable(path, self._place_of(path))

    def _put_away(self, path: Path) -> None:
        if path.exists():
            durable.move(path, self._place_of(path), "mending")

    def _place_of(self, path: Path) -> Path:
        place = self._kept / path.relative_to(self._layout.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _keep_ledger(self) -> None:
        for ending in ("", "-wal"):
            self._keep_copy(self._layout.ledger.with_name(self._layout.ledger.name + ending))

    def _write_note(self, state: str) -> None:
        lines = [f"{step.file}: {step.wrong}: {step.remedy}\n" for step in self._report.steps]
        text = f"Mended at {self._now} ({state}). What was replaced is in this folder.\n\n{''.join(lines)}"
        durable.write_new(self._kept / NOTE, text.encode("utf-8", "replace"), "mending-note")

    # repairs, part by part

    def _mend_description(self) -> None:
        self._keep_copy(self._layout.description)
        write_description(self._layout.root, _description(self._layout, self._now))

    def _make_ledger(self, work: Path) -> None:
        source = read_description(self._layout.root)["source"]
        made = rebuild(self._layout, work, source, self._now, trusted=self._found.trusted)
        self._report.lost = made.lost
        self._keep_ledger()
        for ending in ("-wal", "-shm"):
            durable.remove(self._layout.ledger.with_name(self._layout.ledger.name + ending))
        durable.move(made.path, self._layout.ledger, "mending-ledger")
        for path in made.replaced:
            self._put_away(path)

    def _look_again(self, ledger: Ledger) -> None:
        """Check refused bodies and files again if the ledger was rebuilt: a damaged one could not list them."""
        if self._found.ledger is not None:
            said = self._found.steps
            look_at_files(ledger.db, self._layout, self._found)
            self._report.steps += [step for step in self._found.steps if step not in said]

    def _mend_shards(self, ledger: Ledger) -> None:
        for task in shards_of(ledger.db, self._layout):
            seen = examine(ledger.db, task)
            if not seen.good:
                self._report.lost += rewrite(ledger, self._layout, seen).lost
                self._put_away(seen.task.path)

    def _mend_refused(self, ledger: Ledger) -> None:
        for name, _ in self._found.refused:
            with ledger.transaction():
                ledger.db.execute(_SQL["mend_drop_refused"], (name,))
            for ending in (".json", ".body"):
                self._put_away(self._layout.quarantine / (name + ending))

    def _mend_files(self, ledger: Ledger) -> None:
        for fault in self._found.files:
            sha256 = {"sha256": Path(fault.path).name}
            with ledger.transaction():
                for name in ("mend_file_runs", "mend_file_windows", "mend_files", "mend_contents"):
                    ledger.db.execute(_SQL[name], sha256)
            self._report.lost += 1
            self._put_away(self._layout.root / fault.path)

    def _note_finding(self, ledger: Ledger) -> None:
        """Add a finding to the newest run: its results are no longer complete."""
        if not (self._changes_ledger or self._found.ledger is not None):
            return
        row = ledger.db.execute(_SQL["mend_newest_run"]).fetchone()
        if row[0] is None:
            return
        with ledger.transaction():
            for step in self._report.steps:
                note = Finding("mended", "warning", f"{step.file}: {step.wrong}: {step.remedy}")
                ledger.add_finding(row[0], note.code, note.severity, note.message, self._now)
            ledger.db.execute(_SQL["mend_run_has_findings"], (row[0],))


def _new_folder(root: Path, stamp: str) -> Path:
    durable.make_folder(root / FOLDER)
    for number in range(1, 1000):
        folder = root / FOLDER / (stamp if number == 1 else f"{stamp}-{number}")
        if not folder.exists():
            durable.make_folder(folder)
            return folder
    raise NotAnArchive(f"{root / FOLDER} is full of folders of the same second; look at them")


# --- archive.json


def _description(layout: Layout, now: str) -> dict[str, object]:
    """Rebuild the description of an archive from its ledger or its records; plausible values of the old one stay.

    Raises NotAnArchive if neither says where anything came from.
    """
    url = _url_of_ledger(layout) or _url_of_records(layout)
    if url is None:
        raise NotAnArchive(f"{layout.root}: nothing here says what it is an archive of; take archive.json from a copy")
    old = _old_description(layout.description)
    host = urlsplit(url).netloc
    source = old.get("source")
    if not (isinstance(source, dict) and isinstance(source.get("url"), str) and host in (source.get("hosts") or ())):
        source = {"name": "", "url": url, "hosts": [host]}
    software = old.get("software")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": _uuid(old.get("id")),
        "created": old["created"] if _is_time(old.get("created")) else now,
        "source": source,
        "software": software if isinstance(software, dict) else {},
    }


def _url_of_ledger(layout: Layout) -> str | None:
    with suppress(ArchiveError, AttributeError, TypeError, ValueError), snapshot(layout) as ledger:
        row = ledger.execute(_SQL["mend_first_arguments"]).fetchone()
        url = json.loads(row[0]).get("url") if row else None
        return url if isinstance(url, str) and urlsplit(url).netloc else None
    return None


def _url_of_records(layout: Layout) -> str | None:
    for path in sorted(layout.shards.glob("*.json-seq.zst*")):
        with suppress(ArchiveError):
            for item in salvage(path, path.stat().st_size if path.suffix == ".open" else None):
                for text in item.texts() if isinstance(item, Frame) else ():
                    if (url := _url_of_record(text)) is not None:
                        return url
    return None


def _url_of_record(text: bytes) -> str | None:
    try:
        record = envelope.decode(text)
        if not urlsplit(record.url).netloc:
            return None
        spider, words = run_words([record], {})
    except (KeyError, TypeError, ValueError):
        return None
    if spider == "oaipmh":
        return str(words["url"])
    number = local_id(record.identifier)
    return record.url.replace(number, "{id}") if number else record.url


def _old_description(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _uuid(value: object) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        return str(uuid4())


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
