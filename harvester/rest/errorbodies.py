"""Errors and empty results that arrive with HTTP status 200: what the content of an answer says.

A body is an error only where it has nothing else to say: a record may have a member called `status`, `error` or
`message`. What an error means follows the codes in it and never the text of its message, which changes between
releases and languages.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from archive.store import NotJson, envelope
from harvester.errors import MalformedPage
from harvester.oaipmh import parse_document

# as the statuses of HTTP are read; 429 and gateway errors mean that nothing was said about the id
_STATES = {
    401: ("forbidden", False),
    403: ("forbidden", False),
    451: ("forbidden", False),
    404: ("absent", False),
    410: ("deleted", False),
    429: ("lost", True),
    502: ("lost", True),
    503: ("lost", True),
    504: ("lost", True),
}

_CODES = frozenset({"status", "statuscode", "httpstatus", "httpstatuscode", "httpcode", "responsecode"})
_FAILED = frozenset(
    {
        "error",
        "fail",
        "failed",
        "failure",
        "notfound",
        "nok",
        "ko",
        "exception",
        "badrequest",
        "unauthorized",
        "forbidden",
    }
)
_ERRORS = frozenset({"error", "errors", "exception", "fault", "errormessage", "errordescription", "errorcode"})
# members of an answer that are about the answer
_ABOUT = frozenset({
    "message", "messages", "msg", "detail", "details", "reason", "info", "hint", "help", "status", "statuscode", "code",
    "success", "ok", "timestamp", "path", "uri", "instance", "requestid", "requesturl", "requestmethod", "traceid",
    "trace", "stacktrace", "method", "host", "server", "service", "links", "link", "meta", "jsonapi", "apiversion",
    "documentationurl", "moreinfo", "took", "timedout", "shards", "responseheader", "facets", "facetcounts",
    "aggregations", "page", "pages", "size", "start", "rows", "query", "params", "sortby", "limit", "offset", "next",
    "previous", "prev", "self", "maxscore", "numfoundexact", "highlighting", "perpage", "pagesize", "totalpages",
    "number",
})  # fmt: skip
# members of an error, which are content elsewhere
_OF_ERRORS = (
    _ABOUT
    | _CODES
    | _ERRORS
    | {
        "id",
        "identifier",
        "pid",
        "recid",
        "persistentid",
        "type",
        "title",
        "url",
        "description",
        "name",
        "version",
        "errorid",
        "errortype",
        "errors",
        "resource",
        "hostid",
        "found",
        "exists",
        "tombstone",
    }
)
_OF_TITLES = frozenset({"title", "name", "description"})
_TOTALS = frozenset(
    {
        "numfound",
        "total",
        "totalcount",
        "totalresults",
        "totalhits",
        "count",
        "totalelements",
        "recordcount",
        "numberofrecords",
        "nhits",
        "hitcount",
        "resultcount",
        "totalrecords",
        "found",
    }
)
# members that an API wraps its answer in
_WRAPPERS = frozenset({"response", "hits", "result", "results", "page", "data", "meta", "body", "searchresult"})
# with any of these a number called `status` is the record's own
_OF_RECORDS = frozenset(
    {
        "metadata",
        "attributes",
        "titles",
        "creators",
        "creator",
        "authors",
        "author",
        "contributors",
        "doi",
        "dois",
        "files",
        "graph",
        "bibjson",
        "descriptions",
        "abstract",
        "keywords",
        "subjects",
        "subject",
        "publisher",
        "created",
        "updated",
        "license",
        "rights",
        "resourcetype",
        "eprintid",
        "datestamp",
        "publicationyear",
    }
)

_ERROR_ROOTS = frozenset(
    {
        "error",
        "errors",
        "errorresponse",
        "fault",
        "exception",
        "exceptions",
        "exceptionreport",
        "serviceexceptionreport",
        "problem",
        "failure",
        "diagnostic",
        "diagnostics",
        "htmlerror",
    }
)
_NO_SUCH = frozenset({"404", "nosuchkey", "notfound", "iddoesnotexist", "norecordsmatch"})
_SYNTAX = {
    "bibtex": re.compile(rb"@\s*\w+\s*[{(]"),
    "ris": re.compile(rb"(^|[\r\n])\W*TY\s{0,2}-"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a body that is no record says of its id; `datestamp` is that of a tombstone, "" for unknown."""

    state: str
    reason: str
    again: bool = False
    datestamp: str = ""


# --- JSON


def judge_json(record: Mapping[str, Any]) -> Verdict | None:
    """Judge an object that came in place of a record. Returns None where it has content of its own."""
    members = {_plain(name): value for name, value in record.items() if not _is_empty(value)}
    if not members:
        return Verdict("refused", "JSON without content", again=True)
    if members.keys() & _OF_RECORDS:
        return None
    code = _code_of(members)
    if code is not None and _only(members, _OF_ERRORS, scalars=True):
        state, again = _STATES.get(code, ("refused", code >= 500))
        return Verdict(state, f"HTTP status 200, and its JSON states {code}", again)
    if any(members.get(name) is False for name in ("found", "exists")) and _only(
        members, (_OF_ERRORS | {"index"}) - _OF_TITLES
    ):
        return Verdict("absent", "HTTP status 200, and its JSON states that it was not found")
    failed = any(members.get(name) is False for name in ("success", "ok")) and not _has_data(members)
    if failed or (_names_error(members) and _only(members, _OF_ERRORS - _OF_TITLES)):
        named = ", ".join(sorted(members))[:80]
        return Verdict("refused", f"HTTP status 200, and its JSON is an error ({named})", again=True)
    return _without_content(members)


def _without_content(members: Mapping[str, Any]) -> Verdict | None:
    """Judge an envelope with nothing in it: an empty result of a search, or a message alone."""
    if not _is_envelope(members, 0):
        return None
    if any(value == 0 or value == "0" for value in _totals(members, 0)):
        return Verdict("absent", "HTTP status 200, and its JSON states 0 results")
    return Verdict("refused", f"JSON without a record ({', '.join(sorted(members))[:80]})", again=True)


def _is_envelope(members: Mapping[str, Any], depth: int) -> bool:
    for name, value in members.items():
        if name in _TOTALS and not isinstance(value, dict | list):
            if value not in (0, "0", False):
                return False
        elif name in _WRAPPERS | _TOTALS and isinstance(value, dict) and depth < 3:
            inner = {_plain(one): found for one, found in value.items() if not _is_empty(found)}
            zero = name in _TOTALS and inner.keys() <= {"value", "relation"} and inner.get("value") == 0
            if not zero and not _is_envelope(inner, depth + 1):
                return False
        elif name not in _ABOUT:
            return False
    return True


def _totals(members: Mapping[str, Any], depth: int) -> Iterator[Any]:
    for name, value in members.items():
        if name in _TOTALS and type(value) is not bool:
            yield value.get("value") if isinstance(value, dict) else value
        if name in _WRAPPERS and isinstance(value, dict) and depth < 3:
            yield from _totals({_plain(one): found for one, found in value.items()}, depth + 1)


def _code_of(members: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error states, in itself or in its list of errors; None for none that is one."""
    found = [_number(members[name]) for name in _CODES & members.keys()]
    if members.keys() & {"message", "msg", "error", "errors"}:
        found.append(_number(members.get("code")))
    for name in ("error", "errors", "fault", "meta"):
        inner = members.get(name)
        for one in inner[:1] if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                inside = {_plain(word): value for word, value in one.items()}
                found.extend(_number(inside.get(word)) for word in (*sorted(_CODES), "code"))
    return next((code for code in found if code is not None), None)


def _number(value: Any) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"\s*([45]\d\d)(\s.{0,60})?", text, re.ASCII)
    return int(match[1]) if match else None


def _names_error(members: Mapping[str, Any]) -> bool:
    if any(members.get(name) not in (None, False, 0, "0") for name in _ERRORS):
        return True
    words = [members.get(name) for name in ("status", "result", "type", "level", "state")]
    if any(isinstance(word, str) and _plain(word) in _FAILED for word in words):
        return True
    return isinstance(members.get("type"), str) and members["type"].endswith("Error")


def _has_data(members: Mapping[str, Any]) -> bool:
    return any(isinstance(members.get(name), dict) and len(members[name]) > 2 for name in ("data", "result", "record"))


def _only(members: Mapping[str, Any], names: frozenset[str], *, scalars: bool = False) -> bool:
    """Whether all members are among these names, or named like those of an error; or, with `scalars`, hold no list."""
    return all(
        name in names
        or name.startswith(("error", "request", "trace", "exception", "hydra"))
        or (scalars and not isinstance(value, dict | list))
        for name, value in members.items()
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    if isinstance(value, list):
        return all(map(_is_empty, value))
    return value is None or (isinstance(value, str) and not value.strip())


# --- XML


def judge_xml(root: etree._Element) -> Verdict | None:
    """Judge a document that came in place of a record. Returns None where it has content of its own."""
    name = _local(root)
    if name == "oaipmh":
        return _judge_oai(root)
    if name in _ERROR_ROOTS or (name == "envelope" and any(_local(one) == "fault" for one in _first(root))):
        return _error(root)
    if name in ("searchretrieveresponse", "explainresponse", "response", "feed", "results", "resultset", "result"):
        return _judge_result(root)
    bare = not len(root) and not (root.text or "").strip()
    if bare and "0" in _attribute_totals(root):
        return Verdict("absent", "HTTP status 200, and its XML states 0 results")
    if bare or not any((one.text or "").strip() or _attributes(one) for one in root.iter(etree.Element)):
        return Verdict("refused", f"an empty <{etree.QName(root).localname[:40]}>", again=True)
    return None


def _judge_oai(root: etree._Element) -> Verdict | None:
    errors = [one for one in root.iterchildren(etree.Element) if _local(one) == "error"]
    headers = [one for one in root.iter(etree.Element) if _local(one) == "header"]
    if errors and not headers:
        codes = [one.get("code") or "" for one in errors]
        text = f"OAI-PMH error {', '.join(codes)[:80]}"
        return Verdict("absent" if {_plain(code) for code in codes} <= _NO_SUCH else "refused", text)
    if not headers:
        return Verdict("refused", "an OAI-PMH response without a record", again=True)
    if len(headers) == 1 and (headers[0].get("status") or "").strip().lower() == "deleted":
        stamps = [
            (one.text or "").strip() for one in headers[0].iterchildren(etree.Element) if _local(one) == "datestamp"
        ]
        return Verdict("deleted", "its OAI-PMH header states that it is deleted", datestamp=stamps[0] if stamps else "")
    return None


def _judge_result(root: etree._Element) -> Verdict | None:
    """Judge the result of a search: SRU, Solr, OpenSearch, or an element that only holds an error."""
    inside = list(_first(root))
    names = {_local(one) for one in inside}
    if names & {"recorddata", "doc", "entry"}:
        return None
    # deeper down a count is a record's own
    near = [root, *(one for one in root.iterchildren(etree.Element) if _local(one) in ("result", "results", "docs"))]
    totals = [(one.text or "").strip() for one in root.iterchildren(etree.Element) if _local(one) in _TOTALS]
    totals += [total for one in near for total in _attribute_totals(one)]
    if "0" in totals and not any(total not in ("0", "") for total in totals):
        return Verdict("absent", "HTTP status 200, and its XML states 0 results")
    if names & _ERROR_ROOTS or any(one.get("name") == "error" for one in inside):
        return _error(root)
    if _local(root) in ("searchretrieveresponse", "explainresponse"):
        return Verdict("refused", "an SRU response without a record", again=True)
    has_content = any((one.text or "").strip() or _attributes(one) for one in root.iterdescendants(etree.Element))
    return None if has_content else Verdict("refused", f"an empty <{_local(root)[:40]}>", again=True)


def _attribute_totals(element: etree._Element) -> list[str]:
    return [str(value) for word, value in element.attrib.items() if _plain(str(word)) in _TOTALS]


def _error(root: etree._Element) -> Verdict:
    """Read the code of an error in XML, from an attribute or an element."""
    found = []
    for one in _first(root):
        name, given = _local(one), (one.get("name") or "").lower()
        if name in ("code", "status", "statuscode", "errorcode", "httpstatus") or given == "code":
            found.append((one.text or "").strip())
        found.extend(value for word, value in one.attrib.items() if _plain(str(word)) in ("code", "status"))
    code = next((number for text in found if (number := _number(text)) is not None), None)
    if code is None and any(_plain(text) in _NO_SUCH for text in found):
        code = 404
    if code is None:
        return Verdict("refused", f"HTTP status 200, and its XML is an error (<{_local(root)}>)", again=True)
    state, again = _STATES.get(code, ("refused", code >= 500))
    return Verdict(state, f"HTTP status 200, and its XML states {code}", again)


def _first(root: etree._Element) -> Iterator[etree._Element]:
    """The elements of a short document, and of a longer one those that an error would be among."""
    for number, one in enumerate(root.iter(etree.Element)):
        if number == 200:
            return
        yield one


def _local(element: etree._Element) -> str:
    return _plain(etree.QName(element).localname)


def _attributes(element: etree._Element) -> bool:
    return any(not str(name).startswith("{http://www.w3.org/2001/XMLSchema-instance}") for name in element.attrib)


# --- text


def judge_text(body: bytes, form: str) -> Verdict | None:
    """Judge a body that came as the text form `form` (its short name). Returns None where nothing speaks against it.

    An error in JSON or XML is what it is under any media type. Of BibTeX and RIS it is known how each record begins.
    """
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    syntax = _SYNTAX.get(form)
    if syntax is not None and body[:2] not in (b"\xff\xfe", b"\xfe\xff") and syntax.search(body) is None:
        return _disguised(body, start) or Verdict("refused", f"no {form}: it begins {start[:40]!r}", again=True)
    return _disguised(body, start) if syntax is None else None


def _disguised(body: bytes, start: bytes) -> Verdict | None:
    if start[:1] == b"{" and len(body) < 65536:
        try:
            value = envelope.parse_json(body).value
        except NotJson:
            return None
        return judge_json(value) if isinstance(value, dict) else None
    if start[:1] == b"<" and len(body) < 65536:
        try:
            root = parse_document(body)
        except MalformedPage:
            return None
        return judge_xml(root)
    return None
