"""How the ids of a run stand while it is at work, in the unit of the totals that a provider states.

A list that is walked a second time, or cut into parts that are walked after it, brings its records again. What counts
is what the last walk of each list brought, so that 448 answers are not shown as 448 records of 224.
"""

from collections import Counter
from collections.abc import Mapping


class Standing:
    """Ids by state: those of each open window by its last attempt, those of a settled one each once."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self._open: dict[int, tuple[int, Counter[str]]] = {}

    def add(self, window: int | None, attempt: int, outcomes: Mapping[str, int]) -> None:
        """Count the outcomes of an answer, and forget those of earlier attempts at its window."""
        if window is not None:
            latest, counts = self._open.get(window, (attempt, Counter[str]()))
            if attempt < latest:
                return
            if attempt > latest:
                self.states.subtract(counts)
                counts = Counter()
            counts.update(outcomes)
            self._open[window] = attempt, counts
        self.states.update(outcomes)

    def settle(self, window: int, distinct: int) -> None:
        """Count each id of a window that is done or lost once; `distinct` is how many there are."""
        _, counts = self._open.pop(window, (0, Counter[str]()))
        repeated = counts.total() - distinct
        for state, count in counts.most_common():
            fewer = min(count, max(0, repeated))
            self.states[state] -= fewer
            repeated -= fewer

    def cut(self, window: int) -> None:
        """Forget what a window brought whose parts are walked instead."""
        _, counts = self._open.pop(window, (0, Counter[str]()))
        self.states.subtract(counts)
