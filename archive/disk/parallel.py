"""Work on several cores: the results of a function over many tasks, in order and never far ahead of the reader."""

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

# with more than this, the process that takes the results is the bottleneck
MOST_PROCESSES = 8
# reading this much of shards takes about as long as starting the processes
SMALL_BYTES = 16 << 20
# records become very many objects with few cycles: collecting at every 700 would take a twentieth of the time
_COLLECT_AT = 100_000


def spread(function: Callable[[T], R], tasks: Sequence[T], size_bytes: int) -> Iterator[R]:
    """Yield the result of `function` for each task, in order; raises what it raises.

    `size_bytes` is what all tasks together read: a small amount is read in this process, more in worker processes. No
    more results are pending than there are processes, so that the disk space they use is bounded.
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
    """Yield the result of `function` for each task, in order, computed in forks of this process, which start at once.

    Only for a function that raises nothing and opens no database. If another thread is running, the work is done in
    this process: a fork has none of the threads, but the locks that they held.
    """
    processes = min(os.cpu_count() or 1, len(tasks), MOST_PROCESSES)
    if processes < 2 or not _is_single():
        yield from map(function, tasks)
        return
    copies = list[_Copy]()
    try:
        with suppress(OSError):  # no more processes or pipes are available
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
    """Return whether this is the only thread, including those of libraries; False if unknown."""
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
        # a process that inherited these pipes would keep the others waiting after the reader has ended
        for others in (reading, *(copy.results for copy in before)):
            others.close()
        for task in tasks:
            writing.send(function(task))
    finally:
        os._exit(0)


def _received(function: Callable[[T], R], task: T, copy: _Copy) -> R:
    """Receive a result, or run the task in this process if its fork was killed."""
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
    """Return a result, or run the task in this process if its worker was killed."""
    try:
        return function(task) if future is None else future.result()
    except BrokenProcessPool:
        return function(task)


def _begin() -> None:
    """Prepare a worker: it ignores Ctrl-C, which is for the parent, and ends when the parent ends."""
    # DuckDB takes a process whose main module has no file for a notebook, and prints progress to standard output
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
