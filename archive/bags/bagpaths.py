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
# what str.splitlines takes for the end of a line, but CR and LF, which manifests encode
_LINE_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# what strip and trim of several languages take away at the end of a line, beside Unicode's white space
_TRIMMED = "\ufeff\u180e\u200b\x00"


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


def misread(path: str) -> str:
    """The characters of a path at which readers of manifests end it: line breaks of Unicode, and blanks at its end."""
    end = len(path)
    while end and (path[end - 1].isspace() or path[end - 1] in _TRIMMED):
        end -= 1
    found = [character for character in path[:end] if character in _LINE_BREAKS]
    # CR and LF at the end are encoded, and so are none
    return "".join([*found, *(character for character in path[end:] if character not in "\r\n")])


def unseen(path: str) -> str:
    """The characters of a path that nobody sees, or sees as another one: blanks beside the space, controls, marks."""
    return "".join(one for one in path if one not in "\r\n" and one != " " and not one.isprintable())


def code_points(text: str) -> str:
    """Characters by their numbers: `U+00A0, U+2028`, each once."""
    return ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in text))


def safe_path(path: str) -> str:
    """A path without what is misread or unseen: each such character as its number, `_u2028_`; so are outer dots."""
    bad = set(misread(path)) | set(unseen(path))
    parts = []
    for part in path.split("/"):
        kept = part.rstrip(". ") if set(part) - {".", " "} else part
        end = "".join(f"_u{ord(one):04x}_" for one in part[len(kept) :])
        parts.append("".join(f"_u{ord(one):04x}_" if one in bad - {" "} else one for one in kept) + end)
    return "/".join(parts)


def normal(path: str) -> str:
    """The form in which two names are the same in spite of their Unicode normalisation."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def folded(path: str) -> str:
    """The form in which two names are the same on a system that does not tell upper from lower case."""
    return normal(path).casefold()
