"""Honour a charset that only the HTTP header of an XML document names (RFC 7303, section 3).

A byte order mark wins. After it RFC 7303 has the header's charset, and then the declaration; but servers add a default
charset to whatever they send (Apache's AddDefaultCharset), so a header that contradicts the bytes is not believed.
"""

import codecs
import re

from harvester.http.mediatypes import parameters

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARED = re.compile(rb"\s*<\?xml\s[^>]*?\sencoding\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_DECLARATION = re.compile(r"(\s*<\?xml\s[^>]*?)\s+encoding\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_UTF8 = "utf-8"
# codecs of Python that are no charsets of documents
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "utf-7", "mbcs"})


def as_declared(body: bytes, content_type: str) -> bytes:
    """Return an XML document in the charset that a parser takes it for: the body itself, or the same in UTF-8."""
    named = parameters(content_type).get("charset", "").strip("'\" ")
    if not named or body.startswith(_MARKS):
        return body
    declared = _DECLARED.match(body[:1024])
    inner = (declared[1] or declared[2] or b"").decode("latin-1") if declared is not None else ""
    header, document = _codec(named), _codec(inner or _UTF8)
    if header is None or header == document:
        return body
    if header.startswith("utf-16") and b"\0" in body[:4]:
        wide = "utf-16-be" if body[:1] == b"\0" else "utf-16-le"
        return _in_utf8(body, wide) or body
    if header == _UTF8 or document is None or _text(body, document) is None:
        return _in_utf8(body, header) or body
    return body


def _codec(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return None if found in _NO_CHARSETS else found


def _text(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except (UnicodeError, LookupError):
        return None


def _in_utf8(body: bytes, codec: str) -> bytes | None:
    """Return a document in UTF-8, its declaration without an encoding; None if it is not in this charset."""
    text = _text(body, codec)
    return None if text is None else _DECLARATION.sub(r"\1", text, count=1).encode("utf-8", "surrogatepass")
