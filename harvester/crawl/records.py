"""What spiders yield and pipelines take: Answers, one a request, and one WindowEnd a walk through a window."""

from collections.abc import Sequence
from dataclasses import dataclass

from archive.store import Answer, WindowRow
from harvester.frontier import Ended

__all__ = ["Answer", "Batch", "WindowEnd"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers that came together; the records of all of them, in their order, are in the payloads of any of them."""

    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """A walk through a window is over; `answers` were yielded for it and must all be counted first.

    `end` says how the list ended (a constant of `harvester.oaipmh.tokens`, or a word of the spider's own), `stated` how
    many the provider said there are, `pages` how many answers listed them. `ended` is the walk as the frontier
    decides on it, None where there is no frontier; it has no counts yet: these are what the ledger says.
    """

    window: WindowRow
    attempt: int
    answers: int
    end: str
    stated: int | None = None
    pages: int = 0
    ended: Ended | None = None
