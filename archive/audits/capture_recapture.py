"""Estimate how many records no channel has seen: the channels of a harvest as captures of one population.

Two captures are evaluated by the Lincoln-Petersen method in Chapman's form, three or more by log-linear models of the
cells (`archive.audits.loglinear`). Both assume that a record seen by one channel is neither more nor less likely to be
seen by another, or that more than two channels show how far this does not hold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma

from archive.audits.intervals import CONFIDENCE
from archive.audits.loglinear import Cell, Pair, fitted

# models this close to the best by Akaike's criterion have substantial support (Burnham and Anderson 2002, 2.6)
_NEARLY = 2.0
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Unseen:
    """Records that no capture saw: an estimate and its 95 % interval; `high` is inf if nothing bounds it.

    `dependent` are pairs of captures (counted from 0) that depend on each other in the chosen model; `p_value` is how
    well independence alone fits, None if two captures cannot tell. `warnings` are sentences.
    """

    seen: int
    estimate: float
    low: float
    high: float
    method: str
    dependent: tuple[Pair, ...] = ()
    p_value: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def completeness(self) -> float:
        """Return the share of all records that were seen by any capture, between 0 and 1."""
        return self.seen / (self.seen + self.estimate) if self.seen + self.estimate else 1.0


def unseen(cells: Mapping[Cell, int], names: Sequence[str] = ()) -> Unseen:
    """Estimate from the counts of records by which captures saw them; the cell seen by none is ignored.

    `names` are those of the captures, for sentences. Raises ValueError for fewer than two captures, cells of different
    lengths, and a capture that saw nothing.
    """
    lengths = {len(cell) for cell in cells}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError("an estimate needs two captures or more, each cell naming all of them")
    captures = lengths.pop()
    counted = {cell: count for cell, count in cells.items() if any(cell) and count}
    for number in range(captures):
        if not any(cell[number] for cell in counted):
            raise ValueError(f"capture {number + 1} saw nothing; leave it out")
    called = names or [f"channel {number + 1}" for number in range(captures)]
    return _chapman(counted) if captures == 2 else _log_linear(counted, called)


# --- two captures

_TWO = (
    "two channels cannot tell whether they depend on each other: where both show the same kind of record, "
    "more is unseen than this says; a third channel would tell"
)


def _chapman(cells: Mapping[Cell, int]) -> Unseen:
    both = cells.get((True, True), 0)
    first, second = both + cells.get((True, False), 0), both + cells.get((False, True), 0)
    seen = first + second - both
    estimate = (first + 1) * (second + 1) / (both + 1) - 1 - seen
    low, high = _exact(first, second, both)
    warnings = [_TWO]
    if both < 7:
        warnings.append(f"only {both} records were seen by both channels: the estimate is biased low")
    return Unseen(seen, estimate, low - seen, high - seen, "Chapman, exact interval", warnings=tuple(warnings))


def _exact(first: int, second: int, both: int) -> tuple[float, float]:
    """Return the population sizes for which an overlap this large or this small is probable (2.5 % each way)."""
    tail = (1 - CONFIDENCE) / 2
    seen = first + second - both
    high = inf if both == 0 else _last(seen, lambda size: _at_least(size, first, second, both) >= tail)
    low = _first(seen, lambda size: _at_most(size, first, second, both) >= tail)
    return low, high


def _first(start: int, holds: Callable[[int], bool]) -> int:
    """Find the smallest number from `start` on for which a condition holds that, once true, stays so."""
    if holds(start):
        return start
    step = 1
    while not holds(start + step):
        step *= 2
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _last(start: int, holds: Callable[[int], bool]) -> int:
    """Find the largest number from `start` on for which a condition holds that, once false, stays so."""
    return max(start, _first(start, lambda size: not holds(size)) - 1)


def _at_least(size: int, first: int, second: int, both: int) -> float:
    """Compute the chance of an overlap of `both` or more if `second` of `size` are drawn and `first` are marked.

    Terms are added from the middle outwards, where each is smaller than the one before.
    """
    if both <= first * second / size:
        return 1.0 - _at_most(size, first, second, both - 1) if both > max(0, first + second - size) else 1.0
    total, term, overlap = 0.0, _hypergeometric(size, first, second, both), both
    while overlap <= min(first, second) and term > _CLOSE * total:
        total += term
        term *= (first - overlap) * (second - overlap) / ((overlap + 1) * (size - first - second + overlap + 1))
        overlap += 1
    return total


def _at_most(size: int, first: int, second: int, both: int) -> float:
    if both > first * second / size:
        return 1.0 - _at_least(size, first, second, both + 1) if both < min(first, second) else 1.0
    total, term, overlap = 0.0, _hypergeometric(size, first, second, both), both
    while overlap >= max(0, first + second - size) and term > _CLOSE * total:
        total += term
        term *= overlap * (size - first - second + overlap) / ((first - overlap + 1) * (second - overlap + 1))
        overlap -= 1
    return total


def _hypergeometric(size: int, first: int, second: int, both: int) -> float:
    if size < first + second - both:
        return 0.0
    chance = _choose(first, both) + _choose(size - first, second - both) - _choose(size, second)
    return exp(chance)


def _choose(of: int, taken: int) -> float:
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)


# --- three or more captures


def _log_linear(counts: Mapping[Cell, int], names: Sequence[str]) -> Unseen:
    fits = fitted(counts, len(names))
    best = fits.models[0]
    # a model chosen from several is less certain than its interval: models that fit nearly as well widen it
    ends = [fits.interval(fit) for fit in fits.models if fit.criterion <= best.criterion + _NEARLY]
    warnings = []
    if best.pairs:
        named = ", ".join(f"{names[a]} and {names[b]}" for a, b in best.pairs)
        warnings.append(f"these channels depend on each other: {named}; the model allows for it")
    if len(fits.cells) <= best.parameters:
        warnings.append("the model has as many parameters as there are cells: nothing is left to judge its fit by")
    many = len(best.pairs)
    held = f"{many} dependence{'s' if many > 1 else ''}" if many else "independent channels"
    return Unseen(
        sum(counts.values()),
        best.estimate,
        min(low for low, _ in ends),
        max(high for _, high in ends),
        f"log-linear, {held}",
        best.pairs,
        fits.p_value,
        tuple(warnings),
    )
