"""Whatever a record says of its files: it is a list of them, and never the end of a run."""

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archive.files.metadata import files_of
from archive.files.store import FileRow
from archive.store.envelope import Record
from harvester.crawl.arguments.files import parse_filter
from harvester.crawl.files import choose, part_name, sets_of, wanted_of

URLS = (
    "https://x.example/a b/c.pdf",
    "http://[bad/x.pdf",
    "//[",
    "ftp://x/y",
    "http://x.example:port/",
    "",
    "\x00",
    "?#",
)
NAMES = (
    "files",
    "entries",
    "enabled",
    "count",
    "key",
    "filename",
    "name",
    "size",
    "filesize",
    "checksum",
    "links",
    "self",
    "content",
    "download",
    "documents",
    "uri",
    "hash",
    "hash_type",
    "datasetVersion",
    "dataFile",
    "id",
    "label",
    "directoryLabel",
    "global_id",
    "fileCount",
    "fields",
    "856",
    "subfields",
    "u",
    "s",
    "z",
    "ind2",
    "distribution",
    "contentUrl",
    "contentSize",
    "metadata",
    "access_right",
    "parent",
    "communities",
    "slug",
    "mimetype",
    "data",
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(URLS),
    st.text(max_size=8),
    st.sampled_from(("md5:" + "0" * 32, "3 bytes", "open", "restricted")),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=40,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
tags = st.sampled_from(
    ("file", "FLocat", "element", "field", "link", "filename", "url", "hash", "bitstream", *string.ascii_letters[:3])
)
spaces = st.sampled_from(
    (
        "http://eprints.org/ep2/data/2.0",
        "http://www.loc.gov/METS/",
        "http://www.lyncode.com/xoai",
        "http://www.w3.org/2005/Atom",
    )
)


@given(objects, st.sampled_from(URLS), st.sampled_from(("true", "size<5", "type=a/*", "set=a", "key=*")))
def test_no_json_keeps_a_list_of_files_from_being_made(metadata: dict[str, Any], url: str, wanted: str):
    listed(Record("1", "", False, (), "f", "t", url, "", None, metadata, None), wanted)


@given(st.lists(st.tuples(tags, spaces, st.sampled_from(URLS[:5])), max_size=6), st.sampled_from(URLS))
def test_no_xml_keeps_a_list_of_files_from_being_made(parts: list[tuple[str, str, str]], url: str):
    inner = "".join(
        f'<{tag} xmlns="{space}" xmlns:l="http://www.w3.org/1999/xlink" l:href="{at}" href="{at}" name="bundle" '
        f'rel="http://www.openarchives.org/ore/terms/aggregates">{at}'
        for tag, space, at in parts
    )
    xml = f"<r>{inner}{''.join(f'</{tag}>' for tag, _, _ in reversed(parts))}</r>"
    listed(Record("1", "", False, (), "f", "t", url, "", None, None, xml), "true")


def listed(record: Record, wanted: str) -> None:
    """Each file that is named is asked for or left out, and a key names one file."""
    found = files_of(record)
    assert len({file.key for file in found.files}) == len(found.files)
    assert not (found.silent and (found.files or found.ask))
    chosen = choose(record, found, parse_filter(wanted), frozenset({"x.example", "x.example:port"}))
    assert len(chosen.rows) + chosen.left_out == len(found.files)
    assert len(chosen.unsaid) <= chosen.left_out
    assert all(isinstance(row, FileRow) and wanted_of(row).url and part_name(row) for row in chosen.rows)
    assert all(sets_of(record))
