"""What JSON and ids may hold, in each way that they come: a hit of a search, a member of a dump, a page of OAI-PMH.

Those that are asked for by their ids are in tests/e2e/test_input_attacks.py.
"""

import io
import json
import tarfile
from xml.sax.saxutils import escape

import orjson
import pytest
from support import archive_builder

from archive.formats import jsonseq
from archive.store import envelope
from harvester.errors import MalformedPage
from harvester.oaipmh.decode import decode_list_records
from harvester.rest.exporter import Entry, Version, decode_batch, iter_entries
from harvester.rest.search import DecodedHits, decode_page

URL, AT = "https://x.example/p", "2024-01-01T00:00:00Z"
# what is kept byte for byte
KEPT = {
    "NaN": b'{"id": "7", "a": NaN, "b": -Infinity}', "a key twice": b'{"id": "7", "a": 1, "a": 2}',
    "large integers": b'{"id": "7", "a": ' + b"9" * 4000 + b', "b": 1e400, "c": -0.0, "d": 1.50}',
    "lone surrogates": b'{"id": "7", "a": "\\ud800", "b": "\\udc00\\ud83d"}',
    "RS and NUL, escaped": b'{"id": "7", "a": "\\u001e\\u0000", "b": "\\u2028\\u202e"}',
    "ten megabytes": b'{"id": "7", "a": "' + b"x" * (10 << 20) + b'"}',
    "line ends and spaces": b'{\r\n\t"id" :  "7",\n "a": [ ]\n}',
    "nested 200 deep": b'{"id": "7", "a": ' + b"[" * 200 + b"]" * 200 + b"}",
}  # fmt: skip
# what is no JSON, or none that can be read
REFUSED = {
    "nested 100,000 deep": b'{"id": "7", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects 100,000 deep": b'{"id": "7", "a": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "RS": b'{"id": "7", "a": "\x1e"}',
    "NUL": b'{"id": "7", "a": "\x00"}',
    "no UTF-8": b'{"id": "7", "a": "\xff"}',
    "cut short": b'{"id": "7", "a": "',
}
IDS = [
    "../../etc/x",
    "/etc/passwd",
    "%2e%2e%2f",
    "a%00b",
    "a\nb",
    "a\u202eb",
    "a" * 4096,
    "-rf",
    "CON.",
    "{id}",
    "a b",
    "'; DROP TABLE outcomes; --",
    "a\x9b31m",
    "~root",
    "C:\\x",
    "$(id)",
    "<script>alert(1)</script>",
    "a\u0000b",
    "a\x1eb",
    "\u0627\u200f",
]


def found(body: bytes) -> DecodedHits:
    page = b'{"hits": {"total": 2, "hits": [' + body + b', {"id": "good"}]}, "links": {}}'
    return decode_page(page, "invenio", URL, "json", "application/json", "application/json", AT)


def texts(payload: tuple[tuple[bytes, int], ...]) -> dict[str, bytes]:
    """The records of a payload, as framed texts without their frame, by identifier."""
    framed = b"".join(piece for piece, _ in archive_builder.unpacked(payload)).split(jsonseq.RS)
    return {envelope.decode(text).identifier: text.rstrip(b"\n") for text in framed if text}


def member(name: str, body: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(body)
        tar.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


@pytest.mark.parametrize("what", KEPT)
def test_a_hit_that_can_be_read_is_kept_byte_for_byte(what: str):
    page = found(KEPT[what])
    assert [identifier for identifier, _ in page.rows] == ["7", "good"]
    assert envelope.sent_bytes(texts(page.payload)["7"]) == KEPT[what]


def test_a_byte_order_mark_costs_no_page_of_hits():
    page = b'\xef\xbb\xbf {"hits": {"total": 1, "hits": [ {"id": "7"} ]}}'
    done = decode_page(page, "invenio", URL, "json", "application/json", "application/json", AT)
    assert envelope.sent_bytes(texts(done.payload)["7"]) == b'{"id": "7"}'


@pytest.mark.parametrize("what", REFUSED)
def test_a_page_of_hits_that_cannot_be_read_is_no_shorter_page(what: str):
    with pytest.raises(MalformedPage):
        found(REFUSED[what])


@pytest.mark.parametrize("what", KEPT)
def test_a_member_of_a_dump_that_can_be_read_is_kept_byte_for_byte(what: str):
    done = decode_batch([Entry("7", KEPT[what]), Entry("good", b'{"id": "good"}')], "json", URL, AT)
    assert [(entry.identifier, entry.state) for entry in done.entries] == [("7", "read"), ("good", "read")]
    assert envelope.sent_bytes(texts(done.payload)["7"]) == KEPT[what]


@pytest.mark.parametrize("what", REFUSED)
def test_a_member_of_a_dump_that_cannot_be_read_is_refused_alone(what: str):
    done = decode_batch([Entry("7", REFUSED[what]), Entry("good", b'{"id": "good"}')], "json", URL, AT)
    assert [(entry.identifier, entry.state) for entry in done.entries] == [("7", "refused"), ("good", "read")]
    assert done.entries[0].refused == REFUSED[what]
    assert done.entries[0].reason
    assert set(texts(done.payload)) == {"good"}


@pytest.mark.parametrize("identifier", IDS)
def test_an_id_of_a_hit_is_an_id_whatever_is_in_it(identifier: str):
    page = found(json.dumps({"id": identifier}).encode())
    assert [one for one, _ in page.rows] == [identifier, "good"]
    assert identifier in texts(page.payload)


@pytest.mark.parametrize("identifier", [name for name in IDS if "\0" not in name])
def test_a_member_of_a_dump_is_an_id_or_refused_and_no_path(identifier: str):
    version = Version("records-json.tar.gz", "v", AT, 1, "0" * 32, URL)
    (entry,) = iter_entries([member(f"{identifier}.json", b"{}")], version)
    if entry.reason is None:
        assert entry.identifier == identifier
        assert "/" not in entry.identifier
        assert "\\" not in entry.identifier
    else:
        assert entry.body == b"{}"


# XML has neither of these
@pytest.mark.parametrize("identifier", [name for name in IDS if not {"\0", "\x1e"} & set(name)])
def test_an_identifier_of_a_page_is_an_identifier_whatever_is_in_it(identifier: str):
    record = (
        "<record><header><identifier>{}</identifier><datestamp>2020-01-01</datestamp></header>"
        "<metadata><a xmlns='urn:a'/></metadata></record>"
    )
    page = (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
        f"<ListRecords>{record.format(escape(identifier))}{record.format('good')}</ListRecords></OAI-PMH>"
    )
    done = decode_list_records(page.encode(), URL, "oai_dc", AT)
    identifier = identifier.replace("\n", " ")  # its white space is collapsed
    assert [row[0] for row in done.rows] == [identifier, "good"]
    assert orjson.loads(texts(done.payload)[identifier])["identifier"] == identifier
