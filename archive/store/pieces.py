"""Files that are read piece by piece, in a folder here or wherever else somebody reads them from."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from archive.disk import translated
from archive.errors import Damaged
from archive.store.lookup_file import FIRST_BYTES, Lookup

# a frame, or a piece of a lookup, that says it is longer is not read
PIECE_MOST = 1 << 30
# the longest manifest or description that is read
WHOLE_MOST = 64 << 20


class Files(Protocol):
    """The files of a release or an archive. `where` names the place; `folder` is it, if it is on this machine.

    Names may have slashes, and nothing that leads out.
    """

    @property
    def where(self) -> str: ...

    @property
    def folder(self) -> Path | None: ...

    def whole(self, name: str) -> bytes | None:
        """A small file, of `WHOLE_MOST` bytes at most; None when there is none of that name."""

    def piece(self, name: str, offset: int, length: int) -> bytes | None:
        """Bytes of a file: `length` of them, or fewer where it ends before. None when there is none of that name."""

    def size(self, name: str) -> int:
        """How long a file is of which a piece was read."""


class FolderFiles:
    """Files in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.where, self.folder = str(folder), folder

    def whole(self, name: str) -> bytes | None:
        return self.piece(name, 0, WHOLE_MOST)

    def piece(self, name: str, offset: int, length: int) -> bytes | None:
        path = self.folder / name
        with translated(path, "reading"):
            try:
                with path.open("rb", buffering=0) as file:
                    return os.pread(file.fileno(), length, offset)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def size(self, name: str) -> int:
        with translated(self.folder / name, "reading"):
            return (self.folder / name).stat().st_size


def is_file_name(name: str) -> bool:
    """Whether a name that somebody else wrote is that of a file in a folder, and leads nowhere else."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def open_lookup(files: Files, name: str) -> Lookup | None:
    """A lookup, None when there is none of that name. Raises Damaged unless its header is whole and right."""
    where = f"{files.where}/{name}"
    if (first := files.piece(name, 0, FIRST_BYTES)) is None:
        return None

    def read(offset: int, length: int) -> bytes:
        # only the header is read from the beginning
        return read_piece(files, [name], offset, length, where) if offset else first

    lookup = Lookup(read, where)
    if (size := files.size(name)) != lookup.size_bytes:
        raise Damaged(f"{where} is {size} bytes long, its header says {lookup.size_bytes}; take it from a copy")
    return lookup


def read_piece(files: Files, names: Sequence[str], offset: int, length: int, where: str) -> bytes:
    """Exactly these bytes of the first of some files that is there. Raises Damaged, which names it as `where`."""
    if not 0 < length <= PIECE_MOST:
        raise Damaged(f"{where}: {length} bytes are no length of a piece; take it from a copy")
    for name in names:
        if (piece := files.piece(name, offset, length)) is not None:
            if len(piece) != length:
                raise Damaged(f"{where}: the file ends inside it; take it from a copy")
            return piece
    raise Damaged(f"{where}: the file is missing; take it from a copy")
