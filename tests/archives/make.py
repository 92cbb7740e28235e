"""Make the archives of this folder, and releases of them, from the repositories in tests/earlier.py.

This was run at commit e785f1643b0504d515d647daf78decda8194e147 and is kept to document how the archives came to be.
They stand for archives that users made before the modules were regrouped, so they are not made anew: a later commit
that cannot read them breaks a promise.

    python tests/archives/make.py

Of each way of harvesting there are two archives: `WAY.tar.xz` holds a folder `archive` after two runs and a folder
`release` dumped from it, `WAY-unfinished.tar.xz` a folder `archive` whose first run was broken off: for oaipmh by
SIGKILL, with an open shard and a write-ahead log, for idrange and exporter in order, for exporter while a file of a
record was half fetched. `expected.json` has what the same commit says of the first kind, and under `first` what it says
after one whole run, which is what the second kind must come to.
"""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import earlier_archives
from support.harvest_runs import HARVESTER, environment


def run(*words: object) -> bytes:
    """What a command prints; 1 is done with findings."""
    done = subprocess.run([HARVESTER, *map(str, words)], capture_output=True, env=environment(), check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def break_off(way: earlier_archives.Way, archive: Path) -> None:
    """Leave the first run unfinished."""
    with way.served(broken=True) as repository:
        if way.broken is earlier_archives.tomorrow:
            assert way.crawl(archive) == 3
            return
        process = subprocess.Popen(way.command(archive), cwd=archive.parent, env=environment(), start_new_session=True)
        while not (
            _frames(archive / "ledger.sqlite") and sum("ListRecords" in p for p in repository.asked) > way.after
        ):
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _frames(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=10)) as db:
            return int(db.execute("SELECT count(*) FROM frames").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def pack(name: str, folder: Path, *parts: str) -> None:
    """Write a tar archive that depends on names and bytes alone, without what reading leaves beside a ledger."""
    left = {"ledger.sqlite-wal", "ledger.sqlite-shm"} if (folder / "archive" / "ledger.sqlite.sha256").exists() else ()
    with tarfile.open(earlier_archives.FOLDER / f"{name}.tar.xz", "w:xz", preset=9, format=tarfile.PAX_FORMAT) as tar:
        for part in parts:
            for path in (folder / part, *sorted((folder / part).rglob("*"))):
                if path.name in left:
                    continue
                info = tarfile.TarInfo(path.relative_to(folder).as_posix())
                info.type, info.mode = (tarfile.DIRTYPE, 0o755) if path.is_dir() else (tarfile.REGTYPE, 0o644)
                body = b"" if path.is_dir() else path.read_bytes()
                info.size = len(body)
                with tempfile.SpooledTemporaryFile() as file:
                    file.write(body)
                    file.seek(0)
                    tar.addfile(info, file)


def make(way: earlier_archives.Way, folder: Path) -> dict[str, Any]:
    """Harvest twice, dump after each run, and pack; returns what is expected later."""
    archive, half = folder / "archive", folder / "half" / "archive"
    with way.served():
        first_exit = way.crawl(archive)
    first = dumped(archive, folder / "first") | {"exit": first_exit, "account": account(archive)}
    with way.served(second=True):
        exit_code = way.crawl(archive, *way.again)
    found = dumped(archive, folder / "release") | {"exit": exit_code, "account": account(archive)}
    pack(way.name, folder, "archive", "release")
    half.parent.mkdir()
    break_off(way, half)
    pack(f"{way.name}-unfinished", half.parent, "archive")
    found["record"] = {"id": way.record, "sha256": hashlib.sha256(run("get", archive, way.record)).hexdigest()}
    run("index", archive)
    (counts,) = json.loads(run("sql", archive, earlier_archives.COUNTS, "--json"))
    return {"first": first, **found, "counts": counts}


def dumped(archive: Path, out: Path) -> dict[str, Any]:
    """The root of a release."""
    return {"root": json.loads(run("dump", archive, out, *earlier_archives.RELEASED, "--json"))["root"]}


def account(archive: Path) -> dict[str, Any]:
    return earlier_archives.account(json.loads(run("status", archive, "--json")))


def main() -> None:
    """Write the archives and what is expected of them."""
    found = {}
    for way in earlier_archives.WAYS.values():
        with tempfile.TemporaryDirectory() as folder:
            found[way.name] = make(way, Path(folder))
    earlier_archives.EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
