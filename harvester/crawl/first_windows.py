"""Which windows a harvest begins with: a body, and a tail from the run's start that catches what changed meanwhile."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from harvester.crawl.arguments import OaipmhArguments
from harvester.oaipmh import Span, Traits, cutting


def overlap(arguments: OaipmhArguments, traits: Traits) -> timedelta:
    """How far back from a moment to begin, so that nothing falls between: clocks differ, indexes lag."""
    return max(timedelta(seconds=arguments.endpoint.overlap_seconds), traits.granule)


def back_from(moment: datetime, arguments: OaipmhArguments, traits: Traits) -> datetime:
    """The granule to begin with, for everything that changed from `moment` on."""
    return cutting.on_granule(moment - overlap(arguments, traits), traits)


def first_spans(arguments: OaipmhArguments, traits: Traits, answered: datetime, since: datetime | None) -> list[Span]:
    """The first windows of a channel, in time's order, the tail last.

    `answered` is the provider's clock at the run's start, `since` where an incremental run begins (None: with the
    whole list). A sample is one list, never cut.
    """
    body = Span(since, None) if arguments.mode == "incremental" else Span(arguments.from_, arguments.until)
    if arguments.sample is not None:
        return [body]
    if arguments.shard is not None:
        spans = list(cutting.part_of(body, *arguments.shard, traits))
    else:
        spans = [body] if arguments.slices == "auto" else list(cutting.calendar(body, arguments.slices, traits))
    tail = Span(back_from(answered, arguments, traits), None)
    last_shard = arguments.shard is None or arguments.shard.is_last
    if last_shard and arguments.until is None and _before(body, tail):
        spans.append(tail)
    return spans


def _before(body: Span, tail: Span) -> bool:
    """Whether the body begins before the tail, which otherwise is a part of it."""
    assert tail.from_ is not None
    return body.from_ is None or body.from_ < tail.from_


def expected_records(stated: Iterable[tuple[str | None, int | None]], sets: Iterable[str | None]) -> int | None:
    """The sum of the stated totals, one a channel, None while it cannot be known.

    `stated` are (set, size) of first lists that were asked; a channel not yet asked is taken to be as large as
    one of another prefix and the same set.
    """
    sizes = {spec: size for spec, size in stated if size is not None}
    try:
        return sum(sizes[spec] for spec in sets)
    except KeyError:
        return None
