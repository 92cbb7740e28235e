"""Budgets of a host, and what the headers of its answers say of them. Pure: headers and the time in, values out.

Three generations of headers are read: RateLimit-Policy with RateLimit (the current draft of the IETF's httpapi group,
structured field lists), the three of the drafts before it (RateLimit-Limit, -Remaining, -Reset), and their X- forms.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """So many requests in so many seconds, for paths that begin with `path` ("" is the whole host).

    With $ at its end, `path` is the whole path, as in robots.txt.
    """

    requests: int
    seconds: float
    path: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What one answer states of one limit; None where it does not say. `reset_seconds` is the time until there is
    more, `seconds` the length of the window.
    """

    limit: int | None = None
    seconds: float | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


# a server's clock that is off by less is taken to be right: Date has whole seconds
SKEW_SECONDS = 2.0
# numbers above are absolute times: seconds, and milliseconds, since 1970
_UNIX, _UNIX_MILLISECONDS = 1e9, 1e12
# a window that nobody names is the shortest of these that holds the time until its end
_WINDOWS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PREFIXES = ("x-ratelimit", "ratelimit", "x-rate-limit")
# for a quick look whether there is anything to read
LIMIT_HEADERS = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-ratelimit-limit-minute",
    "x-ratelimit-limit-second",
    "x-ratelimit-limit-hour",
    "x-ratelimit-limit-day",
)
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_SAID = re.compile(rb"\b(\d{1,9}) (?:requests? )?per (?:(\d{1,6}) )?(second|minute|hour|day)", re.IGNORECASE)
_FIELD_MOST = 2048
_MEMBERS = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PARTS = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')


def covers(pattern: str, path: str) -> bool:
    """Whether a budget holds for a path: a prefix, or with $ at its end the whole path."""
    return path == pattern[:-1] if pattern.endswith("$") else path.startswith(pattern)


def parse_limits(headers: Mapping[str, str], now: datetime) -> tuple[Stated, ...]:
    """What the headers of one answer state, names in lower case. A field that is malformed states nothing.

    Absolute times are measured from the answer's own Date where the two clocks disagree.
    """
    now = _servers_now(headers, now)
    found = [*_current(headers), *_dictionary(headers), *_three(headers, now), *_by_unit(headers)]
    return tuple(dict.fromkeys(one for one in found if one.limit is not None or one.remaining is not None))


def parse_said(body: bytes) -> Budget | None:
    """The limit that a 429 names in words (`100 per 1 minute`, as Flask-Limiter writes it), None when it names none."""
    if (match := _SAID.search(body[:4096])) is None:
        return None
    requests, seconds = int(match[1]), int(match[2] or 1) * _UNITS[match[3].decode().lower()]
    return Budget(requests, float(seconds)) if requests and seconds else None


def guess_window(reset_seconds: float) -> float:
    """The length of a window that ends in `reset_seconds`, as far as that tells; a longer one may show later."""
    return float(next((window for window in _WINDOWS if reset_seconds <= window + min(1.5, window / 2)), reset_seconds))


def parse_reset(value: str, now: datetime) -> float | None:
    """Seconds until a reset that is given as seconds, as a Unix time (in milliseconds, too), or as a date.

    0 for a moment that is past, None for what is none of these.
    """
    text = value.strip()
    if _DECIMAL.fullmatch(text):
        number = float(text)
        if number > _UNIX:
            number = number / (1000 if number > _UNIX_MILLISECONDS else 1) - now.timestamp()
        return max(0.0, number)
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - now) / timedelta(seconds=1))


# --- the generations


def _current(headers: Mapping[str, str]) -> Iterator[Stated]:
    """`"burst";q=100;w=60,"daily";q=1000;w=86400` and `"burst";r=50;t=30`; the one before had no names: `100;w=60`."""
    policies: dict[str, tuple[int, float | None]] = {}
    for name, parameters in _items(headers.get("ratelimit-policy", "")):
        quota = _whole(parameters.get("q", name))
        if quota and parameters.get("qu", "requests").strip('"') == "requests":
            length = _whole(parameters.get("w", ""))
            policies[name] = quota, float(length) if length else None
    stated = {}
    for name, parameters in _items(headers.get("ratelimit", "")):
        remaining, reset = _whole(parameters.get("r", "")), _whole(parameters.get("t", ""))
        if remaining is not None:
            stated[name] = remaining, None if reset is None else float(reset)
    for name, (quota, window) in policies.items():
        yield Stated(quota, window, *stated.pop(name, (None, None)))
    for left, until in stated.values():
        yield Stated(None, None, left, until)


def _dictionary(headers: Mapping[str, str]) -> Iterator[Stated]:
    """`limit=100, remaining=50, reset=5`, as one header for some drafts."""
    pairs = [member.strip().partition("=") for member in headers.get("ratelimit", "").split(",")]
    values = {name.strip(): _whole(value) for name, _, value in pairs}
    if values.get("remaining") is not None:
        reset = values.get("reset")
        yield Stated(values.get("limit") or None, None, values["remaining"], None if reset is None else float(reset))


def _three(headers: Mapping[str, str], now: datetime) -> Iterator[Stated]:
    """The three headers. The limit may list its policies: `100, 100;w=60, 5000;w=3600`."""
    for prefix in _PREFIXES:
        items = list(_items(headers.get(f"{prefix}-limit", "")))
        limit = (_whole(items[0][0]) or None) if items else None
        windows = {_whole(name): _whole(parameters.get("w", "")) for name, parameters in items}
        remaining, reset = _remaining(headers.get(f"{prefix}-remaining", "")), headers.get(f"{prefix}-reset", "")
        window = windows.get(limit) if limit else None
        if limit is not None or remaining is not None:
            yield Stated(limit, float(window) if window else None, remaining, parse_reset(reset, now))
        for quota, length in windows.items():
            if quota and length and quota != limit:
                yield Stated(quota, float(length))


def _by_unit(headers: Mapping[str, str]) -> Iterator[Stated]:
    """`X-RateLimit-Limit-Minute` and the like, as the gateway Kong sends them."""
    for prefix in _PREFIXES[:2]:
        for unit, seconds in _UNITS.items():
            limit = _whole(headers.get(f"{prefix}-limit-{unit}", ""))
            if limit:
                yield Stated(limit, float(seconds), _remaining(headers.get(f"{prefix}-remaining-{unit}", "")))


# --- fields


def _items(field: str) -> list[tuple[str, dict[str, str]]]:
    """(item, parameters) of a structured field list (RFC 9651, 3.1); [] when one member is malformed."""
    found = []
    # a member that does not end takes as many looks as it has characters, each time; no field that means it is long
    if len(field) > _FIELD_MOST or field.replace('\\"', "").count('"') % 2:
        return []
    for member in _MEMBERS.findall(field):
        first, *rest = [part.strip() for part in _PARTS.findall(member)] or [""]
        parameters = dict(part.partition("=")[::2] for part in rest)
        numbers = [parameters[name] for name in ("q", "w", "r", "t") if name in parameters]
        if not first or any(_whole(number) is None for number in numbers):
            return []
        found.append((first.strip('"'), {name.strip().lower(): value.strip() for name, value in parameters.items()}))
    return found


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) and not text.startswith("-") else None


def _remaining(text: str) -> int | None:
    """Some count below nothing: that is nothing."""
    text = text.strip()
    return max(0, int(text)) if _NUMBER.fullmatch(text) else None


def _servers_now(headers: Mapping[str, str], now: datetime) -> datetime:
    date = _moment(headers.get("date", ""))
    return date if date is not None and abs((date - now).total_seconds()) > SKEW_SECONDS else now


def _moment(text: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text)
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
