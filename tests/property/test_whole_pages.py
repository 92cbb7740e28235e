"""Any page made of the elements of OAI-PMH in any order: all its records come out, or it names what did not."""

import copy
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from archive.findings import CODES
from archive.formats import jsonseq
from harvester.errors import HarvestError
from harvester.oaipmh.decode import Asked, DecodedPage, decode_list_identifiers, decode_list_records
from harvester.oaipmh.protocol import NAMESPACE, peek_token

TOKEN = "tök&n=1"
NAMES = [
    "record",
    "header",
    "metadata",
    "about",
    "identifier",
    "datestamp",
    "setSpec",
    "resumptionToken",
    "error",
    "request",
    "responseDate",
    "ListRecords",
    "ListIdentifiers",
    "GetRecord",
    "OAI-PMH",
    "set",
    "foo",
    "br",
    "token",
]
NAMESPACES = [NAMESPACE, "", "urn:other", NAMESPACE.replace("http:", "https:")]
TOKEN_PLACES = ["text", "attribute", "request", "request-url", "list", "none", "none"]


@dataclass
class Node:
    """An element; `namespace` None is that of what is around it, and `opaque` is the content of a metadata."""

    name: str
    children: list["Node | str"] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    namespace: str | None = None
    opaque: bool = False

    def xml(self) -> str:
        declared = f' xmlns="{self.namespace}"' if self.namespace is not None else ""
        attributes = "".join(f' {name}="{escaped(value)}"' for name, value in self.attributes.items())
        inside = "".join(child if isinstance(child, str) else child.xml() for child in self.children)
        return f"<{self.name}{declared}{attributes}>{inside}</{self.name}>"

    def inner(self) -> list["Node"]:
        """The elements below this one that may be moved, and this one's own."""
        own = [child for child in self.children if isinstance(child, Node)]
        return [*own, *(node for child in own if not child.opaque for node in child.inner())]

    def replace(self, old: "Node", new: list["Node | str"]) -> None:
        for node in [self, *self.inner()]:
            for at, child in enumerate(node.children):
                if child is old:
                    node.children[at : at + 1] = new
                    return


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def record(number: int, verb: str) -> Node:
    header = Node(
        "header",
        [
            Node("identifier", [f"oai:x:{number}"]),
            Node("datestamp", [f"2020-01-0{number}"]),
            Node("setSpec", [f"set{number}"]),
        ],
    )
    if verb == "ListIdentifiers":
        return header
    content = Node(
        "dc", [Node("title", [f"title {number}"]), Node("record", ["inner"])], namespace="urn:dc", opaque=True
    )
    return Node("record", [header, Node("metadata", [content])])


def page(verb: str, records: int, place: str) -> Node:
    request, listing = Node("request", ["http://x.example/oai"]), Node(verb)
    listing.children = [record(number, verb) for number in range(1, records + 1)]
    if place == "text":
        listing.children.append(Node("resumptionToken", [escaped(TOKEN)]))
    elif place == "attribute":
        listing.children.append(Node("resumptionToken", attributes={"cursor": "0", "token": TOKEN}))
    elif place == "request":
        request.attributes["resumptionToken"] = TOKEN
    elif place == "request-url":
        request.children = ["http://x.example/oai?verb=ListRecords&amp;resumptionToken=t%C3%B6k%26n%3D1"]
    elif place == "list":
        listing.attributes["resumptionToken"] = TOKEN
    return Node("OAI-PMH", [Node("responseDate", ["2026-01-01T00:00:00Z"]), request, listing], namespace=NAMESPACE)


@st.composite
def bent_pages(draw: st.DrawFn) -> tuple[str, int, str, str]:
    """(verb, records, place of the token, XML) of a page after some changes to its elements."""
    verb = draw(st.sampled_from(["ListRecords", "ListIdentifiers"]))
    records, place = draw(st.integers(1, 3)), draw(st.sampled_from(TOKEN_PLACES))
    root = page(verb, records, place)
    for _ in range(draw(st.integers(0, 4))):
        bend(draw, root)
    return verb, records, place, root.xml()


def bend(draw: st.DrawFn, root: Node) -> None:
    if not (nodes := root.inner()):
        return
    node = draw(st.sampled_from(nodes))
    change = draw(st.sampled_from(["move", "wrap", "rename", "repeat", "namespace", "case", "text", "split"]))
    if change == "wrap":
        root.replace(node, [Node(draw(st.sampled_from(NAMES)), [node])])
    elif change == "rename" and not node.opaque:
        node.name = draw(st.sampled_from(NAMES))
    elif change == "namespace" and not node.opaque:
        node.namespace = draw(st.sampled_from(NAMESPACES))
    elif change == "case" and not node.opaque:
        node.name = draw(st.sampled_from([node.name.upper(), node.name.lower(), node.name.capitalize()]))
    elif change == "text":
        root.replace(node, [node, draw(st.sampled_from(["Notice: x", " ", "<!-- <record> -->", "<br/>"]))])
    elif change == "split":  # a list, a record or a header becomes two
        half = draw(st.integers(0, len(node.children)))
        if not node.opaque:
            root.replace(
                node, [Node(node.name, part, node.attributes) for part in (node.children[:half], node.children[half:])]
            )
    elif change in ("move", "repeat"):
        if change == "move":
            root.replace(node, [])
        moved = copy.deepcopy(node)
        places = [place for place in [root, *root.inner()] if not place.opaque]
        target = draw(st.sampled_from(places))
        target.children.insert(draw(st.integers(0, len(target.children))), moved)


def decode(verb: str, body: bytes) -> DecodedPage:
    if verb == "ListIdentifiers":
        return decode_list_identifiers(body, Asked(lenient=True))
    return decode_list_records(body, "u", "oai_dc", "t", 3, Asked(lenient=True))


def proves(found: DecodedPage) -> bool:
    """Whether nothing of a page speaks against its list."""
    return not found.unaccounted and all(CODES[code][0] == "info" for _, code, _ in found.problems)


@given(bent_pages())
def test_all_records_come_out_or_the_page_proves_nothing(bent: tuple[str, int, str, str]):
    verb, records, place, text = bent
    note(text)
    try:
        found = decode(verb, text.encode())
    except HarvestError:
        return
    if not proves(found):
        return
    rows = {row[0]: row for row in found.rows}
    assert rows.keys() >= {f"oai:x:{number}" for number in range(1, records + 1)}
    for number in range(1, records + 1):
        assert rows[f"oai:x:{number}"][1] == f"2020-01-0{number}"
    if place != "none":
        assert found.token is not None
    if verb == "ListRecords":
        texts = b"".join(piece for piece, _ in found.payload).split(jsonseq.RS)
        assert all(any(f"title {number}".encode() in one for one in texts) for number in range(1, records + 1))


@given(bent_pages())
def test_a_token_that_is_seen_early_is_the_one_that_parsing_finds(bent: tuple[str, int, str, str]):
    verb, _, _, text = bent
    seen = peek_token(text.encode())
    try:
        found = decode(verb, text.encode())
    except HarvestError:
        return
    assert seen is None or seen == found.token or not proves(found)


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
@pytest.mark.parametrize("place", TOKEN_PLACES[:-1])
def test_a_page_that_is_not_bent_is_read_whole(verb: str, place: str):
    found = decode(verb, page(verb, 3, place).xml().encode())
    assert [row[:2] for row in found.rows] == [(f"oai:x:{n}", f"2020-01-0{n}") for n in (1, 2, 3)]
    assert found.token == (None if place == "none" else TOKEN)
    assert proves(found)


@pytest.mark.parametrize("place", ["text", "attribute", "request", "request-url"])
@pytest.mark.parametrize("name", ["foo", "records", "Records"])
def test_records_in_a_wrapper_carry_the_bytes_that_were_sent(place: str, name: str):
    text = page("ListRecords", 3, place).xml()
    wrapped = re.sub(r"(<record>.*</record>)", rf"<{name}>\1</{name}>", text)
    for body in (wrapped, wrapped.replace("<title>", "<title >").replace("<record>inner", "<record>inn&#101;r")):
        found = decode("ListRecords", body.encode())
        assert len(found.rows) == 3
        assert proves(found)
        texts = b"".join(piece for piece, _ in found.payload)
        assert texts.count(b"<title >" if "<title >" in body else b"<title>") == 3
        assert texts.count(b"inn&#101;r" if "&#101;" in body else b"inner") == 3
