"""Changes between two profiles that neither chance nor growth explains.

A change is reported if two things hold: it is large (in percent of the records, or of the values), and two samples of
the same population would not show it. For shares that is the two-proportion z test with pooled variance and continuity
correction; for fields that are gone or new the exact chance that all records with the field are on one side; for
distributions their total variation distance against that between two samples of one population.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, pi, sqrt
from typing import TypeVar

from archive.profiles.model import Field, Profile

K = TypeVar("K", bound=Hashable)
Scalar = str | int | float

# a field or a distribution that drifts by less than this is not a warning
PERCENT = 5.0
# 1 in 150,000 of normal values is as far away: a profile has some hundred fields, each with four tests
_Z = 4.5
_CHANCE = 1e-5
# distributions of fewer values are not compared
_FEWEST_VALUES = 100

CODES = {
    "records-fewer": "warning",
    "records-more": "info",
    "format-gone": "warning",
    "format-new": "info",
    "field-gone": "warning",
    "field-new": "warning",
    "coverage-fell": "warning",
    "coverage-rose": "warning",
    "types-changed": "warning",
    "values-shifted": "warning",
    "lengths-shifted": "warning",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One change. `before` and `now` are counts of records, percent, or None; `by` is its size in percent.

    Kind and path are empty if it is about a format as a whole. Severity `info` is no reason to stop anything.
    """

    code: str
    severity: str
    format: str
    kind: str
    path: str
    before: float | None
    now: float | None
    by: float
    message: str


def drifts(before: Profile, now: Profile, percent: float = PERCENT) -> list[Drift]:
    """List every change, the largest first; those of less than `percent` are `info`, or not reported."""
    found = list(_of_formats(before, now, percent))
    on_one_side = _maps(before) ^ _maps(now)
    earlier, later = _fields(before, on_one_side), _fields(now, on_one_side)
    for where in sorted(earlier.keys() | later.keys()):
        numbers = before.looked_at.get(where[0], 0), now.looked_at.get(where[0], 0)
        if all(numbers):  # otherwise the format is gone, or new, with all its fields
            found += _of_field(where, earlier.get(where), later.get(where), numbers, percent)
    return sorted(found, key=lambda one: (one.severity == "info", -one.by, one.format, one.kind, one.path))


def _of_formats(before: Profile, now: Profile, percent: float) -> Iterator[Drift]:
    for name in sorted(before.records.keys() | now.records.keys()):
        old, new = before.records.get(name, 0), now.records.get(name, 0)
        by = 100.0 * (new - old) / old if old else 100.0
        if not new:
            yield _told("format-gone", name, "", "", old, 0, 100.0, f"none of {old:,} records is left")
        elif not old:
            yield _told("format-new", name, "", "", 0, new, 100.0, f"{new:,} records, there were none")
        elif abs(by) >= percent:
            code = "records-fewer" if new < old else "records-more"
            yield _told(code, name, "", "", old, new, abs(by), f"{new:,} records, there were {old:,}")


def _of_field(
    where: tuple[str, str, str], old: Field | None, new: Field | None, numbers: tuple[int, int], percent: float
) -> Iterator[Drift]:
    counts = (old.present if old else 0), (new.present if new else 0)
    yield from _of_coverage(where, counts, numbers, percent)
    if old is None or new is None:
        return
    present = max(1, old.present), max(1, new.present)
    types = _distance(_told_types(old), _told_types(new), present)
    if types * 100 >= percent:
        yield _told(
            "types-changed",
            *where,
            None,
            None,
            types * 100,
            f"{_mostly(_told_types(new))}; it was {_mostly(_told_types(old))}",
        )
        return  # other types are other values and other lengths
    if (moved := _values_moved(old, new, present)) * 100 >= percent:
        yield _told("values-shifted", *where, None, None, moved * 100, _most_moved(old, new))
    if (moved := _distance(old.lengths, new.lengths, present)) * 100 >= percent:
        yield _told(
            "lengths-shifted",
            *where,
            None,
            None,
            moved * 100,
            f"{moved:.1%} of the texts are of another length; {_typical(new.lengths)} characters at the "
            f"median, it was {_typical(old.lengths)}",
        )


def _of_coverage(
    where: tuple[str, str, str], counts: tuple[int, int], numbers: tuple[int, int], percent: float
) -> Iterator[Drift]:
    old, new = (100.0 * count / number for count, number in zip(counts, numbers, strict=True))
    by = abs(new - old)
    said = f"{_percent(new)} of the records have it, it was {_percent(old)}"
    if 0 in counts and any(counts):
        if _chance_of_one_side(counts, numbers) < _CHANCE:
            severity = None if by >= percent else "info"
            code = "field-gone" if not new else "field-new"
            yield _told(code, *where, old, new, by, said, severity)
    elif by >= percent and _is_another_share(counts, numbers):
        yield _told("coverage-fell" if new < old else "coverage-rose", *where, old, new, by, said)


def _told(
    code: str,
    format_: str,
    kind: str,
    path: str,
    before: float | None,
    now: float | None,
    by: float,
    said: str,
    severity: str | None = None,
) -> Drift:
    place = " ".join(part for part in (format_, "" if kind == "metadata" else kind, path) if part)
    return Drift(code, severity or CODES[code], format_, kind, path, before, now, by, f"{place}: {said}")


# --- chance


def _is_another_share(counts: tuple[int, int], numbers: tuple[int, int]) -> bool:
    """Return whether two shares differ by more than `_Z` standard errors."""
    pooled = sum(counts) / sum(numbers)
    inverse = 1 / numbers[0] + 1 / numbers[1]
    error = sqrt(pooled * (1 - pooled) * inverse)
    difference = abs(counts[0] / numbers[0] - counts[1] / numbers[1]) - inverse / 2
    return difference > _Z * error


def _chance_of_one_side(counts: tuple[int, int], numbers: tuple[int, int]) -> float:
    """Compute the chance that all records with a field are on the side where they are, if sides do not matter."""
    full = 0 if counts[0] else 1
    return (numbers[full] / sum(numbers)) ** counts[full]


def _distance(old: Mapping[K, int], new: Mapping[K, int], records: tuple[int, int]) -> float:
    """Compute the share of a distribution that has moved, 0 to 1; 0 if chance can explain it."""
    return _beyond_chance([(old.get(key, 0), new.get(key, 0)) for key in {*old, *new}], records)


def _beyond_chance(pairs: Sequence[tuple[int, int]], records: tuple[int, int]) -> float:
    """Compute the total variation distance of two samples; `pairs` are the counts of each value on both sides.

    By chance alone it is expected to be half the sum of sqrt(2 variance / pi) over the values, and deviates from that
    by at most sqrt((1/m + 1/n) / 4), because one more value moves it by no more than 1/m or 1/n (Efron and Stein).
    Values of one record are correlated: there are no more independent ones than records.
    """
    first, second = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    if min(first, second) < _FEWEST_VALUES:
        return 0.0
    inverse = 1 / min(first, records[0]) + 1 / min(second, records[1])
    distance = sum(abs(a / first - b / second) for a, b in pairs) / 2
    shares = ((a + b) / (first + second) for a, b in pairs)
    expected = sum(sqrt(2 * share * max(0.0, 1 - share) * inverse / pi) for share in shares) / 2
    return distance if distance > expected + _Z * sqrt(inverse / 4) else 0.0


def _values_moved(old: Field, new: Field, records: tuple[int, int]) -> float:
    """Compare the values that both sides have counted; all but the most frequent count as one value.

    0 if a count may be off by more than chance: in fields whose values are names rather than categories.
    """
    if not old.values or not new.values or max(old.missed / old.values, new.missed / new.values) > 0.001:
        return 0.0
    return _beyond_chance(_pairs(old, new), records)


def _pairs(old: Field, new: Field) -> list[tuple[int, int]]:
    before, after = dict(old.top), dict(new.top)
    # a value that one side did not keep may occur there, no more often than the rarest one that it kept
    both = [key for key in {**before, **after} if _known(key, old, before) and _known(key, new, after)]
    pairs = [(before.get(key, 0), after.get(key, 0)) for key in both]
    rest = old.values - sum(a for a, _ in pairs), new.values - sum(b for _, b in pairs)
    return [*pairs, rest] if any(rest) else pairs


def _known(key: Scalar, field: Field, kept: Mapping[Scalar, int]) -> bool:
    return key in kept or sum(kept.values()) == field.values


# --- sentences


def _maps(profile: Profile) -> set[tuple[str, str, str]]:
    """Return the objects whose names are one field: format, kind, and the beginning of paths in them."""
    return {(field.format, field.kind, field.path[:-1]) for field in profile.fields if field.path.endswith(".*")}


def _fields(profile: Profile, left_out: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], Field]:
    """Map places to fields, without those in an object that is a map on one side and has named fields on the other."""
    return {
        (field.format, field.kind, field.path): field
        for field in profile.fields
        if not any(
            (field.format, field.kind) == (format_, kind) and field.path.startswith(within)
            for format_, kind, within in left_out
        )
    }


def _told_types(field: Field) -> dict[str, int]:
    """Return the types except null: how often a value is null is a matter of coverage."""
    return {name: count for name, count in field.types.items() if name != "null"}


def _most_moved(old: Field, new: Field) -> str:
    before, after = dict(old.top), dict(new.top)
    moved = [
        (after.get(key, 0) / new.values - before.get(key, 0) / old.values, str(key))
        for key in {**before, **after}
        if _known(key, old, before) and _known(key, new, after)
    ]
    named = sorted(moved, key=lambda pair: (-abs(pair[0]), pair[1]))[:3]
    return "; ".join(f"{key[:60]!r} {change * 100:+.1f} points" for change, key in named) or "rarer values are others"


def _mostly(types: Mapping[str, int]) -> str:
    total = sum(types.values()) or 1
    most = sorted(types.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
    return ", ".join(f"{name} {_percent(100 * count / total)}" for name, count in most)


def _typical(lengths: Mapping[int, int]) -> str:
    half, seen = sum(lengths.values()) / 2, 0
    for bits, count in sorted(lengths.items()):
        seen += count
        if seen >= half:
            return "0" if bits == 0 else f"{1 << (bits - 1)} to {(1 << bits) - 1}"
    return "no"


def _percent(value: float) -> str:
    """Format a percentage with enough digits to distinguish it from 0 and 100."""
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    digits = max(1, -int(log(min(value, 100 - value), 10)) + 1) if 0 < value < 100 else 1
    return f"{value:.{digits}f} %"
