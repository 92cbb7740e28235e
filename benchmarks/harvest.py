"""How fast a harvest is, beside other harvesters and a floor, in one run.

    make bench && .venv/bin/python benchmarks/harvest.py [--bench ../shared/bench] [-n 100000] [--rounds 3]

serves a made corpus with nginx (the bench folder's up.sh) and lets each variant harvest it, each a process of its
own, in turns:

    harvester   our spider with everything on: original and JSON, zstd, fsync, ledger
    sickle      sickle, raw XML of each record to a file
    scythe      oaipmh-scythe, the same
    floor       plain Python: fetch, split by lxml, orjson, zstd; no ledger, no checks, nothing durable

With --delay the server waits 50 ms before each answer: our spider with eight months at once beside sickle (needs
Debian's libnginx-mod-http-lua). With --memory N the peak memory over N records is measured. Compare ratios.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import Result, in_turns

ROOT = Path(__file__).resolve().parent.parent
OAI = "{http://www.openarchives.org/OAI/2.0/}"


# --- the others


def run_sickle(url: str, prefix: str, out: Path) -> int:
    from sickle import Sickle

    count = 0
    with out.open("w", encoding="utf-8") as file:
        for record in Sickle(url).ListRecords(metadataPrefix=prefix):
            file.write(record.raw + "\n")
            count += 1
    return count


def run_scythe(url: str, prefix: str, out: Path) -> int:
    from oaipmh_scythe import Scythe

    count = 0
    with out.open("w", encoding="utf-8") as file, Scythe(url) as scythe:
        for record in scythe.list_records(metadata_prefix=prefix):
            file.write(str(record) + "\n")
            count += 1
    return count


def run_floor(url: str, prefix: str, out: Path) -> int:
    import http.client
    from urllib.parse import quote, urlsplit

    import orjson
    import zstandard
    from lxml import etree

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    count, query = 0, f"verb=ListRecords&metadataPrefix={prefix}"
    compressor = zstandard.ZstdCompressor(level=3)
    with out.open("wb") as raw, compressor.stream_writer(raw) as file:
        while query:
            connection.request("GET", f"{parts.path}?{query}")
            root = etree.fromstring(connection.getresponse().read())
            for record in root.iter(OAI + "record"):
                header = record.find(OAI + "header")
                text = etree.tostring(record[1], encoding="unicode") if len(record) > 1 else None
                values = {
                    "identifier": header.findtext(OAI + "identifier"),
                    "datestamp": header.findtext(OAI + "datestamp"),
                    "sets": [s.text for s in header.iterfind(OAI + "setSpec")],
                    "original": text,
                }
                file.write(b"\x1e" + orjson.dumps(values) + b"\n")
                count += 1
            token = root.findtext(f".//{OAI}resumptionToken")
            query = f"verb=ListRecords&resumptionToken={quote(token, safe='')}" if token else ""
    return count


RUNNERS: dict[str, Callable[[str, str, Path], int]] = {
    "sickle": run_sickle,
    "scythe": run_scythe,
    "floor": run_floor,
}


# --- measuring


def command(name: str, url: str, prefix: str, out: Path, words: list[str]) -> list[str]:
    if name != "harvester":
        return [sys.executable, __file__, "--run", name, url, prefix, str(out)]
    program = Path(sys.executable).with_name("harvester")
    arguments = [f"url={url}", f"prefix={prefix}", f"archive={out}", *words]
    return [str(program), "crawl", "oaipmh", "--progress", "none", *(p for word in arguments for p in ("-a", word))]


def compare(variants: dict[str, list[str]], url: str, prefix: str, records: int, rounds: int) -> dict[str, Result]:
    """Each variant in turns."""
    return in_turns(
        {name: lambda out, name=name: command(name, url, prefix, out, variants[name]) for name in variants},
        dict.fromkeys(variants, records),
        rounds,
        "records",
    )


def show(title: str, results: dict[str, Result], records: int) -> None:
    print(f"\n{title}, {records:,} records, medians")
    print(f"{'':<12}{'records/s':>12}{'CPU s':>9}{'MB':>8}{'harvester is':>15}")
    ours = results["harvester"].rate
    for name, result in results.items():
        ratio = "" if name == "harvester" else f"{ours / result.rate:.2f} x"
        print(f"{name:<12}{result.rate:>12,.0f}{result.cpu_seconds:>9.1f}{result.peak_mb:>8.0f}{ratio:>15}")


# --- the server


def serve(bench: Path, folder: Path, records: int, options: list[str]) -> None:
    words = [bench / "up.sh", "-n", str(records), "-p", "8765", "-d", folder, *options, "--python", sys.executable]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    if sys.argv[1:2] == ["--run"]:
        name, url, prefix, out = sys.argv[2:]
        print(RUNNERS[name](url, prefix, Path(out)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of the server's up.sh"
    )
    parser.add_argument("--site", type=Path, default=Path(tempfile.gettempdir()) / "harvest-bench-site")
    parser.add_argument("-n", "--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prefix", default="oai_datacite", choices=["oai_datacite", "oai_dc"])
    parser.add_argument("--delay", action="store_true", help="50 ms before each answer, eight windows at once")
    parser.add_argument("--memory", type=int, metavar="N", help="peak memory of our spider over N records")
    options = parser.parse_args()
    if not (options.bench / "up.sh").exists() or shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") is None:
        print(f"needs {options.bench}/up.sh and nginx", file=sys.stderr)
        return 2
    url = "http://127.0.0.1:8765/oai"
    try:
        if options.memory:
            serve(options.bench, options.site / "memory", options.memory, ["--oai", options.prefix, "--rest", ""])
            results = compare({"harvester": []}, url, options.prefix, options.memory, 1)
            show("Peak memory", results, options.memory)
        elif options.delay:
            records = min(options.records, 50_000)
            extra = ["--oai", "oai_dc", "--windows", "oai_dc", "--rest", "", "--delay-ms", "50"]
            serve(options.bench, options.site / "delay", records, extra)
            months = ["from=2019-01-01", "until=2025-12-31", "slices=month", "windows=8"]
            results = compare(
                {"harvester": months, "sickle": []}, url.replace("8765", "8766"), "oai_dc", records, options.rounds
            )
            show("50 ms before each answer, eight windows at once", results, records)
        else:
            serve(options.bench, options.site / "plain", options.records, ["--oai", options.prefix, "--rest", ""])
            variants: dict[str, list[str]] = {"harvester": [], "sickle": [], "scythe": [], "floor": []}
            results = compare(variants, url, options.prefix, options.records, options.rounds)
            show(f"{options.prefix}, one list in pages of 100", results, options.records)
    finally:
        for name in ("plain", "delay", "memory"):
            if (options.site / name).exists():
                subprocess.run([options.bench / "down.sh", "-d", options.site / name], check=False, capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
