"""Durable writes: files and folders are synced and get their final name, by rename, only when they are whole.

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
# what SQLite makes its shared memory of
_ROOM_BYTES = 1 << 15


def reached(point: str) -> None:
    """Tell the watcher, if there is one, that a named point was reached."""
    if watch is not None:
        watch(point)


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """An OSError as one of ours, with the path and what was being done."""
    try:
        yield
    except OSError as cause:
        if cause.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"{path}: no room left while {doing}; free some and run the same command again") from cause
        if cause.errno == errno.ELOOP:  # what O_NOFOLLOW says of a link
            raise Damaged(f"{path} is a link, and leads elsewhere ({doing}); put the file itself there") from cause
        raise DiskFailed(f"{path}: {cause.strerror or cause} while {doing}; check the disk") from cause


def has_room(folder: Path) -> bool:
    """Whether a little can still be written here: SQLite does not say why it could not make a file of its own."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(_ROOM_BYTES))
            os.fsync(file.fileno())
    except OSError as cause:
        return cause.errno not in (errno.ENOSPC, errno.EDQUOT)
    return True


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: a file that was renamed is there after a power loss only then."""
    with translated(folder, "syncing the folder"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def rename(old: Path, new: Path, label: str) -> None:
    """Give a finished file its name. Both must be in one folder."""
    with translated(new, "renaming"):
        reached(f"{label}-renaming")
        old.replace(new)
    sync_folder(new.parent)
    reached(f"{label}-renamed")


def move(old: Path, new: Path, label: str) -> None:
    """Give a finished file its name in another folder of the same disk; after a power loss it may have both."""
    with translated(new, "moving"):
        reached(f"{label}-renaming")
        old.replace(new)
    sync_folder(new.parent)
    reached(f"{label}-renamed")


def make_folder(folder: Path) -> None:
    """Make a folder whose name is durable; one that is there already is left as it is.

    Raises Damaged for a link: whoever made what we write to could have us write anywhere.
    """
    with translated(folder, "making the folder"):
        folder.mkdir(exist_ok=True)
    if folder.is_symlink():
        raise Damaged(f"{folder} is a link, and leads elsewhere; put the folder itself there")
    sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Take a file away, if it is there; the name may come back after a power loss."""
    with translated(path, "removing"):
        path.unlink(missing_ok=True)


def write_new(path: Path, data: bytes, label: str) -> None:
    """Write a whole file: readers see the old one or the new one, never a part."""
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
    """A file that only grows; `length` is what was written whole, in bytes."""

    def __init__(self, path: Path, label: str, *, truncate: bool = False) -> None:
        """Open for appending; `truncate` begins anew, else writing goes on at the end. Raises Damaged for a link."""
        self.path, self.label = path, label
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_TRUNC if truncate else 0)
        with translated(path, "opening"):
            reached(f"{label}-opening")
            self._fd = os.open(path, flags, 0o644)
            self.length = os.lseek(self._fd, 0, os.SEEK_END)
        reached(f"{label}-opened")

    def write(self, data: bytes) -> None:
        """Append all of `data`; after a failure the file is cut back to what was whole before."""
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
            pass  # the length that counts is the ledger's

    def sync(self) -> None:
        """Return when everything written is on the disk."""
        with translated(self.path, "syncing"):
            reached(f"{self.label}-syncing")
            os.fsync(self._fd)
        reached(f"{self.label}-synced")

    def truncate(self, length: int) -> None:
        """Cut the file to `length` bytes and go on there."""
        with translated(self.path, "truncating"):
            reached(f"{self.label}-truncating")
            os.ftruncate(self._fd, length)
            os.lseek(self._fd, length, os.SEEK_SET)
        self.length = length
        reached(f"{self.label}-truncated")

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with translated(self.path, "closing"):
                os.close(fd)


# for what is needed only while the folder is made
WORK = ".work"


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well it is `out`, and when it raises it is gone.

    `WORK` in it is another empty one, and is removed first. Raises CannotDump when there is something at `out` or no
    folder to make it in, Busy when another process makes it.
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
    """A lock on the staging folder, which goes with the process. Raises Busy."""
    while True:
        make_folder(folder)
        with translated(folder, "opening"):
            try:
                fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:  # whoever had it was done that moment
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
    """Whether the folder that was opened has this name: another process may have given it its own meanwhile."""
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
    """Let nobody but owner and group write to what this process makes from now on, whatever the umask was."""
    os.umask(os.umask(0o077) | stat.S_IWOTH)
