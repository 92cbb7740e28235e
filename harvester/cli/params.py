"""Parameter types and the command class of the CLI.

NAME=VALUE pairs are arguments of a spider or Scrapy settings. A command refuses an option that is given twice if only
one value can count.
"""

from collections import Counter
from functools import partial
from typing import Any

import click

from harvester.errors import UsageError
from harvester.text import parse_byte_rate, parse_size


def pairs(words: tuple[str, ...]) -> dict[str, str]:
    """Parse name=value pairs. Raises UsageError for any other form, and for a name with two values."""
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not of the form name=value")
        if values.setdefault(name, value) != value:
            raise UsageError(f"{name} is given twice, as {values[name]!r} and as {value!r}; only one can count")
    return values


class Size(click.ParamType[int]):
    """A number of bytes, as `parse_size` reads it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return value if isinstance(value, int) else parse_size(str(value), _option(param))


class ByteRate(click.ParamType[float]):
    """Bytes a second, as `parse_byte_rate` reads them."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return float(value) if isinstance(value, int | float) else parse_byte_rate(str(value), _option(param))


def _option(param: click.Parameter | None) -> str:
    return "the size" if param is None else param.opts[0]


class Command(click.Command):
    """A command that refuses an option that is given twice, or together with an equivalent one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, which keeps the last of several values and drops the others silently."""
        if not ctx.resilient_parsing:
            # the parser removes words from the list that it is given
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_twice(ctx, [param for param in given if isinstance(param, click.Option)])
        return super().parse_args(ctx, args)


command = partial(click.command, cls=Command)


def _refuse_twice(ctx: click.Context, given: list[click.Option]) -> None:
    given = [option for option in given if not (option.multiple or option.count)]
    for option, times in Counter(given).items():
        if times > 1:
            raise click.UsageError(f"{_name(option)} is given {times} times, and only one can count; name it once", ctx)
    by_value: dict[str, click.Option] = {}
    for option in given:
        other = by_value.setdefault(option.name or "", option)
        if other is not option:
            raise click.UsageError(f"{_name(other)} and {_name(option)} exclude each other; name one of them", ctx)


def _name(option: click.Option) -> str:
    return max(option.opts, key=len)
