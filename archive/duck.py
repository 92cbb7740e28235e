"""What every use of DuckDB has in common: how much memory it may take, and its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from archive.errors import ArchiveError, DiskFailed, DiskFull

# of 24 GiB: a sort or a join that needs more goes to the disk
MEMORY_LIMIT = "4GB"


def working_database(path: Path, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A database in the file `path`, which need not keep the order of rows; beside it is what memory does not hold."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(path.with_name("spill")),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(str(path), config=config)


@contextmanager
def translated_duckdb(path: Path, again: str = "run the same command again") -> Iterator[None]:
    """Raises DiskFull and DiskFailed for what DuckDB raises, with the path it was working on and what to do."""
    try:
        yield
    except ArchiveError:
        raise
    except duckdb.Error as cause:
        text = str(cause).splitlines()[0]
        if "No space left" in text or isinstance(cause, duckdb.OutOfMemoryException):
            raise DiskFull(f"{path}: {text}; free some room and {again}") from cause
        raise DiskFailed(f"{path}: {text}; {again}") from cause
