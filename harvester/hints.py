"""What a page that cannot be parsed still tells: names to ask for one by one. Hints, never records.

Nothing read here is believed: it decides where a window is cut, and which ids are asked for by themselves.
"""

import re
from collections.abc import Iterator
from html import unescape

# Each of these passes a byte once: what is damaged may be damaged on purpose, and long.
_HEADER = re.compile(rb"<(?:[\w.-]+:)?header[\s>]")
_HEADER_END = re.compile(rb"</(?:[\w.-]+:)?header\s*>")
_FIELD = {name: re.compile(rb"<(?:[\w.-]+:)?" + name + rb"\s*>([^<]*)</") for name in (b"identifier", b"datestamp")}
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken[^<>]*>\s*[^<\s]")
_END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>\s*$")


def ends_whole(body: bytes) -> bool:
    """Whether a body has the end of an OAI-PMH response: it was not cut short on its way."""
    return _END.search(body[-200:]) is not None


def scan_headers(body: bytes) -> list[tuple[str, str]] | None:
    """(identifier, datestamp) of each header in a page that has its end and no resumption token.

    None when the page is cut short, goes on with a token, or has a header whose identifier cannot be read.
    """
    if not ends_whole(body) or _TOKEN.search(body):
        return None
    found = []
    for header in _headers(body):
        identifier, datestamp = (_field(header, name) for name in (b"identifier", b"datestamp"))
        if not identifier:
            return None
        found.append((identifier, datestamp))
    return found


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
        return unescape(match[1].strip().decode())
    except UnicodeDecodeError:
        return ""


def is_html(body: bytes) -> bool:
    """Detect a page for people: HTML or XHTML, whatever stands before its first tag."""
    return _HTML.search(body[:2048]) is not None


_HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
