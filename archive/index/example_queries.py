"""Example queries that every archive can answer, each with a name and a title."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from archive.errors import BadQuery


@dataclass(frozen=True, slots=True)
class Example:
    """An example query; `title` is the first line of its SQL, without dashes and full stop."""

    name: str
    title: str
    sql: str


@lru_cache
def examples() -> dict[str, Example]:
    """Return all examples by name, in alphabetical order."""
    folder = resources.files("archive").joinpath("sql", "examples")
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    return {name: Example(name, _title(text), text) for name, text in sorted(texts.items())}


def example(name: str) -> Example:
    """Return an example by name. Raises BadQuery for an unknown name."""
    if name not in examples():
        raise BadQuery(f"no example is called {name!r}; harvester sql --examples names them: {', '.join(examples())}")
    return examples()[name]


def _title(sql: str) -> str:
    return sql.partition("\n")[0].lstrip("- ").rstrip(". ")
