"""OAI-PMH 2.0: URLs out, pages in. Pure: bytes in, values or our errors out, whatever the bytes are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from lxml import etree

from harvester.datestamps import granularity_of
from harvester.errors import MalformedPage, ProviderError
from harvester.slicing import Slices, slice_records
from harvester.strictxml import MAX_BYTES, parse_document

NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
_RIGHTS = "{http://www.openarchives.org/OAI/2.0/rights/}"
_TOKEN_AT_END = re.compile(
    rb"<((?:[A-Za-z_][\w.-]*:)?)resumptionToken(?:\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*)?>([^<]*)</\1resumptionToken\s*>"
    rb"(?:\s*</[\w.:-]+\s*>){2}\s*$"
)
# no page that was seen declares thirty
NAMESPACES_MOST = 1000
_ENTITIES = {b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&apos;": b"'"}


@dataclass(frozen=True, slots=True)
class Identify:
    """What the provider says of itself (section 4.2); nothing of it is believed blindly.

    `rights` are the addresses of the licences that it states for its metadata (Conveying rights expressions, 3.1).
    """

    repository_name: str
    base_url: str
    protocol_version: str
    earliest: str | None
    deleted_record: str
    granularity: str
    admin_emails: tuple[str, ...]
    compression: tuple[str, ...]
    response_date: str | None
    rights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataFormat:
    """A metadata prefix with its schema and namespace (section 4.4)."""

    prefix: str
    schema: str
    namespace: str


@dataclass(frozen=True, slots=True)
class RepositorySet:
    """A set of the repository (section 4.6)."""

    spec: str
    name: str


@dataclass(frozen=True, slots=True)
class SetPage:
    """One page of ListSets."""

    sets: tuple[RepositorySet, ...]
    token: str | None


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """A record, or only its header.

    `datestamp` is as sent. `metadata` is the content of <metadata> in UTF-8, byte for byte as it was sent,
    except that namespaces declared further out and used inside are declared in its start tag, so that it
    stands alone; None when there is none. `element` is its root element, `about` the content of each <about>.
    """

    identifier: str
    datestamp: str
    sets: tuple[str, ...]
    deleted: bool
    metadata: bytes | None = None
    element: "etree._Element | None" = None
    about: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ListPage:
    """One response to a list request, in document order.

    `token` is what to send next, None when the list is complete; `has_token_element` tells an empty token from
    none. `complete_list_size` is in records and may be an estimate (3.5); `cursor` means what the provider
    likes. A noRecordsMatch error is an empty page.
    """

    records: tuple[OaiRecord, ...]
    token: str | None = None
    has_token_element: bool = False
    complete_list_size: int | None = None
    cursor: int | None = None
    expiration: str | None = None
    response_date: str | None = None


class AsSent(str):
    """An argument that is percent-encoded already, in the way that a provider wants it."""

    __slots__ = ()


# --- URLs out


def identify_url(base: str) -> str:
    """The URL of an Identify request."""
    return _url(base, verb="Identify")


def list_formats_url(base: str, identifier: str | None = None) -> str:
    """The URL of a ListMetadataFormats request, for the repository or for one item."""
    return _url(base, verb="ListMetadataFormats", identifier=identifier)


def list_sets_url(base: str) -> str:
    """The URL of a ListSets request."""
    return _url(base, verb="ListSets")


def list_records_url(base: str, prefix: str, from_: str | None, until: str | None, set_: str | None) -> str:
    """The URL of a ListRecords request; None leaves an argument out."""
    return _url(base, verb="ListRecords", metadataPrefix=prefix, **{"from": from_, "until": until, "set": set_})


def list_identifiers_url(base: str, prefix: str, from_: str | None, until: str | None, set_: str | None) -> str:
    """The URL of a ListIdentifiers request; None leaves an argument out."""
    return _url(base, verb="ListIdentifiers", metadataPrefix=prefix, **{"from": from_, "until": until, "set": set_})


def get_record_url(base: str, identifier: str, prefix: str) -> str:
    """The URL of a GetRecord request."""
    return _url(base, verb="GetRecord", identifier=identifier, metadataPrefix=prefix)


def resume_url(base: str, verb: str, token: str, **beside: str | None) -> str:
    """The URL for the next page: the token is opaque, exclusive, and encoded once whatever it looks like (3.5).

    `beside` is for providers that refuse a token that comes alone.
    """
    return _url(base, verb=verb, **beside, resumptionToken=token)


def _url(base: str, **arguments: str | None) -> str:
    """Add arguments to a base URL, which may have a query of its own; each is percent-encoded exactly once."""
    query = "&".join(f"{name}={_quoted(value)}" for name, value in arguments.items() if value is not None)
    return f"{base}{'&' if '?' in base else '?'}{query}"


def _quoted(value: str) -> str:
    return value if isinstance(value, AsSent) else quote(value, safe="")


# --- pages in


def parse_identify(body: bytes) -> Identify:
    """Read an Identify response (section 4.2). Raises MalformedPage, or ProviderError for an <error>."""
    root, oai = _root(body)
    identify = _verb(root, oai, "Identify")
    return Identify(
        repository_name=_text(identify.find(f"{oai}repositoryName")),
        base_url=_text(identify.find(f"{oai}baseURL")),
        protocol_version=_text(identify.find(f"{oai}protocolVersion")),
        earliest=_text(identify.find(f"{oai}earliestDatestamp")) or None,
        deleted_record=_text(identify.find(f"{oai}deletedRecord")) or "no",
        granularity=granularity_of(_text(identify.find(f"{oai}granularity"))),
        admin_emails=tuple(_text(element) for element in identify.findall(f"{oai}adminEmail")),
        compression=tuple(_text(element) for element in identify.findall(f"{oai}compression")),
        response_date=_text(root.find(f"{oai}responseDate")) or None,
        rights=tuple(_rights(identify)),
    )


def _rights(identify: etree._Element) -> Iterator[str]:
    """The rights that a manifest in Identify states for metadata; one that is for whole sets is in ListSets."""
    for manifest in identify.iter(f"{_RIGHTS}rightsManifest"):
        if manifest.get("appliesTo", "").endswith("#metadata"):
            for reference in manifest.iter(f"{_RIGHTS}rightsReference"):
                yield (reference.get("ref") or reference.get("href") or _text(reference)).strip()[:500]


def parse_list_metadata_formats(body: bytes) -> tuple[MetadataFormat, ...]:
    """Read a ListMetadataFormats response (section 4.4)."""
    root, oai = _root(body)
    return tuple(
        MetadataFormat(
            _text(element.find(f"{oai}metadataPrefix")),
            _text(element.find(f"{oai}schema")),
            _text(element.find(f"{oai}metadataNamespace")),
        )
        for element in _verb(root, oai, "ListMetadataFormats").findall(f"{oai}metadataFormat")
    )


def parse_list_sets(body: bytes) -> SetPage:
    """Read a ListSets response (section 4.6)."""
    root, oai = _root(body)
    listing = _verb(root, oai, "ListSets")
    sets = tuple(
        RepositorySet(_text(element.find(f"{oai}setSpec")), _text(element.find(f"{oai}setName")))
        for element in listing.findall(f"{oai}set")
    )
    return SetPage(sets, _text(listing.find(f"{oai}resumptionToken")) or None)


def parse_list_records(body: bytes, max_bytes: int = MAX_BYTES) -> ListPage:
    """Read one ListRecords response (sections 3.5, 3.6 and 4.5).

    `body` is the HTTP body as received: the XML declaration names its encoding. Raises MalformedPage unless it
    is one whole response: a page cut short and mended would read as a shorter page. Raises ProviderError for
    an <error>, except noRecordsMatch, which is how the protocol sends an empty page.
    """
    root, oai = _root(body, max_bytes)
    if (empty := _no_records(root, oai)) is not None:
        return empty
    listing = _verb(root, oai, "ListRecords")
    slices = slice_records(body, root.getroottree().docinfo.encoding)
    elements = listing.findall(f"{oai}record")
    if slices is not None and len(slices) != len(elements):
        slices = None
    records = _records(listing, elements, oai, slices, max_bytes)
    return _page(root, oai, listing, records)


def parse_list_identifiers(body: bytes, max_bytes: int = MAX_BYTES) -> ListPage:
    """Read one ListIdentifiers response (section 4.3): as `parse_list_records`, headers only."""
    root, oai = _root(body, max_bytes)
    if (empty := _no_records(root, oai)) is not None:
        return empty
    listing = _verb(root, oai, "ListIdentifiers")
    return _page(root, oai, listing, tuple(_header(element, oai) for element in listing.findall(f"{oai}header")))


def parse_get_record(body: bytes, max_bytes: int = MAX_BYTES) -> OaiRecord:
    """Read a GetRecord response (section 4.1). Raises as `parse_list_records`; idDoesNotExist is a ProviderError."""
    root, oai = _root(body, max_bytes)
    if (code := _error(root, oai)) is not None:
        raise ProviderError(*code)
    element = _verb(root, oai, "GetRecord").find(f"{oai}record")
    if element is None:
        raise MalformedPage("<GetRecord> without <record>")
    slices = slice_records(body, root.getroottree().docinfo.encoding)
    return _record(element, oai, slices[0] if slices is not None and len(slices) == 1 else None)


def peek_token(body: bytes) -> str | None:
    """The resumption token at the end of a body, without parsing it; None when there is none to be seen.

    Only for asking ahead: the page counts when it has been parsed, and its token is compared with this one.
    """
    match = _TOKEN_AT_END.search(body, max(0, len(body) - 20_000))
    if match is None:
        return None
    text = match[2]
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character) if entity != b"&amp;" else text
    if b"&#" in text:
        return None
    try:
        return text.replace(b"&amp;", b"&").decode("utf-8").strip() or None
    except UnicodeDecodeError:
        return None


# --- inside


def _root(body: bytes, max_bytes: int = MAX_BYTES) -> tuple[etree._Element, str]:
    """The root element and the "{namespace}" of the protocol's elements in this document."""
    root = parse_document(body, max_bytes)
    # as text: lxml's QName refuses some names that libxml2 has read
    for oai in (f"{{{NAMESPACE}}}", ""):
        if root.tag == f"{oai}OAI-PMH":
            return root, oai
    raise MalformedPage(f"<{str(root.tag)[:80]}> is no OAI-PMH response: is this an OAI-PMH endpoint?")


def _error(root: etree._Element, oai: str) -> tuple[str, str] | None:
    """(code, text) of the response's <error>; of several the first that is not noRecordsMatch."""
    errors = [(element.get("code", ""), _text(element)) for element in root.findall(f"{oai}error")]
    return next((error for error in errors if error[0] != "noRecordsMatch"), errors[0] if errors else None)


def _verb(root: etree._Element, oai: str, verb: str) -> etree._Element:
    if (error := _error(root, oai)) is not None:
        raise ProviderError(*error)
    element = root.find(f"{oai}{verb}")
    if element is None:
        raise MalformedPage(f"an OAI-PMH response without <{verb}>")
    return element


def _no_records(root: etree._Element, oai: str) -> ListPage | None:
    """An empty page for a response that says noRecordsMatch and nothing worse."""
    error = _error(root, oai)
    if error is None or error[0] != "noRecordsMatch":
        return None
    return ListPage((), response_date=_text(root.find(f"{oai}responseDate")) or None)


def _page(root: etree._Element, oai: str, listing: etree._Element, records: tuple[OaiRecord, ...]) -> ListPage:
    token = listing.find(f"{oai}resumptionToken")
    if token is None:  # some put it beside the list
        token = root.find(f"{oai}resumptionToken")
    return ListPage(
        records,
        token=(_text(token) or None) if token is not None else None,
        has_token_element=token is not None,
        complete_list_size=_number(token, "completeListSize"),
        cursor=_number(token, "cursor"),
        expiration=token.get("expirationDate") if token is not None else None,
        response_date=_text(root.find(f"{oai}responseDate")) or None,
    )


def _records(
    listing: etree._Element, elements: list[etree._Element], oai: str, slices: list[Slices] | None, max_bytes: int
) -> tuple[OaiRecord, ...]:
    """The records of a page. Each gets the namespaces that it uses of those around it: they may not make a page grow
    to many times its size, nor be so many that it takes for ever to look for them in each record.
    """
    if (declared := len(listing.nsmap)) > NAMESPACES_MOST:
        raise MalformedPage(f"{declared} namespaces are declared around its records, more than {NAMESPACES_MOST}")
    records, size = [], 0
    for number, element in enumerate(elements):
        record = _record(element, oai, slices[number] if slices is not None else None)
        records.append(record)
        size += len(record.metadata or b"") + sum(map(len, record.about))
        if size > max_bytes:
            raise MalformedPage(f"its namespaces would make more than {max_bytes} bytes of its {number + 1} records")
    return tuple(records)


def _record(element: etree._Element, oai: str, slices: Slices | None) -> OaiRecord:
    header_tag, metadata_tag, about_tag = f"{oai}header", f"{oai}metadata", f"{oai}about"
    header = metadata = None
    abouts: list[etree._Element] = []
    for child in element:
        if child.tag == header_tag:
            header = child
        elif child.tag == metadata_tag:
            metadata = child
        elif child.tag == about_tag:
            abouts.append(child)
    if header is None:
        raise MalformedPage("a <record> without <header>")
    plain = _header(header, oai)
    content = _first_element(metadata) if metadata is not None else None
    about = [inner for inner in (_first_element(outer) for outer in abouts) if inner is not None]
    if slices is not None and slices.fits(content, about):
        return OaiRecord(
            plain.identifier, plain.datestamp, plain.sets, plain.deleted,
            slices.metadata_of(content), content, slices.abouts_of(about),
        )  # fmt: skip
    return OaiRecord(
        plain.identifier, plain.datestamp, plain.sets, plain.deleted,
        _serialised(content) if content is not None else None, content, tuple(map(_serialised, about)),
    )  # fmt: skip


def _header(element: etree._Element, oai: str) -> OaiRecord:
    identifier = datestamp = None
    sets = []
    for child in element:
        if child.tag == f"{oai}identifier":
            identifier = (child.text or "") if not len(child) else _text(child)
        elif child.tag == f"{oai}datestamp":
            datestamp = _text(child)
        elif child.tag == f"{oai}setSpec":
            sets.append(_text(child))
    # an identifier may begin or end with a space; only what XML editors put around it is taken off
    identifier = identifier.strip("\r\n\t") if identifier is not None else None
    if not identifier:
        raise MalformedPage("a <header> without <identifier>")
    return OaiRecord(identifier, datestamp or "", tuple(sets), element.get("status") == "deleted")


def _first_element(parent: etree._Element) -> "etree._Element | None":
    for child in _elements(parent):
        return child
    return None


def _elements(parent: etree._Element) -> Iterator[etree._Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _serialised(element: etree._Element) -> bytes:
    """An element as XML of its own, when its bytes could not be cut out of the page."""
    return etree.tostring(element, encoding="unicode", with_tail=False).encode()


def _text(element: "etree._Element | None") -> str:
    """All the text of an element, without the whitespace around it."""
    if element is None:
        return ""
    return ("".join(element.itertext(etree.Element)) if len(element) else element.text or "").strip()


def _number(element: "etree._Element | None", name: str) -> int | None:
    value = element.get(name, "").strip() if element is not None else ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
