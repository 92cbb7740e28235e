"""A dump to be killed: a server of forks that makes a release and stops where it is told.

    PYTHONPATH=tests python tests/support/dump_server.py

reads one JSON object a line: `archive`, `out`, and perhaps `kill` or `full` [point, n]: SIGKILL, or an error as of a
full disk, when a named point of `archive.disk.durable` is reached the n-th time. Each is done in a fork of its own, and
answered by one JSON object: `signal`, `code` (the exit code of the contract) and `points` in their order.
"""

import errno
import os
import signal
import traceback
from pathlib import Path
from typing import Any

from archive.disk import durable
from archive.errors import ArchiveError
from archive.releases.build import write_release
from harvester.exits import exit_code
from support import dump_builder, task_server

MAKING = {"part_records": 4}


def watching(how: dict[str, Any], log: int) -> None:
    """Tell each named point, and do there what was asked for."""
    left = {mode: [*how[mode]] for mode in ("kill", "full") if mode in how}

    def watch(point: str) -> None:
        os.write(log, f"{point}\n".encode())
        for mode, wanted in left.items():
            if wanted[0] == point:
                wanted[1] -= 1
                if not wanted[1] and mode == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if not wanted[1]:
                    raise OSError(errno.ENOSPC, "No space left on device")

    durable.watch = watch


def child(how: dict[str, Any], log: int) -> int:
    watching(how, log)
    try:
        write_release(Path(how["archive"]), Path(how["out"]), dump_builder.options(**MAKING))
    except ArchiveError as error:
        os.write(log, f"{type(error).__name__}: {error}\n".encode())
        return exit_code(error)
    except BaseException:
        os.write(log, traceback.format_exc().encode())
        return task_server.BROKEN
    return 0


if __name__ == "__main__":
    task_server.serve(child)
