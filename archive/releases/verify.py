"""Verify a release or a delta to the last byte: every file against the manifest, each record against the index.

Files must exist with the declared size and digests. The manifest is untrusted: no name in it is followed out of the
folder. Frames are read and compared with the index record by record, in worker processes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import orjson

from archive.disk import Checked, ToHash, hash_all, spread
from archive.errors import ArchiveError, Damaged, DiskFailed, NotAnArchive
from archive.findings import Problem, VerifyReport
from archive.releases.manifest import (
    INDEX,
    LOOKUP,
    MANIFEST,
    FileEntry,
    IndexRow,
    Making,
    Manifest,
    OtherLayout,
    Part,
    is_release,
    read_manifest,
)
from archive.releases.parts import iter_texts, read_texts
from archive.releases.verify_index import FrameRange, IndexCheck, check_index, iter_index
from archive.store import check_alone, check_lookup, is_file_name

COPY = "take it from a copy of the release"


@dataclass(slots=True)
class FilesCheck:
    """The result of checking files: good ones, parts with another digest than declared, and other problems."""

    good: set[str] = field(default_factory=set)
    suspect: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def check_files(
    folder: Path, manifest: Manifest, step: Callable[[int], None], *, quick: bool, checked: Checked | None
) -> FilesCheck:
    """Read every file except the manifest; with `quick`, check only sizes.

    `step` is called with bytes as they are read.
    """
    check = FilesCheck()
    entries = _look(folder, manifest.entries(), check)
    if quick:
        check.good = {entry.name for entry in entries}
        return check
    unread = []
    for entry in entries:
        if checked is not None and checked.known(entry.sha256, folder / entry.name) is not None:
            check.good.add(entry.name)
            step(entry.bytes)
        else:
            unread.append(entry)
    parts = {part.name for part in manifest.content.parts}
    tasks = [ToHash(str(folder / entry.name), entry.bytes, ("sha256", "sha512")) for entry in unread]
    for place, hashed in hash_all(tasks, step):
        entry = unread[place]
        if hashed.problem is not None:
            check.problems.append(
                Problem("damaged", entry.name, f"it cannot be read: {hashed.problem}; check the disk")
            )
        elif hashed.digests == {"sha256": entry.sha256, "sha512": entry.sha512}:
            check.good.add(entry.name)
            if checked is not None:
                checked.add(entry.sha256, tasks[place].path, {})
        elif entry.name in parts:
            check.suspect.add(entry.name)
        else:
            check.problems.append(Problem("damaged", entry.name, f"its digests are not those of the manifest; {COPY}"))
    return check


def _look(folder: Path, entries: list[FileEntry], check: FilesCheck) -> list[FileEntry]:
    """Return the entries that exist as files of the right size."""
    found = []
    for entry in entries:
        path = folder / entry.name
        if not is_file_name(entry.name):
            message = f"it names {entry.name!r}, which is no file beside it and is not read"
            check.problems.append(Problem("damaged", MANIFEST, message))
        elif path.is_symlink() or not path.is_file():
            check.problems.append(Problem("missing", entry.name, f"it is not there as a file; {COPY}"))
        elif (size := path.stat().st_size) != entry.bytes:
            message = f"it is {size} bytes long, the manifest says {entry.bytes}; {COPY}"
            check.problems.append(Problem("damaged", entry.name, message))
        else:
            found.append(entry)
    return found


def other_files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    """Yield files that the manifest does not name."""
    known = {MANIFEST, *(entry.name for entry in manifest.entries())}
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield Problem("extra", path.name, "the manifest does not name it")


@dataclass(frozen=True, slots=True)
class FramesToCheck:
    """Some frames of a release."""

    folder: Path
    making: Making
    frames: FrameRange

    @property
    def identity(self) -> str:
        """Return the name of these frames in a checkpoint."""
        return f"{self.frames.part} frames {self.frames.first}-{self.frames.last}"


@dataclass(frozen=True, slots=True)
class FrameFault:
    """A fault in a frame, or in a record in it; `record` counts from 0."""

    frame: int
    record: int | None
    message: str


@dataclass(slots=True)
class FramesCheck:
    """The result of checking some frames."""

    frames: int = 0
    records: int = 0
    faults: list[FrameFault] = field(default_factory=list)


def check_frames(task: FramesToCheck) -> FramesCheck:
    """Compare each record of some frames with its row of the index."""
    check, span = FramesCheck(), task.frames
    rows = iter_index(task.folder, span.part, span.first, span.last)
    for frame, group in groupby(rows, lambda row: row.frame):
        _check_frame(task, frame, list(group), check)
    return check


def _check_frame(task: FramesToCheck, frame: int, rows: list[IndexRow], check: FramesCheck) -> None:
    first = rows[0]
    try:
        texts = read_texts(task.folder, first.part, task.making, first.offset, first.length)
    except ArchiveError as error:
        whose = f"its {len(rows)} records are those of {first.identifier} to {rows[-1].identifier}"
        check.faults.append(FrameFault(frame, None, f"{error}; {whose}"))
        return
    check.frames, check.records = check.frames + 1, check.records + len(texts)
    if len(texts) != len(rows):
        check.faults.append(FrameFault(frame, None, f"it holds {len(texts)} records, the index names {len(rows)}"))
    for row, text in zip(rows, texts, strict=False):
        if sha256(text).hexdigest() != row.sha256:
            message = f"it is not what the index says of {row.identifier} ({row.format})"
            check.faults.append(FrameFault(frame, row.position, message))
        elif (said := _says(task, row, text)) is not None:
            check.faults.append(FrameFault(frame, row.position, said))


def _says(task: FramesToCheck, row: IndexRow, text: bytes) -> str | None:
    """Describe how an enveloped record differs from its row of the index; None if they agree."""
    if task.making.form != "envelope" and not row.deleted:
        return None
    record = orjson.loads(text)
    for name in ("identifier", "format", "datestamp", "deleted"):
        if record.get(name) != getattr(row, name):
            return f"its {name} is {record.get(name)!r}, the index says {getattr(row, name)!r}"
    return None


_KINDS = ("records", "tombstones", "added", "changed", "deleted")
_ENDINGS = (".zst", ".xz", ".gz")
_FAULTS_MOST = 1000

Progress = Callable[[int, int], None]


def looks_like_release(folder: Path) -> bool:
    """Return whether a folder is a release, or one whose manifest is damaged or missing."""
    if not folder.is_dir():
        return False
    return is_release(folder) or ((folder / INDEX).is_file() and bool(_parts_by_name(folder)))


def check_release(
    folder: Path, progress: Progress | None = None, *, quick: bool = False, checked: Checked | None = None
) -> VerifyReport:
    """Verify a release or a delta; all damage is in the report.

    With `quick`, only names and sizes are checked. `progress` is called with bytes read and bytes to read: parts are
    read for their digests and again for their records. Raises NotAnArchive if it is neither, OtherArchive if its format
    is newer.
    """
    report = VerifyReport(folder, kind="release", quick=quick)
    try:
        manifest = read_manifest(folder)
    except (Damaged, NotAnArchive) as error:
        if not looks_like_release(folder):
            raise
        kind = "damaged" if (folder / MANIFEST).exists() else "missing"
        report.problems.append(Problem(kind, MANIFEST, str(error)))
        _check_without_manifest(folder, report)
        return report
    report.kind = "release" if manifest.since is None else "delta"
    _Check(folder, manifest, report, progress, checked).run()
    return report


def check_part(path: Path) -> VerifyReport:
    """Verify one part of a release against the manifest beside it.

    Raises NotAnArchive if there is no such manifest, or it does not name the file.
    """
    manifest = read_manifest(path.parent)
    if (found := manifest.part(path.name)) is None:
        raise NotAnArchive(f"{path}: the manifest beside it does not name it")
    report = VerifyReport(path, kind="part")
    _check_part(path.parent, *found, report)
    return report


@dataclass(slots=True)
class _Check:
    """One check of a release in progress."""

    folder: Path
    manifest: Manifest
    report: VerifyReport
    progress: Progress | None
    checked: Checked | None
    done: int = 0
    total: int = 0

    def run(self) -> None:
        entries, parts, report = self.manifest.entries(), self.manifest.content.parts, self.report
        part_bytes = sum(part.bytes for part in parts)
        self.total = sum(entry.bytes for entry in entries) + part_bytes
        report.files = len(entries) - len(parts)
        report.file_bytes = self.total - 2 * part_bytes
        files = check_files(self.folder, self.manifest, self._step, quick=report.quick, checked=self.checked)
        report.problems += files.problems
        report.problems += other_files(self.folder, self.manifest)
        there = [part for part in parts if is_file_name(part.name) and (self.folder / part.name).is_file()]
        if report.quick:
            for part in there:
                report.shards, report.bytes = report.shards + 1, report.bytes + part.bytes
                report.frames, report.records = report.frames + part.frames, report.records + part.records
            return
        if LOOKUP in files.good:
            self._lookup()
        index = self._index() if INDEX in files.good else None
        if index is not None:
            self._frames(index, there, files)
        else:
            for part in there:
                _check_part(self.folder, part, self.manifest.content.making, report)
        for other in self.manifest.content.others:
            self._other(other, files, indexed=index is not None)
        self._step(self.total - self.done)

    def _other(self, other: OtherLayout, files: FilesCheck, *, indexed: bool) -> None:
        """Compare the records in another layout with the index, in its order."""
        making, parts = replace(self.manifest.content.making, layout=other.layout), other.parts
        rows = iter_index(self.folder) if indexed else None
        for part in parts:
            if part.name not in files.good:
                return  # it was reported as missing or damaged, and what follows cannot be aligned with the index
            try:
                for frame, _, _, texts in iter_texts(self.folder, part, making):
                    for position, text in enumerate(texts):
                        row = next(rows, None) if rows is not None else None
                        if rows is not None and (row is None or sha256(text).hexdigest() != row.sha256):
                            message = "it is not what the index says, and so not what the other layout holds"
                            self.report.problems.append(Problem("damaged", part.name, message, frame, position))
                            return
            except ArchiveError as error:
                self.report.problems.append(Problem("damaged", part.name, str(error)))
                return
        if rows is not None and (row := next(rows, None)) is not None:
            where = parts[-1].name if parts else MANIFEST
            message = f"as {other.layout} it ends before {row.identifier} ({row.format}), which the index names"
            self.report.problems.append(Problem("damaged", where, message))

    def _lookup(self) -> None:
        try:
            check_lookup(self.folder / LOOKUP)
        except ArchiveError as error:
            self.report.problems.append(Problem("damaged", LOOKUP, str(error)))

    def _index(self) -> IndexCheck | None:
        try:
            index = check_index(self.folder, self.manifest)
        except (Damaged, DiskFailed) as error:
            self.report.problems.append(Problem("damaged", INDEX, f"it cannot be read: {error}"))
            return None
        self.report.problems += (Problem("damaged", INDEX, f"{fault}; {COPY}") for fault in index.faults[:_FAULTS_MOST])
        return index

    def _frames(self, index: IndexCheck, there: list[Part], files: FilesCheck) -> None:
        """Compare records with the index, in worker processes; all damaged frames are named."""
        report, names = self.report, {part.name for part in there}
        report.shards, report.bytes = len(there), sum(part.bytes for part in there)
        making = self.manifest.content.making
        tasks = [FramesToCheck(self.folder, making, span) for span in index.ranges if span.part in names]
        whole = files.suspect & names
        for task, check in self._checks(tasks):
            report.frames, report.records = report.frames + check.frames, report.records + check.records
            for fault in check.faults:
                whole.discard(task.frames.part)
                problem = Problem("damaged", task.frames.part, fault.message, fault.frame, fault.record)
                report.problems.append(problem)
        for part in sorted(whole):
            message = (
                f"its digests are not those of the manifest, and its records are whole: its end is changed; {COPY}"
            )
            report.problems.append(Problem("damaged", part, message))

    def _checks(self, tasks: list[FramesToCheck]) -> Iterator[tuple[FramesToCheck, FramesCheck]]:
        """Yield the check of each task, in order; those in the checkpoint are not repeated."""
        paths = [self.folder / task.frames.part for task in tasks]
        known = [
            self.checked.known(task.identity, path) if self.checked is not None else None
            for task, path in zip(tasks, paths, strict=True)
        ]
        unread = [task for task, noted in zip(tasks, known, strict=True) if noted is None]
        found = spread(check_frames, unread, sum(task.frames.bytes for task in unread))
        for task, path, noted in zip(tasks, paths, known, strict=True):
            check = next(found) if noted is None else FramesCheck(noted["frames"], noted["records"])
            if noted is None and self.checked is not None and not check.faults:
                self.checked.add(task.identity, path, {"frames": check.frames, "records": check.records})
            self._step(task.frames.bytes)
            yield task, check

    def _step(self, count: int) -> None:
        self.done += count
        if self.progress is not None:
            self.progress(self.done, self.total)


# --- releases without index, or without manifest


def _check_part(folder: Path, part: Part, making: Making, report: VerifyReport) -> None:
    """Read a part to its end, or to the first fault in it."""
    report.shards += 1
    report.bytes += part.bytes
    frames = 0
    try:
        for _, _, _, texts in iter_texts(folder, part, making):
            frames += 1
            report.records += len(texts)
    except ArchiveError as error:
        report.problems.append(Problem("damaged", part.name, str(error)))
    report.frames += frames


def _check_without_manifest(folder: Path, report: VerifyReport) -> None:
    """Check parts compressed with zstd against their own digests; nothing is known of other files."""
    for path in _parts_by_name(folder):
        if not path.name.endswith(".json-seq.zst"):
            report.problems.append(Problem("unproven", path.name, "without the manifest its digest is not known"))
            continue
        check = check_alone(path)
        report.shards, report.bytes = report.shards + 1, report.bytes + check.bytes
        report.frames, report.records = report.frames + check.frames, report.records + check.records
        for fault in check.faults:
            report.problems.append(Problem("damaged", path.name, fault.message, fault.frame, fault.record))


def _parts_by_name(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.name.endswith(_ENDINGS) and path.name.split("-")[0] in _KINDS
    )
