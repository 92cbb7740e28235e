"""What a page that cannot be parsed still tells: names to ask for one by one. Hints, never records.

Nothing read here is believed: it decides where a window is cut, and which ids are asked for by themselves.
"""

import re
from html import unescape

_HEADER = re.compile(rb"<(?:[\w.-]+:)?header[\s>].*?</(?:[\w.-]+:)?header\s*>", re.DOTALL)
_FIELD = {
    name: re.compile(rb"<(?:[\w.-]+:)?" + name + rb"\s*>\s*([^<]*?)\s*</") for name in (b"identifier", b"datestamp")
}
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?resumptionToken[^>]*>\s*[^<\s]")
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
    for header in _HEADER.findall(body):
        identifier, datestamp = (_field(header, name) for name in (b"identifier", b"datestamp"))
        if not identifier:
            return None
        found.append((identifier, datestamp))
    return found


def _field(header: bytes, name: bytes) -> str:
    match = _FIELD[name].search(header)
    if match is None:
        return ""
    try:
        return unescape(match[1].decode())
    except UnicodeDecodeError:
        return ""
