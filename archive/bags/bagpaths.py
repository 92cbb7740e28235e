"""Paths as manifests of bags write them: decoded, and refused when they lead out of the bag (RFC 8493, 2.1.3, 5.1)."""

import re
import unicodedata
from dataclasses import dataclass

_CODED = re.compile(r"%(0[AaDd]|25)")
_LINE_ENDS = re.compile(r"%(0[AaDd])")
_LOOSE_PERCENT = re.compile(r"%(?!0[AaDd]|25)")
# `..` as a part, whatever separates parts; what is absolute, on any system; a home folder; a URL
_ESCAPES = re.compile(r"(^|[/\\])\.\.([/\\]|\Z)|^[/\\~]|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*://|\x00|\A\Z")
_NOT_PLAIN = re.compile(r"(^|/)\.?(/|\Z)")
# what Windows cannot have in a name, or takes for a device; what is too long for a name
_NOT_PORTABLE = re.compile(
    r'[<>:"|?*\\\x00-\x1f]|[ .](/|\Z)|(^|/)(CON|PRN|AUX|NUL|(COM|LPT)[0-9¹²³])(\.[^/]*)?(/|\Z)|[^/]{256}', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ListedPath:
    """A path of a manifest: `name` is what it means, `raw` is it before percent-decoding, without a leading ./"""

    name: str
    raw: str
    dot_slash: bool
    loose_percent: bool


def read_path(text: str, *, percent: bool) -> ListedPath | None:
    """Decode a path; None when it leads out of the bag, wherever it is read.

    With `percent` (BagIt 1.0) %25 stands for a percent sign; before, only line ends were encoded.
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
    """Whether a path is written in one way only: no empty part, no `.` as a part."""
    return _NOT_PLAIN.search(path) is None


def is_portable(path: str) -> bool:
    """Whether other systems can hold a path: no character or device that Windows refuses, no outer dots or spaces."""
    if _NOT_PORTABLE.search(path):
        return False
    return path.isascii() or not any(len(part.encode()) > 255 for part in path.split("/"))


def normal(path: str) -> str:
    """The form in which two names are the same in spite of their Unicode normalisation."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def folded(path: str) -> str:
    """The form in which two names are the same on a system that does not tell upper from lower case."""
    return normal(path).casefold()
