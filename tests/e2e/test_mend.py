"""`harvester mend`: damage by hand, mended, asked for again at the provider, and complete by an audit against it."""

import json
import shutil
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support import archive_builder, fork_server, oracle
from support.example_counts import amount
from support.file_provider import File, Filing
from support.file_provider import serving as serving_files
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment
from support.local_server import serving


def run(archive: Path, *words: str, code: int) -> Any:
    """A command over the archive; its exit code is checked, what it printed is read as JSON where it is some."""
    done = fork_server.run(
        [HARVESTER, words[0], str(archive), *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment(),
        cwd=archive.parent,
    )
    assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return json.loads(done.stdout) if "--json" in words else done.stdout


def flip(path: Path, place: float) -> None:
    """Change a bit of a file, so far into it (0 to 1)."""
    body = bytearray(path.read_bytes())
    body[int(place * len(body))] ^= 0x10
    path.write_bytes(body)


def cut(path: Path, place: float) -> None:
    path.write_bytes(path.read_bytes()[: int(place * path.stat().st_size)])


def shard(archive: Path) -> Path:
    return min((archive / "shards").iterdir())


# what is done to an archive, how many records mending says are lost, whether the ledger may have known more
DAMAGES: dict[str, tuple[Callable[[Path], None], bool, bool]] = {
    "a frame": (lambda archive: flip(shard(archive), 0.3), True, False),
    "a torn shard": (lambda archive: cut(shard(archive), 0.5), True, False),
    "all shards": (lambda archive: shutil.rmtree(archive / "shards"), True, False),
    "no ledger": (lambda archive: (archive / "ledger.sqlite").unlink(), False, True),
    "a torn ledger": (lambda archive: cut(archive / "ledger.sqlite", 0.6), False, True),
    "no ledger, no archive.json and a frame": (
        lambda archive: [(archive / name).unlink() for name in ("ledger.sqlite", "archive.json")]
        and flip(shard(archive), 0.3), False, True,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", list(DAMAGES)[:: amount(3, 1)])
def test_what_damage_has_cost_is_had_again_from_the_provider(
    hostile: Callable[..., Hostile], harvest: Harvest, what: str
):
    server = hostile("--records", "800", "--page-size", "100")
    assert harvest.run(server.url, "prefix=oai_dc") == 0
    archive = harvest.archive
    hurt, loses, unknown = DAMAGES[what]
    hurt(archive)
    verified = fork_server.run([HARVESTER, "verify", archive], capture_output=True, check=False, env=environment())
    assert verified.returncode in (2, 4)
    told = run(archive, "mend", "--dry-run", "--json", code=1)
    assert (told["done"], bool(told["steps"])) == (False, True)
    assert not (archive / "damaged").exists()
    mended = run(archive, "mend", "--json", code=1)
    assert [step["file"] for step in mended["steps"]] == [step["file"] for step in told["steps"]]
    assert (mended["done"], mended["left"], mended["lost"] > 0, mended["unknown"]) == (True, [], loses, unknown)
    run(archive, "verify", code=0)
    run(archive, "retry", code=1 if unknown else 0)
    assert run(archive, "audit", "--against", server.url, "--json", code=0)["missing"] == 0
    archive_builder.check(archive)
    found = oracle.compare(archive, server.truth())
    assert not any(found[kind] for kind in ("missing", "unexpected", "datestamp", "status", "sets", "content"))
    run(archive, "mend", code=0)


class Rest(BaseHTTPRequestHandler):
    """Records 1 to 30 by id, every seventh absent."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        type(self).asked.append(name)
        known = name.isdigit() and int(name) % 7 and int(name) <= 30
        body = b'{"id": "%s", "title": "%s"}' % (name.encode(), name.encode() * 50)
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


def test_ids_that_were_asked_one_by_one_are_asked_again_and_absent_ones_stay_absent(harvest: Harvest):
    with serving(Rest) as base:
        assert harvest.run(f"{base}/api/{{id}}", "ids=1-30", "accept=application/json", spider="idrange") == 0
        archive = harvest.archive
        flip(shard(archive), 0.1)
        assert run(archive, "mend", "--json", code=1)["lost"] == 26
        Rest.asked = []
        run(archive, "retry", code=0)
        # and how the form answers for an id that cannot exist, before so many ids are asked for
        ids = [name for name in Rest.asked if len(name) < 3]
        assert sorted(ids) == sorted(str(n) for n in range(1, 31) if n % 7)
        archive_builder.check(archive)
        (archive / "ledger.sqlite").unlink()
        run(archive, "mend", code=1)
        run(archive, "retry", code=1)
        archive_builder.check(archive)
        states = dict(archive_builder.rows(archive, "SELECT identifier, state FROM outcomes ORDER BY outcome"))
        assert {name: state for name, state in states.items() if state != "read"} == dict.fromkeys(
            ("7", "14", "21", "28"), "absent"
        )
        assert len(states) == 30


def test_a_file_of_a_record_that_is_damaged_is_asked_for_again(harvest: Harvest):
    filing = Filing({"1": {"a": File(b"a" * 5000), "b": File(b"b")}, "2": {"same as a": File(b"a" * 5000)}})
    with serving_files(filing):
        archive = harvest.archive
        assert harvest.run(filing.records_url, "ids=1-2", "accept=application/json", spider="idrange") == 0
        files = [HARVESTER, "crawl", "files", "--progress", "none", "-a", f"archive={archive}"]
        assert fork_server.run(files, env=environment(), check=False, timeout=600).returncode == 0
        content = next(path for path in (archive / "files").rglob("*") if path.is_file() and path.stat().st_size > 1)
        flip(content, 0.5)
        run(archive, "verify", code=4)
        mended = run(archive, "mend", "--json", code=1)
        name = str(content.relative_to(archive))
        assert [step["file"] for step in mended["steps"]] == [name]
        assert (Path(mended["kept"]) / name).stat().st_size == 5000
        run(archive, "verify", code=0)
        run(archive, "retry", code=1)
        assert content.read_bytes() == b"a" * 5000
        run(archive, "verify", code=0)


def test_a_title_that_steers_a_terminal_and_a_stranger_are_told_plainly(harvest: Harvest, tmp_path: Path):
    run(tmp_path, "mend", code=2)
    archive_builder.ended(harvest.archive, [["oai:x:1"], ["oai:x:\x1b[31mred"]])
    flip(harvest.archive / "shards" / "00001.json-seq.zst", 0.95)
    said = run(harvest.archive, "mend", "--dry-run", code=1)
    assert "\x1b" not in said
    assert run(harvest.archive, "mend", code=0).count("nothing lost") == 1
