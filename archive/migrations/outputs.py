"""Results of a migration: redirects from old URLs to new ones, and success tables.

Redirects are written as CSV, and as lines for a `map` of nginx, which compares keys without case, takes a `$` in a
value for a variable, and refuses duplicate keys.

Success tables count what was moved and check that declared numbers agree with each other. A published table had
2,862,188 of 2,890,136 moved, 28,889 missing, 99.9 %: moved and missing exceed the total by 941, and the quotient is
99.03 %.
"""

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import quote, urlsplit

from archive.disk import translated

# printable ASCII that is literal in a quoted word of nginx
_SAFE = "!#%&'()*+,-./:;<=>?@[]^_`{|}~"

# up to this many parameters of a query are included in every order
_ORDERED = 3


@dataclass(slots=True)
class Redirects:
    """What was written; `conflicts` are old URLs with several targets, of which the first was taken."""

    written: int = 0
    conflicts: list[str] = field(default_factory=list)


def write_csv(path: Path, redirects: Iterable[tuple[str, str]]) -> Redirects:
    """Write `old_url,new_url`, each old URL once."""
    done = Redirects()
    with translated(path, "writing"), path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["old_url", "new_url"])
        for old, new in _once(redirects, done):
            writer.writerow([old, new])
            done.written += 1
    return done


def write_nginx(path: Path, redirects: Iterable[tuple[str, str]]) -> Redirects:
    """Write lines for `map $host$request_uri $moved_to { include FILE; }`, each old URL with and without a final slash.

    A second map of the path alone, shown in docs/migrations.md, redirects requests with an additional query.
    """
    done = Redirects()
    with translated(path, "writing"), path.open("w", encoding="ascii") as file:
        # nginx compares without case
        for key, value in _once(((key.lower(), value) for key, value in _nginx(redirects)), done):
            file.write(f'"{key}" "{value}";\n')
            done.written += 1
    return done


def nginx_keys(url: str) -> tuple[str, ...]:
    """Return `$host$request_uri` of requests for a URL: the host without its port, the path and query as sent.

    Up to three parameters are included in every order.
    """
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), _ascii(parts.path or "/")
    if parts.query:
        given = parts.query.split("&")
        orders = itertools.permutations(given) if len(given) <= _ORDERED else [given]
        return tuple(dict.fromkeys(f"{host}{path}?{_ascii('&'.join(order))}" for order in orders))
    return tuple(dict.fromkeys((f"{host}{path}", f"{host}{path.rstrip('/') or '/'}", f"{host}{path.rstrip('/')}/")))


def _nginx(redirects: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for old, new in redirects:
        for key in nginx_keys(old):
            yield key, _ascii(new).replace("$", "%24")


def _ascii(text: str) -> str:
    """Percent-encode what must not be in a quoted word; existing escapes stay."""
    return quote(text, safe=_SAFE)


def _once(redirects: Iterable[tuple[str, str]], done: Redirects) -> Iterator[tuple[str, str]]:
    """Yield each key once, and note conflicts."""
    seen: dict[str, str] = {}
    for old, new in redirects:
        if (known := seen.get(old)) is None:
            seen[old] = new
            yield old, new
        elif known != new:
            done.conflicts.append(old)


TOTAL, MOVED, MISSING, RATE = NAMES = ("total", "moved", "missing", "rate")


def parse_stated(text: str) -> tuple[str, Decimal]:
    """Parse NAME=NUMBER, `total=2,890,136` or `rate=99.9%`; a number alone is the total. Raises ValueError."""
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
    """Yield sentences on declared numbers that cannot all be true. `rate` is percent, rounded or truncated."""
    total, moved, missing, rate = (stated.get(name) for name in NAMES)
    if total is not None and moved is not None and missing is not None and moved + missing != total:
        off = moved + missing - total
        yield (
            f"{moved:,} moved and {missing:,} missing are {moved + missing:,}, which is {abs(off):,} "
            f"{'more' if off > 0 else 'less'} than the total of {total:,}"
        )
    if rate is not None:
        yield from _rates(total, moved, missing, rate)


def differences(stated: Mapping[str, Decimal], counted: Mapping[str, int]) -> Iterator[str]:
    """Yield sentences on declared numbers that differ from the counts."""
    for name in (TOTAL, MOVED, MISSING):
        if name in stated and stated[name] != counted[name]:
            yield f"{stated[name]:,} {name} stated, {counted[name]:,} counted"
    if RATE in stated and counted[TOTAL] and not _fits(stated[RATE], Decimal(counted[MOVED]), Decimal(counted[TOTAL])):
        yield f"a rate of {stated[RATE]} % stated, {rate_of(counted[MOVED], counted[TOTAL])} % counted"


def rate_of(moved: int, total: int) -> str:
    """Format a percentage with two digits, never rounded up: 100.00 means all, and nothing of nothing is 0.00."""
    if not total:
        return "0.00"
    return str((Decimal(100) * moved / total).quantize(Decimal("0.01"), ROUND_DOWN))


def _rates(total: Decimal | None, moved: Decimal | None, missing: Decimal | None, rate: Decimal) -> Iterator[str]:
    """Yield sentences on rates that differ from the declared one; each pair of counts implies a rate."""
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
