"""Sizes as people write them on the command line."""

import re
from typing import Any

import click

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(?:([kKMGTP])(i)?)?B?", re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


class Size(click.ParamType[int]):
    """A number of bytes: `50GB`, `1.5 TB` (powers of 1000), `512MiB` (of 1024), `4096`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        size = 0
        if found is not None:
            base = 1024 if found[3] else 1000
            size = int(float(found[1]) * base ** _POWERS[(found[2] or "").lower()])
        if not size:
            self.fail(f"{value!r} is no size; write it as 50GB, 512MiB or a number of bytes", param, ctx)
        return size
