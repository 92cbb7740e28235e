"""Commands that the n-th system call kills, tears or fails: a server of forks below which `faults.c` lies.

    LD_PRELOAD=faults.so python tests/support/fault_server.py faults.so

reads one JSON object a line: `words` of a command of `harvester`, `folder` (what is written below it counts), `how`
(a name of HOW) and `n`. Each is run in a fork of its own, and answered by one JSON object: `signal`, `code`, `calls`
that were counted, and what it said on stderr.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import task_server

HOW = ("count", "kill", "tear", "full", "bad-once", "bad", "back", "on")
LONGEST_SECONDS = 60
SOURCE = Path(__file__).with_name("faults.c")


def run(words: list[str], report: int) -> int:
    from harvester.cli import main

    library = ctypes.CDLL(sys.argv[1])
    try:
        main(words)
        return 0
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return task_server.BROKEN
    finally:
        os.writev(report, [str(library.fault_calls()).encode()])


def child(task: dict[str, Any], report: int, said: Any) -> None:
    signal.alarm(LONGEST_SECONDS)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(said.fileno(), 2)
    ctypes.CDLL(sys.argv[1]).fault_arm(task["folder"].encode(), ctypes.c_long(task["n"]), HOW.index(task["how"]))
    code = run(task["words"], report)
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    # imported once, before there are forks
    import duckdb
    import scrapy.crawler

    import archive.index.build
    import harvester.cli.crawl
    import harvester.crawl.run

    assert all((duckdb, scrapy, archive.index.build, harvester.cli.crawl, harvester.crawl.run))
    for line in sys.stdin:
        reader, report = os.pipe()
        with tempfile.TemporaryFile() as said:
            pid = os.fork()
            if pid == 0:
                os.close(reader)
                child(json.loads(line), report, said)
            os.close(report)
            with os.fdopen(reader) as counted:
                calls = counted.read()
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
        answer = {"signal": max(-code, 0), "code": max(code, 0), "calls": int(calls or 0), "said": text}
        print(json.dumps(answer), flush=True)


class Faults:
    """What the server is told by a test."""

    def __init__(self, ask: task_server.Ask) -> None:
        self._ask = ask

    def run(self, folder: Path, words: list[str], how: str = "count", n: int = 0) -> dict[str, Any]:
        words = [str(word) for word in words]
        answer = self._ask({"words": words, "folder": str(folder.resolve()), "how": how, "n": n})
        assert answer["signal"] != signal.SIGALRM, f"{words} hung with {how} at {n}"
        return answer


def compiled(folder: Path) -> Path | None:
    """The library; None without a C compiler, or where nothing can be loaded before a program."""
    made = folder / "faults.so"
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"], capture_output=True, check=False
        )
        return made if done.returncode == 0 and sys.platform == "linux" else None
    return None


@contextmanager
def faults(library: Path, environment: dict[str, str]) -> Iterator[Faults]:
    with task_server.server(__file__, library, environment={**environment, "LD_PRELOAD": str(library)}) as ask:
        yield Faults(ask)


if __name__ == "__main__":
    serve()
