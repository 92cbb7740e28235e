"""A small OAI-PMH provider with one deviation from the protocol at a time."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

RECORDS, PAGE, BAD = 60, 20, 7


FIRST = datetime(2020, 1, 1, 12, tzinfo=UTC)


NAMESPACES = (
    'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


class Provider(BaseHTTPRequestHandler):
    """Sixty records, one a day, three pages; and what `deviation` says."""

    deviation = "none"

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        text = getattr(self, "do_" + words.get("verb", ""), self.unknown)(words)
        if text is None:
            return self.answer(500, b"<html><body>Internal Server Error</body></html>")
        if "<error" in text and self.deviation == "two errors at once":
            text += '<error code="badArgument">x</error>' if "noRecordsMatch" not in text else ""
        status = 404 if "<error" in text and self.deviation == "errors with status 404" else 200
        body = self.document(text).encode("utf-8")
        return self.answer(status, gzip.compress(body) if self.deviation == "gzip that is not said" else body)

    def document(self, text: str) -> str:
        start = {
            "no XML declaration": "",
            "white space before the XML declaration": '\n <?xml version="1.0"?>',
            "a byte order mark": '\ufeff<?xml version="1.0" encoding="UTF-8"?>',
        }.get(self.deviation, '<?xml version="1.0" encoding="UTF-8"?>')
        space = "" if self.deviation == "no namespace" else ' xmlns="http://www.openarchives.org/OAI/2.0/"'
        root = f"{space} {NAMESPACES}" if self.deviation == "namespaces on the root only" else space
        head = "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>"
        return f"{start}<OAI-PMH{root}>{head}{text}</OAI-PMH>"

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass

    def unknown(self, words: dict[str, str]) -> str | None:
        return '<error code="badVerb">x</error>'

    def do_Identify(self, words: dict[str, str]) -> str | None:
        return (
            "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
            f"<earliestDatestamp>{stamp(0)}</earliestDatestamp><deletedRecord>no</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
        )

    def do_ListMetadataFormats(self, words: dict[str, str]) -> str | None:
        return (
            "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>nonexistant</schema>"
            "<metadataNamespace>dummy</metadataNamespace></metadataFormat></ListMetadataFormats>"
        )

    def do_GetRecord(self, words: dict[str, str]) -> str | None:
        number = int(words["identifier"].rpartition(":")[2])
        if number == BAD and "server error" in self.deviation:
            return None
        if number == BAD and "does not exist" in self.deviation:
            return '<error code="idDoesNotExist">x</error>'
        return f"<GetRecord>{self.record(number)}</GetRecord>"

    def do_ListIdentifiers(self, words: dict[str, str]) -> str | None:
        return self.listed("ListIdentifiers", words, self.header)

    def do_ListRecords(self, words: dict[str, str]) -> str | None:
        return self.listed("ListRecords", words, self.record)

    def listed(self, verb: str, words: dict[str, str], shape: Callable[[int], str]) -> str | None:
        token = words.get("resumptionToken")
        first, last, at, empties = 0, RECORDS - 1, 0, 0
        if token is not None:
            if self.deviation == "a token wants its prefix beside it" and "metadataPrefix" not in words:
                return '<error code="badArgument">metadataPrefix is missing</error>'
            first, last, at, empties = map(int, token.removeprefix("a%2Fb+").split("!"))
        else:
            given = [words[name] for name in ("from", "until") if name in words]
            if any(self.refuses(value) for value in given):
                return '<error code="badArgument">this granularity is not supported</error>'
            first, last = span(words.get("from"), words.get("until"))
        numbers = list(range(first, last + 1))
        if not numbers:
            code = "cannotDisseminateFormat" if self.deviation == "an empty range is no format" else "noRecordsMatch"
            return f'<error code="{code}">x</error>'
        if self.deviation == "in the order of names":
            numbers.sort(key=str)
        if empties < 40 and self.deviation == "forty empty pages":
            return f"<{verb}><resumptionToken>{first}!{last}!{at}!{empties + 1}</resumptionToken></{verb}>"
        page = numbers[:PAGE] if self.deviation == "the same page for every token" else numbers[at : at + PAGE]
        if BAD in page and verb == "ListRecords" and "server error" in self.deviation:
            return None
        body = "".join(map(shape, page)) * (2 if self.deviation == "each record twice" else 1)
        return f"<{verb}>{body}{self.token(first, last, at, len(numbers))}</{verb}>"

    def refuses(self, value: str) -> bool:
        if self.deviation == "from before the earliest datestamp is refused":
            return value < stamp(0)[: len(value)]
        return (len(value) != 10 and self.deviation == "days only, though seconds are said") or (
            len(value) == 10 and self.deviation == "days are refused"
        )

    def token(self, first: int, last: int, at: int, size: int) -> str:
        onward = at + PAGE < size or (self.deviation == "a token although nothing follows" and at < size)
        if not onward and not at:
            return ""
        text = f"{first}!{last}!{at + PAGE}!0" if onward else ""
        if onward and self.deviation == "a token that is encoded already":
            text = "a%2Fb+" + text
        if not onward and self.deviation == "a token of white space at the end":
            text = "\n   "
        cursor = {"a cursor that counts pages": at // PAGE, "a cursor that stands still": 1}.get(self.deviation, at)
        size -= at // PAGE if self.deviation == "a list size that shrinks from page to page" else 0
        return f'<resumptionToken completeListSize="{size}" cursor="{cursor}">{text}</resumptionToken>'

    def header(self, number: int) -> str:
        shown = stamp(number)[: 10 if self.deviation == "datestamps of days, though seconds are said" else 20]
        return f"<header><identifier>oai:x:{number}</identifier><datestamp>{shown}</datestamp></header>"

    def record(self, number: int) -> str:
        inside = f"<dc:title>Record {number}</dc:title>"
        before = ""
        if number == BAD:
            inside, before = {
                "an XML declaration inside a record": (inside, '<?xml version="1.0"?>'),
                "a document type inside a record": (inside, '<!DOCTYPE dc SYSTEM "dc.dtd">'),
                "a prefix of no namespace inside a record": ("<dct:title>x</dct:title>", ""),
                "a character reference that XML forbids": ("<dc:title>&#xFFFE;</dc:title>", ""),
                "a deleted record does not exist by its name": ("<dc:title>\x0b</dc:title>", ""),
                "metadata that is opened and cut": ("<dc:title>", ""),
                "markup escaped twice": ("<dc:title>&amp;lt;p&amp;gt; &lt;b&gt;</dc:title>", ""),
            }.get(self.deviation, (inside, before))
        spaces = "" if self.deviation == "namespaces on the root only" else f" {NAMESPACES}"
        metadata = f"{before}<oai_dc:dc{spaces}>{inside}</oai_dc:dc>"
        if number == BAD and self.deviation == "empty metadata":
            metadata = ""
        return f"<record>{self.header(number)}<metadata>{metadata}</metadata></record>"


def stamp(number: int) -> str:
    return (FIRST + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(since: str | None, until: str | None) -> tuple[int, int]:
    """The first and the last record from and until these datestamps, both included."""
    inside = [
        number
        for number in range(RECORDS)
        if (since is None or stamp(number)[: len(since)] >= since)
        and (until is None or stamp(number)[: len(until)] <= until)
    ]
    return (inside[0], inside[-1]) if inside else (0, -1)
