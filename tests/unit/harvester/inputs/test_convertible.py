"""Whatever holds records: each kind of file is known by its first bytes, read to its end, and nothing is left out."""

from pathlib import Path

import orjson
import pytest
from support.archive_builder import record
from support.conversion_archives import dublin_core, filled, text

from archive.formats import jsonseq
from archive.store.layout import Layout
from harvester.errors import Unreadable, UsageError
from harvester.inputs.convertible import Item, flattened, iter_items

MARC = '<record><leader>L</leader><controlfield tag="001">{}</controlfield></record>'
MADE = {"title": ["T"]}


def items(tmp_path: Path, body: bytes | str) -> list[Item]:
    path = tmp_path / "file"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return list(flattened(iter_items(path)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_one_record_of_xml(tmp_path: Path, encoding: str):
    assert items(tmp_path, dublin_core("T").encode(encoding)) == [Item("record 1", MADE)]


@pytest.mark.parametrize("space", ["", ' xmlns="http://www.loc.gov/MARC21/slim"'])
def test_each_record_of_a_collection_of_marc(tmp_path: Path, space: str):
    many = "".join(f"<!-- c -->\n{MARC.format(n)}" for n in range(500))
    found = items(tmp_path, f"<collection{space}>{many}</collection>")
    assert [item.metadata and item.metadata["fields"][0]["001"] for item in found] == [str(n) for n in range(500)]
    assert found[0].name == "record 1"


def test_a_page_of_oai_pmh_with_a_tombstone(tmp_path: Path):
    header = "<header{}><identifier>oai:x:{}</identifier><datestamp>2020</datestamp></header>"
    live = f"<record>{header.format('', 1)}<metadata>{dublin_core('T')}</metadata></record>"
    status = ' status="deleted"'
    gone = f"<record>{header.format(status, 2)}</record>"
    empty = f"<record>{header.format('', 3)}</record>"
    page = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>x</responseDate>{}</OAI-PMH>'
    found = items(tmp_path, page.format(f"<ListRecords>{live}{gone}{empty}</ListRecords>"))
    assert [(item.name, item.metadata, bool(item.reason)) for item in found] == [
        ("oai:x:1", MADE, False),
        ("oai:x:2", None, False),
        ("oai:x:3", None, True),
    ]
    assert [item.name for item in items(tmp_path, page.format(f"<GetRecord>{live}</GetRecord>"))] == ["oai:x:1"]
    with pytest.raises(Unreadable):
        items(tmp_path, page.format('<error code="idDoesNotExist">no</error>'))


def test_json_alone_in_lines_in_a_list_and_in_a_sequence(tmp_path: Path):
    one, other = {"id": 7, "title": ["T"]}, {"title": ["U"]}
    wanted = [Item("7", one, identifier="7"), Item("record 2", other)]
    texts = [orjson.dumps(one), orjson.dumps(other)]
    assert items(tmp_path, orjson.dumps(one, option=orjson.OPT_INDENT_2)) == wanted[:1]
    assert items(tmp_path, b"\n".join(texts)) == wanted
    assert items(tmp_path, b"[%s]" % b",".join(texts)) == wanted
    assert items(tmp_path, b"".join(map(jsonseq.encode, texts))) == wanted
    assert items(tmp_path, b'{"collection": [{"leader": "a"}, {"leader": "b"}]}') == [
        Item("record 1, record 1", {"leader": "a"}),
        Item("record 1, record 2", {"leader": "b"}),
    ]


def test_a_line_that_is_no_record_is_said_and_the_next_is_read(tmp_path: Path):
    found = items(tmp_path, b'{"title": ["T"]}\n{"title": \n5\n{"title": ["U"]}\n')
    assert [item.metadata for item in found] == [{"title": ["T"]}, None, None, {"title": ["U"]}]
    assert [bool(item.reason) for item in found] == [False, True, True, False]


def test_a_shard_is_read_from_what_was_sent(tmp_path: Path):
    folder = tmp_path / "archive"
    filled(folder, [[[text("a", dublin_core("T"), {"title": ["old"]}), record("b", deleted=True)], [text("c", None)]]])
    (path,) = Layout(folder).shards.iterdir()
    found = list(iter_items(path))
    assert found == [Item("a", MADE, identifier="a"), Item("b", None), Item("c", None, found[2].reason)]
    assert found[2].reason
    body = path.read_bytes()
    path.write_bytes(body[:-20])
    with pytest.raises(Unreadable):
        list(iter_items(path))


def test_a_record_of_a_release_is_read_from_what_was_sent_as_well(tmp_path: Path):
    values = orjson.loads(text("a", dublin_core("T"), {"title": ["old"]}))
    del values["url"], values["retrieved"]
    assert items(tmp_path, jsonseq.encode(orjson.dumps(values))) == [Item("a", MADE, identifier="a")]


@pytest.mark.parametrize(
    "body", [b"", b"text", b"{", b"<dc>", b"<collection><record></collection>", b"<!DOCTYPE html><html/>", b"\xff\xfe<"]
)
def test_what_is_cut_or_is_none_of_these_is_never_a_shorter_one(tmp_path: Path, body: bytes):
    with pytest.raises(Unreadable):
        items(tmp_path, body)


def test_a_file_that_is_not_there_is_a_mistake_of_who_named_it(tmp_path: Path):
    with pytest.raises(UsageError):
        list(iter_items(tmp_path / "none"))
