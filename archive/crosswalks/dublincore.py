"""Dublin Core, simple and qualified, to JSON: for each element the list of its values, in order.

A value is a string; one with xml:lang or another attribute is an object with `value`, `lang` and the attributes. The
fifteen elements have their plain names; those of DCMI terms are `dcterms:NAME` whatever prefix the provider used, and
those of any other namespace keep the provider's prefix.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from archive.crosswalks.anyjson import each
from archive.crosswalks.shapes import identifiers, spoken

TERMS = "http://purl.org/dc/terms/"
ELEMENTS = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/elements/1.0/")
# namespaces of root elements that contain Dublin Core
NAMESPACES = frozenset({"http://www.openarchives.org/OAI/2.0/oai_dc/", TERMS, *ELEMENTS})
_DC = tuple(f"{{{namespace}}}" for namespace in ELEMENTS)
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def holds_dublin_core(element: etree._Element) -> bool:
    """Return whether an element of another or no namespace is Dublin Core, by its name and content."""
    name = str(element.tag).rpartition("}")[2]
    inside = (child.tag for child in element if isinstance(child.tag, str))
    return name == "qualifieddc" or (name == "dc" and next(inside, "").startswith((*_DC, f"{{{TERMS}}}")))


def dc_json(element: etree._Element) -> dict[str, Any]:
    """Convert an oai_dc <dc> element, or another with the same content; an empty element is an empty string."""
    out: dict[str, Any] = {}
    for child in element[:]:
        tag = child.tag
        if not isinstance(tag, str):
            continue
        name = tag[34:] if tag.startswith(_DC) else _name(child)
        value: Any = child.text or "" if not len(child) else "".join(child.itertext(etree.Element))
        if attributes := child.items():
            value = _with_attributes(value, attributes)
        if name in out:
            out[name].append(value)
        else:
            out[name] = [value]
    return out


def _name(element: etree._Element) -> str:
    """Return the name of an element of another namespace, with a prefix."""
    namespace, _, local = str(element.tag).rpartition("}")
    prefix = "dcterms" if namespace[1:] == TERMS else element.prefix
    return f"{prefix}:{local}" if prefix else local


def _with_attributes(value: str, attributes: list[tuple[str, str]]) -> Any:
    named = {
        "lang" if key == _LANG else key.rpartition("}")[2]: text
        for key, text in attributes
        if not key.startswith(_XSI + "schema")
    }
    named.pop("value", None)  # the element's text is its value, even if an attribute has that name
    return {"value": value, **named} if named else value


# keys of the elements: ours, in the plural (InvenioRDM), with a prefix, or by another name
IDENTIFIERS = ("identifier", "identifiers", "dc:identifier", "dcterms:identifier", "doi", "DOI")
TITLES = ("title", "titles", "dc:title", "dcterms:title")
TYPES = ("type", "types", "dc:type", "dcterms:type")
DATES = ("dcterms:issued", "date", "dates", "dc:date", "dcterms:date", "dcterms:created")
RIGHTS = ("dcterms:license", "rights", "dc:rights", "dcterms:rights")
RELATIONS = ("relation", "relations", "dc:relation", "dcterms:relation")
SUBJECTS = ("subject", "subjects", "dc:subject", "dcterms:subject")


def named_identifiers(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield (identifier, scheme) of each identifier; those from XML have no scheme but arbitrary attributes."""
    for name in IDENTIFIERS:
        for one in each(metadata.get(name)):
            if isinstance(one, dict) and "value" in one:
                yield from ((found, None) for found in spoken(one))
            else:
                yield from identifiers(one)


def plain_texts(metadata: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Return the texts of elements in the JSON of Dublin Core, by name, without languages and empty ones."""
    return tuple(text for name in names if name in metadata for text in spoken(metadata[name]))
