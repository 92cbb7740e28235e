"""How large the report of a large archive is, how long it takes to make, and how soon a browser has drawn it.

    .venv/bin/python benchmarks/report.py [-n 1000000] [--rounds 3] [--folder DIR]

makes an archive of so many ids (some lost, some deleted, in 5,000 sets, with 30,000 waits), and measures

    audit       the archive against its own ledger
    gather      the values of the report
    page        writing them as HTML; its size in bytes
    drawn       from the navigation to the second frame in headless Chromium, in milliseconds: the median

Needs chromium.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support import report_archive
from support.browser import browser

from archive.audits import audit
from archive.index import index
from archive.report import as_html, gather

# two frames after it was loaded, everything is on the screen
DRAWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""


def make_archive(folder: Path, count: int) -> None:
    """Numbers of which a third was never given out; every 2000th is lost, every 30th deleted."""
    dice = random.Random(1)
    states = {}
    for number in range(1, count * 3 // 2):
        if dice.random() < 2 / 3:
            states[number] = "lost" if number % 2000 == 0 else "deleted" if number % 30 == 0 else "read"
    waits = [("repository.example", report_archive.at(n / 10), dice.uniform(1, 25), "429") for n in range(30_000)]
    report_archive.archive(
        folder, states, sets=[f"user-{n}" for n in range(5000)], waits=waits, ending="findings", page=5000, months=120
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=1_000_000, help="ids")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; it is made and removed")
    given = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is not installed: .ci/debian-packages installs it")
    with tempfile.TemporaryDirectory(prefix="harvest-bench-", dir=given.folder) as work:
        archive, page = Path(work) / "archive", Path(work) / "report.html"
        make_archive(archive, given.n)
        index(archive)
        began = time.perf_counter()
        with audit.against_ledger(archive) as comparison:
            audited = time.perf_counter()
            values = gather(archive, comparison, report_archive.NOW)
        gathered = time.perf_counter()
        page.write_text(as_html(values))
        written = time.perf_counter()
        print(f"audit  {audited - began:8.2f} s   {values.account.listed:,} ids")
        print(f"gather {gathered - audited:8.2f} s")
        print(f"page   {written - gathered:8.2f} s   {page.stat().st_size:,} bytes")
        drawn = []
        with browser(program) as opened:
            for _ in range(given.rounds):
                opened.open(page.as_uri(), 1440)
                drawn.append(opened.run(DRAWN))
            elements = opened.run("document.querySelectorAll('*').length")
        print(f"drawn  {statistics.median(drawn):8.0f} ms  {elements:,} elements")


if __name__ == "__main__":
    main()
