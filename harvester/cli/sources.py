"""`harvester sources`: the repositories and platforms that are known, and one of them in full."""

from typing import Any

import click

from harvester.cli.output import cell, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.exits import DONE
from harvester.planning import plan
from harvester.sources import SITE, BudgetEntry, Source, read_values, source_names

# stands for the site of a platform where a source is only shown
ANY_SITE = "https://SITE"


@command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def sources(name: str | None, as_json: bool) -> int:
    """List the sources that come with us, or show one of them (or a FILE.toml) in full, with where each fact is from.

    A platform is one that many run: `-a site=https://repository.example` says which.
    """
    if name is not None:
        _show_one(name, as_json)
    elif as_json:
        print_json([_summary(found) for found in source_names()])
    else:
        made = table("source", "platform", "endpoints", "limits", "token from", "special")
        for found in source_names():
            row = _summary(found)
            made.add_row(
                *map(
                    cell,
                    (
                        row["source"],
                        row["platform"],
                        ", ".join(row["endpoints"]),
                        "; ".join(row["budgets"]),
                        row["token"],
                        row["special"],
                    ),
                )
            )
        print_table(made)
        say()
        say("harvester sources NAME shows one; harvester plan NAME, harvester crawl NAME -a archive=DIR use it")
    return DONE


def _read(name: str) -> tuple[Source, bool]:
    """The source, and whether it is a platform, whose site is not named here."""
    values = read_values(name)
    platform = SITE in str(values)
    return Source.checked(values, name, ANY_SITE if platform else None), platform


def _summary(name: str) -> dict[str, Any]:
    source, platform = _read(name)
    return {
        "source": name,
        "name": source.name,
        "platform": source.platform,
        "needs_site": platform,
        "endpoints": list(source.parts),
        "budgets": [budget_words(budget) for budget in source.budgets],
        "token": source.token.environment if source.token else None,
        "special": _special(source, platform),
        "mix": [step.spider for step in plan.steps_of(source)],
        "facts": len(source.facts),
    }


def _special(source: Source, platform: bool) -> str:
    """What sets a source apart, in a line."""
    words = ["name its site"] if platform else []
    if source.oaipmh and source.oaipmh.deletions is False:
        words.append("OAI-PMH shows no deletions")
    if source.exporter:
        words.append("has dumps of its own")
    if source.mix and source.mix[0].arguments.get("ids") == "census":
        words.append("ids by OAI-PMH, substance by id")
    if source.robots.asks_anyway:
        words.append("robots.txt closes its API")
    return "; ".join(words)


def budget_words(budget: BudgetEntry) -> str:
    """A budget in a few words: `30/min /oai2d`, `100/min with a token`."""
    unit = {1.0: "s", 60.0: "min", 3600.0: "h", 86400.0: "day"}.get(budget.seconds, f"{budget.seconds:g} s")
    token = {None: "", True: " with a token", False: " without a token"}[budget.token]
    place = f" {budget.host}{budget.path}" if budget.path or budget.host else ""
    return f"{budget.requests:,}/{unit}{place}{token}"


def _show_one(name: str, as_json: bool) -> None:
    source, platform = _read(name)
    values = source.model_dump(exclude_none=True)
    if as_json:
        print_json({"source": name, "needs_site": platform, **values})
        return
    say(f"{source.name or name}: {source.title or source.url}")
    if platform:
        say(f"A platform that many run; {ANY_SITE} stands for the one that -a site= names.")
    _show_endpoints(source)
    robots = source.robots
    asked = [f"{', '.join(robots.asks_anyway)} asked anyway: {robots.because}"] if robots.asks_anyway else []
    for title, rows in (
        ("Limits", [budget_words(budget) for budget in source.budgets]),
        ("robots.txt", asked),
        ("Mix", [f"{step.spider} {_pairs(step.arguments)}: {step.because}" for step in source.mix]),
        ("Quirks", [f"{what}: {says}" for what, says in source.quirks.items()]),
        ("Facts", [f"{fact.about}: {fact.says}  [{fact.seen_in}]" for fact in source.facts]),
    ):
        if rows:
            say()
            say(f"{title}")
            for row in rows:
                say(f"  {cell(row)}")


def _show_endpoints(source: Source) -> None:
    made = table("endpoint", "what", "is")
    for part, endpoint in source.parts.items():
        for field, value in endpoint.model_dump(exclude_none=True).items():
            made.add_row(*map(cell, (part, field, value)))
            part = ""
    print_table(made)


def _pairs(arguments: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in arguments.items())
