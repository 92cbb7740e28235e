"""The rate limiter: one per host, shared by all processes of a user on this machine.

Budgets come from source files and response headers (`headers`), else a rate is found by additive increase and halving
(`adaptive`). Decisions are pure and take the time as an argument; only `limiters` waits.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "FIRST_BYTES",
    "HEADERS",
    "Budget",
    "Gates",
    "WaitOn",
    "WaitTooLong",
    "budget_text",
    "covers",
    "limiter",
    "state_folder",
]

if TYPE_CHECKING:
    from harvester.ratelimit import limiter
    from harvester.ratelimit.headers import Budget, covers
    from harvester.ratelimit.host import FIRST_BYTES, WaitTooLong
    from harvester.ratelimit.limiters import HEADERS, Gates, WaitOn, state_folder
    from harvester.ratelimit.limits import budget_text
else:
    __getattr__ = lazy.exports(__name__)
