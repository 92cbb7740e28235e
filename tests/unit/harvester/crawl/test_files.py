"""Which files of a record are asked for, and what an answer that is none says."""

from dataclasses import replace
from typing import Any

import pytest

from archive.files.checksums import Checksum
from archive.files.lists import FileList, RecordFile
from archive.files.store import FileRow
from archive.store.envelope import Record
from harvester.crawl.arguments.files import parse_filter
from harvester.crawl.files import choose, host_of, list_row, part_name, sets_of, state_of, wanted_of
from harvester.http.redirects import sendable

HOSTS = frozenset({"x.example"})
RECORD = Record("1", "2024-01-01", False, (), "f", "t", "https://x.example/1", "", None, None)
MD5 = Checksum("md5", "0" * 32)


def files(*urls: str) -> FileList:
    return FileList(tuple(RecordFile(f"{n}.pdf", url, 5, MD5) for n, url in enumerate(urls)))


def test_files_of_the_source_s_hosts_are_asked_for_and_no_others():
    found = choose(
        RECORD,
        files("https://X.example/a b", "https://y.example/b", "ftp://x.example/c", "https://u:p@x.example/d"),
        parse_filter("true"),
        HOSTS,
    )
    assert [row.url for row in found.rows] == ["https://X.example/a%20b"]
    assert (found.left_out, found.elsewhere) == (3, (("y.example", False), ("", False)))
    (row,) = found.rows
    assert row == FileRow("1", "0.pdf", "https://X.example/a%20b", 5, str(MD5), "application/pdf", "2024-01-01")
    assert (wanted_of(row).checksum, wanted_of(row).pages) == (MD5, False)


def test_what_the_filter_leaves_out_is_counted():
    found = choose(RECORD, files("https://x.example/a", "https://x.example/b"), parse_filter("key=1*"), HOSTS)
    assert ([row.key for row in found.rows], found.left_out) == (["1.pdf"], 1)
    some = choose(RECORD, files("https://x.example/a", "https://x.example/b"), parse_filter("true"), HOSTS, 1)
    assert (len(some.rows), some.left_out) == (1, 1)


@pytest.mark.parametrize(
    ("wanted", "unsaid"),
    [
        ("size<5", ["size"]),
        ("type=text/*", ["type"]),
        ("set=a", ["set"]),
        ("set=a,size<5", ["set"]),
        ("key=x", []),
        ("size<5,key=x", []),
        ("set!=a", []),
        ("true", []),
    ],
)
def test_what_the_filter_asks_and_nothing_says_is_named(wanted: str, unsaid: list[str]):
    bare = FileList((RecordFile("README", "https://x.example/README"),))
    assert [what for what, key in choose(RECORD, bare, parse_filter(wanted), HOSTS).unsaid] == unsaid
    said = FileList((RecordFile("README", "https://x.example/README", 9, None, "image/png"),))
    of_sets = replace(RECORD, sets=("b",))
    assert choose(of_sets, said, parse_filter(wanted), HOSTS).unsaid == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"parent": {"communities": {"ids": ["0f7b"], "entries": [{"id": "0f7b", "slug": "cern"}, {}, 5]}}},
        {"metadata": {"communities": [{"id": "cern"}]}},
        {"metadata": {"communities": [{"identifier": "cern"}, None]}},
    ],
)
def test_communities_are_the_sets_of_a_record_that_came_without_any(metadata: dict[str, Any]):
    record = replace(RECORD, metadata=metadata)
    assert sets_of(record) == ("cern", "user-cern", "community-cern")
    assert sets_of(replace(record, sets=("a:b",))) == ("a:b",)
    assert sets_of(RECORD) == sets_of(replace(RECORD, metadata={"parent": {"communities": {}}, "metadata": 3})) == ()


def test_a_part_is_called_by_what_it_is():
    row = choose(RECORD, files("https://x.example/a"), parse_filter("true"), HOSTS).rows[0]
    other = FileRow("2", "other", "https://x.example/b", 5, str(MD5), None, "")
    bare = FileRow("2", "other", "https://x.example/b", 5, None, None, "")
    assert part_name(row) == part_name(other) != part_name(bare)
    assert part_name(bare).endswith(".part")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (404, "absent"),
        (410, "absent"),
        (401, "forbidden"),
        (403, "forbidden"),
        (451, "forbidden"),
        (200, "refused"),
        (400, "refused"),
        (0, "refused"),
    ],
)
def test_a_status_is_a_state(status: int, state: str):
    assert state_of(status) == state
    assert list_row(RECORD, "https://x.example/", state, "why").state == state


def test_a_url_is_sent_without_what_would_break_the_request():
    assert sendable(" https://x.example/\u00e4 b\r\nHost: y/%20 ") == "https://x.example/%C3%A4%20b%0D%0AHost:%20y/%20"
    assert host_of("https://[::1") == ""
