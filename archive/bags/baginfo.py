"""The text files of a bag (BagIt 1.0, RFC 8493): paths, manifest lines, fetch.txt and bag-info.txt, as text."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from urllib.parse import quote

from archive.errors import NotBaggable

DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PROFILE_IDENTIFIER = "urn:uuid:cfadec06-30ce-48ce-a5ba-6025a7a03f6f"
PROFILE_FILE = "bagit-profile.json"
ALGORITHMS = ("sha256", "sha512")
# lines of bag-info.txt are not longer than this (section 2.2.2)
LINE_MOST = 79

# what is counted here, or what a second value would make untrue
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
    """A path as manifests and fetch.txt have it: of all characters only %, CR and LF are encoded (section 2.1.3)."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def manifest(entries: Iterable[tuple[str, str]]) -> str:
    """A manifest of (digest, path), in the order given."""
    return "".join(f"{digest}  {encoded_path(path)}\n" for digest, path in entries)


def fetch_line(base: str, path: str, size_bytes: int) -> str:
    """A line of fetch.txt; `base` is the URL that stands for data/, with a slash at its end."""
    inside = path.removeprefix("data/")
    return f"{base}{quote(inside, safe='/~')} {size_bytes} {encoded_path(path)}\n"


def bag_info(labelled: Iterable[tuple[str, str]]) -> str:
    """bag-info.txt: a line for each label and value, long ones continued on lines that begin with a blank."""
    return "".join(_folded(label, value) + "\n" for label, value in labelled)


def _folded(label: str, value: str) -> str:
    """Broken where there is a blank. A line break counts as part of the value, the blanks after it do not."""
    first, *words = value.split(" ")
    lines = [f"{label}: {first}"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE_MOST:
            lines.append("")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def checked_info(given: Sequence[tuple[str, str]]) -> Info:
    """Labels and values that a person named. Raises NotBaggable for what bag-info.txt cannot hold, or is counted."""
    for label, value in given:
        if not _LABEL.fullmatch(label):
            raise NotBaggable(f"{label!r} is no label of bag-info.txt: no colon, no line end, no blank at either end")
        if (reason := _COUNTED.get(label.lower())) is not None:
            raise NotBaggable(f"{label} is written by itself ({reason}); leave it out")
        if not value.strip() or any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise NotBaggable(f"{label}: a value is one line of text that is not empty")
    return tuple((label, " ".join(value.split())) for label, value in given)


def merged_info(known: Iterable[tuple[str, str]], given: Info) -> Info:
    """What is known of itself, but what a person named takes its place; labels are the same whatever their case."""
    named = {label.lower() for label, _ in given}
    return (*given, *((label, value) for label, value in known if label.lower() not in named and value.strip()))


def checked_date(text: str) -> str:
    """A Bagging-Date, YYYY-MM-DD. Raises NotBaggable."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise NotBaggable(f"{text!r} is no date; write it as YYYY-MM-DD")


def shown_size(size_bytes: int) -> str:
    """A size for people, as Bag-Size has it: `2.1 GB`."""
    size, unit = float(size_bytes), 0
    while size >= 999.95 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size_bytes} B" if not unit else f"{size:.1f} {_UNITS[unit]}"
