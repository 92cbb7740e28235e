"""Choose the request that detects whether a list without a stated size broke off."""

from archive.store import UnsizedList
from harvester.frontier import Span, Traits, later
from harvester.oaipmh import datestamps


def rest_of(found: UnsizedList, span: Span, traits: Traits) -> Span | None:
    """Choose the part of a list's span whose first page shows records that the list lacks, if it broke off.

    A list in order lacks the newest, one in reverse order the oldest, one in no order some of any. The datestamp that
    the list broke off at is left out: records that the list has may fill the page. None where there is no such part.
    """
    edge = datestamps.parse(found.edge)
    beyond = None if edge is None else later(edge, -traits.granule if found.falls else traits.granule)
    if beyond is None:
        return None
    part = Span(span.from_, beyond) if found.falls else Span(beyond, span.until)
    return None if part.from_ and part.until and part.from_ > part.until else part
