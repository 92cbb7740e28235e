"""Find the records, headers and resumption tokens of a page wherever they stand, and name everything else.

A page as the protocol describes it is recognised without a search. Any other is searched whole: elements are
recognised by their local name, in any namespace and in upper or lower case, inside any other element except the
metadata and the abouts of records. What is found in an unusual place is used and reported as a deviation; what is not
recognised is counted in `unaccounted`, because it may stand for records.
"""

import itertools
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

RECORD, HEADER = "record", "header"
_TOKEN = "resumptiontoken"  # noqa: S105 - a name
_LISTS = frozenset({"listrecords", "listidentifiers", "getrecord"})
_PARTS = frozenset({"header", "metadata", "about"})
_FIELDS = frozenset({"identifier", "datestamp", "setspec"})
# elements that hold text
_TEXTS = frozenset({"responsedate", "request", "error", _TOKEN, *_FIELDS})
_TOKEN_ATTRIBUTES = frozenset({"completelistsize", "cursor", "expirationdate"})
# attributes that have held the token itself (kitodo/kitodo-presentation#300)
# under which an element that is not a resumption token may name one
_HOLDER_NAMES = frozenset({_TOKEN, "token", "nexttoken"})
_TOKEN_NAMES = frozenset({_TOKEN, "token", "value", "resume", "next", "nexttoken", "id", "key"})
_SPACE = " \t\r\n"
# kinds of things that are named of one page
_NAMED_MOST = 20


@dataclass(slots=True)
class Layout:
    """Where the parts of a page are. `items` are its records or headers and `tokens` its token elements, both in
    document order; `listings` are its list elements, `errors` those that stand inside of another element, `holders`
    other elements that have a token as an attribute.

    `plain`: the page is as the protocol describes it, and the items are the children of its only list.
    """

    plain: bool
    items: list[etree._Element] = field(default_factory=list)
    tokens: list[etree._Element] = field(default_factory=list)
    listings: list[etree._Element] = field(default_factory=list)
    requests: list[etree._Element] = field(default_factory=list)
    errors: list[etree._Element] = field(default_factory=list)
    holders: list[etree._Element] = field(default_factory=list)
    unaccounted: Counter[str] = field(default_factory=Counter)
    deviations: dict[str, None] = field(default_factory=dict)

    @property
    def descriptions(self) -> tuple[str, ...]:
        """One description for each kind of thing that was not accounted for."""
        return described(self.unaccounted)


@dataclass(frozen=True, slots=True)
class Token:
    """The token of a page. `text` is "" for an empty one; `has_element` tells that from a page without one.

    `requested` is the token that <request> names: that of the request, or of the next one where there is no other.
    """

    text: str = ""
    has_element: bool = False
    requested: str = ""
    attributes: "etree._Element | None" = None


def local_name(element: etree._Element) -> str:
    """Return the local name of an element in lower case, "" for a comment or an instruction."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def lay_out(root: etree._Element, oai: str, verb: str, item: str) -> Layout:
    """Find the parts of a page; `item` is what its list is made of (`RECORD` or `HEADER`)."""
    return _plain(root, oai, verb, item) or search(root, item)


def _plain(root: etree._Element, oai: str, verb: str, item: str) -> Layout | None:
    """Return the layout of a page that is as the protocol describes it, None for any other."""
    listings, requests = [], []
    verb_tag, request_tag, date_tag = f"{oai}{verb}", f"{oai}request", f"{oai}responseDate"
    for child in root:
        tag = child.tag
        if tag == verb_tag:
            listings.append(child)
        elif tag == request_tag:
            requests.append(child)
        elif tag != date_tag and isinstance(tag, str):
            return None
        if _has_text(child.tail) or (tag != verb_tag and len(child)):
            return None
    if len(listings) != 1 or len(requests) > 1 or _has_text(root.text):
        return None
    listing = listings[0]
    if _has_text(listing.text) or attribute_token(listing, _HOLDER_NAMES) or attribute_token(root, _HOLDER_NAMES):
        return None
    items, tokens = [], []
    item_tag, token_tag = f"{oai}{item}", f"{oai}resumptionToken"
    for child in listing:
        tag = child.tag
        if tag == item_tag:
            items.append(child)
        elif tag == token_tag:
            tokens.append(child)
        elif isinstance(tag, str):
            return None
        if (tail := child.tail) is not None and tail.strip(_SPACE):
            return None
    if len(tokens) > 1 or (tokens and not _is_plain_token(tokens[0])):
        return None
    return Layout(plain=True, items=items, tokens=tokens, listings=listings, requests=requests)


def _is_plain_token(token: etree._Element) -> bool:
    return _has_text(token.text) or not (len(token) or _odd_attributes(token))


def _odd_attributes(element: etree._Element) -> bool:
    """Whether an element has attributes of the protocol's own or no namespace that the protocol does not know."""
    return any(name[0] != "{" and name.lower() not in _TOKEN_ATTRIBUTES for name in map(str, element.keys()))


def search(root: etree._Element, item: str) -> Layout:
    """Find the parts of a page anywhere below its root."""
    layout = Layout(plain=False)
    parents = _around(root)
    layout.unaccounted.update(_text_in(root))
    # a stack of its own: elements may be nested deeper than functions
    open_: list[tuple[str, Iterator[etree._Element]]] = [("root", iter(root))]
    while open_:
        inside, children = open_[-1]
        child = next(children, None)
        if child is None:
            open_.pop()
        elif (name := local_name(child)) and (
            entered := _take(layout=layout, child=child, name=name, inside=inside, item=item, parents=parents)
        ):
            if entered not in _TEXTS:
                layout.unaccounted.update(_text_in(child))
                _note_holder(layout, child)
            open_.append((entered, iter(child)))
    _note_holder(layout, root)
    return layout


def _note_holder(layout: Layout, element: etree._Element) -> None:
    if attribute_token(element, _HOLDER_NAMES):
        layout.holders.append(element)


def _take(
    layout: Layout, child: etree._Element, name: str, inside: str, item: str, parents: set[etree._Element]
) -> str | None:
    """Take an element; the name of the place that its children are in, None when they are not to be looked at."""
    if (inside == RECORD and name in _PARTS and name != item) or (inside == HEADER and name in _FIELDS):
        # the metadata and the abouts are the record's own
        return name if name not in ("metadata", "about") else None
    if name in (RECORD, HEADER) and name == item:
        layout.items.append(child)
        if inside not in _LISTS:
            layout.deviations[f"<{name}> elements outside of their list"] = None
        return name
    if name == RECORD:
        if child not in parents:
            layout.unaccounted["<record> without <header>"] += 1
        return name
    if name in _LISTS:
        if layout.listings:
            layout.deviations["several lists on a page"] = None
        layout.listings.append(child)
        return name
    if name == _TOKEN:
        layout.tokens.append(child)
        if inside not in _LISTS and inside != "root":
            layout.deviations["<resumptionToken> outside of its list"] = None
    elif name == "request" and inside == "root" and not layout.requests:
        layout.requests.append(child)
    elif name in ("request", "responsedate"):
        if name == "request" or inside != "root":
            layout.unaccounted[f"{_shown(child)} in {_shown(child.getparent())}"] += 1
    elif name == "error":
        if inside != "root":
            layout.errors.append(child)
    elif name == HEADER:
        layout.unaccounted["<header> outside <record>"] += 1
    elif name in _PARTS or child not in parents:
        layout.unaccounted[f"{_shown(child)} in {_shown(child.getparent())}"] += 1
        return "other" if child in parents else None
    else:
        layout.deviations[f"{_shown(child)} around records or tokens"] = None
        return "other"
    return name


def _around(root: etree._Element) -> set[etree._Element]:
    """Return the elements that have a record, a header, a list or a token inside of them."""
    found: set[etree._Element] = set()
    for element in root.iter(etree.Element):
        if local_name(element) in (RECORD, HEADER, _TOKEN) or local_name(element) in _LISTS:
            parent = element.getparent()
            while parent is not None and parent not in found:
                found.add(parent)
                parent = parent.getparent()
    return found


def _text_in(element: etree._Element) -> list[str]:
    """Return a description of the text between the children of an element; none for white space."""
    texts = itertools.chain((element.text,), (child.tail for child in element))
    return [f"text in {_shown(element)}"] if any(map(_has_text, texts)) else []


def _has_text(text: str | None) -> bool:
    return text is not None and bool(text.strip(_SPACE))


def _shown(element: "etree._Element | None") -> str:
    name = str(element.tag).rpartition("}")[2] if element is not None else ""
    return f"<{name[:60]}>"


def add_up(descriptions: Iterable[str]) -> tuple[str, ...]:
    """Add up the descriptions of several pages."""
    counts: Counter[str] = Counter()
    for text in descriptions:
        number, _, what = text.partition(" ")
        counts.update({what: int(number)} if number.isdigit() else {text: 1})
    return described(counts)


def described(counts: "Counter[str]") -> tuple[str, ...]:
    """Describe what was counted, a text for each kind."""
    named = itertools.islice(((what, count) for what, count in counts.items() if count), _NAMED_MOST)
    return tuple(f"{count} {what}" if count > 1 else what for what, count in named)


# --- the token


def find_token(layout: Layout) -> Token:
    """Return the token of a page: that of its last list, else the last one that is not empty.

    Values that contradict each other are counted in `layout.unaccounted`: only one of them can be followed.
    """
    if layout.plain and not layout.tokens:
        return Token(requested=_requested(layout))
    values = [(element, _value(element, layout)) for element in layout.tokens]
    values += [(holder, attribute_token(holder, _HOLDER_NAMES)) for holder in layout.holders]
    full = [(element, value) for element, value in values if value]
    if len({value for _, value in full}) > 1:
        layout.unaccounted["<resumptionToken> that contradicts another"] += 1
    in_list = [pair for pair in full if pair[0].getparent() in layout.listings]
    none: list[tuple[etree._Element | None, str]] = [(None, "")]
    chosen = [*none, *(in_list or full or values)][-1]
    sizes = {size for element in layout.tokens if (size := (element.get("completeListSize") or "").strip())}
    if len(sizes) > 1:
        layout.unaccounted["completeListSize that contradicts another"] += 1
    sized = next((element for element in layout.tokens if element.get("completeListSize")), chosen[0])
    attributes = chosen[0] if chosen[0] is not None and chosen[0].get("completeListSize") else sized
    return Token(
        text=chosen[1],
        has_element=bool(values),
        requested=_requested(layout),
        attributes=attributes,
    )


def _value(element: etree._Element, layout: Layout) -> str:
    """Return the token that an element holds: its text, or one of its attributes."""
    own = "".join(itertools.chain((element.text or "",), (child.tail or "" for child in element))).strip()
    inner = [child for child in element if isinstance(child.tag, str)]
    if own or not (inner or _odd_attributes(element)):
        return own
    if inner:
        return "".join(element.itertext(etree.Element)).strip()
    odd = {
        name: value.strip()
        for name, value in ((str(name), str(value)) for name, value in element.attrib.items())
        if name[0] != "{" and name.lower() not in _TOKEN_ATTRIBUTES and value.strip()
    }
    named = {value for name, value in odd.items() if name.lower() in _TOKEN_NAMES}
    if len(named) == 1:
        layout.deviations["resumption tokens in an attribute"] = None
        return named.pop()
    for name in odd:
        layout.unaccounted[f"attribute {name[:60]} of an empty <resumptionToken>"] += 1
    return ""


def attribute_token(element: etree._Element, names: Container[str] = (_TOKEN,)) -> str:
    """Return the token that is an attribute of an element under one of some names, "" without one."""
    found = (value for name, value in element.attrib.items() if str(name).lower() in names)
    return str(next(found, "")).strip()


def _requested(layout: Layout) -> str:
    """Return the token in the attributes of <request>, or in the URL that is its text; "" without one."""
    for element in layout.requests:
        if token := attribute_token(element):
            return token
        if (text := element.text) is not None and "oken=" in text:
            for name, value in parse_qsl(urlsplit(text.strip()).query):
                if name.lower() == _TOKEN and value.strip():
                    return value.strip()
    return ""
