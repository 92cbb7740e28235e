"""`harvester retry`: ask again for what is refused, lost or open, and only that."""

import shlex
from pathlib import Path

import click

from archive.report import read_standing
from archive.store import read_account, read_description
from harvester.cli.output import say
from harvester.cli.params import command
from harvester.cli.processes import run_again
from harvester.crawl import Again, Step, Told, ask_again
from harvester.exits import DONE, UNFINISHED
from harvester.planning import worst
from harvester.sources import own_source


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-a", "arguments", multiple=True, metavar="NAME=VALUE", help="argument for each of the spiders")
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting; may be repeated")
@click.option("--contact", metavar="ADDRESS", help="e-mail address or URL for User-Agent; or HARVESTER_CONTACT")
@click.option("--dry-run", is_flag=True, help="say what would be asked again, and ask nothing")
def retry(
    folder: Path, arguments: tuple[str, ...], settings: tuple[str, ...], contact: str | None, dry_run: bool
) -> int:
    """Ask again for what is refused, lost or open in the archive DIR.

    Unfinished runs go on by their own words; ids that were refused or lost are asked for one by one. Nothing else is
    asked for. Exits as the worst of the crawls.
    """
    again = what_to_ask(folder)
    for sentence in again.cannot:
        say(f"harvester: {sentence}", err=True)
    if not again.steps:
        say("harvester: nothing to ask again", err=True)
    codes = [UNFINISHED if again.cannot else DONE]
    for step in again.steps:
        words = [*_words(step, folder), *(part for word in arguments for part in ("-a", word))]
        words += [part for word in settings for part in ("-s", word)]
        words += ["--contact", contact] if contact else []
        say(f"harvester: {step.because}: harvester {shlex.join(words)}", err=True)
        if not dry_run:
            codes.append(run_again(words))
    return worst(codes)


def what_to_ask(folder: Path) -> Again:
    """What an archive's ledger says. Raises NotAnArchive, OtherArchive, Damaged."""
    standing = read_standing(folder)
    told = [
        Told(
            spider=run.spider,
            mode=run.mode,
            arguments=run.arguments,
            state=run.state,
            newest=run.newest,
            channels=tuple(c.channel for c in run.account.channels),
        )
        for run in standing.runs
    ]
    return ask_again(told, {channel.channel: channel.states for channel in read_account(folder).channels})


def _words(step: Step, folder: Path) -> list[str]:
    words = {"archive": str(folder), **step.words, **own_source(read_description(folder)["source"])}
    return ["crawl", step.spider, *(part for key, value in words.items() for part in ("-a", f"{key}={value}"))]
