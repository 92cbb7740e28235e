"""Empty lists: how else to ask when a whole list is said to be empty, and what to make of it when it stays so.

Some providers list nothing unless a set is named (OpenWIS/openwis#293), or unless there is a bound
(LearningRegistry/LearningRegistry#60); others want the characters of a set as they are, not percent-encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from archive.findings import Finding, finding
from harvester.oaipmh import datestamps
from harvester.oaipmh.cutting import OLDEST, Span

# a repository that says it is younger than this may well be empty
YOUNG = timedelta(days=1)
# sets that are listed one by one where nothing comes without a set
SETS_MOST = 1000


def encodings(spec: str) -> list[str]:
    """The forms in which a set may have to be sent, besides percent-encoded once: bare `:` and `/`, decoded, twice."""
    usual = quote(spec, safe="")
    if usual == spec:
        return []
    forms = (
        quote(spec, safe=":/"),
        quote(unquote(spec), safe=""),
        quote(unquote(spec), safe=":/"),
        quote(usual, safe=""),
    )
    return [form for form in dict.fromkeys(forms) if form != usual]


def bounds_to_try(earliest: datetime | None, answered: datetime) -> list[Span]:
    """Windows to ask for instead of a list without bounds: those first that leave least out."""
    begin = earliest if earliest is not None and earliest < answered else OLDEST
    spans = [Span(begin, None), Span(begin, answered), Span(None, answered)]
    return spans if begin == OLDEST else [Span(OLDEST, None), *spans]


@dataclass(slots=True)
class Doubt:
    """One list that brought nothing: `reasons` to distrust that, and what was `tried` with which result."""

    name: str
    reasons: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=lambda: ["the whole list"])

    def consider(self, earliest: str | None, answered: datetime, others: int, sets: Sequence[str] | None) -> None:
        """Take what speaks against an empty list. `sets` is None where ListSets could not be read."""
        moment = datestamps.parse(earliest or "")
        if moment is not None and answered - moment > YOUNG:
            self.reasons.append(f"Identify names {earliest} as its earliest datestamp")
        if others:
            self.reasons.append(f"other lists of this run have {others} records")
        if sets is None:
            self.reasons.append("ListSets cannot be read")
        elif sets:
            self.reasons.append(f"ListSets names {len(sets)} sets, such as {sets[0]}")

    def judge(self) -> Finding:
        """Say what an empty list means when nothing else brought a record."""
        tried = ", ".join(self.tried)
        if not self.reasons:
            return finding("empty-repository", name=self.name, tried=tried)
        return finding("empty-list", name=self.name, reason="; ".join(self.reasons), tried=tried)
