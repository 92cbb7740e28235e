"""A sketch in a file: a header, the cells, and a digest over all of it, which shows every flip and every cut."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from archive import durable
from archive.audits.sketch import HASHES, STRATA, STRATUM_CELLS, STRATUM_ITEM, Sketch, Table, cell_bytes
from archive.errors import Damaged, OtherArchive

MAGIC = b"HVSTSKCH"
FORMAT_VERSION = 1
_DIGEST_BYTES, _LENGTH_BYTES = 32, 4
# of any sketch that can be of use; a longer file is none
_MOST_BYTES = 1 << 30


def is_sketch(path: Path) -> bool:
    """Whether a file begins as a sketch does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_sketch(path: Path, sketch: Sketch, about: dict[str, Any]) -> int:
    """Write a sketch, durably; `about` says of what it is. Returns its size in bytes."""
    header = orjson.dumps({
        "format_version": FORMAT_VERSION, "compares": sketch.compares, "items": sketch.items, "cells": sketch.cells,
        **about,
    })  # fmt: skip
    body = b"".join((
        MAGIC, len(header).to_bytes(_LENGTH_BYTES, "little"), header, sketch.table.to_bytes(),
        *(stratum.to_bytes() for stratum in sketch.strata),
    ))  # fmt: skip
    durable.write_new(path, body + sha256(body).digest(), "sketch")
    return len(body) + _DIGEST_BYTES


def read_sketch(path: Path) -> tuple[Sketch, dict[str, Any]]:
    """Read a sketch and its header.

    Raises Damaged when its bytes are not those that were written, OtherArchive for one of a newer format.
    """
    with durable.translated(path, "reading"):
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not body.startswith(MAGIC) or sha256(body).digest() != digest:
        raise Damaged(f"{path} is not the sketch that was written: take it from who made it once more")
    try:
        start = len(MAGIC) + _LENGTH_BYTES
        cells = start + int.from_bytes(body[len(MAGIC) : start], "little")
        header = orjson.loads(body[start:cells])
        if header["format_version"] > FORMAT_VERSION:
            raise OtherArchive(
                f"{path}: a sketch of format version {header['format_version']}, this software reads up to "
                f"{FORMAT_VERSION}"
            )
        return _sketch(body[cells:], header), header
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as cause:
        raise Damaged(f"{path}: a sketch without what it must have ({cause!r})") from cause


def _sketch(data: bytes, header: dict[str, Any]) -> Sketch:
    count, compares = header["cells"], header["compares"]
    table, stratum = count * cell_bytes(), STRATUM_CELLS * cell_bytes(STRATUM_ITEM)
    if count % HASHES or compares not in ("versions", "ids") or len(data) != table + STRATA * stratum:
        raise ValueError(f"{len(data)} bytes for {count} cells that compare {compares}")
    sketch = Sketch(count, compares, header["items"])
    sketch.table = Table.from_bytes(data[:table], sketch.table.width)
    sketch.strata = [
        Table.from_bytes(data[start : start + stratum], STRATUM_ITEM) for start in range(table, len(data), stratum)
    ]
    return sketch
