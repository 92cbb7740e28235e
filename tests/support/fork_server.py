"""Run Python programs in forks of a process that has imported everything already.

`run` and `Process` are `subprocess.run` and `subprocess.Popen`, with the same arguments and results. A command that is
the `harvester` script, a script in a `.py` file or `python -m NAME` runs in a fork of the server, which this module
starts once a test process; it does not spend a second and more on imports. Everything else becomes an ordinary process,
and so does a command whose environment differs in what Python reads only when it starts (`_READ_AT_START`).

A fork has the arguments, environment, working directory, standard streams, signals, session and exit of a process of
its own: it ends through the interpreter's own shutdown. It shares the hash seed and the peak memory of the server, so
tests of these, of start-up and of what is installed use `subprocess`.

Where the environment has `FORKSERVER_ASSIGN=MODULE.NAME=NUMBER`, the fork gives that constant another value, so that
tests of what happens after waits do not wait as long as users do.

Before a command of `_SPARES` runs, the fork makes some idle forks of itself. They become the processes that
`multiprocessing` spawns and the `harvester` commands that this command starts: as its children, in its process group.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import io
import os
import pickle
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

HARVESTER = str(Path(sys.executable).with_name("harvester"))
PACKAGES = ("archive", "harvester", "pipelines", "spiders")
# what commands import beside our packages and what these import: from inside functions, or by a name in a setting
_ALSO_IMPORTED = (
    "aiohttp.web",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "difflib",
    "encodings.charmap",
    "multiprocessing.popen_spawn_posix",
    "multiprocessing.queues",
    "multiprocessing.resource_tracker",
    "multiprocessing.spawn",
    "multiprocessing.synchronize",
    "platformdirs",
    "scrapy.core.downloader.contextfactory",
    "scrapy.pqueues",
    "scrapy.utils.engine",
    "tldextract",
)
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "GLIBC_", "SSL_", "AIOHTTP_")
# two decoders, the resource tracker of multiprocessing, and commands that this one starts
_SPARES = {"crawl": 4, "repair": 3, "retry": 3}
ASSIGN = "FORKSERVER_ASSIGN"
_LENGTH = struct.Struct("!q")


@dataclass(frozen=True)
class Job:
    """A program to run: its words after `python`, and what it finds when it starts.

    Of the file descriptors that are sent along, the n-th gets the number `descriptors[n]`.
    """

    words: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    descriptors: tuple[int, ...] = (0, 1, 2)
    umask: int = -1
    new_session: bool = False
    process_group: int | None = None
    # the code of a script, compiled by the server
    code: types.CodeType | None = field(default=None, compare=False)


class Process(subprocess.Popen[Any]):
    """A `subprocess.Popen` that is a fork of the server where it can be."""

    _link: socket.socket | None = None

    def _execute_child(  # type: ignore[override]
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: bool,
        pass_fds: Any,
        cwd: Any,
        env: Any,
        startupinfo: Any,
        creationflags: int,
        shell: bool,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        restore_signals: bool,
        gid: Any,
        gids: Any,
        uid: Any,
        umask: int,
        start_new_session: bool,
        process_group: int,
    ) -> None:
        begun = None
        if not (executable or preexec_fn or pass_fds or shell or isinstance(args, str | bytes | os.PathLike)):
            words = _words(args)
            environment = {os.fsdecode(name): os.fsdecode(value) for name, value in (env or os.environ).items()}
            if words is not None and _starts_alike(environment):
                job = Job(
                    words,
                    environment,
                    os.path.abspath(os.fsdecode(cwd or "")),  # noqa: PTH100
                    umask=umask,
                    new_session=start_new_session,
                    process_group=process_group if process_group != -1 else None,
                )
                streams = zip((p2cread, c2pwrite, errwrite), (0, 1, 2), strict=True)
                begun = _begin(job, [own if given == -1 else given for given, own in streams])
        if begun is None:
            super()._execute_child(  # type: ignore[misc]
                args,
                executable,
                preexec_fn,
                close_fds,
                pass_fds,
                cwd,
                env,
                startupinfo,
                creationflags,
                shell,
                p2cread,
                p2cwrite,
                c2pread,
                c2pwrite,
                errread,
                errwrite,
                restore_signals,
                gid,
                gids,
                uid,
                umask,
                start_new_session,
                process_group,
            )
            return
        self.pid, self._link = begun
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def _internal_poll(self, *args: Any, **more: Any) -> int | None:
        if self._link is None:
            return super()._internal_poll(*args, **more)  # type: ignore[misc, no-any-return]
        with self._waitpid_lock:  # type: ignore[attr-defined]
            self._take_status(0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if self._link is None:
            return super()._wait(timeout)  # type: ignore[misc, no-any-return]
        ends = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if ends is None else max(0.0, ends - time.monotonic())
            with self._waitpid_lock:  # type: ignore[attr-defined]
                self._take_status(left)
            if self.returncode is None and left == 0:
                assert timeout is not None
                raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _take_status(self, seconds: float | None) -> None:
        """Wait so long for the server to report how the fork ended."""
        if self.returncode is not None or self._link is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_READ)
            if not selector.select(seconds):
                return
        status = _received(self._link, _LENGTH.size)
        assert len(status) == _LENGTH.size, "the server of forks has ended"
        self.returncode = os.waitstatus_to_exitcode(_LENGTH.unpack(status)[0])
        self._link.close()


def run(
    args: Sequence[Any],
    *,
    input: Any = None,  # noqa: A002
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **more: Any,
) -> "subprocess.CompletedProcess[Any]":
    """Run a command to its end as `subprocess.run` does."""
    if input is not None:
        more["stdin"] = subprocess.PIPE
    if capture_output:
        more["stdout"] = more["stderr"] = subprocess.PIPE
    with Process(args, **more) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    if check:
        done.check_returncode()
    return done


def _words(args: Sequence[Any]) -> tuple[str, ...] | None:
    """The words after `python` of a command that can run in a fork."""
    words = tuple(map(os.fsdecode, args))
    if words[0] == HARVESTER:
        return words
    if words[0] == sys.executable and len(words) > 1:
        rest = words[2:] if words[1] == "-P" else words[1:]
        # -P is for the folder that a module is run in, and no fork searches that one
        if rest[:1] == ("-m",) and rest[1:2] == ("harvester",):
            return rest
        if words[1].endswith(".py"):
            return words[1:]
    return None


def _starts_alike(environment: Mapping[str, str]) -> bool:
    def read_at_start(mapping: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in mapping.items() if name.startswith(_READ_AT_START)}

    return read_at_start(environment) == read_at_start(_started_with)


_started_with = dict(os.environ)
_server: "_Server | None" = None
_starting = threading.Lock()
# in a fork: the idle forks that are left, and the connection to each
_spares: list[tuple[int, socket.socket]] | None = None


def _begin(job: Job, descriptors: Sequence[int]) -> tuple[int, socket.socket | None] | None:
    """Have a job run: its process id, and the connection that reports its end unless the process is a child of ours.

    None where there is nothing to fork from.
    """
    global _server
    if _spares is not None:
        if not _spares:
            return None
        pid, link = _spares.pop()
        _send(link, job, descriptors)
        link.close()
        return pid, None
    with _starting:
        if _server is None or _server.owner != os.getpid():
            _server = _Server()
    link = socket.socket(socket.AF_UNIX)
    link.connect(_server.address)
    _send(link, job, descriptors)
    pid = _received(link, _LENGTH.size)
    assert len(pid) == _LENGTH.size, "the server of forks has ended"
    return _LENGTH.unpack(pid)[0], link


class _Server:
    """The process that forks, for the time of this one."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._folder = tempfile.TemporaryDirectory(prefix="forkserver-", ignore_cleanup_errors=True)
        self.address = str(Path(self._folder.name) / "socket")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
        # it ends when the other end of its standard input is closed, with this process at the latest
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", "the server of forks did not start"
        atexit.register(self.close)

    def close(self) -> None:
        """End the server; forks that still run are not ended."""
        if self.owner == os.getpid():
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait()
            self._folder.cleanup()


def _send(link: socket.socket, job: Job, descriptors: Sequence[int]) -> None:
    content = pickle.dumps(job)
    socket.send_fds(link, [_LENGTH.pack(len(content))], list(descriptors))
    link.sendall(content)


def _received(link: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size and (piece := link.recv(size - len(content))):
        content += piece
    return content


def _taken(link: socket.socket) -> tuple[Job, list[int]] | None:
    """A job from a connection, and the file descriptors that came with it. None at the connection's end."""
    head, descriptors, _, _ = socket.recv_fds(link, _LENGTH.size, 16)
    if not head:
        return None
    head += _received(link, _LENGTH.size - len(head))
    job = pickle.loads(_received(link, _LENGTH.unpack(head)[0]))
    assert isinstance(job, Job)
    return job, descriptors


# in the server and its forks


def _import_all() -> None:
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in (*_ALSO_IMPORTED, *_named_in_settings()):
        importlib.import_module(name)
    assert "twisted.internet.reactor" not in sys.modules, "each crawl installs its own reactor"
    assert threading.active_count() == 1, "a fork has only the thread that forks"


def _named_in_settings() -> Iterator[str]:
    """The modules of the components that Scrapy loads by their names in its settings."""
    settings = vars(importlib.import_module("scrapy.settings.default_settings"))
    for value in settings.values():
        names = (*value, *value.values()) if isinstance(value, dict) else (value,)
        yield from (str(name).rpartition(".")[0] for name in names if str(name).startswith("scrapy."))


@functools.cache
def _compiled(path: str, modified: int) -> types.CodeType:
    return compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)


def _serve(address: str) -> Job | None:
    """Fork for each job that arrives. Returns it in the fork, and None in the server when it is to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    ended, wake = socket.socketpair()
    ended.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    running: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    for each in (0, ended, listening):
        selector.register(each, selectors.EVENT_READ)
    os.write(1, b"ready\n")
    while True:
        for key, _ in selector.select():
            if key.fileobj == 0:
                return None
            if key.fileobj is ended:
                with contextlib.suppress(BlockingIOError):
                    ended.recv(1 << 16)
                _report_ends(running)
                continue
            link, _ = listening.accept()
            taken = _taken(link)
            if taken is None:
                link.close()
                continue
            job, descriptors = taken
            if (path := Path(job.words[0])).is_file():
                job = replace(job, code=_compiled(str(path), path.stat().st_mtime_ns))
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                selector.close()
                for each in (ended, wake, listening, link, *running.values()):
                    each.close()
                _become(job, descriptors)
                return job
            running[pid] = link
            link.sendall(_LENGTH.pack(pid))
            for descriptor in descriptors:
                os.close(descriptor)


def _report_ends(running: dict[int, socket.socket]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        with running.pop(pid) as link, contextlib.suppress(OSError):  # who started it may be gone
            link.sendall(_LENGTH.pack(status))


def _become(job: Job, descriptors: Sequence[int]) -> None:
    """Make this fork what the program of a job finds when it starts."""
    # first out of the way of the numbers that they are to have
    highest = max(*job.descriptors, *descriptors)
    moved = []
    for descriptor in descriptors:
        highest += 1
        moved.append(os.dup2(descriptor, highest, inheritable=False))
        os.close(descriptor)
    for descriptor, number in zip(moved, job.descriptors, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if job.new_session:
        os.setsid()
    elif job.process_group is not None:
        os.setpgid(0, job.process_group)
    if job.umask != -1:
        os.umask(job.umask)
    os.chdir(job.folder)
    os.environ.clear()
    os.environ.update(job.environment)
    time.tzset()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, stream := _stream(number, name, getattr(sys, name)))
        setattr(sys, f"__{name}__", stream)


def _stream(number: int, name: str, server_stream: Any) -> io.TextIOWrapper:
    """A standard stream as the interpreter makes it (`create_stdio` in its pylifecycle.c)."""
    mode, unbuffered = "w" if number else "r", server_stream.write_through
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = f"<{name}>"  # type: ignore[misc]
    line_buffering = not unbuffered and (number == 2 or raw.isatty())
    binary: Any = io.BufferedReader(raw) if not number else raw if unbuffered else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(
        binary,
        server_stream.encoding,
        server_stream.errors,
        newline="\n",
        line_buffering=line_buffering,
        write_through=unbuffered,
    )
    stream.mode = mode  # type: ignore[misc]
    return stream


def _run(job: Job) -> None:
    """Run a job's program in this process, as its main module."""
    first, *rest = job.words
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.orig_argv = [sys.executable, *job.words]
    if first == "-c":
        sys.path[0], sys.argv = "", ["-c", *rest[1:]]
        exec(rest[0], main.__dict__)
    elif first == "-m":
        sys.path[0], sys.argv = job.folder, ["-m", *rest[1:]]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        assert job.code is not None
        main.__file__ = first
        sys.path[0], sys.argv = os.path.dirname(first), [first, *rest]  # noqa: PTH120
        exec(job.code, main.__dict__)


def _make_spares(count: int) -> Job | None:
    """Make idle forks. Returns None, and a job in a fork that gets one."""
    global _spares
    made: list[tuple[int, socket.socket]] = []
    for _ in range(count):
        near, far = socket.socketpair()
        if (pid := os.fork()) == 0:
            near.close()
            for _, other in made:
                other.close()
            # numbers of descriptors that a job names are below this one
            waiting = socket.socket(fileno=os.dup2(far.fileno(), 200, inheritable=False))
            far.close()
            # the group may be interrupted before there is anything to do
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            taken = _taken(waiting)
            waiting.close()
            if taken is None:
                os._exit(0)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _become(*taken)
            return taken[0]
        far.close()
        made.append((pid, near))
    _spares = made
    _use_spares()
    return None


def _use_spares() -> None:
    """Have idle forks take the place of what this process starts."""
    from multiprocessing import util

    spawn = util.spawnv_passfds

    def spawn_warm(path: Any, args: Sequence[Any], passfds: Sequence[int]) -> int:
        words = tuple(map(os.fsdecode, args))
        code = words.index("-c") if "-c" in words else None
        if code is None or not _spares or max(passfds, default=0) >= 200:
            return spawn(path, args, passfds)  # type: ignore[arg-type]
        numbers = (*(number for number in (0, 1, 2) if number not in passfds), *passfds)
        begun = _begin(Job(words[code:], dict(os.environ), os.getcwd(), numbers), numbers)  # noqa: PTH109
        assert begun is not None
        return begun[0]

    util.spawnv_passfds = spawn_warm
    subprocess.Popen = Process  # type: ignore[misc]


def _assign(text: str) -> None:
    """Give a constant another value; it must be there."""
    name, _, value = text.partition("=")
    module, _, constant = name.rpartition(".")
    found = importlib.import_module(module)
    assert isinstance(getattr(found, constant), float), name
    setattr(found, constant, float(value))


def _leave(job: Job) -> NoReturn:
    """Run a job's program and end this process as the interpreter does, except that it frees no memory.

    That would take half a second: all of the modules are in it.
    """
    code = 0
    try:
        if assigned := job.environment.get(ASSIGN):
            _assign(assigned)
        _run(job)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        if ending.code is not None and not isinstance(ending.code, int):
            print(ending.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:  # it is closed
            pass
        except OSError as error:
            if stream is sys.stdout:
                code = 120
                with contextlib.suppress(OSError):
                    print(f"Exception ignored in: {stream!r}\n{type(error).__name__}: {error}", file=sys.stderr)
    if code < 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def main(address: str) -> None:
    """Serve until standard input is closed."""
    _import_all()
    gc.collect()
    gc.freeze()
    job = _serve(address)
    if job is None:
        return
    command = job.words[1:] if job.words[0] == HARVESTER else job.words[2:] if job.words[0] == "-m" else ()
    _leave(_make_spares(_SPARES.get(command[0] if command else "", 0)) or job)


if __name__ == "__main__":
    # as the module that its clients have, so that both name the classes of what they send alike
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    importlib.import_module("support.fork_server").main(sys.argv[1])
