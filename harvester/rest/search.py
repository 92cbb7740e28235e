"""Search APIs: URLs out, pages in, for the platforms whose ways of paging are known.

No link in an answer is followed: pages are computed from the total, and of a link to the next page only the cursor in
it is taken. What a style cannot do (a total, bounds of date, any depth) is said in `STYLES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from archive.formats import jsonseq
from archive.store import NotJson, envelope
from harvester.errors import MalformedPage
from harvester.http import essence, kind_of, same, short_name
from harvester.oaipmh import Span, datestamps, packed, pieces, versions
from harvester.rest.answers import Problem
from harvester.rest.hits import Count, cut_hits, inside, parse_page, read_count

PAGES, CURSOR, OFFSET = "pages", "cursor", "offset"
# the largest page that Invenio gives to anybody
SIZE_OF_GUESTS = 25
# Both are right where Lucene reads the query; an engine in front of it or in its place may know only one of them.
MOMENTS: dict[str, Callable[[str], str]] = {
    "escaped": lambda text: text.replace(":", "\\:"),
    "quoted": lambda text: f'"{text}"',
}
FIRST = {PAGES: "1", CURSOR: "1", OFFSET: "0"}


@dataclass(frozen=True, slots=True)
class Style:
    """How a platform searches. Paths are keys, from the page to its hits and its total, from a hit to its record.

    `total` None: it says none, and a list ends with an empty page. `sliced`: both bounds of a date can be asked for;
    `since`: only a lower one, in the order of that date, which stands at one of `dates`. `stamps` are where the date of
    a record stands. `turned` is a second order, where one is known. `name` is what its records are called where they
    come as plain JSON, "": after the media type. `window` is how many results of one search are opened at most.
    """

    paging: str
    hits: tuple[str, ...]
    total: tuple[str, ...] | None
    identifiers: tuple[str, ...]
    stamps: tuple[tuple[str, ...], ...]
    record: tuple[str, ...] = ()
    next: tuple[str, ...] | None = None
    sliced: bool = False
    since: bool = False
    sort: str = ""
    oldest: str = ""
    name: str = ""
    window: int | None = None
    dates: tuple[tuple[str, ...], ...] = ()
    turned: str = ""


STYLES = {
    # facts: invenio-records-resources pagination.py; both `updated` (InvenioRDM) and `modified` (Zenodo's old shape)
    "invenio": Style(
        PAGES, ("hits", "hits"), ("hits", "total"), ("id",), (("updated",), ("modified",)), next=("links", "next"),
        sliced=True, sort="oldest", oldest="updated-asc", window=10_000, turned="newest",
    ),
    "datacite": Style(
        CURSOR, ("data",), ("meta", "total"), ("id",), (("attributes", "updated"),), next=("links", "next"),
        sliced=True, oldest="updated", name="datacite-json",
    ),
    "figshare": Style(
        PAGES, (), None, ("id",), (("modified_date",), ("published_date",)), since=True, sort="published_date",
        name="figshare-json", window=9_000, dates=(("published_date",),),
    ),
    "dspace": Style(
        PAGES, ("_embedded", "searchResult", "_embedded", "objects"),
        ("_embedded", "searchResult", "page", "totalElements"), ("uuid", "id"), (("lastModified",),),
        record=("_embedded", "indexableObject"), name="dspace-json", turned="dc.title,ASC",
    ),
    "dspace-items": Style(
        PAGES, ("_embedded", "items"), ("page", "totalElements"), ("uuid", "id"), (("lastModified",),),
        name="dspace-json",
    ),
    "dataverse": Style(
        OFFSET, ("data", "items"), ("data", "total_count"), ("global_id", "identifier"),
        (("updatedAt",), ("published_at",)), name="dataverse-json", sort="date",
        turned="name",
    ),
}  # fmt: skip


# platforms send plain JSON under these names, whichever was asked for
PLAIN_JSON = frozenset({"application/json", "application/vnd.api+json", "application/hal+json"})
PLATFORMS = ("invenio", "datacite", "figshare", "dspace", "dataverse")
_PATHS = {"/dois": "datacite", "/articles": "figshare", "/server/api/": "dspace", "/api/search": "dataverse"}


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of an endpoint: its style's name, the query of the user, the order, the size of a page, and how
    a moment is written in a query (a name of MOMENTS).
    """

    url: str
    style: str
    query: str
    sort: str
    size: int
    moments: str = "escaped"


def platform_of(url: str) -> str:
    """The platform whose search has such a path; Invenio, whose /api/records many have, where it is none of others."""
    path = urlsplit(url).path
    return next((platform for part, platform in _PATHS.items() if part in path), "invenio")


def paths_of_searches() -> tuple[str, ...]:
    """How the paths of known searches end, Invenio's among them."""
    return "/api/records", "/dois", "/articles", "/server/api/discover/search/objects", "/core/items", "/api/search"


def style_of(name: str, url: str) -> str:
    """The style's full name: DSpace lists items at another path than it searches, and in another form."""
    return "dspace-items" if name == "dspace" and "/core/items" in urlsplit(url).path else name


def page_url(asking: Asking, span: Span, place: str, size: int | None = None) -> str:
    """The URL of a page; `place` is its number, its cursor or its offset, all as text, as FIRST begins them."""
    words = _WORDS[asking.style](asking, span, place, asking.size if size is None else size)
    joint = "&" if urlsplit(asking.url).query else "?"
    return f"{asking.url}{joint}{urlencode(words, quote_via=quote, safe='[]*')}"


def oldest_url(asking: Asking, span: Span) -> str | None:
    """The URL of a page that begins with the oldest record, None where no order by date is known."""
    order = STYLES[asking.style].oldest
    if not order:
        return None
    return page_url(replace(asking, sort=order, size=1), span, FIRST[STYLES[asking.style].paging])


def _invenio(asking: Asking, span: Span, place: str, size: int) -> dict[str, str]:
    words = {"q": _with_bounds(asking, span), "sort": asking.sort, "size": str(size), "page": place}
    # without it the latest version of each record is all that is found
    return {name: value for name, value in words.items() if value} | {"allversions": "true"}


def _datacite(asking: Asking, span: Span, place: str, size: int) -> dict[str, str]:
    words = {
        "query": _with_bounds(asking, span),
        "sort": asking.sort,
        "page[size]": str(size),
        "page[cursor]": place,
        "disable-facets": "true",
    }
    return {name: value for name, value in words.items() if value}


def _figshare(asking: Asking, span: Span, place: str, size: int) -> dict[str, str]:
    words = {"page": place, "page_size": str(size), "order": asking.sort, "order_direction": "asc"}
    if asking.query:
        words["search_for"] = asking.query
    if span.from_ is not None:
        words["published_since"] = datestamps.as_argument(span.from_, datestamps.DAY)
    return words


def _dspace(asking: Asking, span: Span, place: str, size: int) -> dict[str, str]:
    words = {"page": str(int(place) - 1), "size": str(size)}
    if asking.style == "dspace":
        more = {"dsoType": "ITEM", "query": asking.query, "sort": asking.sort}
        words |= {name: value for name, value in more.items() if value}
    return words


def _dataverse(asking: Asking, span: Span, place: str, size: int) -> dict[str, str]:
    return {
        "q": asking.query or "*",
        "type": "dataset",
        "start": place,
        "per_page": str(size),
        "sort": asking.sort or "date",
        "order": "asc",
    }


_WORDS = {
    "invenio": _invenio,
    "datacite": _datacite,
    "figshare": _figshare,
    "dspace": _dspace,
    "dspace-items": _dspace,
    "dataverse": _dataverse,
}


def _with_bounds(asking: Asking, span: Span) -> str:
    """The query with the bounds of `updated` added, half open: the last second of a slice is all of it."""
    if span.from_ is None and span.until is None:
        return asking.query
    written = MOMENTS[asking.moments]
    low = written(datestamps.as_argument(span.from_)) if span.from_ else "*"
    high = written(datestamps.as_argument(span.until + timedelta(seconds=1))) if span.until else "*"
    bounds = f"updated:[{low} TO {high}{'}' if span.until else ']'}"
    return f"({asking.query}) AND {bounds}" if asking.query else bounds


# --- pages in

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RefusedHit:
    """A hit that cannot be kept as a record; `name` is its id, or its place in the page where it has none (`named`)."""

    name: str
    reason: str
    body: bytes
    named: bool = False


@dataclass(frozen=True, slots=True)
class DecodedHits:
    """A page, checked; `rows` are (identifier, date as sent) of the records in the payload, in their order.

    `total` is None where the page states none; not `exact`, there may be more. `next` is the link to the next page as
    it was sent, `cursor` the cursor in it; None: it has none. `dates` are those by which a list is ordered, a row each,
    where lists go on from a date. `problem` is one of all records of the page.
    `versions` has a digest of each row's content, one behind the other, and `left_out` the places of rows whose records
    are not in the payload because they are stored already.
    """

    rows: tuple[Row, ...]
    refused: tuple[RefusedHit, ...]
    total: int | None
    next: str | None
    cursor: str | None
    payload: tuple[tuple[bytes, int], ...]
    problem: Problem | None = None
    exact: bool = True
    dates: tuple[str, ...] = ()
    versions: bytes = b""
    left_out: frozenset[int] = frozenset()

    @property
    def hits(self) -> int:
        return len(self.rows) + len(self.refused)

    @property
    def stored(self) -> list[tuple[str, bytes]]:
        """Datestamp and digest of each record in the payload."""
        return versions.stored_on_page((stamp for _, stamp in self.rows), self.versions, self.left_out)


def decode_page(
    body: bytes,
    style: str,
    url: str,
    name: str,
    accept: str,
    media_type: str,
    retrieved: str,
    level: int = 3,
    *,
    stored: bytes = b"",
) -> DecodedHits:
    """Decode a page of records called `name`, asked for as `accept` and sent as `media_type`.

    `stored` are digests of versions that are stored already (`harvester.oaipmh.versions`): their records are left out.
    Raises MalformedPage unless it is one whole page of this style.
    """
    known, there = STYLES[style], versions.split_digests(stored)
    page = parse_page(body)
    total = _total(page, known)
    empty = total is not None and not total.value and inside(page, known.hits) is None
    hits = [] if empty else cut_hits(body, page, known.hits, known.record)
    format_, problem = name, None
    plain = {essence(accept), essence(media_type)} <= PLAIN_JSON
    if not plain and not same(accept, media_type) and kind_of(media_type) == "json":
        # a server that does not look at Accept says what it sends
        format_, problem = short_name(media_type), Problem("other-media-type", f"{media_type} for {accept}")
    rows: list[Row] = []
    refused, texts, dates, digests, left_out = [], [], [], [], set()
    for number, hit in enumerate(hits, 1):
        named = _identifier(hit.value, known)
        stamp = _stamp(hit.value, known)
        try:
            if not named:
                raise NotJson("a hit without an id")
            digest = versions.digest_of((named, stamp, format_), hit.body)
            if digest in there:
                left_out.add(len(rows))
            else:
                text = envelope.encode_json(
                    identifier=named,
                    datestamp=stamp,
                    deleted=False,
                    sets=(),
                    format_=format_,
                    media_type=media_type,
                    url=url,
                    retrieved=retrieved,
                    body=hit.body,
                )
                texts.append(jsonseq.encode(text))
        except NotJson as cause:
            refused.append(RefusedHit(named or f"hit {number} of {url}", str(cause), hit.body, bool(named)))
            continue
        rows.append((named, stamp))
        dates.append(_first_text(hit.value, known.dates))
        digests.append(digest)
    link = inside(page, known.next) if known.next else None
    link = link if isinstance(link, str) and link else None
    return DecodedHits(
        rows=tuple(rows),
        refused=tuple(refused),
        total=None if total is None else total.value,
        next=link,
        cursor=_cursor(link) if link else None,
        payload=tuple(packed(piece, level) for piece in pieces(texts)),
        problem=problem,
        exact=total is None or total.exact,
        dates=tuple(dates) if known.dates else (),
        versions=b"".join(digests),
        left_out=frozenset(left_out),
    )


def read_total(body: bytes, style: str) -> Count | None:
    """Read the total of a search, None where it states none. Raises MalformedPage for what is no page of the style."""
    page, known = parse_page(body), STYLES[style]
    total = _total(page, known)
    if not isinstance(inside(page, known.hits), list) and not (total is not None and total.value == 0):
        raise MalformedPage(f"no list at {'.'.join(known.hits) or 'the top'} in a page of {len(body)} bytes")
    return total


def oldest_stamp(body: bytes, style: str) -> str | None:
    """The date of the first hit of a page, None without one."""
    page, known = parse_page(body), STYLES[style]
    hits = inside(page, known.hits)
    return _stamp(hits[0], known) or None if isinstance(hits, list) and hits else None


def _total(page: Any, style: Style) -> Count | None:
    if style.total is None:
        return None
    found = inside(page, style.total)
    try:
        return read_count(found)
    except ValueError:
        raise MalformedPage(f"no number at {'.'.join(style.total)}: {str(found)[:60]!r}") from None


def _identifier(hit: Any, style: Style) -> str:
    for key in style.identifiers:
        value = hit.get(key) if isinstance(hit, dict) else None
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def _stamp(hit: Any, style: Style) -> str:
    return _first_text(hit, style.stamps)


def _first_text(hit: Any, paths: tuple[tuple[str, ...], ...]) -> str:
    found = (inside(hit, path) for path in paths)
    return next((value for value in found if isinstance(value, str) and value), "")


def _cursor(link: str) -> str | None:
    """The cursor in a link to the next page; the rest of the link is not believed."""
    try:
        found = parse_qs(urlsplit(link).query).get("page[cursor]")
    except ValueError:
        return None
    return found[0] if found else None


def next_page(link: str) -> tuple[str, str] | None:
    """(network location, page number) of a link to the next page; None when it is no URL."""
    try:
        parts = urlsplit(link)
        return parts.netloc.lower(), parse_qs(parts.query).get("page", [""])[0]
    except ValueError:
        return None
