"""Geometry of charts: horizontally in percent of the width, vertically in pixels, so that text keeps its size.

Numbers and times are put into a fixed number of slots: cells of a range, intervals of a run, months of some years.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.report.values import Cell, GapMap, Period, Slot, Tally, Timeline

# cells in a row of the map of gaps
COLUMNS = 40
ROW_PIXELS = 15
BAR_PIXELS = 130


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: its name, count and position; `parts` of a million, which add up."""

    name: str
    count: int
    parts: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a chart: `kind` is its class, `told` its title."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    told: str


def shares(counts: Sequence[int]) -> list[int]:
    """Compute each count's share in millionths, which add up to a million, by largest remainders; all 0 of nothing."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    parts = [count * 1_000_000 // total for count in counts]
    order = sorted(range(len(counts)), key=lambda place: (-(counts[place] * 1_000_000 % total), place))
    for place in order[: 1_000_000 - sum(parts)]:
        parts[place] += 1
    return parts


def segments(counts: dict[str, int]) -> list[Segment]:
    """Lay out the pieces of a bar, without empty ones; each begins where the one before ends."""
    found, x, total = [], 0, sum(counts.values())
    for (name, count), parts in zip(counts.items(), shares(list(counts.values())), strict=True):
        if count:
            found.append(Segment(name, count, parts, 100 * x / total, 100 * count / total))
            x += count
    return found


def ceiling(number: float) -> int:
    """Round up to 1, 2 or 5 times a power of ten, for the end of an axis."""
    if number <= 1:
        return 1
    power = 10 ** int(math.log10(number))
    return next(int(step * power) for step in (1, 2, 5, 10, 20) if step * power >= number)


def level(tally: Tally) -> str:
    """Classify how much of a cell is missing.

    `whole`, `all`, or one of four levels between; `empty` or `extra` if nothing is expected.
    """
    if not tally.expected:
        return "empty" if not tally.total else "extra"
    share = tally.missing / tally.expected
    if share in (0, 1):
        return "all" if share else "whole"
    return "m1" if share <= 0.01 else "m2" if share <= 0.1 else "m3" if share <= 0.5 else "m4"


def map_boxes(drawn: GapMap) -> list[Box]:
    """Lay out the cells of a map, row by row."""
    width = 100 / COLUMNS
    return [
        Box(
            f"c-{level(cell.tally)}",
            round(number % COLUMNS * width, 3),
            number // COLUMNS * ROW_PIXELS,
            round(width, 3),
            ROW_PIXELS,
            cell_told(drawn.prefix, cell),
        )
        for number, cell in enumerate(drawn.cells)
    ]


def map_rows(drawn: GapMap) -> int:
    """Count the rows of a map."""
    return -(-len(drawn.cells) // COLUMNS)


def cell_told(prefix: str, cell: Cell) -> str:
    """Describe a cell in a sentence."""
    place = f"{prefix}{cell.first}" + (f" to {cell.last}" if cell.last > cell.first else "")
    return f"{place}: {_tally_told(cell.tally)}"


def period_boxes(periods: Sequence[Period], top: int) -> list[Box]:
    """Lay out a column for each period: held ids at the bottom, missing ones above; `top` is the end of the axis."""
    width = 100 / max(1, len(periods))
    found = []
    for number, period in enumerate(periods):
        y = float(BAR_PIXELS)
        for kind, count in (("b-held", period.tally.held), ("b-missing", period.tally.missing)):
            height = BAR_PIXELS * count / top
            y -= height
            if count:
                told = f"{period.label}: {_tally_told(period.tally)}"
                found.append(Box(kind, _x(number, width), round(y, 2), _w(width), round(height, 2), told))
    return found


def period_strip(periods: Sequence[Period]) -> list[Box]:
    """Lay out a cell for each period, coloured like the map: a few missing ids among many are invisible in a column."""
    width = 100 / max(1, len(periods))
    return [
        Box(
            f"c-{level(period.tally)}",
            round(number * width, 3),
            0,
            round(width, 3),
            ROW_PIXELS,
            f"{period.label}: {_tally_told(period.tally)}",
        )
        for number, period in enumerate(periods)
    ]


def request_boxes(line: Timeline, top: int) -> list[Box]:
    """Lay out a column for each interval: its requests."""
    return _columns(
        [(slot.requests, f"{slot.requests:,} requests, {slot.ids:,} ids") for slot in line.slots], top, "b-held"
    )


def wait_boxes(line: Timeline, top: int) -> list[Box]:
    """Lay out a column for each interval: the seconds of it that were spent waiting."""
    return _columns(
        [(slot.waited_seconds, f"{slot.waited_seconds:,.1f} s of waits") for slot in line.slots], top, "b-wait"
    )


# --- helpers


def _columns(values: Sequence[tuple[float, str]], top: int, kind: str) -> list[Box]:
    width = 100 / max(1, len(values))
    return [
        Box(
            kind,
            _x(number, width),
            round(BAR_PIXELS * (1 - value / top), 2),
            _w(width),
            round(BAR_PIXELS * value / top, 2),
            told,
        )
        for number, (value, told) in enumerate(values)
        if value
    ]


def _x(number: int, width: float) -> float:
    """Return the x of a column, a tenth of which is free on both sides."""
    return round((number + 0.1) * width, 3)


def _w(width: float) -> float:
    return round(0.8 * width, 3)


def _tally_told(tally: Tally) -> str:
    if not tally.total:
        return "no ids"
    words = [f"{tally.expected:,} expected", f"{tally.missing:,} missing"]
    more = (("differ", tally.differs), ("extra", tally.extra), ("not told", tally.untold))
    return ", ".join([*words, *(f"{count:,} {word}" for word, count in more if count)])


CELLS = 400
SLOTS = 120
PERIODS = 120
# widths of an interval that are easy to read, in seconds
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def cell_width(first: int, last: int, cells: int = CELLS) -> int:
    """Compute how many numbers a cell has, so that at most `cells` cells cover first to last."""
    return -(-(last - first + 1) // cells)


def cells_of(first: int, last: int, width: int, counted: Mapping[int, Tally]) -> tuple[Cell, ...]:
    """Return all cells from first to last, including those without ids; the last one may be narrower."""
    return tuple(
        Cell(begin, min(begin + width - 1, last), counted.get(number, Tally()))
        for number, begin in enumerate(range(first, last + 1, width))
    )


def slot_width(seconds: int, slots: int = SLOTS) -> int:
    """Choose the width of an interval in seconds, so that at most `slots` cover a time."""
    wanted = -(-(seconds + 1) // slots)
    days = -(-wanted // 86400)
    return next((width for width in _WIDTHS if width >= wanted), days * 86400)


def slots_of(
    seconds: int, width: int, asked: Mapping[int, tuple[int, int, int]], waits: Iterable[tuple[float, float]]
) -> tuple[Slot, ...]:
    """Divide a run that took `seconds` into intervals.

    `asked` has requests, read and ids of an interval; `waits` when each began, in seconds since the start, and its
    length. A wait counts in every interval that it overlaps, with the seconds in it.
    """
    count = seconds // width + 1
    waited = [0.0] * count
    for began, length in waits:
        until = began + length
        for number in range(max(0, int(began // width)), min(count - 1, int(until // width)) + 1):
            waited[number] += min(until, (number + 1) * width) - max(began, number * width)
    return tuple(Slot(*asked.get(number, (0, 0, 0)), waited[number]) for number in range(count))


def periods_of(months: Mapping[str | None, Tally]) -> tuple[Period, ...]:
    """Return months in order, including empty ones between; years if there are too many months.

    Ids without a datestamp come last, together with those whose datestamp is before 1900 or after 2100.
    """
    known = {month: tally for month, tally in months.items() if month is not None and _is_dated(month)}
    labels = _months(min(known), max(known)) if known else []
    if len(labels) > PERIODS:
        years: dict[str, Tally] = {}
        for month, tally in known.items():
            years[month[:4]] = years.get(month[:4], Tally()) + tally
        known, labels = years, [str(year) for year in range(int(min(years)), int(max(years)) + 1)]
    found = [Period(label, known.get(label, Tally())) for label in labels]
    undated = sum((tally for month, tally in months.items() if not _is_dated(month)), Tally())
    return (*found, Period(None, undated)) if undated.total else tuple(found)


def _is_dated(month: str | None) -> bool:
    return month is not None and "1900" <= month[:4] <= "2100"


def _months(first: str, last: str) -> list[str]:
    begin, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(begin, end + 1)]
