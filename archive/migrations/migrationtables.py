"""Success tables: counts of what was moved, and a check that numbers which somebody states agree with each other.

A table on a slide said 2,862,188 of 2,890,136 moved, 28,889 missing, 99.9 %: moved and missing are 941 more than the
total, and the quotient is 99.03 %.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

TOTAL, MOVED, MISSING, RATE = NAMES = ("total", "moved", "missing", "rate")


def parse_stated(text: str) -> tuple[str, Decimal]:
    """Read NAME=NUMBER, `total=2,890,136` or `rate=99.9%`; a number alone is the total. Raises ValueError."""
    name, _, value = text.partition("=") if "=" in text else (TOTAL, "=", text)
    name, value = name.strip().lower(), value.strip().rstrip("%").replace(",", "").replace("_", "").strip()
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal(-1)
    whole = name == RATE or number == number.to_integral_value()
    if name not in NAMES or not number.is_finite() or number < 0 or not whole:
        raise ValueError(f"{text!r} is not NAME=NUMBER, where NAME is one of {', '.join(NAMES)}")
    return name, number


def contradictions(stated: Mapping[str, Decimal]) -> Iterator[str]:
    """Sentences on stated numbers that cannot all be true. `rate` is percent, rounded or cut to the digits it has."""
    total, moved, missing, rate = (stated.get(name) for name in NAMES)
    if total is not None and moved is not None and missing is not None and moved + missing != total:
        off = moved + missing - total
        yield (f"{moved:,} moved and {missing:,} missing are {moved + missing:,}, which is {abs(off):,} "
               f"{'more' if off > 0 else 'less'} than the total of {total:,}")  # fmt: skip
    if rate is not None:
        yield from _rates(total, moved, missing, rate)


def differences(stated: Mapping[str, Decimal], counted: Mapping[str, int]) -> Iterator[str]:
    """Sentences on stated numbers that are not those that were counted."""
    for name in (TOTAL, MOVED, MISSING):
        if name in stated and stated[name] != counted[name]:
            yield f"{stated[name]:,} {name} stated, {counted[name]:,} counted"
    if RATE in stated and counted[TOTAL] and not _fits(stated[RATE], Decimal(counted[MOVED]), Decimal(counted[TOTAL])):
        yield f"a rate of {stated[RATE]} % stated, {rate_of(counted[MOVED], counted[TOTAL])} % counted"


def rate_of(moved: int, total: int) -> str:
    """Percent with two digits, cut and never rounded up: 100.00 means all, and nothing of nothing is 0.00."""
    if not total:
        return "0.00"
    return str((Decimal(100) * moved / total).quantize(Decimal("0.01"), ROUND_DOWN))


def _rates(total: Decimal | None, moved: Decimal | None, missing: Decimal | None, rate: Decimal) -> Iterator[str]:
    """Each pair of counts gives a rate of its own."""
    for part, whole, words in (
        (moved, total, "moved of the total"),
        (None if total is None or missing is None else total - missing, total, "the total less missing"),
        (moved, None if moved is None or missing is None else moved + missing, "moved of moved and missing"),
    ):
        if part is not None and whole and not _fits(rate, part, whole):
            yield f"a rate of {rate} % is stated, {words} is {(100 * part / whole).quantize(Decimal('0.0001'))} %"


def _fits(rate: Decimal, part: Decimal, whole: Decimal) -> bool:
    exponent = rate.as_tuple().exponent
    digits = Decimal(1).scaleb(exponent if isinstance(exponent, int) and exponent < 0 else 0)
    exact = 100 * part / whole
    return rate in (exact.quantize(digits, ROUND_HALF_UP), exact.quantize(digits, ROUND_DOWN))
