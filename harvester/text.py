"""Sizes, rates and durations as text: one grammar and one message for all arguments and options."""

import re

from harvester.errors import UsageError

_SIZE = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?\s*(?:([kmgtp])(i)?)?b?", re.IGNORECASE | re.ASCII)
_PER_SECOND = re.compile(r"\s*/\s*s\s*$", re.IGNORECASE | re.ASCII)


def parse_size(text: str, name: str, *, least: int = 1) -> int:
    """Parse a number of bytes: `4096`, `500MB`, `1.5 TB` (powers of 1000), `512MiB` (of 1024), in any case.

    A fraction of a byte is dropped. Raises UsageError, which names the argument `name`, for anything else and for less
    than `least` bytes.
    """
    ratio = _parse_ratio(text)
    if ratio is None or (size := ratio[0] // ratio[1]) < least:
        raise UsageError(f"{name} must be a size such as 500MB, 1.5GB or 512MiB, not {text[:80]!r}")
    return size


def parse_byte_rate(text: str, name: str) -> float:
    """Parse bytes a second, a size with or without `/s`: `50MB/s`, `1GiB`; 0 is allowed. Raises UsageError.

    A fraction of a byte counts: 0, and nothing else, is no bound.
    """
    ratio = _parse_ratio(_PER_SECOND.sub("", text))
    if ratio is None:
        raise UsageError(f"{name} must be a rate such as 50MB/s or 1GiB/s, or 0, not {text[:80]!r}")
    return ratio[0] / ratio[1]


def _parse_ratio(text: str) -> tuple[int, int] | None:
    """Parse a number of bytes as numerator and denominator; None if it is not one."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    whole, decimals, prefix, binary = found.groups(default="")
    unit = (1024 if binary else 1000) ** " kmgtp".index(prefix.lower() or " ")
    return int(whole + decimals) * unit, 10 ** len(decimals)


def duration(seconds: float | None) -> str:
    """Format a time that passes: `42 s`, `3 min 5 s`, `7 h 12 min`; `?` for None."""
    if seconds is None:
        return "?"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def estimated_duration(seconds: float | None) -> str:
    """Format a forecast, in one unit: `40 s`, `12 min`, `7.5 h`, `9 days`; `?` for None."""
    if seconds is None:
        return "?"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds < 96 * 3600 else f"{seconds / 86400:,.0f} days"
