"""Text of strangers as a terminal can show it: nothing in it moves the cursor, sets a title or turns the line around.

A JSON string may hold any control character, XML those from U+007F on (U+009B begins a sequence as ESC [ does), and
names of files all but two.
"""

import logging
import os
from collections.abc import Iterable

from archive.formats import printable
from harvester.errors import UsageError

# loggers whose arguments may be texts of several lines: statistics, settings
_FOREIGN = frozenset({"scrapy", "twisted", "py", "asyncio", "root"})


class PrintableFilter(logging.Filter):
    """Makes every log record that passes a handler one that a terminal can show.

    Line ends and tabs stay where the sentence itself has them, and in what others' software says of itself.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and record.name.partition(".")[0] not in _FOREIGN:
            record.args = tuple(one if isinstance(one, int | float) else printable(str(one)) for one in record.args)
        try:
            record.msg, record.args = printable(record.getMessage(), "\n\t"), ()
        except (TypeError, ValueError, KeyError):  # what logging itself would report, with the arguments
            record.msg, record.args = f"a message of {record.name} that cannot be put together", ()
        if record.exc_info:
            record.exc_text = printable(record.exc_text or logging.Formatter().formatException(record.exc_info), "\n\t")
        return True


def tame_logs() -> None:
    """Have every handler of the root logger show what a terminal can, from now on."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, PrintableFilter) for one in handler.filters):
            handler.addFilter(PrintableFilter())


def check_text(arguments: Iterable[str]) -> None:
    """Check that arguments of a command are text. Raises UsageError for one whose bytes are not UTF-8.

    Python keeps such bytes as lone surrogates, which neither JSON nor a URL can hold.
    """
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"argument {number} is not UTF-8: {os.fsencode(argument)!r}; give it in UTF-8 (for a folder with such "
                "a name, a symbolic link to it)"
            ) from None
