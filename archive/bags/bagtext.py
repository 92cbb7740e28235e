"""The tag files of a bag as text (RFC 8493, 2.1.1, 2.1.3, 2.2.2, 2.2.3): lines in, values and what is wrong out.

All of it was written by others. What cannot be understood is a finding and is passed over; nothing is mended.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from archive.bags.bagcodes import BagFindings

VERSIONS = ((0, 93), (0, 94), (0, 95), (0, 96), (0, 97), (1, 0))
LINE_MOST = 1 << 16

_DECLARATION_NAMES = ("BagIt-Version", "Tag-File-Character-Encoding")
_STRICT = re.compile(r"([^:\s]+): (\S+)")
_LOOSE = re.compile(r"([^:\s]+)[ \t]*:[ \t]*(\S+)[ \t]*")
# encodings of text: Python knows others, which are none (zip, rot13) or which run away (idna, unicode_escape)
_TEXT = re.compile(
    r"utf-(8|16|32)(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-roman|shift_jis|euc_(jp|kr)|gb(2312|k|18030)|big5"
)
_MANIFEST_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(.*)", re.DOTALL)
_FETCH_LINE = re.compile(r"(\S+)[ \t]+(\d{1,19}|-)[ \t]+(.+)", re.DOTALL)
_INFO_LINE = re.compile(r"([^:]*):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What bagit.txt says; `encoding` is Python's name of it."""

    version: tuple[int, int] = (1, 0)
    encoding: str = "utf-8"

    @property
    def strict(self) -> bool:
        """Whether the rules of version 1.0 hold."""
        return self.version >= (1, 0)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A checksum in lower-case hex, and the path as it is written."""

    line: int
    checksum: str
    path: str


@dataclass(frozen=True, slots=True)
class FetchLine:
    """A file to fetch; `length` in bytes is None where it is not known, `path` is as it is written."""

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
    """Read bagit.txt (2.1.1). What is wrong goes to `findings`; what is not understood is as in version 1.0."""
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
    """The lines of a tag file with their numbers from 1; they end in LF, CR or CRLF.

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
    """The lines of a manifest (2.1.3); `digits` is how many hex digits a checksum has, None when nobody knows."""
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
    """The lines of fetch.txt (2.2.3)."""
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
    """The elements of bag-info.txt in order (2.2.2)."""
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
