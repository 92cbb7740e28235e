"""The files that a record names in its XML: EPrints' own, DSpace's (XOAI), METS, and OAI-ORE as an Atom entry.

Of the bundles of XOAI only ORIGINAL counts, the deposited files; others hold texts and pictures derived from it, and
licences.
"""

from collections.abc import Iterator

from lxml import etree

from archive.crosswalks import local_name
from archive.files.checksums import stated_checksum
from archive.files.lists import RecordFile, is_http, joined, last_part, size_of
from archive.store import parse_xml

_EP3, _METS = "{http://eprints.org/ep2/data/2.0}", "{http://www.loc.gov/METS/}"
_XOAI, _ATOM = "{http://www.lyncode.com/xoai}", "{http://www.w3.org/2005/Atom}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_AGGREGATES = "http://www.openarchives.org/ore/terms/aggregates"
# every format that can name files contains one of these
_SIGNS = (_EP3[1:-1], _METS[1:-1], _XOAI[1:-1], _AGGREGATES)


def names_files(original: str) -> bool:
    """Return whether the XML is of a format that can name files."""
    return any(sign in original for sign in _SIGNS)


def in_xml(original: str, url: str) -> Iterator[RecordFile]:
    """Yield the files that the XML names; none if it cannot be parsed."""
    try:
        root = parse_xml(original.encode())
    except (etree.XMLSyntaxError, ValueError):
        return
    yield from _eprints(root, url)
    yield from _mets(root)
    yield from _xoai(root)
    yield from _ore(root)


def _eprints(root: etree._Element, url: str) -> Iterator[RecordFile]:
    for file in root.iter(f"{_EP3}file"):
        text = {local_name(child): child.text or "" for child in file if isinstance(child.tag, str)}
        if text.get("filename") and text.get("url"):
            checksum = stated_checksum((text.get("hash"), text.get("hash_type")))
            at = joined(url, text["url"].strip())
            yield RecordFile(text["filename"], at, size_of(text.get("filesize")), checksum, text.get("mime_type"))


def _mets(root: etree._Element) -> Iterator[RecordFile]:
    for file in root.iter(f"{_METS}file"):
        for place in file.iterfind(f"{_METS}FLocat"):
            if is_http(at := (place.get(f"{_XLINK}href") or "").strip()):
                checksum = stated_checksum((file.get("CHECKSUM"), file.get("CHECKSUMTYPE")))
                name = place.get(f"{_XLINK}title") or last_part(at)
                yield RecordFile(name, at, size_of(file.get("SIZE")), checksum, file.get("MIMETYPE"), is_link=True)


def _xoai(root: etree._Element) -> Iterator[RecordFile]:
    for bundle in root.iterfind(f".//{_XOAI}element[@name='bundle']"):
        if _fields(bundle).get("name", "ORIGINAL") != "ORIGINAL":
            continue
        for bitstream in bundle.iterfind(f".//{_XOAI}element[@name='bitstream']"):
            said = _fields(bitstream)
            if is_http(at := said.get("url", "")):
                checksum = stated_checksum((said.get("checksum"), said.get("checksumAlgorithm")))
                name, kind = said.get("name") or last_part(at), said.get("format") or None
                yield RecordFile(name, at, size_of(said.get("size")), checksum, kind, is_link=True)


def _fields(element: etree._Element) -> dict[str, str]:
    """Map the names of the fields directly in an element to their texts."""
    return {field.get("name") or "": (field.text or "").strip() for field in element.iterfind(f"{_XOAI}field")}


def _ore(root: etree._Element) -> Iterator[RecordFile]:
    for link in root.iter(f"{_ATOM}link"):
        if link.get("rel") == _AGGREGATES and is_http(at := (link.get("href") or "").strip()):
            name = link.get("title") or last_part(at)
            yield RecordFile(name, at, size_of(link.get("length")), None, link.get("type"), is_link=True)
