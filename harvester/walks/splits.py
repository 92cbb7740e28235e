"""A list that was cut is settled only when its parts bring at least what it stated and gave before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archive.findings import Finding, finding
from archive.store import SplitList
from harvester.oaipmh import tokens

SHORT, LACKING, EMPTY = "short", "lacking", "empty"


@dataclass(frozen=True, slots=True)
class SplitDoubt:
    """Why a list that was cut is not settled: `kind` is one of the constants above, `missing` counts ids."""

    split: SplitList
    kind: str
    missing: int


def doubts(splits: Iterable[SplitList]) -> list[SplitDoubt]:
    """Compare lists with their parts; `splits` has parts before the lists that they are parts of.

    What a part is short of is not held against the lists above it a second time. Ids that came before the cut and in no
    part are harmless where all records that were stated came.
    """
    found: list[SplitDoubt] = []
    below: dict[int, int] = {}
    for split in splits:
        known = below.pop(split.window, 0)
        doubt = _doubt(split, known)
        if doubt is not None:
            found.append(doubt)
            known = max(known, doubt.missing)
        if split.parent is not None and known:
            below[split.parent] = below.get(split.parent, 0) + known
    return found


def _doubt(split: SplitList, known: int) -> SplitDoubt | None:
    if split.stated is not None:
        short = split.stated - split.together
        if short <= 0:
            return None
        return SplitDoubt(split, SHORT, short) if short > known else None
    if split.lacking:
        return SplitDoubt(split, LACKING, len(split.lacking))
    failed = split.end in tokens.FAILED_ENDS
    return SplitDoubt(split, EMPTY, 0) if failed and not split.together and not known else None


def settled_by(doubt: SplitDoubt, stated_now: int | None) -> bool:
    """Whether the size that the provider states now explains a short list: records were deleted or moved meanwhile.

    That it now finds nothing at all explains nothing.
    """
    return doubt.kind == SHORT and stated_now is not None and 0 < stated_now <= doubt.split.together


def doubt_finding(doubt: SplitDoubt, window: str, exist: Mapping[str, bool] | None = None) -> Finding | None:
    """Say what is missing. `exist` tells for some lacking ids whether they should be in a part; if none, no finding."""
    split = doubt.split
    if doubt.kind == SHORT:
        return finding("parts-short", window=window, expected=split.stated, found=split.together)
    if doubt.kind == EMPTY:
        return finding("parts-empty", window=window, reason=split.reason or split.end)
    lacking = [name for name in split.lacking if exist is None or exist.get(name, True)]
    if exist and not any(exist.values()):
        return None
    return finding("parts-lack", window=window, identifier=lacking[0], found=len(lacking))
