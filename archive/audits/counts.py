"""Count two compared sides: by mark, by reason, and in groups."""

from collections.abc import Iterable, Sequence

from archive.audits.result import (
    DIFFERS,
    EXTRA,
    FORGOTTEN,
    MARKS,
    MISSING,
    SAME,
    UNTOLD,
    AuditReport,
    Row,
    Total,
    percent_of,
)
from archive.audits.sides import HERE, THERE, Sides
from archive.queries import Queries

_SQL = Queries(__package__)

# a total that is compared with the live ids of the target: its name, the number, and when it was declared
Stated = tuple[str, int, str | None]


def count_sides(
    sides: Sides,
    target: str,
    totals: Sequence[Total],
    stated: Sequence[Stated],
    by: Sequence[str],
    *,
    balanced: bool,
    finished: bool,
    lost_windows: int,
) -> AuditReport:
    """Count two compared sides; `totals` are those that the lists of the target declare.

    Both sides check that no id is counted twice: each must give the same number of ids that both have.
    """
    sizes = {channel: numbers for channel, *numbers in sides.rows("audit_totals")}
    channels, reasons, differences = _by_mark(sides, sizes)
    for channel, (expected, _, held) in sizes.items():
        marks = channels[channel]
        same = expected - marks.get(MISSING, 0) - marks.get(DIFFERS, 0)
        balanced &= same == held - sum(marks.get(mark, 0) for mark in (DIFFERS, EXTRA, UNTOLD, FORGOTTEN))
        channels[channel] = {**({SAME: same} if same else {}), **marks}
    expected, live, held = (sum(numbers[place] for numbers in sizes.values()) for place in range(3))
    marks = {mark: sum(counts.get(mark, 0) for counts in channels.values()) for mark in MARKS}
    twice = dict(sides.rows("audit_twice_counts"))
    return AuditReport(
        target,
        expected,
        held,
        marks[SAME],
        marks[MISSING],
        marks[EXTRA],
        marks[DIFFERS],
        marks[UNTOLD],
        marks[FORGOTTEN],
        reasons,
        channels,
        balanced,
        finished,
        lost_windows,
        differences,
        live,
        twice.get(HERE, 0),
        twice.get(THERE, 0),
        (*totals, *(Total(name, number, live, seen) for name, number, seen in stated)),
        {name: _groups(sides, name) for name in by},
    )


def _by_mark(sides: Sides, channels: Iterable[str]) -> tuple[dict[str, dict[str, int]], dict[str, int], dict[str, int]]:
    """Count the ids that differ: by channel and mark, missing ones by reason, stale ones by what differs."""
    marks: dict[str, dict[str, int]] = {channel: {} for channel in channels}
    reasons: dict[str, int] = {}
    differences: dict[str, int] = {}
    for channel, mark, reason, ids in sides.rows("audit_counts"):
        marks[channel][mark] = marks[channel].get(mark, 0) + ids
        if reason is not None:
            told = reasons if mark == MISSING else differences
            told[reason] = told.get(reason, 0) + ids
    return marks, reasons, differences


def _groups(sides: Sides, by: str) -> list[Row]:
    """Make a row of the same counts for each group."""
    if by != "window" and not sides.count(_SQL["audit_has_years"]):
        sides.db.execute(_SQL["audit_about"])
    groups: dict[str, dict[str, int]] = {}
    for group, mark, ids in sides.rows(f"audit_by_{by}"):
        groups.setdefault(group, dict.fromkeys(MARKS, 0))[mark] = ids
    return [_row(group, marks) for group, marks in groups.items()]


def _row(group: str, marks: dict[str, int]) -> Row:
    held = marks[SAME] + marks[DIFFERS]
    expected = held + marks[MISSING]
    return {
        "group": group,
        "expected": expected,
        "same": marks[SAME],
        "missing": marks[MISSING],
        "extra": marks[EXTRA],
        "stale": marks[DIFFERS],
        "unchecked": marks[UNTOLD],
        "forgotten": marks[FORGOTTEN],
        "completeness": round(percent_of(held, expected), 4),
    }
