"""`harvester plan SOURCE`: what a harvest would take, before it is begun."""

from collections.abc import Mapping
from typing import Any

import click

from archive.formats import size_text
from harvester.cli.output import cell, print_json, print_table, say, table
from harvester.cli.params import Command, pairs
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS
from harvester.http import Asker, Credentials, user_agent
from harvester.planning import Answers, Cost, channel_costs, from_counts, step_cost, survey, total
from harvester.planning.plan import steps_of
from harvester.rest import IdRanges
from harvester.sources import MixStep, Source
from harvester.text import estimated_duration

KNOWN = frozenset({"site", "url", "ids"})


@click.command(cls=Command)
@click.argument("source")
@click.option(
    "-a",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="site=URL of a platform, url=OAI-PMH base URL, ids=1-5000 to probe",
)
@click.option("--contact", default="", help="e-mail address or URL that goes into User-Agent")
@click.option("--offline", is_flag=True, help="ask nothing: reckon with the counts in the source's file")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def plan(source: str, arguments: tuple[str, ...], contact: str, offline: bool, as_json: bool) -> int:
    """Say what harvesting SOURCE (a name or a file) would take by each of its channels, and which mix it would be.

    Asks a few cheap questions: Identify, the size of its lists, the total of its search, the listing of its dumps.

    Exit codes: 0 done, 1 some question was not answered, 2 usage, 3 no answer at all.
    """
    words = pairs(arguments)
    found = named_source(source, words)
    has_token = Credentials.of(found).has_token
    answers = from_counts(found) if offline else ask(found, contact)
    ids = _ids(words.get("ids"))
    costs = channel_costs(found, answers, has_token=has_token, ids=ids)
    steps = steps_of(found)
    taken = tuple(step_cost(found, answers, step, has_token=has_token) for step in steps)
    if as_json:
        print_json(_as_json(found, answers, costs, steps, taken))
    else:
        _show(found, answers, costs, steps, taken)
    return FINDINGS if answers.unanswered else DONE


def named_source(name: str, words: Mapping[str, str]) -> Source:
    """The source that is planned. Raises UsageError."""
    if unknown := sorted(set(words) - KNOWN):
        raise UsageError(f"unknown argument {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}")
    return Source.named(name, words.get("site"), words.get("url"))


def ask(source: Source, contact: str) -> Answers:
    """Ask the questions, with a name and, where there is one, a token. Raises UsageError without a contact."""
    agent = user_agent(source.own_hosts, contact)
    credentials = Credentials.of(source)
    with Asker(agent, source.allowed_hosts, credentials) as asker:
        return survey(source, asker, credentials.has_token)


def _ids(text: str | None) -> int | None:
    if text is None:
        return None
    ranges = IdRanges.parse(text)
    if ranges.open_from is not None:
        raise UsageError(f"ids={text} has no end: nobody knows how many these are; write ids=1-N")
    return ranges.count


# --- what is printed


def size(number: float | None) -> str:
    return "?" if number is None else size_text(number)


def count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _as_json(
    source: Source, answers: Answers, costs: tuple[Cost, ...], steps: tuple[MixStep, ...], taken: tuple[Cost, ...]
) -> dict[str, Any]:
    requests, seconds, bytes_ = total(taken)
    return {
        "source": source.name,
        "url": source.url,
        "counted": answers.counted or None,
        "channels": [cost_json(cost) for cost in costs],
        "mix": [
            {"arguments": step.arguments, "because": step.because, **cost_json(cost)}
            for step, cost in zip(steps, taken, strict=True)
        ],
        "total": {"requests": requests, "seconds": seconds, "bytes": bytes_},
        "limits_seen": list(answers.limits),
        "unanswered": list(answers.unanswered),
    }


def cost_json(cost: Cost) -> dict[str, Any]:
    """A cost with stable keys; None is not known."""
    return {
        "spider": cost.spider,
        "what": cost.what,
        "records": cost.records,
        "requests": cost.requests,
        "seconds": cost.seconds,
        "bytes": cost.bytes,
        "limit": cost.pace,
        "cannot_see": list(cost.blind),
        "assumed": list(cost.assumed),
    }


def _show(
    source: Source, answers: Answers, costs: tuple[Cost, ...], steps: tuple[MixStep, ...], taken: tuple[Cost, ...]
) -> None:
    counted = {"": "no counts are known", "now": "counted now"}.get(answers.counted, f"counted {answers.counted}")
    say(f"{source.name or source.url}: {counted}")
    say()
    say("Each channel alone")
    numbers = ("records", "requests", "time", "bytes")
    made = table("channel", "what", *numbers, "limit", "cannot see", numbers=numbers)
    for cost in costs:
        made.add_row(*map(cell, (cost.spider, cost.what, *_numbers(cost), cost.pace, "; ".join(cost.blind))))
    print_table(made)
    say()
    say("The mix")
    made = table("step", "what", *numbers, "because", numbers=numbers)
    for step, cost in zip(steps, taken, strict=True):
        made.add_row(*map(cell, (command(step), cost.what, *_numbers(cost), step.because)))
    requests, seconds, bytes_ = total(taken)
    made.add_row(*map(cell, ("all", "", "", count(requests), estimated_duration(seconds), size(bytes_), "")))
    print_table(made)
    for sentence in dict.fromkeys(word for cost in (*costs, *taken) for word in cost.assumed):
        say(f"Assumed: {sentence}.")
    for limit in answers.limits:
        say(f"Limit named by {limit}")
    for question in answers.unanswered:
        say(f"Not answered: {question}")


def command(step: MixStep) -> str:
    """A step as its spider and arguments."""
    return " ".join([step.spider, *(f"{name}={value}" for name, value in step.arguments.items())])


def _numbers(cost: Cost) -> tuple[str, str, str, str]:
    return count(cost.records), count(cost.requests), estimated_duration(cost.seconds), size(cost.bytes)
