"""`harvester mend`: repair a damaged archive as far as the data allows, and say what is done."""

from pathlib import Path

import click

from archive.integrity import MendReport
from harvester.cli.output import cell, counted, print_json, say
from harvester.cli.params import command
from harvester.exits import DAMAGED, DONE, FINDINGS


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="say what is wrong and what would be done, and change nothing")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def mend(folder: Path, dry_run: bool, as_json: bool) -> int:
    """Mend the archive DIR after damage to its files; take them from a copy where there is one, that is better.

    What is good in a damaged shard is written anew, and the ids whose records are gone become lost. A ledger that is
    damaged or gone is made of its rows that can be read, and of the shards; then harvests are unfinished. What is
    replaced is kept in DIR/damaged, with a note. Nothing is asked of a provider: `harvester retry` does so afterwards.

    Exit codes: 0 nothing was wrong, or all of it is mended and nothing lost, 1 something is lost or may be (with
    --dry-run: something is wrong), 4 something is still damaged.
    """
    from archive.integrity import mend as mended

    report = mended(folder, dry_run=dry_run)
    if as_json:
        print_json(_as_json(report))
    else:
        _show(report, dry_run)
    if report.left:
        return DAMAGED
    return FINDINGS if report.lost or report.unknown or (dry_run and report.steps) else DONE


def _as_json(report: MendReport) -> dict[str, object]:
    return {
        "path": str(report.path),
        "done": report.done,
        "kept": str(report.kept) if report.kept else None,
        "lost": report.lost,
        "unknown": report.unknown,
        "steps": [{"file": step.file, "wrong": step.wrong, "remedy": step.remedy} for step in report.steps],
        "left": [{"kind": p.kind, "file": p.file, "message": p.message} for p in report.left],
    }


def _show(report: MendReport, dry_run: bool) -> None:
    for step in report.steps:
        say(cell(f"{step.file}: {step.wrong}: {step.remedy}").plain)
    for problem in report.left:
        say(cell(f"still {problem.kind}: {problem.file}: {problem.message}").plain)
    if not report.steps:
        say(f"{report.path}: nothing to mend")
        return
    if dry_run:
        say(f"{report.path}: {counted(len(report.steps), 'place')} to mend; nothing was changed")
        return
    lost = f"{counted(report.lost, 'record or file', 'records or files')} lost" if report.lost else "nothing lost"
    unknown = ", and what the ledger alone knew may be wrong or missing" if report.unknown else ""
    say(f"{report.path}: {counted(len(report.steps), 'place')} mended, {lost}{unknown}; see {report.kept}")
    if report.lost or report.unknown:
        say(f"harvester: ask for what is missing: harvester retry {report.path}", err=True)
    if report.unknown:
        say(f"harvester: then compare with the provider: harvester audit {report.path} --against URL", err=True)
