"""`harvester audit`: what is missing here, what is extra, what is stale, and why."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from archive.audits import DIFFERS, EXTRA, MISSING, AuditReport, Comparison
from archive.crosswalks import local_id
from harvester.cli.auditoptions import AuditOptions, code_of, refresh_sides, verdict_of
from harvester.cli.output import cell, print_table, say, table, write_lines
from harvester.cli.params import command
from harvester.cli.refresh import no_refresh_option
from harvester.errors import UsageError

# ids of each mark, and groups with a difference, that are shown
SHOWN = 10
FILE = click.Path(path_type=Path, dir_okay=False)


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--against",
    "target",
    default="ledger",
    show_default=True,
    metavar="TARGET",
    help="a URL, a source's name, a file of ids, another archive, a release, or the word ledger",
)
@click.option(
    "--via",
    type=click.Choice(["oaipmh", "search", "exporter"]),
    help="how a URL is asked; default: what its source or its path says",
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
@click.option(
    "--lines", type=FILE, help="write a line an id: = same, + missing here, - extra here, * differs, ! could not tell"
)
@click.option("--differences", type=FILE, help="write what is not the same, with the reason, as JSON lines")
@click.option("--duplicates", type=FILE, help="write the ids that one list has more than once")
@click.option("--gaps", type=FILE, help="write the ids that are missing here, as idrange ids=@FILE takes them")
@click.option("--html", type=FILE, help="write the report as a page")
@click.option("--markdown", type=FILE, help="write the report as Markdown")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(["set", "year", "type", "window"]),
    help="the same numbers by this; repeatable. Of a sample: its strata (set or year)",
)
@click.option(
    "--stated",
    multiple=True,
    metavar="[NAME=]N",
    help="a total that somebody states, to be compared with the others; repeatable",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="end with 1 only when completeness is below this; default: on any difference",
)
@click.option(
    "--match",
    metavar="RULE",
    help="match records of a migration by doi, alternate, related, url:PATTERN or sql:EXPRESSION",
)
@click.option("--redirects", type=FILE, help="of --match: write old URL, new URL as CSV")
@click.option("--nginx", type=FILE, help="of --match: write the same as a map for nginx")
@click.option(
    "--log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="an uploader's own log (CSV or SQLite) against the target; also with --match",
)
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN", help="of --log: which column is what")
@click.option(
    "--map",
    "mapping",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="compare the fields of both sides as this file maps them",
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="ask the target for N random ids only")
@click.option("--seed", type=int, help="of --sample: the same seed asks for the same ids")
@click.option("--estimate", is_flag=True, help="how many records no channel of the archive saw")
@no_refresh_option
@click.option(
    "-a",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="of a source: site=URL for a platform that many run, hosts=HOST",
)
@click.option("--contact", metavar="ADDRESS", help="e-mail address or URL for User-Agent; or HARVESTER_CONTACT")
@click.option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy setting for the census of a URL")
def audit(folder: Path, target: str, **given: Any) -> int:
    """Compare the archive DIR with TARGET, id by id.

    \b
    URL of an OAI-PMH endpoint   its headers are listed, in the metadata prefixes and sets of the archive
    URL of a REST search         all its pages, sliced by date as its window of results asks for
    URL of an exporter           the ids in the provider's own dump, and those in its list of deletions
    a source's name, or a .toml  whichever of these it has (`harvester sources`)
    a file                       ids, one a line; CSV, JSON lines or Parquet with a column or key `identifier`, `id`,
                                 `record_id`, `doi`, ..., and `datestamp`, `deleted` or `state`, `sha256` where known
    a folder                     another archive; a release (or its manifest.json, beside its index)
    ledger                       what the archive itself was told of, and does not hold

    A file whose name ends in .jsonl gets, from --lines, everything that is known of each id.
    """
    options = AuditOptions(**given)
    _check_options(options)
    refresh_sides(folder, target, options)
    if options.match or options.log or options.mapping:
        from harvester.cli import migration

        return migration.run(folder, target, options)
    if options.sample or options.estimate:
        from harvester.cli import sampling

        return sampling.run(folder, target, options)
    from harvester.cli.census import open_comparison

    with open_comparison(folder, target, options) as comparison:
        _write(comparison, options)
        if options.html or options.markdown:
            from harvester.cli import report

            report.write(folder, comparison, options.html, options.markdown, None)
        if options.as_json:
            click.echo(orjson.dumps(values_of(comparison.report), option=orjson.OPT_INDENT_2).decode())
        else:
            show(comparison)
    return code_of(comparison.report, options.fail_under)


def _check_options(options: AuditOptions) -> None:
    """Raises UsageError for options that do not go together."""
    given = {
        "--match": options.match,
        "--log": options.log,
        "--map": options.mapping,
        "--sample": options.sample,
        "--estimate": options.estimate,
    }
    ways = [name for name, value in given.items() if value]
    if len(ways) > 1 and not set(ways) <= {"--match", "--map", "--log"}:
        raise UsageError(f"{' and '.join(ways)} are different audits; ask for one of them")
    if (options.redirects or options.nginx) and not options.match:
        raise UsageError("--redirects and --nginx are what --match finds; name its rule")
    if options.columns and not options.log:
        raise UsageError("--column says how a --log is read; name the log")
    if options.seed is not None and not options.sample:
        raise UsageError("--seed is of a --sample; say how many ids")


def _write(comparison: Comparison, options: AuditOptions) -> None:
    """The files that were asked for."""
    if options.lines is not None:
        full = options.lines.suffix.lower() in (".jsonl", ".ndjson")
        write_lines(options.lines, _json_lines(comparison.details()) if full else _text_lines(comparison))
    if options.differences is not None:
        write_lines(options.differences, _json_lines(comparison.differences()))
    if options.gaps is not None:
        write_gaps(comparison, options.gaps)
    if options.duplicates is not None:
        write_lines(options.duplicates, ("\t".join(map(str, row)) + "\n" for row in comparison.duplicates()))


def write_gaps(comparison: Comparison, path: Path) -> None:
    """Each missing id once, whatever the number of channels that miss it."""
    write_lines(path, (f"{local_id(identifier) or identifier}\n" for identifier in comparison.missing()))


def _text_lines(comparison: Comparison) -> Iterable[str]:
    several = len(comparison.report.channels) > 1
    for channel, mark, identifier, _ in comparison.lines():
        yield f"{mark} {identifier}\t{channel}\n" if several else f"{mark} {identifier}\n"


def _json_lines(rows: Iterable[tuple[Any, ...]]) -> Iterable[str]:
    names = (
        "channel",
        "mark",
        "identifier",
        "reason",
        "datestamp_there",
        "datestamp_here",
        "deleted_there",
        "deleted_here",
    )
    for row in rows:
        yield orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE).decode()


def values_of(report: AuditReport) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "target": report.target,
        "expected": report.expected,
        "held": report.held,
        "same": report.same,
        "missing": report.missing,
        "extra": report.extra,
        "stale": report.stale,
        "unchecked": report.unchecked,
        "completeness": round(report.completeness, 4),
        "balanced": report.balanced,
        "complete": report.complete,
        "finished": report.finished,
        "lost_windows": report.lost_windows,
        "forgotten": report.forgotten,
        "live": report.live,
        "reasons": report.reasons,
        "differences": report.differences,
        "channels": report.channels,
        "duplicates": {"here": report.twice_here, "there": report.twice_there},
        "totals": [
            {"name": one.name, "stated": one.stated, "counted": one.counted, "agrees": one.agrees, "seen": one.seen}
            for one in report.totals
        ],
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "message": one.message,
                "expected": one.expected,
                "found": one.found,
            }
            for one in report.findings
        ],
        **({"by": report.by} if report.by else {}),
    }


# --- for people


def show(comparison: Comparison) -> None:
    """The numbers, some ids of each mark, what else was asked for, and the verdict."""
    report = comparison.report
    say(f"against {report.target}")
    made = table("", "ids", "", numbers=("ids",))
    rows = [
        ("expected", report.expected, "ids that the target names"),
        ("same", report.same, "held, and as there"),
        ("stale", report.stale, _counts(report.differences)),
        ("missing", report.missing, _counts(report.reasons)),
        ("extra", report.extra, "live here, not there: vanished, or never theirs"),
        ("unchecked", report.unchecked, "held here; the target was not listed to its end"),
        ("forgotten", report.forgotten, "tombstones here that the target no longer shows"),
        ("twice here", report.twice_here, "in one list more than once"),
        ("twice there", report.twice_there, "in one list more than once"),
    ]
    for name, number, remark in rows:
        if number or name in ("expected", "same", "missing", "extra", "stale"):
            made.add_row(cell(name), cell(f"{number:,}"), cell(remark if number else ""))
    made.show_header = False
    made.columns[1].min_width = 3  # the numbers of audits of a few ids stand where those of hundreds do
    print_table(made)
    for mark, word in ((MISSING, "missing"), (EXTRA, "extra"), (DIFFERS, "stale")):
        for row in comparison.first(mark, SHOWN) if getattr(report, word) else ():
            say(f"{mark} {cell(row['identifier'])}  {cell(_remark(row))}")
        if getattr(report, word) > SHOWN:
            say(f"  and {getattr(report, word) - SHOWN:,} more {word}; --lines FILE names them all")
    for by, groups in report.by.items():
        _show_groups(by, groups)
    for found in report.findings:
        say(f"{found.severity}: {found.message}")
    if report.lost_windows:
        say(f"{report.lost_windows} windows of the last harvest are not read: what is in them nobody knows")
    if not report.expected:
        say("the target names no id, so nothing was compared; see whether it is the right one")
    sums = "the sums balance" if report.balanced else "the sums do NOT balance: see harvester status"
    say(verdict_of(values_of(report), sums))


def _show_groups(by: str, groups: list[dict[str, Any]]) -> None:
    numbers = ("expected", "same", "missing", "extra", "stale", "unchecked")
    made = table(by, *numbers, "%", numbers=(*numbers, "%"))
    shown = groups
    if by == "window":  # there are thousands; those that are as they should be are none of anybody's business
        shown = [row for row in groups if row["same"] < row["expected"] or row["extra"] or row["unchecked"]]
    for row in shown:
        made.add_row(*map(cell, (row["group"], *(f"{row[name]:,}" for name in numbers), f"{row['completeness']:.4f}")))
    print_table(made)
    if len(shown) < len(groups):
        say(f"  and {len(groups) - len(shown):,} without a difference; --json has them")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in sorted(counts.items()))


def _remark(row: dict[str, Any]) -> str:
    """Why an id has its mark, and what both sides say of it."""
    sides = [
        f"{where} {row[f'datestamp_{where}'] or ''}{' deleted' if row[f'deleted_{where}'] else ''}".strip()
        for where in ("there", "here")
        if row[f"datestamp_{where}"] is not None or row[f"deleted_{where}"]
    ]
    if row["reason"] is None or row["datestamp_here"] is not None:
        return ": ".join(part for part in (row["reason"], ", ".join(sides)) if part)
    return str(row["reason"])
