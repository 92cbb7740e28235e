"""Findings of the check of a bag: a code, a severity and one sentence each.

An `error` makes a bag incomplete or invalid. A `warning` does not: the meaning is clear, but another reader may stumble
over it. Clauses are those of RFC 8493. Bags before version 1.0 must meet the requirements of their version.
"""

from dataclasses import dataclass
from typing import NamedTuple

from archive.formats import printable


class BagCode(NamedTuple):
    """Meaning of a finding's code: its severity, whether the bag is then incomplete, and its sentence."""

    severity: str
    incomplete: bool
    sentence: str


_CODES: dict[str, tuple[str, bool, str]] = {
    # 2.1.1, the declaration
    "bag-declaration-missing": ("error", True, "there is no bagit.txt, so this is no bag"),
    "bag-declaration-malformed": ("error", True, "bagit.txt is not its two lines, as written in 2.1.1: {reason}"),
    "bag-declaration-bom": ("error", True, "bagit.txt begins with a byte order mark"),
    "version-unknown": ("error", True, "BagIt version {reason} is not known here; 0.93 to 1.0 are"),
    "encoding-unknown": ("error", True, "tag files are said to be in {reason}, which is no text encoding known here"),
    "encoding-wrong": ("error", True, "its bytes are not in the declared encoding: {reason}"),
    "tag-file-bom": ("error", True, "it begins with a byte order mark, which UTF-8 tag files must not have"),
    "tag-file-bom-older": ("warning", False, "it begins with a byte order mark"),
    "tag-file-too-large": ("error", True, "it is {reason}; such tag files are not read"),
    # 2.1.2, 2.1.3, 2.2.1: payload and manifests
    "payload-missing": ("error", True, "there is no folder data"),
    "payload-manifest-missing": ("error", True, "there is no payload manifest"),
    "algorithm-unknown": ("error", True, "no checksum can be computed: algorithm {reason} is not known here"),
    "algorithm-unknown-besides": ("warning", False,
        "algorithm {reason} is not known here; its checksums are not checked"),
    "algorithm-weak": ("warning", False, "{reason} is all there is: it shows accidents, and no deliberate change"),
    "manifest-name": ("warning", False, "the algorithm in its name should be in lower case without punctuation"),
    "manifest-malformed": ("error", True, "line {line} is no checksum and path: {reason}"),
    "manifest-malformed-checksum": ("error", True, "line {line}: the checksum is not that of the algorithm: {reason}"),
    "manifest-md5sum": ("warning", False, "line {line}: an asterisk before the path, as md5sum writes it"),
    "path-dot-slash": ("warning", False, "line {line}: the path begins with ./ ({reason})"),
    "path-percent": ("warning", False, "line {line}: {reason} has a % that is not encoded as %25"),
    "path-not-portable": ("warning", False, "{reason} is a name that other systems cannot hold or read otherwise"),
    "name-misread": ("warning", False,
        "its name has {reason}, which readers of manifests take for the end of a line or cut off: they miss the file"),
    "name-unseen": ("warning", False, "its name has {reason}, which are not seen or seen as others"),
    "path-escapes": ("error", True, "line {line}: {reason} leads out of the bag, it is not read"),
    "path-outside-payload": ("error", True, "line {line}: {reason} is not below data/"),
    "path-is-payload": ("error", True, "line {line}: {reason} is below data/, and tag manifests list tag files"),
    "path-is-tag-manifest": ("error", True, "line {line}: {reason} is a tag manifest, which none must list"),
    "path-is-folder": ("error", True, "line {line}: {reason} is a folder, not a file"),
    "listed-twice": ("error", True, "line {line}: {reason} is listed twice"),
    "listed-twice-alike": ("warning", False, "line {line}: {reason} is listed twice, with one checksum"),
    "listed-twice-normalized": ("warning", False,
        "line {line}: {reason} is listed twice, in two Unicode normalisations"),
    "manifests-differ": ("warning", False, "{reason} is listed in another payload manifest and not in this one"),
    "payload-not-in-every-manifest": ("error", True, "{reason} is not listed, and each payload manifest must list all"),
    "payload-not-listed": ("error", True, "it is in the payload, and no manifest lists it"),
    "file-missing": ("error", True, "it is listed in {reason} and is not there"),
    "name-normalization": ("warning", False, "it is listed in another Unicode normalisation ({reason})"),
    "names-differ-in-normalization": ("warning", False, "it differs from {reason} in Unicode normalisation only"),
    "names-differ-in-case": ("warning", False, "it differs from {reason} in upper and lower case only"),
    "name-not-utf-8": ("error", True, "its name is not UTF-8, so that no manifest can list it"),
    "link-escapes": ("error", True, "it is a link that leads out of the bag ({reason}), it is not read"),
    "link-to-folder": ("error", True, "it is a link to a folder ({reason}); files below it are not seen"),
    "link": ("warning", False, "it is a link ({reason}); copies of the bag may lose it"),
    "special-file": ("error", True, "it is no regular file, it is not read"),
    # 2.2.1: tag manifests
    "tag-manifest-lacks-manifest": ("error", True, "it does not list {reason}, and must list each payload manifest"),
    "tag-manifest-lacks-manifest-older": ("warning", False, "it does not list {reason}, a payload manifest"),
    "tag-file-missing": ("error", True, "it is listed in {reason} and is not there"),
    "tag-file-not-listed": ("warning", False, "no tag manifest lists it: whether it was changed is not seen"),
    "tag-manifests-differ": ("warning", False, "{reason} is listed in another tag manifest and not in this one"),
    # 2.2.2: bag-info.txt
    "info-malformed": ("error", True, "line {line} is no label, colon and value: {reason}"),
    "info-whitespace": ("error", True,
        "line {line}: one space or tab must follow the colon, and none stand before it: {reason}"),
    "info-whitespace-older": ("warning", False, "line {line}: there should be one space after the colon: {reason}"),
    "info-repeated": ("warning", False, "{reason} is there more than once"),
    "info-value": ("warning", False, "{reason}"),
    "oxum-malformed": ("error", False, "Payload-Oxum is not octets.streams: {reason}"),
    "oxum-repeated": ("error", False, "Payload-Oxum is there more than once"),
    "oxum-differs": ("error", False, "Payload-Oxum says {reason}"),
    # 2.2.3: fetch.txt
    "fetch-malformed": ("error", True, "line {line} is no URL, length and path: {reason}"),
    "fetch-url": ("error", True, "line {line}: {reason} is no absolute URL"),
    "fetch-not-listed": ("error", True, "line {line}: {reason} is not listed in every payload manifest"),
    "fetch-not-listed-older": ("warning", False, "line {line}: {reason} is not listed in every payload manifest"),
    "fetch-outside-payload-older": ("warning", False, "line {line}: {reason} is not below data/"),
    "fetch-twice": ("error", True, "line {line}: {reason} is listed twice"),
    "fetch-length-differs": ("error", False, "fetch.txt says {reason}"),
    "fetch-missing": ("error", True, "it is to be fetched and has not been: `harvester fill` does"),
    # 3: valid
    "manifest-mismatch": ("error", False, "it is not what {reason}"),
    "tag-manifest-mismatch": ("error", False, "it is not what {reason}"),
    "file-unreadable": ("error", False, "it cannot be read: {reason}"),
    "profile-not-named": ("warning", False, "BagIt-Profile-Identifier does not name the profile {reason}"),
    "profile-violated": ("error", False, "{reason}"),
}  # fmt: skip
CODES = {name: BagCode(*code) for name, code in _CODES.items()}

# how many findings of one code are kept; the others are counted
KEPT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class BagFinding:
    """A finding in a bag; `path` is that of the file it is about, relative to the bag, "" for the bag as a whole."""

    code: str
    severity: str
    path: str
    message: str


class BagFindings:
    """All findings of a check, bounded so that a hostile bag cannot exhaust the memory."""

    def __init__(self) -> None:
        self.kept: list[BagFinding] = []
        self.counts: dict[str, int] = {}

    def add(self, code: str, path: str, *, line: int | None = None, reason: object = "") -> None:
        """Add a finding. Raises KeyError for an unknown code."""
        severity, _, sentence = CODES[code]
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= KEPT_MOST:
            shown = printable(str(reason)[:400])
            self.kept.append(BagFinding(code, severity, path, sentence.format(line=line, reason=shown)))

    @property
    def complete(self) -> bool:
        """Return whether no finding makes the bag incomplete (section 3)."""
        return not any(CODES[code].incomplete for code in self.counts)

    @property
    def valid(self) -> bool:
        """Return whether no error was found."""
        return not any(CODES[code].severity == "error" for code in self.counts)
