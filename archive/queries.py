"""The questions in `archive/sql`, each by its name."""

from functools import lru_cache
from importlib import resources


@lru_cache
def question(name: str) -> str:
    """The SQL of one question; what it answers and takes is said on its top."""
    return resources.files("archive").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
