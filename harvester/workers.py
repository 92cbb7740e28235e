"""Decoding off the reactor: pages are parsed, checked and turned into JSON in processes of their own."""

import asyncio
import functools
import logging
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from harvester.errors import MalformedPage

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Decoders:
    """A pool of decoding processes, started with the first page. With `processes` 0 it decodes right here."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, decode: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a decoding function of `harvester.decoding`.

        Raises what it raises; MalformedPage when the page brought its process down.
        """
        if not self._processes:
            return decode(*args, **kwargs)
        if self._pool is None:
            # spawned, not forked: a fork of the crawl would carry its sockets and its whole memory
            self._pool = ProcessPoolExecutor(self._processes, multiprocessing.get_context("spawn"), _ignore_interrupts)
        call = functools.partial(decode, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except BrokenProcessPool:
            logger.warning("a decoding process died; its page is treated as unreadable")
            self.close()
            raise MalformedPage("the page brought down the process that decoded it") from None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _ignore_interrupts() -> None:
    """Ctrl-C is for the crawl; it ends its decoders itself."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
