"""`harvester demo`: all of it, on this machine, in a minute."""

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from archive.store import STATES, Account
from harvester.cli.params import command
from harvester.demo import RECORDS
from harvester.exits import DONE, FINDINGS, UNFINISHED


@command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="where to write; what an earlier demonstration left there is removed",
)
@click.option(
    "--records",
    type=click.IntRange(min=100),
    default=RECORDS,
    show_default=True,
    help="records of the sample repository, each in two formats",
)
@click.option(
    "--rate", default="12/1", show_default=True, metavar="N/S", help="the provider's budget: N requests in S seconds"
)
@click.option("--keep/--remove", default=True, show_default=True, help="what becomes of the files at the end")
def demo(folder: Path, records: int, rate: str, keep: bool) -> int:
    """Serve a sample repository, harvest it, kill the harvest, resume it, and prove that nothing is missing.

    Everything happens on this machine: nothing is fetched from elsewhere, and only DIR is written to. The exit
    code is 0 only when every step gave what it promises.
    """
    from harvester.demo import DemoFailed, Play, perform, remove_folder
    from harvester.serving import Rate

    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    Rate.parse(rate)
    try:
        perform(Play(folder, records, rate, _called_as()), _Stage())
    except DemoFailed as error:
        click.echo(f"harvester: the demonstration failed: {error}", err=True)
        return FINDINGS
    except KeyboardInterrupt:
        click.echo("harvester: interrupted; what was started is ended, and the same command begins again", err=True)
        return UNFINISHED
    if not keep:
        remove_folder(folder)
    return DONE


class _Stage:
    """Standard output, in colours when it is a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, soft_wrap=True)

    def scene(self, title: str) -> None:
        self._print(f"\n{title}", "bold cyan")
        self._print("─" * len(title), "cyan")

    def say(self, sentence: str) -> None:
        self._print(sentence)

    def command(self, line: str) -> None:
        self._print(f"\n$ {line}", "bold")

    def account(self, account: Account) -> None:
        heads = ["state", *(channel.channel for channel in account.channels), "sum"]
        widths = [max(10, len(head)) for head in heads]
        self._row(heads, widths, "bold")
        for state in STATES:
            counts = [channel.states[state] for channel in account.channels]
            self._row([state, *(f"{count:,}" for count in [*counts, sum(counts)])], widths)
        self._print("─" * (sum(widths) + 2 * len(widths) - 2))
        listed = [channel.listed for channel in account.channels]
        self._row(["listed", *(f"{count:,}" for count in [*listed, account.listed])], widths, "bold")
        self._print(f"The sums balance: {_yes(account.balanced)}. Complete: {_yes(account.complete)}.")

    def _row(self, cells: Sequence[str], widths: Sequence[int], style: str | None = None) -> None:
        first, *rest = zip(cells, widths, strict=True)
        self._print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]), style)

    def _print(self, text: str, style: str | None = None) -> None:
        # a display that was killed has left the cursor hidden
        self._console.show_cursor()
        self._console.print(text, style=style)


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _called_as() -> str:
    """How this command was called, so that the lines shown can be typed again."""
    program = Path(sys.argv[0])
    if program.name != "harvester":
        return "python -m harvester"
    return "harvester" if shutil.which("harvester") == str(program) else str(program)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as with Ctrl-C: the processes that were started are ended as well."""
    raise KeyboardInterrupt
