"""Bring the index of an archive up to date before a command reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from archive.errors import StaleIndex
from archive.index import check_current, open_index
from archive.releases import is_release
from archive.store import Layout
from harvester.cli.output import advancing, counted, say
from harvester.inputs import in_bag

no_refresh_option: Callable[[Any], Any] = click.option(
    "--no-refresh",
    "no_refresh",
    is_flag=True,
    help="refuse an index that is missing or older than the archive, instead of making it current",
)


def refresh(folder: Path, no_refresh: bool = False, *, missing: bool = True) -> None:
    """Make the index of an archive current, with one line on stderr.

    Nothing is done where it is current, for what is not an archive, and for the data of a bag, which may not change.
    With `no_refresh` an index that is only older than a census is accepted with a line on stderr, for a census brings
    no record. `missing`: make it where there is none. Raises StaleIndex with `no_refresh`, and what `index` raises.
    """
    if is_release(folder) or not Layout(folder).description.exists() or in_bag(folder):
        return  # what reads it says what is wrong
    try:
        check_current(folder)
        return
    except StaleIndex:
        if not missing and not Layout(folder).index.exists():
            return
    if no_refresh:
        open_index(folder).close()
        say(
            f"harvester: {folder} has a census that its index does not have; its records are current, its runs, "
            "outcomes and findings are not",
            err=True,
        )
        return
    from archive.index import index

    with advancing("indexing", "records") as progress:
        report = index(folder, progress)
    say(
        f"harvester: the index of {folder} was made current: {counted(report.read, 'record')} read in "
        f"{report.seconds:.1f} s",
        err=True,
    )
