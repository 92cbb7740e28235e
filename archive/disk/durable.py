"""Durable writes: steps in a fixed order, synced, and a final name, by rename, only for what is whole.

A folder is built beside its destination as `.NAME.staging` and renamed once. A killed process leaves only that staging
folder, which the next process that makes NAME removes. A process may restrict writing to owner and group for all that
it makes, whatever its umask was.

`watch` is called with the name of each step, before and after it. It is None outside tests, which kill the process
there, or raise what a full disk would raise.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archive.errors import Busy, CannotDump, Damaged, DiskFailed, DiskFull

watch: Callable[[str], None] | None = None
# the size of SQLite's shared memory file
_ROOM_BYTES = 1 << 15


def reached(point: str) -> None:
    """Tell the watcher, if there is one, that a named step was reached."""
    if watch is not None:
        watch(point)


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Translate OSError into ArchiveError, with the path and the operation."""
    try:
        yield
    except OSError as cause:
        if cause.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"{path}: no room left while {doing}; free some and run the same command again") from cause
        if cause.errno == errno.ELOOP:  # O_NOFOLLOW found a link
            raise Damaged(f"{path} is a link, and leads elsewhere ({doing}); put the file itself there") from cause
        raise DiskFailed(f"{path}: {cause.strerror or cause} while {doing}; check the disk") from cause


def has_room(folder: Path) -> bool:
    """Return whether a few bytes can still be written: SQLite does not say why it could not create a file."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(_ROOM_BYTES))
            os.fsync(file.fileno())
    except OSError as cause:
        return cause.errno not in (errno.ENOSPC, errno.EDQUOT)
    return True


def sync_folder(folder: Path) -> None:
    """Sync a folder: only then does the new name of a renamed file survive a power loss."""
    with translated(folder, "syncing the folder"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def rename(old: Path, new: Path, label: str) -> None:
    """Give a finished file its final name, within one folder."""
    with translated(new, "renaming"):
        reached(f"{label}-renaming")
        old.replace(new)
    sync_folder(new.parent)
    reached(f"{label}-renamed")


def move(old: Path, new: Path, label: str) -> None:
    """Move a finished file to another folder of the same disk; after a power loss it may have both names."""
    with translated(new, "moving"):
        reached(f"{label}-renaming")
        old.replace(new)
    sync_folder(new.parent)
    reached(f"{label}-renamed")


def make_folder(folder: Path) -> None:
    """Create a folder and sync its name; an existing folder is left as it is.

    Raises Damaged for a link, which could redirect our writes to anywhere.
    """
    with translated(folder, "making the folder"):
        folder.mkdir(exist_ok=True)
    if folder.is_symlink():
        raise Damaged(f"{folder} is a link, and leads elsewhere; put the folder itself there")
    sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Delete a file if it exists; it may reappear after a power loss."""
    with translated(path, "removing"):
        path.unlink(missing_ok=True)


def write_new(path: Path, data: bytes, label: str) -> None:
    """Replace a whole file: readers see the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    file = AppendFile(temporary, label, truncate=True)
    try:
        file.write(data)
        file.sync()
        file.close()
        rename(temporary, path, label)
    except BaseException:
        file.close()
        temporary.unlink(missing_ok=True)
        raise


class AppendFile:
    """A file that only grows; `length` is the number of bytes of complete writes."""

    def __init__(self, path: Path, label: str, *, truncate: bool = False) -> None:
        """Open for appending, after emptying the file if `truncate`. Raises Damaged for a link."""
        self.path, self.label = path, label
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_TRUNC if truncate else 0)
        with translated(path, "opening"):
            reached(f"{label}-opening")
            self._fd = os.open(path, flags, 0o644)
            self.length = os.lseek(self._fd, 0, os.SEEK_END)
        reached(f"{label}-opened")

    def write(self, data: bytes) -> None:
        """Append all of `data`; on failure, cut the file back to its previous length."""
        try:
            with translated(self.path, "writing"):
                reached(f"{self.label}-writing")
                view = memoryview(data)
                while view:
                    view = view[os.write(self._fd, view) :]
        except BaseException:
            self._cut_back()
            raise
        self.length += len(data)
        reached(f"{self.label}-written")

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._fd, self.length)
            os.lseek(self._fd, self.length, os.SEEK_SET)
        except OSError:
            pass  # the ledger's length of the file is the one that counts

    def sync(self) -> None:
        """Sync the file; on return everything written is on the disk."""
        with translated(self.path, "syncing"):
            reached(f"{self.label}-syncing")
            os.fsync(self._fd)
        reached(f"{self.label}-synced")

    def truncate(self, length: int) -> None:
        """Cut the file to `length` bytes and continue there."""
        with translated(self.path, "truncating"):
            reached(f"{self.label}-truncating")
            os.ftruncate(self._fd, length)
            os.lseek(self._fd, length, os.SEEK_SET)
        self.length = length
        reached(f"{self.label}-truncated")

    def close(self) -> None:
        """Close the file; does nothing if it is closed."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with translated(self.path, "closing"):
                os.close(fd)


# for files that are needed only while the folder is built
WORK = ".work"


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Yield an empty staging folder that becomes `out` when the block succeeds, and is removed when it raises.

    It contains another empty folder, `WORK`, which is removed before the rename. Raises CannotDump if `out` exists or
    its parent does not, Busy if another process makes it.
    """
    _check_free(out)
    folder = out.with_name(f".{out.name}.staging")
    fd = _alone(folder)
    try:
        _empty(folder)
        make_folder(folder / WORK)
        yield folder
        with translated(folder, "removing what was only needed to make it"):
            shutil.rmtree(folder / WORK)
        sync_folder(folder)
        _check_free(out)
        rename(folder, out, "release")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(fd)


def _check_free(out: Path) -> None:
    if out.exists() or out.is_symlink():
        raise CannotDump(f"{out} is there already; name a new folder, or remove that one")
    if not out.name or not out.parent.is_dir():
        raise CannotDump(f"{out}: there is no folder {out.parent} to make it in; make that one first")


def _alone(folder: Path) -> int:
    """Create and lock the staging folder; the lock ends with the process. Raises Busy."""
    while True:
        make_folder(folder)
        with translated(folder, "opening"):
            try:
                fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:  # the process that had it has just finished
                continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise Busy(f"another process makes {folder}; wait for it to end, or stop it") from None
        if _is_still(folder, fd):
            return fd
        os.close(fd)


def _is_still(folder: Path, fd: int) -> bool:
    """Return whether `folder` still names the opened folder: another process may have renamed it to its own name."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _empty(folder: Path) -> None:
    with translated(folder, "removing what a killed process left"):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def close_to_others() -> None:
    """Deny write access to others for all files this process makes from now on, whatever its umask was."""
    os.umask(os.umask(0o077) | stat.S_IWOTH)
