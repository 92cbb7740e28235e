"""Read whatever a damaged shard still holds, and say what cannot be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.disk import translated
from archive.errors import Damaged
from archive.store import seektable
from archive.store.frames import MAGIC, Broken, read_frame_bytes, unpack
from archive.store.seektable import DIGEST_FRAME_BYTES, Entry
from archive.store.shards import FRAME_BYTES, RS, Frame, iter_frames, read_end, text_fault


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a shard that cannot be read; `record` is the number within the frame, None for all of it."""

    frame: int
    offset: int
    record: int | None
    reason: str


def salvage(path: Path, limit: int | None = None) -> Iterator[Frame | Damage]:
    """Read whatever can be read, and say what cannot: frames and damages in the order of the file.

    After a damage reading goes on at the next frame of the seek table, or, where that is gone as well, at the
    next bytes that look like the beginning of a frame. Damage that costs no record (in the digest, say) is said last.
    """
    with translated(path, "reading"):
        size = path.stat().st_size
    try:
        sealed = read_end(path) if limit is None else None
        end = sealed.frames_bytes if sealed is not None else size if limit is None else min(limit, size)
        starts = _starts(sealed.entries) if sealed is not None else None
    except Damaged as error:
        sealed, end, starts = None, size, None
        yield Damage(-1, size, None, str(error))
    damaged = False
    for item in _salvaged(path, end, starts):
        yield item
        damaged = damaged or isinstance(item, Damage)
    if sealed is not None and not damaged:
        try:
            for _ in iter_frames(path):
                pass
        except Damaged as error:
            yield Damage(-1, sealed.frames_bytes, None, str(error))


def _salvaged(path: Path, end: int, starts: list[int] | None) -> Iterator[Frame | Damage]:
    with translated(path, "reading"), path.open("rb") as file:
        offset = number = 0
        while offset < end:
            file.seek(offset)
            try:
                raw = read_frame_bytes(file, end - offset)
                yield from _salvage_frame(raw, number, offset)
                offset += len(raw)
            except Broken as broken:
                if starts is None and _only_end(file, offset):
                    return
                yield Damage(number, offset, None, str(broken))
                following = _next_start(file, offset, end, starts)
                if following is None:
                    return
                offset = following
            number = starts.index(offset) if starts is not None and offset in starts else number + 1


def _salvage_frame(raw: bytes, number: int, offset: int) -> Iterator[Frame | Damage]:
    """Read a frame whose bytes are whole: its good records, and a damage for each bad one."""
    before, *texts = unpack(raw).split(RS)
    if before:
        yield Damage(number, offset, None, "its content does not begin with a record separator")
    good = []
    for record, text in enumerate(texts):
        reason = text_fault(text)
        if reason is None:
            good.append(text)
        else:
            yield Damage(number, offset, record, reason)
    yield Frame(number, offset, len(raw), b"".join(RS + text for text in good), len(good))


def _starts(entries: list[Entry]) -> list[int]:
    """Return the offsets of the frames, and of the digest frame after them."""
    starts = [0]
    for entry in entries[:-1]:
        starts.append(starts[-1] + entry.length)
    return starts


def _next_start(file: BinaryIO, offset: int, end: int, starts: list[int] | None) -> int | None:
    """Find where the next frame after `offset` begins, None when there is none."""
    if starts is not None:
        return next((start for start in starts if offset < start < end), None)
    position = offset + 1
    while position < end:
        file.seek(position)
        block = file.read(FRAME_BYTES + len(MAGIC))
        found = block.find(MAGIC)
        if found >= 0:
            return position + found
        position += FRAME_BYTES
    return None


def _only_end(file: BinaryIO, offset: int) -> bool:
    """Return whether nothing but a digest frame is left here, with whatever is left of the seek table."""
    file.seek(offset)
    head = file.read(DIGEST_FRAME_BYTES)
    try:
        seektable.decode_digest(head)
    except ValueError:
        return False
    return True
