"""Numbers and times put into a fixed number of places: cells of a range, intervals of a run, months of some years."""

from collections.abc import Iterable, Mapping

from archive.report.values import Cell, Period, Slot, Tally

CELLS = 400
SLOTS = 120
PERIODS = 120
# widths of an interval that people can reckon with, in seconds
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def cell_width(first: int, last: int, cells: int = CELLS) -> int:
    """How many numbers a cell has, so that no more than so many cells hold first to last."""
    return -(-(last - first + 1) // cells)


def cells_of(first: int, last: int, width: int, counted: Mapping[int, Tally]) -> tuple[Cell, ...]:
    """All cells from first to last, those without ids too; the last one may be narrower."""
    return tuple(
        Cell(begin, min(begin + width - 1, last), counted.get(number, Tally()))
        for number, begin in enumerate(range(first, last + 1, width))
    )


def slot_width(seconds: int, slots: int = SLOTS) -> int:
    """The width in seconds of an interval, so that no more than so many cover a time."""
    wanted = -(-(seconds + 1) // slots)
    days = -(-wanted // 86400)
    return next((width for width in _WIDTHS if width >= wanted), days * 86400)


def slots_of(
    seconds: int, width: int, asked: Mapping[int, tuple[int, int, int]], waits: Iterable[tuple[float, float]]
) -> tuple[Slot, ...]:
    """The intervals of a run that took so many seconds.

    `asked` has requests, read and ids of an interval; `waits` when each began, in seconds since the start, and how long
    it was. A wait is in every interval that it touches, with the seconds that it was in it.
    """
    count = seconds // width + 1
    waited = [0.0] * count
    for began, length in waits:
        until = began + length
        for number in range(max(0, int(began // width)), min(count - 1, int(until // width)) + 1):
            waited[number] += min(until, (number + 1) * width) - max(began, number * width)
    return tuple(Slot(*asked.get(number, (0, 0, 0)), waited[number]) for number in range(count))


def periods_of(months: Mapping[str | None, Tally]) -> tuple[Period, ...]:
    """Months in their order, empty ones between them too; years where there are too many months.

    Ids without a datestamp come last, with those whose datestamp is of a year in which there were no such records.
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
