"""Draw XML documents from an XML schema: for property tests of crosswalks.

Only what the schemas of DataCite, MARC21 and Dublin Core use is understood. Wherever the schema takes any text, the
text is a word that no other place has, so that a test can look for each of them in what was made of the document.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# values of simple types that are patterns, or built in
_VALUES = {
    "identifierType": ["DOI", "Handle"],
    "language": ["en", "de"],
    "anyURI": ["https://x.example/{}"],
    "float": ["1.5", "52.12345678901234567"],
    "yearType": ["2020"],
    "int": ["7"],
    "integer": ["7"],
    "positiveInteger": ["7"],
    "point": ["41.1 -69.7"],
    "box": ["1 2 3 4"],
    "date": ["2020-01-02"],
    "double": ["1.5"],
    "gYear": ["2020"],
    "doiType": ["10.5072/{}"],
    "longitudeType": ["52.12345678901234567"],
    "latitudeType": ["-1.5"],
    "leaderDataType": ["00000nam a2200000 a 4500"],
    "idDataType": ["i{}"],
}
_PATTERNS = {
    "controlFieldDataType": None,
    "subfieldDataType": None,
    "controltagDataType": ["001", "005"],
    "tagDataType": ["245", "700"],
    "indicatorDataType": [" ", "1"],
    "subfieldcodeDataType": ["a", "2"],
    "recordTypeType": None,
}


class Schema:
    """The types and elements of an XSD and of those that it includes or imports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.types: dict[str, etree._Element] = {}
        self.elements: dict[str, etree._Element] = {}
        self.groups: dict[str, etree._Element] = {}
        waiting, done = [path], set[Path]()
        while waiting:
            one = waiting.pop()
            if one in done or not one.exists():
                continue
            done.add(one)
            root = etree.parse(one).getroot()
            for child in root:
                if isinstance(child.tag, str) and (name := child.get("name")):
                    kinds = {f"{XS}element": self.elements, f"{XS}group": self.groups}
                    kinds.get(child.tag, self.types).setdefault(name, child)
                if child.tag in (f"{XS}include", f"{XS}import") and (place := child.get("schemaLocation")):
                    waiting.append(one.parent / (place if "://" not in place else place.rpartition("/")[2]))
        self.root = etree.parse(path).getroot()
        self.namespace = self.root.get("targetNamespace") or ""
        # one that imports what is not there cannot be used, and draws nevertheless
        try:
            self._schema: etree.XMLSchema | None = etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
        except etree.XMLSchemaParseError:
            self._schema = None

    def faults(self, element: etree._Element) -> str:
        """What is not valid in an element, nothing for a valid one."""
        if self._schema is None or self._schema.validate(element):
            return ""
        return str(self._schema.error_log)

    def drawn(self, draw: Any, name: str) -> tuple[etree._Element, list[str]]:
        """Draw an element by its name; also returns every text and value of an attribute in it."""
        drawing = _Drawing(self, draw)
        element = drawing.element(self.elements[name])
        return element, drawing.texts


class _Drawing:
    def __init__(self, schema: Schema, draw: Any) -> None:
        self.schema, self.draw = schema, draw
        self.texts: list[str] = []
        self.words = 0

    def word(self) -> str:
        self.words += 1
        return f"w{self.words:04}z"

    def said(self, text: str) -> str:
        if text.strip():
            self.texts.append(text)
        return text

    def element(self, declared: etree._Element) -> etree._Element:
        if (ref := declared.get("ref")) is not None:
            declared = self.schema.elements[ref.rpartition(":")[2]]
        namespace = declared.getroottree().getroot().get("targetNamespace")
        made = etree.Element(f"{{{namespace}}}{declared.get('name')}" if namespace else str(declared.get("name")))
        kind = next((c for c in declared if c.tag in (f"{XS}complexType", f"{XS}simpleType")), None)
        named = declared.get("type", "").rpartition(":")[2]
        if kind is None and not named:
            self.anything(made)
        else:
            self.fill(made, kind if kind is not None else self.schema.types.get(named), named)
        return made

    def anything(self, made: etree._Element) -> None:
        """An element without a type takes any text and any attribute."""
        made.text = self.said(self.word())
        names = (LANG, "schemeURI", "nameIdentifierScheme", "affiliationIdentifier", "other", "nameType")
        for name in self.draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
            made.set(name, self.said("de" if name == LANG else self.word()))

    def fill(self, made: etree._Element, kind: etree._Element | None, named: str) -> None:
        if kind is None or kind.tag == f"{XS}simpleType":
            made.text = self.said(self.value(kind, named))
            return
        if kind.get("mixed") == "true":
            made.text = self.said(self.word())
        for content in kind.iterchildren(f"{XS}simpleContent", f"{XS}complexContent"):
            extension = content[0]
            base = extension.get("base", "").rpartition(":")[2]
            self.fill(made, self.schema.types.get(base), base)
            self.attributes(made, extension)
        self.attributes(made, kind)
        for group in kind.iterchildren(f"{XS}sequence", f"{XS}all", f"{XS}choice", f"{XS}group"):
            self.group(made, group)

    def group(self, made: etree._Element, group: etree._Element) -> None:
        if (ref := group.get("ref")) is not None:
            for inner in self.schema.groups[ref.rpartition(":")[2]].iterchildren(etree.Element):
                self.group(made, inner)
            return
        for _ in range(self.times(group)):
            members = [child for child in group if child.tag in _PARTICLES]
            if group.tag == f"{XS}choice" and members:
                members = [self.draw(st.sampled_from(members))]
            elif group.tag == f"{XS}all":
                members = self.draw(st.permutations(members))
            for member in members:
                if member.tag == f"{XS}element":
                    for _ in range(self.times(member)):
                        made.append(self.element(member))
                else:
                    self.group(made, member)

    def times(self, particle: etree._Element) -> int:
        least, most = int(particle.get("minOccurs", "1")), particle.get("maxOccurs", "1")
        most_ = least + 2 if most == "unbounded" else min(int(most), least + 2)
        return int(self.draw(st.integers(least, max(most_, least))))

    def attributes(self, made: etree._Element, holder: etree._Element) -> None:
        for attribute in holder.iterchildren(f"{XS}attribute"):
            if attribute.get("use") != "required" and self.draw(st.booleans()):
                continue
            if "lang" in (attribute.get("ref") or ""):
                made.set(LANG, self.said("de"))
                continue
            if (fixed := attribute.get("fixed")) is not None:
                made.set(str(attribute.get("name")), self.said(fixed))
                continue
            kind = next(attribute.iterchildren(f"{XS}simpleType"), None)
            named = attribute.get("type", "").rpartition(":")[2]
            kind = kind if kind is not None else self.schema.types.get(named)
            made.set(str(attribute.get("name")), self.said(self.value(kind, named)))

    def value(self, kind: etree._Element | None, named: str) -> str:
        for name in (named, kind.get("name", "") if kind is not None else ""):
            if (values := _VALUES.get(name) or _PATTERNS.get(name)) is not None:
                return str(self.draw(st.sampled_from(values))).format(self.word())
        if kind is not None and (allowed := [one.get("value") for one in kind.iter(f"{XS}enumeration")]):
            return str(self.draw(st.sampled_from(allowed)))
        if kind is not None and kind.find(f".//{XS}length[@value='0']") is not None:
            return ""
        if kind is not None and (restriction := kind.find(f"{XS}restriction")) is not None:
            base = restriction.get("base", "").rpartition(":")[2]
            if base in _VALUES or (base != named and base in self.schema.types):
                return self.value(self.schema.types.get(base), base)
        return self.word()


_PARTICLES = tuple(f"{XS}{name}" for name in ("element", "sequence", "choice", "group"))


def leaves(element: etree._Element) -> Iterator[etree._Element]:
    """The elements without others in them."""
    return (one for one in element.iter(etree.Element) if not len(one))
