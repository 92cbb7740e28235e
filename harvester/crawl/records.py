"""What spiders yield and pipelines take: Answers, one a request, and one WindowEnd a walk through a window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive.findings import Finding, finding
from archive.store import Answer, WindowRow, contradictions
from harvester.oaipmh import Ended

__all__ = ["Answer", "Batch", "WindowEnd", "notes_of"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers that came together; the records of all of them, in their order, are in the payloads of any of them."""

    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """A walk through a window is over; `answers` were yielded for it and must all be counted first.

    `end` says how the list ended (a constant of `harvester.oaipmh.tokens`, or a word of the spider's own), `stated` how
    many the provider said there are, `pages` how many answers listed them. `ended` is the walk as
    `windows.decide` takes it, None for a spider that decides by itself; it has no counts yet: these are what the
    ledger says.
    """

    window: WindowRow
    attempt: int
    answers: int
    end: str
    stated: int | None = None
    pages: int = 0
    ended: Ended | None = None


def notes_of(problems: Iterable[tuple[str, str, str]]) -> list[Finding]:
    """Make one finding for each kind of problem that came together, naming the first record.

    Each outcome names its own problem.

    Impossible datestamps are counted at the end of the run: a record may come on several pages.
    """
    first: dict[str, tuple[str, str, int]] = {}
    for identifier, code, reason in problems:
        if code == contradictions.IMPOSSIBLE:
            continue
        name, why, count = first.get(code, (identifier, reason, 0))
        first[code] = (name, why, count + 1)
    return [finding(code, identifier=name, found=count, reason=why) for code, (name, why, count) in first.items()]
