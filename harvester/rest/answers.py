"""What an answer to a request for one id means, and its record; runs in the decoding processes.

Bytes and headers in, the id's state out. An answer that cannot be what was asked for is `refused`, whatever its
status says; whether another try may bring a better one is said with it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from archive.crosswalks import ConversionError, convert, iso2709, records_in, unmapped
from archive.formats import jsonseq
from archive.store import BASE64, NOT_MODIFIED, NotJson, ParsedJson, envelope, first_tag
from harvester.errors import MalformedPage
from harvester.http import (
    GATEWAY,
    TRANSIENT,
    UNPACKED_MOST,
    as_declared,
    essence,
    is_marc,
    kind_of,
    parameters,
    same,
    short_name,
)
from harvester.http.encoding import NotDecoded, decoded
from harvester.oaipmh import packed, parse_document, pieces
from harvester.rest.absences import EMPTY, HTML, TEXT, Known, Look, is_machine
from harvester.rest.errorbodies import Verdict, judge_json, judge_text, judge_xml

# 429 comes here when a host orders some ids to wait for ever
_AGAIN = TRANSIENT - {429}
_FORBIDDEN = frozenset({401, 403, 451})
_HTML = re.compile(rb"<!doctype\s+html|<html\b", re.IGNORECASE)
# how the reason of an outcome begins whose answer may come from something in front of the repository
UNPROVEN = "HTTP status 404 with "
_NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Received:
    """One answer as it came. `body` is as sent, `encoding` its Content-Encoding."""

    identifier: str
    url: str
    status: int
    media_type: str
    encoding: str
    last_modified: str
    body: bytes


class Problem(NamedTuple):
    """A finding about one answer: a code of `archive.findings`, and what was found."""

    code: str
    found: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer says of its id: `state` and `reason` for the ledger, `datestamp` of the record ("" unknown).

    `again`: another try may bring something else.
    """

    state: str
    reason: str | None = None
    datestamp: str = ""
    again: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class DecodedBlock:
    """Answers in their order, and the framed records of those `read` (unless not modified) and `deleted`."""

    settled: tuple[Settled, ...]
    payload: tuple[tuple[bytes, int], ...]


class Unusable(Exception):
    """A body that is not what was asked for; `str()` says why."""


def decode_block(
    answers: Sequence[Received],
    name: str,
    accept: str,
    retrieved: str,
    level: int = 3,
    most: int = UNPACKED_MOST,
    known: Known = _NOTHING,
) -> DecodedBlock:
    """Settle a block of answers to requests for the form `name`, which was asked for as `accept`.

    A body that unpacks to more than `most` bytes is refused.
    """
    settled, texts = [], []
    for answer in answers:
        result, text = settle(answer=answer, name=name, accept=accept, retrieved=retrieved, most=most, known=known)
        settled.append(result)
        if text is not None:
            texts.append(jsonseq.encode(text))
    return DecodedBlock(tuple(settled), tuple(packed(piece, level) for piece in pieces(texts)))


def settle(
    answer: Received, name: str, accept: str, retrieved: str, most: int = UNPACKED_MOST, known: Known = _NOTHING
) -> tuple[Settled, bytes | None]:
    """What one answer means, and its record where it has one (RFC 9110, section 15).

    The content counts as well as the status: an error may come with 200, and a 404 from a proxy.
    """
    status = answer.status
    if status == 304:
        return Settled("read", NOT_MODIFIED), None
    if (status in _FORBIDDEN or status == 404) and answer.identifier in known.deleted:
        return _listed_as_deleted(answer, name, accept, retrieved, known.deleted[answer.identifier])
    if status in _FORBIDDEN:
        return Settled("forbidden", f"HTTP status {status}"), None
    try:
        if status == 404:
            return _not_found(look_of(answer, most), accept, known), None
        if status in (200, 203, 204) and _is_soft(answer, accept, most, known):
            return Settled("absent", f"HTTP status {status}, and the same answer as for an id that cannot exist"), None
        if status in (200, 203):
            return _read(answer, name, accept, retrieved, most)
        if status == 410:
            return _gone(answer=answer, name=name, accept=accept, retrieved=retrieved, most=most, known=known)
    except Unusable as error:
        return Settled("refused", str(error), again=True), None
    if status in GATEWAY:
        return Settled("lost", f"HTTP status {status}", again=True), None
    return Settled("refused", f"HTTP status {status}", again=status in _AGAIN), None


# --- absence


def is_odd(answer: Received, settled: Settled) -> bool:
    """Whether an answer makes it worth asking how ids are answered that are not there."""
    return settled.state != "read" and answer.status in (200, 203, 204, 404, 410)


def look_of(answer: Received, most: int = UNPACKED_MOST) -> Look:
    """What an answer looks like, to tell who sent it."""
    try:
        body = unpacked(answer.body, answer.encoding, most)
    except Unusable:
        return Look(answer.status, TEXT, frozenset(), "", "")
    return Look.of(answer.status, body, answer.identifier)


def names_itself(answer: Received, accept: str, most: int = UNPACKED_MOST) -> bool:
    """Whether a record has the id that it was asked for by in it; of JSON only where it calls itself by it."""
    try:
        body = unpacked(answer.body, answer.encoding, most)
        value = envelope.parse_json(body).value if kind_of(accept) == "json" else None
    except (Unusable, NotJson):
        return False
    if isinstance(value, dict):
        return any(str(value.get(name)) == answer.identifier for name in ("id", "recid", "identifier", "eprintid"))
    return answer.identifier.encode() in body


def _not_found(look: Look, accept: str, known: Known) -> Settled:
    """A 404 counts where it looks like the form's own; the reason of one that may be a proxy's says so."""
    if known.own is not None and not _is_own(look, accept, known.own):
        return _foreign(look, known)
    return Settled("absent", None if is_machine(look.kind, accept) else str(look))


def _is_own(look: Look, accept: str, own: Look) -> bool:
    return look.is_like(own) if own.status in (404, 410) else is_machine(look.kind, accept)


def _foreign(look: Look, known: Known) -> Settled:
    """A 404 or 410 of something in front of the repository says nothing of the record."""
    again = known.now is None or not look.is_like(known.now)
    return Settled(
        "refused", f"{look}, where {known.own} is this form's answer for an id that is not there", again=again
    )


def _is_soft(answer: Received, accept: str, most: int, known: Known) -> bool:
    """Whether an answer that is no error is the one that this form gives for any id it does not have.

    A page of HTML and an empty body are sent by others as well, at any time: they are refused as before.
    """
    if known.own is None or known.own.status != answer.status:
        return False
    if answer.status == 204:
        return True
    look = look_of(answer, most)
    if look.kind == EMPTY or (look.kind == HTML and kind_of(accept) != "html") or not look.is_same(known.own):
        return False
    # a provider that sends one and the same record for any id has that one
    return kind_of(accept) != "json" or not names_itself(answer, accept, most)


def _gone(
    answer: Received, name: str, accept: str, retrieved: str, most: int, known: Known
) -> tuple[Settled, bytes | None]:
    look, own = look_of(answer, most), known.own
    if own is not None and own.status == 410 and (own.kind, own.words) == (look.kind, look.words):
        return Settled("absent", "HTTP status 410, as for an id that cannot exist"), None
    if own is not None and look.kind != own.kind and not is_machine(look.kind, accept):
        return _foreign(look, known), None
    settled, text = tombstone(answer, name, retrieved, most)
    if settled.reason is None and not is_machine(look.kind, accept):
        settled = replace(settled, reason=str(look))
    return settled, text


def _listed_as_deleted(
    answer: Received, name: str, accept: str, retrieved: str, datestamp: str
) -> tuple[Settled, bytes]:
    """A record that an OAI-PMH list names as deleted, and that is closed or absent by its id: a tombstone."""
    text = envelope.encode(
        identifier=answer.identifier,
        datestamp=datestamp,
        deleted=True,
        sets=(),
        format_=name,
        media_type=essence(accept),
        url=answer.url,
        retrieved=retrieved,
        sha256=None,
        metadata=None,
        original=None,
        about=(),
    )
    return Settled("deleted", f"deleted by its OAI-PMH header; HTTP status {answer.status}", datestamp), text


def unpacked(body: bytes, encoding: str, most: int = UNPACKED_MOST, *, undeclared: bool = False) -> bytes:
    """A body without its Content-Encoding. Raises Unusable when it is cut short, not what it says, or too much.

    A truncated gzip stream decompresses to a shorter text without an error in most clients. `undeclared`: gzip is
    taken off even where the header does not name it.
    """
    try:
        return decoded(body, encoding, most, undeclared=undeclared)
    except NotDecoded as cause:
        raise Unusable(str(cause)) from cause


# --- records


def _read(answer: Received, name: str, accept: str, retrieved: str, most: int) -> tuple[Settled, bytes | None]:
    body = unpacked(answer.body, answer.encoding, most, undeclared=_wanted(accept) != "text")
    kind = _kind(body, answer.media_type, accept)
    declared = answer.media_type
    format_, problem = name, None
    if not same(accept, declared):
        # a server that ignores Accept says what it sends; one whose label contradicts the body is not believed
        if kind == _wanted(declared):
            format_ = short_name(declared)
        problem = Problem("other-media-type", f"{essence(declared) or 'no media type'} for {essence(accept)}")
    if kind != _wanted(accept) and format_ == name:
        format_ = kind
        problem = Problem("other-media-type", f"{kind} called {essence(declared) or 'nothing'} for {essence(accept)}")
    if kind == "json":
        return _json(answer, body, format_, retrieved, problem)
    if kind == "xml":
        return _xml(answer, body, format_, retrieved, problem)
    if kind == "marc":
        return _marc(answer, body, format_, retrieved, problem)
    if (verdict := judge_text(body, short_name(accept))) is not None:
        return _other(verdict, answer, format_, retrieved, body)
    text = envelope.encode_bytes(
        identifier=answer.identifier,
        datestamp=_http_date(answer.last_modified),
        deleted=False,
        sets=(),
        format_=format_,
        media_type=declared,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        encoding=parameters(declared).get("charset", "utf-8").lower(),
        metadata=None,
    )
    return Settled("read", problem.code if problem else None, _http_date(answer.last_modified), problem=problem), text


def _json(
    answer: Received, body: bytes, format_: str, retrieved: str, problem: Problem | None
) -> tuple[Settled, bytes | None]:
    try:
        parsed = envelope.parse_json(body)
    except NotJson as cause:
        raise Unusable(str(cause)) from None
    if not isinstance(parsed.value, dict):
        raise Unusable(f"JSON that is a {type(parsed.value).__name__} and no object")
    if (verdict := judge_json(parsed.value)) is not None:
        return _other(verdict, answer, format_, retrieved, body)
    stamp = json_datestamp(parsed.value) or _http_date(answer.last_modified)
    if problem is None and (other := _names_another(parsed.value, answer.identifier)):
        problem = Problem("answer-names-another", other)
    if problem is None and (several := records_in(parsed.value)) > 1:
        problem = Problem("answer-holds-several", f"{several} records")
    text = envelope.encode_json(
        identifier=answer.identifier,
        datestamp=stamp,
        deleted=False,
        sets=(),
        format_=format_,
        media_type=answer.media_type,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        parsed=parsed,
    )
    return Settled("read", problem.code if problem else None, stamp, problem=problem), text


def _xml(
    answer: Received, body: bytes, format_: str, retrieved: str, problem: Problem | None
) -> tuple[Settled, bytes | None]:
    document = as_declared(body, answer.media_type)
    try:
        root = parse_document(document)
    except MalformedPage as cause:
        raise Unusable(str(cause)) from None
    if (verdict := judge_xml(root)) is not None:
        return _other(verdict, answer, format_, retrieved, body)
    metadata: dict[str, Any] | None = None
    try:
        metadata = convert(root)
        if problem is None and metadata is not None and (rest := unmapped(metadata)):
            problem = Problem("conversion-partial", str(rest[0])[:200])
    except (ConversionError, RecursionError) as cause:
        problem = problem or Problem("conversion-failed", str(cause)[:200])
    stamp = _http_date(answer.last_modified)
    declared = root.getroottree().docinfo.encoding or "utf-8"
    charset = (declared if document is body else parameters(answer.media_type)["charset"].strip("'\" ")).lower()
    text = envelope.encode_bytes(
        identifier=answer.identifier,
        datestamp=stamp,
        deleted=False,
        sets=(),
        format_=format_,
        media_type=answer.media_type,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        encoding=charset,
        metadata=metadata,
    )
    return Settled("read", problem.code if problem else None, stamp, problem=problem), text


def _marc(
    answer: Received, body: bytes, format_: str, retrieved: str, problem: Problem | None
) -> tuple[Settled, bytes | None]:
    """A body of ISO 2709: kept as its bytes, with its JSON where its characters can be read."""
    records = iso2709.read_bytes(body)
    for one in records:
        if isinstance(one, iso2709.Fault):
            if one.damaged:
                raise Unusable(one.reason)
            problem = problem or Problem("conversion-failed", one.reason[:200])
    if len(records) > 1:
        problem = problem or Problem("answer-holds-several", f"{len(records)} records")
    metadata = iso2709.joined_json(records)
    stamp = _http_date(answer.last_modified)
    text = envelope.encode_bytes(
        identifier=answer.identifier,
        datestamp=stamp,
        deleted=False,
        sets=(),
        format_=format_,
        media_type=answer.media_type,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        encoding=BASE64,
        metadata=metadata,
    )
    return Settled("read", problem.code if problem else None, stamp, problem=problem), text


def _other(
    verdict: Verdict, answer: Received, format_: str, retrieved: str, body: bytes
) -> tuple[Settled, bytes | None]:
    """Settle a body that came with HTTP status 200 and is no record; that of a deletion is its tombstone."""
    if verdict.state != "deleted":
        return Settled(verdict.state, verdict.reason, again=verdict.again), None
    found, text = tombstone(replace(answer, body=body, encoding=""), format_, retrieved)
    if not verdict.datestamp:
        return replace(found, reason=found.reason or verdict.reason), text
    charset = parameters(answer.media_type).get("charset", "utf-8").lower()
    text = envelope.encode_bytes(
        identifier=answer.identifier,
        datestamp=verdict.datestamp,
        deleted=True,
        sets=(),
        format_=format_,
        media_type=answer.media_type,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        encoding=charset,
        metadata=None,
    )
    return Settled("deleted", verdict.reason, verdict.datestamp), text


def tombstone(answer: Received, name: str, retrieved: str, most: int = UNPACKED_MOST) -> tuple[Settled, bytes]:
    """A 410 and its record: what the provider says of the deletion is kept, JSON or not. Raises Unusable."""
    body = unpacked(answer.body, answer.encoding, most)
    parsed: ParsedJson | None = None
    try:
        parsed = envelope.parse_json(body)
    except NotJson:
        pass
    if parsed is not None and isinstance(parsed.value, dict):
        said = parsed.value.get("tombstone")
        found = said if isinstance(said, dict) else {}
        stamp, reason = _text(found.get("removal_date")), _text(found.get("removal_reason"))
        text = envelope.encode_json(
            identifier=answer.identifier,
            datestamp=stamp,
            deleted=True,
            sets=(),
            format_=name,
            media_type=answer.media_type,
            url=answer.url,
            retrieved=retrieved,
            body=body,
            parsed=parsed,
        )
        return Settled("deleted", reason or None, stamp), text
    text = envelope.encode_bytes(
        identifier=answer.identifier,
        datestamp="",
        deleted=True,
        sets=(),
        format_=name,
        media_type=answer.media_type,
        url=answer.url,
        retrieved=retrieved,
        body=body,
        encoding=parameters(answer.media_type).get("charset", "utf-8").lower(),
        metadata=None,
    )
    return Settled("deleted"), text


def json_datestamp(record: dict[str, Any]) -> str:
    """When a record was last changed, as the provider wrote it: InvenioRDM, Zenodo, DataCite's API, EPrints; or ""."""
    data = record.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    places = (record, attributes if isinstance(attributes, dict) else {})
    names = ("updated", "modified", "lastmod", "dateModified")
    return next((stamp for place in places for name in names if (stamp := _text(place.get(name)))), "")


# --- what a body is


def _kind(body: bytes, declared: str, accept: str) -> str:
    """json, xml, marc or text, by its first bytes.

    Raises Unusable for an empty body, and for HTML that was not asked for.
    """
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unusable("an empty body")
    wanted = _wanted(accept)
    if "marc" in (wanted, _wanted(declared)) and iso2709.looks_like(body[:4096]):
        return "marc"
    if _HTML.match(start, first_tag(start)) and kind_of(accept) != "html":
        raise Unusable("an HTML page where a record was asked for")
    if start[:1] in b"{[" and wanted != "text":
        return "json"
    if (start[:1] == b"<" or body[:2] in (b"\xff\xfe", b"\xfe\xff")) and wanted != "text":
        return "xml"
    if wanted in ("json", "xml", "marc"):
        if _wanted(declared) == "text" and essence(declared) not in ("", "text/plain", "application/octet-stream"):
            return "text"
        form = "ISO 2709" if wanted == "marc" else wanted.upper()
        raise Unusable(f"no {form}: it begins {bytes(start[:40])!r}")
    return "text"


def _wanted(accept: str) -> str:
    """json, xml, marc or text: what a body must be that is asked for as `accept`."""
    if is_marc(accept):
        return "marc"
    kind = kind_of(accept)
    return "text" if kind == "html" else kind


def _names_another(record: dict[str, Any], identifier: str) -> str | None:
    """The id that a record gives itself, when it is not the one it was asked for by; None for the same or none."""
    for name in ("id", "recid"):
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            found = str(value)
            if found.isdigit() and not identifier.isdigit():  # the number of a row in somebody's database
                continue
            plain = found.casefold() == identifier.casefold()
            return None if plain or found.rstrip("/").casefold().endswith(identifier.casefold()) else found[:200]
    return None


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("id")
    return value.strip() if isinstance(value, str) else ""


def _http_date(value: str) -> str:
    """Last-Modified as a datestamp, "" when it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
