"""The content of a release or a delta: index entries and texts, read side by side in order, and verified.

Entries are spooled to a file while others are made, and read back in the same order: memory use stays flat.
"""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import orjson
import zstandard

from archive.disk import sha256_of, translated
from archive.duck import translated_duckdb
from archive.errors import Damaged
from archive.queries import Queries
from archive.releases.changes import Row
from archive.releases.entries import Entry, doi_in
from archive.releases.manifest import INDEX, MANIFEST, Manifest, Part, read_manifest
from archive.releases.parts import iter_texts
from archive.store import is_file_name

_SQL = Queries(__package__)

_FETCHED = 10_000


@dataclass(frozen=True, slots=True)
class Contents:
    """A release or a delta on disk whose index was verified."""

    folder: Path
    manifest: Manifest

    def rows(self, kind: str) -> Iterator[Row]:
        """Yield the index of the parts of one kind, in order."""
        names = [part.name for part in self._parts(kind)]
        with translated_duckdb(self.folder / INDEX), closing(duckdb.connect(config={"threads": 1})) as db:
            found = db.execute(_SQL["release_rows"], {"path": str(self.folder / INDEX), "parts": names})
            while batch := found.fetchmany(_FETCHED):
                yield from map(Row._make, batch)

    def entries(self, kind: str) -> Iterator[Entry]:
        """Yield the records of the parts of one kind, in order. Raises Damaged if a text differs from the index."""
        rows, making = self.rows(kind), self.manifest.content.making
        for part in self._parts(kind):
            for frame, _, _, texts in iter_texts(self.folder, part, making):
                for position, text in enumerate(texts):
                    row = next(rows, None)
                    if row is None or row.sha256 != sha256(text).hexdigest():
                        raise Damaged(
                            f"{self.folder / part.name}, frame {frame}, record {position} is not what {INDEX} says; "
                            "take it from a copy"
                        )
                    doi = doi_in(making.form, row.deleted, text)
                    yield Entry(
                        identifier=row.identifier,
                        format=row.format,
                        datestamp=row.datestamp,
                        deleted=row.deleted,
                        doi=doi,
                        sha256=row.sha256,
                        text=text,
                    )
        if (row := next(rows, None)) is not None:
            raise Damaged(f"{self.folder}: its {INDEX} has {row.identifier}, its parts do not; take it from a copy")

    def _parts(self, kind: str) -> list[Part]:
        return [part for part in self.manifest.content.parts if part.kind == kind]


def open_contents(folder: Path) -> Contents:
    """Open a release or a delta.

    Raises as `read_manifest`, and Damaged if its index is not the one its manifest names.
    """
    manifest = read_manifest(folder)
    check_index(folder / INDEX, manifest)
    for part in manifest.content.all_parts:
        if not is_file_name(part.name):
            raise Damaged(f"{folder}: its {MANIFEST} names {part.name!a}, which is no file beside it")
    return Contents(folder, manifest)


def check_index(path: Path, manifest: Manifest) -> None:
    """Raise Damaged unless the index exists and is the one that the manifest names."""
    if not path.exists():
        raise Damaged(f"{path} is missing, which says what the release holds; take it from a copy")
    if sha256_of(path) != manifest.content.index.sha256:
        raise Damaged(f"{path} does not match the manifest beside it; take it from a copy of the release")


_BUFFER_BYTES = 1 << 20


class Spool:
    """Entries or rows in a temporary file; each is a line of JSON, then its text."""

    def __init__(self, path: Path) -> None:
        self._path, self._count = path, 0
        with translated(path, "opening"):
            # the writer also closes the file
            self._writer = zstandard.ZstdCompressor(level=1).stream_writer(path.open("wb"))

    def append(self, item: Row | Entry) -> None:
        text, doi = (item.text, item.doi) if isinstance(item, Entry) else (b"", None)
        row = [item.identifier, item.format, item.datestamp, item.deleted, item.sha256, doi, len(text)]
        with translated(self._path, "writing"):
            self._writer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) + text)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        """Yield the stored rows, without texts. Nothing can be added any more."""
        return (Row(*values[:5]) for values, _ in self._read())

    def entries(self) -> Iterator[Entry]:
        """Yield the stored entries. Nothing can be added any more."""
        for (identifier, format_, datestamp, deleted, digest, doi, _), text in self._read():
            yield Entry(
                identifier=identifier,
                format=format_,
                datestamp=datestamp,
                deleted=deleted,
                doi=doi,
                sha256=digest,
                text=text,
            )

    def close(self) -> None:
        """Close the file."""
        with translated(self._path, "closing"):
            self._writer.close()  # type: ignore[no-untyped-call]

    def _read(self) -> Iterator[tuple[list[Any], bytes]]:
        self.close()
        with translated(self._path, "reading"), self._path.open("rb") as packed:
            file = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed), _BUFFER_BYTES)
            for number in range(self._count):
                # a truncated stream ends without an error
                line = file.readline()
                values: list[Any] | None = orjson.loads(line) if line.endswith(b"\n") else None
                text = file.read(values[-1]) if values else b""
                if values is None or len(text) != values[-1]:
                    raise Damaged(f"{self._path} ends after {number} of {self._count} entries; run the command again")
                yield values, text
