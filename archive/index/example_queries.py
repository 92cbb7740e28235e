"""Questions that any archive answers, each with a name and a title: `archive/sql/examples`, a file each."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from archive.errors import BadQuery


@dataclass(frozen=True, slots=True)
class Example:
    """A question; `title` is the first line of its SQL, without dashes and full stop."""

    name: str
    title: str
    sql: str


@lru_cache
def examples() -> dict[str, Example]:
    """All of them by name, in alphabetical order."""
    folder = resources.files("archive").joinpath("sql", "examples")
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    return {name: Example(name, _title(text), text) for name, text in sorted(texts.items())}


def example(name: str) -> Example:
    """One of them. Raises BadQuery for a name that none has."""
    if name not in examples():
        raise BadQuery(f"no example is called {name!r}; harvester sql --examples names them: {', '.join(examples())}")
    return examples()[name]


def _title(sql: str) -> str:
    return sql.partition("\n")[0].lstrip("- ").rstrip(". ")
