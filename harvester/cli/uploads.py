"""`harvester audit --log`: what an uploader's own log says, against what the target holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.migrations import (
    SAID,
    UPLOAD_CLASSES,
    Migration,
    Progress,
    UploadReport,
    Uploads,
    Wording,
    parse_wording,
    uploaded,
)
from archive.report import migration_page
from harvester.cli.auditoptions import AuditOptions, other_side
from harvester.cli.output import advancing, cell, counted, print_json, print_table, say, table, write_lines
from harvester.cli.report import write_page
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

SHOWN = 10
# items that --json names as uploaded more than once; --lines names all
TWICE_MOST = 10_000
# before a line of --lines
MARKS = {
    "done": "=",
    "failed": "+",
    "false_failure": "*",
    "false_success": "+",
    "never_tried": "+",
    "unlogged": "*",
    "removed": "+",
}
# of these some items are named
LISTED = ("false_failure", "false_success", "never_tried", "unlogged", "removed")
_TELLING = {
    "done": "the log says so, and it is there",
    "failed": "the log says so, and it is not there",
    "false_failure": "the log says failed, and it is there",
    "false_success": "the log says done, and it is not there",
    "never_tried": "not there, and the log has no attempt",
    "unlogged": "there, and the log has no attempt",
    "removed": "there as a tombstone only",
}


def run(folder: Path, target: str, options: AuditOptions) -> int:
    """Audit a log; returns the exit code. Without --against, `folder` is the target and only the log knows the plan."""
    if options.by or options.stated:
        raise UsageError(
            "--by and --stated are of --match and --map: the items of a log have neither type, year nor set"
        )
    assert options.log is not None
    planned, there = (None, folder) if target == "ledger" else (folder, other_side(target))
    wording = _wording(options.columns)
    with advancing("matching", "items") as progress, uploaded(options.log, wording, there, planned, progress) as found:
        _write(found, options)
        values = values_of(found, options.log, there)
        if options.html is not None:
            write_page(options.html, migration_page(None, values, datetime.now(UTC)))
        if options.as_json:
            print_json(values)
        else:
            show(found, options.log, there)
    return code_of(found.report, options.fail_under)


@contextmanager
def beside(
    found: Migration, folder: Path, other: Path, options: AuditOptions, progress: Progress
) -> Iterator[Uploads | None]:
    """Audit a log beside a migration, whose pairs count as well; None when no log was named."""
    if options.log is None:
        yield None
        return
    wording = _wording(options.columns)
    with uploaded(options.log, wording, other, folder, progress, matched=found.pairs()) as log:
        yield log


def code_of(report: UploadReport, fail_under: float | None) -> int:
    """The exit code of an audited log."""
    if not report.balanced or not sum(report.classes.values()):
        return FINDINGS
    if fail_under is not None:
        return FINDINGS if report.completeness < fail_under else DONE
    return DONE if report.truthful else FINDINGS


def _wording(columns: tuple[str, ...]) -> Wording:
    try:
        return parse_wording(columns)
    except ValueError as cause:
        raise UsageError(f"--column: {cause}") from None


def _write(found: Uploads, options: AuditOptions) -> None:
    if options.lines is not None:
        write_lines(options.lines, lines_of(found))
    if options.gaps is not None:
        write_lines(options.gaps, (f"{item}\n" for item in found.again()))


def lines_of(found: Uploads) -> Iterator[str]:
    """Iterate over the lines of `--lines`."""
    for class_, item, copies, line, targets in found.lines():
        yield f"{MARKS[class_]} {item}\t{class_}\t{copies}\t{line or ''}\t{' '.join(targets)}\n"


def values_of(found: Uploads, log: Path, target: Path) -> dict[str, Any]:
    """The keys that every audit has, then those of a log."""
    report = found.report
    classes = report.classes
    total = sum(classes.values())
    return {
        "target": str(target),
        "expected": total,
        "held": report.there,
        "same": classes["done"],
        "missing": total - report.there,
        "extra": report.things - report.found,
        "stale": classes["false_failure"] + classes["unlogged"],
        "unchecked": 0,
        "completeness": round(report.completeness, 4),
        "balanced": report.balanced,
        "complete": report.truthful,
        "off": report.off,
        "log": log.name,
        "lines": report.lines,
        "items": report.items,
        "planned": report.planned,
        "classes": classes,
        "said": report.table,
        "said_done": report.said_done,
        "net": report.there - report.said_done,
        "twice": report.twice,
        "copies": report.copies,
        "items_twice": {item: targets for item, _, targets in found.twice(TWICE_MOST)},
        "found": report.found,
        "shared": report.shared,
        "things": report.things,
        "reasons": {name: {"items": items, "false_failures": false} for name, (items, false) in report.reasons.items()},
        "examples": {
            name: [{"item": item, "line": line, "reason": reason} for item, line, reason in found.first(name, SHOWN)]
            for name in LISTED
            if classes[name]
        },
        "verdict": _verdict(report),
    }


def show(found: Uploads, log: Path, target: Path) -> None:
    report = found.report
    say(f"{log.name}: {counted(report.lines, 'line')} of {counted(report.items, 'item')}, against {target}")
    said = [name for name in SAID if any(report.table[name].values())]
    names = {"done": "said done", "failed": "said failed", "pending": "said pending", "unsaid": "not in the log"}
    made = table(
        "class", "items", *(names[name] for name in said), "", numbers=("items", *(names[name] for name in said))
    )
    for class_ in UPLOAD_CLASSES:
        if items := report.classes[class_]:
            made.add_row(class_, f"{items:,}", *(f"{report.table[name][class_]:,}" for name in said), _TELLING[class_])
    print_table(made)
    for class_ in LISTED:
        _show_first(found, class_)
    if report.reasons:
        made = table("reason", "items", "false failures", numbers=("items", "false failures"))
        for name, (items, false) in list(report.reasons.items())[:SHOWN]:
            made.add_row(cell(name or "(none given)"), f"{items:,}", f"{false:,}")
        print_table(made)
    for item, copies, targets in found.twice(SHOWN):
        shown = ", ".join(targets[:SHOWN])
        say(cell(f"* {item}  there {copies:,} times: {shown}{' …' if len(targets) > SHOWN else ''}").plain)
    if report.twice > SHOWN:
        say(f"  and {report.twice - SHOWN:,} more; --lines FILE names them all")
    say(
        f"{report.twice:,} items are there more than once, {report.copies:,} records too many; "
        f"{report.things - report.found:,} records there are of no item"
    )
    if not sum(report.classes.values()):
        say(f"{log.name} names no item, so nothing was compared; see whether it is the right file")
    for sentence in report.off:
        say(f"does not add up: {sentence}")
    say(_verdict(report))


def _verdict(report: UploadReport) -> str:
    classes = report.classes
    return (
        f"the log says {report.said_done:,}, there are {report.there:,}: {report.there - report.said_done:+,} net, "
        f"of {classes['false_failure']:,} false failures and {classes['false_success']:,} false successes; "
        f"{'the sums balance' if report.balanced else 'the sums do NOT balance'}; "
        f"the log is {'true' if report.truthful else 'not true'}"
    )


def _show_first(found: Uploads, class_: str) -> None:
    for item, line, reason in found.first(class_, SHOWN):
        where = f"  line {line}" if line is not None else ""
        say(cell(f"{MARKS[class_]} {item}  {class_}{where}{f'  {reason}' if reason else ''}").plain)
    if (more := found.report.classes[class_] - SHOWN) > 0:
        say(f"  and {more:,} more {class_}; --lines FILE names them all")
