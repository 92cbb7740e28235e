"""The checksums of a bag: every listed file is read once, for all that is listed of it (RFC 8493, section 3)."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from archive.bags.bagcodes import BagFindings
from archive.bags.bagfiles import BagFiles
from archive.bags.baglists import ALGORITHMS, Listing
from archive.hashing import Hashed, ToHash, hash_all
from archive.resuming import Checked

Progress = Callable[[int, int], None]


def check_sums(
    files: BagFiles, listings: list[Listing], findings: BagFindings, progress: Progress | None, checked: Checked | None
) -> int:
    """Read every listed file that is there; what does not match is a finding. Returns how many bytes were read."""
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
    """The files that are there, each with those that list it and whose algorithm is known."""
    wanted: dict[str, tuple[Listing, ...]] = {}
    for listing in listings:
        if listing.algorithm is not None:
            for name in listing.entries:
                if name in files.sizes:
                    wanted[name] = (*wanted.get(name, ()), listing)
    return wanted


@lru_cache
def _algorithms(*labels: str | None) -> tuple[str, ...]:
    """By hashlib's names, each once."""
    return tuple(sorted({ALGORITHMS[label] for label in labels if label}))


def _compare(name: str, listings: Iterable[Listing], hashed: Hashed, findings: BagFindings) -> bool:
    """Compare what was read with each checksum that is listed."""
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
