"""Cut metadata out of a page byte for byte: what the provider sent is kept, not what a serializer makes of it.

The page was parsed strictly before, so its tags are balanced and a tokenizer of four kinds of token can find
the borders; whatever does not agree with the parsed tree is serialised from the tree instead.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

# Comments, CDATA and processing instructions are passed over: they may hold anything that looks like a tag.
_TOKEN = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rb"|<(?P<close>/?)(?P<name>(?:[A-Za-z_][\w.\-]*:)?(?i:record|metadata|about))(?=[\s/>])"
    rb"(?:[^>\"'/]|\"[^\"]*\"|'[^']*'|/(?!>))*(?P<empty>/?)>",
    re.DOTALL,
)
_ROOT = rb"\s*(?:<!--.*?-->\s*|<\?.*?\?>\s*)*<(?P<name>[^\s/>]+)"
_ROOT_NAME = re.compile(_ROOT, re.DOTALL)
_START_TAG = re.compile(_ROOT + rb"(?:[^>\"'/]++|\"[^\"]*\"|'[^']*')*+(?=/?>)", re.DOTALL)
# The grammar of a page that has nothing but its records, each tag without a prefix
_ATTRIBUTES = rb"(?:\s+[\w:.\-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*+\s*"
_RECORD = re.compile(rb"\s*<record" + _ATTRIBUTES + rb">\s*<header" + _ATTRIBUTES + rb">")
_NEXT = re.compile(rb"</(?:header|metadata|about)\s*>\s*(?:<(metadata|about)" + _ATTRIBUTES + rb">|</record\s*>\s*)")
_TOKEN_ELEMENT = rb"(?:<resumptionToken" + _ATTRIBUTES + rb"(?:/>|>[^<]*</resumptionToken\s*>)\s*)?"
_END = re.compile(_TOKEN_ELEMENT + rb"</(?:ListRecords|GetRecord)\s*>\s*" + _TOKEN_ELEMENT + rb"</OAI-PMH\s*>\s*\Z")
_VALUE = re.compile(rb"\"[^\"]*\"|'[^']*'")
_UNPREFIXED = re.compile(rb"<[^\s/>:!?]+[\s/>]")
_LESS_THAN = ord("<")
_HUGE = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
UTF8 = frozenset({"UTF-8", "UTF8", "US-ASCII", "ASCII"})


@dataclass(frozen=True, slots=True)
class Slices:
    """The bytes between the tags of one record's <metadata> and of each <about>; None where there is none."""

    metadata: bytes | None
    abouts: tuple[bytes, ...]

    def fits(self, metadata: "etree._Element | None", abouts: list[etree._Element]) -> bool:
        """Whether the slices hold what the tree says they should."""
        return (
            (metadata is None or (self.metadata is not None and _same_root(self.metadata, metadata)))
            and len(self.abouts) == len(abouts)
            and all(map(_same_root, self.abouts, abouts))
        )

    def agree(self, metadata: "etree._Element | None", abouts: list[etree._Element]) -> bool:
        """Whether the slices have the very content of the tree: on an unusual page they may be of other elements."""
        pairs = list(zip(self.abouts, abouts, strict=True))
        if metadata is not None and self.metadata is not None:
            pairs.append((self.metadata, metadata))
        return all(_same_content(standalone(text, element), element) for text, element in pairs)

    def metadata_of(self, element: "etree._Element | None") -> bytes | None:
        """The metadata as XML that stands alone."""
        return None if element is None or self.metadata is None else standalone(self.metadata, element)

    def abouts_of(self, elements: list[etree._Element]) -> tuple[bytes, ...]:
        """The abouts as XML that stands alone."""
        return tuple(standalone(text, element) for text, element in zip(self.abouts, elements, strict=True))


def slice_records(body: bytes, encoding: str | None) -> list[Slices] | None:
    """The slices of each record of a page, in order; None when its bytes are not UTF-8.

    `encoding` is the declared one, None when there is no declaration.
    """
    if (encoding is not None and encoding.upper() not in UTF8) or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    plain = _slice_plain(body)
    return plain if plain is not None else _slice_any(body)


def _slice_plain(body: bytes) -> list[Slices] | None:
    """The slices of a page as most are, None for any other: four times as fast as looking at each of its tags.

    Nothing in it hides a tag (comment, CDATA, instruction), so a search for an end tag finds one. It may be that of
    an element inside, and then what follows it does not fit: the end tag of the outer one has no place in the
    grammar of the page, which goes to the end of the body.
    """
    root = body.find(b"<OAI-PMH")
    at = body.find(b"<record", root)
    if root < 0 or at < 0 or _hides(body, b"!", root) or _hides(body, b"?", root):
        return None
    found: list[Slices] = []
    while (opened := _RECORD.match(body, at)) is not None:
        metadata: bytes | None = None
        abouts: list[bytes] = []
        part = _next(body, b"header", opened.end())
        while part is not None and (name := part[1]) is not None:
            end = body.find(b"</" + name, part.end())
            if end < 0:
                return None
            if name == b"about":
                abouts.append(body[part.end() : end])
            elif metadata is None:
                metadata = body[part.end() : end]
            else:
                return None
            part = _NEXT.match(body, end)
        if part is None:
            return None
        found.append(Slices(metadata, tuple(abouts)))
        at = part.end()
    return found if _END.match(body, at) else None


def _next(body: bytes, name: bytes, at: int) -> "re.Match[bytes] | None":
    """What follows the next end tag of that name."""
    end = body.find(b"</" + name, at)
    return _NEXT.match(body, end) if end >= 0 else None


def _hides(body: bytes, mark: bytes, at: int) -> bool:
    """Whether `mark` stands behind a `<`, or so often that it is not worth looking at each."""
    for _ in range(64 + len(body) // 256):
        at = body.find(mark, at + 1)
        if at < 0:
            return False
        if body[at - 1] == _LESS_THAN:
            return True
    return True


@dataclass(slots=True)
class _Open:
    """A record whose end was not reached: its tag, its place among all, and what was found in it."""

    tag: bytes
    number: int
    metadata: bytes | None = None
    abouts: list[bytes] = field(default_factory=list)
    doubtful: bool = False  # of two elements called metadata one is of another namespace, or the page is odd

    def slices(self) -> Slices:
        return Slices(None if self.doubtful else self.metadata, tuple(self.abouts))


def _slice_any(body: bytes) -> list[Slices]:
    """The slices of a page, whatever it holds besides its records; those of a record inside another come after its."""
    found: list[Slices] = []
    records: list[_Open] = []  # those that we are in, the innermost last
    inner: bytes | None = None  # the tag of the part of it that we are in
    depth = start = 0
    for match in _TOKEN.finditer(body):
        name = match["name"]
        if name is None:
            continue
        if inner is not None:
            if name == inner and not match["empty"]:
                depth += -1 if match["close"] else 1
                if not depth:
                    content, record = body[start : match.start()], records[-1]
                    if inner.lower().endswith(b"metadata"):
                        record.doubtful = record.doubtful or record.metadata is not None
                        record.metadata = content
                    else:
                        record.abouts.append(content)
                    inner = None
        elif match["close"]:
            if records and name == records[-1].tag:
                record = records.pop()
                found[record.number] = record.slices()
        elif name.lower().endswith(b"record"):
            if not match["empty"]:
                records.append(_Open(name, len(found)))
            found.append(Slices(None, ()))
        elif records and not match["empty"]:
            inner, depth, start = name, 1, match.end()
    return found


def _same_root(text: bytes, element: etree._Element) -> bool:
    match = _ROOT_NAME.match(text)
    return match is not None and match["name"].rpartition(b":")[2] == str(element.tag).rpartition("}")[2].encode()


def _same_content(text: bytes, element: etree._Element) -> bool:
    try:
        found = etree.fromstring(text, _HUGE)
    except etree.XMLSyntaxError:
        return False
    return canonical(found) == canonical(element)


def canonical(element: etree._Element) -> bytes:
    """An element in exclusive canonical form; as it is serialised where it has none."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    try:
        return etree.tostring(etree.fromstring(text, _HUGE), method="c14n", exclusive=True)
    except (etree.LxmlError, ValueError):  # a namespace that is a relative URI
        return text.encode("utf-8", "surrogatepass")


def standalone(text: bytes, element: etree._Element) -> bytes:
    """`text` with the namespaces that it uses and that are declared outside of it in its start tag."""
    text = text.strip(b" \t\r\n")
    parent = element.getparent()
    inherited = parent.nsmap if parent is not None else {}
    match = _START_TAG.match(text)
    assert match is not None
    start = text[match.start("name") : match.end()]
    missing = [
        declaration
        for prefix, uri in inherited.items()
        if (declaration := _missing(prefix, uri, text, start, match["name"])) is not None
    ]
    if not missing:
        return text
    at = match.start("name") + len(match["name"])
    return text[:at] + b"".join(missing) + text[at:]


def _missing(prefix: str | None, uri: str, text: bytes, start: bytes, name: bytes) -> bytes | None:
    """The declaration that `text` needs for an inherited prefix, None when it does not need one."""
    if prefix is None:
        if _declares(start, b"xmlns") or (b":" in name and not _UNPREFIXED.search(text)):
            return None
        return _declaration(b"xmlns", uri)
    mark = prefix.encode()
    if mark + b":" not in text or _declares(start, b"xmlns:" + mark):
        return None
    return _declaration(b"xmlns:" + mark, uri)


def _declaration(name: bytes, uri: str) -> bytes:
    return b' %b="%b"' % (name, uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").encode())


def _declares(start: bytes, name: bytes) -> bool:
    """Whether a start tag has this declaration."""
    # the start tags of a page are often all the same; one that is longer than any is not worth keeping
    return (_has_attribute if len(start) < 2000 else _has_attribute.__wrapped__)(start, name)


@lru_cache(maxsize=256)
def _has_attribute(start: bytes, name: bytes) -> bool:
    """Whether a start tag has this attribute; what the value of another looks like is none."""
    return name in start and re.search(rb"\s" + re.escape(name) + rb"\s*=", _VALUE.sub(b"", start)) is not None
