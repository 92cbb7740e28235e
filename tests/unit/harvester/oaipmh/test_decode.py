"""From a page to what the shard and the ledger take: framed, digested, and never an error but ours."""

import hashlib

import pytest
from support import archive_builder

from archive.formats import jsonseq
from archive.store import envelope
from archive.store.shards import FRAME_BYTES
from harvester.errors import MalformedPage, ProviderError
from harvester.oaipmh.decode import DecodedPage, decode_get_record, decode_list_identifiers, decode_list_records
from harvester.oaipmh.versions import DIGEST_BYTES

OPEN = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
DC = '<dc xmlns="http://purl.org/dc/elements/1.1/"><title>{}</title></dc>'


def record(number: int, inside: str = "", stamp: str = "2020-01-01", status: str = "") -> str:
    head = f"<header{status}><identifier>oai:x:{number}</identifier><datestamp>{stamp}</datestamp></header>"
    return f"<record>{head}{inside}</record>"


def page(*records: str, verb: str = "ListRecords", token: str = "") -> bytes:
    return f"{OPEN}<{verb}>{''.join(records)}{token}</{verb}></OAI-PMH>".encode()


def metadata(text: str) -> str:
    return f"<metadata>{text}</metadata>"


def decode(body: bytes) -> DecodedPage:
    return decode_list_records(body, "https://x.example", "oai_dc", "2026-03-04T05:06:07Z")


def texts(found: DecodedPage) -> list[envelope.Record]:
    pieces = archive_builder.unpacked(found.payload)
    parsed = list(jsonseq.parse([b"".join(piece for piece, _ in pieces)]))
    assert all(isinstance(item, jsonseq.Text) for item in parsed)
    assert [count for _, count in pieces] == [piece.count(b"\x1e") for piece, _ in pieces]
    return [envelope.decode(item.text) for item in parsed if isinstance(item, jsonseq.Text)]


def test_a_page_becomes_rows_and_framed_records_in_the_same_order():
    token = '<resumptionToken completeListSize="5" cursor="0">t</resumptionToken>'
    original = DC.format("é &amp; \u2028")
    found = decode(page(record(1, metadata(original)), record(2, status=' status="deleted"'), token=token))
    assert found.rows == (("oai:x:1", "2020-01-01", False, ()), ("oai:x:2", "2020-01-01", True, ()))
    assert (found.token, found.has_token_element, found.complete_list_size, found.cursor) == ("t", True, 5, 0)
    one, two = texts(found)
    assert (one.identifier, one.format, one.url, one.retrieved) == (
        "oai:x:1",
        "oai_dc",
        "https://x.example",
        "2026-03-04T05:06:07Z",
    )
    assert one.original == original
    assert one.sha256 == hashlib.sha256(original.encode()).hexdigest()
    assert one.metadata == {"title": ["é & \u2028"]}
    assert (two.deleted, two.metadata, two.original, two.sha256) == (True, None, None, None)
    assert found.problems == ()


VERSION = record(1, metadata(DC.format("one")))


def test_a_version_that_is_stored_already_is_left_out():
    body = page(VERSION, record(2, metadata(DC.format("two"))))
    first = decode(body)
    assert len(first.versions) == 2 * DIGEST_BYTES
    assert first.left_out == frozenset()
    known = first.versions[:DIGEST_BYTES]
    again = decode_list_records(body, "https://x.example", "oai_dc", "2026-03-05T00:00:00Z", known=known)
    assert [text.identifier for text in texts(again)] == ["oai:x:2"]
    assert again.left_out == {0}
    assert (again.rows, again.digest, again.versions) == (first.rows, first.digest, first.versions)
    all_known = decode_list_records(body, "https://x.example", "oai_dc", "2026", known=first.versions)
    assert (all_known.payload, all_known.left_out) == ((), {0, 1})


@pytest.mark.parametrize(
    "changed",
    [
        record(1, metadata(DC.format("one.")), "2020-01-01"),
        record(1, metadata(DC.format("one")), "2020-01-02"),
        record(1, metadata(DC.format("one")), status=' status="deleted"'),
        record(1),
        record(1, metadata(DC.format("one")) + "<about><a/></about>"),
        VERSION.replace("</header>", "<setSpec>a</setSpec></header>"),
        record(3, metadata(DC.format("one"))),
    ],
)
def test_another_version_is_not_left_out(changed: str):
    known = decode(page(VERSION)).versions
    found = decode_list_records(page(changed), "https://x.example", "oai_dc", "2026", known=known)
    assert found.left_out == frozenset()
    assert len(texts(found)) == 1


def test_a_page_of_headers_has_no_payload():
    head = "<header><identifier>a</identifier><datestamp>2020-01-01</datestamp></header>"
    found = decode_list_identifiers(page(head, verb="ListIdentifiers"))
    assert (found.rows, found.payload) == ((("a", "2020-01-01", False, ()),), ())


def test_one_record_is_a_page_of_one():
    found = decode_get_record(page(record(1, metadata(DC.format("T"))), verb="GetRecord"), "u", "oai_dc", "t")
    assert [r.identifier for r in texts(found)] == ["oai:x:1"]
    assert found.token is None


def test_the_digest_is_over_identifiers_and_datestamps():
    same = [decode(page(record(1, metadata(DC.format(n))), record(2))) for n in range(2)]
    assert same[0].digest == same[1].digest
    others = [
        decode(page(record(2), record(1))),
        decode(page(record(1))),
        decode(page(record(1, stamp="2020-01-02"), record(2))),
    ]
    assert len({found.digest for found in [same[0], *others]}) == 4


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (record(1), "record-without-metadata"),
        (record(1, metadata(DC.format("T")), status=' status="deleted"'), "deleted-with-metadata"),
        (record(1, metadata(DC.format("T")), stamp="2026-13-45T25:61:00Z"), "impossible-datestamp"),
        (record(1, metadata('<record xmlns="http://www.loc.gov/MARC21/slim"><title/></record>')), "conversion-failed"),
    ],
)
def test_what_is_odd_about_a_record_is_said_and_the_record_kept(one: str, code: str):
    found = decode(page(one, record(2, metadata(DC.format("T")))))
    assert [(identifier, kind) for identifier, kind, _ in found.problems] == [("oai:x:1", code)]
    assert [r.identifier for r in texts(found)] == ["oai:x:1", "oai:x:2"]
    if "<metadata>" in one:
        assert texts(found)[0].original is not None


def test_a_page_of_huge_records_is_several_pieces():
    found = decode(page(*(record(n, metadata(DC.format("x" * (FRAME_BYTES // 5)))) for n in range(6))))
    assert len(found.payload) > 2
    assert all(len(piece) <= FRAME_BYTES for piece, _ in archive_builder.unpacked(found.payload))
    assert [r.identifier for r in texts(found)] == [f"oai:x:{n}" for n in range(6)]


def test_metadata_of_unknown_kind_has_no_json():
    (only,) = texts(decode(page(record(1, metadata('<a xmlns="u"/>')))))
    assert (only.metadata, only.original) == (None, '<a xmlns="u"/>')


DEEP = "<i>" * 1500 + "x" + "</i>" * 1500


@pytest.mark.parametrize(
    "root",
    [
        f'<resource xmlns="http://datacite.org/schema/kernel-4"><titles><title>{DEEP}</title></titles></resource>',
        f'<resource xmlns="http://datacite.org/schema/kernel-4"><odd>{DEEP}</odd></resource>',
        f'<record xmlns="http://www.loc.gov/MARC21/slim"><leader>{DEEP}</leader></record>',
        f'<dc xmlns="http://purl.org/dc/elements/1.1/"><title>{DEEP}</title></dc>',
    ],
)
def test_deep_markup_is_converted_or_said_and_the_original_kept(root: str):
    found = decode(page(record(1, metadata(root))))
    (only,) = texts(found)
    assert only.original == root
    assert only.metadata is not None or found.problems[0][1] == "conversion-failed"


def test_errors_are_ours():
    with pytest.raises(ProviderError):
        decode(f'{OPEN}<error code="badArgument"/></OAI-PMH>'.encode())
    for body in (b"", page(record(1))[:-1], page(record(1), verb="ListIdentifiers")):
        with pytest.raises(MalformedPage):
            decode(body)
