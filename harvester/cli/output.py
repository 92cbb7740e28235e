"""Files of lines that a command was asked to write."""

import json
import math
import re
import secrets
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from archive.disk import translated
from archive.formats import Number, printable


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines, each with its end. Raises as `translated` does."""
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        file.writelines(lines)


# lines of progress where there is no terminal
EVERY_SECONDS = 10.0
_WIDEST = 1 << 20
# between columns of a table; what is not folded as long as something longer is; what a column of ids has at least
_GAP = 2
_SHORT = 24
_NARROWEST = 12
# no text that is printed can hold what no one has seen before
_MARK = f"number-{secrets.token_hex(16)}-"
_MARKED = re.compile(rf'"{_MARK}([^"]*){_MARK}"')


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its unit: `1 shard`, `2,000 shards`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def say(text: str = "", *, err: bool = False, nl: bool = True, keep: str = "") -> None:
    """Print one line for people, in which nothing that strangers wrote steers the terminal or begins a line.

    `keep` names control characters that stay, for a text of several lines that is printed as a whole.
    """
    click.echo(printable(text, keep), err=err, nl=nl)


def print_json(value: Any) -> None:
    """One JSON value on stdout, for people as well."""
    click.echo(escaped(json_text(value, indent=2)))


def json_text(value: Any, indent: int | None = None) -> str:
    """Write a value as JSON, each `Number` with the digits that were sent."""
    text = json.dumps(plain(_marked(value)), ensure_ascii=False, indent=indent)
    return _MARKED.sub(r"\1", text)


def _marked(value: Any) -> Any:
    """Numbers that would lose digits as texts between marks: the module json writes floats itself."""
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, Number) and math.isfinite(value) and repr(float(value)) != value.text:
        return f"{_MARK}{value.text}{_MARK}"
    return value.text if isinstance(value, Number) and not math.isfinite(value) else value


def escaped(text: str) -> str:
    """A JSON text that says the same and that a terminal can show: JSON leaves most control characters as they are."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(one if one == "\n" or one.isprintable() else json.dumps(one)[1:-1] for one in text)


def plain(value: Any) -> Any:
    """A value as JSON has it: times in ISO 8601, what JSON knows nothing of as text, and no NaN."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, float | Decimal):
        return None if not math.isfinite(value) else float(value)
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """A table whose cells are text as it is, never markup; columns named in `numbers` stand to the right."""
    made = Table(header_style="bold", show_edge=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(Text(name), justify="right" if name in numbers else "left", overflow="fold")
    return made


def cell(value: Any) -> Text:
    """Any value as text that a terminal can show: what would steer the terminal is replaced."""
    text = "" if value is None else value if isinstance(value, str) else _shown(value)
    return Text(printable(text))


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return str(plain(value))


def print_table(made: Table) -> None:
    """Print a table on stdout, fitted to the width of a terminal, elsewhere as wide as it is.

    Only a cell without a blank, such as a URL, is folded within it. Where even that is too wide, each row is written as
    its names and values, one pair after the other.
    """
    console = Console(file=sys.stdout, highlight=False, markup=False)
    if console.is_terminal:
        if (widths := fitting(made, console.width)) is None:
            for line in stacked(made, console.width):
                click.echo(line)
            return
        for column, width in zip(made.columns, widths, strict=True):
            column.width = width
        console.print(made)
        return
    console.width = Measurement.get(console, console.options.update(max_width=_WIDEST), made).maximum
    with console.capture() as captured:
        console.print(made)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def fitting(made: Table, width: int) -> list[int] | None:
    """The widths of columns with which a table fits, no word broken; None when there are none."""
    cells = _cells(made)
    heads = [cell_len(plain_text(column.header)) for column in made.columns]
    wanted = [
        max([head, column.min_width or 0, *map(cell_len, texts)])
        for head, column, texts in zip(heads, made.columns, cells, strict=True)
    ]
    room = width - _GAP * (len(wanted) - 1)
    # a column of texts is no narrower than its longest word; then long URLs and ids may be, then all of them
    names = [max(cell_len(word) for word in plain_text(column.header).split(" ")) for column in made.columns]
    whole = [_longest_word(texts, name) for texts, name in zip(cells, names, strict=True)]
    sentences = [
        _longest_word([text for text in texts if " " in text], name) for texts, name in zip(cells, names, strict=True)
    ]
    short = [max(one, all_ if all_ <= _SHORT else _NARROWEST) for one, all_ in zip(sentences, wanted, strict=True)]
    folded = [max(one, min(all_, _NARROWEST)) for one, all_ in zip(sentences, wanted, strict=True)]
    numbers = [column.justify == "right" for column in made.columns]
    for least in (whole, short, folded):
        least = [
            min(all_, word if number else one)
            for one, word, all_, number in zip(least, whole, wanted, numbers, strict=True)
        ]
        if sum(least) <= room:
            return _narrowed(wanted, least, room)
    return None


def stacked(made: Table, width: int) -> Iterator[str]:
    """A row as lines of `name value`, as many as fit; the second and further lines are indented."""
    heads = [plain_text(column.header) for column in made.columns]
    for row in zip(*_cells(made), strict=True):
        line = ""
        for head, text in zip(heads, row, strict=True):
            pair = f"{head} {text}".strip() if text else ""
            if line and pair and cell_len(line) + 2 + cell_len(pair) > width:
                yield from _wrapped(line, width, "  ")
                line = "  " + pair
            elif pair:
                line = f"{line}  {pair}" if line else pair
        yield from _wrapped(line, width, "  ")


def plain_text(value: Any) -> str:
    return value.plain if isinstance(value, Text) else str(value)


def _cells(made: Table) -> list[list[str]]:
    return [[plain_text(one) for one in column.cells] for column in made.columns]


def _longest_word(texts: list[str], head: int) -> int:
    return max([head, *(cell_len(word) for text in texts for word in text.split(" "))])


def _narrowed(wanted: list[int], least: list[int], room: int) -> list[int]:
    """Take from the widest columns what is too much."""
    widths = list(wanted)
    while sum(widths) > room:
        widest = max((n for n in range(len(widths)) if widths[n] > least[n]), key=lambda n: widths[n])
        widths[widest] -= 1
    return widths


def fold_lines(text: str, indent: str = "") -> str:
    """A sentence folded at blanks to the width of a terminal, as it is elsewhere."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        return text
    return "\n".join(_wrapped(text, console.width, indent))


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )


@contextmanager
def advancing(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, or a line now and then where that is no terminal; called with what is done and the total."""
    if not sys.stderr.isatty():
        yield _Lines(what, unit)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress as plain lines; what ends quickly says nothing."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._said >= EVERY_SECONDS:
            self._said = time.monotonic()
            click.echo(f"{self._what}: {done:,} of {total:,} {self._unit}", err=True)
