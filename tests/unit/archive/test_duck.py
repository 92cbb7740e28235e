"""DuckDB's errors as ours."""

from pathlib import Path

import duckdb
import pytest

from archive.duck import translated_duckdb
from archive.errors import ArchiveError, Busy, DiskFailed, DiskFull


def raised(error: Exception) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught, translated_duckdb(Path("x"), "do so"):
        raise error
    return caught.value


def test_no_room_is_said_as_such():
    assert isinstance(raised(duckdb.IOException("Could not write: No space left on device")), DiskFull)
    assert isinstance(raised(duckdb.OutOfMemoryException("failed to offload")), DiskFull)
    other = raised(duckdb.IOException("Input/output error\nat some place"))
    assert isinstance(other, DiskFailed)
    assert str(other) == "x: Input/output error; do so"


def test_what_is_ours_stays_as_it_is():
    busy = Busy("b")
    assert raised(busy) is busy
