"""Manifests of a bag: which files each lists, and with which checksums (RFC 8493, 2.1.3 and 2.2.1)."""

import hashlib
import re
from dataclasses import dataclass, field

from archive.bags.bagcodes import BagFindings
from archive.bags.bagfiles import BagFiles
from archive.bags.bagtext import Declaration, iter_lines, parse_manifest

# a manifest of twenty million lines is smaller
MANIFEST_MOST = 4 << 30
# a bag's name of an algorithm: hashlib's
ALGORITHMS = {
    re.sub("[^a-z0-9]", "", name): name for name in sorted(hashlib.algorithms_guaranteed) if "shake" not in name
}
_DIGITS = {name: hashlib.new(known, usedforsecurity=False).digest_size * 2 for name, known in ALGORITHMS.items()}
_WEAK = {"md5", "sha1"}
_NAME = re.compile(r"(tag)?manifest-([^/]+)\.txt", re.IGNORECASE)


@dataclass(slots=True)
class Listing:
    """A manifest: names as on disk (or as listed, where the file is missing), and the checksums listed for each.

    `algorithm` is None where it is not known here.
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
    """Twice with two checksums is wrong; with one it is from version 1.0 on, unless the names are written otherwise."""
    if not alike:
        return "listed-twice"
    if not again:
        return "listed-twice-normalized"
    return "listed-twice" if strict else "listed-twice-alike"


def _belongs(listing: Listing, name: str, line: int, files: BagFiles, findings: BagFindings) -> bool:
    """Whether an entry may stand in such a manifest."""
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
