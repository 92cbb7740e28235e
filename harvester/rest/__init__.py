"""REST interfaces: records by id with content negotiation, search APIs, a provider's dumps. Bytes in, values out."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "CURSOR",
    "DELETED",
    "FORMATS",
    "GAP",
    "GRANULE",
    "PAGE_LOST",
    "PAGE_REFUSED",
    "PLAIN_JSON",
    "PLATFORMS",
    "SIZE_OF_GUESTS",
    "STYLES",
    "Asking",
    "Chunk",
    "Count",
    "DecodedBatch",
    "DecodedBlock",
    "DecodedHits",
    "Entry",
    "IdRanges",
    "Known",
    "Learning",
    "ListSupply",
    "Look",
    "Paging",
    "Question",
    "RangeSupply",
    "Received",
    "RecordAsker",
    "Settled",
    "Style",
    "Version",
    "Walked",
    "answers",
    "exporter",
    "gallop",
    "inside",
    "is_machine",
    "paging",
    "paths_of_searches",
    "platform_of",
    "read_count",
    "search",
    "searchends",
    "sentence",
    "style_of",
]

if TYPE_CHECKING:
    from harvester.rest import answers, exporter, paging, search, searchends
    from harvester.rest.absences import Known, Look, is_machine
    from harvester.rest.answers import DecodedBlock, Received, Settled
    from harvester.rest.exporter import DELETED, FORMATS, DecodedBatch, Entry, Version
    from harvester.rest.hits import Count, inside, read_count
    from harvester.rest.idranges import GAP, Chunk, IdRanges, ListSupply, RangeSupply, gallop, sentence
    from harvester.rest.learning import Learning
    from harvester.rest.paging import GRANULE, PAGE_LOST, PAGE_REFUSED, Paging
    from harvester.rest.recordasking import Question, RecordAsker
    from harvester.rest.search import (
        CURSOR,
        PLAIN_JSON,
        PLATFORMS,
        SIZE_OF_GUESTS,
        STYLES,
        Asking,
        DecodedHits,
        Style,
        paths_of_searches,
        platform_of,
        style_of,
    )
    from harvester.rest.searchends import Walked
else:
    __getattr__ = lazy.exports(__name__)
