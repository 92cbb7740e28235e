"""What all processes of this machine know of a host: one small file each, locked for the moment that it takes.

The file is replaced whole, and not synced: what a crash of the machine takes with it is learned again. The lock is the
kernel's, on one file beside them, so whoever dies leaves nothing locked. It holds a host, its budgets and times; times
are seconds since 1970, for clocks that only go forward begin anew with the machine.
"""

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from archive.disk import durable
from archive.errors import ArchiveError
from harvester.ratelimit.limiter import Gate

logger = logging.getLogger(__name__)

VERSION = 1
# a lock is held for less than a millisecond; whoever has something to say waits for it a little
PATIENT_SECONDS, PATIENT_TRIES = 0.1, 50
# file names have at most 255 bytes
_NAME_MOST = 180


class SharedState:
    """The file of one host. Without a folder, or when it cannot be used, there is nothing to share, which is said."""

    def __init__(self, folder: Path | None, gate: Gate) -> None:
        self._gate = gate
        self._path = None if folder is None else folder / f"{file_name(gate.host)}.json"
        self._seen: tuple[int, int] | None = None
        self._lock = -1
        if folder is not None:
            self._try(lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True))
            self._try(self._open_lock)

    @property
    def shared(self) -> bool:
        """Whether others are told."""
        return self._path is not None

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self._seen is not None

    def look(self) -> bool:
        """Take over what others wrote since this was last done. True when there was something."""
        if self._path is None:
            return False
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            self._give_up(error)
            return False
        if (stat.st_ino, stat.st_mtime_ns) == self._seen:
            return False
        self._seen = (stat.st_ino, stat.st_mtime_ns)
        try:
            self._take_over(orjson.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._set_aside(error)
            return False
        return True

    @contextmanager
    def locked(self, *, patient: bool = False) -> Iterator[bool]:
        """Nobody else changes the state meanwhile; what they changed before is taken over. False: somebody is at it."""
        if self._path is None or self._lock < 0:
            yield True
            return
        if not self._take_lock(PATIENT_TRIES if patient else 1):
            yield False
            return
        try:
            self.look()
            yield True
        finally:
            if self._lock >= 0:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _take_lock(self, tries: int) -> bool:
        for _ in range(tries):
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if tries > 1:
                    time.sleep(PATIENT_SECONDS / tries)
            except OSError as error:
                self._give_up(error)
                return True
        return False

    def write(self, *, synced: bool = False) -> None:
        """Tell the others; to be called while it is `locked`."""
        if self._path is None:
            return
        offset = time.time() - time.monotonic()
        state = {"version": VERSION, "host": self._gate.host, "gate": self._gate.state(offset)}
        data = orjson.dumps(state)
        self._try(lambda: self._replace(data, synced))

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock, self._path = -1, None

    # --- the file

    def _open_lock(self) -> None:
        assert self._path is not None
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._lock = os.open(self._path.parent / "lock", flags, 0o600)

    def _take_over(self, found: Any) -> None:
        if found["version"] != VERSION or found["host"] != self._gate.host:
            raise ValueError(f"version {found['version']} of {str(found['host'])[:100]}")
        clock = time.monotonic()
        self._gate.take_over(found["gate"], time.time() - clock, clock)
        self._gate.forget(clock)
        self._gate.settle()

    def _replace(self, data: bytes, synced: bool) -> None:
        assert self._path is not None
        if synced:
            durable.write_new(self._path, data, "gates")
        else:
            temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            temporary.write_bytes(data)
            temporary.replace(self._path)
        stat = self._path.stat()
        self._seen = (stat.st_ino, stat.st_mtime_ns)

    def _set_aside(self, error: Exception) -> None:
        assert self._path is not None
        aside = self._path.with_suffix(".damaged")
        logger.warning("%s is damaged (%s): set aside as %s, and learned again", self._path, error, aside.name)
        path = self._path
        self._try(lambda: path.replace(aside))

    def _try(self, call: Any) -> None:
        if self._path is not None:
            try:
                call()
            except (OSError, ArchiveError) as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        logger.warning("budgets of %s are not shared with other processes of this machine: %s", self._gate.host, error)
        self.close()


def file_name(host: str) -> str:
    """A host (network location) as a file name."""
    name = quote(host, safe="", errors="surrogatepass")
    if name.startswith("."):
        name = "%2E" + name[1:]
    return name if len(name) <= _NAME_MOST else hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()
