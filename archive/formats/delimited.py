"""Text of other programs: its encoding is detected, and a table's delimiter; what fits none of them is refused.

Spreadsheets write UTF-8 with a byte order mark, UTF-16 ("Unicode text") or the ANSI code page, which is windows-1252
in most of Europe and America, and separate columns by semicolons where the decimal sign is a comma.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from archive.errors import BadIdFile

DELIMITERS = ",;\t|"
# longer than any line of ids, and short enough that a binary file is noticed before it fills the memory
LINE_MOST = 1 << 20
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# control characters that no text has
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header: the names of its columns as they are written, and rows with the number of their line.

    A row has a cell for each name; lines without any text are left out.
    """

    names: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[str]]]


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, compressed by gzip or not, in the encoding that it is in.

    Raises BadIdFile for a file that is no text, or is cut short.
    """
    encoding = detect_encoding(path)
    with _open(path) as file, io.TextIOWrapper(file, encoding=encoding, newline=None) as text:
        try:
            yield text
        except (EOFError, gzip.BadGzipFile, zlib.error) as cause:
            raise BadIdFile(f"{path} is damaged or cut short ({cause}); take it from its source again") from None
        except UnicodeDecodeError as cause:
            raise BadIdFile(f"{path} is not text in {encoding} ({cause}); save it as UTF-8") from None


def detect_encoding(path: Path) -> str:
    """Return the name of the encoding: by the byte order mark, else UTF-8, UTF-16 by its zeros, windows-1252.

    The whole file is read: it is UTF-8 only when all of it is. Raises BadIdFile for a file that is no text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _open(path) as file:
        try:
            head = file.read(_BLOCK)
            if (marked := next((name for mark, name in _MARKS if head.startswith(mark)), None)) is not None:
                return marked
            if (wide := _wide(head)) is not None:
                return wide
            utf8, block = True, head
            while block:
                if (found := _BINARY.search(block)) is not None:
                    raise BadIdFile(f"{path} is not a text file: it holds the byte 0x{found[0][0]:02X}")
                try:
                    decoder.decode(block if utf8 else b"")
                except UnicodeDecodeError:
                    utf8 = False
                block = file.read(_BLOCK)
            if utf8:
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
        except (EOFError, gzip.BadGzipFile, zlib.error) as cause:
            raise BadIdFile(f"{path} is damaged or cut short ({cause}); take it from its source again") from None
    return "utf-8" if utf8 else "cp1252"


def iter_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file with their numbers, from 1. Raises BadIdFile for a line of over LINE_MOST."""
    with open_text(path) as file:
        number = 0
        while line := file.readline(LINE_MOST):
            number += 1
            if len(line) == LINE_MOST:
                raise BadIdFile(f"{path}, line {number}: longer than {LINE_MOST} characters; is this a file of ids?")
            yield number, line.removesuffix("\n")


def iter_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table with the number of their last line, its header first; rows without text are left out.

    Raises BadIdFile naming the line, also where a quotation mark is never closed: all behind it would be one cell.
    """
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in iter_lines(path):  # noqa: B007 - the number is of the line that is being read
            yield line + "\n"

    try:
        for row in csv.reader(lines(), delimiter=delimiter, strict=True):
            if any(cell.strip() for cell in row):
                yield number, row
    except csv.Error as cause:
        raise BadIdFile(f"{path}, line {number}: {cause}; is a quotation mark not closed?") from None


def read_table(path: Path) -> Table:
    """Read a table whose first row has the names of its columns. Raises BadIdFile."""
    rows = iter_rows(path, delimiter_of(path))
    _, header = next(rows, (0, []))
    names = tuple(name.strip() for name in header)
    return Table(names=names, rows=_filled(rows, names, path))


def delimiter_of(path: Path) -> str:
    """Return the delimiter of a table: the one that its first line has most of; a tab in `.tsv` files."""
    if ".tsv" in (suffix.lower() for suffix in path.suffixes):
        return "\t"
    first = next((line for _, line in iter_lines(path) if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=outside.count)


def plain_name(name: str) -> str:
    """Return the name of a column in lower case, letters and digits alone: `Record ID` and `record_id` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _filled(
    rows: Iterator[tuple[int, list[str]]], names: Sequence[str], path: Path
) -> Iterator[tuple[int, Sequence[str]]]:
    for number, row in rows:
        if any(cell.strip() for cell in row[len(names) :]):
            raise BadIdFile(
                f"{path}, line {number}: {len(row)} cells where the header names {len(names)} columns; "
                "quote a cell that holds the delimiter"
            )
        yield number, [*row[: len(names)], *[""] * (len(names) - len(row))]


def _wide(head: bytes) -> str | None:
    """Detect UTF-16 without a byte order mark: in text of any language every other byte of some lines is zero."""
    sample = head[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if len(sample) < 4 or max(even, odd) * 4 < len(sample) or min(even, odd) * 16 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]
