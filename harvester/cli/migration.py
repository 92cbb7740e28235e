"""`harvester audit --match`, `--map` and `--log`: was everything moved, and did the one who moved it tell the truth?"""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from archive.crosswalks import local_id
from archive.migrations import (
    AMBIGUOUS,
    CLASSES,
    CONTESTED,
    GONE,
    KEPT,
    MATCHED,
    MISSING,
    UNCLAIMED,
    UNKEYED,
    WITHDRAWN,
    Mapping,
    Migration,
    MigrationReport,
    Redirects,
    Rule,
    Uploads,
    code_points,
    contradictions,
    differences,
    match,
    migrated,
    parse_rule,
    parse_stated,
    rate_of,
    read_mapping,
    write_csv,
    write_nginx,
)
from archive.report import migration_page
from harvester.cli import uploads
from harvester.cli.auditoptions import AuditOptions, other_side
from harvester.cli.output import advancing, cell, counted, print_json, print_table, say, table, write_lines
from harvester.cli.report import write_page
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

SHOWN = 10
# before a line of --lines
MARKS = {
    MATCHED: "=",
    MISSING: "+",
    GONE: "+",
    AMBIGUOUS: "*",
    CONTESTED: "*",
    UNKEYED: "!",
    WITHDRAWN: "=",
    KEPT: "-",
    UNCLAIMED: "-",
}
# of these some items are named
LISTED = (MISSING, GONE, AMBIGUOUS, CONTESTED, UNKEYED, KEPT)
_TELLING = {
    MATCHED: "one thing there, which is of no other item",
    MISSING: "nothing there goes by its names",
    GONE: "there as a tombstone only",
    AMBIGUOUS: "several things there go by its names",
    CONTESTED: "what it was matched with is claimed by other items too",
    UNKEYED: "has no name that the rule goes by",
    WITHDRAWN: "deleted here, and not live there",
    KEPT: "deleted here, and live there",
}


def run(folder: Path, target: str, options: AuditOptions) -> int:
    """Audit a migration; returns the exit code."""
    if options.markdown:
        raise UsageError("--markdown is of a comparison of ids; a migration has --html, --json, --lines, --redirects")
    if options.log is not None and not (options.match or options.mapping):
        return uploads.run(folder, target, options)
    other = other_side(target)
    mapping = _mapping(options.mapping)
    rule = _rule(options.match or (mapping.match if mapping else None) or "id")
    stated = stated_numbers(options.stated)
    grouping(options.by)
    with (
        advancing("matching", "items") as progress,
        migrated(folder, other, rule, mapping, progress) as found,
        uploads.beside(found, folder, other, options, progress) as log,
    ):
        files = _write(found, log, options)
        numbers = _numbers(found.report)
        doubts = [*contradictions(stated), *differences(stated, numbers)]
        values = _values(found=found, folder=folder, target=target, options=options, doubts=doubts, files=files)
        if log is not None:
            values["uploads"] = uploads.values_of(log, _log(options), other)
        if options.html is not None:
            write_page(options.html, migration_page(values, values.get("uploads"), datetime.now(UTC)))
        if options.as_json:
            print_json(values)
        else:
            _show(found, options, doubts, files)
            if log is not None:
                say()
                uploads.show(log, _log(options), other)
    code = code_of(found.report, doubts, options.fail_under)
    return code if log is None else max(code, uploads.code_of(log.report, options.fail_under))


def _log(options: AuditOptions) -> Path:
    assert options.log is not None
    return options.log


def stated_numbers(said: Iterable[str]) -> dict[str, Decimal]:
    """The numbers that somebody states. Raises UsageError."""
    try:
        return dict(map(parse_stated, said))
    except ValueError as cause:
        raise UsageError(f"--stated: {cause}") from None


def grouping(by: Iterable[str]) -> None:
    """Raises UsageError for a grouping that items of a migration do not have."""
    if "window" in by:
        raise UsageError("--by window is of a harvest; items of a migration have a type, a year and sets")


def code_of(report: MigrationReport, doubts: Iterable[str], fail_under: float | None) -> int:
    """Sums that are off and tables that contradict themselves fail whatever the completeness."""
    if not report.balanced or not report.expected or list(doubts):
        return FINDINGS
    if fail_under is not None:
        return FINDINGS if report.completeness < fail_under else DONE
    return DONE if report.complete else FINDINGS


def _mapping(path: Path | None) -> Mapping | None:
    try:
        return None if path is None else read_mapping(path)
    except ValueError as cause:
        raise UsageError(f"{path}: {cause}") from None


def _rule(text: str) -> Rule:
    try:
        return parse_rule(text)
    except ValueError as cause:
        raise UsageError(str(cause)) from None


def _numbers(report: MigrationReport) -> dict[str, int]:
    matched = report.classes[MATCHED]
    return {"total": report.expected, "moved": matched, "missing": report.expected - matched}


def _write(found: Migration, log: Uploads | None, options: AuditOptions) -> dict[str, Redirects]:
    """All files that were asked for, with what a log adds at the end; the redirects by the option that asked."""
    if options.lines is not None:
        lines = (f"{MARKS[class_]} {item}\t{class_}\t{' '.join(targets)}\n" for class_, item, targets in found.lines())
        write_lines(options.lines, itertools.chain(lines, uploads.lines_of(log) if log is not None else ()))
    if options.gaps is not None:
        again = log.again() if log is not None else ()
        names = dict.fromkeys(itertools.chain(found.missing(), map(_plain_name, again)))
        write_lines(options.gaps, (f"{name}\n" for name in names))
    written = {}
    if options.redirects is not None:
        written["redirects"] = write_csv(options.redirects, found.redirects())
    if options.nginx is not None:
        written["nginx"] = write_nginx(options.nginx, found.redirects())
    return written


def _plain_name(item: str) -> str:
    """An item of a log as `Migration.missing` names one."""
    return local_id(item) or item


def _values(
    found: Migration, folder: Path, target: str, options: AuditOptions, doubts: list[str], files: dict[str, Redirects]
) -> dict[str, Any]:
    """The keys that every audit has, then those of a migration."""
    report, classes = found.report, found.report.classes
    return {
        "target": target,
        "expected": report.expected,
        "held": classes[MATCHED] + classes[AMBIGUOUS] + classes[CONTESTED],
        "same": classes[MATCHED],
        "missing": classes[MISSING] + classes[GONE],
        "extra": report.targets[UNCLAIMED],
        "stale": classes[KEPT],
        "unchecked": classes[UNKEYED],
        "completeness": round(report.completeness, 4),
        "balanced": report.balanced,
        "complete": report.complete,
        "off": report.off,
        "source": str(folder),
        "rule": report.rule,
        "items": report.items,
        "records": report.records,
        "classes": classes,
        "targets": report.targets,
        "chains": [
            {"code": code, "chain": chain, "item": item, "positions": positions}
            for code, chain, item, positions in found.chains()
        ],
        "fields": _field_values(found),
        "by": {what: found.by(what) for what in options.by},
        "contradictions": doubts,
        "files": {name: {"written": done.written, "conflicts": done.conflicts} for name, done in files.items()},
        "unredirected": found.unredirected() if files else None,
        "examples": {
            name: [{"item": item, "title": title} for item, _, title in found.first(name, SHOWN)]
            for name in LISTED
            if classes[name]
        },
        "verdict": _verdict(report, doubts),
    }


def _field_values(found: Migration) -> list[dict[str, Any]]:
    return [
        {
            "field": field.name,
            "as": field.how,
            "agreement": field.agreement and round(field.agreement, 4),
            **field.judgements,
            "examples": [
                {"item": item, "target": target, "old": old, "new": new}
                for item, target, old, new in found.differences(number, SHOWN)
            ],
        }
        for number, field in enumerate(found.report.fields)
    ]


def _show(found: Migration, options: AuditOptions, doubts: list[str], files: dict[str, Redirects]) -> None:
    report = found.report
    say(f"{counted(report.items, 'item')} matched by {report.rule} with {counted(report.records, 'record')}")
    made = table("class", "items", "", numbers=("items",))
    for name in CLASSES:
        if report.classes[name] or name in (MATCHED, MISSING):
            made.add_row(name, f"{report.classes[name]:,}", _TELLING[name])
    print_table(made)
    for name in LISTED:
        _show_first(found, name, report.classes[name])
    say(
        f"of the target: {report.targets['claimed']:,} claimed, {report.targets[UNCLAIMED]:,} unclaimed, "
        f"{report.targets['deleted']:,} deleted"
    )
    _show_chains(found)
    _show_fields(found)
    for what in options.by:
        _show_by(found, what)
    for name, done in files.items():
        say(
            f"--{name}: {counted(done.written, 'line')}, {len(done.conflicts)} old URLs lead to several places, "
            f"{found.unredirected()} items have no URL on one side"
        )
    if not report.expected:
        say("there is no live item on this side, so nothing was compared; see whether it is the right archive")
    for sentence in (*report.off, *doubts):
        say(f"does not add up: {sentence}")
    say(_verdict(report, doubts))


def _verdict(report: MigrationReport, doubts: list[str]) -> str:
    sums = "the sums balance" if report.balanced else "the sums do NOT balance"
    verdict = "complete" if report.complete and not doubts else "not complete"
    rate = rate_of(report.classes[MATCHED], report.expected)
    return f"{report.classes[MATCHED]:,} of {report.expected:,} moved, {rate} %; {sums}; the migration is {verdict}"


def _show_first(found: Migration, class_: str, items: int) -> None:
    if not items:
        return
    for item, _, title in found.first(class_, SHOWN):
        say(cell(f"{MARKS[class_]} {item}  {class_}  {title or ''}").plain.rstrip())
    if items > SHOWN:
        say(f"  and {items - SHOWN:,} more {class_}; --lines FILE names them all")


def _show_chains(found: Migration) -> None:
    rows = found.chains()
    for code, chain, item, positions in rows[:SHOWN]:
        where = f", versions {', '.join(map(str, positions))}" if positions else ""
        say(cell(f"{code}: {chain}{f', {item}' if item else ''}{where}").plain)
    if len(rows) > SHOWN:
        say(f"  and {len(rows) - SHOWN:,} more findings on versions; --json names them all")


def _show_fields(found: Migration) -> None:
    if not found.report.fields:
        return
    made = table("field", *match.JUDGEMENTS, "agreement", numbers=(*match.JUDGEMENTS, "agreement"))
    for field in found.report.fields:
        agreement = "" if field.agreement is None else f"{field.agreement:.2f} %"
        made.add_row(cell(field.name), *(f"{field.judgements[name]:,}" for name in match.JUDGEMENTS), agreement)
    print_table(made)
    for number, field in enumerate(found.report.fields):
        for item, _, old, new in found.differences(number, 2):
            before, after = " | ".join(old), " | ".join(new)
            points = code_points(before, after)
            shown = f"* {item}  {field.name}: {before} -> {after or 'nothing'}{f'  ({points})' if points else ''}"
            say(cell(shown).plain)


def _show_by(found: Migration, what: str) -> None:
    groups = found.by(what)
    shown = [name for name in CLASSES if any(row[name] for row in groups.values())]
    made = table(what, "total", *shown, "moved %", numbers=("total", *shown, "moved %"))
    for name, row in groups.items():
        total = sum(row.values())
        live = total - row[WITHDRAWN] - row[KEPT]
        made.add_row(cell(name or "(none)"), f"{total:,}", *(f"{row[c]:,}" for c in shown), rate_of(row[MATCHED], live))
    print_table(made)
