"""Exit codes of commands and crawls, and the code that each error ends with."""

from archive.errors import (
    BadIdFile,
    BadQuery,
    Busy,
    CannotDump,
    DiskFull,
    NoSchemas,
    NotAnArchive,
    NotAtRest,
    NotBaggable,
    OtherArchive,
    StaleIndex,
)
from harvester.errors import HarvestError, UsageError

DONE, FINDINGS, USAGE, UNFINISHED, DAMAGED = 0, 1, 2, 3, 4


def exit_code(error: Exception) -> int:
    """Return the exit code of an error of ours; DAMAGED for those that no retry and no other argument mends."""
    if isinstance(
        error,
        UsageError | CannotDump | NoSchemas | NotAnArchive | NotBaggable | OtherArchive | BadIdFile | BadQuery,
    ):
        return USAGE
    if isinstance(error, Busy | DiskFull | NotAtRest | StaleIndex | HarvestError):
        return UNFINISHED
    return DAMAGED
