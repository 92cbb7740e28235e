"""What an archive is held against, and how a target that answers at a URL is listed: by a census."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archive.audits import Comparison, Wish, audit
from archive.errors import Damaged, NotAnArchive
from archive.queries import Queries
from archive.store import Layout, read_description, snapshot
from harvester.cli.auditoptions import AuditOptions
from harvester.cli.output import say
from harvester.cli.params import pairs
from harvester.errors import UsageError
from harvester.exits import DAMAGED, FINDINGS, UNFINISHED, USAGE
from harvester.rest import paths_of_searches
from harvester.sources import Source, checked_url, own_source, own_source_at, single_sites, source_names

_SQL = Queries(__package__)

SPIDERS = ("oaipmh", "search", "exporter")


@dataclass(frozen=True, slots=True)
class Asked:
    """A target that is asked: by which spider, at which URL, and the source that says how, None where none is known.

    `site` is that of a platform, `hosts` more hosts that belong to it (with commas), "" without any.
    """

    spider: str
    url: str
    source: str | None
    site: str | None = None
    hosts: str = ""


def open_comparison(folder: Path, target: str, options: AuditOptions) -> AbstractContextManager[Comparison]:
    """Compare an archive with whatever a target names. Raises UsageError when it names nothing."""
    wish = Wish(options.by, tuple(_stated(text) for text in options.stated))
    path = Path(target)
    is_url = urlsplit(target).scheme in ("http", "https")
    if is_url or ((target in source_names() or target.endswith(".toml")) and not path.is_dir()):
        own = read_description(folder)["source"]
        asked = what_to_ask(target, options.via, oaipmh_first=bool(_channels(folder)), words=options.words, own=own)
        return _against_asked(folder, asked, options, wish)
    if options.via:
        raise UsageError(f"--via says how a URL or a source is asked, and {target} is neither")
    if target == "ledger":
        return audit.against_ledger(folder, wish)
    if audit.is_release(path):
        return audit.against_release(folder, path, wish)
    if path.is_dir():
        return audit.against_archive(folder, path, wish)
    if not path.exists():
        raise UsageError(f"{target} is no URL, no source, no file, no archive, and not the word ledger")
    return audit.against_file(folder, path, wish)


def what_to_ask(
    target: str,
    via: str | None,
    *,
    oaipmh_first: bool = True,
    words: Mapping[str, str] | None = None,
    own: Mapping[str, Any] | None = None,
) -> Asked:
    """The spider that lists a URL, or a source (name or file). Raises UsageError when it has no such endpoint.

    `words` are the arguments of the source (`site`, `hosts`); `own` the source in the archive's archive.json: what it
    says holds for URLs at its hosts, and its site for its platform.
    """
    words, described = dict(words or {}), own or {}
    hosts = words.get("hosts", "")
    if urlsplit(target).scheme not in ("http", "https"):
        mine = own_source(described)
        site = words.get("site") or (mine.get("site") if mine.get("source") == target else None)
        source = Source.named(target, site)
        known = [name for name in (SPIDERS if oaipmh_first else (*SPIDERS[1:], SPIDERS[0])) if name in source.parts]
        spider = via or next(iter(known), "")
        if spider not in known:
            raise UsageError(f"{target} has no endpoint that lists its records{f' as {via}' if via else ''}")
        return Asked(spider, source.parts[spider].url, target, site, hosts)
    url = checked_url(target)
    host = urlsplit(url).netloc.lower()
    sites = {name: source for name, source in single_sites().items() if host in source.own_hosts}
    for name, source in sites.items():
        for spider in SPIDERS:
            if via in (None, spider) and spider in source.parts and source.parts[spider].url == url:
                return Asked(spider, url, name, hosts=hosts)
    mine = own_source_at(described, host)
    spider = via or _spider_at(url)
    if mine:
        return Asked(spider, url, mine["source"], mine.get("site"), hosts)
    return Asked(spider, url, next(iter(sites), None), hosts=hosts)


def _spider_at(url: str) -> str:
    """By the path of a URL: what is not known to be a search or a list of dumps is an OAI-PMH endpoint."""
    path = urlsplit(url).path.rstrip("/")
    if path.endswith("/api/exporter"):
        return "exporter"
    return "search" if any(path.endswith(known) for known in paths_of_searches()) else "oaipmh"


def _stated(text: str) -> tuple[str, int, str | None]:
    """NAME=N or N. Raises UsageError."""
    name, _, number = text.rpartition("=")
    digits = number.strip().replace(",", "").replace("_", "")
    if not digits.isascii() or not digits.isdigit():
        raise UsageError(f"--stated {text}: write N, or NAME=N")
    return name.strip() or "stated", int(digits), None


# --- censuses


@contextmanager
def _against_asked(folder: Path, asked: Asked, options: AuditOptions, wish: Wish) -> Iterator[Comparison]:
    """By a census with the same spider as a harvest; in the archive itself when the URL is of its own source."""
    own = urlsplit(asked.url).netloc.lower() in read_description(folder)["source"].get("hosts", ())
    words, together = _words(folder, asked)
    elsewhere = None if own else Path(tempfile.mkdtemp(prefix="harvester-census-"))
    try:
        census = folder if elsewhere is None else elsewhere / "census"
        finished = _take_census(asked, census, words, options)
        wish = Wish(wish.by, (*wish.stated, *_counts(asked)))
        with audit.against_census(
            folder,
            asked.url,
            census,
            _last_census(census, asked),
            finished=finished,
            together=together,
            stamped=asked.spider == "oaipmh",
            wish=wish,
        ) as comparison:
            yield comparison
    finally:
        if elsewhere is not None:
            shutil.rmtree(elsewhere, ignore_errors=True)


def _counts(asked: Asked) -> tuple[tuple[str, int, str | None], ...]:
    """What somebody counted when the source's file was written."""
    counts = Source.named(asked.source, asked.site).counts if asked.source else None
    number = None if counts is None else counts.found if asked.spider == "search" else counts.listed
    return () if counts is None or number is None else ((f"[counts] of {asked.source}", number, counts.seen),)


def _words(folder: Path, asked: Asked) -> tuple[dict[str, str], bool]:
    """What the spider is told, and whether the archive's channels, of several kinds, are taken together."""
    named = {"source": asked.source, "site": asked.site, "hosts": asked.hosts}
    # what the target has lost is for the audit itself to say
    words = {"url": asked.url, "mode": "census", "accept-loss": "true"}
    words |= {name: value for name, value in named.items() if value}
    if asked.spider != "oaipmh":
        return words, True
    channels = _channels(folder)
    if not channels:
        prefixes = Source.of(asked.source, asked.url, site=asked.site).oaipmh
        return {**words, "prefix": prefixes.prefixes[0] if prefixes else "oai_dc"}, True
    whole = [(prefix, spec) for prefix, spec in channels if spec is None] or channels
    words["prefix"] = ",".join(dict.fromkeys(prefix for prefix, _ in whole))
    if sets := list(dict.fromkeys(spec for _, spec in whole if spec is not None)):
        words["set"] = ",".join(sets)
    return words, _has_others(folder)


def _take_census(asked: Asked, census: Path, words: dict[str, str], options: AuditOptions) -> bool:
    """List what a provider has. Returns whether all of it could be listed."""
    from harvester.crawl import crawl

    values = {"LOG_LEVEL": "WARNING", **pairs(options.settings)}
    if options.contact is not None:
        values["HARVEST_CONTACT"] = options.contact
    ending = crawl(asked.spider, {"archive": str(census), **words}, values)
    if ending.code == USAGE:
        raise UsageError(ending.sentence)
    if ending.code == DAMAGED:
        raise Damaged(ending.sentence)
    if ending.code == FINDINGS:
        say(f"harvester: the census of {asked.url} is {ending.sentence}", err=True)
    if ending.code == UNFINISHED:
        say(f"harvester: the census of {asked.url} is unfinished: {ending.sentence}", err=True)
    return ending.code != UNFINISHED


def _channels(folder: Path) -> list[tuple[str, str | None]]:
    """Prefix and set of what an archive has harvested over OAI-PMH; a whole list covers its sets."""
    read_description(folder)
    with snapshot(Layout(folder)) as ledger:
        rows = ledger.execute(_SQL["listed_channels"])
        return [(str(format_), spec) for format_, spec in rows]


def _has_others(folder: Path) -> bool:
    """Whether an archive has harvested in another way than by OAI-PMH."""
    with snapshot(Layout(folder)) as ledger:
        query = _SQL["has_other_channels"]
        return ledger.execute(query).fetchone() is not None


def _last_census(census: Path, asked: Asked) -> int:
    with snapshot(Layout(census)) as ledger:
        query = _SQL["last_census"]
        row = ledger.execute(query, (asked.spider,)).fetchone()
    if row[0] is None:
        raise NotAnArchive(f"{census} has no census; the provider gave nothing to compare with")
    return int(row[0])
