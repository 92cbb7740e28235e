"""`harvester retry`: what was refused or lost is asked again, and nothing else is."""

import subprocess
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

from support import archive_builder, fork_server
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment
from support.local_server import serving


class Moody(BaseHTTPRequestHandler):
    """Records by id; those in `broken` answer 500."""

    broken: ClassVar[set[str]] = set()
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        type(self).asked.append(name)
        body = b'{"id": "%s", "metadata": {"title": "t"}}' % name.encode()
        self.send_response(500 if name in self.broken else 404 if name in ("robots.txt", "4") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


def retry(archive: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return fork_server.run(
        [HARVESTER, "retry", archive, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment(),
        cwd=archive.parent,
    )


def states(archive: Path) -> dict[str, str]:
    query = "SELECT identifier, state FROM outcomes ORDER BY outcome"
    return dict(archive_builder.rows(archive, query))


def test_ids_that_were_refused_are_asked_again_and_only_they(harvest: Harvest):
    Moody.broken, Moody.asked = {"2", "5"}, []
    with serving(Moody) as base:
        url = f"{base}/api/{{id}}"
        assert harvest.run(url, "ids=1-6", "connections=3", spider="idrange") == 1
        assert states(harvest.archive) == {
            "1": "read",
            "2": "refused",
            "3": "read",
            "4": "absent",
            "5": "refused",
            "6": "read",
        }
        dry = retry(harvest.archive, "--dry-run")
        assert "idrange:json: 2 refused" in dry.stderr
        Moody.broken, Moody.asked = {"5"}, []
        assert retry(harvest.archive).returncode == 1
        assert set(Moody.asked) == {"2", "5", "robots.txt"}
        Moody.broken, Moody.asked = set(), []
        assert retry(harvest.archive).returncode == 0
        assert set(Moody.asked) == {"5", "robots.txt"}
        again = retry(harvest.archive)
        assert (again.returncode, again.stderr) == (0, "harvester: nothing to ask again\n")
    archive_builder.check(harvest.archive)
    assert set(states(harvest.archive).values()) == {"read", "absent"}


def test_records_that_could_not_be_read_are_asked_for_by_getrecord(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "100", "--kinds", "xml_badchar:2")
    assert harvest.run(server.url) == 1
    refused = {name for name, state in states(harvest.archive).items() if state == "refused"}
    assert len(refused) == 2
    before = server.stats()["verbs"].get("GetRecord", 0)
    done = retry(harvest.archive)
    assert done.returncode == 1, done.stderr
    assert server.stats()["verbs"]["GetRecord"] > before
    query = "SELECT DISTINCT o.identifier FROM outcomes AS o JOIN requests USING (request) WHERE run = 2"
    assert {row[0] for row in archive_builder.rows(harvest.archive, query)} == refused
    archive_builder.check(harvest.archive)


def test_an_unfinished_run_goes_on(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "1500", "--page-size", "20", "--latency-ms", "20")
    harvest.kill_once(server.url, "SELECT request FROM requests WHERE listed > 0")
    done = retry(harvest.archive)
    assert done.returncode == 0, done.stderr
    assert archive_builder.rows(harvest.archive, "SELECT count(*), min(state) FROM runs") == [(1, "complete")]
    assert len(states(harvest.archive)) == 1500
