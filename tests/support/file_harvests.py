"""Harvests of files as a user types them, and what an archive then says of its files."""

import hashlib
from pathlib import Path

from archive.files.account import FileAccount, read_files
from archive.files.store import StoredFile, check_file, path_of, stored_files
from archive.store.layout import Layout
from archive.store.snapshots import snapshot
from support import archive_builder, fork_server
from support.file_provider import Filing
from support.harvest_runs import HARVESTER, environment

ROWS = """
    SELECT identifier, key, state, reason, bytes, sha256 FROM files
    WHERE file IN (SELECT max(file) FROM files GROUP BY identifier, key) ORDER BY 1, 2
"""


def crawl(spider: str, archive: Path, *words: str, program: str = HARVESTER, **more: str) -> int:
    """One command, with two tries a request."""
    pairs = [part for word in (*words, f"archive={archive}") for part in ("-a", word)]
    command = [program, "crawl", spider, "-s", "HARVEST_TRIES=2", "-s", "HARVEST_PROGRESS=none", *pairs]
    done = fork_server.run(
        command,
        cwd=Path(__file__).parents[2],
        env={**environment(), **more},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode


def harvest(server: Filing, archive: Path, *words: str, **more: str) -> int:
    """The records of a server, by id."""
    return crawl("idrange", archive, *of(server), *words, **more)


def of(server: Filing) -> tuple[str, ...]:
    ids = ",".join(sorted(server.records, key=int))
    return f"url={server.records_url}", f"ids={ids}", "accept=application/json"


def states(archive: Path) -> dict[tuple[str, str], str]:
    return {(row[0], row[1]): row[2] for row in archive_builder.rows(archive, ROWS)}


def content(archive: Path, identifier: str, key: str) -> bytes:
    """What is kept of a file."""
    (sha256,) = (row[5] for row in archive_builder.rows(archive, ROWS) if row[:2] == (identifier, key))
    return (archive / path_of(sha256)).read_bytes()


def contents(archive: Path) -> list[StoredFile]:
    """All that is stored, read back and checked, with nothing beside it."""
    with snapshot(Layout(archive)) as ledger:
        found = list(stored_files(ledger))
    for one in found:
        check_file(archive, one)
    on_disk = {str(path.relative_to(archive)) for path in (archive / "files").rglob("*") if path.is_file()}
    assert on_disk == {one.path for one in found}
    return found


def last(archive: Path) -> FileAccount:
    """The account of the newest run of files, which balances."""
    archive_builder.check(archive)
    standing = read_files(archive)
    assert standing is not None
    assert all(one.balanced for one in standing.runs)
    return standing.runs[-1]


def codes(archive: Path) -> set[str]:
    return {code for (code,) in archive_builder.rows(archive, "SELECT DISTINCT code FROM findings")}


def sha512(path: Path) -> str:
    """Read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
