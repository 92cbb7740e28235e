"""OAI-PMH 2.0: URLs, strict parsing, windows of datestamps, resumption tokens, and the decisions of a harvest.

Everything here is pure: bytes or values in, values or errors out.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "GET_RECORD",
    "LIST_IDENTIFIERS",
    "LIST_RECORDS",
    "NAMESPACE",
    "NO_RECORD",
    "NO_RECORDS_MATCH",
    "OLDEST",
    "SETS_MOST",
    "VERSIONS_MOST",
    "Again",
    "AsSent",
    "Asked",
    "Beginnings",
    "BySet",
    "Decision",
    "DecodedPage",
    "Done",
    "Doubt",
    "Ended",
    "Identify",
    "Known",
    "ListPage",
    "Lost",
    "MetadataFormat",
    "OaiRecord",
    "Queue",
    "RepositorySet",
    "Row",
    "Singly",
    "Span",
    "Split",
    "StoredVersions",
    "Traits",
    "add_up",
    "cutting",
    "datestamps",
    "decode",
    "decode_list_records",
    "emptiness",
    "format_of",
    "get_record_url",
    "hints",
    "increments",
    "is_prefix",
    "is_xml",
    "list_records_url",
    "packed",
    "parse_document",
    "parse_get_record",
    "parse_list_records",
    "pieces",
    "protocol",
    "protocolerrors",
    "resume_url",
    "tokens",
    "versions",
    "windows",
    "without_noise",
    "xml",
]

if TYPE_CHECKING:
    from harvester.oaipmh import (
        cutting,
        datestamps,
        decode,
        emptiness,
        hints,
        increments,
        protocol,
        protocolerrors,
        tokens,
        versions,
        windows,
        xml,
    )
    from harvester.oaipmh.cutting import OLDEST, Span, Traits
    from harvester.oaipmh.decode import Asked, DecodedPage, Row, decode_list_records, packed, pieces
    from harvester.oaipmh.emptiness import SETS_MOST, Doubt
    from harvester.oaipmh.formats import format_of, is_prefix, is_xml
    from harvester.oaipmh.increments import Known
    from harvester.oaipmh.pagelayout import add_up
    from harvester.oaipmh.protocol import (
        NAMESPACE,
        AsSent,
        Identify,
        ListPage,
        MetadataFormat,
        OaiRecord,
        RepositorySet,
        get_record_url,
        list_records_url,
        parse_get_record,
        parse_list_records,
        resume_url,
    )
    from harvester.oaipmh.protocolerrors import NO_RECORD, NO_RECORDS_MATCH
    from harvester.oaipmh.versions import VERSIONS_MOST, StoredVersions
    from harvester.oaipmh.windows import (
        GET_RECORD,
        LIST_IDENTIFIERS,
        LIST_RECORDS,
        Again,
        Beginnings,
        BySet,
        Decision,
        Done,
        Ended,
        Lost,
        Queue,
        Singly,
        Split,
    )
    from harvester.oaipmh.xml import parse_document, without_noise
else:
    __getattr__ = lazy.exports(__name__)
