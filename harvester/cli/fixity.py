"""`harvester fixity`: read everything again within so many days, a share of it in each run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import ByteRate, command
from harvester.exits import DAMAGED, DONE, FINDINGS

if TYPE_CHECKING:
    from archive.integrity import FixityReport

_SHOWN_MOST = 100


@command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--days", type=click.FloatRange(0.01), default=14, show_default=True, help="read every file once in these"
)
@click.option("--every", type=click.FloatRange(0.01), default=24, show_default=True, help="hours from run to run")
@click.option("--rate", type=ByteRate(), default="50MB/s", show_default=True, help="read no faster; 0 for no bound")
@click.option("--once", "everything", is_flag=True, help="read every file now, whatever is due")
@click.option("--report", "only_report", is_flag=True, help="say where it stands, and read nothing")
@click.option("--json", "as_json", is_flag=True, help="print one JSON array, an object for each DIR")
def fixity(
    paths: tuple[Path, ...], days: float, every: float, rate: float, everything: bool, only_report: bool, as_json: bool
) -> int:
    """Read what is due today of each DIR (archive, release or bag), and log when each file was last good.

    For a timer: every run reads a share, so that each file is read within --days, and no day is much unlike another.
    As a line of cron: `30 2 * * * harvester fixity /srv/archive`. An interrupted run goes on where it was. The log is
    DIR/fixity.log in an archive, DIR.fixity beside a release or a bag. Where several DIRs are mirrors of one another, a
    damaged file's good copy is named.

    Exit codes: 0 all that was read last is good and nothing is overdue, 1 something is overdue, 4 something is damaged
    or missing.
    """
    from archive.integrity import Pace, Schedule, report_fixity, run_fixity

    schedule, pace = Schedule(days, timedelta(hours=every)), Pace(rate) if rate else None
    reports = []
    for path in paths:
        if only_report:
            reports.append(report_fixity(path, schedule, datetime.now(UTC)))
            continue
        with advancing(f"reading {path}", "bytes") as progress:
            reports.append(run_fixity(path, schedule, pace, everything=everything, progress=progress))
        if rate and reports[-1].share > rate * every * 3600:
            say(f"{path}: a run takes longer than {every:g} hours at this rate; raise --rate or --days", err=True)
    copies = _good_copies(paths, reports)
    if as_json:
        print_json([_as_json(report, copies, read=not only_report) for report in reports])
    else:
        for report in reports:
            _show(report, copies, days, read=not only_report)
    if any(report.failing or report.damaged_lines for report in reports):
        return DAMAGED
    return FINDINGS if any(report.late for report in reports) else DONE


def _good_copies(paths: tuple[Path, ...], reports: "list[FixityReport]") -> dict[tuple[Path, str], str]:
    """Where else a failing file is good: in another of the folders, of the same name and digest."""
    from archive.integrity import GOOD, read_history

    if not any(report.failing for report in reports):
        return {}
    histories = {report.path: read_history(report.log) for report in reports}
    found = {}
    for report in reports:
        for failing in report.failing:
            for path in paths:
                last = histories[path].files.get(failing.name)
                if path != report.path and last is not None and last.result == GOOD and last.digest == failing.digest:
                    found[report.path, failing.name] = str(path / failing.name)
    return found


def _as_json(report: "FixityReport", copies: dict[tuple[Path, str], str], *, read: bool) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "log": str(report.log),
        "files": report.files,
        "bytes": report.bytes,
        "read": report.read if read else 0,
        "read_bytes": report.read_bytes,
        "due": report.due,
        "due_bytes": report.due_bytes,
        "share": report.share,
        "never": report.never,
        "oldest": None if report.oldest is None else {"name": report.oldest.name, "good": report.oldest.good},
        "overdue": [{"name": file.name, "good": file.good, "seen": file.seen} for file in report.late],
        "failing": [
            {"name": f.name, "result": f.result, "good": f.good, "copy": copies.get((report.path, f.name))}
            for f in report.failing
        ],
        "damaged_lines": report.damaged_lines,
    }


def _show(report: "FixityReport", copies: dict[tuple[Path, str], str], days: float, *, read: bool) -> None:
    for failing in report.failing:
        copy = copies.get((report.path, failing.name))
        hint = f"; a good copy is {copy}" if copy else "; take it from a copy"
        say(f"{failing.result}: {report.path / failing.name}: last good {_when(failing.good)}{hint}")
    for file in report.late[:_SHOWN_MOST]:
        say(f"overdue: {report.path / file.name}: last good {_when(file.good)}, seen first {_when(file.seen)}")
    if len(report.late) > _SHOWN_MOST:
        say(f"overdue: {len(report.late) - _SHOWN_MOST:,} more; --json has them all")
    for line in report.damaged_lines:
        say(f"damaged: {report.log}: line {line} does not match its checksum, and is not believed; take it out")
    what = f"{counted(report.due, 'file')} ({counted(report.due_bytes, 'byte')})"
    of = f"{counted(report.files, 'file')} ({counted(report.bytes, 'byte')})"
    say(f"{report.path}: {f'read {what}' if read else f'{what} due'} of {of}, {_standing(report, days)}")


def _standing(report: "FixityReport", days: float) -> str:
    never = f", {report.never:,} never read" if report.never else ""
    oldest = "" if report.oldest is None or report.never else f", oldest good read {_when(report.oldest.good)}"
    bad = f"{len(report.failing):,} NOT GOOD" if report.failing else "none is damaged"
    late = f"{len(report.late):,} overdue" if report.late else f"none overdue (all within {days:g} days)"
    return f"{bad}, {late}{never}{oldest}"


def _when(time: datetime | None) -> str:
    return "never" if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
