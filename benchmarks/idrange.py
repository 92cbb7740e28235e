"""How fast ids are asked for, beside other ways, in one run and without a budget (one's own server).

    .venv/bin/python benchmarks/idrange.py [--bench ../shared/bench] [-n 20000] [--rounds 3]

serves made records with nginx (the bench folder's up.sh; 15 % of the ids answer 404) and lets each variant ask for
every id, each a process of its own, in turns:

    harvester   our spider with everything on: gate, exact bytes, zstd, fsync, a ledger line for each id
    scrapy      Scrapy at its fastest: aiohttp handler, no reactor, uvloop, one item at a time; bodies to zstd
    aiohttp     bare aiohttp with uvloop, 16 connections; bodies to zstd
    curl        curl -Z to a file an id
    shell       a loop of curl and jq, as in 2019; over a hundredth of the ids

With --memory N our spider alone asks for N ids, of which most are 404, and a tenth of them: the peak stays the same.
Ids a second; needs nginx, curl and jq, and uvloop for the fast ones. Compare ratios.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import orjson
from measuring import Result, in_turns

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 16
MEDIA_TYPE = "application/vnd.zenodo.v1+json"
SHELL = 'for id in $(seq {first} {last}); do curl -s -f -H "Accept: {accept}" {url}/$id | jq -c .; done > {out}'


def run_aiohttp(url: str, first: int, last: int, out: Path) -> None:
    import asyncio

    import aiohttp
    import uvloop
    import zstandard

    async def ask() -> None:
        ids = iter(range(first, last + 1))
        with zstandard.ZstdCompressor(level=3).stream_writer(out.open("wb")) as file:

            async def work(session: aiohttp.ClientSession) -> None:
                for number in ids:
                    async with session.get(f"{url}/{number}") as response:
                        body = await response.read()
                        if response.status == 200:
                            file.write(b"\x1e" + body + b"\n")

            async with aiohttp.ClientSession(headers={"Accept": MEDIA_TYPE}) as session:
                await asyncio.gather(*(work(session) for _ in range(CONNECTIONS)))

    uvloop.run(ask())


def run_scrapy(url: str, first: int, last: int, out: Path) -> None:
    import scrapy
    import zstandard
    from scrapy.crawler import AsyncCrawlerProcess

    file = zstandard.ZstdCompressor(level=3).stream_writer(out.open("wb"))

    class Plain(scrapy.Spider):
        name = "plain"

        async def start(self):  # type: ignore[no-untyped-def]
            for number in range(first, last + 1):
                yield scrapy.Request(f"{url}/{number}", headers={"Accept": MEDIA_TYPE}, dont_filter=True)

        def parse(self, response):  # type: ignore[no-untyped-def]
            if response.status == 200:
                file.write(b"\x1e" + response.body + b"\n")

    process = AsyncCrawlerProcess(
        {
            "TWISTED_REACTOR_ENABLED": False,
            "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
            "CONCURRENT_ITEMS": 1,
            "CONCURRENT_REQUESTS": CONNECTIONS,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONNECTIONS,
            "DOWNLOAD_DELAY": 0,
            "DOWNLOAD_HANDLERS": {"http": "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"},
            "HTTPERROR_ALLOW_ALL": True,
            "RETRY_ENABLED": False,
            "COOKIES_ENABLED": False,
            "REDIRECT_ENABLED": False,
            "COMPRESSION_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "ROBOTSTXT_OBEY": False,
            "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
            "LOG_ENABLED": False,
        }
    )
    process.crawl(Plain)
    process.start()
    file.close()


RUNNERS = {"aiohttp": run_aiohttp, "scrapy": run_scrapy}


def commands(url: str, first: int, last: int, settings: list[str]) -> dict[str, Callable[[Path], list[str]]]:
    """The command of each variant, from where it may write to."""
    program = str(Path(sys.executable).with_name("harvester"))
    few = first + (last - first) // 100

    def ours(out: Path) -> list[str]:
        words = [f"url={url}/{{id}}", f"ids={first}-{last}", f"accept={MEDIA_TYPE}", f"connections={CONNECTIONS}"]
        arguments = [part for word in [*words, f"archive={out}"] for part in ("-a", word)]
        return [program, "crawl", "idrange", "--progress", "none", *arguments, *settings]

    def curl(out: Path) -> list[str]:
        out.mkdir()
        return [
            "curl",
            "-s",
            "-Z",
            "--parallel-max",
            str(CONNECTIONS),
            "-H",
            f"Accept: {MEDIA_TYPE}",
            "-o",
            f"{out}/#1.json",
            f"{url}/[{first}-{last}]",
        ]

    def own(name: str) -> Callable[[Path], list[str]]:
        return lambda out: [sys.executable, __file__, "--run", name, url, str(first), str(last), str(out)]

    def shell(out: Path) -> list[str]:
        return ["sh", "-c", SHELL.format(first=first, last=few, accept=MEDIA_TYPE, url=url, out=out)]

    return {"harvester": ours, "scrapy": own("scrapy"), "aiohttp": own("aiohttp"), "curl": curl, "shell": shell}


def show(results: dict[str, Result], ids: int) -> None:
    print(f"\n{ids:,} ids, medians")
    print(f"{'':<12}{'ids/s':>10}{'CPU s':>9}{'MB':>8}{'harvester is':>15}")
    ours = results["harvester"].rate
    for name, result in results.items():
        ratio = "" if name == "harvester" else f"{ours / result.rate:.2f} x"
        print(f"{name:<12}{result.rate:>10,.0f}{result.cpu_seconds:>9.1f}{result.peak_mb:>8.0f}{ratio:>15}")


def main() -> int:
    if sys.argv[1:2] == ["--run"]:
        name, url, first, last, out = sys.argv[2:]
        RUNNERS[name](url, int(first), int(last), Path(out))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of up.sh")
    parser.add_argument("--site", type=Path, default=Path(tempfile.gettempdir()) / "harvest-bench-site" / "ids")
    parser.add_argument("-n", "--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-p", "--port", type=int, default=8765)
    parser.add_argument("-s", dest="settings", action="append", default=[], help="setting of our spider")
    parser.add_argument("--only", default="", help="names of variants, with commas; all of them")
    parser.add_argument("--memory", type=int, metavar="N", help="peak memory of our spider over a tenth of N ids and N")
    options = parser.parse_args()
    if not (options.bench / "up.sh").exists() or shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") is None:
        print(f"needs {options.bench}/up.sh and nginx", file=sys.stderr)
        return 2
    words = ["-n", str(options.records), "-p", str(options.port), "-d", options.site, "--rest", "json"]
    up = [options.bench / "up.sh", *words, "--python", sys.executable]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{options.port}"
    try:
        with urllib.request.urlopen(f"{base}/manifest.json") as answer:
            said = orjson.loads(answer.read())
        first, last = said["range_first"], said["range_first"] + said["range"] - 1
        settings = [part for setting in options.settings for part in ("-s", setting)]
        variants = commands(f"{base}/api/records", first, last, settings)
        if options.memory:
            for ids in (options.memory // 10, options.memory):
                many = commands(f"{base}/api/records", first, first + ids - 1, settings)["harvester"]
                show(in_turns({"harvester": many}, {"harvester": ids}, 1, "ids"), ids)
            return 0
        if options.only:
            variants = {name: variants[name] for name in options.only.split(",")}
        counts = {name: said["range"] // (100 if name == "shell" else 1) for name in variants}
        show(in_turns(variants, counts, options.rounds, "ids"), said["range"])
    finally:
        subprocess.run([options.bench / "down.sh", "-d", options.site], check=False, capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
