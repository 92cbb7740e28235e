"""Entries put away in a file while others are made, and given back in the same order: memory stays flat."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import zstandard

from archive.durable import translated
from archive.errors import Damaged
from archive.releases.changes import Row
from archive.releases.entries import Entry

_BUFFER_BYTES = 1 << 20


class Spool:
    """Entries or rows in a file of its own; each is a line of JSON, then its text."""

    def __init__(self, path: Path) -> None:
        self._path, self._count = path, 0
        with translated(path, "opening"):
            # it closes the file as well
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
        """What was put away, without its texts. Nothing can be added any more."""
        return (Row(*values[:5]) for values, _ in self._read())

    def entries(self) -> Iterator[Entry]:
        """What was put away. Nothing can be added any more."""
        for (identifier, format_, datestamp, deleted, sha256, doi, _), text in self._read():
            yield Entry(identifier, format_, datestamp, deleted, doi, sha256, text)

    def close(self) -> None:
        """Let go of the file."""
        with translated(self._path, "closing"):
            self._writer.close()  # type: ignore[no-untyped-call]

    def _read(self) -> Iterator[tuple[list[Any], bytes]]:
        self.close()
        with translated(self._path, "reading"), self._path.open("rb") as packed:
            file = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed), _BUFFER_BYTES)
            for number in range(self._count):
                # a stream that was cut ends without an error
                line = file.readline()
                values: list[Any] | None = orjson.loads(line) if line.endswith(b"\n") else None
                text = file.read(values[-1]) if values else b""
                if values is None or len(text) != values[-1]:
                    raise Damaged(f"{self._path} ends after {number} of {self._count} entries; run the command again")
                yield values, text
