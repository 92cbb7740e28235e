"""A command of ours in a process of its own: Scrapy's reactor starts once a process."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from harvester.exits import UNFINISHED


def run_again(words: Sequence[str]) -> int:
    """Run a command of ours to its end; a signal that kills it counts as unfinished."""
    process = subprocess.Popen([sys.executable, "-P", "-m", "harvester", *words])
    with _signals_for(process):
        code = process.wait()
    return code if code >= 0 else UNFINISHED


def output_of(words: Sequence[str]) -> tuple[int, bytes]:
    """Run a command of ours to its end: its exit code, as `run_again` has it, and what it printed as its result."""
    process = subprocess.Popen([sys.executable, "-P", "-m", "harvester", *words], stdout=subprocess.PIPE)
    with _signals_for(process):
        printed, _ = process.communicate()
    return process.returncode if process.returncode >= 0 else UNFINISHED, printed


@contextmanager
def _signals_for(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Let the process end in its own way: SIGTERM is handed on, and Ctrl-C it has from the terminal already."""

    def hand_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    def leave_it(number: int, frame: FrameType | None) -> None:
        pass

    before = signal.signal(signal.SIGTERM, hand_on), signal.signal(signal.SIGINT, leave_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
