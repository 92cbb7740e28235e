"""Real pages of real repositories: read whole, and any other bytes give a page or one of our errors, nothing else."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from support import archive_builder

from archive.formats import jsonseq
from archive.store import envelope
from harvester.errors import HarvestError, MalformedPage, ProviderError
from harvester.oaipmh import protocol
from harvester.oaipmh.decode import DecodedPage, decode_get_record, decode_list_identifiers, decode_list_records

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
RESPONSE = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH[\s>]")
END = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>")
# bytes parsed for one page, in all its cuts or all its changes
WORK_BYTES = 12_000_000
FEWEST, MOST = 100, 3_000

PARSERS: dict[str, Callable[[bytes], Any]] = {
    "Identify": protocol.parse_identify,
    "ListMetadataFormats": protocol.parse_list_metadata_formats,
    "ListSets": protocol.parse_list_sets,
    "ListRecords": lambda body: decode_list_records(body, "u", "oai_dc", "t"),
    "ListIdentifiers": decode_list_identifiers,
    "GetRecord": lambda body: decode_get_record(body, "u", "oai_dc", "t"),
}


def responses() -> Iterator[Path]:
    """Every file of the corpus that holds, or was meant to hold, an OAI-PMH response."""
    for path in sorted(CORPUS.rglob("*")):
        if path.is_file() and not path.name.endswith((".md", ".json", ".tsv", ".txt", ".xsd")):
            body = path.read_bytes()
            if RESPONSE.search(body[:5000]) or "oai-pmh" in path.parts:
                yield path


PAGES = list(responses())
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(CORPUS)))


def read(body: bytes) -> dict[str, Any]:
    """What each parser makes of these bytes: a value, or one of our errors. Anything else is raised."""
    found: dict[str, Any] = {}
    for verb, parse in PARSERS.items():
        try:
            found[verb] = parse(body)
        except HarvestError as error:
            found[verb] = error
    return found


def values(found: dict[str, Any]) -> dict[str, Any]:
    return {verb: value for verb, value in found.items() if not isinstance(value, HarvestError)}


def sample(size: int, chance: random.Random) -> list[int]:
    """Places in a page: all of a small one, some hundred of a large one."""
    count = max(FEWEST, min(MOST, WORK_BYTES // max(1, size)))
    return list(range(size)) if size <= count else sorted(chance.sample(range(size), count))


def test_there_are_pages_of_each_verb_and_of_errors():
    if not PAGES:
        pytest.skip("the sample files are not beside the repository (../shared/corpus)")
    verbs = [verb for path in PAGES for verb in values(read(path.read_bytes()))]
    assert set(verbs) == set(PARSERS)
    assert len(verbs) > 100


@each_page
def test_a_page_is_read_by_the_parser_of_its_verb_or_refused_by_all(path: Path):
    body = path.read_bytes()
    found = read(body)
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError:
        assert all(isinstance(value, MalformedPage) for value in found.values())
        return
    names = [etree.QName(child).localname for child in root if isinstance(child.tag, str)]
    if etree.QName(root).localname != "OAI-PMH" or root.getroottree().docinfo.doctype:
        assert all(isinstance(value, MalformedPage) for value in found.values())
    elif "error" in names:
        empty = b"noRecordsMatch" in body
        lists = {"ListRecords", "ListIdentifiers"}
        assert all(isinstance(v, ProviderError) or (empty and verb in lists) for verb, v in found.items())
    elif root.xpath("//*[local-name()='header'][not(*[local-name()='identifier'])]"):
        assert values(found) == {}  # a record that cannot be named cannot be counted
    else:
        assert list(values(found)) == [verb for verb in PARSERS if verb in names]


@each_page
def test_every_record_is_there_and_its_original_says_what_the_page_says(path: Path):
    body = path.read_bytes()
    for verb, page in values(read(body)).items():
        if not isinstance(page, DecodedPage):
            continue
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, huge_tree=True))
        name = "header" if verb == "ListIdentifiers" else "record"
        elements = root.xpath(f"/*/*[local-name()=$verb]/*[local-name()='{name}']", verb=verb)
        assert len(page.rows) == len(elements)
        records = [
            envelope.decode(item.text)
            for item in jsonseq.parse([b"".join(piece for piece, _ in archive_builder.unpacked(page.payload))])
            if isinstance(item, jsonseq.Text)
        ]
        assert len(records) == (0 if verb == "ListIdentifiers" else len(elements))
        for record, element in zip(records, elements, strict=False):
            (content,) = element.xpath("./*[local-name()='metadata']/*[1]") or [None]
            if record.original is None:
                assert content is None
            else:
                assert said(etree.fromstring(record.original.encode(), etree.XMLParser(huge_tree=True))) == said(
                    content
                )
                inside = re.sub(r"^\s*<[^>]*>", "", record.original).encode()
                assert inside in body or b"encoding" in body[:60]


def said(element: etree._Element) -> Any:
    """What an element says, whatever it looks like."""
    inside = [(said(child), child.tail or "") for child in element if isinstance(child.tag, str)]
    return (element.tag, sorted(element.items()), element.text or "", inside)


@each_page
def test_a_page_cut_short_is_one_of_our_errors_and_never_a_shorter_page(path: Path):
    body = path.read_bytes()
    whole = values(read(body))
    if not whole:
        return
    *_, end = END.finditer(body)
    parse = PARSERS[next(iter(whole))]
    borders = [
        match.end() for match in re.finditer(rb"</[\w:]*(?:record|header|set|ListRecords|resumptionToken)>", body)
    ]
    for cut in [*sample(end.end(), random.Random(len(body))), *borders[:: len(borders) // 50 + 1], end.end() - 1]:
        with pytest.raises(HarvestError):
            parse(body[:cut])
    assert parse(body[: end.end()]) == whole[next(iter(whole))]


@each_page
def test_a_page_with_a_changed_byte_is_a_page_or_one_of_our_errors(path: Path):
    body = path.read_bytes()
    chance = random.Random(len(body))
    verb = next(iter(values(read(body))), "ListRecords")
    places = sample(len(body), chance)
    for place in chance.sample(places, min(len(places), max(20, 400_000 // (len(body) + 1)))):
        changed = bytearray(body)
        changed[place] ^= 1 << chance.randrange(8)
        try:
            PARSERS[verb](bytes(changed))
        except HarvestError:
            pass


@each_page
def test_a_page_with_parts_lost_doubled_or_foreign_is_a_page_or_one_of_our_errors(path: Path):
    body = path.read_bytes()
    chance = random.Random(len(body))
    verb = next(iter(values(read(body))), "ListRecords")
    for _ in range(max(10, min(60, 1_000_000 // (len(body) + 1)))):
        one, two = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        noise = chance.choice([b"", b"\0", b"\xff\xfe", b"<!-- ", b"]]>", b"&#0;", b"<record>", chance.randbytes(9)])
        for mangled in (
            body[:one] + noise + body[two:],
            body[:two] + noise + body[one:],
            body[one:two],
            body[two:] + body[:one],
        ):
            try:
                PARSERS[verb](mangled)
            except HarvestError:
                pass
