"""Servers and harvests for tests that run the product as a user does."""

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archive.store.layout import Layout
from harvester.ratelimit import limiter
from support import fork_server

HARVESTER = fork_server.HARVESTER


# below those that a system hands out to whoever asks for any
_PORTS = range(20_000, 32_000)
_claims: dict[int, socket.socket] = {}


def free_port() -> int:
    """A port for a program that takes none of the system's choice; no other test gets it until it is given back."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        claim = socket.socket(socket.AF_UNIX)
        try:
            if sys.platform == "linux":  # a name without a file, gone with this process
                claim.bind(f"\0harvester-tests-{port}")
            with socket.socket() as tried:
                tried.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims[port] = claim
        return port


def give_back(port: int) -> None:
    """The port of a program that has ended."""
    _claims.pop(port).close()


@dataclass
class Hostile:
    """A running hostile provider."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oai2d"

    @property
    def records_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/records/{{id}}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as answer:
            return bytes(answer.read())

    def truth(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.get("/__truth").splitlines()]

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = json.loads(self.get("/__stats"))
        return stats


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
    process.wait()


@pytest.fixture
def hostile(beds: Path, tmp_path: Path) -> Iterator[Callable[..., Hostile]]:
    """`hostile("--page-size", "20")` starts a provider that misbehaves in the ways its options name."""
    running: list[subprocess.Popen[bytes]] = []
    ports: list[int] = []

    def start(*options: str) -> Hostile:
        port, probe = free_port(), free_port()
        ports.extend((port, probe))
        log = (tmp_path / f"hostile-{port}.log").open("wb")
        process = fork_server.Process(
            [sys.executable, beds / "hostile" / "server.py", "--port", str(port), "--probe-port", str(probe), *options],
            stdout=log,
            stderr=log,
        )
        running.append(process)
        server = Hostile(process, port)
        for _ in range(2400):
            with contextlib.suppress(OSError):
                server.get("/__stats")
                return server
            assert process.poll() is None, Path(log.name).read_text()
            time.sleep(0.05)
        pytest.fail("the hostile provider does not answer")

    yield start
    for process in running:
        end(process)
    for port in ports:
        give_back(port)


@dataclass
class Harvest:
    """One archive, harvested by subprocesses."""

    archive: Path
    output: str = ""
    # settings of Scrapy, NAME=VALUE
    settings: list[str] = field(default_factory=list)

    def command(self, url: str, *words: str, spider: str = "oaipmh") -> list[str]:
        arguments = [f"url={url}", f"archive={self.archive}", *words]
        given = [part for word in arguments for part in ("-a", word)]
        settings = [part for setting in self.settings for part in ("-s", setting)]
        return [HARVESTER, "crawl", spider, "--progress", "plain", "-v", *given, *settings]

    def run(self, url: str, *words: str, timeout: float = 600, spider: str = "oaipmh") -> int:
        """Harvest to the end; returns the exit code."""
        done = fork_server.run(
            self.command(url, *words, spider=spider),
            cwd=self.archive.parent,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment(),
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    def _begun(self, url: str, *words: str, spider: str) -> "subprocess.Popen[bytes]":
        """A harvest in a process group of its own, whose output is dropped."""
        return fork_server.Process(
            self.command(url, *words, spider=spider),
            cwd=self.archive.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )

    def kill_after(self, url: str, seconds: float, *words: str, spider: str = "oaipmh") -> bool:
        """Harvest and kill it without warning. False when it ended before."""
        process = self._begun(url, *words, spider=spider)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    def kill_once(self, url: str, query: str, *words: str, spider: str = "oaipmh", seconds: float = 300) -> None:
        """Harvest and kill it without warning as soon as a query of the ledger finds a row."""
        with self._begun(url, *words, spider=spider) as process:
            try:
                ends = time.monotonic() + seconds
                while not _finds(Layout(self.archive).ledger, query):
                    assert process.poll() is None, f"the harvest ended with {process.returncode} before {query}"
                    assert time.monotonic() < ends, f"nothing for {query} in {seconds} seconds"
                    time.sleep(0.02)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _finds(ledger: Path, query: str) -> bool:
    if not ledger.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=60)) as db:
            return db.execute(query).fetchone() is not None
    except sqlite3.OperationalError:  # it is made just now
        return False


def environment() -> dict[str, str]:
    """The environment of a user who has set nothing, but that what is learned of a host is not kept.

    Ports come again: what one server told must not hold up the harvest of the next. And the waits after failures,
    which double, begin at a tenth of a second instead of one.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HARVEST", "SCRAPY", "PYTEST"))}
    return kept | {"HARVESTER_STATE": "none", fork_server.ASSIGN: f"{limiter.__name__}.BACKOFF_FIRST_SECONDS=0.1"}


@pytest.fixture
def harvest(tmp_path: Path) -> Harvest:
    return Harvest(tmp_path / "archive")
