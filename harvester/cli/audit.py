"""`harvester audit`: what is missing here, what is extra, what is stale, and why."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import orjson
from rich.console import Console
from rich.table import Table

from archive import audit as audits
from archive.audit import AuditReport, Comparison
from archive.crosswalks.identifiers import local_id
from archive.durable import translated
from archive.errors import Damaged, NotAnArchive
from archive.folder import Layout, read_description
from archive.reading import snapshot
from harvester.cli import DAMAGED, DONE, FINDINGS, UNFINISHED, USAGE
from harvester.errors import UsageError

SHOWN = 10


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--against", "target", default="ledger", show_default=True, metavar="TARGET",
              help="URL of an OAI-PMH endpoint, a file of ids, another archive, or the word ledger")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
@click.option("--lines", "lines_file", type=click.Path(path_type=Path, dir_okay=False),
              help="write a line an id: = same, + missing here, - extra here, * differs, ! could not tell")  # fmt: skip
@click.option("--gaps", "gaps_file", type=click.Path(path_type=Path, dir_okay=False),
              help="write the ids that are missing here, as idrange ids=@FILE takes them")  # fmt: skip
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT",
              help="end with 1 only when completeness is below this; default: on any difference")  # fmt: skip
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting for the census of a URL")
def audit(
    folder: Path, target: str, as_json: bool, lines_file: Path | None, gaps_file: Path | None,
    fail_under: float | None, settings: tuple[str, ...],
) -> int:  # fmt: skip
    """Compare the archive DIR with TARGET, id by id.

    An OAI-PMH endpoint is asked for its headers (ListIdentifiers), in the metadata prefixes and sets of the archive.
    A file has one id a line, or is CSV (.csv) or JSON lines (.jsonl) with a column or key `identifier`.
    """
    with _compared(folder, target, settings) as comparison:
        report = comparison.report
        if lines_file is not None:
            _write_lines(comparison, lines_file)
        if gaps_file is not None:
            _write_gaps(comparison, gaps_file)
        if as_json:
            click.echo(orjson.dumps(_values(report), option=orjson.OPT_INDENT_2).decode())
        else:
            _show(comparison)
    return _code(report, fail_under)


def _compared(folder: Path, target: str, settings: tuple[str, ...]) -> AbstractContextManager[Comparison]:
    if target == "ledger":
        return audits.against_ledger(folder)
    if urlsplit(target).scheme in ("http", "https"):
        return _against_url(folder, target, settings)
    path = Path(target)
    if path.is_dir():
        return audits.against_archive(folder, path)
    if not path.exists():
        raise UsageError(f"{target} is no URL, no file, no archive, and not the word ledger")
    return audits.against_file(folder, path)


@contextmanager
def _against_url(folder: Path, url: str, settings: tuple[str, ...]) -> Iterator[Comparison]:
    """By a census with the same spider as a harvest; in the archive itself when the URL is of its own source."""
    own = urlsplit(url).netloc.lower() in read_description(folder)["source"].get("hosts", ())
    elsewhere = None if own else Path(tempfile.mkdtemp(prefix="harvester-census-"))
    try:
        census = folder if elsewhere is None else elsewhere / "census"
        finished = _take_census(url, census, _channels(folder), settings)
        with audits.against_census(folder, url, census, _last_census(census), finished=finished) as comparison:
            yield comparison
    finally:
        if elsewhere is not None:
            shutil.rmtree(elsewhere, ignore_errors=True)


def _take_census(url: str, census: Path, words: dict[str, str], settings: tuple[str, ...]) -> bool:
    """List the headers of a provider. Returns whether all of them could be listed."""
    from harvester.cli.crawl import pairs
    from harvester.crawling import crawl

    values = {"LOG_LEVEL": "WARNING", **pairs(settings)}
    ending = crawl("oaipmh", {"url": url, "archive": str(census), "mode": "census", **words}, values)
    if ending.code == USAGE:
        raise UsageError(ending.sentence)
    if ending.code == DAMAGED:
        raise Damaged(ending.sentence)
    if ending.code == UNFINISHED:
        click.echo(f"harvester: the census of {url} is unfinished: {ending.sentence}", err=True)
    return ending.code != UNFINISHED


def _channels(folder: Path) -> dict[str, str]:
    """prefix= and set= of what the archive has harvested over OAI-PMH; a whole list covers its sets."""
    with snapshot(Layout(folder)) as ledger:
        rows = ledger.execute("SELECT format, set_spec FROM channels WHERE name LIKE 'oaipmh:%' ORDER BY channel")
        channels: list[tuple[str, str | None]] = rows.fetchall()
    if not channels:
        raise UsageError(f"{folder} has harvested nothing over OAI-PMH; audit it against its ledger or a file of ids")
    whole = [channel for channel in channels if channel[1] is None] or channels
    words = {"prefix": ",".join(dict.fromkeys(prefix for prefix, _ in whole))}
    if sets := list(dict.fromkeys(spec for _, spec in whole if spec is not None)):
        words["set"] = ",".join(sets)
    return words


def _last_census(census: Path) -> int:
    with snapshot(Layout(census)) as ledger:
        row = ledger.execute("SELECT max(run) FROM runs WHERE mode = 'census'").fetchone()
    if row[0] is None:
        raise NotAnArchive(f"{census} has no census; the provider gave nothing to compare with")
    return int(row[0])


def _write_lines(comparison: Comparison, path: Path) -> None:
    several = len(comparison.report.channels) > 1
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        for channel, mark, identifier, _ in comparison.lines():
            file.write(f"{mark} {identifier}\t{channel}\n" if several else f"{mark} {identifier}\n")


def _write_gaps(comparison: Comparison, path: Path) -> None:
    """Each missing id once, whatever the number of channels that miss it."""
    last = None
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        for _, mark, identifier, _ in comparison.lines():
            if mark == audits.MISSING and identifier != last:
                file.write(f"{local_id(identifier) or identifier}\n")
                last = identifier


def _values(report: AuditReport) -> dict[str, Any]:
    return {
        "target": report.target, "expected": report.expected, "held": report.held, "same": report.same,
        "missing": report.missing, "extra": report.extra, "stale": report.stale, "unchecked": report.unchecked,
        "completeness": round(report.completeness, 4), "balanced": report.balanced, "complete": report.complete,
        "finished": report.finished, "lost_windows": report.lost_windows, "forgotten": report.forgotten,
        "reasons": report.reasons, "channels": report.channels,
    }  # fmt: skip


def _show(comparison: Comparison) -> None:
    report = comparison.report
    console = Console(highlight=False)
    table = Table(title=f"against {report.target}", title_justify="left", show_header=False, box=None)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column()
    rows = [
        ("expected", report.expected, "ids that the target names"), ("same", report.same, "held, and as there"),
        ("stale", report.stale, "held, with another datestamp or state"),
        ("missing", report.missing, ", ".join(f"{n} {reason}" for reason, n in sorted(report.reasons.items()))),
        ("extra", report.extra, "live here, not there: vanished, or never theirs"),
        ("unchecked", report.unchecked, "held here; the target was not listed to its end"),
        ("forgotten", report.forgotten, "tombstones here that the target no longer shows"),
    ]  # fmt: skip
    for name, number, remark in rows:
        if number or name in ("expected", "same", "missing", "extra", "stale"):
            table.add_row(name, f"{number:,}", remark if number else "")
    console.print(table)
    for mark, word in ((audits.MISSING, "missing"), (audits.EXTRA, "extra"), (audits.DIFFERS, "stale")):
        for row in comparison.first(mark, SHOWN):
            console.print(f"{mark} {row['identifier']}  {_remark(row)}", markup=False, soft_wrap=True)
        if getattr(report, word) > SHOWN:
            console.print(f"  and {getattr(report, word) - SHOWN:,} more {word}; --lines FILE names them all")
    if report.lost_windows:
        console.print(f"{report.lost_windows} windows of the last harvest are not read: what is in them nobody knows")
    verdict = "complete" if report.complete else "not complete"
    sums = "the sums balance" if report.balanced else "the sums do NOT balance: see harvester status"
    console.print(f"{report.completeness:.4f} % complete, {sums}; the archive is {verdict}")


def _remark(row: dict[str, Any]) -> str:
    if row["reason"] is not None:
        return str(row["reason"])
    sides = [
        f"{where} {row[f'datestamp_{key}'] or ''}{' deleted' if row[f'deleted_{key}'] else ''}".strip()
        for where, key in (("there", "there"), ("here", "here"))
        if row[f"datestamp_{key}"] is not None or row[f"deleted_{key}"] is not None
    ]
    return ", ".join(sides)


def _code(report: AuditReport, fail_under: float | None) -> int:
    if not report.finished or report.lost_windows:
        return UNFINISHED
    if not report.balanced:
        return FINDINGS
    if fail_under is not None:
        return FINDINGS if report.completeness < fail_under else DONE
    return DONE if report.complete else FINDINGS
