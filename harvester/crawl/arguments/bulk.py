"""Arguments of the spiders that take records in bulk: search and exporter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

from harvester.crawl.arguments.base import (
    COMMON,
    MODES,
    Arguments,
    Shard,
    bound,
    choice,
    flag,
    names,
    number,
    shard_of,
    source_and_archive,
)
from harvester.errors import UsageError
from harvester.http import essence, kind_of, short_name
from harvester.oaipmh import datestamps
from harvester.rest import PLAIN_JSON, PLATFORMS, STYLES, platform_of, style_of
from harvester.sources import Exporter, Search

SEARCH = COMMON | {"accept", "query", "from", "until", "style", "windows"}
EXPORTER = COMMON | {"files", "version"}


@dataclass(frozen=True, slots=True)
class SearchArguments(Arguments):
    """A harvest by a search API. `style` is the full name of its style, `name` that of its records' format."""

    endpoint: Search
    style: str
    accept: str
    name: str
    query: str
    from_: datetime | None
    until: datetime | None

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "url": self.endpoint.url,
            "accept": self.accept,
            "query": self.query,
            "from": datestamps.as_argument(self.from_) if self.from_ else None,
            "until": datestamps.as_argument(self.until) if self.until else None,
            "sample": self.sample,
            "shard": list(self.shard) if self.shard else None,
        }

    @property
    def limit(self) -> int | None:
        """How many results of one search are opened at most, None: all."""
        return self.endpoint.window if "window" in self.endpoint.model_fields_set else STYLES[self.style].window

    @property
    def channel(self) -> str:
        return f"{'census' if self.mode == 'census' else 'search'}:{self.name}"


@dataclass(frozen=True, slots=True)
class ExporterArguments(Arguments):
    """A harvest of a provider's own dump. `files` are keys of its list; `named` says that they were asked for by name.

    `version` is that of the files to take, None: the newest.
    """

    endpoint: Exporter
    files: tuple[str, ...]
    named: bool
    version: str | None

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "url": self.endpoint.url,
            "files": list(self.files),
            "version": self.version,
            "sample": self.sample,
            "shard": list(self.shard) if self.shard else None,
        }


def in_shard(identifier: str, shard: Shard | None) -> bool:
    """Whether a record of a dump is in part i of n."""
    return shard is None or crc32(identifier.encode()) % shard.parts == shard.part - 1


def parse_search(words: Mapping[str, str]) -> SearchArguments:
    """Read the arguments of the search spider. Raises UsageError naming the argument and what it takes."""
    source, archive = source_and_archive(words, "search", SEARCH)
    endpoint = source.search
    assert endpoint is not None
    style = style_of(choice(words, "style", PLATFORMS, _default_style(endpoint)), endpoint.url)
    from_, until, mode = bound(words, "from"), bound(words, "until"), choice(words, "mode", MODES)
    _check_bounds(style, from_, until, mode)
    accept = words.get("accept", endpoint.accept).strip()
    if not essence(accept) or kind_of(accept) != "json":
        raise UsageError(f"accept={accept[:60]!r}: a search gives its records inside a JSON page; name a JSON type")
    named = endpoint.name if accept == endpoint.accept else ""
    plain = STYLES[style].name if essence(accept) in PLAIN_JSON else ""
    return SearchArguments(
        source=source,
        archive=archive,
        mode=mode,
        sample=number(words, "sample"),
        shard=shard_of(words),
        windows=number(words, "windows") or 1,
        endpoint=endpoint,
        style=style,
        accept=accept,
        name=named or plain or short_name(accept),
        query=words.get("query", endpoint.query).strip(),
        from_=from_,
        until=until,
        accept_loss=flag(words, "accept-loss"),
    )


def _default_style(endpoint: Search) -> str:
    """The style that the source names; without a word of it, the platform whose path this is."""
    return endpoint.style if "style" in endpoint.model_fields_set else platform_of(endpoint.url)


def _check_bounds(style: str, from_: datetime | None, until: datetime | None, mode: str) -> None:
    known = STYLES[style]
    if from_ and until and from_ > until:
        raise UsageError("from= is after until=")
    if mode == "incremental" and (from_ or until):
        raise UsageError("mode=incremental takes its bounds from the last complete run; leave out from= and until=")
    if (until and not known.sliced) or ((from_ or mode == "incremental") and not (known.sliced or known.since)):
        raise UsageError(f"this search ({style}) cannot be bounded by date; leave out from=, until= and incremental")


def parse_exporter(words: Mapping[str, str]) -> ExporterArguments:
    """Read the arguments of the exporter spider. Raises UsageError naming the argument and what it takes."""
    source, archive = source_and_archive(words, "exporter", EXPORTER)
    endpoint = source.exporter
    assert endpoint is not None
    named = names(words.get("files", ""))
    own = (*endpoint.records, *([endpoint.deletions] if endpoint.deletions else []))
    return ExporterArguments(
        source=source,
        archive=archive,
        mode=choice(words, "mode", ("full", "census")),
        sample=number(words, "sample"),
        shard=shard_of(words),
        windows=1,
        endpoint=endpoint,
        files=named or own,
        named=bool(named),
        version=words.get("version") or None,
    )
