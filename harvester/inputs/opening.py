"""Files of records as users have them: packed with gzip, zstd, xz or bzip2, in tar or zip archives, one in the other.

How a file is packed shows in its first bytes, not in its name. What is cut short is never a shorter file: every stream
is unpacked to its end before its content counts, and what tells of the whole (a member of a tar archive, the digest of
a shard) is checked.
"""

import bz2
import hashlib
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from archive.releases import Unpacker
from archive.store import DIGEST_FRAME_BYTES, MAGIC, seektable
from harvester.errors import Unreadable

HEAD_BYTES = 4096
BLOCK_BYTES = 1 << 20
# what is unpacked is kept in memory up to here, and on the disk beyond
_MEMORY_BYTES = 32 << 20
# gzip in tar in zip is three
_DEEPEST = 4
# xz -9 needs 65 MiB to unpack, zstd --ultra -22 needs 128
_XZ_MEMORY, _ZSTD_WINDOW = 1 << 28, 1 << 28
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_TAR_MAGIC = slice(257, 262)
# how shards and parts of a release are called
_OUR_SHARD = re.compile(r"\d{5,}(\.\d+)?\.json-seq\.zst")
_OUR_PART = re.compile(r"(records|tombstones|added|changed|deleted)-\d{5,}\.[a-z-]+\.zst")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file, or one in an archive: `member` names it there, "" for the file itself. `head` are its first bytes."""

    member: str
    head: bytes
    file: BinaryIO


def opened(path: Path) -> Generator[Opened, None, None]:
    """Open a file for its content: unpacked, and each file of an archive by itself; each is closed before the next.

    Raises Unreadable when it is packed in another way, cut short or changed, OSError as the system does.
    """
    with path.open("rb") as file:
        if file.read(4) == MAGIC:
            file.seek(0)
            _check_shard(path, file)
        file.seek(0)
        yield from _unpacked(file, "", _DEEPEST)


# --- one in the other


def _unpacked(file: BinaryIO, member: str, depth: int) -> Iterator[Opened]:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    where = f"{member}: " if member else ""
    unpack = next((unpack for is_so, unpack in _PACKINGS if is_so(head)), None)
    if unpack is None and not _is_archive(head):
        yield Opened(member, head, file)
        return
    if not depth:
        raise Unreadable(f"{where}packed more than {_DEEPEST} times, one in the other; unpack it first")
    try:
        if unpack is not None:
            with tempfile.SpooledTemporaryFile(_MEMORY_BYTES, prefix="harvester-unpacked-") as content:
                for piece in unpack(file):
                    content.write(piece)
                content.seek(0)
                yield from _unpacked(cast(BinaryIO, content), member, depth - 1)
        elif head[:2] == b"PK":
            yield from _of_zip(file, where, depth - 1)
        else:
            yield from _of_tar(file, where, depth - 1)
    except _Torn as torn:
        raise Unreadable(f"{where}{torn}") from None


class _Torn(Exception):
    """Why packed bytes cannot be unpacked to their end."""


def _is_archive(head: bytes) -> bool:
    return head[_TAR_MAGIC] == b"ustar" or head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _of_tar(file: BinaryIO, where: str, depth: int) -> Iterator[Opened]:
    """The files of a tar archive. An archive ends with a block of zeros: one that does not is cut off."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    raise Unreadable(f"{where}{member.name} is a link or a device, which holds no record")
                yield from _member(content, f"{where}{member.name}", depth)
            file.seek(archive.offset)
            if file.read(512) != bytes(512):
                raise _Torn("the tar archive has no end: it is cut off")
    except tarfile.TarError as cause:
        raise _Torn(f"the tar archive cannot be read to its end ({cause})") from None


def _of_zip(file: BinaryIO, where: str, depth: int) -> Iterator[Opened]:
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.flag_bits & 1:
                    raise Unreadable(f"{where}{info.filename} is encrypted; unpack it with its password first")
                with archive.open(info) as content:
                    yield from _member(content, f"{where}{info.filename}", depth)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as cause:
        raise _Torn(f"the zip archive cannot be read to its end ({cause})") from None


def _member(content: IO[bytes], name: str, depth: int) -> Iterator[Opened]:
    with tempfile.SpooledTemporaryFile(_MEMORY_BYTES, prefix="harvester-unpacked-") as copy:
        while block := content.read(BLOCK_BYTES):
            copy.write(block)
        copy.seek(0)
        yield from _unpacked(cast(BinaryIO, copy), name, depth)


# --- streams


def _streams(file: BinaryIO, what: str, begin: Callable[[], Unpacker], padding: bytes = b"") -> Iterator[bytes]:
    """The content of streams one after another, as gzip, xz, bzip2 and zstd read them. Raises _Torn.

    `padding` is what may follow the last one, repeated.
    """
    pending = file.read(BLOCK_BYTES)
    while pending:
        unpacker = begin()
        while not unpacker.eof:
            if not pending:
                raise _Torn(f"the {what} stream ends too early: the file is cut off")
            try:
                yield unpacker.decompress(pending)
            except (zlib.error, lzma.LZMAError, OSError, ValueError, zstandard.ZstdError) as cause:
                raise _Torn(f"the {what} stream cannot be unpacked ({cause})") from None
            pending = unpacker.unused_data if unpacker.eof else file.read(BLOCK_BYTES)
        pending = pending or file.read(BLOCK_BYTES)
        while padding and pending and not pending.strip(padding):
            pending = file.read(BLOCK_BYTES)
        if padding:
            pending = pending.lstrip(padding)


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    # zeros fill the last block of a tape, and gzip passes over them
    return _streams(file, "gzip", lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), b"\0")


def _of_xz(file: BinaryIO) -> Iterator[bytes]:
    return _streams(file, "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), b"\0")


def _of_bzip2(file: BinaryIO) -> Iterator[bytes]:
    return _streams(file, "bzip2", bz2.BZ2Decompressor)


def _of_zstd(file: BinaryIO) -> Iterator[bytes]:
    """The content of zstd frames, with the skippable frames that pzstd, seek tables and others put between them."""
    while head := file.read(8):
        magic = int.from_bytes(head[:4], "little")
        if magic in _SKIPPABLE:
            size = int.from_bytes(head[4:], "little")
            before = file.tell()
            if len(head) < 8 or file.seek(0, 2) < before + size:
                raise _Torn("the zstd file ends inside a skippable frame: it is cut off")
            file.seek(before + size)
            continue
        if head[:4] != MAGIC:
            raise _Torn("bytes that are no zstd frame follow the last one")
        file.seek(-len(head), 1)
        yield from _frame(file)


def _frame(file: BinaryIO) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    while not unpacker.eof:
        if not (block := file.read(BLOCK_BYTES)):
            raise _Torn("the file ends inside a zstd frame: it is cut off")
        try:
            yield unpacker.decompress(block)
        except zstandard.ZstdError as cause:
            if "memory" in str(cause):
                raise _Torn(
                    "a zstd frame needs more than 256 MiB to unpack; do that by itself: zstd -d --long=31"
                ) from None
            raise _Torn(f"a zstd frame cannot be unpacked ({cause})") from None
    file.seek(-len(unpacker.unused_data), 1)


_PACKINGS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO], Iterator[bytes]]], ...] = (
    (lambda head: head[:3] == b"\x1f\x8b\x08", _gunzipped),
    (lambda head: head[:6] == b"\xfd7zXZ\0", _of_xz),
    (lambda head: re.match(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", head) is not None, _of_bzip2),
    (lambda head: head[:4] == MAGIC or int.from_bytes(head[:4], "little") in _SKIPPABLE, _of_zstd),
)


# --- shards and parts, which say what they should be


def _check_shard(path: Path, file: BinaryIO) -> None:
    """Compare a sealed shard, or a part, with its digest. Raises Unreadable, also when it is ours and not sealed."""
    size = file.seek(0, 2)
    file.seek(max(0, size - seektable.FOOTER_BYTES))
    try:
        length = seektable.table_bytes(file.read())
    except ValueError:
        file.seek(0)
        if _OUR_PART.fullmatch(path.name) or _looks_ours(file):
            raise Unreadable("its end is cut off or changed, or it is still being written: no seek table") from None
        return
    end = size - length - DIGEST_FRAME_BYTES
    try:
        file.seek(max(0, end))
        _, sha256 = seektable.decode_digest(file.read(DIGEST_FRAME_BYTES))
    except ValueError:
        return  # the seekable format of somebody else
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(min(BLOCK_BYTES, end - file.tell())):
        digest.update(block)
    if digest.digest() != sha256:
        raise Unreadable("its bytes are not those that were written: it is changed; take it from a copy")


def is_shard(path: Path) -> bool:
    """Whether a file is a shard, or a part of a release that is packed as one, also where it is cut or changed."""
    if _OUR_SHARD.fullmatch(path.name) or path.name.endswith(".json-seq.zst.open"):
        return True
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            return False
        file.seek(0)
        return _looks_ours(file)


def _looks_ours(file: BinaryIO) -> bool:
    """Whether the first frame is one of a shard: with all that frames of ours state, and a record in it."""
    head = file.read(18)
    try:
        parameters = zstandard.get_frame_parameters(head)
    except zstandard.ZstdError:
        return False
    if not parameters.has_checksum or head[4] & 0x18 or not parameters.content_size:
        return False
    file.seek(0)
    try:
        first = next(_frame(file), b"")[:HEAD_BYTES]
    except _Torn:
        return False
    return first[:2] == b"\x1e{" and all(name in first for name in (b'"datestamp":', b'"deleted":', b'"format":'))


@contextmanager
def spooled(file: IO[bytes]) -> Iterator[Path]:
    """A stream, standard input for one, as a file that has a path while the block lasts."""
    with tempfile.NamedTemporaryFile(prefix="harvester-input-") as copy:
        while block := file.read(BLOCK_BYTES):
            copy.write(block)
        copy.flush()
        yield Path(copy.name)
