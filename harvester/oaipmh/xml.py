"""XML that is parsed whole or not at all: nothing is mended, fetched or expanded."""

import re

from lxml import etree

from archive.store import first_tag
from harvester.errors import MalformedPage

# no page of records is this long; the limit is what makes huge_tree safe
MAX_BYTES = 512 << 20
_BOM = b"\xef\xbb\xbf"
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?OAI-PMH[\s>]")
_DECLARATION = re.compile(rb"<\?xml\s[^>]*\?>")
_ROOT_END = re.compile(rb"</(?:[A-Za-z_][\w.-]*:)?OAI-PMH\s*>")
# what may be a part of the document that fell out of it
_PARTS = re.compile(rb"</?(?:[a-z_][\w.-]*:)?(?:record|header|identifier|resumptiontoken|list\w+)[\s/>]", re.IGNORECASE)


def parse_document(body: bytes, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root element of one whole document. Raises MalformedPage.

    Entities are not resolved and nothing is fetched; a document type is refused before anything is parsed,
    which leaves no way to make a small document grow, and so large text nodes can be allowed.
    """
    if len(body) > max_bytes:
        raise MalformedPage(f"{len(body)} bytes, more than the {max_bytes} that are read")
    body = body.lstrip(b" \t\r\n")  # before a declaration it is no XML, and after a stray line of PHP it is there
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        body = _from_utf16(body)
    if body.startswith(b"<!DOCTYPE", first_tag(body, len(_BOM) if body.startswith(_BOM) else 0)):
        raise MalformedPage("it carries a document type declaration, which is never read")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=True,
        recover=False,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError, LookupError) as cause:
        raise MalformedPage(f"not well-formed XML ({len(body)} bytes): {cause}") from None
    if root is None or not isinstance(root.tag, str):
        raise MalformedPage("no XML element")
    # lxml looks at the last thing that libxml2 had to say, and lets an error pass when a mere warning followed it
    if errors := parser.error_log.filter_from_errors():
        raise MalformedPage(f"not well-formed XML ({len(body)} bytes): {errors[0].message}")
    if root.getroottree().docinfo.doctype:
        raise MalformedPage("it carries a document type declaration, which is never read")
    return root


def without_noise(body: bytes) -> tuple[bytes, bytes]:
    """Return the OAI-PMH document in a body, and the beginning of the text around it, b"" if there is none.

    PHP writes its notices before the declaration and behind the end of a document (findsorguk/findsorguk#843). A
    document that has something in the middle, or around it what may be a part of it, stays as it is.
    """
    body = body.strip(b" \t\r\n")
    root = _ROOT.search(body)
    last = body.rfind(b"OAI-PMH")
    end = _ROOT_END.match(body, body.rfind(b"<", 0, last)) if last > 0 else None
    if root is None or end is None or end.start() < root.start():
        return body, b""
    declaration = _DECLARATION.search(body, 0, root.start())
    start, after = declaration.span() if declaration is not None else (0, 0)
    if declaration is None and first_tag(body, len(_BOM) if body.startswith(_BOM) else 0) == root.start():
        start = after = root.start()
    before, between = body[:start], body[after : root.start()]
    if first_tag(body, after) == root.start():
        between = b""
    noise = b"".join((before.removeprefix(_BOM), between, body[end.end() :])).strip(b" \t\r\n")
    if not noise or _PARTS.search(noise):
        return body, b""
    head = declaration[0] if declaration is not None else b""
    return head + body[root.start() : end.end()], noise[:200]


def _from_utf16(body: bytes) -> bytes:
    try:
        text = body.decode("utf-16")
    except UnicodeDecodeError as cause:
        raise MalformedPage(f"not UTF-16: {cause}") from None
    return re.sub(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(\"[^\"]*\"|'[^']*')", r"\1", text).encode(
        "utf-8", "surrogatepass"
    )
