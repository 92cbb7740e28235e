"""Files of lines that a command was asked to write."""

from collections.abc import Iterable
from pathlib import Path

from archive.durable import translated


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines, each with its end. Raises as `translated` does."""
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        file.writelines(lines)
