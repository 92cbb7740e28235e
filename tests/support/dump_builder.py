"""Releases made for tests: small frames and parts, a still date, and what is in one."""

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import orjson

from archive.releases.build import Options, write_release
from archive.releases.manifest import INDEX, Making, Manifest, Selection, read_manifest
from archive.releases.merkle import MerkleTree
from archive.releases.parts import iter_texts

LICENCE = {"id": "CC0-1.0", "name": "CC0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}
# frames of some records each, so that a small release has several
MAKING = {
    "form": "envelope",
    "layout": "jsonseq",
    "compression": "zstd",
    "level": 3,
    "frame_bytes": 700,
    "part_bytes": 10**9,
    "part_records": 0,
}


def options(**more: Any) -> Options:
    """`more` are fields of Making or of Selection."""
    making = {name: more.pop(name, value) for name, value in MAKING.items()}
    return Options(
        Making(**making),
        Selection(**more),
        "example-2026-03-04",
        "Metadata of Example",
        "2026-03-04",
        LICENCE,
        {"harvester": "0"},
    )


def released(archive: Path, out: Path, **more: Any) -> Manifest:
    """Make a release."""
    manifest = write_release(archive, out, options(**more))
    assert read_manifest(out) == manifest
    return manifest


def texts(folder: Path, kind: str = "records") -> list[Any]:
    """The texts of all parts of one kind, read and checked, as JSON."""
    content = read_manifest(folder).content
    parts = [part for part in content.parts if part.kind == kind]
    return [
        orjson.loads(text) for part in parts for *_, found in iter_texts(folder, part, content.making) for text in found
    ]


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """The rows of its index, in their order."""
    return duckdb.sql(f"FROM read_parquet('{folder / INDEX}')").fetchall()


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file that must not depend on anything but the records."""
    entries = read_manifest(folder).content
    names = [part.name for part in entries.parts] + [INDEX, "lookup.idx"]
    return {name: (folder / name).read_bytes() for name in names}


def check(folder: Path) -> None:
    """What holds of every release: all files are as the manifest says, each text is where the index says, the root."""
    manifest = read_manifest(folder)
    entries = manifest.entries()
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *(entry.name for entry in entries)}
    for entry in entries:
        body = (folder / entry.name).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest()) == (
            entry.bytes,
            entry.sha256,
            entry.sha512,
        ), entry.name
    content, tree = manifest.content, MerkleTree()
    found = []
    for part in content.parts:
        for frame, offset, length, frame_texts in iter_texts(folder, part, content.making):
            for position, text in enumerate(frame_texts):
                digest = hashlib.sha256(text)
                tree.add(digest.digest())
                found.append(
                    (part.kind == "tombstones", part.name, frame, offset, length, position, digest.hexdigest())
                )
    indexed = rows(folder)
    assert [tuple(row[3:]) for row in indexed] == found
    assert indexed == sorted(indexed, key=lambda row: (row[3], row[0].encode(), row[1].encode()))
    assert tree.root().hex() == content.root
    assert (content.records, content.tombstones) == (
        sum(not row[3] for row in indexed),
        sum(row[3] for row in indexed),
    )
    assert content.identifiers == len({row[0] for row in indexed})
