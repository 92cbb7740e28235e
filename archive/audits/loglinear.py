"""Log-linear models of capture histories: Poisson regressions of the counts in the cells, without any library.

Each capture has its own probability to see a record; a model may let some pairs of captures depend on each other
(Fienberg 1972, Cormack 1989). A model's expected count in the cell of records seen by none is its estimate of the
unseen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import erfc, exp, inf, lgamma, log, sqrt

# which captures saw a record, in the order of captures
Cell = tuple[bool, ...]
Pair = tuple[int, int]

# the 95 % quantile of chi-square with one degree of freedom: the interval ends where the log-likelihood falls by half
# of it
_CHI_SQUARE = 3.841458820694124
# up to this many captures all sets of pairwise dependences are tried; with more they are added one by one
_ALL_MODELS = 4
_STEPS = 60
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: its pairs of dependent captures, deviance, number of parameters, and estimate of the unseen."""

    pairs: tuple[Pair, ...]
    deviance: float
    parameters: int
    estimate: float

    @property
    def criterion(self) -> float:
        """Return Akaike's criterion: a dependence must justify its parameter."""
        return self.deviance + 2 * self.parameters


@dataclass(frozen=True, slots=True)
class Fits:
    """The models that were fitted, the best one first. `independent` is the one without a dependence."""

    cells: tuple[Cell, ...]
    observed: tuple[float, ...]
    models: tuple[Fit, ...]
    independent: Fit

    @property
    def p_value(self) -> float | None:
        """Return the chance of a table as far from independence as this one, None without degrees of freedom."""
        return _chi_square(self.independent.deviance, len(self.cells) - self.independent.parameters)

    def interval(self, fit: Fit) -> tuple[float, float]:
        """Return the ends of the 95 % profile interval of a model's estimate; the upper may be inf."""
        return _profile(self.cells, self.observed, fit)


def fitted(counts: Mapping[Cell, int], captures: int) -> Fits:
    """Fit the models of a table of three or more captures; the cell seen by none is ignored."""
    cells = tuple(cell for cell in _all_cells(captures) if any(cell))
    observed = tuple(float(counts.get(cell, 0)) for cell in cells)
    models = sorted(_candidates(cells, observed, captures), key=lambda fit: (fit.criterion, len(fit.pairs)))
    return Fits(cells, observed, tuple(models), next(fit for fit in models if not fit.pairs))


def _all_cells(captures: int) -> list[Cell]:
    return [tuple(bool(number >> place & 1) for place in range(captures)) for number in range(2**captures)]


def _candidates(cells: Sequence[Cell], observed: Sequence[float], captures: int) -> list[Fit]:
    """Fit models with every set of pairs that leaves degrees of freedom or, with many captures, the greedy ones."""
    pairs = list(combinations(range(captures), 2))
    most = min(len(pairs), len(cells) - captures - 2)
    if captures <= _ALL_MODELS:
        sets = [chosen for number in range(most + 1) for chosen in combinations(pairs, number)]
        return [_fit(cells, observed, chosen) for chosen in sets]
    found = [_fit(cells, observed, ())]
    while len(found[-1].pairs) < most:
        grown = [_fit(cells, observed, (*found[-1].pairs, p)) for p in pairs if p not in found[-1].pairs]
        found.append(min(grown, key=lambda fit: fit.deviance))
        if found[-1].criterion >= found[-2].criterion:
            break
    return found


def _design(cell: Cell, pairs: Sequence[Pair]) -> list[float]:
    return [1.0, *map(float, cell), *(float(cell[a] and cell[b]) for a, b in pairs)]


def _fit(cells: Sequence[Cell], observed: Sequence[float], pairs: tuple[Pair, ...]) -> Fit:
    rows = [_design(cell, pairs) for cell in cells]
    weights = _poisson(rows, observed)
    return Fit(pairs, _deviance(rows, observed, weights), len(rows[0]), exp(min(weights[0], 700.0)))


def _poisson(rows: Sequence[Sequence[float]], observed: Sequence[float]) -> list[float]:
    """Compute the coefficients of a Poisson regression with a log link, by iteratively reweighted least squares."""
    expected = [max(count, 0.5) for count in observed]
    weights = [0.0] * len(rows[0])
    before = inf
    for _ in range(_STEPS):
        working = [log(mean) + (count - mean) / mean for mean, count in zip(expected, observed, strict=True)]
        weights = _least_squares(rows, working, expected)
        expected = [exp(max(-30.0, min(700.0, _dot(row, weights)))) for row in rows]
        now = _deviance(rows, observed, weights)
        if abs(before - now) < _CLOSE * (abs(now) + 1e-3):
            break
        before = now
    return weights


def _least_squares(rows: Sequence[Sequence[float]], values: Sequence[float], weights: Sequence[float]) -> list[float]:
    size = len(rows[0])
    matrix = [
        [sum(w * row[i] * row[j] for row, w in zip(rows, weights, strict=True)) for j in range(size)]
        + [sum(w * row[i] * value for row, value, w in zip(rows, values, weights, strict=True))]
        for i in range(size)
    ]
    return _solved(matrix)


def _solved(matrix: list[list[float]]) -> list[float]:
    """Solve by Gauss-Jordan elimination with pivots; a column without information gets no weight."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda line: abs(matrix[line][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        if abs(matrix[column][column]) < 1e-12:
            matrix[column][column] = 1e12
        for line in range(size):
            if line != column:
                factor = matrix[line][column] / matrix[column][column]
                matrix[line] = [a - factor * b for a, b in zip(matrix[line], matrix[column], strict=True)]
    return [matrix[line][size] / matrix[line][line] for line in range(size)]


def _dot(row: Sequence[float], weights: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(row, weights, strict=True))


def _deviance(rows: Sequence[Sequence[float]], observed: Sequence[float], weights: Sequence[float]) -> float:
    total = 0.0
    for row, count in zip(rows, observed, strict=True):
        mean = exp(max(-30.0, min(700.0, _dot(row, weights))))
        total += 2 * ((count * log(count / mean) if count else 0.0) - (count - mean))
    return total


def _profile(cells: Sequence[Cell], observed: Sequence[float], fit: Fit) -> tuple[float, float]:
    """Find where the likelihood of the table with that many unseen is not much less than the best (Cormack 1992)."""
    rows = [_design(cell, fit.pairs) for cell in (*cells, (False,) * len(cells[0]))]
    seen = sum(observed)

    def likelihood(unknown: float) -> float:
        """Compute twice the log-likelihood of the whole table as a multinomial of unknown size, less a constant."""
        whole = [*observed, unknown]
        fitted = _deviance(rows, whole, _poisson(rows, whole))
        total = seen + unknown
        chance = lgamma(total + 1) - lgamma(unknown + 1) - total * log(total)
        chance += unknown * log(unknown) if unknown else 0.0
        return 2 * chance - fitted

    top = max(likelihood(value) for value in (fit.estimate, max(0.0, fit.estimate - 1), fit.estimate + 1))

    def outside(value: float) -> bool:
        return top - likelihood(value) > _CHI_SQUARE

    return _edge(outside, fit.estimate, 0.0), _upper(outside, fit.estimate, seen)


def _upper(outside: Callable[[float], bool], estimate: float, seen: float) -> float:
    far = max(estimate * 2, estimate + 4.0)
    while not outside(far):
        far *= 2
        if far > 1e6 * (seen + 1):
            return inf
    return _edge(outside, estimate, far)


def _edge(outside: Callable[[float], bool], inside: float, far: float) -> float:
    """Find the end of the interval between a value inside and one that may be outside."""
    if not outside(far):
        return far
    for _ in range(_STEPS):
        middle = (inside + far) / 2
        inside, far = (inside, middle) if outside(middle) else (middle, far)
        if abs(far - inside) < max(0.01, 1e-4 * abs(inside)):
            break
    return inside


def _chi_square(value: float, degrees: int) -> float | None:
    """Compute the tail of a chi-square, None without degrees of freedom (Abramowitz and Stegun 26.4.4, 26.4.5)."""
    if degrees <= 0:
        return None
    half = max(value, 1e-300) / 2
    start = 0.5 if degrees % 2 else 0.0
    terms = (exp((number + start) * log(half) - lgamma(number + start + 1) - half) for number in range(degrees // 2))
    return min(1.0, sum(terms) + (erfc(sqrt(half)) if degrees % 2 else 0.0))
