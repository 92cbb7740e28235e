"""A proxy in front of a provider that bends its answers: one switch for each kind of public bug report.

A bend rewrites a request before it is passed on, an answer on its way back, or both. It loses no record that the
provider would not lose: whatever is missing afterwards must have a finding, or the run must not end as complete.
"""

import gzip
import json
import random
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlencode, urlsplit

from support.local_server import serving

HEADER = re.compile(r"<header\b[^>]*>.*?</header>", re.DOTALL)
RECORD = re.compile(r"<record>.*?</record>", re.DOTALL)
LIST = re.compile(r"<(ListRecords|ListIdentifiers)>(.*)</\1>", re.DOTALL)
TOKEN = re.compile(r"<resumptionToken([^>]*)>([^<]*)</resumptionToken>")
IDENTIFIER = re.compile(r"<identifier>([^<]*)</identifier>")
ROOT = re.compile(r"<OAI-PMH\b[^>]*>")


@dataclass(frozen=True)
class Asked:
    """A request for the provider."""

    path: str
    words: Mapping[str, str]
    accept: str

    @property
    def lists(self) -> bool:
        """Whether it asks for a list of records or headers."""
        return self.words.get("verb") in ("ListRecords", "ListIdentifiers")

    @property
    def resumes(self) -> bool:
        return "resumptionToken" in self.words

    @property
    def bounded(self) -> bool:
        return "from" in self.words or "until" in self.words

    def without(self, *names: str) -> "Asked":
        return replace(self, words={name: value for name, value in self.words.items() if name not in names})


@dataclass(frozen=True)
class Answered:
    """What the provider answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "surrogateescape")

    def saying(self, text: str) -> "Answered":
        return replace(self, body=text.encode("utf-8", "surrogateescape"))


Send = Callable[[Asked], Answered]
# takes a request and the way to the provider, gives the answer
Bend = Callable[[Asked, Send], Answered]


def oai_error(code: str, message: str = "bent") -> Answered:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        "<responseDate>2026-01-01T00:00:00Z</responseDate><request>http://localhost/</request>"
        f'<error code="{code}">{message}</error></OAI-PMH>'
    )
    return Answered(200, text.encode(), {"Content-Type": "text/xml; charset=utf-8"})


def page(change: Callable[[str, Asked], str]) -> Bend:
    """Rewrite the text of each usable page of a list."""

    def bend(asked: Asked, send: Send) -> Answered:
        answer = send(asked)
        if not asked.lists or answer.status != 200 or not LIST.search(answer.text):
            return answer
        return answer.saying(change(answer.text, asked))

    return bend


def chosen(text: str, share: int = 7) -> bool:
    """Whether a header is one of the few that a bend is about."""
    found = IDENTIFIER.search(text)
    digits = re.findall(r"\d+", found[1]) if found else []
    return bool(digits) and int(digits[-1][-9:]) % share == 0


# --- kind 1: where a page has its records and its token


def wrapped_headers(text: str, asked: Asked) -> str:
    return HEADER.sub(r"<record>\g<0></record>", text) if asked.words["verb"] == "ListIdentifiers" else text


def token_as_attribute(text: str, asked: Asked) -> str:
    return TOKEN.sub(lambda m: f'<resumptionToken{m[1]} token="{m[2]}"/>' if m[2] else m[0], text)


def token_in_request(text: str, asked: Asked) -> str:
    token = TOKEN.search(text)
    if token is None or not token[2]:
        return text
    return TOKEN.sub("", text).replace("<request", f'<request resumptionToken="{token[2]}"', 1)


def token_in_record(text: str, asked: Asked) -> str:
    token = TOKEN.search(text)
    if token is None or "</record>" not in text:
        return text
    bare = TOKEN.sub("", text)
    at = bare.rindex("</record>")
    return bare[:at] + token[0] + bare[at:]


def second_list(text: str, asked: Asked) -> str:
    verb = asked.words["verb"]
    parts = (RECORD if verb == "ListRecords" else HEADER).findall(text)
    if len(parts) < 2:
        return text
    half = parts[len(parts) // 2]
    return text.replace(half, f"</{verb}><{verb}>{half}", 1)


def list_for_each(text: str, asked: Asked) -> str:
    verb = asked.words["verb"]
    return (
        (RECORD if verb == "ListRecords" else HEADER)
        .sub(rf"<{verb}>\g<0></{verb}>", text)
        .replace(f"<{verb}><{verb}>", f"<{verb}>", 1)
        .replace(f"</{verb}></{verb}>", f"</{verb}>")
    )


def nameless(text: str, asked: Asked) -> str:
    return HEADER.sub(lambda m: IDENTIFIER.sub("<identifier/>", m[0]) if chosen(m[0], 11) else m[0], text)


# --- kind 5: one id twice


def older_tombstone(text: str, asked: Asked) -> str:
    """Behind the first live record of a page stands a tombstone of it with an older datestamp."""
    if asked.words["verb"] != "ListRecords":
        return text
    record = next((m for m in RECORD.finditer(text) if 'status="deleted"' not in m[0]), None)
    if record is None:
        return text
    header = HEADER.search(record[0])
    assert header is not None
    stone = re.sub(r"<datestamp>\d{4}", "<datestamp>2001", header[0]).replace("<header", '<header status="deleted"')
    return text[: record.end()] + f"<record>{stone}</record>" + text[record.end() :]


# --- kind 6: lexical forms


def indented(text: str, asked: Asked) -> str:
    text = IDENTIFIER.sub(r"<identifier>\n        \1\n  </identifier>", text)
    return re.sub(r"<datestamp>([^<]*)</datestamp>", r"<datestamp> \1\n</datestamp>", text)


def capital_status(text: str, asked: Asked) -> str:
    return text.replace('status="deleted"', 'status="DELETED"')


def every_document(change: Callable[[str], str]) -> Bend:
    """Rewrite each OAI-PMH document, whatever the verb is."""

    def bend(asked: Asked, send: Send) -> Answered:
        answer = send(asked)
        return answer.saying(change(answer.text)) if "</OAI-PMH>" in answer.text else answer

    return bend


def https_namespace(text: str) -> str:
    return text.replace("http://www.openarchives.org/OAI/2.0/", "https://www.openarchives.org/OAI/2.0/")


def notice_before(text: str) -> str:
    return "<br />\n<b>Notice</b>: Undefined index: set in <b>/var/www/oai.php</b> on line <b>7</b><br />\n" + text


def notice_behind(text: str) -> str:
    return text + "\n<br />\n<b>Warning</b>: Cannot modify header in <b>/var/www/oai.php</b> on line <b>9</b><br />\n"


def encoding_not_applied(asked: Asked, send: Send) -> Answered:
    answer = send(asked)
    return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"})


def gzip_twice(asked: Asked, send: Send) -> Answered:
    answer = send(asked)
    body = gzip.compress(gzip.compress(answer.body))
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})


def charset_in_header(asked: Asked, send: Send) -> Answered:
    """The document is in UTF-16 without a byte order mark or declaration: only the header names it."""
    answer = send(asked)
    if "</OAI-PMH>" not in answer.text or "\udc80" <= max(answer.text) <= "\udcff":
        return answer
    text = re.sub(r"^<\?xml[^>]*\?>\s*", "", answer.text)
    headers = {**answer.headers, "Content-Type": "text/xml; charset=utf-16le"}
    return replace(answer, body=text.encode("utf-16-le", "surrogatepass"), headers=headers)


# --- kinds 3, 7 and 10, items 11 and 14: what is listed, and which question is answered


def empty_without_set(asked: Asked, send: Send) -> Answered:
    if asked.lists and not asked.resumes and "set" not in asked.words:
        return oai_error("noRecordsMatch")
    return send(asked)


def empty_without_from(asked: Asked, send: Send) -> Answered:
    if asked.lists and not asked.resumes and "from" not in asked.words:
        return oai_error("noRecordsMatch")
    return send(asked)


def from_is_refused(asked: Asked, send: Send) -> Answered:
    return oai_error("badArgument", "from is not supported") if "from" in asked.words else send(asked)


def dead_token(asked: Asked, send: Send) -> Answered:
    """Each token is answered as an empty list in place of badResumptionToken."""
    return oai_error("noRecordsMatch") if asked.resumes else send(asked)


def token_with_prefix(asked: Asked, send: Send) -> Answered:
    if asked.resumes and "metadataPrefix" not in asked.words:
        return oai_error("badArgument", "Missing or invalid metadataPrefix argument")
    return send(asked.without("metadataPrefix", "from", "until", "set") if asked.resumes else asked)


def bounds_hide(asked: Asked, send: Send) -> Answered:
    """Some records are in the whole list only: a list with from or until does not have them."""
    answer = send(asked)
    if not asked.bounded or not LIST.search(answer.text):
        return answer
    pattern = RECORD if asked.words["verb"] == "ListRecords" else HEADER
    text = pattern.sub(lambda m: "" if chosen(m[0]) else m[0], answer.text)
    if not pattern.search(text) and not TOKEN.search(text):
        return oai_error("noRecordsMatch")
    return answer.saying(re.sub(r' completeListSize="\d+"', "", text))


def short_pages(asked: Asked, send: Send) -> Answered:
    """A page in the middle of a list is empty, and ends it, although a larger total was stated."""
    answer = send(asked)
    token = TOKEN.search(answer.text)
    if not (asked.resumes and token and token[2]):
        return answer
    return answer.saying(TOKEN.sub("<resumptionToken/>", answer.text))


def token_loses_set(asked: Asked, send: Send) -> Answered:
    """The token of a set goes on in the list of everything."""
    answer = send(asked)
    token = TOKEN.search(answer.text)
    if asked.resumes or "set" not in asked.words or token is None or not token[2]:
        return answer
    other = TOKEN.search(send(asked.without("set")).text)
    return answer if other is None or not other[2] else answer.saying(answer.text.replace(token[2], other[2]))


# --- kind 2: searches


def hits(change: Callable[[dict[str, object], Asked], object]) -> Bend:
    """Rewrite the `hits` of each usable page of a search."""

    def bend(asked: Asked, send: Send) -> Answered:
        answer = send(asked)
        if asked.path != "/api/records" or answer.status != 200:
            return answer
        try:
            found = json.loads(answer.body)
            found["hits"]["total"]
        except (ValueError, KeyError, TypeError):
            return answer
        change(found, asked)
        return replace(answer, body=json.dumps(found).encode())

    return bend


def total_capped(found: dict[str, object], asked: Asked) -> None:
    held = found["hits"]
    assert isinstance(held, dict)
    held["total"] = min(held["total"], 100)


def total_missing(found: dict[str, object], asked: Asked) -> None:
    held = found["hits"]
    assert isinstance(held, dict)
    del held["total"]


def total_at_least(found: dict[str, object], asked: Asked) -> None:
    held = found["hits"]
    assert isinstance(held, dict)
    held["total"] = {"value": min(held["total"], 100), "relation": "gte" if held["total"] > 100 else "eq"}


def hit_repeated(found: dict[str, object], asked: Asked) -> None:
    """The last hit of each page but the first is the first one again: another record is not shown."""
    held = found["hits"]
    assert isinstance(held, dict)
    if asked.words.get("page", "1") != "1" and len(held["hits"]) > 1:
        held["hits"][-1] = held["hits"][0]


def order_changes(asked: Asked, send: Send) -> Answered:
    """Each page is cut from an order of its own: hits come twice, and as many never."""
    first = send(asked)
    if asked.path != "/api/records" or first.status != 200:
        return first
    try:
        answer = json.loads(first.body)
        size, total = len(answer["hits"]["hits"]), int(answer["hits"]["total"])
    except (ValueError, KeyError, TypeError):
        return first
    everything = []
    for number in range(1, 1 + -(-total // max(1, size))):
        part = send(replace(asked, words={**asked.words, "page": str(number)}))
        try:
            everything += json.loads(part.body)["hits"]["hits"]
        except (ValueError, KeyError, TypeError):  # the provider's own faults go through as they are
            return first
    random.shuffle(everything)
    start = (int(asked.words.get("page", "1")) - 1) * max(1, size)
    answer["hits"]["hits"] = everything[start : start + size]
    return replace(first, body=json.dumps(answer).encode())


def empty_in_the_middle(found: dict[str, object], asked: Asked) -> None:
    held = found["hits"]
    assert isinstance(held, dict)
    if asked.words.get("page") == "2":
        held["hits"] = []


# --- kind 4: answers by id


def missing_as(status: int, body: bytes, media_type: str) -> Bend:
    """Answer for an id that is not there in another way than with the API's own 404."""

    def bend(asked: Asked, send: Send) -> Answered:
        answer = send(asked)
        if not asked.path.startswith("/api/records/") or answer.status != 404:
            return answer
        return Answered(status, body, {"Content-Type": media_type})

    return bend


def page_of_a_proxy(asked: Asked, send: Send) -> Answered:
    """For each second id the answer is the 404 of a proxy, whatever the provider holds."""
    digits = re.findall(r"\d+", asked.path)
    if asked.path.startswith("/api/records/") and digits and int(digits[-1][-9:]) % 2:
        return Answered(404, b"<html><body><h1>404 Not Found</h1>nginx</body></html>", {"Content-Type": "text/html"})
    return send(asked)


OAIPMH: dict[str, Bend] = {
    "headers wrapped in records": page(wrapped_headers),
    "token as an attribute": page(token_as_attribute),
    "token in request": page(token_in_request),
    "token in a record": page(token_in_record),
    "two lists": page(second_list),
    "a list for each record": page(list_for_each),
    "headers without identifier": page(nameless),
    "older tombstone beside a record": page(older_tombstone),
    "indented identifiers": page(indented),
    "status in capitals": page(capital_status),
    "https namespace": every_document(https_namespace),
    "notices before the document": every_document(notice_before),
    "notices behind the document": every_document(notice_behind),
    "an encoding that is not applied": encoding_not_applied,
    "gzip twice": gzip_twice,
    "charset in the header only": charset_in_header,
    "nothing without a set": empty_without_set,
    "nothing without from": empty_without_from,
    "from is refused": from_is_refused,
    "dead tokens bring an empty list": dead_token,
    "tokens beside their prefix": token_with_prefix,
    "bounds hide records": bounds_hide,
    "lists that end in their middle": short_pages,
    "tokens lose their set": token_loses_set,
}
SEARCH: dict[str, Bend] = {
    "total is capped": hits(total_capped),
    "no total": hits(total_missing),
    "total is a lower bound": hits(total_at_least),
    "a hit stands twice": hits(hit_repeated),
    "an order that changes": order_changes,
    "an empty page in the middle": hits(empty_in_the_middle),
}
IDRANGE: dict[str, Bend] = {
    "absent as 200 with a status": missing_as(200, b'{"status": 404, "message": "not found"}', "application/json"),
    "absent as 200 with an error": missing_as(200, b'{"error": {"code": 404, "reason": "gone"}}', "application/json"),
    "absent as an empty object": missing_as(200, b"{}", "application/json"),
    "absent as 204": missing_as(204, b"", "application/json"),
    "absent as a page for people": missing_as(404, b"<html><body>No such page</body></html>", "text/html"),
    "a proxy's 404 for every second id": page_of_a_proxy,
}
BENDS = {"oaipmh": OAIPMH, "search": SEARCH, "idrange": IDRANGE}


@contextmanager
def bent(url: str, bend: Bend) -> Iterator[str]:
    """Serve the provider at `url` through a bend; gives the base URL of the proxy."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            query = urlsplit(self.path).query + ("&" + self.rfile.read(length).decode() if length else "")
            words = dict(parse_qsl(query, keep_blank_values=True))
            asked = Asked(path=urlsplit(self.path).path, words=words, accept=self.headers.get("Accept") or "*/*")
            try:
                answer = bend(asked, self.passed_on)
            except OSError:  # the provider broke off: so does the proxy
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.status != 204:
                self.wfile.write(answer.body)

        def do_POST(self) -> None:
            self.do_GET()

        def passed_on(self, asked: Asked) -> Answered:
            query = f"?{urlencode(asked.words)}" if asked.words else ""
            request = urllib.request.Request(f"{url}{asked.path}{query}", headers={"Accept": asked.accept})
            try:
                with _OPENER.open(request, timeout=120) as response:
                    return _read(response, response.status)
            except urllib.error.HTTPError as error:
                return _read(error, error.code)

        def log_message(self, *words: object) -> None:
            pass

    with serving(Proxy) as served:
        yield served


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _read(response: "urllib.error.HTTPError | urllib.request._UrlopenRet", status: int) -> Answered:
    kept = ("Content-Type", "Retry-After", "Location", "Last-Modified", "ETag", "Vary", "Link")
    try:
        body = response.read()
    except OSError:
        raise
    except Exception as cause:  # http.client's own: a body that was cut short
        raise ConnectionError(str(cause)) from cause
    return Answered(status, body, {name: value for name in kept if (value := response.headers.get(name))})
