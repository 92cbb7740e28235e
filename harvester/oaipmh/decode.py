"""From the bytes of a page to what the ledger and the shard take; runs in processes of its own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from archive.crosswalks import ConversionError, Converted, convert, unmapped
from archive.formats import jsonseq
from archive.store import FRAME_BYTES, envelope, frames
from harvester.oaipmh import datestamps, versions
from harvester.oaipmh.protocol import ListPage, OaiRecord, parse_list_identifiers, parse_list_records, parse_record_page

MEDIA_TYPE = "application/xml"


class Row(NamedTuple):
    """The header of a record; `datestamp` is as it was sent."""

    identifier: str
    datestamp: str
    deleted: bool
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page, checked and turned into JSON.

    `payload` holds the framed records as (bytes, number), in the order of `rows`, in pieces of about a frame, the
    large ones compressed (`archive.store.frames.pack`); it is empty for headers. `digest` is over identifiers and
    datestamps. `problems` are (identifier, code of `archive.findings`, what was found). `unaccounted` and
    `deviations` are those of `ListPage`. `versions` has a digest of each row's whole content, one behind the other, and
    `left_out` the places of rows whose records are not in the payload because they are stored already.
    """

    rows: tuple[Row, ...]
    token: str | None
    has_token_element: bool
    complete_list_size: int | None
    cursor: int | None
    response_date: str | None
    payload: tuple[tuple[bytes, int], ...]
    digest: bytes
    problems: tuple[tuple[str, str, str], ...] = ()
    unaccounted: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    versions: bytes = b""
    left_out: frozenset[int] = frozenset()

    @property
    def stored(self) -> list[tuple[str, bytes]]:
        """Datestamp and digest of each record in the payload."""
        return versions.stored_on_page((row.datestamp for row in self.rows), self.versions, self.left_out)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page was asked for with, as far as reading it depends on that.

    `token` is that of the request; `identifier` is GetRecord's. `lenient`: records without an identifier do not make
    the page unreadable (`harvester.oaipmh.protocol.parse_list_records`).
    """

    token: str | None = None
    identifier: str | None = None
    lenient: bool = False


FIRST_PAGE = Asked()


def decode_list_records(
    body: bytes,
    url: str,
    format_: str,
    retrieved: str,
    level: int = 3,
    asked: Asked = FIRST_PAGE,
    *,
    known: bytes = b"",
) -> DecodedPage:
    """Decode a ListRecords response; `level` is zstd's. Raises MalformedPage and ProviderError.

    `known` are digests of versions that are stored already (`harvester.oaipmh.versions`): their records are left out.
    """
    page = parse_list_records(body, sent=asked.token, lenient=asked.lenient)
    return _decoded(
        page=page, url=url, format_=format_, retrieved=retrieved, level=level, known=versions.split_digests(known)
    )


def decode_get_record(
    body: bytes, url: str, format_: str, retrieved: str, level: int = 3, asked: Asked = FIRST_PAGE
) -> DecodedPage:
    """Decode a GetRecord response, as a page of one record. Raises MalformedPage and ProviderError."""
    page = parse_record_page(body, asked=asked.identifier)
    return _decoded(replace(page, token=None, has_token_element=False), url, format_, retrieved, level)


def decode_list_identifiers(body: bytes, asked: Asked = FIRST_PAGE) -> DecodedPage:
    """Decode a ListIdentifiers response. Raises MalformedPage and ProviderError."""
    page = parse_list_identifiers(body, sent=asked.token, lenient=asked.lenient)
    problems: list[tuple[str, str, str]] = []
    for record in page.records:
        _check_header(record, problems)
        if not record.datestamp:
            problems.append((record.identifier, "impossible-datestamp", ""))
    return _page(page, (), problems)


def _decoded(
    page: ListPage, url: str, format_: str, retrieved: str, level: int, known: frozenset[bytes] = frozenset()
) -> DecodedPage:
    problems: list[tuple[str, str, str]] = []
    texts, digests, left_out = [], [], set()
    for place, record in enumerate(page.records):
        sha256 = hashlib.sha256(record.metadata).hexdigest() if record.metadata is not None else None
        digests.append(_version(record, sha256))
        _check_header(record, problems)
        if digests[-1] in known:
            left_out.add(place)
        else:
            texts.append(
                _encode(record=record, sha256=sha256, url=url, format_=format_, retrieved=retrieved, problems=problems)
            )
    decoded = _page(page, tuple(packed(piece, level) for piece in pieces(texts)), problems)
    return replace(decoded, versions=b"".join(digests), left_out=frozenset(left_out))


def _version(record: OaiRecord, sha256: str | None) -> bytes:
    """Digest everything of a record that is stored; `sha256` is that of its metadata."""
    words = (record.identifier, record.datestamp, "deleted" if record.deleted else "", sha256 or "", *record.sets)
    return versions.digest_of(words, *record.about)  # XML has no NUL


def _page(
    page: ListPage, payload: tuple[tuple[bytes, int], ...], problems: Sequence[tuple[str, str, str]]
) -> DecodedPage:
    digest = hashlib.blake2b(digest_size=16)
    for record in page.records:
        digest.update(f"{record.identifier}\0{record.datestamp}\0".encode("utf-8", "surrogatepass"))
    return DecodedPage(
        rows=tuple(Row(record.identifier, record.datestamp, record.deleted, record.sets) for record in page.records),
        token=page.token,
        has_token_element=page.has_token_element,
        complete_list_size=page.complete_list_size,
        cursor=page.cursor,
        response_date=page.response_date,
        payload=payload,
        digest=digest.digest(),
        problems=tuple(problems),
        unaccounted=page.unaccounted,
        deviations=page.deviations,
    )


# the page of a window that nothing is in
NOTHING = _page(ListPage(()), (), ())


def _encode(
    record: OaiRecord,
    sha256: str | None,
    url: str,
    format_: str,
    retrieved: str,
    problems: list[tuple[str, str, str]],
) -> bytes:
    original = record.metadata
    converted = _convert(record, problems)
    if original is None and not record.deleted:
        problems.append((record.identifier, "record-without-metadata", ""))
    if original is not None and record.deleted:
        problems.append((record.identifier, "deleted-with-metadata", ""))
    if datestamps.parse(record.datestamp) is None:
        problems.append((record.identifier, "impossible-datestamp", record.datestamp))
    text = envelope.encode(
        identifier=record.identifier,
        datestamp=record.datestamp,
        deleted=record.deleted,
        sets=record.sets,
        format_=format_,
        media_type=MEDIA_TYPE,
        url=url,
        retrieved=retrieved,
        sha256=sha256,
        metadata=converted,
        original=original.decode() if original is not None else None,
        about=tuple(about.decode() for about in record.about),
    )
    return jsonseq.encode(text)


def _check_header(record: OaiRecord, problems: list[tuple[str, str, str]]) -> None:
    if record.unknown_status is not None:
        problems.append((record.identifier, "unknown-status", record.unknown_status))
    sent = record.sent_identifier
    # white space around a line of its own only indents it
    indented = sent is not None and sent.strip(" \t\r\n") == record.identifier and not {"\n", "\t"}.isdisjoint(sent)
    if sent is not None and not indented:
        problems.append((record.identifier, "identifier-spaces", repr(sent[:100])))


def _convert(record: OaiRecord, problems: list[tuple[str, str, str]]) -> Converted | None:
    """The JSON of a record; None when there is none to be made. The original is kept either way."""
    if record.element is None:
        return None
    try:
        converted = convert(record.element)
        if converted is not None and (rest := unmapped(converted)):
            problems.append((record.identifier, "conversion-partial", str(rest[0])[:200]))
        return converted
    except ConversionError as error:
        problems.append((record.identifier, "conversion-failed", str(error)))
    except RecursionError:
        problems.append((record.identifier, "conversion-failed", "elements nested too deep"))
    return None


def packed(piece: tuple[bytes, int], level: int) -> tuple[bytes, int]:
    """A piece that is a frame's worth is compressed here, in a decoding process; smaller ones share a frame."""
    content, records = piece
    return (frames.pack(content, level), records) if len(content) >= FRAME_BYTES // 2 else piece


def pieces(texts: list[bytes]) -> tuple[tuple[bytes, int], ...]:
    """Framed texts in pieces of about a frame: a page of huge records is not one huge frame."""
    done = []
    piece: list[bytes] = []
    size = 0
    for text in texts:
        if piece and size + len(text) > FRAME_BYTES:
            done.append((b"".join(piece), len(piece)))
            piece, size = [], 0
        piece.append(text)
        size += len(text)
    if piece:
        done.append((b"".join(piece), len(piece)))
    return tuple(done)
