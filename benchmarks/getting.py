"""How long one record takes, out of a release or an archive that is larger than memory should have to be.

    .venv/bin/python benchmarks/getting.py PATH-or-URL [-n 1000]

asks for ids that PATH's own index.parquet or ledger names, each once and in no order, in this process and after its
imports: first with everything opened for each (as a command does), then with a reader that stays open. Of a URL give
the folder that it serves with --ids FOLDER. Prints the median and the slowest hundredth in milliseconds.
"""

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb

from archive.lookup import open_reader
from archive.releases import INDEX
from archive.store import Files, FolderFiles
from harvester.http import Credentials, RangeFiles

Opener = Callable[[], Files]


def ids_of(folder: Path, number: int) -> list[str]:
    """Some identifiers, drawn alike in every run."""
    if (folder / INDEX).exists():
        rows = duckdb.sql(f"SELECT DISTINCT identifier FROM read_parquet('{folder / INDEX}') ORDER BY 1").fetchall()
    else:
        with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger:
            rows = ledger.execute("SELECT DISTINCT identifier FROM outcomes ORDER BY 1").fetchall()
    return random.Random(1).sample([identifier for (identifier,) in rows], min(number, len(rows)))


def timed(opener: Opener, ids: list[str], *, keep: bool) -> list[float]:
    """Milliseconds of each record; with `keep` one reader finds them all."""
    kept = open_reader(opener()) if keep else None
    taken = []
    for identifier in ids:
        began = time.perf_counter()
        answer = (kept or open_reader(opener())).find(identifier)
        taken.append((time.perf_counter() - began) * 1000)
        if not answer.records or answer.searched != "lookup":
            sys.exit(f"{identifier} was not found by the lookup")
    return sorted(taken)


def measured(opener: Opener, ids: list[str]) -> dict[str, tuple[float, float]]:
    """(median, slowest hundredth) in milliseconds, by what was measured."""
    found = {name: timed(opener, ids, keep=name == "kept open") for name in ("opened for each", "kept open")}
    return {name: (taken[len(taken) // 2], taken[len(taken) * 99 // 100]) for name, taken in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where")
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--ids", type=Path, help="the folder whose ids are asked for; default: where")
    options = parser.parse_args()
    ids = ids_of(options.ids or Path(options.where), options.n)

    def opener() -> Files:
        if options.where.startswith(("http://", "https://")):
            return RangeFiles(options.where, "harvester", Credentials())
        return FolderFiles(Path(options.where))

    for name, (median, slowest) in measured(opener, ids).items():
        print(f"{name:16} {len(ids)} records: median {median:.2f} ms, slowest hundredth {slowest:.2f} ms")


if __name__ == "__main__":
    main()
