"""UTCdatetime and granularity (OAI-PMH 2.0, section 3.3): datestamps in, arguments out."""

import re
from datetime import UTC, datetime

# Providers send other forms in headers than the two that are legal (DOAJ/doaj#507, paradisec-archive/nabu#248):
# fractions of a second, an offset, no Z. They are read; none of them is ever sent.
_STAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
SECOND, DAY = "second", "day"


def parse(text: str) -> datetime | None:
    """Read a datestamp as providers send it, to the second, aware and in UTC; a day is its midnight.

    None when it is no datestamp or an impossible one (2026-13-45T25:61:00Z is in use).
    """
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
        if zone and zone != "Z":
            moment = datetime.fromisoformat(moment.replace(tzinfo=None).isoformat() + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def as_argument(moment: datetime, granularity: str = SECOND) -> str:
    """A datestamp as it is sent: in full granularity, or as a day where the provider knows only days.

    Invenio reads `until=DAY` as the midnight that begins it, so days are sent only where nothing else is legal.
    """
    if granularity == DAY:
        return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
    # strftime does not pad years before 1000, and earliestDatestamp 0001-01-01 occurs
    return (
        f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
        f"T{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}Z"
    )


def granularity_of(text: str | None) -> str:
    """The granularity that Identify states; seconds unless it is the day form."""
    return DAY if text is not None and text.strip().upper() == "YYYY-MM-DD" else SECOND
