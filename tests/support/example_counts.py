"""How much of what is tried at random is tried: little in each run, much in `make test-nightly`."""

import os

NIGHTLY = os.environ.get("HARVESTER_TESTS") == "nightly"


def amount(each_run: int, nightly: int) -> int:
    """So many in this run."""
    return nightly if NIGHTLY else each_run


def tried(what: str, number: int = 1) -> None:
    """Count what was tried, in the plural ("kill points", "fuzz executions"), for docs/reliability.md.

    Counts only where HARVESTER_COUNTS names a file, as in `make test-nightly`. Processes share it: a line is one write.
    """
    if name := os.environ.get("HARVESTER_COUNTS"):
        file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f"{what}\t{number}\n".encode())
        finally:
            os.close(file)
