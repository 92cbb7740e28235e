"""`harvester report`: what an archive holds and misses, as one page, as Markdown or as JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from archive.audits import Comparison, audit
from archive.disk import durable
from archive.report import ReportValues, as_html, as_json, as_markdown, gather, is_complete
from harvester.cli.output import plain, print_json
from harvester.cli.params import command
from harvester.cli.refresh import no_refresh_option, refresh
from harvester.exits import DAMAGED, DONE, FINDINGS, UNFINISHED

_FILE = click.Path(path_type=Path, dir_okay=False)
_CODES = {"complete": DONE, "findings": FINDINGS, "unfinished": UNFINISHED, "damaged": DAMAGED}


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--html", type=_FILE, help="write one self-contained page")
@click.option("--markdown", type=_FILE, help="write Markdown")
@click.option("--json", "as_json_", is_flag=True, help="print one JSON object")
@no_refresh_option
def report(folder: Path, html: Path | None, markdown: Path | None, as_json_: bool, no_refresh: bool) -> int:
    """Report on the archive DIR: its account, gaps, states, requests and waits, findings, and the SQL of each number.

    Its own ledger is the target: what was listed, and is not held. `harvester audit DIR --against TARGET --html FILE`
    makes the same report against another. Without an option the report is printed as Markdown.

    Exit codes are those of `harvester status`: 0 complete, 1 with findings, 3 unfinished, 4 damaged or out of balance.
    """
    if not no_refresh:  # without an index, or with an old one, the account by set is left out
        refresh(folder, missing=False)
    with audit.against_ledger(folder) as comparison:
        values = gather(folder, comparison, datetime.now(UTC))
    write_values(values, html, markdown, None)
    if as_json_:
        print_json(as_json(values))
    elif html is None and markdown is None:
        click.echo(as_markdown(values), nl=False)
    code = _CODES[values.state]
    return FINDINGS if code == DONE and not is_complete(values) else code


def write(
    folder: Path, comparison: Comparison | None, html: Path | None, markdown: Path | None, json_path: Path | None
) -> None:
    """Write the report of an archive against what it was compared with, into those files that are named."""
    write_values(gather(folder, comparison, datetime.now(UTC)), html, markdown, json_path)


def write_values(values: ReportValues, html: Path | None, markdown: Path | None, json_path: Path | None) -> None:
    """Write a report into those files that are named."""
    if html is not None:
        write_page(html, as_html(values))
    if markdown is not None:
        write_page(markdown, as_markdown(values))
    if json_path is not None:
        write_page(json_path, json.dumps(plain(as_json(values)), ensure_ascii=False, indent=2) + "\n")


def write_page(path: Path, text: str) -> None:
    """Write a text. A file is there whole or not at all; what is no file, such as a pipe, is written to."""
    body = text.encode("utf-8", "replace")
    if path.exists() and not path.is_file():
        with durable.translated(path, "writing"), path.open("wb") as file:
            file.write(body)
    else:
        durable.write_new(path, body, "report")
