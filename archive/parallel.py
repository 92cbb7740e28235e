"""Work on several cores: the results of a function over many tasks, in order, and never many of them ahead."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# beyond this many the one process that takes the results is what rules the speed
MOST_PROCESSES = 8
# reading this much of shards takes about as long as starting the processes
SMALL_BYTES = 16 << 20


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
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
