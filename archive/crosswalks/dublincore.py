"""Dublin Core to JSON: for each element the list of its values, in order.

A value is a string; one with xml:lang or another attribute is an object with `value`, `lang` and the attributes.
Elements of other namespaces inside keep their prefix in the name (`dcterms:created`).
"""

from typing import Any

from lxml import etree

NAMESPACES = frozenset(
    {
        "http://www.openarchives.org/OAI/2.0/oai_dc/",
        "http://purl.org/dc/elements/1.1/",
        "http://purl.org/dc/elements/1.0/",
    }
)
_DC = ("{http://purl.org/dc/elements/1.1/}", "{http://purl.org/dc/elements/1.0/}")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def dc_json(element: etree._Element) -> dict[str, Any]:
    """The JSON of an oai_dc <dc> element; an empty element is an empty string, and stays."""
    out: dict[str, Any] = {}
    for child in element:
        tag = child.tag
        if not isinstance(tag, str):
            continue
        name = tag[34:] if tag.startswith(_DC) else _name(child)
        value: Any = child.text or "" if not len(child) else "".join(child.itertext(etree.Element))
        if len(child.attrib):
            value = _with_attributes(value, child)
        if name in out:
            out[name].append(value)
        else:
            out[name] = [value]
    return out


def _name(element: etree._Element) -> str:
    """The name of an element of another namespace, with its prefix."""
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _with_attributes(value: str, element: etree._Element) -> Any:
    named = {
        "lang" if key == _LANG else key.rpartition("}")[2]: text
        for key, text in element.items()
        if not key.startswith(_XSI + "schema")
    }
    named.pop("value", None)  # the text of the element is its value, whatever an attribute is called
    return {"value": value, **named} if named else value
