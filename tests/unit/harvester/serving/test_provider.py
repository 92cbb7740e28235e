"""The provider, on holdings in memory: every verb, every error code, valid against the protocol's own schema."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from harvester.errors import ProviderError
from harvester.oaipmh.protocol import (
    MetadataFormat,
    RepositorySet,
    parse_get_record,
    parse_identify,
    parse_list_identifiers,
    parse_list_metadata_formats,
    parse_list_records,
    parse_list_sets,
)
from harvester.serving.provider import Item, Page, Position, Repository, Selection, respond

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPOSITORY = Repository("A & B", "http://127.0.0.1:8080/oai", ("admin@example.org",), b"key", 3, 2)
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>R &amp; D &lt;é></dc:title></oai_dc:dc>'
)
ABOUT = '<provenance xmlns="http://www.openarchives.org/OAI/2.0/provenance"/>'
LISTS = ("ListIdentifiers", "ListRecords")
TOKEN = "{http://www.openarchives.org/OAI/2.0/}resumptionToken"


class FakeHoldings:
    """Holdings in a dictionary: prefix -> items."""

    def __init__(self, items: dict[str, list[Item]], sets: Sequence[RepositorySet] = ()) -> None:
        self.items = {prefix: sorted(some, key=_position) for prefix, some in items.items()}
        self._sets = sorted(sets, key=lambda one: one.spec)

    def earliest(self) -> datetime:
        return min((item.datestamp for some in self.items.values() for item in some), default=NOW)

    def formats(self, identifier: str | None = None) -> list[MetadataFormat] | None:
        if identifier == "oai:x:json-only":
            return []
        held = [
            prefix
            for prefix, some in self.items.items()
            if identifier is None or any(item.identifier == identifier for item in some)
        ]
        if identifier is not None and not held:
            return None
        return [MetadataFormat(prefix, f"http://example.org/{prefix}.xsd", f"urn:{prefix}") for prefix in held]

    def sets(self) -> list[RepositorySet]:
        return self._sets

    def _selected(self, selection: Selection) -> list[Item]:
        return [item for item in self.items.get(selection.prefix, ()) if _matches(item, selection)]

    def count(self, selection: Selection) -> int:
        return len(self._selected(selection))

    def page(self, selection: Selection, after: Position | None, limit: int, *, bodies: bool) -> Page:
        rest = [item for item in self._selected(selection) if after is None or _position(item) > after]
        given = rest[:limit] if bodies else [replace(item, metadata=None, about=()) for item in rest[:limit]]
        return Page(tuple(given), len(rest) > limit)

    def item(self, identifier: str, prefix: str) -> Item | None:
        return next((item for item in self.items.get(prefix, ()) if item.identifier == identifier), None)


def _position(item: Item) -> Position:
    return item.datestamp, item.identifier


def _matches(item: Item, selection: Selection) -> bool:
    spec = selection.set_spec
    return (
        (selection.from_ is None or item.datestamp >= selection.from_)
        and (selection.until is None or item.datestamp <= selection.until)
        and (spec is None or any(one == spec or one.startswith(spec + ":") for one in item.sets))
    )


def day(number: int) -> datetime:
    return datetime(2020, 1, number, 10, 30, tzinfo=UTC)


ITEMS = [
    Item("oai:x:1", day(1), False, (), DC),
    Item("oai:x:2", day(2), False, ("a",), DC, (ABOUT, ABOUT)),
    Item("oai:x:3", day(2), True, ("a:b",), DC, (ABOUT,)),
    Item("oai:x:4&<\"'", day(2), False, ("a:b", "user-zürich"), DC),
    Item("oai:x:5", day(5), True, ()),
    Item("oai:x:6", day(6), False, ("c",), None),
    Item("oai:x:7", day(7), False, ("a",), DC),
]
SETS = [RepositorySet(spec, f"The set {spec}") for spec in ("a", "a:b", "c", "user-zürich", "z")]
HOLDINGS = FakeHoldings({"oai_dc": ITEMS, "marc": [Item("oai:x:9", day(9), False, (), "<r><l/></r>")]}, SETS)


def ask(*pairs: tuple[str, str], holdings: FakeHoldings = HOLDINGS, repository: Repository = REPOSITORY) -> bytes:
    return respond(pairs, NOW, repository, holdings)


def query(verb: str, **arguments: str) -> list[tuple[str, str]]:
    return [("verb", verb), *((name.rstrip("_"), value) for name, value in arguments.items())]


def error_code(body: bytes) -> str:
    root = etree.fromstring(body)
    error = root.find("{*}error")
    assert error is not None, body
    assert error.text
    return error.get("code", "")


def tokens(body: bytes) -> list[etree._Element]:
    return list(etree.fromstring(body).iter(TOKEN))


def walk(verb: str, **arguments: str) -> Iterator[bytes]:
    """Every page of a list."""
    body = ask(*query(verb, **arguments))
    yield body
    while (found := tokens(body)) and found[0].text:
        body = ask(*query(verb, resumptionToken=found[0].text))
        yield body


@pytest.fixture(scope="module")
def schema(corpus: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(corpus / "xsd/oai-pmh/OAI-PMH.xsd"))


def test_identify_says_what_the_repository_is():
    said = parse_identify(ask(("verb", "Identify")))
    assert (said.repository_name, said.base_url, said.protocol_version) == ("A & B", REPOSITORY.base_url, "2.0")
    assert (said.earliest, said.deleted_record, said.granularity) == ("2020-01-01T10:30:00Z", "persistent", "second")
    assert (said.admin_emails, said.compression) == (("admin@example.org",), ("gzip",))
    assert said.response_date == "2026-03-01T12:00:00Z"


def test_formats_of_the_repository_and_of_an_item():
    assert [held.prefix for held in parse_list_metadata_formats(ask(*query("ListMetadataFormats")))] == [
        "oai_dc",
        "marc",
    ]
    one = parse_list_metadata_formats(ask(*query("ListMetadataFormats", identifier="oai:x:9")))
    assert one == (MetadataFormat("marc", "http://example.org/marc.xsd", "urn:marc"),)


def test_sets_come_in_pages_and_each_once():
    found, body = [], ask(("verb", "ListSets"))
    while True:
        page = parse_list_sets(body)
        found += page.sets
        if page.token is None:
            break
        body = ask(*query("ListSets", resumptionToken=page.token))
    assert found == SETS
    assert tokens(body)[0].attrib == {"completeListSize": "5", "cursor": "4"}


def test_a_record_is_given_as_it_was_received():
    record = parse_get_record(ask(*query("GetRecord", identifier="oai:x:2", metadataPrefix="oai_dc")))
    assert (record.identifier, record.datestamp, record.sets) == ("oai:x:2", "2020-01-02T10:30:00Z", ("a",))
    assert record.metadata == DC.encode()
    assert record.about == (ABOUT.encode(), ABOUT.encode())


def test_a_deleted_record_is_a_header_and_nothing_else():
    record = parse_get_record(ask(*query("GetRecord", identifier="oai:x:3", metadataPrefix="oai_dc")))
    assert record.deleted
    assert record.metadata is None
    assert not record.about


def test_names_without_a_namespace_do_not_fall_into_that_of_the_protocol():
    body = ask(*query("GetRecord", identifier="oai:x:9", metadataPrefix="marc"))
    record = parse_get_record(body)
    assert record.element is not None
    assert [element.tag for element in record.element.iter()] == ["r", "l"]


@pytest.mark.parametrize("text", [DC, '<a xmlns="u"><b/></a>', "<p:a xmlns:p='u' x='a>b'>t</p:a>"])
def test_xml_that_stands_alone_is_not_touched(text: str):
    holdings = FakeHoldings({"p": [Item("i", day(1), False, (), text)]})
    assert f"<metadata>{text}</metadata>".encode() in ask(
        *query("GetRecord", identifier="i", metadataPrefix="p"), holdings=holdings
    )


def test_unprefixed_names_inside_a_prefixed_root_keep_no_namespace():
    holdings = FakeHoldings({"p": [Item("i", day(1), False, (), "<p:a xmlns:p='u'><b/></p:a>")]})
    body = ask(*query("GetRecord", identifier="i", metadataPrefix="p"), holdings=holdings)
    element = parse_get_record(body).element
    assert element is not None
    assert [one.tag for one in element.iter()] == ["{u}a", "b"]


@pytest.mark.parametrize("verb", LISTS)
def test_a_list_has_every_record_once_over_its_pages(verb: str):
    parse = parse_list_records if verb == "ListRecords" else parse_list_identifiers
    pages = [parse(body) for body in walk(verb, metadataPrefix="oai_dc")]
    assert [len(page.records) for page in pages] == [3, 3, 1]
    records = [record for page in pages for record in page.records]
    assert [(r.identifier, r.deleted, r.sets) for r in records] == [(i.identifier, i.deleted, i.sets) for i in ITEMS]
    assert [(page.complete_list_size, page.cursor) for page in pages] == [(7, 0), (7, 3), (7, 6)]
    assert [page.has_token_element for page in pages] == [True] * 3
    assert "expirationDate" not in tokens(ask(*query(verb, metadataPrefix="oai_dc")))[0].attrib


def test_a_list_that_fits_a_page_has_no_token():
    assert not tokens(ask(*query("ListRecords", metadataPrefix="oai_dc", set="c")))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"from_": "2020-01-05"}, "567"),
        ({"until": "2020-01-01"}, "1"),
        ({"from_": "2020-01-01", "until": "2020-01-01"}, "1"),
        ({"from_": "2020-01-02T10:30:00Z", "until": "2020-01-02T10:30:00Z"}, "234"),
        ({"from_": "2020-01-02T10:30:01Z", "until": "2020-01-05T10:29:59Z"}, ""),
        ({"from_": "2020-01-06", "set": "a"}, "7"),
        ({"set": "a"}, "2347"),
        ({"set": "a:b"}, "34"),
        ({"set": "user-zürich"}, "4"),
        ({"set": "z"}, ""),
        ({"set": "never-heard-of"}, ""),
        ({"until": "1999-12-31"}, ""),
        ({"from_": "2030-01-01"}, ""),
    ],
)
@pytest.mark.parametrize("verb", LISTS)
def test_a_selective_list_holds_what_it_should(verb: str, arguments: dict[str, str], found: str):
    parse = parse_list_records if verb == "ListRecords" else parse_list_identifiers
    bodies = list(walk(verb, metadataPrefix="oai_dc", **arguments))
    assert "".join(r.identifier[6] for body in bodies for r in parse(body).records) == found
    if not found:
        assert error_code(bodies[0]) == "noRecordsMatch"


WRONG = [
    ("badVerb", []),
    ("badVerb", [("verb", "")]),
    ("badVerb", [("verb", "listRecords")]),
    ("badVerb", [("verb", "Nonsense\x00\ud800")]),
    ("badVerb", [("verb", "Identify"), ("verb", "Identify")]),
    ("badVerb", [("Verb", "Identify")]),
    ("badArgument", query("Identify", identifier="oai:x:1")),
    ("badArgument", query("Identify", resumptionToken="x")),
    ("badArgument", query("ListSets", metadataPrefix="oai_dc")),
    ("badArgument", query("ListMetadataFormats", metadataPrefix="oai_dc")),
    ("badArgument", query("ListMetadataFormats", identifier="")),
    ("badArgument", query("GetRecord", identifier="oai:x:1")),
    ("badArgument", query("GetRecord", metadataPrefix="oai_dc")),
    ("badArgument", query("GetRecord", identifier="oai:x:1", metadataPrefix="oai dc")),
    ("badArgument", query("GetRecord", identifier="oai:x:\x01", metadataPrefix="oai_dc")),
    ("badArgument", query("GetRecord", identifier="oai:x:\udcff", metadataPrefix="oai_dc")),
    ("badArgument", query("GetRecord", identifier="oai:x:1", metadataPrefix="oai_dc", until="2020-01-01")),
    ("idDoesNotExist", query("GetRecord", identifier="oai:x:nobody", metadataPrefix="oai_dc")),
    ("cannotDisseminateFormat", query("GetRecord", identifier="oai:x:1", metadataPrefix="marc")),
    ("cannotDisseminateFormat", query("GetRecord", identifier="oai:x:1", metadataPrefix="mods")),
    ("idDoesNotExist", query("ListMetadataFormats", identifier="oai:x:nobody")),
    ("noMetadataFormats", query("ListMetadataFormats", identifier="oai:x:json-only")),
    ("badResumptionToken", query("ListSets", resumptionToken="")),
    ("badResumptionToken", query("ListSets", resumptionToken="junk")),
]
for _verb in LISTS:
    _list = [*query(_verb), ("metadataPrefix", "oai_dc")]
    WRONG += [
        ("badArgument", query(_verb)),
        ("badArgument", [*_list, ("metadataPrefix", "oai_dc")]),
        ("badArgument", [*_list, ("resumptionToken", "x")]),
        ("badArgument", [*_list, ("prefix", "oai_dc")]),
        ("badArgument", [*_list, ("From", "2020-01-01")]),
        ("badArgument", [*_list, ("set", "")]),
        ("badArgument", [*_list, ("set", "not a set")]),
        ("badArgument", [*_list, ("from", "2020-02-30")]),
        ("badArgument", [*_list, ("from", "2020-1-1")]),
        ("badArgument", [*_list, ("from", "2020")]),
        ("badArgument", [*_list, ("from", "")]),
        ("badArgument", [*_list, ("until", "yesterday")]),
        ("badArgument", [*_list, ("until", "2020-01-01T10:00Z")]),
        ("badArgument", [*_list, ("until", "2020-01-01T10:00:00.5Z")]),
        ("badArgument", [*_list, ("until", "2020-01-01T10:00:00+01:00")]),
        ("badArgument", [*_list, ("until", "2020-01-01 10:00:00")]),
        ("badArgument", [*_list, ("until", "2020-01-01T25:00:00Z")]),
        ("badArgument", [*_list, ("from", "٢٠٢٠-01-01")]),
        ("badArgument", [*_list, ("from", "2020-01-01"), ("until", "2020-01-02T00:00:00Z")]),
        ("badArgument", [*_list, ("from", "2020-01-02"), ("until", "2020-01-01")]),
        ("badArgument", [*_list, ("from", "2020-01-02"), ("from", "2020-01-02")]),
        ("badArgument", query(_verb, metadataPrefix="no such")),
        ("cannotDisseminateFormat", query(_verb, metadataPrefix="OAI_DC")),
        ("noRecordsMatch", [*_list, ("from", "2021-01-01")]),
        ("badResumptionToken", query(_verb, resumptionToken="")),
        ("badResumptionToken", query(_verb, resumptionToken="junk")),
        ("badResumptionToken", query(_verb, resumptionToken="🦉+/=&")),
    ]


@pytest.mark.parametrize(("code", "pairs"), WRONG)
def test_what_is_wrong_with_a_request_has_its_code(code: str, pairs: list[tuple[str, str]]):
    body = ask(*pairs)
    assert error_code(body) == code
    request = etree.fromstring(body).find("{*}request")
    assert request is not None
    assert request.text == REPOSITORY.base_url
    if code in ("badVerb", "badArgument"):
        assert not request.attrib
    else:
        assert dict(request.attrib) == dict(pairs)


def test_a_repository_without_sets_says_so():
    plain = FakeHoldings({"oai_dc": ITEMS})
    assert error_code(ask(*query("ListSets"), holdings=plain)) == "noSetHierarchy"
    assert error_code(ask(*query("ListRecords", metadataPrefix="oai_dc", set="a"), holdings=plain)) == "noSetHierarchy"


def test_an_empty_archive_answers_every_verb():
    empty = FakeHoldings({})
    assert parse_identify(ask(*query("Identify"), holdings=empty)).earliest == "2026-03-01T12:00:00Z"
    assert error_code(ask(*query("ListMetadataFormats"), holdings=empty)) == "noMetadataFormats"
    assert error_code(ask(*query("ListRecords", metadataPrefix="oai_dc"), holdings=empty)) == "cannotDisseminateFormat"


def first_token(verb: str = "ListRecords", repository: Repository = REPOSITORY) -> str:
    text = tokens(ask(*query(verb, metadataPrefix="oai_dc", from_="2020-01-02", set="a"), repository=repository))[
        0
    ].text
    assert text
    return text


def test_a_token_survives_a_restart_and_may_be_used_again():
    token = first_token()
    again = Repository("Another name", REPOSITORY.base_url, REPOSITORY.admin_emails, REPOSITORY.key, 3)
    bodies = {ask(*query("ListRecords", resumptionToken=token), repository=again) for _ in range(2)}
    assert len(bodies) == 1
    page = parse_list_records(bodies.pop())
    assert [record.identifier for record in page.records] == ["oai:x:7"]
    assert (page.complete_list_size, page.cursor, page.token) == (4, 3, None)


def test_a_token_of_another_archive_is_refused():
    other = replace(REPOSITORY, key=b"another archive")
    body = ask(*query("ListRecords", resumptionToken=first_token(repository=other)))
    assert error_code(body) == "badResumptionToken"


def test_a_token_serves_the_verb_it_was_given_for():
    for verb in ("ListIdentifiers", "ListSets"):
        assert error_code(ask(*query(verb, resumptionToken=first_token()))) == "badResumptionToken"
    assert parse_list_records(ask(*query("ListRecords", resumptionToken=first_token()))).records


def test_a_forged_or_cut_token_is_refused():
    token = first_token()
    forged = [token[:cut] for cut in range(len(token))]
    forged += [token[:n] + chr(ord(token[n]) ^ 1) + token[n + 1 :] for n in range(len(token))]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged += [token + "=", token + "A", token + " ", token.swapcase(), raw[12:].decode()]
    forged.append(base64.urlsafe_b64encode(raw[:12] + raw[12:].replace(b'"a"', b"null")).decode().rstrip("="))
    for wrong in forged:
        assert error_code(ask(*query("ListRecords", resumptionToken=wrong))) == "badResumptionToken", wrong


def test_a_token_needs_no_encoding_in_a_url():
    assert set(first_token()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_nothing_left_of_a_list_is_a_bad_token_and_never_an_empty_list():
    shrunk = FakeHoldings({"oai_dc": ITEMS[:2]}, SETS)
    body = ask(*query("ListRecords", resumptionToken=first_token()), holdings=shrunk)
    assert error_code(body) == "badResumptionToken"


def test_every_response_is_valid(schema: etree.XMLSchema):
    bodies = [ask(*pairs) for _, pairs in WRONG]
    bodies += [ask(*query(verb)) for verb in ("Identify", "ListMetadataFormats")]
    # a set that the schema does not allow was taken from a provider, and is given on
    plain = FakeHoldings({"oai_dc": [replace(item, sets=item.sets[:1]) for item in ITEMS]}, SETS[:3])
    bodies += [ask(*query("ListSets"), holdings=plain)]
    bodies += [ask(*query(verb, metadataPrefix="oai_dc"), holdings=plain) for verb in LISTS]
    bodies += [
        ask(*query("GetRecord", identifier=item.identifier, metadataPrefix="oai_dc"), holdings=plain) for item in ITEMS
    ]
    for body in bodies:
        schema.assertValid(etree.fromstring(body))


def test_the_parser_of_our_own_harvester_sees_the_errors():
    with pytest.raises(ProviderError) as raised:
        parse_get_record(ask(*query("GetRecord", identifier="oai:x:nobody", metadataPrefix="oai_dc")))
    assert raised.value.code == "idDoesNotExist"
