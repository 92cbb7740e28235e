"""application/marc got by content negotiation: kept as its bytes, indexed, and accepted by every command."""

import json
from pathlib import Path
from typing import Any

from support import fork_server
from support.harvest_runs import HARVESTER, Harvest, environment
from support.stub_server import Reply, answering

from archive.crosswalks.iso2709 import iso2709

MARC = "application/marc"


def record(number: str) -> bytes:
    fields: list[dict[str, Any]] = [
        {"001": number},
        {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": f"Über {number}"}]}},
    ]
    return iso2709({"leader": "00000nam a2200000 a 4500", "fields": fields})


def run(*words: object) -> tuple[int, bytes, str]:
    done = fork_server.run([HARVESTER, *map(str, words)], capture_output=True, check=False, env=environment())
    return done.returncode, done.stdout, done.stderr.decode()


def answer(path: str) -> Reply:
    number = path.rpartition("/")[2]
    if number in ("1", "2"):
        return 200, {"Content-Type": MARC}, record(number)
    return 404, {"Content-Type": "application/json"}, b'{"status": 404, "message": "The identifier does not exist."}'


def test_it_goes_through_every_command(harvest: Harvest, tmp_path: Path):
    with answering({}) as server:
        server.replies = _Below()
        assert harvest.run(f"{server.url}/api/{{id}}", "ids=1-3", f"accept={MARC}", spider="idrange") == 0, (
            harvest.output[-2000:]
        )
    folder = harvest.archive
    assert run("index", folder)[0] == 0
    assert run("verify", folder)[0] == 0
    assert run("validate", folder)[0] == 0
    assert run("get", folder, "2", "--original") == (0, record("2"), "")
    code, out, err = run("sql", folder, "SELECT title FROM records WHERE NOT deleted ORDER BY title", "--json")
    assert (code, [row["title"] for row in json.loads(out)]) == (0, ["Über 1", "Über 2"]), err
    assert run("convert", folder, "--to", "marc")[:2] == (0, record("1") + record("2"))
    assert run("dump", folder, tmp_path / "out", "--licence-unknown")[0] == 0
    assert run("verify", tmp_path / "out")[0] == 0
    assert run("convert", tmp_path / "out", "--to", "marc")[:2] == (0, record("1") + record("2"))


class _Below(dict[str, Any]):
    """One reply maker for every path below /api/, ids that cannot exist among them; robots.txt is not."""

    def get(self, path: str, default: object = None) -> Any:
        return answer if path.startswith("/api/") else default
