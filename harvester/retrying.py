"""What is asked again: unfinished runs by their own words, and single ids that stand as refused or lost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harvester.arguments import RETRY
from harvester.mediatypes import short_name

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
