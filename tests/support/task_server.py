"""A server of forks: it gets one task a line and does each in a fork of its own, which may be killed on the way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Ask = Callable[[dict[str, Any]], dict[str, Any]]
# what a task leaves with that raised what it does not promise
BROKEN = 99


def serve(run: Callable[[dict[str, Any], int], int]) -> None:
    """Answer one line after the other: `signal` that ended a fork, `code`, and the `points` that it wrote to `report`.

    `run(task, report)` is called in the fork; `report` is a file descriptor, which takes a line a point.
    """
    for line in sys.stdin:
        reader, report = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reader)
            os._exit(run(json.loads(line), report))
        os.close(report)
        with os.fdopen(reader, encoding="utf-8") as said:
            points = said.read().splitlines()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"signal": max(-code, 0), "code": max(code, 0), "points": points}), flush=True)


@contextmanager
def server(*script: str | Path, environment: dict[str, str] | None = None) -> Iterator[Ask]:
    """Start a script that serves, with the modules of the tests; ends with the block."""
    with subprocess.Popen(
        [sys.executable, *script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **(environment or {})},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(task: dict[str, Any]) -> dict[str, Any]:
            process.stdin.write(json.dumps(task) + "\n")
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            assert answer["code"] != BROKEN, answer.get("said") or answer["points"][-20:]
            return answer

        yield ask
        process.stdin.close()
