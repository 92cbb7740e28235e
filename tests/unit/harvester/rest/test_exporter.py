"""A provider's dumps: which files there are, and the records in them."""

import gzip
import json
from pathlib import Path

import pytest
from support import bulk_provider

from archive.formats import jsonseq
from archive.store import envelope
from harvester.errors import MalformedPage, UsageError
from harvester.rest.exporter import (
    BATCH_MEMBERS,
    DELETED,
    Entry,
    Seen,
    Version,
    batches,
    choose,
    community_of,
    decode_batch,
    iter_entries,
    kind_of,
    made_text,
    parse_listing,
    read_columns,
    read_version,
)

URL = "https://zenodo.org/api/exporter"
HEAD = {
    "version_id": "v2",
    "created": "2025-09-13T06:25:32.054451+00:00",
    "is_head": True,
    "size": 10,
    "checksum": "md5:1c1fd4ab805d52729cdee94d199f7729",
    "links": {"self": f"{URL}/records-json.tar.gz/v2"},
}
OLD = HEAD | {"version_id": "v1", "is_head": False, "created": "2025-08-13T06:25:32+00:00"}


def version(key: str = "records-json.tar.gz") -> Version:
    return Version(key, "v", "2025-09-13T06:25:32+00:00", 1, "0" * 32, f"{URL}/{key}/v")


def rows(text: str | bytes) -> list[Entry]:
    body = text.encode() if isinstance(text, str) else text
    return list(iter_entries([gzip.compress(body)], version("records-deleted.csv.gz")))


def test_the_list_of_zenodo_is_read(corpus: Path):
    found = parse_listing((corpus / "zenodo" / "exporter" / "listing-example.json").read_bytes(), URL)
    assert list(found) == ["records-xml.tar.gz", "records-deleted.csv.gz"]
    (head,) = found["records-xml.tar.gz"]
    assert (head.size, head.md5) == (3970234567, "1c1fd4ab805d52729cdee94d199f7729")
    assert made_text([one for versions in found.values() for one in versions]) == "2025-09-01T23:24:03Z"


def test_the_head_comes_first_and_a_window_says_all_that_is_needed_to_go_on():
    body = json.dumps({"a/records-json.tar.gz": [OLD, HEAD]}).encode()
    head, old = parse_listing(body, URL)["a/records-json.tar.gz"]
    assert (head.version, old.version) == ("v2", "v1")
    assert read_version(head.name, head.text) == head
    assert community_of(head.key) == "a"
    assert community_of("records-json.tar.gz") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"checksum": "sha256:00"},
        {"checksum": None},
        {"size": -1},
        {"size": "x"},
        {"version_id": "a/b"},
        {"created": None},
        {"created": "13 September"},
    ],
)
def test_a_version_that_cannot_be_checked_is_no_version(wrong: dict[str, object]):
    with pytest.raises(MalformedPage):
        parse_listing(json.dumps({"records-json.tar.gz": [HEAD | wrong]}).encode(), URL)


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"{", b'{"a": 5}', b'{"a": [5]}', b'{"a": [{}]}'])
def test_what_is_no_list_of_dumps_is_refused(body: bytes):
    with pytest.raises(MalformedPage):
        parse_listing(body, URL)


def test_the_heads_are_taken_and_what_is_not_offered_is_named():
    offered = parse_listing(json.dumps({"records-json.tar.gz": [OLD, HEAD]}).encode(), URL)
    wanted = ("records-json.tar.gz", "records-deleted.csv.gz")
    chosen, missing = choose(offered, wanted, False, None)
    assert [one.version for one in chosen] == ["v2"]
    assert missing == ["records-deleted.csv.gz"]
    assert [one.version for one in choose(offered, wanted, False, "v1")[0]] == ["v1"]
    for named, which in ((True, None), (False, "v9")):
        with pytest.raises(UsageError):
            choose(offered, wanted, named, which)


def test_the_kind_of_a_file_is_in_its_name():
    assert kind_of("x/records-deleted.csv.gz") == DELETED
    with pytest.raises(UsageError):
        kind_of("records.zip")


def test_members_are_named_by_their_id_and_others_are_not_taken():
    content = bulk_provider.packed_tar(
        [
            ("./1.json", b"{}"),
            ("../2.json", b"{}"),
            ("/3.json", b"{}"),
            ("a/4.json", b"{}"),
            ("5.xml", b"<a/>"),
            ("a\\6.json", b"{}"),
            (".json", b"{}"),
            ("abcd-efgh1.json", b"{}"),
        ],
        ["./", "folder"],
    )
    found = list(iter_entries([content], version()))
    assert [entry.identifier for entry in found if entry.reason is None] == ["1", "abcd-efgh1"]
    assert len(found) == 9
    assert all(entry.identifier for entry in found)


def test_json_of_a_member_is_kept_as_it_is():
    body = b'{"id": "7", "updated": "2024-01-02T03:04:05+00:00", "n": 1.50}'
    done = decode_batch([Entry("7", body)], "json", URL, "2024-01-01T00:00:00Z")
    (entry,) = done.entries
    assert (entry.state, entry.datestamp) == ("read", "2024-01-02T03:04:05+00:00")
    ((framed, count),) = done.payload
    assert count == 1
    assert envelope.sent_bytes(framed.strip(jsonseq.RS + b"\n")) == body


@pytest.mark.parametrize(
    ("kind", "body"),
    [("json", b"{"), ("json", b""), ("json", b"<html/>"), ("xml", b"<a>"), ("xml", b"{}"), ("json", b"[1]")],
)
def test_a_member_that_is_no_record_is_refused_with_its_bytes(kind: str, body: bytes):
    (entry,) = decode_batch([Entry("7", body)], kind, URL, "t").entries
    assert (entry.state, entry.refused) == ("refused", body)


def test_rows_may_hold_quotes_and_line_ends_and_are_kept_as_sent():
    text = (
        "record_id,removal_reason,removal_note,removal_date\r\n"
        '1,spam,"a\r\nb ""c"", d\x0b\u2028",2024-01-02\r\n2,,,\r\n'
    )
    header, first, second = rows(text)
    columns = read_columns(header.body)
    assert columns == ["record_id", "removal_reason", "removal_note", "removal_date"]
    assert header.body + first.body + second.body == text.encode()
    done = decode_batch([first, second], DELETED, URL, "t", columns)
    assert [(one.identifier, one.datestamp, one.state, one.reason) for one in done.entries] == [
        ("1", "2024-01-02", "deleted", "spam"),
        ("2", "", "deleted", None),
    ]
    record = envelope.decode(done.payload[0][0].split(jsonseq.RS)[1])
    assert record.metadata is not None
    assert record.metadata["removal_note"] == 'a\r\nb "c", d\x0b\u2028'
    assert record.original is not None
    assert record.original.encode() == first.body


def test_a_row_that_cannot_be_one_is_refused_alone():
    found = rows(b"\xef\xbb\xbfrecord_id,removal_reason\n1,a\n2\n,b\n3,\xff\n4,d,e\n5,f\n")
    assert [(entry.identifier, entry.reason is None) for entry in found[1:]] == [
        ("1", True),
        ("2", False),
        ("row 4 of records-deleted.csv.gz/v", False),
        ("3", False),
        ("4", False),
        ("5", True),
    ]


@pytest.mark.parametrize(
    "text", ["", "doi\n1\n", "record_id,record_id\n", 'record_id,b\n1,"never closed\n2,b\n', 'record_id\n"1"x\n']
)
def test_a_file_of_deletions_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(MalformedPage):
        rows(text)


def test_what_comes_before_the_place_where_a_file_breaks_is_not_lost():
    def broken():
        yield from (Entry(str(n), b"x") for n in range(BATCH_MEMBERS + 3))
        raise MalformedPage("broken")

    found = batches(broken())
    assert [len(next(found)), len(next(found))] == [BATCH_MEMBERS, 3]
    with pytest.raises(MalformedPage):
        next(found)


def test_batches_are_of_about_a_frame():
    entries = [Entry(str(n), b"x" * 300_000) for n in range(10)]
    found = list(batches(entries))
    assert [entry for batch in found for entry in batch] == entries
    assert max(len(batch) for batch in found) == 3


def test_ids_are_seen_once():
    seen = Seen()
    names = ["1", "20750437", "01", "abcde-fgh12", "9" * 30, "0", ""]
    assert [seen.add(name) for name in names] == [False] * len(names)
    assert [seen.add(name) for name in names] == [True] * len(names)
    assert not seen.add("2")
