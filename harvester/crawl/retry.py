"""What is asked again: unfinished runs by their own words, single ids that stand as refused or lost, and gaps. Pure.

A gap is filled in the channel that has it, where its ids can be asked for one by one: by the URL of a record, or by
GetRecord where there is only OAI-PMH. Otherwise the source may say how its records are had by their ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harvester.crawl.arguments import RETRY
from harvester.http import short_name
from harvester.sources import Source

# what a run is told again, as it stands in its identity
_WORDS = (
    "url",
    "prefix",
    "set",
    "from",
    "until",
    "ids",
    "accept",
    "oai",
    "query",
    "files",
    "version",
    "sample",
    "shard",
)
# why an id that is on both sides is asked for again; a datestamp that is older there is no reason to
STALE = ("newer there", "deleted there", "live there", "content differs", "datestamp differs")
_NOT_SETTLED = ("refused", "lost", "open")


@dataclass(frozen=True, slots=True)
class Step:
    """A crawl that asks again, and why."""

    spider: str
    words: dict[str, str]
    because: str


@dataclass(frozen=True, slots=True)
class Told:
    """A run as the ledger has it: `newest` of those with the same words, `channels` the names of those it asked in."""

    spider: str
    mode: str
    arguments: Mapping[str, Any]
    state: str
    newest: bool
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """What can be asked again, and in words what cannot."""

    steps: tuple[Step, ...]
    cannot: tuple[str, ...]


def ask_again(runs: Sequence[Told], unsettled: Mapping[str, Mapping[str, int]]) -> Again:
    """The crawls that ask again for what is open, lost or refused, and only that.

    `unsettled` has the states of each channel's ids after all runs. An unfinished run goes on by its own words; ids
    of other channels are asked for one by one.
    """
    steps, cannot = [], []
    going_on: set[str] = set()
    for run in runs:
        if not run.newest or run.state not in ("open", "unfinished"):
            continue
        if str(run.arguments.get("ids", "")).startswith("sha256:"):
            cannot.append("a run over a file of ids is unfinished: run its command again, with the same file")
            continue
        words = words_of(run.arguments) | ({"mode": run.mode} if run.mode != "full" else {})
        steps.append(Step(run.spider, words, f"unfinished ({run.state})"))
        going_on.update(run.channels)
    for channel, states in unsettled.items():
        counts = {state: states.get(state, 0) for state in _NOT_SETTLED if states.get(state, 0)}
        if counts and channel not in going_on:
            said = ", ".join(f"{count} {state}" for state, count in counts.items())
            words_again = _of_channel(channel, runs)
            if words_again is None:
                cannot.append(f"{channel}: {said}; they are not asked for one by one: run the same harvest again")
            else:
                steps.append(Step(channel.partition(":")[0], words_again, f"{channel}: {said}"))
    return Again(tuple(steps), tuple(cannot))


def words_of(arguments: Mapping[str, Any]) -> dict[str, str]:
    """The `-a` words that a run's identity was made of."""
    words = {}
    for name in _WORDS:
        value = arguments.get(name)
        if name == "shard" and value:
            words[name] = "/".join(map(str, value))
        elif isinstance(value, list):
            words |= {name: ",".join(map(str, value))} if value else {}
        elif value is not None:
            words[name] = str(value)
    return words


def _of_channel(channel: str, runs: Sequence[Told]) -> dict[str, str] | None:
    """The words that ask again for single ids of a channel, None where nobody can."""
    spider, _, name = channel.partition(":")
    run = next((run for run in reversed(runs) if channel in run.channels and run.spider == spider), None)
    if run is None:
        return None
    if spider == "oaipmh":
        prefix, _, spec = name.partition(":")
        return {"url": str(run.arguments["url"]), "prefix": prefix, "mode": RETRY} | ({"set": spec} if spec else {})
    if spider != "idrange":
        return None
    for form in run.arguments["accept"]:
        accept, _, url = str(form).partition(" at ")
        if short_name(accept) == name or len(run.arguments["accept"]) == 1:
            return {"url": url or str(run.arguments["url"]), "accept": accept, "mode": RETRY}
    return {"url": str(run.arguments["url"]), "accept": name, "mode": RETRY}


# --- the gaps that an audit names


@dataclass(frozen=True, slots=True)
class Gap:
    """An id that is missing or stale, and the channel that lacks it: PREFIX[:SET], or "" for any.

    `deleted` is its datestamp where the target lists it as deleted, None otherwise.
    """

    channel: str
    identifier: str
    deleted: str | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """A crawl that asks for some gaps: `whole` says that it takes identifiers as they are, else their local parts."""

    spider: str
    words: dict[str, str]
    gaps: tuple[Gap, ...]
    whole: bool


def fillings(gaps: Sequence[Gap], runs: Sequence[Told], source: Source | None) -> tuple[list[Filling], list[Gap]]:
    """The crawls that ask for the gaps, and those gaps that nobody can be asked for."""
    if (by_url := _by_url(runs)) is not None:
        return [Filling("idrange", by_url, tuple(gaps), whole=False)], []
    lists = _lists(runs)
    made = []
    rest = list(gaps)
    for channel, words in lists.items():
        mine = tuple(gap for gap in rest if gap.channel in (channel, ""))
        rest = [gap for gap in rest if gap.channel not in (channel, "")]
        if mine:
            made.append(Filling("oaipmh", words, mine, whole=True))
    single = _of_source(source) if source is not None else _below_search(runs)
    if rest and single is not None:
        made.append(Filling("idrange", single, tuple(rest), whole=False))
        rest = []
    return made, rest


def _by_url(runs: Sequence[Told]) -> dict[str, str] | None:
    """The words of the last harvest by id, without its ids."""
    run = next((run for run in reversed(runs) if run.spider == "idrange"), None)
    if run is None:
        return None
    words = words_of(run.arguments)
    accept = [str(form).partition(" at ") for form in run.arguments["accept"]]
    kept = {"url": words["url"], "accept": ",".join(type_ for type_, _, url in accept if not url)}
    if kept["accept"]:
        return kept
    type_, _, url = accept[0]
    return {"url": url, "accept": type_}


def _lists(runs: Sequence[Told]) -> dict[str, dict[str, str]]:
    """The words that ask for single records of each channel of OAI-PMH."""
    found = {}
    for run in runs:
        for channel in run.channels if run.spider == "oaipmh" else ():
            kind, _, name = channel.partition(":")
            if kind == "oaipmh":
                prefix, _, spec = name.partition(":")
                words = {"url": str(run.arguments["url"]), "prefix": prefix, "mode": "retry"}
                found[name] = words | ({"set": spec} if spec else {})
    return found


def _of_source(source: Source) -> dict[str, str] | None:
    """How a source has its records by id; an Invenio that says nothing of it has them below its search."""
    if source.idrange is not None:
        return {"url": source.idrange.url, "accept": source.idrange.channels[0].accept}
    if source.search is not None and source.search.style == "invenio":
        return {"url": f"{source.search.url}/{{id}}", "accept": source.search.accept}
    return None


def _below_search(runs: Sequence[Told]) -> dict[str, str] | None:
    """The records of an Invenio are below its search; which others are, is not known."""
    run = next((run for run in reversed(runs) if run.spider == "search"), None)
    if run is None or not str(run.arguments["url"]).endswith("/api/records"):
        return None
    return {"url": f"{run.arguments['url']}/{{id}}", "accept": str(run.arguments["accept"])}


def full_identifier(identifier: str, sample: str) -> str:
    """A local id as the identifiers of its repository are written, of which `sample` is one."""
    parts = sample.split(":", 2)
    if identifier.startswith("oai:") or len(parts) != 3 or parts[0] != "oai":
        return identifier
    return f"oai:{parts[1]}:{identifier}"


def summary(gaps: Mapping[str, int]) -> str:
    """What is asked for, in words."""
    return ", ".join(f"{count:,} {word}" for word, count in sorted(gaps.items())) or "nothing"
