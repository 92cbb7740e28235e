"""Manifests of a bag: the files that each lists, and their checksums (RFC 8493, 2.1.3 and 2.2.1).

Each listed file is read once to verify all checksums that any manifest has for it (RFC 8493, section 3).
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from archive.bags.codes import BagFindings
from archive.bags.files import BagFiles
from archive.bags.tagfiles import Declaration, iter_lines, parse_manifest
from archive.disk import Checked, Hashed, ToHash, hash_all

# larger than a manifest of twenty million lines
MANIFEST_MOST = 4 << 30
# a bag's name of an algorithm -> hashlib's
ALGORITHMS = {
    re.sub("[^a-z0-9]", "", name): name for name in sorted(hashlib.algorithms_guaranteed) if "shake" not in name
}
_DIGITS = {name: hashlib.new(known, usedforsecurity=False).digest_size * 2 for name, known in ALGORITHMS.items()}
_WEAK = {"md5", "sha1"}
_NAME = re.compile(r"(tag)?manifest-([^/]+)\.txt", re.IGNORECASE)


@dataclass(slots=True)
class Listing:
    """A manifest: names as on disk (or as listed, if the file is missing), and the checksums listed for each.

    `algorithm` is None if it is unknown.
    """

    name: str
    of_tags: bool
    algorithm: str | None
    entries: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_listings(files: BagFiles, declared: Declaration, findings: BagFindings) -> list[Listing]:
    """Read every manifest of a bag, payload manifests first."""
    found = []
    for name in sorted(files.sizes):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        label = re.sub("[^a-z0-9]", "", match[2].lower())
        if name != f"{match[1] or ''}manifest-{label}.txt":
            findings.add("manifest-name", name)
        listing = Listing(name, match[1] is not None, label if label in ALGORITHMS else None)
        found.append(listing)
        if files.sizes[name] > MANIFEST_MOST:
            findings.add("tag-file-too-large", name, reason=f"{files.sizes[name]} bytes long")
        else:
            _read(listing, label, files, declared, findings)
    _check_algorithms([listing for listing in found if not listing.of_tags], declared, findings)
    return sorted(found, key=lambda listing: (listing.of_tags, listing.name))


def _check_algorithms(payload: list[Listing], declared: Declaration, findings: BagFindings) -> None:
    known = {listing.algorithm for listing in payload if listing.algorithm}
    for listing in payload:
        if listing.algorithm is None:
            reason = listing.name.removeprefix("manifest-").removesuffix(".txt")
            findings.add("algorithm-unknown-besides" if known else "algorithm-unknown", listing.name, reason=reason)
    if known and known <= _WEAK and declared.strict:
        findings.add("algorithm-weak", "", reason=", ".join(sorted(known)))


def _read(listing: Listing, label: str, files: BagFiles, declared: Declaration, findings: BagFindings) -> None:
    spelled: dict[str, str] = {}
    with files.open(listing.name, findings) as file:
        lines = iter_lines(file, listing.name, declared, findings)
        for line in parse_manifest(lines, listing.name, _DIGITS.get(label), findings):
            name = files.resolve(line.path, line.line, listing.name, declared, findings)
            if name is None or not _belongs(listing, name, line.line, files, findings):
                continue
            before = listing.entries.get(name, ())
            if before:
                again = spelled[name] == line.path
                code = _twice(line.checksum in before, again=again, strict=declared.strict)
                findings.add(code, listing.name, line=line.line, reason=name)
            if line.checksum not in before:
                listing.entries[name] = (*before, line.checksum)
                spelled.setdefault(name, line.path)


def _twice(alike: bool, *, again: bool, strict: bool) -> str:
    """Choose the finding for a path that is listed twice.

    Two different checksums are an error; equal ones are an error from version 1.0 on, unless the names are written
    differently.
    """
    if not alike:
        return "listed-twice"
    if not again:
        return "listed-twice-normalized"
    return "listed-twice" if strict else "listed-twice-alike"


def _belongs(listing: Listing, name: str, line: int, files: BagFiles, findings: BagFindings) -> bool:
    """Return whether an entry may be in such a manifest; adds a finding if not."""
    below = name.startswith("data/")
    code = None
    if name in files.folders:
        code = "path-is-folder"
    elif listing.of_tags and below:
        code = "path-is-payload"
    elif listing.of_tags and "/" not in name and name.lower().startswith("tagmanifest-"):
        code = "path-is-tag-manifest"
    elif not listing.of_tags and not below:
        code = "path-outside-payload"
    if code is not None:
        findings.add(code, listing.name, line=line, reason=name)
    return code is None


Progress = Callable[[int, int], None]


def check_sums(
    files: BagFiles, listings: list[Listing], findings: BagFindings, progress: Progress | None, checked: Checked | None
) -> int:
    """Read every listed file that exists; a mismatch is a finding. Returns the number of bytes read."""
    wanted = _wanted(files, listings)
    total, read = sum(files.sizes[name] for name in wanted), 0

    def step(count: int) -> None:
        nonlocal read
        read += count
        if progress is not None:
            progress(read, total)

    tasks, names = list[ToHash](), list[str]()
    for name, lists in wanted.items():
        algorithms = _algorithms(*[listing.algorithm for listing in lists])
        known = checked.known(name, files.path(name)) if checked is not None else None
        if known is not None and all(isinstance(known.get(algorithm), str) for algorithm in algorithms):
            _compare(name, lists, Hashed(files.sizes[name], known), findings)
            step(files.sizes[name])
        else:
            tasks.append(ToHash(files.path(name), files.sizes[name], algorithms))
            names.append(name)
    for place, hashed in hash_all(tasks, step):
        good = _compare(names[place], wanted[names[place]], hashed, findings)
        if good and checked is not None:
            checked.add(names[place], tasks[place].path, hashed.digests)
    return read


def _wanted(files: BagFiles, listings: list[Listing]) -> dict[str, tuple[Listing, ...]]:
    """Map the existing files to the manifests that list them and whose algorithm is known."""
    wanted: dict[str, tuple[Listing, ...]] = {}
    for listing in listings:
        if listing.algorithm is not None:
            for name in listing.entries:
                if name in files.sizes:
                    wanted[name] = (*wanted.get(name, ()), listing)
    return wanted


@lru_cache
def _algorithms(*labels: str | None) -> tuple[str, ...]:
    """Return the algorithms by hashlib's names, each once."""
    return tuple(sorted({ALGORITHMS[label] for label in labels if label}))


def _compare(name: str, listings: Iterable[Listing], hashed: Hashed, findings: BagFindings) -> bool:
    """Compare what was read with each listed checksum; returns whether all match."""
    if hashed.problem is not None:
        findings.add("file-unreadable", name, reason=hashed.problem)
        return False
    wrong = [
        (listing, found, listed)
        for listing in listings
        for found in (hashed.digests[ALGORITHMS[listing.algorithm or ""]],)
        for listed in listing.entries[name]
        if found != listed
    ]
    for listing, found, listed in wrong:
        code = "tag-manifest-mismatch" if listing.of_tags else "manifest-mismatch"
        there = f"{listed} there, {found} in the file of {hashed.bytes} bytes"
        findings.add(code, name, reason=f"{listing.name} lists: {there}")
    return not wrong
