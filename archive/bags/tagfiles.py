"""Parse and write the tag files of a bag: paths, manifest lines, fetch.txt, bag-info.txt.

RFC 8493, sections 2.1.1, 2.1.3, 2.2.2 and 2.2.3.

Input is untrusted. What cannot be parsed becomes a finding and is skipped; nothing is repaired.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from archive.bags.codes import BagFindings
from archive.errors import NotBaggable

VERSIONS = ((0, 93), (0, 94), (0, 95), (0, 96), (0, 97), (1, 0))
LINE_MOST = 1 << 16

_DECLARATION_NAMES = ("BagIt-Version", "Tag-File-Character-Encoding")
_STRICT = re.compile(r"([^:\s]+): (\S+)")
_LOOSE = re.compile(r"([^:\s]+)[ \t]*:[ \t]*(\S+)[ \t]*")
# encodings of text: Python's others are not encodings of text (zip, rot13), or are too slow (idna, unicode_escape)
_TEXT = re.compile(
    r"utf-(8|16|32)(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-roman|shift_jis|euc_(jp|kr)|gb(2312|k|18030)|big5"
)
_MANIFEST_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(.*)", re.DOTALL)
_FETCH_LINE = re.compile(r"(\S+)[ \t]+(\d{1,19}|-)[ \t]+(.+)", re.DOTALL)
_INFO_LINE = re.compile(r"([^:]*):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The content of bagit.txt; `encoding` is Python's name of it."""

    version: tuple[int, int] = (1, 0)
    encoding: str = "utf-8"

    @property
    def strict(self) -> bool:
        """Return whether the rules of version 1.0 apply."""
        return self.version >= (1, 0)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A checksum in lower-case hex, and the path as written."""

    line: int
    checksum: str
    path: str


@dataclass(frozen=True, slots=True)
class FetchLine:
    """A file to fetch; `length` in bytes is None if it is unknown, `path` is as written."""

    line: int
    url: str
    length: int | None
    path: str


@dataclass(frozen=True, slots=True)
class InfoElement:
    """A label and its value, continuation lines joined by one space."""

    line: int
    label: str
    value: str


def parse_declaration(body: bytes, findings: BagFindings) -> Declaration:
    """Parse bagit.txt (2.1.1). Faults go to `findings`; what cannot be parsed defaults to version 1.0."""
    if body.startswith(codecs.BOM_UTF8):
        findings.add("bag-declaration-bom", "bagit.txt")
        body = body[3:]
    try:
        lines = re.split(r"\r\n|\n|\r", body.decode("utf-8"))
    except UnicodeDecodeError as cause:
        findings.add("bag-declaration-malformed", "bagit.txt", reason=cause)
        return Declaration()
    if lines[-1] == "":
        lines.pop()
    if len(lines) != len(_DECLARATION_NAMES):
        findings.add("bag-declaration-malformed", "bagit.txt", reason=f"{len(lines)} lines")
        return Declaration()
    values = []
    for line, name in zip(lines, _DECLARATION_NAMES, strict=True):
        match = _LOOSE.fullmatch(line)
        if match is None or match[1] != name:
            findings.add("bag-declaration-malformed", "bagit.txt", reason=f"{line!r} where {name} should be")
            return Declaration()
        values.append(match[2])
    version = _version(values[0], findings)
    # the conformance suite refuses other whitespace in bags of 0.97 as well
    if version >= (0, 97):
        for line in lines:
            if not _STRICT.fullmatch(line):
                findings.add("bag-declaration-malformed", "bagit.txt", reason=f"whitespace in {line!r}")
    return Declaration(version, _encoding(values[1], findings))


def _version(text: str, findings: BagFindings) -> tuple[int, int]:
    for version in VERSIONS:
        if text == f"{version[0]}.{version[1]}":
            return version
    findings.add("version-unknown", "bagit.txt", reason=text)
    return (1, 0)


def _encoding(text: str, findings: BagFindings) -> str:
    try:
        name = codecs.lookup(text).name
        if _TEXT.fullmatch(name):
            return name
    except (LookupError, ValueError):
        pass
    findings.add("encoding-unknown", "bagit.txt", reason=text)
    return "utf-8"


def iter_lines(file: BinaryIO, name: str, declared: Declaration, findings: BagFindings) -> Iterator[tuple[int, str]]:
    """Yield the lines of a tag file with their numbers from 1; they end in LF, CR or CRLF.

    Ends early, with a finding, at bytes that are not in the encoding and at a line of more than 64 KiB.
    """
    encoding = declared.encoding
    if encoding == "utf-8" and file.read(3) == codecs.BOM_UTF8:
        findings.add("tag-file-bom" if declared.strict else "tag-file-bom-older", name)
    elif encoding == "utf-8":
        file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline=None)
    number = 0
    try:
        while line := text.readline(LINE_MOST):
            number += 1
            if not line.endswith("\n") and len(line) == LINE_MOST:
                findings.add("tag-file-too-large", name, reason=f"more than {LINE_MOST} characters in line {number}")
                return
            yield number, line.removesuffix("\n")
    except UnicodeError as cause:
        findings.add("encoding-wrong", name, reason=cause)
    finally:
        text.detach()


def parse_manifest(
    lines: Iterator[tuple[int, str]], name: str, digits: int | None, findings: BagFindings
) -> Iterator[ManifestLine]:
    """Parse the lines of a manifest (2.1.3); `digits` is the number of hex digits of a checksum, None if unknown."""
    for number, line in lines:
        if not line.strip():
            continue
        match = _MANIFEST_LINE.fullmatch(line)
        if match is None or not match[2]:
            findings.add("manifest-malformed", name, line=number, reason=repr(line[:200]))
            continue
        path = match[2]
        if digits is not None and len(match[1]) != digits:
            findings.add("manifest-malformed-checksum", name, line=number, reason=match[1])
            continue
        if path.startswith("*"):
            findings.add("manifest-md5sum", name, line=number)
            path = path[1:]
        yield ManifestLine(number, match[1].lower(), path)


def parse_fetch(lines: Iterator[tuple[int, str]], name: str, findings: BagFindings) -> Iterator[FetchLine]:
    """Parse the lines of fetch.txt (2.2.3)."""
    for number, line in lines:
        if not line.strip():
            continue
        match = _FETCH_LINE.fullmatch(line)
        if match is None:
            findings.add("fetch-malformed", name, line=number, reason=repr(line[:200]))
            continue
        if not _is_absolute(match[1]):
            findings.add("fetch-url", name, line=number, reason=match[1])
        yield FetchLine(number, match[1], None if match[2] == "-" else int(match[2]), match[3])


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.scheme == "file"))


def parse_info(
    lines: Iterator[tuple[int, str]], name: str, declared: Declaration, findings: BagFindings
) -> list[InfoElement]:
    """Parse the elements of bag-info.txt in order (2.2.2)."""
    found: list[InfoElement] = []
    for number, line in lines:
        if not line.strip():
            continue
        if line[0] in " \t" and found:
            last = found[-1]
            found[-1] = InfoElement(last.line, last.label, f"{last.value} {line.strip()}".strip())
            continue
        match = _INFO_LINE.fullmatch(line)
        if match is None or not match[1].strip():
            findings.add("info-malformed", name, line=number, reason=repr(line[:200]))
            continue
        label, value = match[1], match[2]
        if label != label.strip() or (value.strip() and value[0] not in " \t"):
            code = "info-whitespace" if declared.strict else "info-whitespace-older"
            findings.add(code, name, line=number, reason=repr(line[:200]))
        found.append(InfoElement(number, label.strip(), value.strip()))
    return found


DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PROFILE_IDENTIFIER = "urn:uuid:cfadec06-30ce-48ce-a5ba-6025a7a03f6f"
PROFILE_FILE = "bagit-profile.json"
ALGORITHMS = ("sha256", "sha512")
# maximum length of lines in bag-info.txt (section 2.2.2)
TAG_LINE_MOST = 79

# labels whose values are computed here, or would be contradicted by a second value
_COUNTED = {
    "payload-oxum": "it is counted",
    "bag-size": "it is counted",
    "bag-count": "it is counted; --max-bytes splits",
    "bag-group-identifier": "it follows from what is in the bags",
    "bagging-date": "use --bagging-date",
    "bag-software-agent": "it is this software",
    "bagit-profile-identifier": "the profile of these bags is named there",
}
_LABEL = re.compile(r"[^\s:\x00-\x1f\x7f](?:[^:\x00-\x1f\x7f]*[^\s:\x00-\x1f\x7f])?")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

Info = tuple[tuple[str, str], ...]


def encoded_path(path: str) -> str:
    """Encode a path for manifests and fetch.txt: only %, CR and LF (section 2.1.3)."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def manifest(entries: Iterable[tuple[str, str]]) -> str:
    """Format a manifest of (digest, path), in the given order."""
    return "".join(f"{digest}  {encoded_path(path)}\n" for digest, path in entries)


def fetch_line(base: str, path: str, size_bytes: int) -> str:
    """Format a line of fetch.txt; `base` is the URL that stands for data/, ending in a slash."""
    inside = path.removeprefix("data/")
    return f"{base}{quote(inside, safe='/~')} {size_bytes} {encoded_path(path)}\n"


def bag_info(labelled: Iterable[tuple[str, str]]) -> str:
    """Format bag-info.txt: a line for each label and value, long ones continued on lines that begin with a blank."""
    return "".join(_folded(label, value) + "\n" for label, value in labelled)


def _folded(label: str, value: str) -> str:
    """Fold a long value at blanks. Readers keep a line break as part of the value, but not the blanks after it."""
    first, *words = value.split(" ")
    lines = [f"{label}: {first}"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > TAG_LINE_MOST:
            lines.append("")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def checked_info(given: Sequence[tuple[str, str]]) -> Info:
    """Validate labels and values of a user. Raises NotBaggable if bag-info.txt cannot hold one, or it is computed."""
    for label, value in given:
        if not _LABEL.fullmatch(label):
            raise NotBaggable(f"{label!r} is no label of bag-info.txt: no colon, no line end, no blank at either end")
        if (reason := _COUNTED.get(label.lower())) is not None:
            raise NotBaggable(f"{label} is written by itself ({reason}); leave it out")
        if not value.strip() or any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise NotBaggable(f"{label}: a value is one line of text that is not empty")
    return tuple((label, " ".join(value.split())) for label, value in given)


def merged_info(known: Iterable[tuple[str, str]], given: Info) -> Info:
    """Merge automatic values with those of a user, which take precedence; labels are compared without case."""
    named = {label.lower() for label, _ in given}
    return (*given, *((label, value) for label, value in known if label.lower() not in named and value.strip()))


def checked_date(text: str) -> str:
    """Validate a Bagging-Date, YYYY-MM-DD. Raises NotBaggable."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise NotBaggable(f"{text!r} is no date; write it as YYYY-MM-DD")


def shown_size(size_bytes: int) -> str:
    """Format a size for people, as in Bag-Size: `2.1 GB`."""
    size, unit = float(size_bytes), 0
    while size >= 999.95 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size_bytes} B" if not unit else f"{size:.1f} {_UNITS[unit]}"
