"""Files of a bag on disk, and the paths that manifests list.

Only regular files below the folder count; no link is followed out of it. Paths are percent-decoded, and refused when
they lead out of the bag (RFC 8493, 2.1.3 and 5.1).
"""

import io
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archive.bags.codes import BagFindings
from archive.bags.tagfiles import Declaration

_CODED = re.compile(r"%(0[AaDd]|25)")
_LINE_ENDS = re.compile(r"%(0[AaDd])")
_LOOSE_PERCENT = re.compile(r"%(?!0[AaDd]|25)")
# `..` as a part, with any separator; absolute paths of any system; a home folder; a URL
_ESCAPES = re.compile(r"(^|[/\\])\.\.([/\\]|\Z)|^[/\\~]|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*://|\x00|\A\Z")
_NOT_PLAIN = re.compile(r"(^|/)\.?(/|\Z)")
# characters and device names that Windows refuses; names that are too long
_NOT_PORTABLE = re.compile(
    r'[<>:"|?*\\\x00-\x1f]|[ .](/|\Z)|(^|/)(CON|PRN|AUX|NUL|(COM|LPT)[0-9¹²³])(\.[^/]*)?(/|\Z)|[^/]{256}', re.IGNORECASE
)
# line ends of str.splitlines, except CR and LF, which manifests encode
_LINE_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# characters that strip and trim of several languages remove at the end of a line, besides Unicode's white space
_TRIMMED = "\ufeff\u180e\u200b\x00"


@dataclass(frozen=True, slots=True)
class ListedPath:
    """A path in a manifest: `name` is its meaning, `raw` the text before percent-decoding, without a leading ./"""

    name: str
    raw: str
    dot_slash: bool
    loose_percent: bool


def read_path(text: str, *, percent: bool) -> ListedPath | None:
    """Decode a path; None if it leads out of the bag on any system.

    With `percent` (BagIt 1.0) %25 stands for a percent sign; in earlier versions only line ends were encoded.
    """
    raw, dot_slash = text, False
    while raw.startswith("./"):
        raw, dot_slash = raw[2:].lstrip("/"), True
    if "%" not in raw:
        return None if _ESCAPES.search(raw) else ListedPath(raw, raw, dot_slash, False)
    name = (_CODED if percent else _LINE_ENDS).sub(lambda match: chr(int(match[1], 16)), raw)
    if _ESCAPES.search(raw) or _ESCAPES.search(name):
        return None
    return ListedPath(name, raw, dot_slash, percent and _LOOSE_PERCENT.search(raw) is not None)


def is_plain(path: str) -> bool:
    """Return whether a path is written canonically: no empty part, no `.` as a part."""
    return _NOT_PLAIN.search(path) is None


def is_portable(path: str) -> bool:
    """Return whether other systems can store a path.

    It must have no character or device name that Windows refuses, and no outer dots or spaces.
    """
    if _NOT_PORTABLE.search(path):
        return False
    return path.isascii() or not any(len(part.encode()) > 255 for part in path.split("/"))


def misread(path: str) -> str:
    """Return the characters at which some readers of manifests end a path.

    They are Unicode line breaks, and trailing blanks.
    """
    end = len(path)
    while end and (path[end - 1].isspace() or path[end - 1] in _TRIMMED):
        end -= 1
    found = [character for character in path[:end] if character in _LINE_BREAKS]
    # CR and LF at the end are encoded, so they are not misread
    return "".join([*found, *(character for character in path[end:] if character not in "\r\n")])


def unseen(path: str) -> str:
    """Return the invisible or ambiguous characters of a path: blanks other than the space, controls, marks."""
    return "".join(one for one in path if one not in "\r\n" and one != " " and not one.isprintable())


def code_points(text: str) -> str:
    """Format characters as code points: `U+00A0, U+2028`, each once."""
    return ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in text))


def safe_path(path: str) -> str:
    """Replace misread and invisible characters, and outer dots, by their code points, such as `_u2028_`."""
    bad = set(misread(path)) | set(unseen(path))
    parts = []
    for part in path.split("/"):
        kept = part.rstrip(". ") if set(part) - {".", " "} else part
        end = "".join(f"_u{ord(one):04x}_" for one in part[len(kept) :])
        parts.append("".join(f"_u{ord(one):04x}_" if one in bad - {" "} else one for one in kept) + end)
    return "/".join(parts)


def normal(path: str) -> str:
    """Normalise a name so that names that differ only in Unicode normalisation are equal."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def folded(path: str) -> str:
    """Normalise a name so that names that are equal on a case-insensitive system are equal."""
    return normal(path).casefold()


@dataclass(slots=True)
class BagFiles:
    """Sizes in bytes by name (relative, with /); `links` are names whose bytes are elsewhere in the bag."""

    root: str
    sizes: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    by_normal: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Return the path of the bytes of a file."""
        return self.links.get(name) or f"{self.root}/{name}"

    @contextmanager
    def open(self, name: str, findings: BagFindings) -> Iterator[BinaryIO]:
        """Open a tag file for reading; one that cannot be read is a finding, and empty."""
        try:
            file: BinaryIO = os.fdopen(os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
        except OSError as cause:
            findings.add("file-unreadable", name, reason=cause.strerror)
            file = io.BytesIO()
        with file:
            try:
                yield file
            except OSError as cause:
                findings.add("file-unreadable", name, reason=cause.strerror)

    def resolve(self, text: str, line: int, of: str, declared: Declaration, findings: BagFindings) -> str | None:
        """Find the file that a line names, by its name on disk if it exists.

        Returns None, and adds a finding, if it is outside of the bag.
        """
        path = read_path(text, percent=declared.strict)
        if path is None:
            findings.add("path-escapes", of, line=line, reason=text)
            return None
        if path.dot_slash:
            findings.add("path-dot-slash", of, line=line, reason=text)
        if path.loose_percent:
            findings.add("path-percent", of, line=line, reason=text)
        for name in (path.name, path.raw):
            if name in self.sizes:
                if name != path.name and not path.loose_percent:
                    findings.add("path-percent", of, line=line, reason=text)
                return name
        name = path.name
        if not is_plain(name):
            findings.add("path-not-portable", of, reason=text)
            name = "/".join(part for part in name.split("/") if part not in ("", "."))
            if name in self.sizes:
                return name
        if (alike := self.by_normal.get(normal(name))) is not None:
            findings.add("name-normalization", alike, reason=of)
            return alike
        return name


def read_folder(folder: Path, findings: BagFindings) -> BagFiles:
    """Find every file of a bag, and what is wrong with their names and types."""
    files = BagFiles(os.path.realpath(folder))
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(f"{files.root}/{below}") as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as cause:
            findings.add("file-unreadable", below.rstrip("/"), reason=cause.strerror)
            continue
        for entry in found:
            name = below + entry.name
            if not _is_text(name):
                findings.add("name-not-utf-8", name.encode("utf-8", "replace").decode())
            elif entry.is_symlink():
                _take_link(files, name, entry.path, findings)
            elif entry.is_dir(follow_symlinks=False):
                files.folders.add(name)
                waiting.append(f"{name}/")
            else:
                _take_file(files, name, entry.stat(follow_symlinks=False), findings)
    _check_names(files, findings)
    return files


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _take_file(files: BagFiles, name: str, status: os.stat_result, findings: BagFindings) -> None:
    if stat.S_ISREG(status.st_mode):
        files.sizes[name] = status.st_size
    else:
        findings.add("special-file", name)


def _take_link(files: BagFiles, name: str, path: str, findings: BagFindings) -> None:
    """Follow a link only to a regular file of the same bag."""
    target, written = os.path.realpath(path), Path(path).readlink()
    if not target.startswith(files.root + "/"):
        findings.add("link-escapes", name, reason=written)
    elif Path(target).is_dir():
        findings.add("link-to-folder", name, reason=written)
    elif Path(target).is_file():
        findings.add("link", name, reason=written)
        files.sizes[name], files.links[name] = Path(target).stat().st_size, target
    else:
        findings.add("special-file", name)


def _check_names(files: BagFiles, findings: BagFindings) -> None:
    by_folded: dict[str, str] = {}
    for name in files.sizes:
        first = files.by_normal.setdefault(normal(name), name)
        other = by_folded.setdefault(folded(name), name)
        if first != name:
            findings.add("names-differ-in-normalization", name, reason=first)
        elif other != name:
            findings.add("names-differ-in-case", name, reason=other)
        if bad := misread(name):
            findings.add("name-misread", name, reason=code_points(bad))
        elif bad := unseen(name):
            findings.add("name-unseen", name, reason=code_points(bad))
        if not is_portable(name):
            findings.add("path-not-portable", name, reason=name)
