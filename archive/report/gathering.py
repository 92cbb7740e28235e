"""Read the values of a report: from the ledger, from a current index, and from an audit's comparison."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from archive.audits import DIFFERS, EXTRA, FORGOTTEN, MISSING, SAME, UNTOLD, Comparison
from archive.errors import StaleIndex
from archive.queries import Queries
from archive.report.breakdown import Cut, by_month, by_set, by_window, summed, years_of
from archive.report.charts import SLOTS, cell_width, cells_of, periods_of, slot_width, slots_of
from archive.report.standing import RunStanding, Standing, read_standing
from archive.report.values import (
    Compared,
    Example,
    FindingExample,
    FindingLine,
    GapMap,
    GapRun,
    Group,
    ReportValues,
    RunLine,
    Tally,
    Timeline,
)
from archive.store import Layout, RunWork, read_work, snapshot

_SQL = Queries(__package__)

RUNS, TIMELINES, SETS, WINDOWS, GROUPS = 60, 6, 40, 60, 60
EXAMPLES, GAP_RUNS, MAPS = 20, 60, 3
# with less than this share of the ids it is not a range of ids, but numbers at the end of UUIDs
MAP_SHARE = 0.02
UNSETTLED = ("refused", "lost", "open")
_MARKS = {SAME: "same", MISSING: "missing", EXTRA: "extra", DIFFERS: "differs", UNTOLD: "untold"}


def gather(folder: Path, comparison: Comparison | None, now: datetime) -> ReportValues:
    """Read the values of a report on an archive; `comparison` is an open one, None if nothing was compared.

    Raises as reading a ledger: NotAnArchive, OtherArchive, Damaged.
    """
    standing, work = read_standing(folder), {line.run: line for line in read_work(folder)}
    sets, newest = _sets(folder, standing), standing.runs[::-1]
    with snapshot(Layout(folder)) as ledger:
        months, windows = by_month(ledger, standing.account, None), _windows_left(ledger, standing)
        findings = _findings(ledger)
        timelines = tuple(line for run in newest[:TIMELINES] if (line := _timeline(ledger, run.run)) is not None)
    largest = sorted(sets or (), key=lambda cut: (cut.value is None, -cut.listed, cut.value or ""))
    shards = standing.shards
    return ReportValues(
        name=folder.resolve().name,
        source=str(standing.description["source"].get("url", "")),
        state=standing.state,
        made=now.astimezone(UTC),
        account=standing.account,
        compared=None if comparison is None else _compared(comparison, months),
        months=summed(months),
        years=summed(years_of(months)),
        sets=None if sets is None else tuple(largest[:SETS]),
        sets_in_all=len(largest),
        runs=tuple(_run(run, work[run.run]) for run in newest[:RUNS]),
        runs_in_all=len(newest),
        timelines=timelines,
        windows=standing.windows,
        windows_left=windows,
        findings=findings,
        shards={
            "shards": shards.shards,
            "records": shards.records,
            "frames": shards.frames,
            "bytes": shards.bytes,
            "content_bytes": shards.content_bytes,
            "refused": standing.refused,
            "refused_bytes": standing.refused_bytes,
        },
        damaged=shards.wrong,
        software=dict(standing.description.get("software", {})),
    )


# --- the archive


def _run(run: RunStanding, work: RunWork) -> RunLine:
    return RunLine(
        run=run.run,
        spider=run.spider,
        mode=run.mode,
        state=run.state,
        started=run.started,
        finished=run.finished,
        requests=work.requests,
        records=work.records,
        content_bytes=work.content_bytes,
        account=run.account,
    )


def _sets(folder: Path, standing: Standing) -> tuple[Cut, ...] | None:
    try:
        return summed(by_set(folder, standing.account, None))
    except StaleIndex:
        return None


def _windows_left(ledger: sqlite3.Connection, standing: Standing) -> tuple[Cut, ...]:
    """Return the windows whose account does not balance, or that have unsettled ids."""
    if standing.state == "complete" and standing.account.balanced:
        return ()
    cuts = [
        cut
        for cut in by_window(ledger, standing.account, None)
        if not cut.balanced or any(cut.states[state] for state in UNSETTLED)
    ]
    cuts.sort(key=lambda cut: (cut.balanced, -sum(cut.states[state] for state in UNSETTLED), cut.run, cut.value or ""))
    return tuple(cuts[:WINDOWS])


def _timeline(ledger: sqlite3.Connection, run: int) -> Timeline | None:
    """Read what a run did over time; None if it has done nothing yet."""
    start, last = ledger.execute(_SQL["report_span"], {"run": run}).fetchone()
    if start is None:
        return None
    width = slot_width(last - start, SLOTS)
    asked = {
        slot: (requests, read, ids)
        for slot, requests, read, ids in ledger.execute(
            _SQL["report_timeline"], {"run": run, "start": start, "width": width}
        )
    }
    waits = ((began - start, seconds) for began, seconds in ledger.execute(_SQL["report_waits"], {"run": run}))
    slots = slots_of(last - start, width, asked, waits)
    answers = tuple(ledger.execute(_SQL["report_answers"], {"run": run}).fetchall())
    return Timeline(run, datetime.fromtimestamp(start, UTC), width, slots, answers)


def _findings(ledger: sqlite3.Connection) -> tuple[FindingLine, ...]:
    rows = ledger.execute(_SQL["report_findings"], {"limit": EXAMPLES}).fetchall()
    return tuple(
        FindingLine(
            code,
            severity,
            count,
            tuple(FindingExample(run, identifier, message) for *_, run, identifier, message, _ in same),
        )
        for (code, severity, count), same in groupby(rows, key=lambda row: row[:3])
    )


# --- the comparison


def _compared(comparison: Comparison, months: tuple[Cut, ...]) -> Compared:
    report = comparison.report
    words = {
        "expected": report.expected,
        "held": report.held,
        "same": report.same,
        "stale": report.stale,
        "missing": report.missing,
        "extra": report.extra,
        "unchecked": report.unchecked,
        "forgotten": report.forgotten,
        "twice_here": report.twice_here,
        "twice_there": report.twice_there,
    }
    channels = {
        channel: Tally(**{name: marks.get(mark, 0) for mark, name in _MARKS.items()})
        for channel, marks in report.channels.items()
    }
    comparison.sides.db.execute(_SQL["report_ids"])
    found = {month: Tally(*counts) for month, *counts in comparison.sides.db.execute(_SQL["report_months"]).fetchall()}
    if report.target == "ledger":
        found = _dated(found, months)
    return Compared(
        target=report.target,
        words=words,
        completeness=report.completeness,
        complete=report.complete,
        balanced=report.balanced,
        finished=report.finished,
        lost_windows=report.lost_windows,
        reasons=report.reasons,
        differences=report.differences,
        totals=report.totals,
        groups={by: _groups(rows) for by, rows in report.by.items()},
        channels=channels,
        periods=periods_of(found),
        maps=_maps(comparison),
        examples=_examples(comparison),
    )


def _groups(rows: list[dict[str, Any]]) -> tuple[Group, ...]:
    """Return the groups with the most ids, in the order of the audit."""
    groups = [
        Group(row["group"], Tally(row["same"], row["missing"], row["extra"], row["stale"], row["unchecked"]))
        for row in rows
    ]
    largest = sorted(range(len(groups)), key=lambda place: -groups[place].tally.total)[:GROUPS]
    return tuple(groups[place] for place in sorted(largest))


def _dated(found: dict[str | None, Tally], months: tuple[Cut, ...]) -> dict[str | None, Tally]:
    """Date missing ids by the months of their last datestamps in the ledger, because no stored record dates them.

    If the account has another number of such ids, because one that is held was requested again in vain, they stay
    undated.
    """
    undated = found.get(None, Tally())
    gone: dict[str | None, int] = {}
    for cut in months:
        gone[cut.value] = gone.get(cut.value, 0) + sum(cut.states[state] for state in UNSETTLED)
    if sum(gone.values()) != undated.missing:
        return found
    moved = {**found, None: replace(undated, missing=0)}
    for month, ids in gone.items():
        moved[month] = moved.get(month, Tally()) + Tally(missing=ids)
    return moved


def _maps(comparison: Comparison) -> tuple[GapMap, ...]:
    """Draw a map for each of the most frequent prefixes of numbered ids."""
    rows = comparison.sides.db.execute(_SQL["report_prefixes"], {"limit": MAPS}).fetchall()
    return tuple(_map(comparison, *row) for row in rows if row[-1] >= MAP_SHARE)


def _map(comparison: Comparison, prefix: str, ids: int, first: int, last: int, share: float) -> GapMap:
    width = cell_width(first, last)
    place = {"prefix": prefix, "first": first, "width": width}
    counted = {
        int(cell): Tally(*counts) for cell, *counts in comparison.sides.db.execute(_SQL["report_map"], place).fetchall()
    }
    rows = comparison.sides.db.execute(_SQL["report_gaps"], {"prefix": prefix, "limit": GAP_RUNS}).fetchall()
    runs = tuple(GapRun(*run) for *run, _ in rows)
    runs_in_all = next((in_all for *_, in_all in rows), 0)
    return GapMap(prefix, cells_of(first, last, width, counted), runs, runs_in_all, share)


def _examples(comparison: Comparison) -> tuple[Example, ...]:
    found = []
    for mark in (MISSING, DIFFERS, EXTRA, UNTOLD, FORGOTTEN):
        for row in comparison.first(mark, EXAMPLES):
            there, here = (_side(row, side) for side in ("there", "here"))
            found.append(
                Example(
                    mark=mark,
                    channel=row["channel"],
                    identifier=row["identifier"],
                    reason=row["reason"],
                    there=there,
                    here=here,
                )
            )
    return tuple(found)


def _side(row: dict[str, Any], side: str) -> str | None:
    """Describe an id on one side: its datestamp and whether it is deleted."""
    stamp, deleted = row[f"datestamp_{side}"], row[f"deleted_{side}"]
    words = [str(stamp)] if stamp is not None else []
    return " ".join([*words, "deleted"] if deleted else words) or None
