"""Named SQL queries: each package that has some keeps them in its file `queries.sql`.

A query begins with `-- name: NAME`; its purpose, the order of its columns and its parameters follow as comments, then
one or more statements. They are for SQLite (`:name`) or DuckDB (`$name`).

aiosql 15 was tried and is not used: it takes 0.1 s to import and 0.4 s to parse these queries, and reads the slice
`list[1:2]` of DuckDB as a parameter.
"""

import re
from functools import cached_property, lru_cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


class Queries:
    """The queries of a package, read when one is first used: `Queries("archive.store")["account_sums"]`.

    A query is its SQL with the comments above it. Raises KeyError for an unknown name.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def __getitem__(self, name: str) -> str:
        return self.all[name]

    @cached_property
    def all(self) -> dict[str, str]:
        """All queries by name, in the order of the file."""
        return _read(self.package)


@lru_cache
def _read(package: str) -> dict[str, str]:
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    found: dict[str, str] = {}
    for name, sql in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"{package}/queries.sql defines {name} twice")
        found[name] = sql.strip("\n") + "\n"
    return found
