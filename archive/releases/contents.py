"""What a release or a delta holds: its index and its texts, read side by side in their order, and checked."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb

from archive.duck import translated_duckdb
from archive.errors import Damaged
from archive.fixity import sha256_of
from archive.pieces import is_file_name
from archive.questions import question
from archive.releases.changes import Row
from archive.releases.entries import Entry, doi_in
from archive.releases.parts import iter_texts
from archive.releases.release import INDEX, MANIFEST, Manifest, Part, read_manifest

_FETCHED = 10_000


@dataclass(frozen=True, slots=True)
class Contents:
    """A release or a delta on disk, its index checked."""

    folder: Path
    manifest: Manifest

    def rows(self, kind: str) -> Iterator[Row]:
        """The index of the parts of one kind, in order."""
        names = [part.name for part in self._parts(kind)]
        with translated_duckdb(self.folder / INDEX), closing(duckdb.connect(config={"threads": 1})) as db:
            found = db.execute(question("release_rows"), {"path": str(self.folder / INDEX), "parts": names})
            while batch := found.fetchmany(_FETCHED):
                yield from map(Row._make, batch)

    def entries(self, kind: str) -> Iterator[Entry]:
        """The records of the parts of one kind, in order. Raises Damaged when a text is not what the index says."""
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
                    yield Entry(row.identifier, row.format, row.datestamp, row.deleted, doi, row.sha256, text)
        if (row := next(rows, None)) is not None:
            raise Damaged(f"{self.folder}: its {INDEX} has {row.identifier}, its parts do not; take it from a copy")

    def _parts(self, kind: str) -> list[Part]:
        return [part for part in self.manifest.content.parts if part.kind == kind]


def open_contents(folder: Path) -> Contents:
    """A release or a delta. Raises as `read_manifest`, and Damaged when its index is not the one its manifest names."""
    manifest = read_manifest(folder)
    check_index(folder / INDEX, manifest)
    for part in manifest.content.all_parts:
        if not is_file_name(part.name):
            raise Damaged(f"{folder}: its {MANIFEST} names {part.name!a}, which is no file beside it")
    return Contents(folder, manifest)


def check_index(path: Path, manifest: Manifest) -> None:
    """Raises Damaged unless the index is there and is the one that its manifest names."""
    if not path.exists():
        raise Damaged(f"{path} is missing, which says what the release holds; take it from a copy")
    if sha256_of(path) != manifest.content.index.sha256:
        raise Damaged(f"{path} does not match the manifest beside it; take it from a copy of the release")
