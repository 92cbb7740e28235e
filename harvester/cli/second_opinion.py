"""Output of `bag` and `verify` on the verdict that bagit-python has on a bag."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.bags import SecondOpinion


def opinion_lines(bag: str, opinion: "SecondOpinion") -> Iterator[str]:
    """Format a verdict as a line, followed by a line for each file that the validators disagree about."""
    if opinion.valid is None:
        yield f"{bag}: {opinion.software} was not run: {opinion.message}"
        return
    verdict = "valid" if opinion.valid else f"not valid: {opinion.message}"
    yield f"{bag}: {opinion.software} {'agrees' if opinion.agrees else 'DISAGREES'}: {verdict}"
    for file in opinion.files:
        yield f"  look at {file}"
