"""How fast an audit compares, beside DuckDB's bare full join and Python's dicts, in one run.

    .venv/bin/python benchmarks/audit.py [--ids 10000000] [--rounds 3] [--dicts] [--end-to-end] [--folder DIR]

makes two sides of so many ids, of which one in fifty is missing, one in fifty extra and one in fifty changed, each
variant in a process of its own, in turns:

    bare    SELECT count(*) FILTER ... FROM here FULL JOIN there USING (identifier): three numbers, and no names
    ours    `Sides.compare`: every class with its reason, and the names of all that is not the same in a table
    once    `Sides.settle`, which makes sure that each side has each id once; the audit does it before it compares
    dicts   (with --dicts) two dicts of Python, and the three sets of names

and prints medians in seconds, with what they are of the bare join's time, and the most memory of each process.
With --end-to-end it makes a ledger of as many ids and a census of it as well, and says how long `harvester audit`
takes from the ledger to its exit code, the account and the copying included. Compare ratios.
"""

import argparse
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support import archive_builder

from archive.audits import audit
from archive.audits.sides import CHANNEL, Sides
from archive.store import Layout

HERE = """
INSERT INTO outcomes
SELECT 0, i, i // 100, 0, 'oai:zenodo.org:' || i, make_timestamp(1400000000000000 + i * 7000000), false, NULL,
    CASE WHEN i % 97 = 0 THEN 'deleted' ELSE 'read' END, true
FROM range($ids) AS t(i) WHERE i % 50 <> 3
"""
THERE = """
INSERT INTO outcomes
SELECT 1, i + $ids, i // 100, 0, 'oai:zenodo.org:' || i,
    make_timestamp(1400000000000000 + i * 7000000 + CASE WHEN i % 50 = 11 THEN 86400000000 ELSE 0 END), false, NULL,
    CASE WHEN i % 97 = 0 THEN 'deleted' ELSE 'read' END, true
FROM range($ids) AS t(i) WHERE i % 50 <> 7
"""
BARE = """
SELECT count(*) FILTER (here.identifier IS NULL), count(*) FILTER (there.identifier IS NULL),
    count(*) FILTER (here.moment <> there.moment)
FROM (SELECT identifier, moment FROM outcomes WHERE side = 0) AS here
FULL JOIN (SELECT identifier, moment FROM outcomes WHERE side = 1) AS there USING (identifier)
"""

REQUESTS = """
INSERT INTO requests
SELECT request, ?, ?, ?, 1, 'u', 'read', 200, NULL, 1, ?, count(*), min(outcome), max(outcome)
FROM outcomes WHERE outcome > ? GROUP BY request
"""
WINDOW = "INSERT INTO windows VALUES (?, ?, ?, NULL, 'ListRecords', NULL, NULL, 'done', 'x', ?, ?, NULL, 1, 1, ?, ?)"


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def variant(name: str, ids: int, folder: Path) -> dict[str, float]:
    """Make both sides, then time one way to compare them."""
    sides = Sides(folder, CHANNEL)
    sides.db.execute("INSERT INTO names VALUES (0, 'oai_dc', NULL, TIMESTAMP '2026-01-01')")
    for side in (HERE, THERE):
        sides.db.execute(side, {"ids": ids})
    sides.db.execute("CHECKPOINT")
    took: dict[str, float] = {}
    if name == "bare":
        took["bare"] = seconds(lambda: sides.db.execute(BARE).fetchall())
    elif name == "ours":
        took["once"] = seconds(
            lambda: sides.settle(finished=True, own=False, stamped=True, only_newer=False, by_window=False)
        )
        took["ours"] = seconds(sides.compare)
        expected = {mark: len(range(first, ids, 50)) for mark, first in (("+", 3), ("*", 11))}
        found = dict(sides.db.execute("SELECT mark, count(*) FROM compared GROUP BY mark").fetchall())
        assert {mark: found[mark] for mark in expected} == expected, found
    else:
        took["dicts"] = _dicts(ids)
    sides.db.close()
    return {**took, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _dicts(ids: int) -> float:
    """Names and datestamps that are there already as text, as a file would give them."""

    def side(lost: int, changed: int) -> dict[str, str]:
        return {
            f"oai:zenodo.org:{i}": f"{1400000000 + i * 7 + (86400 if i % 50 == changed else 0)}"
            for i in range(ids)
            if i % 50 != lost
        }

    def work() -> None:
        here, there = side(3, -1), side(7, 11)
        missing = [name for name in there if name not in here]
        extra = [name for name in here if name not in there]
        changed = [name for name, stamp in here.items() if name in there and there[name] != stamp]
        assert all((missing, extra, changed))

    return seconds(work)


# --- from the ledger


def make_ledger(folder: Path, ids: int) -> None:
    """An archive of one harvest and one census, its ledger alone."""
    archive_builder.ended(folder, [["oai:x:1"]])
    with sqlite3.connect(Layout(folder).ledger, isolation_level=None) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        for table in ("outcomes", "requests", "windows", "frames", "shards", "findings", "runs", "channels"):
            db.execute(f"DELETE FROM {table}")
        last = 0
        for run, mode, lost, changed in ((1, "full", 3, -1), (2, "census", 7, 11)):
            name = "oaipmh:oai_dc" if mode == "full" else "census:oai_dc"
            now = archive_builder.NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
            db.execute(
                "INSERT INTO runs VALUES (?, 'oaipmh', ?, '{}', '{}', ?, ?, ?, 'complete')", (run, mode, now, now, now)
            )
            db.execute("INSERT INTO channels VALUES (?, ?, 'oai_dc', NULL)", (run, name))
            db.executemany(
                "INSERT INTO outcomes VALUES (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', ?, 'unixepoch'), ?, NULL)",
                (
                    (
                        last + n,
                        run * 10**8 + n // 100,
                        f"oai:zenodo.org:{i}",
                        1400000000 + i * 7 + (86400 if i % 50 == changed else 0),
                        "read" if i % 97 else "deleted",
                    )
                    for n, i in enumerate((i for i in range(ids) if i % 50 != lost), 1)
                ),
            )
            db.execute(REQUESTS, (run, run, run, now, last))
            (count,) = db.execute("SELECT count(*) FROM outcomes WHERE outcome > ?", (last,)).fetchone()
            db.execute(WINDOW, (run, run, run, count, count, now, now))
            if mode == "full":
                db.execute(
                    "INSERT INTO frames SELECT 1, row_number() OVER (ORDER BY request) - 1, 0, 0, 0, listed, "
                    "first_outcome, last_outcome FROM requests"
                )
                db.execute(
                    "INSERT INTO shards SELECT 1, 'x', 1, 'sealed', sum(records), count(*), 0, 0, NULL, NULL "
                    "FROM frames"
                )
            last += count
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def end_to_end(folder: Path) -> dict[str, float]:
    """An audit against a census in the archive's own ledger, from the ledger to its numbers."""

    def work() -> None:
        with audit.against_census(folder, "there", folder, 2, finished=True) as found:
            assert all((found.report.balanced, found.report.missing, found.report.stale))

    return {"end to end": seconds(work), "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


# --- in turns


def child(*words: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dicts", action="store_true")
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--variant")
    given = parser.parse_args()
    if given.variant == "end to end":
        print(json.dumps(end_to_end(given.folder)))
        return
    if given.variant:
        print(json.dumps(variant(given.variant, given.ids, given.folder)))
        return
    folder = Path(tempfile.mkdtemp(prefix="audit-", dir=given.folder))
    try:
        _compare(given, folder)
    finally:
        shutil.rmtree(folder)


def _compare(given: argparse.Namespace, folder: Path) -> None:
    names = ["bare", "ours", *(["dicts"] if given.dicts else [])]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for turn in range(given.rounds):
        for name in names[turn % 2 :] + names[: turn % 2]:
            if name == "dicts" and turn:
                continue
            work = folder / f"{name}-{turn}"
            work.mkdir()
            found[name].append(child("--variant", name, "--ids", str(given.ids), "--folder", str(work)))
            shutil.rmtree(work)
            print(f"  round {turn + 1} {name} {found[name][-1]}", file=sys.stderr, flush=True)
    median = {
        key: statistics.median(one[key] for one in rows) for rows in found.values() for key in rows[0] if key != "mb"
    }
    memory = {name: max(one["mb"] for one in rows) for name, rows in found.items()}
    print(f"{given.ids:,} against {given.ids:,} ids, load {os.getloadavg()[0]:.1f}")
    for name, took in median.items():
        size = memory.get(name, memory["ours"])
        print(f"  {name:<6} {took:8.2f} s  {took / median['bare']:6.2f} x bare  {size:6.0f} MB")
    if given.end_to_end:
        make_ledger(folder / "archive", given.ids)
        took = child("--variant", "end to end", "--folder", str(folder / "archive"))
        print(f"  end to end, from the ledger: {took['end to end']:.1f} s, {took['mb']:.0f} MB")


if __name__ == "__main__":
    main()
