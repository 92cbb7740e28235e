"""What spiders yield and pipelines take: one Answer a request, and one WindowEnd a walk through a window."""

from dataclasses import dataclass

from archive.ledger import WindowRow
from archive.writer import Answer
from harvester.frontier import Ended

__all__ = ["Answer", "WindowEnd"]


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """A walk through a window is over; `answers` were yielded for it and must all be counted first.

    `ended` has no counts yet: `listed` and `distinct` are what the ledger says.
    """

    window: WindowRow
    attempt: int
    answers: int
    ended: Ended
