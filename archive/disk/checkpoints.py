"""Checkpoints of interrupted checks, in append-only files whose lines each carry a checksum.

A flipped bit or a torn last line is detected. A checkpoint lies beside what is checked until the check is done, and
lists the files that were read and found intact, so that the same command resumes from there. An entry counts only
while size, times and inode of the file are unchanged, for the same user on the same machine, and for one day: an older
read says too little about the disk today.
"""

import hashlib
import json
import os
import socket
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Lines:
    """The intact lines of a file of sealed lines.

    `damaged` has the numbers, from 1, of the other lines. `torn` is the number of bytes after the last line end: a
    process was killed while it wrote them.
    """

    texts: list[str]
    damaged: list[int]
    torn: int


def seal(text: str) -> bytes:
    """Encode a line: the text, a tab, 16 hex digits of its SHA-256, a line end."""
    body = text.encode()
    return body + b"\t" + _checksum(body) + b"\n"


def read_lines(body: bytes) -> Lines:
    """Parse sealed lines. Raises nothing, whatever the bytes are."""
    texts, damaged = [], []
    *whole, torn = body.split(b"\n")
    for number, line in enumerate(whole, 1):
        text, _, checksum = line.rpartition(b"\t")
        try:
            if checksum != _checksum(text):
                raise ValueError
            texts.append(text.decode())
        except ValueError:
            damaged.append(number)
    return Lines(texts, damaged, len(torn))


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:_DIGITS].encode()


TRUSTED_SECONDS = 24 * 3600
_SYNC_SECONDS = 1.0
# files read in the first seconds of a check are not noted: reading them again is as fast as looking them up
_WORTH_SECONDS = 2.0


class Checked:
    """The checkpoint of one check.

    `known` and `add` identify a file by any name that is unique within the check.
    """

    def __init__(self, target: Path, version: str, *, fresh: bool = False, now: float | None = None) -> None:
        """Resume from an existing checkpoint, or ignore it with `fresh`.

        `version` names what was checked and how; entries of another version are ignored. If nothing can be written
        beside `target`, the check runs all the same and cannot be resumed.
        """
        target = target.resolve()
        self.path = target.with_name(f".{target.name}.verifying")
        self._version, self._now = version, time.time() if now is None else now
        self._known: dict[str, dict[str, Any]] = {}
        self._waiting: list[str] = []
        self._began = self._said = time.monotonic()
        self.files = self.bytes = 0
        self.since: float | None = None
        if fresh:
            self.done()
        else:
            self._load()

    def known(self, name: str, path: str | Path) -> dict[str, Any] | None:
        """Return what was noted of a file; None if it was not read yet or may have changed since."""
        found = self._known.get(name)
        if found is None or found["stamp"] != _stamp(path):
            return None
        self.files, self.bytes = self.files + 1, self.bytes + int(found["stamp"][0])
        noted: dict[str, Any] = found["noted"]
        return noted

    def add(self, name: str, path: str | Path, noted: Mapping[str, Any]) -> None:
        """Note that a file was read completely and is intact."""
        if time.monotonic() - self._began < _WORTH_SECONDS:
            return
        stamp = _stamp(path)
        # changed within the resolution of its times: a further change might not show in them
        if stamp is None or time.time() - max(stamp[1], stamp[2]) / 1e9 < 2:
            return
        line = {"name": name, "stamp": stamp, "noted": dict(noted), "at": time.time(), **self._who()}
        self._waiting.append(json.dumps(line, ensure_ascii=False))
        if time.monotonic() - self._said > _SYNC_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Append the pending entries to the checkpoint."""
        self._said = time.monotonic()
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(b"".join(map(seal, waiting)))
        except OSError:
            pass  # a check without a checkpoint is still valid

    def done(self) -> None:
        """Delete the checkpoint: the check is complete."""
        self._known, self._waiting = {}, []
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            pass

    def _who(self) -> dict[str, Any]:
        return {"version": self._version, "user": os.getuid(), "host": socket.gethostname()}

    def _load(self) -> None:
        try:
            status = self.path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
                return  # a checkpoint of another user is not trusted
            body = self.path.read_bytes()
        except OSError:
            return
        who = self._who()
        for text in read_lines(body).texts:
            line = json.loads(text)
            age = self._now - line["at"]
            if all(line[key] == value for key, value in who.items()) and 0 <= age < TRUSTED_SECONDS:
                self._known[line["name"]] = line
                self.since = min(self.since or line["at"], line["at"])


def _stamp(path: str | Path) -> list[int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - there may be millions, and a Path takes longer to make
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]
