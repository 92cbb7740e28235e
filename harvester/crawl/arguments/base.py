"""Arguments of a spider (`-a name=value`), read and checked before anything is asked or written."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from archive.disk import sha256_of
from archive.errors import ArchiveError
from harvester.errors import UsageError
from harvester.oaipmh import datestamps
from harvester.sources import Oaipmh, Source

# asks again, in its channels, for what is refused, lost or open there
RETRY = "retry"
MODES = ("full", "incremental", "census", RETRY)
SLICES = ("auto", "day", "month", "year")
# of every spider
COMMON = frozenset({"url", "source", "site", "hosts", "mode", "archive", "sample", "shard", "accept-loss"})
KNOWN = COMMON | {"prefix", "set", "from", "until", "windows", "slices", "ids"}


class Shard(NamedTuple):
    """Part `part` of `parts` of a harvest, counted from 1: `shard=2/8`."""

    part: int
    parts: int

    @property
    def is_last(self) -> bool:
        """Return whether no part follows."""
        return self.part == self.parts


@dataclass(frozen=True, slots=True)
class Arguments(ABC):
    """A harvest as it was asked for, by whatever spider. `windows` is how many requests may be open at once.

    `accept_loss`: records held live may be found gone in bulk. It is no part of the identity: the run that ended
    unfinished for such a loss is resumed with it.
    """

    source: Source
    archive: Path
    mode: str
    sample: int | None
    shard: Shard | None
    windows: int
    accept_loss: bool = field(default=False, kw_only=True)

    @property
    def parts(self) -> int:
        """Return how many parts the harvest is divided into, of which this is one."""
        return self.shard.parts if self.shard is not None else 1

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What makes two harvests the same one: a harvest is resumed by the same words."""


@dataclass(frozen=True, slots=True)
class OaipmhArguments(Arguments):
    """A harvest by OAI-PMH. `from_` and `until` are None where there is no bound.

    `file` names the ids that mode=retry asks for, with its SHA-256; None: those that the ledger knows of.
    """

    endpoint: Oaipmh
    prefixes: tuple[str, ...]
    sets: tuple[str, ...]
    from_: datetime | None
    until: datetime | None
    slices: str
    file: Path | None = None
    file_sha256: str | None = None

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "url": self.endpoint.url,
            "prefix": list(self.prefixes),
            "set": list(self.sets),
            "from": datestamps.as_argument(self.from_) if self.from_ else None,
            "until": datestamps.as_argument(self.until) if self.until else None,
            "sample": self.sample,
            "shard": list(self.shard) if self.shard else None,
        } | ({"ids": f"sha256:{self.file_sha256}"} if self.file else {})

    @property
    def channels(self) -> list[tuple[str, str | None]]:
        """(prefix, set) of each list that is harvested and counted apart; set None is the whole repository."""
        return [(prefix, spec) for prefix in self.prefixes for spec in (self.sets or (None,))]


def parse_arguments(words: Mapping[str, str]) -> OaipmhArguments:
    """Read the arguments of the oaipmh spider. Raises UsageError naming the argument and what it takes."""
    source, archive = source_and_archive(words, "oaipmh", KNOWN)
    assert source.oaipmh is not None
    from_, until = bound(words, "from"), bound(words, "until")
    if from_ and until and from_ > until:
        raise UsageError(f"from={words['from']} is after until={words['until']}")
    mode = choice(words, "mode", MODES)
    if mode == "incremental" and (from_ or until):
        raise UsageError("mode=incremental takes its bounds from the last complete run; leave out from= and until=")
    file = _file(words, mode)
    return OaipmhArguments(
        source=source,
        archive=archive,
        mode=mode,
        sample=number(words, "sample"),
        shard=shard_of(words),
        windows=number(words, "windows") or source.oaipmh.windows,
        endpoint=source.oaipmh,
        prefixes=names(words.get("prefix", "")) or source.oaipmh.prefixes,
        sets=names(words.get("set", "")) or source.oaipmh.sets,
        from_=from_,
        until=until,
        slices=choice(words, "slices", SLICES, source.oaipmh.slices),
        file=file,
        file_sha256=digest_of(file) if file else None,
        accept_loss=flag(words, "accept-loss"),
    )


def _file(words: Mapping[str, str], mode: str) -> Path | None:
    """The file that `ids=@FILE` names, None without it."""
    if (text := words.get("ids")) is None:
        return None
    if mode != RETRY or not text.startswith("@") or len(text) == 1:
        raise UsageError("ids=@FILE is for mode=retry, which asks for these ids one by one (GetRecord)")
    return Path(text[1:])


def digest_of(file: Path) -> str:
    """What makes a file of ids the same one when a run is resumed. Raises UsageError when it cannot be read."""
    try:
        return sha256_of(file)
    except (OSError, ArchiveError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"ids=@{file}: {reason}") from None


def source_and_archive(words: Mapping[str, str], part: str, known: frozenset[str]) -> tuple[Source, Path]:
    """What every spider is told: the source, with the endpoint `part` in it, and the archive's folder.

    Raises UsageError, also for a word that is not among the `known`.
    """
    if unknown := sorted(set(words) - known):
        raise UsageError(f"unknown argument {unknown[0]!r}; known are {', '.join(sorted(known))}")
    if not words.get("archive"):
        raise UsageError("name the archive: -a archive=DIR")
    source = Source.of(words.get("source"), words.get("url"), part, words.get("site"))
    return source.with_hosts(names(words.get("hosts", ""))), Path(words["archive"])


def names(text: str) -> tuple[str, ...]:
    """The members of a list with commas, once each."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def choice(words: Mapping[str, str], name: str, known: tuple[str, ...], default: str | None = None) -> str:
    """One of the known values of an argument; the first where it is not given."""
    value = words.get(name, default or known[0])
    if value not in known:
        raise UsageError(f"{name}={value} is not known; choose one of {', '.join(known)}")
    return value


def flag(words: Mapping[str, str], name: str) -> bool:
    """`true` or `false`; false where it is not given."""
    return choice(words, name, ("false", "true")) == "true"


def number(words: Mapping[str, str], name: str) -> int | None:
    """A whole number of 1 or more, None where it is not given."""
    if (text := words.get(name)) is None:
        return None
    if not (value := _whole(text)):
        raise UsageError(f"{name}={text[:40]} is not a whole number of 1 or more")
    return value


def _whole(text: str) -> int:
    """A number of 1 to 12 digits; 0 for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def shard_of(words: Mapping[str, str]) -> Shard | None:
    """Parse `shard=i/n`, None when it is not given."""
    if (text := words.get("shard")) is None:
        return None
    first, _, second = text.partition("/")
    part, parts = _whole(first), _whole(second)
    if not 1 <= part <= parts:
        raise UsageError(f"shard={text[:40]} is not of the form i/n with 1 <= i <= n, such as 2/8")
    return Shard(part, parts)


def bound(words: Mapping[str, str], name: str) -> datetime | None:
    """A datestamp in either granularity; a day given as `until` is meant to its last second."""
    if (text := words.get(name)) is None:
        return None
    moment = datestamps.parse(text)
    if moment is None or len(text) not in (10, 20):
        raise UsageError(f"{name}={text} is no datestamp; write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ (UTC)")
    return moment + timedelta(seconds=86399) if name == "until" and len(text) == 10 else moment
