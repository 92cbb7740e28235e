"""The files that a record declares, as values: a file, a list of files, and how sizes and names are parsed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from archive.files.checksums import Checksum

_SIZE = re.compile(r"\s*(\d{1,18})(?:\.0+)?\s*(?:b|bytes?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One file of a record. `size` in bytes, `checksum` and `media_type` are None if they are not declared.

    `is_link`: the metadata only links to it, so that it may be on any host; files that a repository lists are its own.
    """

    key: str
    url: str
    size: int | None = None
    checksum: Checksum | None = None
    media_type: str | None = None
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of a record. `ask` is the URL where its repository lists them if the record does not; else None.

    `unusable` counts entries that name no file, or no URL for it. `silent`: the record says nothing about files, which
    most formats cannot; this does not mean that it has none.
    """

    files: tuple[RecordFile, ...] = ()
    ask: str | None = None
    unusable: int = 0
    silent: bool = False


SILENT = FileList(silent=True)


class NotAList(ValueError):
    """A response that lists no files; `str()` says why."""


def file_list(entries: Iterable[RecordFile | None]) -> FileList:
    """Collect files by key; duplicates count once, and another file of the same name gets its URL added to its key."""
    seen: dict[str, RecordFile] = {}
    unusable = 0
    for file in entries:
        if file is None:
            unusable += 1
        elif seen.setdefault(file.key, file).url != file.url:
            key = f"{file.key} ({file.url})"
            seen.setdefault(key, replace(file, key=key))
    return FileList(tuple(seen.values()), unusable=unusable)


def or_silent(found: FileList) -> FileList:
    """Return `found`, or SILENT if it is empty: for formats that say nothing about files unless they name some."""
    return found if found.files or found.unusable else SILENT


def size_of(value: Any) -> int | None:
    """Parse a number of bytes, a string or a number; None for anything else."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value)):
        return int(found[1])
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18 else None


def is_http(url: str) -> bool:
    """Return whether a text starts like an HTTP URL; it may be invalid all the same ("http://[x")."""
    return url.lower().startswith(("http://", "https://"))


def joined(base: str, url: str) -> str:
    """Resolve a URL against its base; returns it unchanged if one of them is invalid."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def last_part(url: str) -> str:
    """Return the name of a file at a URL: the last part of its path, or the host without a path."""
    path = path_of_url(url)
    return unquote(path.rstrip("/").rpartition("/")[2]) or url.partition("://")[2].partition("/")[0]


def path_of_url(url: str) -> str:
    """Return the path of a URL, or all of it if it is invalid."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url
