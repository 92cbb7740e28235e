"""Work on several cores: the results of a function over many tasks, in order, and never many of them ahead."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# beyond this many the one process that takes the results is what rules the speed
MOST_PROCESSES = 8
# reading this much of shards takes about as long as starting the processes
SMALL_BYTES = 16 << 20
# what is made of records is a great many objects in few cycles; to look for those at each 700 takes a twentieth of the
# time
_COLLECT_AT = 100_000


def spread(function: Callable[[T], R], tasks: Sequence[T], size_bytes: int) -> Iterator[R]:
    """The result of `function` for each task, in order; raises what it raises.

    `size_bytes` is what the tasks read in all: little of it is read right here, more in processes of their own. No
    more results wait to be taken than there are processes, so that what they leave on a disk is bounded.
    """
    processes = min(os.cpu_count() or 1, len(tasks), MOST_PROCESSES)
    if processes < 2 or size_bytes < SMALL_BYTES:
        yield from map(function, tasks)
        return
    # spawned, not forked: a fork would carry open databases and their threads with it
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin)
    pending: deque[tuple[T, Future[R] | None]] = deque()
    try:
        for task in tasks:
            pending.append((task, _submit(pool, function, task)))
            if len(pending) > processes:
                yield _result(function, *pending.popleft())
        while pending:
            yield _result(function, *pending.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def forked(function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
    """The result of `function` for each task, in order, from copies of this process: they are there at once.

    Only for a function that raises nothing and opens no database. Where another thread runs the work is done right
    here: a copy has none of the threads, and keeps the locks that they held.
    """
    processes = min(os.cpu_count() or 1, len(tasks), MOST_PROCESSES)
    if processes < 2 or not _is_single():
        yield from map(function, tasks)
        return
    copies = list[_Copy]()
    try:
        with suppress(OSError):  # no more processes or pipes are to be had
            for first in range(processes):
                copies.append(_fork(function, tasks[first::processes], copies))
        for number, task in enumerate(tasks):
            place = number % processes
            yield _received(function, task, copies[place]) if place < len(copies) else function(task)
    finally:
        for copy in copies:
            copy.results.close()
            os.kill(copy.pid, signal.SIGKILL)
            os.waitpid(copy.pid, 0)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A forked process, and the pipe that it writes to."""

    pid: int
    results: Connection


def _is_single() -> bool:
    """Whether this is the only thread, those of libraries counted; where that is not known it is not."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False


def _fork(function: Callable[[T], R], tasks: Sequence[T], before: Sequence[_Copy]) -> _Copy:
    reading, writing = multiprocessing.Pipe(duplex=False)
    try:
        pid = os.fork()
    except OSError:
        reading.close()
        writing.close()
        raise
    if pid:
        writing.close()
        return _Copy(pid, reading)
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.disable()
        # whoever has these open keeps the others waiting when the one that reads is ended
        for others in (reading, *(copy.results for copy in before)):
            others.close()
        for task in tasks:
            writing.send(function(task))
    finally:
        os._exit(0)


def _received(function: Callable[[T], R], task: T, copy: _Copy) -> R:
    """A task whose process was ended from outside is done again, right here."""
    try:
        result: R = copy.results.recv()
    except (EOFError, OSError):
        return function(task)
    return result


def _submit(pool: ProcessPoolExecutor, function: Callable[[T], R], task: T) -> Future[R] | None:
    try:
        return pool.submit(function, task)
    except BrokenProcessPool:
        return None


def _result(function: Callable[[T], R], task: T, future: Future[R] | None) -> R:
    """A task whose process was ended from outside is done again, right here."""
    try:
        return function(task) if future is None else future.result()
    except BrokenProcessPool:
        return function(task)


def _begin() -> None:
    """Ctrl-C is for the process that began it all, and none outlives that one, however it ends."""
    # DuckDB takes a process whose main module has no file for a notebook, and draws progress on its standard output
    vars(sys.modules["__main__"]).setdefault("__file__", __file__)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(_COLLECT_AT)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
