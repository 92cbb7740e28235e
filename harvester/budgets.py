"""Budgets of a host. Pure: headers and the clock in, delay out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """So many requests in so many seconds, for paths that begin with `path` ("" is the whole host)."""

    requests: int
    seconds: float
    path: str = ""
