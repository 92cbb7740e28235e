"""How much of what is tried at random is tried: little in each run, much in `make test-nightly`."""

import os

NIGHTLY = os.environ.get("HARVESTER_TESTS") == "nightly"


def amount(each_run: int, nightly: int) -> int:
    """So many in this run."""
    return nightly if NIGHTLY else each_run
