"""MARCXML to MARC-in-JSON and back: everything is a list of one-key objects, so order and repeats stay.

Blanks are values in MARC: nothing is stripped from a leader, a control field or a subfield. A <collection>
becomes `{"collection": [record, ...]}`.
"""

from typing import Any

from lxml import etree

from archive.crosswalks.errors import ConversionError

NAMESPACE = "http://www.loc.gov/MARC21/slim"


def marc_json(element: etree._Element) -> dict[str, Any]:
    """The JSON of a <record> or <collection>, with or without the MARC21slim namespace.

    Raises ConversionError for a field without a tag or an element that MARCXML does not have.
    """
    if _local(element) == "collection":
        return {"collection": [_record(child) for child in element if isinstance(child.tag, str)]}
    return _record(element)


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    return "".join(element.itertext(etree.Element)) if len(element) else element.text or ""


def _record(element: etree._Element) -> dict[str, Any]:
    out: dict[str, Any] = {"leader": "", "fields": []}
    fields = out["fields"]
    for child in element:
        name = _local(child)
        if name == "datafield":
            subfields = [{sub.get("code", ""): _text(sub)} for sub in child if isinstance(sub.tag, str)]
            fields.append(
                {
                    _tag(child): {
                        "ind1": child.get("ind1", " "),
                        "ind2": child.get("ind2", " "),
                        "subfields": subfields,
                    }
                }
            )
        elif name == "controlfield":
            fields.append({_tag(child): _text(child)})
        elif name == "leader":
            out["leader"] = _text(child)
        elif name:
            raise ConversionError(f"<{name}> inside a MARC record")
    return out


def _tag(element: etree._Element) -> str:
    tag = element.get("tag")
    if not tag:
        raise ConversionError(f"a <{_local(element)}> without a tag")
    return tag


def marc_xml(record: dict[str, Any]) -> bytes:
    """The MARCXML of MARC-in-JSON, in UTF-8 and with its namespace; the reverse of `marc_json`."""
    if "collection" in record:
        root = etree.Element(f"{{{NAMESPACE}}}collection", nsmap={None: NAMESPACE})
        for inner in record["collection"]:
            _append(root, inner)
        return etree.tostring(root, encoding="utf-8")
    return etree.tostring(_append(None, record), encoding="utf-8")


def _append(parent: etree._Element | None, record: dict[str, Any]) -> etree._Element:
    name = f"{{{NAMESPACE}}}record"
    root = etree.Element(name, nsmap={None: NAMESPACE}) if parent is None else etree.SubElement(parent, name)
    etree.SubElement(root, f"{{{NAMESPACE}}}leader").text = record["leader"]
    for field in record["fields"]:
        for tag, value in field.items():
            if isinstance(value, str):
                etree.SubElement(root, f"{{{NAMESPACE}}}controlfield", tag=tag).text = value
                continue
            data = etree.SubElement(root, f"{{{NAMESPACE}}}datafield", tag=tag, ind1=value["ind1"], ind2=value["ind2"])
            for subfield in value["subfields"]:
                for code, text in subfield.items():
                    etree.SubElement(data, f"{{{NAMESPACE}}}subfield", code=code).text = text
    return root
