"""Datestamps as moments: what providers write in headers, in UTC and to the second."""

import re
from datetime import UTC, datetime

# fractions, an offset, no Z: providers send them in headers, although only two forms are legal
_STAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_DAY = 10


def moment(stamp: str | None) -> str | None:
    """Return a datestamp as a time of the index (`YYYY-MM-DD hh:mm:ss`), None when it is not a possible time."""
    if stamp is None:
        return None
    try:
        if len(stamp) == 20 and stamp[4::3] == "--T::Z":  # the legal form with a time, which nearly all have
            return datetime.fromisoformat(stamp[:19]).isoformat(" ")
        if _STAMP.fullmatch(text := stamp.strip()) is None:
            return None
        read = datetime.fromisoformat(text)
        in_utc = read.astimezone(UTC) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None
    return in_utc.replace(microsecond=0, tzinfo=None).isoformat(" ")


def is_day(stamp: str) -> bool:
    """Return whether a datestamp names a day and no time of it."""
    return len(stamp.strip()) == _DAY
