"""Decoding off the reactor: pages are parsed, checked and turned into JSON in processes of their own."""

import asyncio
import functools
import importlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from harvester.errors import DecodersBroken, MalformedPage

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Decoders:
    """A pool of decoding processes, started with the first page. With `processes` 0 it decodes right here.

    A page that takes a process longer than `most_seconds` of its own time (0: any) brings it down.
    """

    def __init__(self, processes: int, most_seconds: float = 0.0) -> None:
        self._processes, self._most_seconds = processes, most_seconds
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, decode: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a decoding function of `harvester.oaipmh.decode`.

        Raises what it raises; MalformedPage when the page brought its process down.
        """
        if not self._processes:
            return decode(*args, **kwargs)
        call = functools.partial(_within, self._most_seconds, functools.partial(decode, *args, **kwargs))
        pool = self._pool or await self._restarted()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, call)
        except BrokenProcessPool:
            logger.warning("a decoding process died; its page is treated as unreadable")
            if pool is self._pool:
                self.close()
            raise MalformedPage("the page brought down the process that decoded it") from None

    async def start(self) -> None:
        """Start the processes. Raises DecodersBroken when they cannot even import what decodes.

        Otherwise every page would count as unreadable, and its window be cut down to single records.
        """
        if self._processes:
            await self._restarted()

    async def _restarted(self) -> ProcessPoolExecutor:
        # spawned, not forked: a fork of the crawl would carry its sockets and its whole memory
        pool = ProcessPoolExecutor(self._processes, multiprocessing.get_context("spawn"), _begin)
        try:
            await asyncio.get_running_loop().run_in_executor(pool, _ready)
        except BrokenProcessPool:
            pool.shutdown(wait=False)
            raise DecodersBroken(
                "decoding processes end as soon as they start: see stderr; is there a folder `archive` or `harvester` "
                "beside you that Python takes for the package? `-s HARVEST_DECODERS=0` decodes in this process"
            ) from None
        if self._pool is None:
            self._pool = pool
        else:
            pool.shutdown(wait=False)
        return self._pool

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _within(most_seconds: float, call: Callable[[], T]) -> T:
    """Call; the kernel ends this process when its time is up, whatever holds the interpreter."""
    signal.setitimer(signal.ITIMER_PROF, most_seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _ready() -> None:
    """Import what decodes."""
    importlib.import_module("harvester.oaipmh.decode")


def _begin() -> None:
    """Ctrl-C is for the crawl, which ends its decoders itself; when it is killed, they end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
