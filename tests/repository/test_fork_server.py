"""tests/support/fork_server.py: a fork of the server is what a process of its own would be."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import fork_server

# the server and the processes that forks are compared with take their time to import
pytestmark = pytest.mark.slow

Run = Callable[..., "subprocess.CompletedProcess[Any]"]

SEEN = """
import json, os, signal, sys, threading
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv[1:], "path": sys.path, "name": __name__, "file": __file__,
    "folder": os.getcwd(), "environment": dict(os.environ), "umask": os.umask(0), "group": os.getpgrp() == os.getpid(),
    "session": os.getsid(0) == os.getpid(), "threads": threading.active_count(),
    "main": sys.modules["__main__"].__file__,
    "descriptors": [n for n in range(200) if os.path.exists(f"/proc/self/fd/{n}")],
    "signals": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "streams": [(s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.fileno(),
                 s.isatty(), type(s.buffer).__name__)
                for s in (sys.stdin, sys.stdout, sys.stderr)],
    "typed": sys.stdin.read(),
}))
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], list[str]]:
    """`script("print(1)")` is the command that runs this code."""

    def make(code: str) -> list[str]:
        path = tmp_path / "script.py"
        path.write_text(code)
        return [sys.executable, str(path)]

    return make


@pytest.mark.parametrize(
    "more", [{}, {"start_new_session": True}, {"process_group": 0}, {"umask": 0o027}], ids=lambda more: " ".join(more)
)
def test_a_program_finds_in_a_fork_what_it_finds_in_a_process(
    script: Callable[[str], list[str]], tmp_path: Path, more: dict[str, Any]
):
    command = [*script(SEEN), "a", "b c", "\udcff"]
    given = {"cwd": tmp_path, "env": {**os.environ, "ONLY": "here"}, "input": "typed\r\nlines\n", "text": True, **more}
    runs: tuple[Run, ...] = (subprocess.run, fork_server.run)
    process, fork = (json.loads(run(command, capture_output=True, check=True, **given).stdout) for run in runs)
    assert fork == process


@pytest.mark.parametrize(
    "code",
    [
        "",
        "raise SystemExit",
        "raise SystemExit(3)",
        "raise SystemExit(257)",
        "raise SystemExit('a reason')",
        "import os; os._exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 15)",
        "import atexit; atexit.register(print, 'at exit'); print('first')",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
        "import sys; print('kept', end=''); print('words', end='', file=sys.stderr)",
        "import sys; sys.stdout.close()",
        "import subprocess; subprocess.run(['echo', 'of a child'])",
    ],
)
def test_a_fork_ends_as_a_process_does(script: Callable[[str], list[str]], code: str):
    runs: tuple[Run, ...] = (subprocess.run, fork_server.run)
    process, fork = (run(script(code), capture_output=True) for run in runs)
    assert (fork.returncode, fork.stdout, fork.stderr) == (process.returncode, process.stdout, process.stderr)


@pytest.mark.parametrize("code", ["1 / 0", "raise KeyboardInterrupt"])
def test_what_nobody_catches_is_told_on_stderr(script: Callable[[str], list[str]], code: str):
    runs: tuple[Run, ...] = (subprocess.run, fork_server.run)
    process, fork = (run(script(code), capture_output=True, text=True) for run in runs)
    assert fork.returncode == process.returncode
    assert fork.stderr.splitlines()[-1] == process.stderr.splitlines()[-1]


def test_a_command_runs_as_its_script_and_its_module_do(tmp_path: Path):
    for command in ([fork_server.HARVESTER], [sys.executable, "-m", "harvester"]):
        for words in (["--version"], ["crawl", "nothing"], ["status", tmp_path]):
            runs: tuple[Run, ...] = (subprocess.run, fork_server.run)
            process, fork = (run([*command, *words], capture_output=True, cwd=tmp_path) for run in runs)
            assert (fork.returncode, fork.stdout, fork.stderr) == (process.returncode, process.stdout, process.stderr)


def test_a_fork_can_be_waited_for_signalled_and_talked_to(script: Callable[[str], list[str]]):
    echo = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
    with fork_server.Process(script(echo), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("a\n")
        process.stdin.flush()
        assert process.stdout.readline() == "A\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    assert process.poll() == -signal.SIGTERM


def test_time_that_is_over_ends_a_fork_with_its_output(script: Callable[[str], list[str]]):
    with pytest.raises(subprocess.TimeoutExpired) as late:
        fork_server.run(
            script("import time; print('begun', flush=True); time.sleep(600)"), capture_output=True, timeout=2
        )
    assert late.value.stdout == b"begun\n"


def test_a_group_of_forks_is_killed_at_once(script: Callable[[str], list[str]]):
    """A decoder of a crawl is in its group, and nothing keeps the crawl's output open."""
    code = "import os, time\nif not os.fork(): time.sleep(600)\nprint('begun', flush=True)\ntime.sleep(600)"
    with fork_server.Process(script(code), stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline() == b"begun\n"
        os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout.read() == b""
        assert process.wait(60) == -signal.SIGKILL


def test_what_cannot_be_forked_is_a_process(script: Callable[[str], list[str]], tmp_path: Path):
    assert fork_server.run(["echo", "1"], capture_output=True).stdout == b"1\n"
    code = script("import sys; print(sys.flags.hash_randomization, 'support.fork_server' in sys.modules)")
    assert fork_server.run(code, capture_output=True).stdout == b"1 True\n"
    seeded = {**os.environ, "PYTHONHASHSEED": "0"}
    assert fork_server.run(code, capture_output=True, env=seeded).stdout == b"0 False\n"
    with pytest.raises(FileNotFoundError):
        fork_server.run([tmp_path / "nothing"])


def test_forks_run_beside_each_other(script: Callable[[str], list[str]]):
    code = script("import sys; print(sys.argv[1], flush=True); print(sys.stdin.read())")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [fork_server.Process([*code, str(number)], **pipes) for number in range(20)]
    assert [process.stdout.readline() for process in processes] == [b"%d\n" % number for number in range(20)]
    assert [process.poll() for process in processes] == [None] * 20
    assert [process.communicate(b"last")[0] for process in processes] == [b"last\n"] * 20
