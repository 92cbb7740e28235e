"""What a page holds besides its records: used, or named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harvester.errors import MalformedPage, NamelessRecords, ProviderError
from harvester.oaipmh.cutting import Span, Traits
from harvester.oaipmh.decode import Asked, decode_get_record, decode_list_identifiers, decode_list_records
from harvester.oaipmh.pagelayout import add_up
from harvester.oaipmh.protocol import ListPage, parse_get_record, parse_identify, parse_list_records, parse_list_sets
from harvester.oaipmh.windows import GET_RECORD, LIST_RECORDS, Done, Ended, Split, decide

OPEN = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
METADATA = "<metadata><dc xmlns='urn:dc'>x</dc></metadata>"


def header(identifier: str = "oai:x:1", more: str = "", attributes: str = "") -> str:
    return f"<header{attributes}><identifier>{identifier}</identifier><datestamp>2020-01-01</datestamp>{more}</header>"


def record(identifier: str = "oai:x:1", metadata: str = METADATA) -> str:
    return f"<record>{header(identifier)}{metadata}</record>"


def read(inside: str, **more: Any) -> ListPage:
    return parse_list_records(f"{OPEN}{inside}</OAI-PMH>".encode(), **more)


def listed(inside: str, **more: Any) -> ListPage:
    return read(f"<ListRecords>{inside}</ListRecords>", **more)


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        (record() + "<foo/>", "<foo> in <ListRecords>"),
        (record() + "<foo/><foo/>", "2 <foo> in <ListRecords>"),
        (record() + "Notice: x", "text in <ListRecords>"),
        (record() + header("oai:x:2"), "<header> outside <record>"),
        (record() + METADATA, "<metadata> in <ListRecords>"),
        (record() + '<error code="x">y</error>', "<error code='x'> beside records"),
        (record(metadata=METADATA * 2), "a second <metadata> in a <record>"),
        (record(metadata="<metadata><a/><b/></metadata>"), "a second element in <metadata>"),
        (record(metadata="<metadata>text</metadata>"), "text and no element in <metadata>"),
        (record(metadata="<metadata>text<a/></metadata>"), "text beside the element in <metadata>"),
        (record(metadata=METADATA + "<about><a/><b/></about>"), "a second element in <about>"),
        (record(metadata=METADATA + "<foo/>"), "<foo> in <record>"),
        (record(metadata=METADATA + "text"), "text in <record>"),
        (record(metadata=header("oai:x:2") + METADATA), "a second <header> in a <record>"),
        (f"<record>{header(more='<identifier>b</identifier>')}</record>", "a second <identifier> in a <header>"),
        (f"<record>{header(more='<status>deleted</status>')}</record>", "<status> in <header>"),
        (
            record() + "<resumptionToken>a</resumptionToken><resumptionToken>b</resumptionToken>",
            "<resumptionToken> that contradicts another",
        ),
        (
            record() + "<resumptionToken completeListSize='1'/><resumptionToken completeListSize='2'/>",
            "completeListSize that contradicts another",
        ),
        (record() + "<resumptionToken foo='a'/>", "attribute foo of an empty <resumptionToken>"),
        (record() + "<resumptionToken><a>b</a></resumptionToken>", "<a> in <resumptionToken>"),
    ],
)
def test_what_cannot_be_read_is_named(inside: str, named: str):
    page = listed(inside)
    assert page.records[0].identifier == "oai:x:1"
    assert named in page.unaccounted


@pytest.mark.parametrize(
    "inside",
    [
        f"<ListRecords>{record()}</ListRecords><ListRecords>{record('oai:x:2')}</ListRecords>",
        f"<ListRecords><records>{record()}{record('oai:x:2')}</records></ListRecords>",
        f"<ListRecords>{record()}</ListRecords>{record('oai:x:2')}",
        record() + record("oai:x:2"),
        f"<ListRecords><record>{header()}{METADATA}{record('oai:x:2')}</record></ListRecords>",
        f"<ListRecords>{record()}<record xmlns=''>{header('oai:x:2')}{METADATA}</record></ListRecords>",
        f"<ListRecords>{record()}{record('oai:x:2').replace('record>', 'RECORD>')}</ListRecords>",
        f"<GetRecord>{record()}</GetRecord><GetRecord>{record('oai:x:2')}</GetRecord>",
        f"<!-- c --><ListRecords><!-- c -->{record()}<?p?>{record('oai:x:2')}</ListRecords><?p?>",
    ],
)
def test_records_are_read_wherever_they_stand(inside: str):
    page = read(inside)
    assert [one.identifier for one in page.records] == ["oai:x:1", "oai:x:2"]
    assert all(one.metadata == b"<dc xmlns='urn:dc'>x</dc>" for one in page.records)
    assert page.unaccounted == ()


@pytest.mark.parametrize(
    "inside",
    [
        f"<ListRecords>{record()}<resumptionToken cursor='0' token='t'/></ListRecords>",
        f"<ListRecords>{record()}<resumptionToken resumptionToken=' t '> </resumptionToken></ListRecords>",
        f"<ListRecords>{record()[:-9]}<resumptionToken>t</resumptionToken></record></ListRecords>",
        f"<ListRecords>{record()}</ListRecords><resumptionToken>t</resumptionToken>",
        f"<ListRecords resumptionToken='t'>{record()}</ListRecords>",
        f"<request resumptionToken='t'>u</request><ListRecords>{record()}</ListRecords>",
        f"<request>http://u/?a=b&amp;resumptionToken=t</request><ListRecords>{record()}</ListRecords>",
        f"<ListRecords>{record()}<resumptionToken/></ListRecords><resumptionToken>t</resumptionToken>",
    ],
)
def test_a_token_is_read_wherever_it_stands(inside: str):
    page = read(inside)
    assert (page.token, page.has_token_element, page.unaccounted) == ("t", True, ())


def test_the_token_that_was_sent_is_not_the_next_one():
    inside = f"<request resumptionToken='a%2Bb&amp;c'>u</request><ListRecords>{record()}</ListRecords>"
    for sent in ("a%2Bb&c", "a+b&c", "a b&c"):
        assert read(inside, sent=sent).token is None
    assert read(inside, sent="other").token == "a%2Bb&c"
    assert read(inside.replace("</ListR", "<resumptionToken/></ListR"), sent="other").token is None
    assert read(inside.replace("</ListR", "<resumptionToken/></ListR")).unaccounted


def test_no_records_beside_records_does_not_hide_them():
    page = read(f'<error code="noRecordsMatch"/><ListRecords>{record()}</ListRecords>')
    assert len(page.records) == 1
    assert page.unaccounted == ("<error code='noRecordsMatch'> beside records",)
    assert read('<error code="noRecordsMatch"/><ListRecords/>') == ListPage(())
    with pytest.raises(ProviderError):
        listed('<error code="badArgument"/>')


def test_an_answer_to_another_question_is_not_read():
    for inside in (f"<ListIdentifiers>{header()}</ListIdentifiers>", f"<GetRecord>{record()}</GetRecord>", header()):
        with pytest.raises(MalformedPage):
            read(inside)


def test_records_without_an_identifier_are_counted_where_no_other_question_names_them():
    for nameless in ("<record><header/></record>", record(" "), f"<record>{METADATA}</record>", "<record/>"):
        with pytest.raises(NamelessRecords):
            listed(record() + nameless * 2)
        page = listed(record() + nameless * 2, lenient=True)
        assert [one.identifier for one in page.records] == ["oai:x:1"]
        assert page.records[0].metadata == b"<dc xmlns='urn:dc'>x</dc>"
        assert page.unaccounted[0] in ("2 <header> without <identifier>", "2 <record> without <header>")


def test_identifiers_that_only_white_space_tells_apart_stay_as_they_were_sent():
    page = listed(record("oai:x:1") + record("oai:x:1 ") + record(" oai:x:2 ") + record("oai:x:3  a"))
    assert [one.identifier for one in page.records] == ["oai:x:1", "oai:x:1 ", "oai:x:2", "oai:x:3 a"]


def test_the_record_that_was_asked_for_keeps_its_name():
    body = f"{OPEN}<GetRecord>{record('oai:x:1 ')}</GetRecord></OAI-PMH>".encode()
    for asked in ("oai:x:1 ", "oai:x:1", " oai:x:1"):
        assert parse_get_record(body, asked=asked).identifier == asked
    both = body.replace(b"</GetRecord>", f"{record('oai:x:2')}</GetRecord>".encode())
    for name in ("oai:x:1 ", "oai:x:2"):
        found = decode_get_record(both, "u", "f", "t", 3, Asked(identifier=name))
        assert [row[0] for row in found.rows] == [name]
        assert found.unaccounted == ("another <record> in <GetRecord>",)


@pytest.mark.parametrize(
    ("status", "deleted", "problem"),
    [
        ("deleted", True, False),
        ("DELETED", True, False),
        (" Deleted\n", True, False),
        ("", False, False),
        ("withdrawn", False, True),
    ],
)
def test_a_status_is_read_in_any_case_and_an_unknown_one_is_named(status: str, deleted: bool, problem: bool):
    for attributes in (f' status="{status}"', f' Status="{status}"'):
        body = f"{OPEN}<ListRecords><record>{header(attributes=attributes)}</record></ListRecords></OAI-PMH>".encode()
        found = decode_list_records(body, "u", "f", "t")
        assert found.rows[0][2] == deleted
        assert ("unknown-status" in {code for _, code, _ in found.problems}) == problem
    body = f"{OPEN}<ListRecords><record status='deleted'>{header()}</record></ListRecords></OAI-PMH>".encode()
    assert decode_list_records(body, "u", "f", "t").rows[0][2]


@pytest.mark.parametrize(
    "namespace",
    [
        "https://www.openarchives.org/OAI/2.0/",
        "http://www.openarchives.org/OAI/2.0",
        "HTTP://WWW.OPENARCHIVES.ORG/OAI/2.0/",
        "http://www.openarchives.org/OAI/1.1/",
        "http://openarchives.org/OAI/2.0/",
        "urn:x",
    ],
)
def test_another_namespace_is_read_and_reported(namespace: str):
    page = parse_list_records(f'<OAI-PMH xmlns="{namespace}"><ListRecords>{record()}</ListRecords></OAI-PMH>'.encode())
    assert (len(page.records), page.deviations) == (1, (f"namespace {namespace}",))
    assert listed(record()).deviations == ()


def test_headers_without_a_datestamp_are_named():
    body = f"{OPEN}<ListIdentifiers><header><identifier>a</identifier></header></ListIdentifiers></OAI-PMH>".encode()
    assert decode_list_identifiers(body).problems == (("a", "impossible-datestamp", ""),)


def test_sets_and_identify_are_read_from_wrappers():
    sets = parse_list_sets(
        f"{OPEN}<ListSets><sets><set><setSpec> a\n</setSpec></set><set/></sets><resumptionToken token='t'/></ListSets>"
        "</OAI-PMH>".encode()
    )
    assert ([one.spec for one in sets.sets], sets.token) == (["a", ""], "t")
    assert sets.unaccounted == ("<set> without <setSpec>", "<sets> in <ListSets>")
    wrapped = parse_identify(
        f"{OPEN}<Identify><a><earliestDatestamp>2000-01-01</earliestDatestamp></a><description>"
        "<baseURL>of a friend</baseURL></description></Identify></OAI-PMH>".encode()
    )
    assert (wrapped.earliest, wrapped.base_url) == ("2000-01-01", "")


def test_what_is_not_accounted_for_leaves_a_window_unproven():
    traits = Traits(granule=timedelta(seconds=1), earliest=_day(1), newest=_day(31))
    for verb in (LIST_RECORDS, GET_RECORD):
        decision = decide(_ended(verb, "2 <foo> in <ListRecords>"), traits)
        assert isinstance(decision, Done)
        (found,) = decision.findings
        assert (found.code, found.severity) == ("page-unaccounted", "warning")
        assert "2 <foo> in <ListRecords>" in found.message
    assert isinstance(decide(_ended(LIST_RECORDS, "<resumptionToken> that contradicts another"), traits), Split)


def test_descriptions_of_several_pages_are_added_up():
    assert add_up(["2 <a> in <b>", "<a> in <b>", "text in <c>"]) == ("3 <a> in <b>", "text in <c>")


def _ended(verb: str, *unaccounted: str) -> Ended:
    return Ended(
        Span(_day(1), _day(31)),
        verb,
        "empty-token",
        attempts=1,
        listed=2,
        distinct=2,
        pages=1,
        stated_first=2,
        stated_last=2,
        unaccounted=unaccounted,
    )


def _day(number: int) -> datetime:
    return datetime(2020, 1, number, tzinfo=UTC)
