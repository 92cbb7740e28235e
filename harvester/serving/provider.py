"""An OAI-PMH 2.0 data provider: the pairs of a query in, one response out; it reads nothing but its holdings.

A resumption token carries the whole state of its list: the arguments, the last record given, and the count. So
nothing is kept between two requests, tokens do not expire, and they survive a restart.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from harvester.errors import ProviderError
from harvester.oaipmh import MetadataFormat, RepositorySet, datestamps, is_prefix
from harvester.serving import tokens

Query = Sequence[tuple[str, str]]
# datestamp and identifier of the last record given: lists are ordered by both
Position = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list is to hold; `from_` and `until` are included, a set holds its children. None is no bound."""

    prefix: str
    from_: datetime | None = None
    until: datetime | None = None
    set_spec: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A record to be disseminated. `metadata` and `about` are XML that stands alone; None where not asked for."""

    identifier: str
    datestamp: datetime
    deleted: bool
    sets: tuple[str, ...]
    metadata: str | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list in its order; `more` says that it does not end here."""

    items: tuple[Item, ...]
    more: bool


class Holdings(Protocol):
    """What a provider disseminates. Prefixes are those of records that are held as XML."""

    def earliest(self) -> datetime:
        """The oldest datestamp of all."""

    def formats(self, identifier: str | None = None) -> Sequence[MetadataFormat] | None:
        """The formats held, of all or of one item; None when there is no such item."""

    def sets(self) -> Sequence[RepositorySet]:
        """All sets, ordered by their specs."""

    def count(self, selection: Selection) -> int:
        """How many records a list has."""

    def page(self, selection: Selection, after: Position | None, limit: int, *, bodies: bool) -> Page:
        """The first `limit` records behind a position, ordered by datestamp and identifier."""

    def item(self, identifier: str, prefix: str) -> Item | None:
        """One record with its metadata, None when it is not held in this format."""


@dataclass(frozen=True, slots=True)
class Repository:
    """What a provider says of itself. `key` signs tokens; page sizes are in records and in sets."""

    name: str
    base_url: str
    admin_emails: tuple[str, ...]
    key: bytes
    page_size: int = 100
    set_page_size: int = 1000


def respond(query: Query, now: datetime, repository: Repository, holdings: Holdings) -> bytes:
    """Answer one request; `query` has its arguments as they came, decoded once, repeated ones included.

    Whatever was asked, the result is an OAI-PMH response: what is wrong with a request is an <error> in it.
    """
    try:
        verb, arguments = _read_query(query)
        body = _VERBS[verb].answer(arguments, repository, holdings)
        echoed = query
    except ProviderError as error:
        # after these two the request's attributes are left out (section 3.6)
        echoed = () if error.code in ("badVerb", "badArgument") else query
        body = f'<error code="{error.code}">{_escape(error.message)}</error>'
    attributes = "".join(f' {name}="{_escape(value)}"' for name, value in echoed)
    return (
        f"{_HEAD}<responseDate>{datestamps.as_argument(now)}</responseDate>\n"
        f"<request{attributes}>{_escape(repository.base_url)}</request>\n{body}\n</OAI-PMH>\n"
    ).encode()


# --- arguments


_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ '
    'http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
)
# every character that XML 1.0 cannot hold, lone surrogates (bytes that were no UTF-8) among them
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DATESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", re.ASCII)
_UNRESERVED = r"[A-Za-z0-9\-_.!~*'()]+"
_SET_SPEC = re.compile(f"{_UNRESERVED}(:{_UNRESERVED})*")
_UNPREFIXED = re.compile(r"<[^\s:/>!?]+[\s/>]")
_START_TAG = re.compile(r"(<[^\s/>!?][^\s/>]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_DEFAULT_NAMESPACE = re.compile(r"\sxmlns\s*=")


def _read_query(query: Query) -> tuple[str, dict[str, str]]:
    """The verb and its arguments. Raises ProviderError for badVerb and badArgument."""
    verbs = [value for name, value in query if name == "verb"]
    if len(verbs) != 1:
        raise ProviderError("badVerb", "the request has no verb" if not verbs else "the verb is repeated")
    verb = verbs[0]
    if verb not in _VERBS:
        raise ProviderError("badVerb", f"{_speakable(verb)} is not one of {', '.join(_VERBS)}")
    arguments = {name: value for name, value in query if name != "verb"}
    if faults := list(_faults(_VERBS[verb], [name for name, _ in query if name != "verb"], arguments)):
        raise ProviderError("badArgument", f"{verb}: {'; '.join(faults)}")
    return verb, arguments


def _faults(verb: "_Verb", names: Sequence[str], arguments: Mapping[str, str]) -> Iterable[str]:
    """What is wrong with the arguments, whatever their meaning."""
    resumed = verb.resumable and "resumptionToken" in arguments
    taken = {"resumptionToken"} if resumed else verb.required | verb.optional
    for name in dict.fromkeys(names):
        if name not in taken and name in verb.required | verb.optional:
            yield f"{name} beside resumptionToken, which is exclusive"
        elif name not in taken:
            yield f"{_speakable(name)} is not an argument of this verb"
        elif names.count(name) > 1:
            yield f"{name} is repeated"
        elif _UNSPEAKABLE.search(arguments[name]):
            yield f"{name} has characters that no XML can hold"
        elif not arguments[name] and name != "resumptionToken":
            yield f"{name} is empty"
    for name in sorted(() if resumed else verb.required - set(names)):
        yield f"{name} is missing"


def _selection(arguments: Mapping[str, str]) -> Selection:
    """The selection that the arguments of a list name (section 2.7). Raises ProviderError for badArgument."""
    prefix = arguments["metadataPrefix"]
    if not is_prefix(prefix):
        raise ProviderError("badArgument", f"{prefix!r} is no metadataPrefix")
    first, last = arguments.get("from"), arguments.get("until")
    if first and last and len(first) != len(last):
        raise ProviderError("badArgument", "from and until differ in granularity")
    from_, until = _bound("from", first), _bound("until", last)
    if from_ and until and from_ > until:
        raise ProviderError("badArgument", "from is later than until")
    return Selection(prefix, from_, until, arguments.get("set"))


def _bound(name: str, text: str | None) -> datetime | None:
    """A bound in either granularity; a day given as `until` is meant to its last second."""
    if text is None:
        return None
    moment = datestamps.parse(text) if _DATESTAMP.fullmatch(text) else None
    if moment is None:
        raise ProviderError("badArgument", f"{name} is no datestamp: YYYY-MM-DD and YYYY-MM-DDThh:mm:ssZ are")
    return moment + timedelta(seconds=86399) if name == "until" and len(text) == 10 else moment


def _check(selection: Selection, holdings: Holdings) -> None:
    """Raises ProviderError when no list can be made of a selection, however many records are held."""
    if selection.prefix not in {held.prefix for held in holdings.formats() or ()}:
        raise ProviderError("cannotDisseminateFormat", f"no record is held as {selection.prefix}")
    if selection.set_spec is None:
        return
    held_sets = holdings.sets()
    if not held_sets:
        raise ProviderError("noSetHierarchy", "this repository has no sets")
    if not _SET_SPEC.fullmatch(selection.set_spec) and selection.set_spec not in {held.spec for held in held_sets}:
        raise ProviderError("badArgument", f"{selection.set_spec!r} is no setSpec")


# --- verbs


def _identify(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    emails = "".join(f"<adminEmail>{_escape(email)}</adminEmail>\n" for email in repository.admin_emails)
    return (
        f"<Identify>\n<repositoryName>{_escape(repository.name)}</repositoryName>\n"
        f"<baseURL>{_escape(repository.base_url)}</baseURL>\n<protocolVersion>2.0</protocolVersion>\n{emails}"
        f"<earliestDatestamp>{datestamps.as_argument(holdings.earliest())}</earliestDatestamp>\n"
        "<deletedRecord>persistent</deletedRecord>\n<granularity>YYYY-MM-DDThh:mm:ssZ</granularity>\n"
        "<compression>gzip</compression>\n</Identify>"
    )


def _list_metadata_formats(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    identifier = arguments.get("identifier")
    formats = holdings.formats(identifier)
    if formats is None:
        raise _unknown(identifier or "")
    if not formats:
        raise ProviderError("noMetadataFormats", "nothing is held as XML")
    listed = "".join(
        f"<metadataFormat><metadataPrefix>{_escape(held.prefix)}</metadataPrefix><schema>{_escape(held.schema)}</schema>"
        f"<metadataNamespace>{_escape(held.namespace)}</metadataNamespace></metadataFormat>\n"
        for held in formats
    )
    return f"<ListMetadataFormats>\n{listed}</ListMetadataFormats>"


def _list_sets(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    token = arguments.get("resumptionToken")
    last, cursor = _resume_sets(repository.key, token) if token is not None else ("", 0)
    held = holdings.sets()
    if not held:
        raise ProviderError("noSetHierarchy", "this repository has no sets")
    rest = [one for one in held if one.spec > last]
    given = rest[: repository.set_page_size]
    following = None
    if len(rest) > len(given):
        following = tokens.make_token(repository.key, "ListSets", [given[-1].spec, cursor + len(given)])
    listed = "".join(
        f"<set><setSpec>{_escape(one.spec)}</setSpec><setName>{_escape(one.name)}</setName></set>\n" for one in given
    )
    return f"<ListSets>\n{listed}{_token_element(following, token is not None, cursor, len(held))}</ListSets>"


def _get_record(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    identifier, prefix = arguments["identifier"], arguments["metadataPrefix"]
    if not is_prefix(prefix):
        raise ProviderError("badArgument", f"{prefix!r} is no metadataPrefix")
    item = holdings.item(identifier, prefix)
    if item is None and holdings.formats(identifier) is None:
        raise _unknown(identifier)
    if item is None:
        raise ProviderError("cannotDisseminateFormat", f"{identifier} is not held as {prefix}")
    return f"<GetRecord>\n{_record(item)}</GetRecord>"


def _list_identifiers(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    return _list("ListIdentifiers", _header, arguments, repository, holdings)


def _list_records(arguments: Mapping[str, str], repository: Repository, holdings: Holdings) -> str:
    return _list("ListRecords", _record, arguments, repository, holdings)


def _list(
    verb: str,
    render: Callable[[Item], str],
    arguments: Mapping[str, str],
    repository: Repository,
    holdings: Holdings,
) -> str:
    """One page of a list, with the token for what follows (section 3.5)."""
    token = arguments.get("resumptionToken")
    selection, after, cursor, size = (
        _resume(repository.key, verb, token) if token is not None else (_selection(arguments), None, 0, 0)
    )
    _check(selection, holdings)
    page = holdings.page(selection, after, repository.page_size, bodies=render is _record)
    if not page.items and after is None:
        raise ProviderError("noRecordsMatch", "no record matches from, until, set and metadataPrefix")
    if not page.items:  # only where the archive was indexed anew since the token was made
        raise ProviderError("badResumptionToken", "nothing is left of this list; ask for it from the start")
    following = None
    if page.more:
        size = size or holdings.count(selection)
        following = tokens.make_token(
            repository.key, verb, _state(selection, page.items[-1], cursor + len(page.items), size)
        )
    rendered = "".join(map(render, page.items))
    return f"<{verb}>\n{rendered}{_token_element(following, token is not None, cursor, size)}</{verb}>"


@dataclass(frozen=True, slots=True)
class _Verb:
    """What answers a verb, and the arguments it takes (section 4)."""

    answer: Callable[[Mapping[str, str], Repository, Holdings], str]
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    resumable: bool = False


_SELECTIVE = frozenset({"from", "until", "set"})
_VERBS = {
    "Identify": _Verb(_identify),
    "ListMetadataFormats": _Verb(_list_metadata_formats, optional=frozenset({"identifier"})),
    "ListSets": _Verb(_list_sets, resumable=True),
    "ListIdentifiers": _Verb(_list_identifiers, frozenset({"metadataPrefix"}), _SELECTIVE, resumable=True),
    "ListRecords": _Verb(_list_records, frozenset({"metadataPrefix"}), _SELECTIVE, resumable=True),
    "GetRecord": _Verb(_get_record, frozenset({"identifier", "metadataPrefix"})),
}


def _unknown(identifier: str) -> ProviderError:
    return ProviderError("idDoesNotExist", f"there is no item {identifier}")


# --- lists that go on


def _state(selection: Selection, last: Item, cursor: int, size: int) -> list[Any]:
    """What a token of a list carries; moments are in seconds of the epoch."""
    from_, until, stamp = (
        moment and int(moment.timestamp()) for moment in (selection.from_, selection.until, last.datestamp)
    )
    return [selection.prefix, from_, until, selection.set_spec, stamp, last.identifier, cursor, size]


def _resume(key: bytes, verb: str, token: str) -> tuple[Selection, Position, int, int]:
    """Selection, position, cursor and size of the list that a token goes on with."""
    match tokens.read_token(key, verb, token):
        case [
            str() as prefix,
            (int() | None) as from_,
            (int() | None) as until,
            (str() | None) as set_spec,
            int() as stamp,
            str() as identifier,
            int() as cursor,
            int() as size,
        ] if is_prefix(prefix):
            try:
                first, last = (None if bound is None else _moment(bound) for bound in (from_, until))
                return Selection(prefix, first, last, set_spec), (_moment(stamp), identifier), cursor, size
            except OverflowError:
                pass
    raise tokens.not_given(verb)


def _resume_sets(key: bytes, token: str) -> tuple[str, int]:
    """The last set that was given, and how many were."""
    match tokens.read_token(key, "ListSets", token):
        case [str() as last, int() as cursor]:
            return last, cursor
    raise tokens.not_given("ListSets")


def _moment(seconds: int) -> datetime:
    # datetime.fromtimestamp refuses years before 1970 on some systems, and earliestDatestamp 0001-01-01 occurs
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _token_element(following: str | None, resumed: bool, cursor: int, size: int) -> str:
    """The token for the next page; the last page of a list that was cut has an empty one, a whole list none."""
    if following is None and not resumed:
        return ""
    return f'<resumptionToken completeListSize="{size}" cursor="{cursor}">{following or ""}</resumptionToken>\n'


# --- XML


_DELETED = ' status="deleted"'


def _header(item: Item) -> str:
    sets = "".join(f"<setSpec>{_escape(spec)}</setSpec>" for spec in item.sets)
    return (
        f"<header{_DELETED if item.deleted else ''}><identifier>{_escape(item.identifier)}</identifier>"
        f"<datestamp>{datestamps.as_argument(item.datestamp)}</datestamp>{sets}</header>\n"
    )


def _record(item: Item) -> str:
    """A record; a deleted one has neither metadata nor about, whatever came with it (section 2.5.1)."""
    if item.deleted:
        return f"<record>\n{_header(item)}</record>\n"
    metadata = f"<metadata>{_embedded(item.metadata)}</metadata>\n" if item.metadata is not None else ""
    about = "".join(f"<about>{_embedded(text)}</about>\n" for text in item.about)
    return f"<record>\n{_header(item)}{metadata}{about}</record>\n"


def _embedded(text: str) -> str:
    """XML that stands alone, put where another default namespace is in force: names without one say so."""
    start = _START_TAG.match(text)
    if start is None or _DEFAULT_NAMESPACE.search(start[2]) or not _UNPREFIXED.search(text):
        return text
    return f'{start[1]} xmlns=""{text[start.end(1) :]}'


def _escape(text: str) -> str:
    """Text for an element or an attribute; what XML cannot hold was refused before."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")


def _speakable(text: str) -> str:
    """A word of somebody else's, fit for a message."""
    return _UNSPEAKABLE.sub("\ufffd", text[:80]) or "an empty name"
