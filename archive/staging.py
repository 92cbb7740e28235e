"""A folder that is made beside the place where it will be, and appears there whole, by one rename.

A process that is killed leaves only the staging folder `.NAME.staging`; the next one that makes NAME removes it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archive import durable
from archive.errors import Busy, CannotDump

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
        durable.make_folder(folder / WORK)
        yield folder
        with durable.translated(folder, "removing what was only needed to make it"):
            shutil.rmtree(folder / WORK)
        durable.sync_folder(folder)
        _check_free(out)
        durable.rename(folder, out, "release")
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
        durable.make_folder(folder)
        with durable.translated(folder, "opening"):
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
    with durable.translated(folder, "removing what a killed process left"):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
