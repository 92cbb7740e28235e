"""`harvester` with one argument before its own: where it ends.

    python tests/support/harvester_until.py kill:POINT:N|full:POINT:N crawl files ...

kills the process without warning when a named point of `archive.disk.durable` is reached the n-th time, or lets the
step there fail as on a full disk.
"""

import errno
import os
import signal
import sys

from archive.disk import durable
from harvester.cli import main


def watcher(text: str) -> None:
    how, point, times = text.split(":")
    left = int(times)

    def watch(name: str) -> None:
        nonlocal left
        if name != point:
            return
        left -= 1
        if left == 0 and how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if left <= 0 and how == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    durable.watch = watch


watcher(sys.argv[1])
main(sys.argv[2:])
