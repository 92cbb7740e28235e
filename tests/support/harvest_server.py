"""A harvest without a network, to be killed: a server of forks that writes an archive and stops where it is told.

    PYTHONPATH=tests python tests/support/harvest_server.py

reads one JSON object a line. `folder` says where the archive is. One of the others may say how it ends:
`kill` [point, n]: by SIGKILL when a named point of `archive.disk.durable` is reached the n-th time;
`alarm` seconds: by a signal after some time, wherever it is then;
`fail` [step, n]: the n-th write, fsync, rename or commit fails as on a full disk; with the step `all` every write,
rename and commit from the n-th on;
`watch` [step, n]: at the n-th named point before such a step, an OSError as of a full disk comes from the watcher;
`power` [point, n]: as kill, and only what was synced is then in the folder `FOLDER-after`.
Each is done in a fork of its own, which costs some milliseconds, and is answered by one JSON object: `signal`,
`code` (the exit code of the contract) and `points`, the named points in the order they were reached.
"""

import errno
import os
import shutil
import signal
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive.disk import durable
from archive.errors import ArchiveError
from archive.findings import Finding
from archive.store.ledger import NewWindow, WindowCount, WindowRow
from archive.store.quarantine import RefusedBody
from archive.store.writer import Answer, ArchiveWriter
from harvester.exits import exit_code
from support import archive_builder, task_server

# what the provider holds, by window; a window of two years is cut when it is asked for as one
PAGES: dict[tuple[str, str], list[list[str]]] = {
    ("2020", "2020"): [["oai:x:1", "oai:x:2", "oai:x:3"], ["oai:x:4"], ["oai:x:5", "oai:x:6"]],
    ("2021", "2021"): [["oai:x:7", "oai:x:8"], ["oai:x:9", "oai:x:10"]],
    ("2022", "2022"): [["oai:x:11"], ["oai:x:12"]],
    ("2023", "2023"): [],
}
# its page cannot be read: it is asked for by itself, and refused
POISON = "oai:x:666"
DELETED = "oai:x:5"
TRUTH = {i: "deleted" if i == DELETED else "read" for pages in PAGES.values() for page in pages for i in page}
TRUTH[POISON] = "refused"

ARGUMENTS = {"url": archive_builder.URL, "prefix": ["oai_dc"]}
SHARD_BYTES = 500


def harvest(folder: Path) -> None:
    """Harvest all of it, or what is left of it, and leave the archive at rest."""
    writer = archive_builder.writer(folder, shard_bytes=SHARD_BYTES)
    if writer.ledger.last_run("oaipmh", ARGUMENTS, ("full",)) is not None:  # killed after the last word was said
        writer.close()
        return
    writer.begin("oaipmh", "full", ARGUMENTS, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    if not writer.ledger.windows(writer.run_number):
        bounds = [("2020", "2020"), ("2021", "2022"), ("2023", "2023")]
        writer.open_windows([NewWindow(channel, "ListRecords", *bound) for bound in bounds])
    waiting = writer.ledger.windows(writer.run_number, "open")
    while waiting:
        waiting += walk(writer, channel, waiting.pop(0))
    writer.finish(writer.ledger.settled_state(writer.run_number))
    writer.close()


def walk(writer: ArchiveWriter, channel: int, window: WindowRow) -> list[WindowRow]:
    """One walk through a window. Returns the windows that take its place."""
    assert window.from_ is not None
    assert window.until is not None
    attempt = window.attempts + 1
    if window.from_ != window.until:
        children = [NewWindow(channel, "ListRecords", year, year) for year in (window.from_, window.until)]
        return end(writer, channel, window, state="split", why="too-large", children=children)
    for number, page in enumerate(PAGES[window.from_, window.until]):
        outcomes = [(i, "2020-01-01T00:00:00Z", TRUTH[i], None) for i in page]
        payload = [piece for i in page for piece in archive_builder.payload([i], deleted=i == DELETED)]
        writer.put(archive_builder.answer(channel, window.window, page, attempt, outcomes=outcomes, payload=payload))
        if number % 2:
            writer.commit()
    if window.from_ == "2023":
        writer.put(poison(channel, window.window, attempt))
    return end(writer, channel, window, state="done", why="empty-token")


def end(writer: ArchiveWriter, channel: int, window: WindowRow, **how: Any) -> list[WindowRow]:
    count: WindowCount = writer.count_window(window.window, window.attempts + 1)
    return writer.close_window(
        window.window,
        state=how["state"],
        end=how["why"],
        count=count,
        stated=None,
        pages=1,
        attempts=window.attempts + 1,
        children=how.get("children", ()),
        channel=channel,
        notes=[Finding("sample", "info", "a note that is written with the window's end")],
    )


def poison(channel: int, window: int, attempt: int) -> Answer:
    body = RefusedBody(
        archive_builder.URL, 200, (("Content-Type", "text/xml"),), b"<OAI-PMH>\xff", "2026-03-04T05:06:07Z", "x"
    )
    return archive_builder.answer(
        channel,
        window,
        (),
        attempt,
        url=f"{archive_builder.URL}?verb=GetRecord",
        state="refused",
        payload=(),
        outcomes=[(POISON, None, "refused", "not well-formed")],
        refused=body,
        refused_identifier=POISON,
        notes=[Finding("poison-record", "error", f"{POISON} cannot be read", POISON)],
    )


# --- ending


def killed_at(point: str, occurrence: int) -> Callable[[str], None]:
    """A watcher that ends the process without warning."""
    counted = Countdown(occurrence)

    def watch(name: str) -> None:
        if name == point and counted.over():
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


def alarm(seconds: float) -> Callable[[str], None]:
    """The default action of SIGALRM is to end the process, between any two instructions."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return lambda name: None


class Countdown:
    """`over()` is true the n-th time it is asked, or from then on."""

    def __init__(self, occurrence: int, *, from_then_on: bool = False) -> None:
        self._left, self._from_then_on = occurrence, from_then_on

    def over(self) -> bool:
        self._left -= 1
        return self._left == 0 or (self._from_then_on and self._left < 0)


SYSTEM_CALLS = {"write": "write", "fsync": "fsync", "rename": "replace"}
BEFORE = {
    "write": "-writing",
    "fsync": "-syncing",
    "rename": "-renaming",
    "open": "-opening",
    "truncate": "-truncating",
}


def full_disk(step: str, occurrence: int) -> Callable[[str], None]:
    """Let system calls fail as on a full disk. Returns the watcher for commits, which SQLite makes itself."""
    countdown = Countdown(occurrence, from_then_on=step == "all")

    def failing(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **more: Any) -> Any:
            if countdown.over():
                if name == "write":  # a full disk takes what still fits
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **more)

        return instead

    def watch(name: str) -> None:
        if step in ("commit", "all") and name == "ledger-committing" and countdown.over():
            raise sqlite3.OperationalError("database or disk is full")

    for name in ("write", "rename") if step == "all" else (step,):
        if (call := SYSTEM_CALLS.get(name)) is not None:
            setattr(os, call, failing(name, getattr(os, call)))
    return watch


def full_watch(step: str, occurrence: int) -> Callable[[str], None]:
    """A watcher that raises before a step what a full disk raises in it."""
    countdown = Countdown(occurrence)

    def watch(name: str) -> None:
        if name.endswith(BEFORE[step]) and countdown.over():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return watch


def power_loss(folder: Path, point: str, occurrence: int) -> Callable[[str], None]:
    """A watcher that, before it kills, leaves a folder with what a power loss leaves.

    A file has what it had when it was last synced, and is there when its folder was synced after it got its name.
    What SQLite writes is taken as it is: it syncs files and folder itself.
    """
    names: dict[Path, dict[str, int]] = {}
    contents: dict[int, bytes] = {}
    kill, fsync = killed_at(point, occurrence), os.fsync
    countdown = Countdown(occurrence)

    def remembering(fd: int) -> None:
        fsync(fd)
        path = Path(f"/proc/self/fd/{fd}").resolve()
        if path.is_dir():
            names[path] = {entry.name: entry.stat().st_ino for entry in path.iterdir()}
        else:
            contents[path.stat().st_ino] = path.read_bytes()

    def restore(source: Path, target: Path) -> None:
        target.mkdir()
        for name, inode in names.get(source, {}).items():
            if (source / name).is_dir():
                restore(source / name, target / name)
            else:
                (target / name).write_bytes(contents.get(inode, b""))
        for path in source.glob("ledger.sqlite*"):
            if not path.name.endswith(".sha256"):
                shutil.copy(path, target)

    def watch(name: str) -> None:
        if name == point and countdown.over():
            restore(folder.resolve(), folder.with_name(folder.name + "-after"))
        kill(name)

    os.fsync = remembering
    return watch


def watcher(task: dict[str, Any]) -> Callable[[str], None]:
    match task:
        case {"kill": how}:
            return killed_at(*how)
        case {"alarm": seconds}:
            return alarm(seconds)
        case {"fail": how}:
            return full_disk(*how)
        case {"watch": how}:
            return full_watch(*how)
        case {"power": how}:
            return power_loss(Path(task["folder"]), *how)
    return lambda name: None


def run(task: dict[str, Any], report: int) -> int:
    """In a fork: harvest, and leave with the exit code that the command would leave with."""
    inner = watcher(task)

    def say(line: str) -> None:
        os.writev(report, [line.encode() + b"\n"])  # os.write may be the call that fails

    def watch(name: str) -> None:
        say(name)
        inner(name)

    durable.watch = watch
    code = 0
    try:
        harvest(Path(task["folder"]))
    except ArchiveError as error:
        say(f"{type(error).__name__}: {error}")
        code = exit_code(error)
    except BaseException:
        say(traceback.format_exc().replace("\n", " | "))
        code = task_server.BROKEN
    return code


if __name__ == "__main__":
    task_server.serve(run)
