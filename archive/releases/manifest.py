"""Releases: folders of parts, an index and a manifest, usable without this software.

`manifest.json` names every other file with its digests. What it says under `content` depends on the records alone: two
harvests of the same state give the same content, and the same bytes in every part. Everything else in it (when, from
where, by which runs) may differ.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from archive.disk import durable
from archive.errors import Damaged, NotAnArchive, OtherArchive

FORMAT = "harvester-release"
# 2 is written if a release has its records in several layouts
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
INDEX = "index.parquet"
LOOKUP = "lookup.idx"
# kinds of parts with tombstones
DEAD = ("tombstones", "deleted")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """The first or last record of a part, in the order of the release."""

    identifier: str
    format: str
    datestamp: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file beside the manifest; digests in hexadecimal digits."""

    name: str
    bytes: int
    sha256: str
    sha512: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file of records. `kind` is records or tombstones; `earliest` and `latest` are their datestamps, as text."""

    name: str
    kind: str
    records: int
    frames: int
    bytes: int
    content_bytes: int
    sha256: str
    sha512: str
    first: Edge
    last: Edge
    earliest: str
    latest: str


@dataclass(frozen=True, slots=True)
class Making:
    """Everything, besides the records, that determines the bytes of the parts.

    `form`: envelope, bare (the metadata alone) or migrator. `layout`: jsonseq, jsonl or tar. A frame is compressed by
    itself: it takes records until they have `frame_bytes` of content. A part ends before it would exceed `part_bytes`,
    or `part_records`.
    """

    form: str
    layout: str
    compression: str
    level: int
    frame_bytes: int
    part_bytes: int
    part_records: int


@dataclass(frozen=True, slots=True)
class OtherLayout:
    """The same records in another layout, in the same order and with the same compression."""

    layout: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are selected; empty and None are no limit. Datestamps as text, both included."""

    formats: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    from_: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """The part of a manifest that depends on the records alone.

    Counts are of pairs of identifier and format. `root` is the root of a Merkle tree (RFC 6962, section 2.1) whose
    entries are the SHA-256 (32 bytes) of each record's text, in the order of the index: records, then tombstones, each
    by the bytes of identifier and format. `index` and `lookup` are of `parts`; `others` hold the same records.
    """

    records: int
    tombstones: int
    identifiers: int
    root: str
    by_format: dict[str, dict[str, int]]
    making: Making
    selection: Selection
    parts: tuple[Part, ...]
    index: FileEntry
    lookup: FileEntry | None
    others: tuple[OtherLayout, ...] = ()

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Return the parts in every layout; those that the index is of come first."""
        return (*self.parts, *(part for other in self.others for part in other.parts))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of `manifest.json`. `kind` is full or delta; `files` are those besides parts, index and lookup.

    `account` has the keys listed, the eight states and balanced; `licence` id, name and url; `since` is, in a delta,
    the release it applies to.
    """

    kind: str
    name: str
    title: str
    published: str
    content: Content
    files: tuple[FileEntry, ...]
    source: dict[str, Any]
    archive: dict[str, Any]
    runs: tuple[dict[str, Any], ...]
    account: dict[str, Any]
    software: dict[str, Any]
    licence: dict[str, str]
    since: dict[str, Any] | None = None

    def entries(self) -> list[FileEntry]:
        """List every file of the release except the manifest."""
        content = self.content
        parts = [FileEntry(part.name, part.bytes, part.sha256, part.sha512) for part in content.all_parts]
        return [*parts, content.index, *([content.lookup] if content.lookup else []), *self.files]

    def part(self, name: str) -> tuple[Part, Making] | None:
        """Return a part by its name, in any layout, and how it was made; None for an unknown name."""
        content = self.content
        layouts = [OtherLayout(content.making.layout, content.parts), *content.others]
        found = ((part, one.layout) for one in layouts for part in one.parts if part.name == name)
        return next(((part, replace(content.making, layout=layout)) for part, layout in found), None)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A row of `index.parquet`, its columns in this order.

    `frame` counts from 0 within the part, `offset` and `length` locate its compressed bytes in the part, `position`
    counts the records in it from 0. `sha256` is that of the record's text in the part, without its framing.
    """

    identifier: str
    format: str
    datestamp: str
    deleted: bool
    part: str
    frame: int
    offset: int
    length: int
    position: int
    sha256: str


def is_release(path: Path) -> bool:
    """Return whether a folder has the manifest of a release."""
    try:
        return path.is_dir() and FORMAT.encode() in (path / MANIFEST).read_bytes()[:200]
    except OSError:
        return False


def manifest_bytes(manifest: Manifest) -> bytes:
    """Encode `manifest.json`: its format, the manifest, and a SHA-256.

    The digest is that of the same JSON without this key, keys sorted.
    """
    version = FORMAT_VERSION if manifest.content.others else 1
    described = {"format": FORMAT, "format_version": version, **_plain(asdict(manifest))}
    if not manifest.content.others:
        del described["content"]["others"]
    described["sha256"] = _digest(described)
    return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` durably: the last file of a release."""
    durable.write_new(folder / MANIFEST, manifest_bytes(manifest), "manifest")


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a release, from its folder or the file alone.

    Raises NotAnArchive if there is none, OtherArchive if its format is newer, Damaged if its bytes are not those that
    were written.
    """
    file = path / MANIFEST if path.is_dir() else path
    if not file.exists():
        raise NotAnArchive(f"{path} is no release: it has no {MANIFEST}")
    with durable.translated(file, "reading"):
        return parse_manifest(file.read_bytes(), str(file))


def parse_manifest(body: bytes, where: str) -> Manifest:
    """Parse the bytes of a manifest; `where` is for messages. Raises as `read_manifest`."""
    try:
        described = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise Damaged(f"{where} is not JSON ({cause}); take it from a copy of the release") from cause
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise NotAnArchive(f"{where} is no manifest of a release")
    version = described.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise OtherArchive(f"{where}: format version {version}, this software reads up to {FORMAT_VERSION}")
    digest = described.pop("sha256", None)
    if digest != _digest(described):
        raise Damaged(f"{where}: its content does not match its own sha256; take it from a copy of the release")
    try:
        manifest = _manifest(described)
    except (KeyError, TypeError, AttributeError) as cause:
        raise Damaged(f"{where}: a manifest without what it must have ({cause!r})") from cause
    if manifest_bytes(manifest) != body:
        raise Damaged(f"{where}: not the bytes that were written; take it from a copy of the release")
    return manifest


def _manifest(described: Mapping[str, Any]) -> Manifest:
    found = described["content"]
    content = Content(
        **{name: found[name] for name in ("records", "tombstones", "identifiers", "root", "by_format")},
        making=_read(Making, found["making"]),
        selection=_read(Selection, {k: tuple(v) if isinstance(v, list) else v for k, v in found["selection"].items()}),
        parts=tuple(map(_read_part, found["parts"])),
        index=_read(FileEntry, found["index"]),
        lookup=_read(FileEntry, found["lookup"]) if found["lookup"] else None,
        others=tuple(
            OtherLayout(one["layout"], tuple(map(_read_part, one["parts"]))) for one in found.get("others", ())
        ),
    )
    rest = {name: described[name] for name in (field.name for field in fields(Manifest)) if name != "content"}
    rest["files"] = tuple(_read(FileEntry, entry) for entry in rest["files"])
    rest["runs"] = tuple(rest["runs"])
    return Manifest(content=content, **rest)


def _read_part(part: Mapping[str, Any]) -> Part:
    return _read(Part, {**part, "first": _read(Edge, part["first"]), "last": _read(Edge, part["last"])})


def _read(kind: type[T], found: Mapping[str, Any]) -> T:
    return kind(**found)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _digest(described: dict[str, Any]) -> str:
    canonical = json.dumps(described, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
