"""The files that a holey bag lacks: its manifests list them, and fetch.txt says where they are.

A bag is untrusted. Names are those that `archive.bags.files` accepts as inside the bag, and a file is placed only if no
link on its path leads out of the bag.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.bags.codes import BagFinding, BagFindings
from archive.bags.files import BagFiles, read_folder
from archive.bags.manifests import ALGORITHMS, Listing, read_listings
from archive.bags.tagfiles import Declaration, iter_lines, parse_declaration, parse_fetch
from archive.disk import durable
from archive.errors import Damaged, NotAnArchive

DECLARATION_MOST = 1 << 12
# findings after which the lists of a bag cannot be trusted
_UNREADABLE = frozenset(
    {
        "bag-declaration-malformed",
        "bag-declaration-bom",
        "version-unknown",
        "encoding-unknown",
        "encoding-wrong",
        "tag-file-too-large",
        "manifest-malformed",
        "manifest-malformed-checksum",
        "fetch-malformed",
        "path-escapes",
        "listed-twice",
        "link-escapes",
        "link-to-folder",
        "file-unreadable",
        "payload-manifest-missing",
        "algorithm-unknown",
    }
)


@dataclass(frozen=True, slots=True)
class Hole:
    """A file to be fetched: `path` below the bag, `length` in bytes or None if fetch.txt has `-`.

    `digests` are (algorithm as hashlib names it, lower-case hex), of every manifest whose algorithm is known.
    """

    path: str
    url: str
    length: int | None
    digests: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Holes:
    """The missing files of a bag: those to fetch, and those without a line in fetch.txt."""

    to_fetch: tuple[Hole, ...]
    nowhere: tuple[str, ...]


def read_holes(bag: Path) -> Holes:
    """Find the missing files. Raises NotAnArchive if it is not a bag, Damaged if its lists cannot be trusted."""
    if not (bag / "bagit.txt").is_file():
        raise NotAnArchive(f"{bag} is no bag: it has no bagit.txt")
    findings = BagFindings()
    files = read_folder(bag, findings)
    with files.open("bagit.txt", findings) as file:
        declared = parse_declaration(file.read(DECLARATION_MOST), findings)
    listings = [listing for listing in read_listings(files, declared, findings) if not listing.of_tags]
    if not listings:
        findings.add("payload-manifest-missing", "")
    wanted = dict(_fetched(files, declared, findings))
    _refuse(bag, findings.kept)
    missing = sorted({name for listing in listings for name in listing.entries if name not in files.sizes})
    for name in wanted:
        if any(name not in listing.entries for listing in listings):
            raise Damaged(f"{bag}: fetch.txt names {name!a}, and not every manifest does; nothing would show what came")
    holes = [Hole(name, *wanted[name], _digests(name, listings)) for name in missing if name in wanted]
    return Holes(tuple(holes), tuple(name for name in missing if name not in wanted))


def _refuse(bag: Path, findings: list[BagFinding]) -> None:
    for finding in findings:
        if finding.code in _UNREADABLE:
            where = f"{bag / finding.path}" if finding.path else f"{bag}"
            raise Damaged(f"{where}: {finding.message}; take it from a copy of the bag")


def _fetched(
    files: BagFiles, declared: Declaration, findings: BagFindings
) -> Iterator[tuple[str, tuple[str, int | None]]]:
    """Yield the files that fetch.txt lists below data/, each with its URL and length."""
    if "fetch.txt" not in files.sizes:
        return
    with files.open("fetch.txt", findings) as file:
        for line in parse_fetch(iter_lines(file, "fetch.txt", declared, findings), "fetch.txt", findings):
            name = files.resolve(line.path, line.line, "fetch.txt", declared, findings)
            if name is not None and name.startswith("data/"):
                yield name, (line.url, line.length)


def _digests(name: str, listings: list[Listing]) -> tuple[tuple[str, str], ...]:
    found = {ALGORITHMS[listing.algorithm]: listing.entries[name][0] for listing in listings if listing.algorithm}
    return tuple(sorted(found.items()))


def place(bag: Path, path: str, file: Path) -> None:
    """Move a file that was fetched and verified to its place. Raises Damaged if a link on the path leads elsewhere."""
    root = bag.resolve()
    target = root / path
    for folder in reversed([parent for parent in target.parents if parent != root and parent.is_relative_to(root)]):
        durable.make_folder(folder)
        if folder.is_symlink():
            raise Damaged(f"{folder} is a link; a bag has none to folders, take it away")
    if os.path.lexists(target):
        raise Damaged(f"{target} was put there in the meantime; run the same command again")
    durable.move(file, target, "bag-fetched")
