"""The mix of channels that harvests a source, and how far an archive has come with it. Pure: values in, values out.

A round is all steps of a mix, one after the other. The ledger alone says where a round stands: its runs of the same
words, in their order, are walked along the steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harvester.errors import UsageError
from harvester.sources import MixStep, Source

# words that every step is given; those of one spider alone are written SPIDER.name=value
SHARED = frozenset({"archive", "source", "site", "sample", "shard"})
ENDED = ("complete", "findings")
# how bad an exit code is, the worst last: 2 and 4 end a round at once, 3 leaves it to the same command again
WORST = (0, 1, 3, 2, 4)
ENDS_ROUND = frozenset({2, 3, 4})


@dataclass(frozen=True, slots=True)
class Words:
    """A step as its spider would write it into the ledger: two runs of the same words are the same step."""

    spider: str
    mode: str
    identity: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run of the ledger."""

    run: int
    words: Words
    state: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an archive stands in a mix: how many rounds are over, which step is next, and the runs of this round.

    `runs` has one run for each step that has one. When a round is over and no other is begun, they are that
    round's, and `next` is the number of steps.
    """

    steps: int
    rounds: int = 0
    next: int = 0
    runs: tuple[PastRun, ...] = ()

    @property
    def over(self) -> bool:
        return self.next == self.steps

    def again(self) -> "Place":
        """The beginning of a new round, where one is over; a round that is under way goes on."""
        return replace(self, next=0, runs=()) if self.over else self


def steps_of(source: Source) -> tuple[MixStep, ...]:
    """The mix that a source names, without what a site that was not named would need; else the one that fits it.

    Without a word of the source: its dump and what changed since; or the list of OAI-PMH; or what its search finds.
    Raises UsageError when nothing is left, as where there are only ids that nobody lists.
    """
    parts = source.parts
    if named := tuple(step for step in source.mix if step.spider in parts):
        return named
    if "exporter" in parts:
        dump = MixStep(spider="exporter", because="the provider's own dump is the fewest requests")
        tail = MixStep(spider="oaipmh", arguments={"mode": "incremental"}, because="what changed since that dump")
        return (dump, tail) if "oaipmh" in parts else (dump,)
    if "oaipmh" in parts:
        return (MixStep(spider="oaipmh", because="OAI-PMH lists the records themselves"),)
    if "search" in parts:
        return (MixStep(spider="search", because="there is no OAI-PMH endpoint"),)
    raise UsageError(
        f"source {source.name or source.url} has only ids, and no list of them: say which ids, "
        "harvester crawl idrange -a source=… -a ids=1-5000"
    )


def words_of(steps: Sequence[MixStep], given: Mapping[str, str]) -> list[dict[str, str]]:
    """The arguments of each step: what all share, what the mix says, and what was given for its spider.

    Raises UsageError for a word that is neither shared nor of the form SPIDER.name=value for a spider of the mix.
    """
    spiders = {step.spider for step in steps}
    for name in given:
        spider, dot, _ = name.partition(".")
        if name not in SHARED and not (dot and spider in spiders):
            raise UsageError(
                f"{name}= is no argument of a mix; known are {', '.join(sorted(SHARED))}, "
                f"and for one of its spiders {', '.join(f'{spider}.NAME=' for spider in sorted(spiders))}"
            )
    shared = {name: value for name, value in given.items() if name in SHARED}
    return [{**shared, **step.arguments, **_own(step.spider, given)} for step in steps]


def _own(spider: str, given: Mapping[str, str]) -> dict[str, str]:
    return {name.partition(".")[2]: value for name, value in given.items() if name.startswith(f"{spider}.")}


def place_in(steps: Sequence[Words], past: Sequence[PastRun]) -> Place:
    """How far the runs of a ledger, in their order, have come along the steps."""
    place = Place(len(steps))
    for run in past:
        at = 0 if place.over else place.next
        if run.words == steps[at]:
            ended = run.state in ENDED
            rounds = place.rounds + (ended and at + 1 == len(steps))
            place = Place(len(steps), rounds, at + ended, (*place.runs[:at], run))
    return place


def worst(codes: Sequence[int]) -> int:
    """The worst of some exit codes; 0 of none."""
    return max(codes, key=WORST.index, default=0)


def code_of(run: PastRun) -> int:
    """The exit code that a run of the ledger stands for."""
    return {"complete": 0, "findings": 1}.get(run.state, 3)
