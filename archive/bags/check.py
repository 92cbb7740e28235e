"""Check whether a bag is complete and valid (RFC 8493, section 3). Shares only digests with the code that writes bags.

A bag is untrusted: nothing outside of its folder is read, only regular files are opened, and the memory that it can
make us use is bounded. All faults are found, not only the first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archive.bags.codes import BagFinding, BagFindings
from archive.bags.files import BagFiles, read_folder
from archive.bags.manifests import Listing, check_sums, read_listings
from archive.bags.tagfiles import (
    Declaration,
    FetchLine,
    InfoElement,
    iter_lines,
    parse_declaration,
    parse_fetch,
    parse_info,
)
from archive.disk import Checked
from archive.errors import NotAnArchive

DECLARATION_MOST, INFO_MOST = 1 << 12, 1 << 24
FETCH = "fetch.txt"
_OXUM = re.compile(r"(\d{1,19})\.(\d{1,19})")
_COUNT = re.compile(r"\d+ of (\d+|\?)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ONCE = ("bagging-date", "bag-size", "bag-group-identifier", "bag-count")

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class BagReport:
    """The result of checking a bag. `files` and `bytes` count payload and tag files together.

    `read_bytes` were read for checksums; it is 0 after a quick check, and then `valid` is not proven. `names` are those
    of all files, `links` says where the bytes of some of them are.
    """

    path: Path
    declared: Declaration = field(default_factory=Declaration)
    files: int = 0
    bytes: int = 0
    payload_files: int = 0
    payload_bytes: int = 0
    read_bytes: int = 0
    quick: bool = False
    info: list[InfoElement] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    collected: BagFindings = field(default_factory=BagFindings)

    @property
    def findings(self) -> list[BagFinding]:
        return self.collected.kept

    @property
    def complete(self) -> bool:
        return self.collected.complete

    @property
    def valid(self) -> bool:
        """Return whether the bag is complete, and every checksum that was verified holds."""
        return self.collected.valid


def is_bag(folder: Path) -> bool:
    """Return whether a folder is a bag, or was one that lost its declaration."""
    if not folder.is_dir():
        return False
    return (folder / "bagit.txt").is_file() or ((folder / "data").is_dir() and any(folder.glob("manifest-*.txt")))


def check_bag(
    folder: Path, *, quick: bool = False, progress: Progress | None = None, checked: Checked | None = None
) -> BagReport:
    """Check a bag. With `quick` no checksum is computed: only which files exist, which are missing, and their sizes.

    `progress` is called with the bytes read and those to read. Files in the checkpoint `checked` are not read again.
    Raises NotAnArchive if there is no such folder.
    """
    if not folder.is_dir():
        raise NotAnArchive(f"{folder} is no folder, so no bag; unpack a bag that came as one file")
    report = BagReport(folder, quick=quick)
    files = read_folder(folder, report.collected)
    report.names, report.links = sorted(files.sizes), files.links
    report.files, report.bytes = len(files.sizes), sum(files.sizes.values())
    report.declared = _declaration(files, report.collected)
    report.listings = read_listings(files, report.declared, report.collected)
    payload = [listing for listing in report.listings if not listing.of_tags]
    tags = [listing for listing in report.listings if listing.of_tags]
    fetched = _fetch(files, report.declared, payload, report.collected)
    _check_payload(files, report, payload, fetched)
    _check_tags(files, report, payload, tags)
    report.info = _info(files, report.declared, report.collected)
    _check_info(report, whole="fetch-missing" not in report.collected.counts)
    if not quick:
        report.read_bytes = check_sums(files, report.listings, report.collected, progress, checked)
    return report


# --- payload


def _declaration(files: BagFiles, findings: BagFindings) -> Declaration:
    if "bagit.txt" not in files.sizes:
        findings.add("bag-declaration-missing", "bagit.txt")
        return Declaration()
    if files.sizes["bagit.txt"] > DECLARATION_MOST:
        findings.add("tag-file-too-large", "bagit.txt", reason=f"{files.sizes['bagit.txt']} bytes long")
        return Declaration()
    body = b""
    with files.open("bagit.txt", findings) as file:
        body = file.read(DECLARATION_MOST)
    return parse_declaration(body, findings)


def _check_payload(files: BagFiles, report: BagReport, payload: list[Listing], fetched: dict[str, FetchLine]) -> None:
    """Check that listed files exist and payload files are listed, from version 1.0 on in every manifest."""
    findings, strict = report.collected, report.declared.strict
    if "data" not in files.folders:
        findings.add("payload-missing", "data")
    if not payload:
        findings.add("payload-manifest-missing", "")
    here = [name for name in files.sizes if name.startswith("data/")]
    report.payload_files, report.payload_bytes = len(here), sum(files.sizes[name] for name in here)
    lists = _who_lists(payload)
    for name in here:
        if payload and name not in lists:
            findings.add("payload-not-listed", name)
    for name, listings in lists.items():
        if name not in files.sizes and name not in files.folders:
            by = ", ".join(listing.name for listing in listings)
            findings.add("fetch-missing" if name in fetched else "file-missing", name, reason=by)
        for listing in payload:
            if name not in listing.entries:
                code = "payload-not-in-every-manifest" if strict else "manifests-differ"
                findings.add(code, listing.name, reason=name)
    for name, line in fetched.items():
        size = files.sizes.get(name)
        if size is not None and line.length not in (None, size):
            findings.add("fetch-length-differs", name, reason=f"{line.length} bytes, it has {size}")
        if name not in lists and size is None and strict:
            findings.add("fetch-missing", name)


def _check_tags(files: BagFiles, report: BagReport, payload: list[Listing], tags: list[Listing]) -> None:
    findings, strict = report.collected, report.declared.strict
    lists = _who_lists(tags)
    for name, listings in lists.items():
        if name not in files.sizes and name not in files.folders:
            findings.add("tag-file-missing", name, reason=", ".join(listing.name for listing in listings))
    for listing in tags:
        for manifest in payload:
            if manifest.name not in listing.entries:
                code = "tag-manifest-lacks-manifest" if strict else "tag-manifest-lacks-manifest-older"
                findings.add(code, listing.name, reason=manifest.name)
        for name in lists:
            if name not in listing.entries and not any(name == manifest.name for manifest in payload):
                findings.add("tag-manifests-differ", listing.name, reason=name)
    if tags:
        own = {listing.name for listing in tags}
        for name in files.sizes:
            if not name.startswith("data/") and name not in lists and name not in own:
                findings.add("tag-file-not-listed", name)


def _who_lists(listings: list[Listing]) -> dict[str, list[Listing]]:
    found: dict[str, list[Listing]] = {}
    for listing in listings:
        for name in listing.entries:
            found.setdefault(name, []).append(listing)
    return found


def _fetch(
    files: BagFiles, declared: Declaration, payload: list[Listing], findings: BagFindings
) -> dict[str, FetchLine]:
    """Read what fetch.txt lists, by the name of the file."""
    if FETCH not in files.sizes:
        return {}
    found: dict[str, FetchLine] = {}
    with files.open(FETCH, findings) as file:
        for line in parse_fetch(iter_lines(file, FETCH, declared, findings), FETCH, findings):
            name = files.resolve(line.path, line.line, FETCH, declared, findings)
            if name is None:
                continue
            if not name.startswith("data/"):
                code = "path-outside-payload" if declared.strict else "fetch-outside-payload-older"
                findings.add(code, FETCH, line=line.line, reason=name)
            elif any(name not in listing.entries for listing in payload):
                code = "fetch-not-listed" if declared.strict else "fetch-not-listed-older"
                findings.add(code, FETCH, line=line.line, reason=name)
            if name in found:
                findings.add("fetch-twice", FETCH, line=line.line, reason=name)
            found[name] = line
    return found


# --- bag-info.txt


def info_name(declared: Declaration) -> str:
    """Return the name of the file with the bag's metadata: another one before version 0.96."""
    return "bag-info.txt" if declared.version >= (0, 96) else "package-info.txt"


def _info(files: BagFiles, declared: Declaration, findings: BagFindings) -> list[InfoElement]:
    name, found = info_name(declared), list[InfoElement]()
    if files.sizes.get(name, 0) > INFO_MOST:
        findings.add("tag-file-too-large", name, reason=f"{files.sizes[name]} bytes long")
    elif name in files.sizes:
        with files.open(name, findings) as file:
            found = parse_info(iter_lines(file, name, declared, findings), name, declared, findings)
    return found


def _check_info(report: BagReport, *, whole: bool) -> None:
    """Compare Payload-Oxum with the payload, unless files are still to be fetched."""
    findings, name = report.collected, info_name(report.declared)
    values: dict[str, list[str]] = {}
    for element in report.info:
        values.setdefault(element.label.lower(), []).append(element.value)
    for label in _ONCE:
        if len(values.get(label, ())) > 1:
            findings.add("info-repeated", name, reason=label)
    for label, pattern in (("bag-count", _COUNT), ("bagging-date", _DATE)):
        for value in values.get(label, ()):
            if not pattern.fullmatch(value):
                findings.add("info-value", name, reason=f"{label} should not be {value!r}")
    oxums = values.get("payload-oxum", [])
    if len(oxums) > 1:
        findings.add("oxum-repeated", name)
    for oxum in oxums:
        match = _OXUM.fullmatch(oxum)
        if match is None:
            findings.add("oxum-malformed", name, reason=oxum)
        elif whole and (int(match[1]), int(match[2])) != (report.payload_bytes, report.payload_files):
            there = f"{oxum}, the payload is {report.payload_bytes}.{report.payload_files}"
            findings.add("oxum-differs", name, reason=there)
