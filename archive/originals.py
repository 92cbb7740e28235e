"""The XML of a record as it was sent, read once more: where derived things are derived from again."""

import re

from lxml import etree

from archive.envelope import BASE64, Record
from archive.prolog import first_tag

_DECLARATION = re.compile(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(\"[^\"]*\"|'[^']*')")


def parsed_original(record: Record) -> etree._Element | None:
    """The root element of what was sent; None where that is not kept, or is not XML of a record.

    A document type is never read: such a body was kept as text, an HTML page mostly.
    """
    original = record.original
    if original is None:
        return None
    try:
        if record.encoding == BASE64:
            body = record.original_bytes() or b""
            return None if b"<!DOCTYPE" in body else parse_xml(body)
        text = original.lstrip("\ufeff \t\r\n")
        if not text.startswith("<") or text.startswith("<!DOCTYPE", first_tag(text)):
            return None
        return parse_xml(_DECLARATION.sub(r"\1", text, count=1).encode())
    except (etree.LxmlError, ValueError):
        return None


def parse_xml(body: bytes) -> etree._Element:
    """The root element of what somebody sent; nothing is fetched or expanded. Raises lxml's errors, and ValueError."""
    # a parser of its own each time: one that is shared keeps the names of every document it has read
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(body, parser)
