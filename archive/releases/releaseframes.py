"""Frames of a release, read and compared with the index record by record; one function for a process of its own."""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import orjson

from archive.errors import ArchiveError
from archive.releases.parts import read_texts
from archive.releases.release import IndexRow, Making
from archive.releases.releaseindex import FrameRange, iter_index


@dataclass(frozen=True, slots=True)
class FramesToCheck:
    """Some frames of a release."""

    folder: Path
    making: Making
    frames: FrameRange

    @property
    def identity(self) -> str:
        """A name of theirs for what is known of them."""
        return f"{self.frames.part} frames {self.frames.first}-{self.frames.last}"


@dataclass(frozen=True, slots=True)
class FrameFault:
    """What is wrong with a frame, or with a record in it that counts from 0."""

    frame: int
    record: int | None
    message: str


@dataclass(slots=True)
class FramesCheck:
    """What was read of some frames, and what is wrong with them."""

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
    """What an enveloped record says of itself that the index says otherwise; None when they agree."""
    if task.making.form != "envelope" and not row.deleted:
        return None
    record = orjson.loads(text)
    for name in ("identifier", "format", "datestamp", "deleted"):
        if record.get(name) != getattr(row, name):
            return f"its {name} is {record.get(name)!r}, the index says {getattr(row, name)!r}"
    return None
