"""Waits at the gates, as the ledger keeps them: each order, and the mere pace as one long stretch. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

# a stretch of pacing ends when nobody waited for so long, and is handed on after so long in any case
GAP_SECONDS, STRETCH_SECONDS = 5.0, 600.0
LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait for a host: `began` in UTC (YYYY-MM-DDThh:mm:ssZ), `seconds` as ordered, or as waited for a pace."""

    host: str
    began: str
    seconds: float
    reason: str


@dataclass(slots=True)
class _Stretch:
    began: float
    last: float
    seconds: float


class Waits:
    """The waits of one crawl. Times are seconds since 1970."""

    def __init__(self) -> None:
        self._done: list[Wait] = []
        self._stretches: dict[tuple[str, str], _Stretch] = {}

    def ordered(self, host: str, reason: str, now: float, seconds: float) -> None:
        """A wait begins that the host has ordered, or that follows from its refusal."""
        self._add(host, reason, now, seconds)

    def paced(self, host: str, reason: str, now: float, seconds: float) -> None:
        """A request was held for `seconds` until `now`."""
        stretch = self._stretches.get((host, reason))
        if stretch is None or now - seconds - stretch.last > GAP_SECONDS:
            self._end(host, reason)
            stretch = self._stretches[host, reason] = _Stretch(now - seconds, now, 0.0)
        stretch.last = now
        stretch.seconds += seconds

    def take(self, now: float) -> list[Wait]:
        """What has not been taken yet."""
        for (host, reason), stretch in list(self._stretches.items()):
            if now - stretch.last > GAP_SECONDS or now - stretch.began > STRETCH_SECONDS:
                self._end(host, reason)
        taken, self._done = self._done, []
        return taken

    def end(self) -> None:
        """The run ends: no stretch goes on."""
        for host, reason in list(self._stretches):
            self._end(host, reason)

    def _end(self, host: str, reason: str) -> None:
        if (stretch := self._stretches.pop((host, reason), None)) is not None:
            self._add(host, reason, stretch.began, stretch.seconds)

    def _add(self, host: str, reason: str, began: float, seconds: float) -> None:
        if seconds >= LEAST_SECONDS:
            text = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._done.append(Wait(host, text, round(seconds, 3), reason))
