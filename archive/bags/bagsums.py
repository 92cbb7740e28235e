"""The checksums of a bag: every listed file is read once, for all that is listed of it (RFC 8493, section 3)."""

from collections.abc import Callable, Iterator

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
    wanted: dict[str, list[Listing]] = {}
    for listing in listings:
        if listing.algorithm is not None:
            for name in listing.entries:
                if name in files.sizes:
                    wanted.setdefault(name, []).append(listing)
    total, read = sum(files.sizes[name] for name in wanted), 0

    def step(count: int) -> None:
        nonlocal read
        read += count
        if progress is not None:
            progress(read, total)

    tasks, names = list[ToHash](), list[str]()
    for name, lists in wanted.items():
        algorithms = tuple(sorted({ALGORITHMS[listing.algorithm] for listing in lists if listing.algorithm}))
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


def _compare(name: str, listings: list[Listing], hashed: Hashed, findings: BagFindings) -> bool:
    """Compare what was read with each checksum that is listed."""
    if hashed.problem is not None:
        findings.add("file-unreadable", name, reason=hashed.problem)
        return False
    wrong = list(_mismatches(name, listings, hashed))
    for listing, sentence in wrong:
        code = "tag-manifest-mismatch" if listing.of_tags else "manifest-mismatch"
        findings.add(code, name, reason=sentence)
    return not wrong


def _mismatches(name: str, listings: list[Listing], hashed: Hashed) -> Iterator[tuple[Listing, str]]:
    for listing in listings:
        assert listing.algorithm is not None
        found = hashed.digests[ALGORITHMS[listing.algorithm]]
        for listed in listing.entries[name]:
            if found != listed:
                yield listing, f"{listing.name} lists: {listed} there, {found} in the file of {hashed.bytes} bytes"
