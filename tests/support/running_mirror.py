"""A running `harvester serve`, and what it answers."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from support import fork_server
from support.harvest_runs import HARVESTER, end, environment


@dataclass
class Answer:
    """An HTTP answer, as it was sent."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self) -> str | None:
        """The code of the OAI-PMH error in it."""
        element = etree.fromstring(self.body).find("{*}error")
        return None if element is None else element.get("code")


@dataclass
class Server:
    """A running `harvester serve`."""

    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oai"

    def ask(
        self, path: str, headers: dict[str, str] | None = None, *, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@contextmanager
def mirror(folder: Path, work: Path, *words: str, files: int | None = None) -> Iterator[Server]:
    """Serve an archive on a port that is free; `work` is a folder for its log and its port.

    `files` is how many it may have open, None: as many as the tests.
    """
    with (work / "log").open("wb") as log:
        command = [HARVESTER, "serve", str(folder), "--port", "0", "--port-file", str(work / "port"), *words]
        if files is not None:
            command = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *command]
        process = fork_server.Process(command, stdout=log, stderr=log, env=environment())
    try:
        for _ in range(2400):
            if (work / "port").exists():
                break
            assert process.poll() is None, (work / "log").read_text()
            time.sleep(0.05)
        else:
            pytest.fail("harvester serve does not listen")
        yield Server(process, int((work / "port").read_text()))
    finally:
        end(process)
