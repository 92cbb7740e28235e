"""Confidence intervals of a share that was estimated from a sample: Wilson's interval, also over strata."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
# with no more misses (or hits) than this, Wilson's interval of shares near 0 and 1 is too short
_FEW, _FEW_OF_FIFTY = 3, 2


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its confidence interval, all in one unit."""

    estimate: float
    low: float
    high: float
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of a population: its size, how many of its members were sampled, and how many of those were hits."""

    name: str
    size: float
    asked: int
    hits: int


def wilson(hits: int, asked: int, confidence: float = CONFIDENCE) -> Interval:
    """Compute the interval of the share of hits in a population, from a random sample (Wilson 1927), between 0 and 1.

    If nearly all or nearly none were hits, the end near 1 or 0 is that of a Poisson distribution, as Brown, Cai and
    DasGupta recommend (2001, Statistical Science 16, 4.1.1): without it, 0.999 would be covered 91 times in 100. An
    empty sample gives 0 to 1. Raises ValueError for more hits than sampled.
    """
    if not 0 <= hits <= asked:
        raise ValueError(f"{hits} hits of {asked}")
    if asked == 0:
        return Interval(0.5, 0.0, 1.0, confidence)
    low, high = _wilson(hits / asked, asked, _quantile(confidence))
    few = _FEW if asked > 50 else _FEW_OF_FIFTY
    if 0 < hits <= few:
        low = _least_mean(hits, confidence) / asked
    if 0 < asked - hits <= few:
        high = 1 - _least_mean(asked - hits, confidence) / asked
    return Interval(hits / asked, low, high, confidence)


def stratified(strata: Sequence[Stratum], confidence: float = CONFIDENCE) -> Interval:
    """Compute the interval of the share of hits in a population that was sampled by strata, weighted by size.

    It is Wilson's interval for the size of a simple sample with as much information (the effective size; Franco and
    others 2019, Journal of Survey Statistics and Methodology 7, 334). A stratum without a sample may have any share,
    which is not a matter of chance: it counts as all misses at the low end and as all hits at the high end. Raises
    ValueError if no stratum has a size.
    """
    total = sum(part.size for part in strata)
    if total <= 0:
        raise ValueError("a population without members")
    parts = [part for part in strata if part.asked and part.size > 0]
    known = sum(part.size for part in parts)
    if not known:
        return Interval(0.5, 0.0, 1.0, confidence)
    weights = [part.size / known for part in parts]
    estimate = sum(w * part.hits / part.asked for w, part in zip(weights, parts, strict=True))
    z = _quantile(confidence)
    low, high = _wilson(estimate, _effective(parts, weights, z), z)
    unknown = 1 - known / total
    return Interval(estimate, (1 - unknown) * low, (1 - unknown) * high + unknown, confidence)


def _effective(parts: Sequence[Stratum], weights: Sequence[float], z: float) -> float:
    """Compute the size of a simple sample with the same variance.

    The shares of small strata are drawn towards the overall share, so that a stratum without a miss does not count as
    certain.
    """
    pooled = (sum(part.hits for part in parts) + z * z / 2) / (sum(part.asked for part in parts) + z * z)
    shares = [(part.hits + z * z * pooled) / (part.asked + z * z) for part in parts]
    share = sum(w * s for w, s in zip(weights, shares, strict=True))
    variance = sum(w * w * s * (1 - s) / part.asked for w, s, part in zip(weights, shares, parts, strict=True))
    return share * (1 - share) / variance


def _wilson(share: float, asked: float, z: float) -> tuple[float, float]:
    square = z * z
    middle = (share + square / (2 * asked)) / (1 + square / asked)
    half = z / (1 + square / asked) * sqrt(max(0.0, share * (1 - share)) / asked + square / (4 * asked * asked))
    return (0.0 if share <= 0 else max(0.0, middle - half)), (1.0 if share >= 1 else min(1.0, middle + half))


def _least_mean(count: int, confidence: float) -> float:
    """Find the mean of a Poisson distribution that gives `count` or more in 1 - `confidence` of all cases."""
    low, high = 0.0, float(count)
    for _ in range(60):
        mean = (low + high) / 2
        term = chance = exp(-mean)
        for number in range(1, count):
            term *= mean / number
            chance += term
        low, high = (mean, high) if chance > confidence else (low, mean)
    return low


def _quantile(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is none; it is between 0 and 1")
    return NormalDist().inv_cdf(0.5 + confidence / 2)
