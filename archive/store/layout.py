"""An archive as a folder: where its files are, what it says it is, and who may write to it."""

import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from archive.disk import durable
from archive.errors import Busy, Damaged, NotAnArchive, OtherArchive

FORMAT = "harvester-archive"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one archive folder."""

    root: Path

    @property
    def description(self) -> Path:
        return self.root / "archive.json"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def ledger_digest(self) -> Path:
        """SHA-256 of the ledger, written when it is closed in order and removed before it is written again."""
        return self.root / "ledger.sqlite.sha256"

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    def shard(self, name: str, *, sealed: bool = False) -> Path:
        """Where a shard is; one that is not known to be sealed may still have the name of one that is open."""
        path = self.shards / name
        return path if sealed or path.exists() else path.with_name(f"{name}.open")

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def index(self) -> Path:
        return self.root / "index.duckdb"


def create(folder: Path, source: dict[str, Any], software: dict[str, Any], created: str) -> dict[str, Any]:
    """Make an empty archive; `source` has at least `url` and `hosts`. Returns its description.

    Raises NotAnArchive when the folder holds anything else: an archive is not put among other files. Where
    another process made an archive at the same time, that one is left as it is and its description returned.
    """
    if folder.exists() and not folder.is_dir():
        raise NotAnArchive(f"{folder} is a file; name a new or an empty folder")
    with durable.translated(folder, "making the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if Layout(folder).description.exists():
            return read_description(folder)
        return _create(folder, source, software, created)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes an archive here: a lock on the description begins only once there is one."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _create(folder: Path, source: dict[str, Any], software: dict[str, Any], created: str) -> dict[str, Any]:
    # what an interrupted creation may have left behind is ours
    if any(not entry.name.startswith(".archive.json.") for entry in folder.iterdir()):
        raise NotAnArchive(f"{folder} is not empty and is no archive; name a new or an empty folder")
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": str(uuid.uuid4()),
        "created": created,
        "source": source,
        "software": software,
    }
    write_description(folder, description)
    durable.sync_folder(folder.parent)
    return description


def write_description(folder: Path, description: dict[str, Any]) -> None:
    """Write `archive.json`, whole or not at all; `description` is given its digest."""
    description["sha256"] = _digest(description)
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    durable.write_new(Layout(folder).description, text.encode(), "description")


def read_description(folder: Path) -> dict[str, Any]:
    """Read `archive.json`, checked.

    Raises NotAnArchive when there is none, OtherArchive when its format is newer than this software,
    Damaged when its bytes are not those that were written.
    """
    path = Layout(folder).description
    if not path.exists():
        raise NotAnArchive(f"{folder} is no archive: it has no archive.json")
    with durable.translated(path, "reading"):
        return parse_description(path.read_bytes(), str(path))


def parse_description(body: bytes, path: str) -> dict[str, Any]:
    """Read a description from its bytes; `path` is for the message. Raises as `read_description`."""
    try:
        description = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise Damaged(f"{path} is not JSON ({cause}); take it from a copy of the archive") from cause
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise NotAnArchive(f"{path} does not describe an archive of this software")
    digest = description.pop("sha256", None)
    if digest != _digest(description):
        raise Damaged(f"{path}: its content does not match its own sha256; take it from a copy of the archive")
    version = description.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise OtherArchive(
            f"{path}: format version {version}, this software reads up to {FORMAT_VERSION}; use a newer one"
        )
    canonical = json.dumps({**description, "sha256": digest}, indent=2, ensure_ascii=False) + "\n"
    if canonical.encode() != body:
        raise Damaged(f"{path}: not the bytes that were written; take it from a copy of the archive")
    return description


def _digest(description: dict[str, Any]) -> str:
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@contextmanager
def only_one(folder: Path, busy: str) -> Iterator[None]:
    """Be the only process in a folder that is there. Raises Busy, with these words, where there is another."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(busy) from None
        yield
    finally:
        os.close(fd)


def refuse_links(folder: Path) -> None:
    """Raises Damaged when a file or folder of an archive is a link: its target would be written to, or moved away."""
    layout = Layout(folder)
    for path in (layout.description, layout.ledger, layout.shards, layout.quarantine, folder / "files"):
        if path.is_symlink():
            raise Damaged(f"{path} is a link, and leads elsewhere; put the file or the folder itself there")


class WriteLock:
    """Only one process writes to an archive: an advisory lock on its description, gone with the process."""

    def __init__(self, folder: Path) -> None:
        """Raises Busy when another process holds it, Damaged when what it would write to is a link to elsewhere."""
        refuse_links(folder)
        self._fd = os.open(Layout(folder).description, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise Busy(f"another process is writing to {folder}; wait for it to end, or stop it") from None

    def release(self) -> None:
        os.close(self._fd)
