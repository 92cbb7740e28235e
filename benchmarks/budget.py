"""How much of a provider's budget is used, and what it costs: our gate beside Scrapy's defaults and AutoThrottle.

    .venv/bin/python benchmarks/budget.py [--minutes 5] [--requests 60] [--seconds 60] [--ban-after 10] [--bed ...]

starts the hostile bed for each variant, all of them at once, with a limit in windows of the clock and a ban after some
refusals, and lets each ask for as many ids as the budget holds in the time:

    stated      X-RateLimit headers on every answer, Retry-After with the refusals
    hidden      the same limit without a word of it: no header, no Retry-After, a 429 with an empty body
    open        no limit at all: what the gate costs (ids a second of 20,000)

`accounted` are ids with an answer (200, 404, 410, a redirect), `used` is the share of the budget that was used, over
the whole run and after its first minutes, by the server's own log; `banned` counts bans.
"""

import argparse
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("harvester", "scrapy", "autothrottle")
ACCEPT = "application/json"
# "after the first minutes"
FIRST_SECONDS = 180.0
CONNECTIONS = 8


@dataclass(frozen=True)
class Row:
    """One variant in one world; times in seconds, `log` rows are (time, status) as the server saw them."""

    world: str
    variant: str
    ids: int
    accounted: int
    seconds: float
    log: tuple[tuple[float, int], ...]
    bans: int


# --- the server


def serve_silent(server: Path, options: list[str]) -> None:
    """The hostile bed, which refuses without saying why."""
    spec = importlib.util.spec_from_file_location("hostile", server)
    assert spec is not None
    assert spec.loader is not None
    hostile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hostile)
    check = hostile.Limiter.check

    def silent(self: Any, peer: str) -> tuple[Any, dict[str, str]]:
        refusal, _ = check(self, peer)
        if refusal is not None and refusal.status == 429:
            refusal = hostile.Reply(429, "text/plain", "")
        return refusal, {}

    hostile.Limiter.check = silent
    sys.argv = [str(server), *options]
    hostile.main()


def start(options: argparse.Namespace, world: str, log: Path) -> "tuple[subprocess.Popen[bytes], int]":
    port, probe = free_port(), free_port()
    words = ["--port", str(port), "--probe-port", str(probe), "--records", "30000", "--concept-share", "0"]
    if world != "open":
        words += ["--rate", f"{options.requests}:{options.seconds}", "--rate-retry-after"]
    if world == "stated":
        words += ["--ban-after", str(options.ban_after), "--ban-secs", "120", "--ban-extend"]
    own = [__file__, "--silent"] if world == "hidden" else []
    process = subprocess.Popen(
        [sys.executable, *own, str(options.bed), *words], stdout=log.open("wb"), stderr=subprocess.STDOUT
    )
    for _ in range(300):
        try:
            get(port, "/__stats")
            return process, port
        except OSError:
            time.sleep(0.1)
    process.terminate()
    raise SystemExit(f"the hostile bed does not answer; see {log}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return bytes(answer.read())


# --- the variants


def command(variant: str, url: str, first: int, last: int, archive: Path) -> list[str]:
    if variant != "harvester":
        return [sys.executable, __file__, "--spider", variant, url, str(first), str(last)]
    words = [
        f"url={url}",
        f"ids={first}-{last}",
        f"accept={ACCEPT}",
        f"archive={archive}",
        f"connections={CONNECTIONS}",
    ]
    program = str(Path(sys.executable).with_name("harvester"))
    return [program, "crawl", "idrange", "--progress", "plain", *(part for word in words for part in ("-a", word))]


def run_spider(variant: str, url: str, first: int, last: int) -> None:
    """A spider as one writes it, with Scrapy's own settings; prints how many ids had an answer."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    answered = set()

    class Spider(scrapy.Spider):
        name = "plain"

        async def start(self) -> Any:
            for number in range(first, last + 1):
                address = url.replace("{id}", str(number))
                yield scrapy.Request(address, headers={"Accept": ACCEPT}, cb_kwargs={"number": number})

        def parse(self, response: Any, number: int) -> None:
            if response.status < 403 or response.status in (404, 410):
                answered.add(number)

    process = CrawlerProcess(
        {
            "HTTPERROR_ALLOW_ALL": True,
            "LOG_LEVEL": "ERROR",
            "TELNETCONSOLE_ENABLED": False,
            "AUTOTHROTTLE_ENABLED": variant == "autothrottle",
        }
    )
    process.crawl(Spider)
    process.start()
    print(len(answered))


def accounted(variant: str, archive: Path, output: str) -> int:
    """Ids that ended in a state of their own."""
    if variant != "harvester":
        return int(output.split()[-1]) if output.split() else 0
    sys.path.insert(0, str(ROOT))
    from archive.store import read_only

    if not (archive / "ledger.sqlite").exists():
        return 0
    query = (
        "SELECT count(DISTINCT identifier) FROM outcomes WHERE state NOT IN ('open', 'lost', 'refused', 'forbidden')"
    )
    return int(read_only(archive / "ledger.sqlite").execute(query).fetchone()[0])


def measure(options: argparse.Namespace, jobs: list[tuple[str, str]], folder: Path) -> list[Row]:
    """Run some (world, variant) at once."""
    running, rows = [], []
    for world, variant in jobs:
        place = folder / f"{world}-{variant}"
        place.mkdir()
        server, port = start(options, world, place / "server.log")
        first, ids = 1001, 20_000 if world == "open" else int(options.minutes * 60 / options.seconds * options.requests)
        # a fresh state of the gates, as on a machine that never asked this host
        environment = {**os.environ, "HARVESTER_STATE": str(place / "state")}
        url = f"http://127.0.0.1:{port}/api/records/{{id}}"
        process = subprocess.Popen(
            command(variant, url, first, first + ids - 1, place / "archive"),
            env=environment,
            text=True,
            cwd=place,
            stdout=(place / "out").open("w"),
            stderr=(place / "err").open("w"),
        )
        running.append((world, variant, ids, place, server, port, process, time.monotonic()))
    for world, variant, ids, place, server, port, process, began in running:
        try:
            process.wait(max(1.0, began + 60 * (2 * options.minutes + 4) - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        log = [json.loads(line) for line in get(port, "/__log?n=20000").splitlines()]
        bans = int(json.loads(get(port, "/__stats")).get("faults", {}).get("ban_started", 0))
        server.terminate()
        server.wait()
        found = accounted(variant, place / "archive", (place / "out").read_text())
        seen = tuple((float(row[0]), int(row[4])) for row in log)
        rows.append(Row(world, variant, ids, found, seen[-1][0] - seen[0][0] if seen else 0.0, seen, bans))
    return rows


# --- the table


def used(row: Row, requests: int, seconds: float, after: float) -> str:
    """Requests that the limit let through, of those that it would have, from `after` seconds on."""
    begin = row.log[0][0] + after if row.log else 0.0
    passed = sum(at >= begin and status not in (403, 429) for at, status in row.log)
    allowed = (row.seconds - after) * requests / seconds
    return f"{passed / allowed:.1%}" if allowed >= requests / 2 else "-"


def show(rows: list[Row], options: argparse.Namespace) -> None:
    print(f"{options.requests} requests in {options.seconds} s, a ban after {options.ban_after} refusals (stated)")
    heads = ("minutes", "accounted", "used", "later", "429", "banned")
    print(f"{'':<10}{'':<14}" + "".join(f"{head:>14}" for head in heads))
    for row in rows:
        refused = sum(status == 429 for _, status in row.log) / max(1, len(row.log))
        shares = [used(row, options.requests, options.seconds, after) for after in (0.0, FIRST_SECONDS)]
        shares = ["", "", ""] if row.world == "open" else [*shares, f"{refused:.2%}"]
        cells = [f"{row.seconds / 60:.1f}", f"{row.accounted}/{row.ids}", *shares, str(row.bans)]
        print(f"{row.world:<10}{row.variant:<14}" + "".join(f"{cell:>14}" for cell in cells))


def main() -> int:
    if sys.argv[1:2] == ["--silent"]:
        serve_silent(Path(sys.argv[2]), sys.argv[3:])
        return 0
    if sys.argv[1:2] == ["--spider"]:
        run_spider(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bed", type=Path, default=ROOT.parent / "shared" / "beds" / "hostile" / "server.py")
    parser.add_argument("--minutes", type=float, default=5.0, help="ids are as many as the budget holds in this time")
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--ban-after", type=int, default=10)
    parser.add_argument("--worlds", default="stated,hidden", help="of stated, hidden, open")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--keep", type=Path, help="a new folder for what the processes leave")
    options = parser.parse_args()
    if not options.bed.exists():
        print(f"needs the hostile bed: {options.bed}", file=sys.stderr)
        return 2
    jobs = [(world, variant) for world in options.worlds.split(",") for variant in options.variants.split(",")]
    with tempfile.TemporaryDirectory(prefix="harvest-budget-") as folder:
        if options.keep is not None:
            options.keep.mkdir(parents=True)
        show(measure(options, jobs, options.keep or Path(folder)), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
