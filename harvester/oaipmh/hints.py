"""What a page that cannot be parsed still tells: names to ask for one by one. Hints, never records.

Nothing read here is believed: it decides where a window is cut, and which ids are asked for by themselves.
"""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_plus

# Each of these passes a byte once: what is damaged may be damaged on purpose, and long.
_HEADER = re.compile(rb"<(?:[\w.-]+:)?header[\s>]")
_HEADER_END = re.compile(rb"</(?:[\w.-]+:)?header\s*>")
_FIELD = {name: re.compile(rb"<(?:[\w.-]+:)?" + name + rb"\s*>([^<]*)</") for name in (b"identifier", b"datestamp")}
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken[^<>]*>\s*[^<\s]", re.IGNORECASE)
# the token may be an attribute, of its own element or of another
_TOKEN_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?resumptionToken\s([^<>]*)>", re.IGNORECASE)
_KNOWN_ATTRIBUTES = re.compile(rb"(?:completeListSize|cursor|expirationDate)\s*=\s*(?:\"[^\"]*\"|'[^']*')|[\s/]+")
_TOKEN_ATTRIBUTE = re.compile(rb"<[^<>]*\sresumptionToken\s*=\s*[\"']([^\"'<]+)", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n]+")
_END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>\s*$")


def ends_whole(body: bytes) -> bool:
    """Whether a body has the end of an OAI-PMH response: it was not cut short on its way."""
    return _END.search(body[-200:]) is not None


def scan_headers(body: bytes, sent: str | None = None) -> list[tuple[str, str]] | None:
    """(identifier, datestamp) of each header in a page that has its end and no resumption token but the one `sent`.

    None when the page is cut short, goes on with a token, or has a header whose identifier cannot be read.
    """
    if not ends_whole(body) or _may_go_on(body, sent):
        return None
    found = []
    for header in _headers(body):
        identifier, datestamp = (_field(header, name) for name in (b"identifier", b"datestamp"))
        if not identifier:
            return None
        found.append((identifier, datestamp))
    return found


def _may_go_on(body: bytes, sent: str | None) -> bool:
    """Whether a page may have a resumption token, wherever it stands; <request> repeats the one that was sent."""
    elements = (match[1] for match in _TOKEN_ELEMENT.finditer(body))
    odd = any(_KNOWN_ATTRIBUTES.sub(b"", attributes) for attributes in elements)
    named = (unescape(match[1].decode("utf-8", "replace")) for match in _TOKEN_ATTRIBUTE.finditer(body))
    return odd or _TOKEN.search(body) is not None or any(sent is None or not same_token(one, sent) for one in named)


def same_token(one: str, other: str) -> bool:
    """Whether two tokens are the same but for their white space, and how often they are escaped."""
    return _plain_token(one) == _plain_token(other)


def _plain_token(token: str) -> str:
    for _ in range(3):
        token = unescape(unquote_plus(token))
    return "".join(token.split())


def _headers(body: bytes) -> Iterator[bytes]:
    at = 0
    while (opened := _HEADER.search(body, at)) and (closed := _HEADER_END.search(body, opened.end())):
        at = closed.end()
        yield body[opened.start() : at]


def _field(header: bytes, name: bytes) -> str:
    match = _FIELD[name].search(header)
    if match is None:
        return ""
    try:
        return _SPACE.sub(" ", unescape(match[1].decode())).strip(" ")
    except UnicodeDecodeError:
        return ""


def is_html(body: bytes) -> bool:
    """Detect a page for people: HTML or XHTML, whatever stands before its first tag."""
    return _HTML.search(body[:2048]) is not None


_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
