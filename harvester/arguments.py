"""Arguments of a spider (`-a name=value`), read and checked before anything is asked or written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from harvester import datestamps
from harvester.errors import UsageError
from harvester.sources import Source

MODES = ("full", "incremental", "census")
SLICES = ("auto", "day", "month", "year")
KNOWN = frozenset(
    {
        "url",
        "source",
        "prefix",
        "set",
        "from",
        "until",
        "mode",
        "archive",
        "sample",
        "shard",
        "windows",
        "slices",
    }
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """A harvest as it was asked for. `from_` and `until` are None where there is no bound."""

    source: Source
    archive: Path
    prefixes: tuple[str, ...]
    sets: tuple[str, ...]
    from_: datetime | None
    until: datetime | None
    mode: str
    sample: int | None
    shard: tuple[int, int] | None
    windows: int
    slices: str

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two harvests the same one: a harvest is resumed by the same words."""
        bounds = [datestamps.as_argument(bound) if bound else None for bound in (self.from_, self.until)]
        return {
            "url": self.source.url, "prefix": list(self.prefixes), "set": list(self.sets), "from": bounds[0],
            "until": bounds[1], "sample": self.sample, "shard": list(self.shard) if self.shard else None,
        }  # fmt: skip

    @property
    def channels(self) -> list[tuple[str, str | None]]:
        """(prefix, set) of each list that is harvested and counted apart; set None is the whole repository."""
        return [(prefix, spec) for prefix in self.prefixes for spec in (self.sets or (None,))]


def parse_arguments(words: Mapping[str, str]) -> Arguments:
    """Read the arguments of the oaipmh spider. Raises UsageError naming the argument and what it takes."""
    if unknown := sorted(set(words) - KNOWN):
        raise UsageError(f"unknown argument {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}")
    if not words.get("archive"):
        raise UsageError("name the archive: -a archive=DIR")
    source = Source.of(words.get("source"), words.get("url"))
    from_, until = _bound(words, "from"), _bound(words, "until")
    if from_ and until and from_ > until:
        raise UsageError(f"from={words['from']} is after until={words['until']}")
    mode = _choice(words, "mode", MODES)
    if mode == "incremental" and (from_ or until):
        raise UsageError("mode=incremental takes its bounds from the last complete run; leave out from= and until=")
    return Arguments(
        source=source,
        archive=Path(words["archive"]),
        prefixes=_names(words.get("prefix", "")) or source.prefixes,
        sets=_names(words.get("set", "")) or source.sets,
        from_=from_,
        until=until,
        mode=mode,
        sample=_number(words, "sample"),
        shard=_shard(words.get("shard")),
        windows=_number(words, "windows") or source.windows,
        slices=_choice(words, "slices", SLICES, source.slices),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _choice(words: Mapping[str, str], name: str, known: tuple[str, ...], default: str | None = None) -> str:
    value = words.get(name, default or known[0])
    if value not in known:
        raise UsageError(f"{name}={value} is not known; choose one of {', '.join(known)}")
    return value


def _number(words: Mapping[str, str], name: str) -> int | None:
    if (text := words.get(name)) is None:
        return None
    if not (number := _whole(text)):
        raise UsageError(f"{name}={text[:40]} is not a whole number of 1 or more")
    return number


def _whole(text: str) -> int:
    """A number of 1 to 12 digits; 0 for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, second = text.partition("/")
    number, parts = _whole(first), _whole(second)
    if not 1 <= number <= parts:
        raise UsageError(f"shard={text[:40]} is not of the form i/n with 1 <= i <= n, such as 2/8")
    return number, parts


def _bound(words: Mapping[str, str], name: str) -> datetime | None:
    """A datestamp in either granularity; a day given as `until` is meant to its last second."""
    if (text := words.get(name)) is None:
        return None
    moment = datestamps.parse(text)
    if moment is None or len(text) not in (10, 20):
        raise UsageError(f"{name}={text} is no datestamp; write YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ (UTC)")
    return moment + timedelta(seconds=86399) if name == "until" and len(text) == 10 else moment
