"""OAI-PMH 2.0: URLs out, pages in. Pure: bytes in, values or our errors out, whatever the bytes are."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from lxml import etree

from harvester.errors import MalformedPage, NamelessRecords, ProviderError
from harvester.oaipmh.datestamps import granularity_of
from harvester.oaipmh.hints import same_token
from harvester.oaipmh.pagelayout import HEADER, RECORD, Layout, described, find_token, lay_out, local_name, search
from harvester.oaipmh.slicing import Slices, canonical, slice_records
from harvester.oaipmh.xml import MAX_BYTES, parse_document

NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
_RIGHTS = "{http://www.openarchives.org/OAI/2.0/rights/}"
_TOKEN_AT_END = re.compile(
    rb"<((?:[A-Za-z_][\w.-]*:)?)resumptionToken(?:\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*)?>([^<]*)</\1resumptionToken\s*>"
    rb"\s*</\1List(?:Records|Identifiers)\s*>\s*</\1OAI-PMH\s*>\s*$"
)
# what XML Schema collapses in an identifier, which is an anyURI
_SPACE = re.compile(r"[ \t\r\n]+")
_SPACES = " \t\r\n"
NAMELESS = "<header> without <identifier>"
_HEADLESS = "<record> without <header>"
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
    unaccounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """A record, or only its header.

    `datestamp` is as sent. `metadata` is the content of <metadata> in UTF-8, byte for byte as it was sent,
    except that namespaces declared further out and used inside are declared in its start tag, so that it
    stands alone; None when there is none. `element` is its root element, `about` the content of each <about>.
    `sent_identifier` is the identifier before its white space was collapsed, None where that changed nothing.
    `unknown_status` is a status that the protocol does not know; such a record counts as live.
    """

    identifier: str
    datestamp: str
    sets: tuple[str, ...]
    deleted: bool
    metadata: bytes | None = None
    element: "etree._Element | None" = None
    about: tuple[bytes, ...] = ()
    sent_identifier: str | None = None
    unknown_status: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One response to a list request, in document order.

    `token` is what to send next, None when the list is complete; `has_token_element` tells an empty token from
    none. `complete_list_size` is in records and may be an estimate (3.5); `cursor` means what the provider
    likes. A noRecordsMatch error is an empty page.

    `unaccounted` has a description of each kind of thing that may stand for records and could not be read: such a
    page does not show that its list is complete. `deviations` describe what is unusual and was read all the same.
    """

    records: tuple[OaiRecord, ...]
    token: str | None = None
    has_token_element: bool = False
    complete_list_size: int | None = None
    cursor: int | None = None
    expiration: str | None = None
    response_date: str | None = None
    unaccounted: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()


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
        repository_name=_field(identify, oai, "repositoryName"),
        base_url=_field(identify, oai, "baseURL"),
        protocol_version=_field(identify, oai, "protocolVersion"),
        earliest=_field(identify, oai, "earliestDatestamp") or None,
        deleted_record=_field(identify, oai, "deletedRecord").lower() or "no",
        granularity=granularity_of(_field(identify, oai, "granularity")),
        admin_emails=tuple(map(_text, _found(identify, oai, "adminEmail"))),
        compression=tuple(map(_text, _found(identify, oai, "compression"))),
        response_date=_field(root, oai, "responseDate") or None,
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
            _field(element, oai, "metadataPrefix"),
            _field(element, oai, "schema"),
            _field(element, oai, "metadataNamespace"),
        )
        for element in _found(_verb(root, oai, "ListMetadataFormats"), oai, "metadataFormat")
    )


def parse_list_sets(body: bytes, sent: str | None = None) -> SetPage:
    """Read a ListSets response (section 4.6); `sent` is the token that it was asked for with."""
    root, oai = _root(body)
    listing = _verb(root, oai, "ListSets")
    found = listing.findall(f"{oai}set") or _found(root, oai, "set")
    specs = [(_collapsed(_field(element, oai, "setSpec")), _field(element, oai, "setName")) for element in found]
    layout = search(root, RECORD)
    token = find_token(layout)
    unaccounted = Counter({"<set> without <setSpec>": sum(not spec for spec, _ in specs)})
    others = (name for child in listing if (name := local_name(child)) not in ("set", "resumptiontoken", ""))
    unaccounted.update(f"<{name}> in <ListSets>" for name in others)
    if any("contradicts" in what for what in layout.unaccounted):
        unaccounted["<resumptionToken> that contradicts another"] += 1
    return SetPage(
        tuple(RepositorySet(spec, name) for spec, name in specs),
        token.text or _next_requested(token.requested, sent, token.has_element) or None,
        described(unaccounted),
    )


def parse_list_records(
    body: bytes, max_bytes: int = MAX_BYTES, *, sent: str | None = None, lenient: bool = False
) -> ListPage:
    """Read one ListRecords response (sections 3.5, 3.6 and 4.5).

    `body` is the HTTP body as received: the XML declaration names its encoding. `sent` is the token that the page
    was asked for with, None for the first page of a list. Raises MalformedPage unless it is one whole response: a
    page cut short and mended would read as a shorter page. Raises ProviderError for an <error>, except
    noRecordsMatch, which is how the protocol sends an empty page.

    Raises NamelessRecords for records without an identifier, which other questions may bring; if `lenient`, they are
    unaccounted for instead.
    """
    root, oai = _root(body, max_bytes)
    found = _Found(root=root, oai=oai, verb="ListRecords", item=RECORD, sent=sent, lenient=lenient)
    return found.page(lambda: _records(found, body, max_bytes))


def parse_list_identifiers(
    body: bytes, max_bytes: int = MAX_BYTES, *, sent: str | None = None, lenient: bool = False
) -> ListPage:
    """Read one ListIdentifiers response (section 4.3): as `parse_list_records`, headers only."""
    root, oai = _root(body, max_bytes)
    found = _Found(root=root, oai=oai, verb="ListIdentifiers", item=HEADER, sent=sent, lenient=lenient)
    return found.page(lambda: [_header(element, found) for element in found.layout.items])


def parse_get_record(body: bytes, max_bytes: int = MAX_BYTES, *, asked: str | None = None) -> OaiRecord:
    """Read a GetRecord response (section 4.1). Raises as `parse_list_records`; idDoesNotExist is a ProviderError.

    Raises MalformedPage for a response that does not hold exactly one record: of `asked`, if that is given.
    """
    page = parse_record_page(body, max_bytes, asked=asked)
    if not page.records:
        raise MalformedPage("<GetRecord> without <record>")
    return page.records[0]


def parse_record_page(body: bytes, max_bytes: int = MAX_BYTES, *, asked: str | None = None) -> ListPage:
    """Read a GetRecord response as a page of one record, with what is unaccounted for besides it.

    The record that was `asked` for has the identifier it was asked for by, whatever white space is around it.
    """
    root, oai = _root(body, max_bytes)
    if (code := _error(root, oai)) is not None:
        raise ProviderError(*code)
    found = _Found(root, oai, "GetRecord", RECORD, None, lenient=False)
    page = found.page(lambda: _records(found, body, max_bytes))
    records = page.records
    if asked is not None:
        named = [record for record in records if _collapsed(record.identifier) == _collapsed(asked)]
        exact = [record for record in named if asked in (record.identifier, record.sent_identifier)]
        records = tuple(replace(record, identifier=asked, sent_identifier=None) for record in exact or named) or records
    if not records:
        raise MalformedPage("<GetRecord> without <record>")
    others = len(page.records) - 1
    unaccounted = (*page.unaccounted, *(["another <record> in <GetRecord>"] if others else []))
    return replace(page, records=records[:1], unaccounted=unaccounted)


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
    namespace, _, name = str(root.tag).rpartition("}")
    if name.lower() != "oai-pmh":
        raise MalformedPage(f"<{str(root.tag)[:80]}> is no OAI-PMH response: is this an OAI-PMH endpoint?")
    return root, namespace and f"{namespace}}}"


def _error(root: etree._Element, oai: str) -> tuple[str, str] | None:
    """(code, text) of the response's <error>; of several the first that is not noRecordsMatch."""
    found = root.findall(f"{oai}error") or [child for child in root if local_name(child) == "error"]
    return _worst(found)


def _worst(elements: Sequence[etree._Element]) -> tuple[str, str] | None:
    errors = [((element.get("code") or "").strip(), _text(element)) for element in elements]
    return next((error for error in errors if error[0] != "noRecordsMatch"), errors[0] if errors else None)


def _verb(root: etree._Element, oai: str, verb: str) -> etree._Element:
    if (error := _error(root, oai)) is not None:
        raise ProviderError(*error)
    element = root.find(f"{oai}{verb}")
    if element is None:
        element = next((child for child in root.iter(etree.Element) if local_name(child) == verb.lower()), None)
    if element is None:
        raise MalformedPage(f"an OAI-PMH response without <{verb}>")
    return element


def _found(parent: etree._Element, oai: str, name: str) -> list[etree._Element]:
    """The children with a name; where there are none, the elements further inside, in any namespace and case."""
    if found := parent.findall(f"{oai}{name}"):
        return found
    elements = (element for element in parent.iter(etree.Element) if local_name(element) == name.lower())
    return [element for element in elements if not any(map(_describes, element.iterancestors()))]


def _describes(element: etree._Element) -> bool:
    """Whether an element holds what is not the protocol's."""
    return local_name(element) in ("description", "setdescription")


def _field(parent: etree._Element, oai: str, name: str) -> str:
    """The text of the first element with a name, "" without one."""
    return _text(next(iter(_found(parent, oai, name)), None))


class _Unusual(Exception):
    """A record is not as the protocol describes it: its page is to be searched."""


class _Found:
    """What was found on a page of records or headers, and what is wrong with it."""

    def __init__(self, root: etree._Element, oai: str, verb: str, item: str, sent: str | None, lenient: bool) -> None:
        self.root, self.oai, self.verb, self.item, self.sent, self.lenient = root, oai, verb, item, sent, lenient
        self.layout: Layout = lay_out(root, oai, verb, item)

    def page(self, read: Callable[[], list[OaiRecord | None]]) -> ListPage:
        """Read the items of the page, which is searched if one of them is unusual."""
        try:
            records = read()
        except _Unusual:
            self.layout = search(self.root, self.item)
            records = read()
        return self._page([record for record in records if record is not None])

    def _page(self, records: list[OaiRecord]) -> ListPage:
        layout, date = self.layout, _text(self.root.find(f"{self.oai}responseDate")) or None
        token = find_token(layout)
        next_token = token.text or _next_requested(token.requested, self.sent, token.has_element)
        if token.requested and token.has_element and not token.text and self.sent is None:
            layout.unaccounted["<request> with a <resumptionToken> of its own beside an empty one"] += 1
        if not layout.plain:
            self._check_errors(bool(records or next_token))
            own = any(local_name(listing) == self.verb.lower() for listing in layout.listings)
            # one list of another verb is the answer to another question
            anywhere = records and len(layout.listings) != 1
            if not (own or anywhere or _error(self.root, self.oai)):
                raise MalformedPage(f"an OAI-PMH response without <{self.verb}>")
        for nameless in (NAMELESS, _HEADLESS):
            if not self.lenient and layout.unaccounted[nameless]:
                raise NamelessRecords(f"{layout.unaccounted[nameless]} {nameless}")
        return ListPage(
            _distinct(records),
            token=next_token or None,
            has_token_element=token.has_element or bool(next_token),
            complete_list_size=_number(token.attributes, "completeListSize"),
            cursor=_number(token.attributes, "cursor"),
            expiration=token.attributes.get("expirationDate") if token.attributes is not None else None,
            response_date=date or (_field(self.root, self.oai, "responseDate") or None),
            unaccounted=layout.descriptions,
            deviations=(*self._deviations(bool(next_token and not token.text)), *layout.deviations),
        )

    def _check_errors(self, filled: bool) -> None:
        """Raise the error of a response; noRecordsMatch beside records is one of its contradictions."""
        error = _error(self.root, self.oai)
        if error is not None and (error[0] != "noRecordsMatch"):
            raise ProviderError(*error)
        inner = _worst(self.layout.errors)
        if inner is not None and not filled and inner[0] != "noRecordsMatch":
            raise ProviderError(*inner)
        if filled:
            for code, _ in filter(None, (error, inner)):
                self.layout.unaccounted[f"<error code={code[:60]!r}> beside records"] += 1

    def _deviations(self, from_request: bool) -> Iterator[str]:
        if self.oai not in (f"{{{NAMESPACE}}}", ""):
            yield f"namespace {self.oai[1:-1][:100]}"
        if from_request:
            yield "resumption tokens in <request>"


def _next_requested(requested: str, sent: str | None, has_element: bool) -> str:
    """The next token where <request> names it (ualbertalib/HydraNorth#954); there it is mostly the one that was sent.

    An echo may be escaped once more or less than what was sent.
    """
    if not requested or has_element:
        return ""
    return "" if sent is not None and same_token(requested, sent) else requested


def _records(found: _Found, body: bytes, max_bytes: int) -> list[OaiRecord | None]:
    """The records of a page, None for one that has no name. Each gets the namespaces that it uses of those around it:
    they may not make a page grow to many times its size, nor be so many that it takes for ever to look for them in
    each record.
    """
    elements = found.layout.items
    for parent in dict.fromkeys(element.getparent() for element in elements):
        if parent is not None and (declared := len(parent.nsmap)) > NAMESPACES_MOST:
            raise MalformedPage(f"{declared} namespaces are declared around its records, more than {NAMESPACES_MOST}")
    slices = slice_records(body, found.root.getroottree().docinfo.encoding) if elements else None
    if slices is not None and len(slices) != len(elements):
        slices = None
    records: list[OaiRecord | None] = []
    size = 0
    for number, element in enumerate(elements):
        record = _record(element, found, slices[number] if slices is not None else None)
        records.append(record)
        if record is not None:
            size += len(record.metadata or b"") + sum(map(len, record.about))
        if size > max_bytes:
            raise MalformedPage(f"its namespaces would make more than {max_bytes} bytes of its {number + 1} records")
    return records


def _record(element: etree._Element, found: _Found, slices: Slices | None) -> OaiRecord | None:
    header_tag, metadata_tag, about_tag = f"{found.oai}header", f"{found.oai}metadata", f"{found.oai}about"
    plain, unaccounted = found.layout.plain, found.layout.unaccounted
    headers: list[etree._Element] = []
    metadata: list[etree._Element] = []
    abouts: list[etree._Element] = []
    foreign: dict[str, list[etree._Element]] = {}
    if (text := element.text) is not None and plain and text.strip(_SPACES):
        raise _Unusual
    for child in element:
        tag = child.tag
        if tag == header_tag:
            headers.append(child)
        elif tag == metadata_tag:
            metadata.append(child)
        elif tag == about_tag:
            abouts.append(child)
        elif isinstance(tag, str):
            if plain:
                raise _Unusual
            foreign.setdefault(local_name(child), []).append(child)
        if plain and (tail := child.tail) is not None and tail.strip(_SPACES):
            raise _Unusual
    for own, name in ((headers, "header"), (metadata, "metadata"), (abouts, "about")) if foreign else ():
        own.extend(foreign.get(name, ()))
    if not headers:
        unaccounted[_HEADLESS] += 1
        return None
    header = _header(headers[0], found, element)
    if len(headers) > 1 or len(metadata) > 1:
        _name_repeated(headers, metadata, found)
    contents = [inner for outer in metadata if (inner := _only_element(outer, unaccounted)) is not None]
    content = contents[0] if contents else None
    about = [inner for outer in abouts if (inner := _only_element(outer, unaccounted)) is not None]
    if header is None:
        return None
    if (
        slices is not None
        and len(metadata) <= 1
        and slices.fits(content, about)
        and (plain or slices.agree(content, about))
    ):
        return _with_content(header, slices.metadata_of(content), content, slices.abouts_of(about))
    serialised = _serialised(content) if content is not None else None
    return _with_content(header, serialised, content, tuple(map(_serialised, about)))


def _with_content(
    header: OaiRecord, metadata: bytes | None, element: "etree._Element | None", about: tuple[bytes, ...]
) -> OaiRecord:
    """The record of a header. Not `dataclasses.replace`, which takes longer than all else that is done for one."""
    return OaiRecord(
        identifier=header.identifier,
        datestamp=header.datestamp,
        sets=header.sets,
        deleted=header.deleted,
        metadata=metadata,
        element=element,
        about=about,
        sent_identifier=header.sent_identifier,
        unknown_status=header.unknown_status,
    )


def _name_repeated(headers: list[etree._Element], metadata: list[etree._Element], found: _Found) -> None:
    """Name what a record has twice: only one can be kept."""
    if len(set(map(canonical, headers))) > 1:
        found.layout.unaccounted["a second <header> in a <record>"] += len(headers) - 1
    if len(metadata) > 1:
        found.layout.unaccounted["a second <metadata> in a <record>"] += len(metadata) - 1


def _header(element: etree._Element, found: _Found, record: "etree._Element | None" = None) -> OaiRecord | None:
    """A header as a record; None without an identifier."""
    identifier_tag, datestamp_tag, set_tag = f"{found.oai}identifier", f"{found.oai}datestamp", f"{found.oai}setSpec"
    plain, unaccounted = found.layout.plain, found.layout.unaccounted
    identifiers: list[str] = []
    datestamps: list[str] = []
    sets: list[str] = []
    for child in element:
        tag = child.tag
        if tag == identifier_tag:
            identifiers.append((child.text or "") if not len(child) else _own_text(child, plain))
        elif tag == datestamp_tag:
            datestamps.append((child.text or "").strip() if not len(child) else _own_text(child, plain).strip())
        elif tag == set_tag:
            sets.append((child.text or "").strip() if not len(child) else _own_text(child, plain).strip())
        elif isinstance(tag, str):
            if plain:
                raise _Unusual
            name = local_name(child)
            if name == "identifier":
                identifiers.append(_own_text(child, plain))
            elif name in ("datestamp", "setspec"):
                (datestamps if name == "datestamp" else sets).append(_own_text(child, plain).strip())
        if plain and (tail := child.tail) is not None and tail.strip(_SPACES):
            raise _Unusual
    sent = identifiers[0] if identifiers else ""
    identifier = _collapsed(sent)
    if len(identifiers) > 1 and len(set(map(_collapsed, identifiers))) > 1:
        unaccounted["a second <identifier> in a <header>"] += 1
    if len(datestamps) > 1 and len(set(datestamps)) > 1:
        unaccounted["a second <datestamp> in a <header>"] += 1
    if not identifier:
        unaccounted[NAMELESS] += 1
        return None
    deleted, unknown = _status(element, record)
    return OaiRecord(
        identifier=identifier,
        datestamp=datestamps[0] if datestamps else "",
        sets=tuple(map(_collapsed, sets)) if sets else (),
        deleted=deleted,
        sent_identifier=None if sent == identifier else sent,
        unknown_status=unknown,
    )


def _status(header: etree._Element, record: "etree._Element | None") -> tuple[bool, str | None]:
    """Whether a record is deleted, and a status that the protocol does not know."""
    status = header.get("status")
    if status == "deleted":
        return True, None
    if status is None:
        for element in (header, record):
            if element is not None and len(element.attrib):
                named = (str(value) for name, value in element.attrib.items() if _local_attribute(name) == "status")
                status = next(named, status)
        if status is None:
            return False, None
    word = status.strip().lower()
    return word == "deleted", None if word in ("deleted", "") else status.strip()[:60]


def _local_attribute(name: object) -> str:
    """The local name of an attribute, in lower case."""
    return str(name).rpartition("}")[2].lower()


def _collapsed(text: str) -> str:
    """A text with its white space collapsed, as XML Schema does for an anyURI."""
    return text if _SPACE.search(text) is None else _SPACE.sub(" ", text).strip(" ")


def _distinct(records: list[OaiRecord]) -> tuple[OaiRecord, ...]:
    """Records with their identifiers as sent where white space is all that tells one from another."""
    if all(record.sent_identifier is None for record in records):
        return tuple(records)
    forms: dict[str, set[str]] = {}
    for record in records:
        forms.setdefault(record.identifier, set()).add(_outer(record))
    return tuple(
        record
        if len(forms[record.identifier]) == 1
        else replace(record, identifier=_outer(record), sent_identifier=None)
        for record in records
    )


def _outer(record: OaiRecord) -> str:
    """An identifier as sent, without what an XML editor puts around it."""
    return (record.sent_identifier or record.identifier).strip("\r\n\t")


def _only_element(parent: etree._Element, unaccounted: "Counter[str]") -> "etree._Element | None":
    """The first element in a <metadata> or <about>; whatever else is in there is named."""
    if len(parent) == 1:
        child = parent[0]
        if isinstance(child.tag, str):
            tail, text = child.tail, parent.text
            if (tail is not None and tail.strip(_SPACES)) or (text is not None and text.strip(_SPACES)):
                unaccounted[f"text beside the element in <{local_name(parent)}>"] += 1
            return child
    children = list(_elements(parent))
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text is not None and text.strip(_SPACES) for text in texts):
        beside = "text beside the element in" if children else "text and no element in"
        unaccounted[f"{beside} <{local_name(parent)}>"] += 1
    if len(children) > 1:
        unaccounted[f"a second element in <{local_name(parent)}>"] += len(children) - 1
    return children[0] if children else None


def _own_text(element: etree._Element, plain: bool) -> str:
    """The text of an element with comments in it; that of the elements inside only where it has none itself.

    Raises _Unusual for elements inside on a plain page.
    """
    if plain and any(isinstance(child.tag, str) for child in element):
        raise _Unusual
    own = "".join([element.text or "", *(child.tail or "" for child in element)])
    return own if own.strip(_SPACES) else "".join(element.itertext(etree.Element))


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
