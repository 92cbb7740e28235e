"""Where the shapes of a chart are: across in percent of its width, down in pixels, so that text keeps its size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archive.report.values import Cell, GapMap, Period, Tally, Timeline

# rows of the map of gaps have so many cells
COLUMNS = 40
ROW_PIXELS = 15
BAR_PIXELS = 130


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: what it is, how many, and where it lies; `parts` of a million, which sum to one."""

    name: str
    count: int
    parts: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a chart with what it stands for: `kind` is its class, `told` its title."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    told: str


def shares(counts: Sequence[int]) -> list[int]:
    """Each count's share in millionths, which sum to exactly a million, by largest remainders; all 0 of nothing."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    parts = [count * 1_000_000 // total for count in counts]
    order = sorted(range(len(counts)), key=lambda place: (-(counts[place] * 1_000_000 % total), place))
    for place in order[: 1_000_000 - sum(parts)]:
        parts[place] += 1
    return parts


def segments(counts: dict[str, int]) -> list[Segment]:
    """The pieces of a bar that sums to one, those that are none left out; each begins where the one before ends."""
    found, x, total = [], 0, sum(counts.values())
    for (name, count), parts in zip(counts.items(), shares(list(counts.values())), strict=True):
        if count:
            found.append(Segment(name, count, parts, 100 * x / total, 100 * count / total))
            x += count
    return found


def ceiling(number: float) -> int:
    """Where an axis ends: the next 1, 2 or 5 times a power of ten."""
    if number <= 1:
        return 1
    power = 10 ** int(math.log10(number))
    return next(int(step * power) for step in (1, 2, 5, 10, 20) if step * power >= number)


def level(tally: Tally) -> str:
    """How much of a cell is missing, as a class: `none` expected, `all`, or one of five between."""
    if not tally.expected:
        return "empty" if not tally.total else "extra"
    share = tally.missing / tally.expected
    if share in (0, 1):
        return "all" if share else "whole"
    return "m1" if share <= 0.01 else "m2" if share <= 0.1 else "m3" if share <= 0.5 else "m4"


def map_boxes(drawn: GapMap) -> list[Box]:
    """The cells of a map, row by row."""
    width = 100 / COLUMNS
    return [
        Box(f"c-{level(cell.tally)}", round(number % COLUMNS * width, 3), number // COLUMNS * ROW_PIXELS,
            round(width, 3), ROW_PIXELS, cell_told(drawn.prefix, cell))
        for number, cell in enumerate(drawn.cells)
    ]  # fmt: skip


def map_rows(drawn: GapMap) -> int:
    """How many rows a map has."""
    return -(-len(drawn.cells) // COLUMNS)


def cell_told(prefix: str, cell: Cell) -> str:
    """A cell in a sentence."""
    place = f"{prefix}{cell.first}" + (f" to {cell.last}" if cell.last > cell.first else "")
    return f"{place}: {_tally_told(cell.tally)}"


def period_boxes(periods: Sequence[Period], top: int) -> list[Box]:
    """A column a period: what is held from the bottom, what is missing upon it; `top` is where the axis ends."""
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
    """A cell a period, coloured as the cells of the map: a few missing among many are not seen in a column."""
    width = 100 / max(1, len(periods))
    return [
        Box(f"c-{level(period.tally)}", round(number * width, 3), 0, round(width, 3), ROW_PIXELS,
            f"{period.label}: {_tally_told(period.tally)}")
        for number, period in enumerate(periods)
    ]  # fmt: skip


def request_boxes(line: Timeline, top: int) -> list[Box]:
    """A column an interval: its requests."""
    return _columns([(slot.requests, f"{slot.requests:,} requests, {slot.ids:,} ids") for slot in line.slots],
                    top, "b-held")  # fmt: skip


def wait_boxes(line: Timeline, top: int) -> list[Box]:
    """A column an interval: the seconds in it that went by waiting."""
    return _columns([(slot.waited_seconds, f"{slot.waited_seconds:,.1f} s of waits") for slot in line.slots],
                    top, "b-wait")  # fmt: skip


# --- inside


def _columns(values: Sequence[tuple[float, str]], top: int, kind: str) -> list[Box]:
    width = 100 / max(1, len(values))
    return [
        Box(kind, _x(number, width), round(BAR_PIXELS * (1 - value / top), 2), _w(width),
            round(BAR_PIXELS * value / top, 2), told)
        for number, (value, told) in enumerate(values) if value
    ]  # fmt: skip


def _x(number: int, width: float) -> float:
    """A tenth of a column is free on both sides."""
    return round((number + 0.1) * width, 3)


def _w(width: float) -> float:
    return round(0.8 * width, 3)


def _tally_told(tally: Tally) -> str:
    if not tally.total:
        return "no ids"
    words = [f"{tally.expected:,} expected", f"{tally.missing:,} missing"]
    more = (("differ", tally.differs), ("extra", tally.extra), ("not told", tally.untold))
    return ", ".join([*words, *(f"{count:,} {word}" for word, count in more if count)])
