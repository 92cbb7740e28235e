"""`harvester crawl SOURCE`: the mix of a source, step by step, each in a process of its own, into one archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from archive.store import read_work
from harvester.cli.output import cell, print_table, say, table
from harvester.cli.plan import ask, count, size
from harvester.cli.plan import command as step_command
from harvester.cli.processes import run_again
from harvester.crawl import spider_class
from harvester.errors import HarvestError, UsageError
from harvester.exits import UNFINISHED
from harvester.http import Credentials, user_agent
from harvester.planning import Cost, from_counts, plan, step_cost
from harvester.sources import MixStep, Source
from harvester.text import estimated_duration


@dataclass(frozen=True, slots=True)
class Mix:
    """A source's steps, the words for each of them, and the archive they fill."""

    source: Source
    steps: tuple[MixStep, ...]
    words: tuple[dict[str, str], ...]
    archive: Path

    @classmethod
    def of(cls, name: str, given: Mapping[str, str]) -> "Mix":
        """Raises UsageError for a word that is wrong in any step, before the first one runs."""
        if not given.get("archive"):
            raise UsageError("name the archive: -a archive=DIR")
        source = Source.named(name, given.get("site"))
        steps = plan.steps_of(source)
        found = cls(source, steps, tuple(plan.words_of(steps, {**given, "source": name})), Path(given["archive"]))
        found.as_written()
        return found

    def as_written(self) -> list[plan.Words]:
        """Each step as its spider writes it into the ledger."""
        return [_as_written(step.spider, words) for step, words in zip(self.steps, self.words, strict=True)]

    def place(self) -> plan.Place:
        """Where the archive stands, by its ledger alone."""
        past = [
            plan.PastRun(work.run, plan.Words(work.spider, work.mode, work.arguments), work.state)
            for work in read_work(self.archive)
        ]
        return plan.place_in(self.as_written(), past)


def run_mix(name: str, given: Mapping[str, str], options: Sequence[str], contact: str | None, again: bool) -> int:
    """Run the steps that are still to be done; `options` go to each of them. Returns the worst exit code.

    Raises UsageError before anything is asked.
    """
    planned = Mix.of(name, given)
    user_agent(planned.source.own_hosts, contact or "")
    place = planned.place()
    if place.over and not again:
        say("harvester: every step of the mix is done; --again begins a new round", err=True)
        _show(planned, place, None)
        return plan.worst([plan.code_of(run) for run in place.runs])
    costs = _forecast(planned, contact or "")
    place, code = _take(planned, place.again(), options)
    _show(planned, place, costs)
    return plan.worst([code, *(plan.code_of(run) for run in place.runs)])


def _as_written(spider: str, words: Mapping[str, str]) -> plan.Words:
    arguments = spider_class(spider).read_arguments(words)
    # the ledger keeps JSON: tuples are lists there
    return plan.Words(spider, arguments.mode, orjson.loads(orjson.dumps(arguments.identity)))


def _forecast(planned: Mix, contact: str) -> tuple[Cost, ...]:
    """What each step should take, by the provider's answers, or without any by the counts in the source's file."""
    try:
        answers = ask(planned.source, contact)
    except HarvestError as error:
        say(f"harvester: the forecast is from the source's file: {error}", err=True)
        answers = from_counts(planned.source)
    token = Credentials.of(planned.source).has_token
    return tuple(step_cost(planned.source, answers, step, has_token=token) for step in planned.steps)


def _take(planned: Mix, place: plan.Place, options: Sequence[str]) -> tuple[plan.Place, int]:
    """Run step after step until a round is over or a step is not done. Returns the place then, and the last code."""
    while True:
        step, words = planned.steps[place.next], planned.words[place.next]
        say(f"harvester: step {place.next + 1} of {place.steps}, {step_command(step)}: {step.because}", err=True)
        arguments = [part for name, value in words.items() for part in ("-a", f"{name}={value}")]
        code = run_again(["crawl", step.spider, *arguments, *options])
        before, place = place, planned.place()
        if code not in (0, 1):
            return place, code
        if (place.rounds, place.next) == (before.rounds, before.next):
            say("harvester: the ledger does not show that step as done; see harvester status", err=True)
            return place, UNFINISHED
        if place.over:
            return place, code


# --- what is printed


def _show(planned: Mix, place: plan.Place, costs: tuple[Cost, ...] | None) -> None:
    """The forecast beside what happened, a line a step."""
    work = {found.run: found for found in read_work(planned.archive)}
    columns = ("requests", "forecast", "time", "forecast", "records", "forecast", "bytes kept", "to receive")
    made = table("step", "run", "ended", *columns, numbers=columns)
    for turn, step in enumerate(planned.steps):
        cost = costs[turn] if costs else None
        run = work[place.runs[turn].run] if turn < len(place.runs) else None
        made.add_row(
            *map(
                cell,
                (
                    step_command(step),
                    str(run.run) if run else "",
                    run.state if run else "not begun",
                    count(run.requests) if run else "",
                    count(cost.requests) if cost else "",
                    estimated_duration(run.seconds) if run else "",
                    estimated_duration(cost.seconds) if cost else "",
                    count(run.records) if run else "",
                    count(cost.records) if cost else "",
                    size(run.content_bytes) if run else "",
                    size(cost.bytes) if cost else "",
                ),
            )
        )
    print_table(made)
