"""Log of rolling checks: when each file was last intact. Lines are only appended, each with a checksum.

A line is JSON: `at`, `name`, `bytes`, `result` (seen, good, damaged, missing, unreadable), `algorithm`, `expected`
(null if the expected digest is unknown) and `digest` (of what was read, else null). The log is in an archive as
`fixity.log`, and beside a bag or a release as `NAME.fixity`: nothing may be added to them.
"""

import fcntl
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from archive.disk import durable, read_lines, seal
from archive.errors import Busy

SEEN, GOOD, DAMAGED, MISSING, UNREADABLE = RESULTS = ("seen", "good", "damaged", "missing", "unreadable")
NAME = "fixity.log"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log; `at` in ISO 8601, UTC."""

    at: str
    name: str
    bytes: int
    result: str
    algorithm: str
    expected: str | None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class LastOf:
    """The present state of one file according to the log."""

    expected: str | None
    seen: datetime
    good: datetime | None = None
    digest: str | None = None
    result: str = SEEN


@dataclass(slots=True)
class History:
    """The content of a log: the state of each file, and the numbers of damaged lines."""

    files: dict[str, LastOf] = field(default_factory=dict)
    damaged_lines: list[int] = field(default_factory=list)
    torn_bytes: int = 0

    def take(self, entry: Entry) -> None:
        """Apply one line. A file whose expected digest has changed counts as another file."""
        at, last = datetime.fromisoformat(entry.at), self.files.get(entry.name)
        if last is None or last.expected != entry.expected:
            last = LastOf(entry.expected, at)
        if entry.result == SEEN:
            self.files[entry.name] = last
        elif entry.result == GOOD:
            self.files[entry.name] = LastOf(last.expected, last.seen, at, entry.digest, GOOD)
        else:
            self.files[entry.name] = LastOf(last.expected, last.seen, last.good, last.digest, entry.result)


def log_path(path: Path, *, archive: bool) -> Path:
    """Return the path of the log of a folder."""
    path = path.resolve()
    return path / NAME if archive else path.with_name(f"{path.name}.fixity")


def read_history(path: Path) -> History:
    """Read a log; empty if there is none. Damage in it is part of the history."""
    if not path.exists():
        return History()
    with durable.translated(path, "reading"):
        return parse_history(path.read_bytes())


def parse_history(body: bytes) -> History:
    """Parse the bytes of a log."""
    lines = read_lines(body)
    history = History(damaged_lines=lines.damaged, torn_bytes=lines.torn)
    damaged = set(lines.damaged)
    whole = (number for number in itertools.count(1) if number not in damaged)
    for number, text in zip(whole, lines.texts, strict=False):
        try:
            history.take(_entry(text))
        except (ValueError, TypeError, RecursionError):  # a valid checksum does not prove a valid line
            history.damaged_lines.append(number)
    history.damaged_lines.sort()
    return history


def _entry(text: str) -> Entry:
    """Parse a line of a log. Raises ValueError and TypeError if it is not one."""
    entry = Entry(**json.loads(text))
    texts = (entry.at, entry.name, entry.algorithm, entry.expected or "", entry.digest or "")
    if not all(isinstance(value, str) for value in texts) or not isinstance(entry.bytes, int):
        raise TypeError(text)
    if entry.result not in RESULTS or datetime.fromisoformat(entry.at).tzinfo is None:
        raise ValueError(text)
    return entry


class FixityLog:
    """A log opened for writing, by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open and read the log; a torn end is cut off. Raises Busy if another check writes to it."""
        self.path = path
        with durable.translated(path, "opening"):
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise Busy(f"another check writes to {path}; wait for it to end, or stop it") from None
        self.history = read_history(path)
        self._file = durable.AppendFile(path, "fixity-log")
        if self.history.torn_bytes:
            self._file.truncate(self._file.length - self.history.torn_bytes)

    def add(self, *entries: Entry) -> None:
        """Append lines; they are durable after `sync`."""
        self._file.write(b"".join(seal(json.dumps(asdict(entry), ensure_ascii=False)) for entry in entries))
        for entry in entries:
            self.history.take(entry)

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.close()
        os.close(self._lock)


@contextmanager
def opened_log(path: Path) -> Iterator[FixityLog]:
    """Open a log for writing; sync and close it at the end."""
    log = FixityLog(path)
    try:
        yield log
        log.sync()
    finally:
        log.close()
