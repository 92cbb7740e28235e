"""Completeness by a sample: which ids to ask for, what their answers mean beside what is held, and how sure that is.

Where nearly all known ids are numbers behind one text or a few, numbers are drawn, known or not: the answer is about
all that the target shows between the lowest and the highest of them, and an id that nothing here ever named can turn
up. Elsewhere known ids are drawn: then what no channel ever named cannot turn up, which is said.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archive.audits import Drawn, Family, Here, Interval, Stratum, stratified, wilson
from harvester.sources import Source

# numbers are drawn where so large a part of the known ids have them, and so many of the numbers are in use
NUMBERED_LEAST, DENSE_LEAST = 0.95, 0.02
# a stratum of known ids has so many asked, if it has them
STRATUM_LEAST = 5
SAME, MISSING, EXTRA, DIFFERS, UNTOLD = "=", "+", "-", "*", "!"

Mode = Literal["numbers", "known"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is drawn from: numbers of `families`, or known ids with their `strata`. `known` counts known ids."""

    mode: Mode
    families: tuple[Family, ...]
    strata: Mapping[str, int]
    known: int

    @property
    def size(self) -> int:
        """How many ids may be drawn."""
        return sum(family.span for family in self.families) if self.mode == "numbers" else sum(self.strata.values())

    @property
    def population(self) -> str:
        """Which records the answer is about, and which it is not."""
        if self.mode == "numbers":
            spans = ", ".join(
                f"{family.prefix}{family.first} to {family.prefix}{family.last}" for family in self.families
            )
            return (
                f"the records that the target shows among {self.size:,} ids, {spans}, whether named here or not; not "
                "those with a lower, a higher or another kind of id"
            )
        return (
            f"the records that the target shows among the {self.size:,} ids that a channel of this archive has named; "
            "not those that no channel has ever named: --estimate, or a whole audit, is about these"
        )


@dataclass(frozen=True, slots=True)
class Target:
    """Who is asked: the endpoint `part` (oaipmh or idrange) of a source, for the media type `accept`."""

    source: Source
    part: str
    accept: str


@dataclass(frozen=True, slots=True)
class There:
    """An answer of the target: the state of an id, its datestamp, and by what it is counted where it is live."""

    state: str
    reason: str = ""
    datestamp: datetime | None = None
    sets: tuple[str, ...] = ()
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One id of the sample. `counts`: it is live there; `hit`: it is live here as well. `reason` says why it is not."""

    drawn: Drawn
    mark: str
    there: There
    here: Here
    counts: bool
    hit: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """Completeness of one part, or of all (`name` ""): of `live` ids that are live there `held` are live here."""

    name: str
    live: int
    held: int
    interval: Interval


def frame_of(families: Sequence[Family], known: int, strata: Mapping[str, int]) -> Frame:
    """Decide what to draw from; `strata` are of the known ids."""
    dense = tuple(family for family in families if family.ids >= DENSE_LEAST * family.span)
    # of many small families each number is hardly worth a sentence: those that hold nearly all of the ids are enough
    taken: list[Family] = []
    for family in dense:
        if sum(one.ids for one in taken) < NUMBERED_LEAST * known:
            taken.append(family)
    if known and len(taken) <= 20 and sum(one.ids for one in taken) >= NUMBERED_LEAST * known:
        return Frame("numbers", tuple(taken), {}, known)
    return Frame("known", (), strata, known)


def numbers_drawn(frame: Frame, count: int, seed: int) -> list[Drawn]:
    """So many of all numbers of a frame at random, each at most once; the same ones for the same seed."""
    places = random.Random(seed).sample(range(frame.size), min(count, frame.size))
    drawn = []
    for place in places:
        for family in frame.families:
            if place < family.span:
                drawn.append(Drawn(f"{family.prefix}{family.first + place}"))
                break
            place -= family.span
    return drawn


def takes_of(strata: Mapping[str, int], count: int) -> dict[str, int]:
    """How many to draw of each stratum: in proportion, and some of the small ones as well."""
    total = sum(strata.values())
    return {
        name: min(size, max(round(count * size / total), min(STRATUM_LEAST, count))) for name, size in strata.items()
    }


def compare(drawn: Drawn, there: There, here: Here) -> Compared:
    """What an id is by both sides: live there and here, missing, extra, of another version, or not to be told."""
    if there.state in ("refused", "lost", "forbidden"):
        # a deletion is known from a list, and closed by its id
        agreed = there.state == "forbidden" and here.held != "read"
        why = f"{there.state} there" + (f": {there.reason}" if there.reason else "")
        return Compared(
            drawn=drawn, mark=SAME if agreed else UNTOLD, there=there, here=here, counts=False, hit=False, reason=why
        )
    if there.state == "read":
        if here.held == "read":
            newer = None not in (there.datestamp, here.datestamp) and there.datestamp != here.datestamp
            why = f"there {there.datestamp}, here {here.datestamp}" if newer else ""
            return Compared(
                drawn=drawn, mark=DIFFERS if newer else SAME, there=there, here=here, counts=True, hit=True, reason=why
            )
        if here.held == "deleted":
            return Compared(
                drawn=drawn,
                mark=DIFFERS,
                there=there,
                here=here,
                counts=True,
                hit=False,
                reason="live there, deleted here",
            )
        return Compared(
            drawn=drawn,
            mark=MISSING,
            there=there,
            here=here,
            counts=True,
            hit=False,
            reason=here.state or "never listed",
        )
    if here.held == "read":
        mark = DIFFERS if there.state == "deleted" else EXTRA
        return Compared(
            drawn=drawn,
            mark=mark,
            there=there,
            here=here,
            counts=False,
            hit=False,
            reason=f"{there.state} there, live here",
        )
    return Compared(
        drawn=drawn,
        mark=SAME,
        there=there,
        here=here,
        counts=False,
        hit=False,
        reason=f"{there.state} there, not live here",
    )


def shares(found: Sequence[Compared], frame: Frame, by: str) -> tuple[Share, list[Share]]:
    """The completeness of all, and of each part by `year`, `set` or nothing ("all").

    Numbers were drawn alike, whatever they turned out to be: all of them are one sample, and so are those of each part.
    Of known ids each stratum was drawn by itself: all together are weighted by what each has.
    """
    counted = [one for one in found if one.counts]
    if frame.mode == "known" and by != "all":
        parts = _by_stratum(found, frame.strata)
        whole = stratified(parts) if any(part.size for part in parts) else wilson(0, 0)
        listed = [Share(part.name, part.asked, part.hits, wilson(part.hits, part.asked)) for part in parts]
        return Share("", sum(p.asked for p in parts), sum(p.hits for p in parts), whole), listed
    whole = wilson(sum(one.hit for one in counted), len(counted))
    if counted and len(found) == frame.size and all(one.mark != UNTOLD for one in found):  # nothing is left to chance
        whole = Interval(whole.estimate, whole.estimate, whole.estimate, whole.confidence)
    names = sorted({name for one in counted for name in _parts(one, by)}) if by != "all" else []
    listed = [_share(name, [one for one in counted if name in _parts(one, by)]) for name in names]
    return Share("", len(counted), sum(one.hit for one in counted), whole), listed


def _share(name: str, counted: Sequence[Compared]) -> Share:
    hits = sum(one.hit for one in counted)
    return Share(name, len(counted), hits, wilson(hits, len(counted)))


def _by_stratum(found: Iterable[Compared], sizes: Mapping[str, int]) -> list[Stratum]:
    """Strata as the archive has them, each as large as the part of it that is live at the target by this sample."""
    parts = []
    rows = list(found)
    for name, size in sizes.items():
        mine = [one for one in rows if one.drawn.stratum == name and one.mark != UNTOLD]
        live = [one for one in mine if one.counts]
        share = len(live) / len(mine) if mine else 1.0
        parts.append(Stratum(name, size * share, len(live), sum(one.hit for one in live)))
    return parts


def _parts(one: Compared, by: str) -> tuple[str, ...]:
    """The parts that a live id is counted in; one that is in several sets is counted in each."""
    if by == "year":
        return (str(one.there.year) if one.there.year is not None else "unknown",)
    return one.there.sets or ("without a set",)
