"""Which files of the records are wanted (`-a files=true` or a filter), and the arguments of the files spider."""

import contextlib
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from archive.files import RecordFile
from archive.store import read_description
from harvester.crawl.arguments.base import Arguments, names, number
from harvester.errors import UsageError
from harvester.http import essence
from harvester.sources import Source, own_source
from harvester.text import parse_size

KNOWN = frozenset({"archive", "source", "site", "hosts", "files", "downloads", "sample"})
# of these the files spider is told what the record spider was told
SHARED = ("archive", "source", "site", "hosts")
ALL = "true"
# so many downloads are under way at once where nobody says how many
DOWNLOADS = 4
_PART = re.compile(r"\s*(size|type|set|key)\s*(<=|>=|!=|=|<|>)\s*(\S.*?)\s*")
_ALLOWED = (
    "it is true, or conditions with commas between them: size<=100MB (also < > >= =; kB MB GB TB, KiB MiB GiB TiB), "
    "type=application/pdf or type=text/*, set=SPEC, key=*.csv, each of the last three also with !="
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: `name` is size, type, set or key; `value` a number of bytes for size, else a pattern."""

    name: str
    sign: str
    value: str | int

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.value}"


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Conditions on files; none takes every file.

    All must hold, but of several with = for one of type, set and key one is enough. A file whose size is not stated
    passes no condition of size; one whose media type is not stated has that of its name.
    """

    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(str, self.conditions)) or ALL

    def takes(self, file: RecordFile, sets: Iterable[str]) -> bool:
        """Whether a file of a record in these sets is wanted."""
        return not self._against(file, tuple(sets))

    def unsaid(self, file: RecordFile, sets: Iterable[str]) -> str | None:
        """What is not known of a file that is not wanted for that alone: size, type or set; else None."""
        specs = tuple(sets)
        known = {"size": file.size is not None, "type": bool(media_type_of(file)), "set": bool(specs), "key": True}
        against = self._against(file, specs)
        return against[0] if against and not any(known[name] for name in against) else None

    def _against(self, file: RecordFile, specs: tuple[str, ...]) -> list[str]:
        """The names of conditions that do not hold."""
        against = []
        for name in ("set", "type", "size", "key"):
            mine = [one for one in self.conditions if one.name == name]
            either = [one for one in mine if one.sign == "=" and name != "size"]
            held = [_holds(one, file, specs) for one in mine if one not in either]
            if either:
                held.append(any(_holds(one, file, specs) for one in either))
            if not all(held):
                against.append(name)
        return against


def parse_filter(text: str) -> FileFilter:
    """Read `files=`. Raises UsageError saying what is allowed."""
    if text.strip().lower() == ALL:
        return FileFilter()
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise UsageError(f"files= says nothing; {_ALLOWED}")
    return FileFilter(tuple(map(_condition, parts)))


def split_files(text: str) -> tuple[str, str]:
    """`files=` of the exporter, which names the files of a dump, those of the records, or both: (names, filter)."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    mine = [part for part in parts if part.lower() == ALL or _PART.fullmatch(part)]
    conditions = [part for part in mine if part.lower() != ALL]
    wanted = ",".join(conditions) or (ALL if mine else "")
    return ",".join(part for part in parts if part not in mine), wanted


@dataclass(frozen=True, slots=True)
class FilesArguments(Arguments):
    """A harvest of the files of the records that an archive holds; `windows` is how many are fetched at once.

    `named` are the words that named the source, as given.
    """

    wanted: FileFilter
    named: dict[str, str]

    @property
    def identity(self) -> dict[str, Any]:
        """A harvest of files is resumed by the same filter, whatever it was that the records were harvested with."""
        return identity_of(self.wanted, self.named, self.sample)


def identity_of(wanted: FileFilter, named: Mapping[str, str], sample: int | None) -> dict[str, Any]:
    """What makes two harvests of files the same one."""
    return {"files": str(wanted), **dict(sorted(named.items())), "sample": sample}


def parse_files(words: Mapping[str, str]) -> FilesArguments:
    """Read the arguments of the files spider. Raises UsageError; NotAnArchive where there is no archive yet."""
    if unknown := sorted(set(words) - KNOWN):
        raise UsageError(f"unknown argument {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}")
    if not words.get("archive"):
        raise UsageError("name the archive: -a archive=DIR")
    archive, wanted = Path(words["archive"]), parse_filter(words.get("files", ALL))
    description = read_description(archive)["source"]
    return FilesArguments(
        source=_source(words, description),
        archive=archive,
        mode="full",
        sample=number(words, "sample"),
        shard=None,
        windows=number(words, "downloads") or DOWNLOADS,
        wanted=wanted,
        named=named_in(words),
    )


def named_in(words: Mapping[str, str]) -> dict[str, str]:
    """The words that name the source of files."""
    return {name: words[name] for name in ("source", "site", "hosts") if words.get(name)}


def _source(words: Mapping[str, str], description: Mapping[str, Any]) -> Source:
    """The source that is named; else the one that the archive was harvested from; else the archive's own hosts."""
    held = frozenset(str(host).lower() for host in description.get("hosts", ()))
    more = names(words.get("hosts", ""))
    if words.get("source"):
        return Source.named(words["source"], words.get("site")).with_hosts((*sorted(held), *more))
    own = own_source(description)
    if own:
        with contextlib.suppress(UsageError):  # its file is not where it was; the hosts are known
            return Source.named(own["source"], own.get("site")).with_hosts((*sorted(held), *more))
    url = str(description.get("url") or "")
    values: dict[str, Any] = {"name": description.get("name") or "", "homepage": url}
    return Source.checked({**values, "hosts": sorted(held)}, "archive.json").with_hosts(more)


# --- conditions


def _condition(text: str) -> Condition:
    found = _PART.fullmatch(text)
    if found is None:
        raise UsageError(f"files={text[:80]} cannot be read; {_ALLOWED}")
    name, sign, value = found.groups()
    if name != "size":
        if sign not in ("=", "!="):
            raise UsageError(f"files={text[:80]}: {name} goes with = and != only; {_ALLOWED}")
        return Condition(name, sign, value)
    if sign == "!=":
        raise UsageError(f"files={text[:80]}: size goes with < > <= >= and = only; {_ALLOWED}")
    try:
        return Condition(name, sign, parse_size(value, f"files={text[:80]}: size", least=0))
    except UsageError as error:
        raise UsageError(f"{error}; {_ALLOWED}") from None


def _holds(one: Condition, file: RecordFile, sets: tuple[str, ...]) -> bool:
    if isinstance(one.value, int):
        return file.size is not None and _compared(file.size, one.sign, one.value)
    if one.name == "type":
        holds = fnmatchcase(media_type_of(file), one.value.lower())
    elif one.name == "set":
        holds = any(spec == one.value or spec.startswith(f"{one.value}:") for spec in sets)
    else:
        holds = fnmatchcase(file.key, one.value)
    return holds == (one.sign == "=")


def _compared(size: int, sign: str, value: int) -> bool:
    match sign:
        case "<=":
            return size <= value
        case ">=":
            return size >= value
        case "<":
            return size < value
        case ">":
            return size > value
    return size == value


def media_type_of(file: RecordFile) -> str:
    """The media type that is stated, else the one that its name stands for; "" where neither says."""
    stated = essence(file.media_type or "")
    return stated or mimetypes.guess_type(file.key, strict=False)[0] or ""
