"""What a bag of an archive costs, beside bagit-python and sha512sum, in one run.

    .venv/bin/python benchmarks/bag.py [--gb 2] [--shards 20] [--small 20000] [--rounds 3] [--folder DIR]

makes an archive of incompressible records in so many shards, then in turns, in this process, with the files in memory:

    ours        write_bags: SHA-256 and SHA-512, hard links, digests that were taken while the shards were written
    copied      the same with a copy of every file, each checked while it is copied
    bagit       bagit.make_bag over a folder of hard links: SHA-256 and SHA-512
    bagit 512   bagit.make_bag: SHA-512 alone
    verify      our own checker over our bag, both digests of every file
    sha512sum   `xargs -P2 sha512sum` over the same files

and prints medians in seconds, with what they are of bagit's time; then the last two of a bag of so many small files,
which sha512sum gets by the hundred. Compare ratios.
"""

import argparse
import base64
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bagit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support import archive_builder

from archive.bags import Options, check_bag, payload_of, write_bags
from archive.formats import jsonseq
from archive.store import envelope, frames

FRAME = 3 << 20


def make_archive(folder: Path, size_bytes: int, count: int) -> None:
    """An archive of that many bytes in that many sealed shards; its records compress to what they are made of."""
    writer, channel, [window] = archive_builder.begun(folder, shard_bytes=size_bytes // count)
    for number in range(size_bytes // FRAME + 1):
        identifier = f"oai:bench:{number}"
        text = envelope.encode(
            identifier,
            "2020-01-01T00:00:00Z",
            False,
            (),
            "oai_dc",
            "application/xml",
            archive_builder.URL,
            "2026-03-04T05:06:07Z",
            "0" * 64,
            {"title": base64.b64encode(os.urandom(FRAME)).decode()},
            None,
            (),
        )
        payload = ((frames.pack(jsonseq.encode(text), 1), 1),)
        writer.put(archive_builder.answer(channel, window.window, [identifier], payload=payload))
        if writer.due:
            writer.commit()
    writer.finish("complete")
    writer.close()


def ours(archive: Path, out: Path, *, copy: bool) -> None:
    with payload_of(archive) as payload:
        write_bags(payload, out, Options("2026-10-01", "benchmark", copy=copy))


def bagits(folder: Path, algorithms: list[str]) -> None:
    bagit.make_bag(str(folder), checksums=algorithms)


def make_small(folder: Path, count: int) -> None:
    """A bag of files of 2 to 6 kB."""
    for number in range(count):
        below = folder / f"{number // 200:04d}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}.json").write_bytes(os.urandom(2000 + number % 4000))
    bagits(folder, ["sha512"])


def sha512sum(bag: Path, at_once: int = 4) -> None:
    subprocess.run(
        f"find data -type f -print0 | xargs -0 -P2 -n{at_once} sha512sum > /dev/null", cwd=bag, shell=True, check=True
    )


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_round(archive: Path, folder: Path, checked: Path) -> dict[str, float]:
    found = {}
    for name in ("bagit", "bagit 512"):  # make_bag moves what it packs: it gets hard links of its own
        shutil.copytree(archive, folder / name, copy_function=os.link)
        algorithms = ["sha256", "sha512"] if name == "bagit" else ["sha512"]
        found[name] = seconds(lambda folder=folder / name, algorithms=algorithms: bagits(folder, algorithms))  # type: ignore[misc]
        shutil.rmtree(folder / name)
    for name, copy in (("ours", False), ("copied", True)):
        found[name] = seconds(lambda copy=copy, name=name: ours(archive, folder / name, copy=copy))  # type: ignore[misc]
        shutil.rmtree(folder / name)
    found["verify"] = seconds(lambda: check(checked))
    found["sha512sum"] = seconds(lambda: sha512sum(checked))
    return found


def check(bag: Path) -> None:
    report = check_bag(bag)
    assert report.valid, report.findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=2.0)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=words.folder, prefix="bag-benchmark-") as temporary:
        folder = Path(temporary)
        make_archive(folder / "archive", int(words.gb * 1e9), words.shards)
        ours(folder / "archive", folder / "checked", copy=False)
        size = sum(path.stat().st_size for path in (folder / "archive").rglob("*") if path.is_file())
        print(f"{size / 1e9:.2f} GB in {len(list((folder / 'archive' / 'shards').iterdir()))} shards")
        rounds = [one_round(folder / "archive", folder, folder / "checked") for _ in range(words.rounds)]
        make_small(folder / "small", words.small)
        small_rounds = [
            (seconds(lambda: check(folder / "small")), seconds(lambda: sha512sum(folder / "small", at_once=500)))
            for _ in range(words.rounds)
        ]
    medians = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    for name, median in medians.items():
        print(f"{name:10} {median:8.3f} s {100 * median / medians['bagit']:7.1f} % of bagit")
    print(f"verify takes {medians['verify'] / medians['sha512sum']:.2f} of the time of sha512sum")
    print(f"\n{words.small:,} small files")
    verify, summed = zip(*small_rounds, strict=True)
    print(f"verify {statistics.median(verify):.3f} s, sha512sum {statistics.median(summed):.3f} s")


if __name__ == "__main__":
    main()
