"""The demonstration: a repository is served, harvested, killed, resumed and audited, step by step, for real.

Every step is a command in a process of its own, as a person would type it, and must end as promised: an exit
code that surprises, or a mirror that differs from its provider in anything, ends the demonstration.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from archive.errors import ArchiveError
from archive.queries import Queries
from archive.releases import read_manifest
from archive.store import Account, Layout, read_account, read_only
from harvester.demo.samples import PREFIXES, build_archive
from harvester.errors import HarvestError, UsageError

_SQL = Queries(__package__)

MARKER = ".harvester-demo"
# pages in all, whatever the number of records: the time that a demonstration takes is the provider's budget
PAGES = 200
KILL_AT = 0.4
_OURS = ("provider", "mirror", "port", "serve.log", "release", "bag", "report.html")
_START_SECONDS, _END_SECONDS, _MOMENT_SECONDS = 60.0, 15.0, 0.3
QUERY = """SELECT unnest(sets) AS community, count(*) AS records, count(*) FILTER (deleted) AS deleted,
       arg_max(title, datestamp) AS newest
FROM records WHERE format = 'oai_datacite' GROUP BY community ORDER BY records DESC"""
# what an operator may have set for other work must not reach the commands
_FOREIGN = ("HARVEST", "SCRAPY_")


class DemoFailed(HarvestError):
    """A step did not give what it promises; the message says which, and what came instead."""


class Stage(Protocol):
    """Where the demonstration is shown."""

    def scene(self, title: str) -> None:
        """A new part begins."""

    def say(self, sentence: str) -> None:
        """A sentence to whoever is watching."""

    def command(self, line: str) -> None:
        """A command that runs now."""

    def account(self, account: Account) -> None:
        """The account of the mirror."""


@dataclass(frozen=True, slots=True)
class Play:
    """What to show.

    `rate` is the provider's budget as `harvester serve --rate` takes it; `words` is how `harvester` was called, so
    that every line shown can be typed again.
    """

    folder: Path
    records: int
    rate: str
    words: str

    @property
    def provider(self) -> Path:
        return self.folder / "provider"

    @property
    def mirror(self) -> Path:
        return self.folder / "mirror"

    @property
    def release(self) -> Path:
        return self.folder / "release"

    @property
    def bag(self) -> Path:
        return self.folder / "bag"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def port_file(self) -> Path:
        return self.folder / "port"

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    @property
    def page_size(self) -> int:
        return max(1, self.records * len(PREFIXES) // PAGES)


def perform(play: Play, stage: Stage) -> None:
    """Show all of it. Raises DemoFailed, UsageError when the folder is somebody else's; ends what it started."""
    clear_folder(play.folder)
    with Processes() as processes:
        act = _Act(play, stage, processes)
        act.build()
        url = act.serve()
        act.harvest(url)
        act.examine()
        act.audit(url)
        act.compare()
        act.hand_on()
        act.conclude()


def clear_folder(folder: Path) -> None:
    """Make the folder, or empty one that an earlier demonstration made. Raises UsageError for any other."""
    if folder.exists() and not (folder / MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and was not made by a demonstration; name another: --folder DIR")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("Made by `harvester demo`, which may remove what is in here.\n", encoding="utf-8")
    for path in (folder / name for name in _OURS):
        _remove(path)


def remove_folder(folder: Path) -> None:
    """Remove what a demonstration made, and the folder with it unless something else was put there meanwhile."""
    clear_folder(folder)
    (folder / MARKER).unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def committed_records(folder: Path) -> int:
    """Outcomes that the ledger of a running harvest has counted; 0 before there is one."""
    try:
        with contextlib.closing(read_only(Layout(folder).ledger)) as db:
            return int(db.execute(_SQL["committed_outcomes"]).fetchone()[0])
    except ArchiveError:
        return 0


# --- processes


class Processes:
    """Commands of ours as processes: each in a group of its own, and none of them outlives this object."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running.copy()):
            self.end(process)

    def start(self, words: Sequence[str], log: Path | None = None) -> "subprocess.Popen[bytes]":
        """Start `harvester` with these words; what it prints is shown, or goes to the file `log`."""
        command = [sys.executable, "-P", "-m", "harvester", *words]
        with log.open("wb") if log is not None else contextlib.nullcontext() as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=_environment(), process_group=0
            )
        self._running.append(process)
        return process

    def run(self, words: Sequence[str]) -> int:
        """Run `harvester` with these words to its end. Returns the exit code."""
        process = self.start(words)
        code = process.wait()
        self._running.remove(process)
        return code

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask a process to end, and kill it when it does not."""
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        self.kill(process)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """SIGKILL to a process and its group: nothing that it started is left behind either."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._running.remove(process)


def _environment() -> dict[str, str]:
    """The operator's environment, less what would change a harvest; a proxy is not for this machine itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONUNBUFFERED": "1"}


# --- steps


class _Act:
    """The steps, in their order; each says what it does, does it, and checks that it happened."""

    def __init__(self, play: Play, stage: Stage, processes: Processes) -> None:
        self.play, self.stage, self.processes = play, stage, processes

    def build(self) -> None:
        play, say = self.play, self.stage.say
        self.stage.scene("A repository")
        say(f"{play.records:,} invented records in two formats are written to {play.provider}: live and deleted ones,")
        say("in sets, in twenty-one languages, a sixteenth of them changed in one and the same second.")
        build_archive(play.provider, play.records)
        self.run("index", str(play.provider))

    def serve(self) -> str:
        """Serve the repository. Returns its OAI-PMH base URL."""
        play = self.play
        self.stage.scene("It answers OAI-PMH, within a budget")
        self.stage.say(
            f"Who asks more than {play.rate.replace('/', ' times in ')} s is told to wait: 429, Retry-After."
        )
        words = [
            "serve",
            str(play.provider),
            "--port",
            "0",
            "--port-file",
            str(play.port_file),
            "--rate",
            play.rate,
            "--page-size",
            str(play.page_size),
        ]
        self.show(*words, end=f" 2> {play.log} &")
        server = self.processes.start(words, play.log)
        url = f"http://127.0.0.1:{_wait_for_port(server, play)}/oai"
        self.stage.say(f"It listens at {url}")
        return url

    def harvest(self, url: str) -> None:
        words = [
            "crawl",
            "oaipmh",
            "-a",
            f"url={url}",
            "-a",
            f"prefix={','.join(PREFIXES)}",
            "-a",
            "slices=year",
            "-a",
            f"archive={self.play.mirror}",
        ]
        self.stage.scene("Harvest it, and kill the harvest")
        self.show(*words)
        self.kill_in_the_middle(self.processes.start(words))
        self.run("status", str(self.play.mirror), expected=3)
        self.stage.scene("The same command again")
        self.stage.say("It goes on where the ledger ends: years that are done stay done, the one that was cut short is")
        self.stage.say("listed again from its beginning.")
        self.run(*words)

    def kill_in_the_middle(self, harvest: "subprocess.Popen[bytes]") -> None:
        """Kill the harvest once so much of it is counted, a moment later: then there is also something to lose."""
        total = self.play.records * len(PREFIXES)
        while (counted := committed_records(self.play.mirror)) < KILL_AT * total:
            if harvest.poll() is not None:
                raise DemoFailed(f"the harvest ended with exit code {harvest.returncode} after {counted} records")
            time.sleep(0.05)
        time.sleep(_MOMENT_SECONDS)
        self.stage.command(f"kill -9 -- -{harvest.pid}")
        self.processes.kill(harvest)
        counted = committed_records(self.play.mirror)
        self.stage.say(f"No warning, no clean-up: {counted:,} of {total:,} records are counted in the ledger, and")
        self.stage.say("what is not in the ledger does not count, whatever else is on the disk.")

    def examine(self) -> None:
        mirror = str(self.play.mirror)
        self.stage.scene("Look into it")
        self.run("index", mirror)
        self.run("sql", mirror, QUERY)
        self.run("verify", mirror)

    def audit(self, url: str) -> None:
        self.stage.scene("Prove it")
        self.stage.say("The audit lists every identifier of the live server again and holds it against the archive.")
        self.run("audit", str(self.play.mirror), "--against", url)

    def compare(self) -> None:
        differing = differing_records(Layout(self.play.provider).index, Layout(self.play.mirror).index)
        if differing:
            raise DemoFailed(f"{differing} records of the mirror are not those of the provider, in {self.play.folder}")
        self.stage.say("And the two archives, record by record: same identifier, datestamp, state, sets and SHA-256.")

    def hand_on(self) -> None:
        """Make of the mirror what others use without us."""
        play = self.play
        self.stage.scene("Hand it on")
        self.stage.say(
            "A release is read with zstd, jq, DuckDB or Python; a bag is what preservation archives take in."
        )
        self.run("dump", str(play.mirror), str(play.release), "--licence", "CC0-1.0")
        record = read_manifest(play.release).content.parts[0].first
        self.run("get", str(play.release), record.identifier, "--format", PREFIXES[-1])
        self.run("bag", str(play.release), str(play.bag))
        self.run("verify", str(play.bag), "--second-opinion")
        self.run("report", str(play.mirror), "--html", str(play.report))

    def conclude(self) -> None:
        """Show the account and where everything is. Raises DemoFailed when it does not come to what was served."""
        play, say = self.play, self.stage.say
        account, total = read_account(play.mirror), play.records * len(PREFIXES)
        self.stage.scene("The account")
        self.stage.account(account)
        if not (account.balanced and account.complete and account.listed == total):
            raise DemoFailed(f"the account of {play.mirror} is not that of {total} records; see `harvester status`")
        say(f"{account.listed:,} of {total:,} records served are accounted for, none is refused, lost or open.")
        self.stage.scene("What was written")
        for path, what in _paths(play):
            say(f"{path!s:<{len(str(play.mirror)) + 18}}{what}")

    def show(self, *words: str, end: str = "") -> None:
        self.stage.command(f"{self.play.words} {' '.join(map(_typed, words))}{end}")

    def run(self, *words: str, expected: int = 0) -> None:
        """Show a command and run it. Raises DemoFailed when its exit code is not the one it should have."""
        self.show(*words)
        code = self.processes.run(words)
        if code != expected:
            raise DemoFailed(f"`harvester {words[0]}` ended with exit code {code} instead of {expected}")


def differing_records(provider: Path, mirror: Path) -> int:
    """How many records of two indexes are in one of them only: by identifier, datestamp, state, sets and digest."""
    columns = "format, identifier, datestamp, deleted, list_sort(sets), sha256"
    with contextlib.closing(duckdb.connect()) as db:
        for name, path in (("provider", provider), ("mirror", mirror)):
            db.execute(f"ATTACH {_quoted(str(path))} AS {name} (READ_ONLY)")
        here, there = (f"SELECT {columns} FROM {name}.records" for name in ("provider", "mirror"))
        row = db.execute(f"SELECT count(*) FROM (({here} EXCEPT {there}) UNION ALL ({there} EXCEPT {here}))").fetchone()
    assert row is not None
    return int(row[0])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _typed(word: str) -> str:
    """A word as one would type it in a shell: SQL, with its single quotes, in double ones."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def _wait_for_port(server: "subprocess.Popen[bytes]", play: Play) -> int:
    """The port that the server writes down once it listens."""
    until = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            return int(play.port_file.read_text())
        time.sleep(0.05)
    raise DemoFailed(f"the server does not listen; its last words: {play.log.read_text(errors='replace')[-500:]!r}")


def _paths(play: Play) -> list[tuple[Path, str]]:
    mirror = Layout(play.mirror)
    return [
        (mirror.root, "the mirror"),
        (mirror.shards, "its records, as JSON text sequences in zstd frames: zstd -d and jq --seq read them"),
        (mirror.ledger, "its ledger: each request and the state of each identifier, in SQLite"),
        (mirror.index, "its index, in DuckDB; it can be made again from the other two"),
        (play.report, "its report: the account, gaps, states, requests and waits"),
        (play.release, "a release of it"),
        (play.bag, "the release in a bag"),
        (play.provider, "the repository that was served, an archive as well"),
    ]
