"""What a record says of its files, as values: a file, a list of them, and how their sizes and names are read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from archive.files.checksums import Checksum

_SIZE = re.compile(r"\s*(\d{1,18})(?:\.0+)?\s*(?:b|bytes?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One file of a record. `size` in bytes, `checksum` and `media_type` are None where they are not stated.

    `is_link`: the metadata only links to it, so that it may lie anywhere; files that a repository lists are its own.
    """

    key: str
    url: str
    size: int | None = None
    checksum: Checksum | None = None
    media_type: str | None = None
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of a record. `ask` is where its repository lists them, when the record itself does not; else None.

    `unusable` counts entries of its list that name no file, or no place to ask for it. `silent`: the record says
    nothing of files, as most forms cannot, which is not to say that it has none.
    """

    files: tuple[RecordFile, ...] = ()
    ask: str | None = None
    unusable: int = 0
    silent: bool = False


SILENT = FileList(silent=True)


class NotAList(ValueError):
    """An answer that lists no files; `str()` says why."""


def file_list(entries: Iterable[RecordFile | None]) -> FileList:
    """Files by key; the same one twice counts once, another of the same name is called by its URL as well."""
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
    """For a form that says nothing of files where it names none."""
    return found if found.files or found.unusable else SILENT


def size_of(value: Any) -> int | None:
    """A number of bytes, however it is written; None for anything else."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value)):
        return int(found[1])
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18 else None


def is_http(url: str) -> bool:
    """Whether it says that it is one; it may be no URL for all that ("http://[x")."""
    return url.lower().startswith(("http://", "https://"))


def joined(base: str, url: str) -> str:
    """A URL as its base makes it; as it stands where one of them is none."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def last_part(url: str) -> str:
    """What a file at a URL is called: the last part of its path, or the host where there is none."""
    path = path_of_url(url)
    return unquote(path.rstrip("/").rpartition("/")[2]) or url.partition("://")[2].partition("/")[0]


def path_of_url(url: str) -> str:
    """The path of a URL; of one that is none all of it."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url
