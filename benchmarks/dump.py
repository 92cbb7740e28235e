"""How fast a dump is and how large, beside the compressors alone, in one run.

    .venv/bin/python benchmarks/dump.py [-n 60000] [--rounds 3] [--archive DIR] [--folder TMP]

makes an archive of made records (or takes one), and measures in turns

    convert     DataCite XML to DataCite JSON, on all cores: records a second
    dump        `harvester dump` with everything on: matching, canonical JSON, sorting, hashes, index, lookup, fsync
    zstd        `zstd -T2 -10` of the same bytes as one file: what nothing that compresses so can be faster than
    sizes       our frames beside one stream of the same level, and beside xz -6 and zstd -19 --long=27 on 100 MB

Rates are of content, in MB a second. Compare ratios, which depend on the records: zstd is faster where they are more
alike, and the share of the rest larger. Those made here compress about as real ones do. Needs zstd and xz.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import orjson
from lifelike import iter_lifelike
from lxml import etree
from measuring import in_turns

from archive.crosswalks import convert
from archive.releases import read_manifest
from harvester.demo.samples import build_archive, iter_samples, metadata_xml

HARVESTER = str(Path(sys.executable).with_name("harvester"))
LEVEL = 10
SLICE_BYTES = 100_000_000


# --- conversion


def convert_all(documents: list[str]) -> int:
    """Parse, convert and write some XML documents; returns how many bytes of JSON that gave."""
    return sum(len(orjson.dumps(convert(etree.fromstring(document)))) for document in documents)


def conversion_rate(records: int) -> float:
    """Records a second on all cores."""
    cores = os.cpu_count() or 1
    documents = [metadata_xml(sample, "oai_datacite") for sample in iter_samples(records) if not sample.deleted]
    shares = [documents[core::cores] for core in range(cores)]
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(convert_all, [share[:10] for share in shares]))
        began = time.perf_counter()
        list(pool.map(convert_all, shares))
        return len(documents) / (time.perf_counter() - began)


# --- dumps


def dump(archive: Path, out: Path, *words: str) -> list[str]:
    return [HARVESTER, "dump", str(archive), str(out), "--published", "2026-01-01", "--licence-unknown", *words]


def unpacked(release: Path, path: Path) -> None:
    """All records of a release as one file, as `zstd -d` gives them."""
    parts = sorted(release.glob("records-*.zst"))
    with path.open("wb") as file:
        subprocess.run(["zstd", "-dcq", *parts], stdout=file, check=True)


def show_rates(archive: Path, plain: Path, content_mb: float, rounds: int) -> None:
    results = in_turns(
        {
            "dump": lambda out: dump(archive, out),
            "zstd": lambda out: ["zstd", "-q", "-T2", f"-{LEVEL}", str(plain), "-o", str(out)],
        },
        {"dump": content_mb, "zstd": content_mb},
        rounds,
        "MB",
    )
    print(f"\nDump of {content_mb:,.0f} MB of records, medians")
    print(f"{'':<8}{'MB/s':>8}{'CPU s':>9}{'MB mem':>9}")
    for name, found in results.items():
        print(f"{name:<8}{found.rate:>8.0f}{found.cpu_seconds:>9.1f}{found.peak_mb:>9.0f}")
    print(f"dump is {results['dump'].rate / results['zstd'].rate:.2f} of zstd alone")


def packed_bytes(words: list[str], plain: Path, length: int | None = None) -> tuple[int, float]:
    """(bytes, seconds) of a compressor that reads a file, or the beginning of it."""
    with tempfile.TemporaryFile() as out, plain.open("rb") as file:
        began = time.perf_counter()
        if length is None:
            subprocess.run(words, stdin=file, stdout=out, check=True)
        else:
            subprocess.run(words, input=file.read(length), stdout=out, check=True)
        return os.fstat(out.fileno()).st_size, time.perf_counter() - began


def framed_bytes(plain: Path, length: int) -> tuple[int, float]:
    """The same of our frames: cut at 4 MiB, each compressed by itself."""
    from archive.releases import FRAME_BYTES
    from archive.releases.codecs import compress

    with plain.open("rb") as file:
        content = file.read(length)
    began = time.perf_counter()
    size = sum(
        len(compress("zstd", LEVEL, content[place : place + FRAME_BYTES]))
        for place in range(0, len(content), FRAME_BYTES)
    )
    return size, time.perf_counter() - began


def show_sizes(release: Path, plain: Path) -> None:
    framed = sum(part.bytes for part in read_manifest(release).content.parts if part.kind == "records")
    stream, _ = packed_bytes(["zstd", "-q", f"-{LEVEL}", "-c"], plain)
    print(f"\nParts {framed:,} bytes, one stream {stream:,}: frames cost {100 * (framed / stream - 1):+.1f} %")
    length = min(SLICE_BYTES, plain.stat().st_size)
    print(f"\n{length / 1e6:,.0f} MB of records, one core")
    found = {"frames, zstd -10": framed_bytes(plain, length)}
    for name, words in {
        "zstd -10": ["zstd", "-q", "-10", "-c"],
        "xz -6": ["xz", "-T1", "-6", "-c"],
        "zstd -19 --long=27": ["zstd", "-q", "-19", "--long=27", "-c"],
    }.items():
        found[name] = packed_bytes(words, plain, length)
    for name, (size, seconds) in found.items():
        print(f"{name:<20}{size:>12,} bytes{length / size:>7.1f} x{seconds:>8.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--records", type=int, default=60_000, help="records of the made archive, two formats")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--archive", type=Path, help="dump this one")
    parser.add_argument("--folder", type=Path, help="where there is room; default: the system's temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harvest-bench-", dir=options.folder) as name:
        folder = Path(name)
        archive = options.archive or folder / "archive"
        if options.archive is None:
            build_archive(archive, options.records, samples=lambda: iter_lifelike(options.records))
        print(f"Conversion of DataCite XML: {conversion_rate(min(options.records, 20_000)):,.0f} records/s")
        subprocess.run(dump(archive, folder / "release"), check=True, stdout=subprocess.DEVNULL)
        content = json.loads((folder / "release" / "manifest.json").read_bytes())["content"]
        unpacked(folder / "release", folder / "plain")
        content_mb = sum(part["content_bytes"] for part in content["parts"]) / 1e6
        show_rates(archive, folder / "plain", content_mb, options.rounds)
        show_sizes(folder / "release", folder / "plain")
    return 0


if __name__ == "__main__":
    sys.exit(main())
