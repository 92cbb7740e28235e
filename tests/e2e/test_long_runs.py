"""Load over hours and over many hosts, on a clock that jumps: budgets are kept and used, nobody starves, nothing grows.

Each run is a process of its own, so that its memory is what it took; most are tests/support/long_run.py.
"""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder
from support.example_counts import amount, tried
from support.harvest_runs import Harvest, environment
from support.local_server import serving
from support.memory_use import KNOWN, ended

# beyond what a fifth of the way took: room for what the allocator does, none for a byte an id
GROWTH_MOST_BYTES = 32 << 20
SCRIPT = Path(__file__).resolve().parents[1] / "support" / "long_run.py"


def long_run(*words: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
        capture_output=True,
        text=True,
        timeout=7200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_ids_of_many_hours_use_their_budgets_and_never_overrun_them():
    count = amount(40_000, 1_000_000)
    done = long_run("ids", count)
    tried("ids asked for in simulated time", count)
    # each id once, and no other
    assert (done["ids"], done["seen"]) == (count, [1000, count // 1000, count // 1000])
    # the provider never had to say no
    assert set(done["statuses"]) == {"200", "404"}
    assert done["bans"] == 0
    # of 8000 an hour
    assert done["ids"] / (8000 * done["hours"]) >= 0.95
    assert done["memory"] - done["memory_then"] < GROWTH_MOST_BYTES


def test_no_host_starves_another():
    minutes = amount(4, 60)
    alone, together = long_run("hosts", 4, minutes), long_run("hosts", 200, minutes)
    tried("hosts asked at once", 200)
    for kind, counts in together["answered"].items():
        assert len(counts) == 50
        assert min(counts) >= 0.9 * alone["answered"][kind][0], kind
    # a limit that is told is not met; one that is not is looked for by each host on its own
    assert together["refused"]["told"] == together["refused"]["slow"] == 0
    assert together["refused"]["hidden"] <= 0.08 * sum(together["answered"]["hidden"])
    assert sum(together["answered"]["told"]) >= 0.95 * 50 * 60 * minutes
    assert sum(together["answered"]["slow"]) > 0
    assert together["memory"] - together["memory_then"] < GROWTH_MOST_BYTES


class Records(BaseHTTPRequestHandler):
    """A record of some kilobytes for each number up to ten million that seven does not divide."""

    protocol_version = "HTTP/1.1"
    # an answer in one piece: two of them wait for each other's acknowledgement
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        _, _, name = self.path.rpartition("/records/")
        here = name.isdigit() and int(name) <= 10_000_000 and int(name) % 7 != 0
        body = json.dumps({"id": name, "metadata": {"title": "x" * 2000}}).encode() if here else b"{}"
        self.send_response(200 if here else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.mark.skipif(not KNOWN, reason="memory is read from /proc")
def test_a_harvest_of_many_ids_takes_no_more_memory_than_one_of_some(tmp_path: Path):
    some, many = 1000, amount(5000, 1_000_000)
    peaks = []
    with serving(Records) as url:
        for count in (some, many):
            harvest = Harvest(tmp_path / f"archive-{count}")
            words = (f"ids=1-{count}", "accept=application/json", "connections=8")
            with (tmp_path / "output").open("wb") as output:
                command = harvest.command(f"{url}/api/records/{{id}}", *words, spider="idrange")
                process = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=output, env=environment())
                peaks.append(ended(process))
            assert process.returncode == 0, (tmp_path / "output").read_text()[-3000:]
            states = archive_builder.rows(
                harvest.archive, "SELECT state, count(*) FROM outcomes GROUP BY state ORDER BY state"
            )
            assert [tuple(row) for row in states] == [("absent", count // 7), ("read", count - count // 7)]
    tried("ids harvested for their memory", many)
    # what ids, answers and outcomes take is let go; the ledger's cache and the shard that is open have their size
    assert peaks[1] - peaks[0] < GROWTH_MOST_BYTES
