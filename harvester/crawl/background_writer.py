"""An archive writer in a thread of its own: compression and fsync never hold up the answers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from archive.store import ArchiveWriter

P = ParamSpec("P")
T = TypeVar("T")


class Keeper:
    """The archive of one crawl. What is handed in is done in order, one thing at a time."""

    def __init__(self, writer: ArchiveWriter) -> None:
        self.writer = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._failed = False

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one call on the writer. After a failure of the disk nothing more is done."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._run(call, *args, **kwargs))

    def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._failed:
            raise KeeperStopped("the archive is closed after a failure")
        try:
            return call(*args, **kwargs)
        except BaseException:
            self._failed = True
            raise

    async def close(self) -> None:
        """Leave the archive at rest, without a run that asked for nothing; after a failure only let go of it."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self.writer.abandon if self._failed else self.writer.withdraw)
        self._thread.shutdown()


class KeeperStopped(Exception):
    """Something was handed in after the disk had failed; the failure itself was raised before."""
