"""Splits: whatever rule a provider answers from and until by, a list that is cut loses nothing silently.

A provider in memory answers list requests by rules of all kinds; `windows.decide` judges each list, the real
question compares the lists that were cut with their parts. Then every record is held, or a doubt says that some are
not.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import archive_builder
from support.example_counts import amount

from archive.store.ledger import NewWindow, WindowRow
from archive.store.splits import SplitList, iter_splits
from harvester.oaipmh import cutting, datestamps, tokens, windows
from harvester.oaipmh.cutting import Span, Traits
from harvester.oaipmh.windows import LIST_RECORDS, Again, Beginnings, Done, Ended, Lost, Split
from harvester.walks import splits

SECOND = timedelta(seconds=1)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
LONG = 60
PAGE = 4


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Rule = Callable[[datetime, Span, int], bool]


def _between(low: bool, high: bool) -> Rule:
    """Whether both bounds are included, or one of them is not."""

    def inside(moment: datetime, span: Span, number: int) -> bool:
        after = span.from_ is None or span.from_ < moment or (low and span.from_ == moment)
        before = span.until is None or span.until > moment or (high and span.until == moment)
        return after and before

    return inside


def _shifted(by: timedelta) -> Rule:
    return lambda moment, span, number: _between(True, True)(moment + by, span, number)


def _never_bounded(every: int) -> Rule:
    """Records without a date that bounds can be compared with: they are in lists without bounds only."""
    return lambda moment, span, number: (
        span == Span(None, None) if number % every == 0 else _between(True, True)(moment, span, number)
    )


def _only_until(moment: datetime, span: Span, number: int) -> bool:
    return _between(True, True)(moment, Span(None, span.until), number)


def _nothing_bounded(moment: datetime, span: Span, number: int) -> bool:
    return span == Span(None, None)


def _at_random(seed: int) -> Rule:
    """No rule at all: a record is in a list or not, as it happens; the same question is answered in the same way."""
    return lambda moment, span, number: span == Span(None, None) or crc32(repr((seed, number, span)).encode()) % 4 > 0


RULES = st.one_of(
    st.builds(_between, st.booleans(), st.booleans()),
    st.builds(_shifted, st.integers(-90, 90).map(lambda seconds: timedelta(seconds=seconds))),
    st.builds(_never_bounded, st.integers(1, 5)),
    st.just(_only_until),
    st.just(_nothing_bounded),
    st.builds(_at_random, st.integers(0, 1000)),
)


@dataclass
class Provider:
    """Records one by one at some seconds; a list breaks off after `depth` pages, if there is such a limit."""

    moments: list[datetime]
    rule: Rule
    states_size: bool
    breaks: str
    depth: int
    sizes: dict[Span, int] = field(default_factory=dict)

    def answer(self, span: Span) -> tuple[list[str], str, int, int | None]:
        """The ids that one walk brings, how it ends, its pages, and the stated size."""
        found = [n for n, moment in enumerate(self.moments) if self.rule(moment, span, n)]
        pages = max(1, -(-len(found) // PAGE))
        stated = len(found) if self.states_size and found else None
        if not found:
            return [], tokens.NO_RECORDS, 1, None
        if pages > self.depth:
            return [f"oai:x:{n}" for n in found[: self.depth * PAGE]], self.breaks, self.depth, stated
        end = tokens.LIST_COMPLETE if pages == 1 else tokens.EMPTY_TOKEN
        return [f"oai:x:{n}" for n in found], end, pages, stated


@settings(max_examples=amount(40, 600), deadline=None)
@given(
    st.lists(st.integers(0, LONG), min_size=1, max_size=24).map(sorted),
    RULES,
    st.booleans(),
    st.sampled_from([tokens.TOKEN_EXPIRED, tokens.TOKEN_NO_RECORDS, tokens.TOO_LARGE, tokens.TOKEN_LOOP]),
    st.integers(1, 4),
)
def test_a_split_loses_nothing_silently(seconds: list[int], rule: Rule, states_size: bool, breaks: str, depth: int):
    provider = Provider([FIRST + SECOND * s for s in seconds], rule, states_size, breaks, depth)
    with tempfile.TemporaryDirectory() as folder:
        held, stated, warned = harvested(provider, Path(folder))
    first, _, _, _ = provider.answer(Span(None, None))
    everything = {f"oai:x:{n}" for n in range(len(seconds))}
    if stated is not None:
        assert held >= everything or warned
    # what was seen once is never lost, whatever was stated
    assert held >= set(first)
    if breaks != tokens.TOO_LARGE and not (held - set(first)) and held < everything:
        assert warned


@pytest.mark.parametrize("rule", [_nothing_bounded, _never_bounded(2)])
def test_nothing_but_the_comparison_with_the_parts_notices_these_losses(rule: Rule, tmp_path: Path):
    provider = Provider([FIRST + SECOND * 2 * n for n in range(12)], rule, True, tokens.TOO_LARGE, 1)
    held, stated, warned = harvested(provider, tmp_path / "compared")
    assert stated == 12
    assert len(held) < 12
    assert warned
    assert not harvested(provider, tmp_path / "not-compared", compare=lambda found: [])[2]


def harvested(
    provider: Provider, folder: Path, compare: Callable[[Iterable[SplitList]], list[splits.SplitDoubt]] = splits.doubts
) -> tuple[set[str], int | None, bool]:
    """Harvest as the spider does: (ids held, the size first stated, whether anything speaks against completeness)."""
    traits = Traits(SECOND, FIRST, FIRST + SECOND * LONG, ranges=True, target=PAGE)
    writer = archive_builder.writer(folder / "archive")
    writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    waiting = writer.open_windows([NewWindow(channel, LIST_RECORDS, None, None)])
    attempts: dict[int, int] = {}
    beginnings = Beginnings()
    held: set[str] = set()
    first_stated: int | None = None
    warned = False
    while waiting:
        row = waiting.pop(0)
        span = Span(*(datestamps.parse(b) if b else None for b in (row.from_, row.until)))
        attempt = attempts[row.window] = attempts.get(row.window, 0) + 1
        ids, end, pages, stated = provider.answer(span)
        if end == tokens.TOO_LARGE and cutting.record_limit(span, traits) is None:
            end = tokens.TOKEN_EXPIRED
        if first_stated is None and row.parent is None:
            first_stated = stated
        if beginnings.repeats(channel, ids[:PAGE], span):
            traits.ranges = False
        writer.put(archive_builder.answer(channel, row.window, ids, attempt))
        held |= set(ids)
        count = writer.count_window(row.window, attempt)
        ended = Ended(
            span,
            row.verb,
            end,
            attempt,
            count.listed,
            count.distinct,
            pages,
            PAGE,
            stated_first=stated,
            stated_last=stated,
        )
        decision = windows.decide(ended, traits)
        children: list[WindowRow] = []
        if isinstance(decision, Again):
            waiting.insert(0, row)
            continue
        state = {Done: "done", Lost: "lost", Split: "split"}.get(type(decision), "lost")
        parts = decision.spans if isinstance(decision, Split) else ()
        new = [NewWindow(channel, LIST_RECORDS, *(text(b) if b else None for b in (s.from_, s.until))) for s in parts]
        children = writer.close_window(
            row.window, state=state, end=end, count=count, stated=stated, pages=pages, attempts=attempt, children=new
        )
        warned = warned or state == "lost" or any(f.severity != "info" for f in getattr(decision, "findings", ()))
        waiting.extend(children)
    warned = warned or bool(compare(iter_splits(writer.ledger, writer.run_number)))
    writer.finish("complete")
    writer.close()
    return held, first_stated, warned
