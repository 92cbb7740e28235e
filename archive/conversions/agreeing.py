"""Representations of one id against each other: whether they speak of the same thing.

Each has its own way to write it: what they may differ in (markup, entities, case, white space, how exact a date is,
which of several titles comes first) is no disagreement, and neither is that one says nothing.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from archive.crosswalks.claims import Claims


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The field, and what each representation (by format) says of it, shortened."""

    field: str
    values: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "; ".join(f"{format_} says {value}" for format_, value in self.values)


def disagreements(representations: Sequence[tuple[str, Claims]]) -> Iterator[Disagreement]:
    """What the representations of one id, as (format, claims), disagree about."""
    for field, values_of, agree in _FIELDS:
        said = [(format_, values_of(claims)) for format_, claims in representations if values_of(claims)]
        if any(not agree(one, other) for (_, one), (_, other) in combinations(said, 2)):
            yield Disagreement(field, tuple((format_, " | ".join(values)[:200]) for format_, values in said))


def same_dois(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether any DOI is of both: Dublin Core names those of versions and of the concept alike."""
    return not set(one).isdisjoint(other)


def same_titles(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether any title is in both, as far as its letters and digits go."""
    return not {letters(title) for title in one}.isdisjoint(letters(title) for title in other)


def same_dates(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether any date of one is a date of the other, or a part of it: 2020 and 2020-01-05."""
    return any(a.startswith(b) or b.startswith(a) for a in one for b in other)


def letters(text: str) -> str:
    """The letters and digits of a text in one case, without markup; all of it where it has neither."""
    plain = re.sub(r"<[^<>]*>", " ", html.unescape(html.unescape(text)))
    squashed = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", plain).casefold())
    return squashed or text


_FIELDS: tuple[tuple[str, Callable[[Claims], Sequence[str]], Callable[[Sequence[str], Sequence[str]], bool]], ...] = (
    ("DOI", lambda claims: claims.dois, same_dois),
    ("title", lambda claims: claims.titles, same_titles),
    ("date", lambda claims: claims.dates, same_dates),
)
