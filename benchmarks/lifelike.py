"""Records with texts as unlike each other as real ones: what is made for demonstrations compresses too well."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace

from harvester.demo.samples import Sample, iter_samples

WORDS = 30_000
_SYLLABLES = [a + b + c for a in ("", *"bcdfglmnprst") for b in "aeiou" for c in ("", "n", "r", "s", "l", "t")]


def iter_lifelike(records: int, seed: int = 1) -> Iterator[Sample]:
    """The samples of the demonstration with titles, abstracts and names of made words, drawn as words of a text are."""
    dice = random.Random(seed)
    words = ["".join(dice.choices(_SYLLABLES, k=dice.choice((1, 2, 2, 3, 3, 4)))) for _ in range(WORDS)]
    # Zipf: the n-th word comes 1/n times as often as the first
    weights = list(itertools.accumulate(1 / rank for rank in range(1, WORDS + 1)))

    def text(length: int) -> str:
        return " ".join(dice.choices(words, cum_weights=weights, k=length)).capitalize()

    for sample in iter_samples(records):
        creators = tuple(replace(one, family=text(1), given=text(1)) for one in sample.creators)
        abstract = ". ".join(text(dice.randrange(8, 24)) for _ in range(dice.randrange(3, 12)))
        yield replace(sample, title=text(dice.randrange(5, 16)), abstract=abstract, creators=creators)
