"""harvester.oaipmh."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "NAMESPACE",
    "NO_RECORD",
    "NO_RECORDS_MATCH",
    "SETS_MOST",
    "VERSIONS_MOST",
    "AsSent",
    "Asked",
    "DecodedPage",
    "Doubt",
    "Known",
    "ListPage",
    "MetadataFormat",
    "OaiRecord",
    "RepositorySet",
    "Row",
    "StoredVersions",
    "add_up",
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
    "listends",
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
    "without_noise",
    "xml",
]

if TYPE_CHECKING:
    from harvester.oaipmh import (
        datestamps,
        decode,
        emptiness,
        hints,
        increments,
        listends,
        protocol,
        protocolerrors,
        tokens,
        versions,
        xml,
    )
    from harvester.oaipmh.decode import Asked, DecodedPage, Row, decode_list_records, packed, pieces
    from harvester.oaipmh.emptiness import SETS_MOST, Doubt
    from harvester.oaipmh.formats import format_of, is_prefix, is_xml
    from harvester.oaipmh.increments import Known
    from harvester.oaipmh.pagelayout import add_up
    from harvester.oaipmh.protocol import (
        NAMESPACE,
        AsSent,
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
    from harvester.oaipmh.xml import parse_document, without_noise
else:
    __getattr__ = lazy.exports(__name__)
