"""Completeness estimated from a random sample of ids, with confidence intervals."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "DIFFERS",
    "EXTRA",
    "MISSING",
    "SAME",
    "UNTOLD",
    "Compared",
    "Frame",
    "Share",
    "Target",
    "There",
    "compare",
    "frame_of",
    "numbers_drawn",
    "shares",
    "takes_of",
]

if TYPE_CHECKING:
    from harvester.sampling.sample import (
        DIFFERS,
        EXTRA,
        MISSING,
        SAME,
        UNTOLD,
        Compared,
        Frame,
        Share,
        Target,
        There,
        compare,
        frame_of,
        numbers_drawn,
        shares,
        takes_of,
    )
else:
    __getattr__ = lazy.exports(__name__)
