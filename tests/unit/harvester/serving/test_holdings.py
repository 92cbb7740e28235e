"""Holdings: lists in order whatever the order of the harvest, records byte for byte, and nothing that is not held."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import serving_archive

from archive.errors import Damaged, NotAnArchive, StaleIndex
from archive.index.build import index
from archive.store.layout import Layout
from harvester.oaipmh.protocol import MetadataFormat
from harvester.serving import holdings
from harvester.serving.holdings import ArchiveHoldings
from harvester.serving.provider import Item, Position, Selection

COUNT = 500
MARC = "<record xmlns='http://www.loc.gov/MARC21/slim'><leader/></record>"
SPECIAL = [
    # a version that came later, in the same frame and in another one
    serving_archive.record("v:same", "2021-01-01T00:00:00Z", "old"),
    serving_archive.record("v:same", "2021-01-02T00:00:00Z", "new"),
    serving_archive.record("v:other", "2021-01-01T00:00:00Z", "old"),
    serving_archive.record("v:gone", "2021-01-01T00:00:00Z", "there"),
    serving_archive.record("v:back", "2021-01-01T00:00:00Z", None),
    # datestamps that are none, or of another form
    serving_archive.record("d:impossible", "2026-13-45T25:61:00Z", "when?"),
    serving_archive.record("d:day", "2022-05-06", "a day"),
    serving_archive.record("d:fraction", "2022-05-06T07:08:09.123Z", "finer"),
    serving_archive.record("d:old", "0001-01-01T00:00:00Z", "the first"),
    # names that are hard to say
    serving_archive.record("oai:x:a/b c?d&e#f%20", "2022-01-01T00:00:00Z", "odd", ("user-zürich", "a:b:c")),
    serving_archive.record("oai:repository.example:00007", "2022-01-01T00:00:00Z", "x", (), (), "marcxml", MARC),
    serving_archive.record("oai:other.example:00007", "2022-01-01T00:00:00Z", "x"),
    # JSON, and a format that is only deleted
    serving_archive.record("json:1", "2022-01-01T00:00:00Z", "x", (), (), "zenodo-json", None, "application/json"),
    serving_archive.record("mods:1", "2022-01-01T00:00:00Z", None, (), (), "mods"),
    # live, and without metadata
    replace(serving_archive.record("bare", "2022-01-01T00:00:00Z", "x"), sha256=None, metadata=None, original=None),
]
LATER = [
    serving_archive.record("v:other", "2021-01-03T00:00:00Z", "new"),
    serving_archive.record("v:gone", "2021-01-03T00:00:00Z", None),
    serving_archive.record("v:back", "2021-01-03T00:00:00Z", "back"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    many = serving_archive.many(COUNT)
    pages = [many[n : n + 40] for n in range(0, COUNT, 40)]
    return serving_archive.archive(tmp_path_factory.mktemp("holdings") / "archive", [*pages, SPECIAL, LATER])


@pytest.fixture(scope="module")
def held(folder: Path) -> ArchiveHoldings:
    return ArchiveHoldings(folder)


def walk(held: ArchiveHoldings, selection: Selection, limit: int = 33, bodies: bool = False) -> list[Item]:
    after: Position | None = None
    items: list[Item] = []
    while True:
        page = held.page(selection, after, limit, bodies=bodies)
        items += page.items
        if not page.more:
            return items
        assert len(page.items) == limit
        after = page.items[-1].datestamp, page.items[-1].identifier


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_list_holds_every_record_once_in_its_order(held: ArchiveHoldings):
    items = walk(held, Selection("oai_dc"))
    keys = [(item.datestamp, item.identifier) for item in items]
    assert keys == sorted(set(keys))
    special = {one.identifier for one in SPECIAL if one.format == "oai_dc"}
    assert {item.identifier for item in items} == {one.identifier for one in serving_archive.many(COUNT)} | special
    assert len(items) == held.count(Selection("oai_dc")) == COUNT + len(special)
    assert all(item.metadata is None for item in items)


@pytest.mark.parametrize("limit", [1, 7, COUNT, 10 * COUNT])
def test_the_size_of_a_page_changes_nothing(held: ArchiveHoldings, limit: int):
    selection = Selection("oai_dc", at("2020-01-01T00:00:10"), at("2020-01-01T00:01:00"))
    assert walk(held, selection, limit) == walk(held, selection)
    assert len(walk(held, selection)) == 102


def test_records_are_those_of_the_shards_byte_for_byte(held: ArchiveHoldings):
    wanted = {one.identifier: one for one in serving_archive.many(COUNT)}
    items = walk(held, Selection("oai_dc", until=at("2020-12-31"), from_=at("2020-01-01")), bodies=True)
    assert len(items) == COUNT
    for item in items:
        one = wanted[item.identifier]
        assert (item.deleted, item.sets) == (one.deleted, one.sets)
        assert item.datestamp.strftime("%Y-%m-%dT%H:%M:%SZ") == one.datestamp
        assert (item.metadata, item.about) == ((None, ()) if one.deleted else (one.original, one.about))


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ("odd", 250),
        ("odd:0", 83),
        ("odd:1", 84),
        ("od", 0),
        ("odd:", 0),
        ("ODD", 0),
        ("a", 1),
        ("a:b", 1),
        ("a:b:c", 1),
        ("user-zürich", 1),
        ("%", 0),
    ],
)
def test_a_set_holds_its_children_and_nothing_else(held: ArchiveHoldings, spec: str, count: int):
    items = walk(held, Selection("oai_dc", set_spec=spec))
    assert len(items) == held.count(Selection("oai_dc", set_spec=spec)) == count
    assert all(any(one == spec or one.startswith(f"{spec}:") for one in item.sets) for item in items)


def test_sets_are_those_that_records_name_and_those_above_them(held: ArchiveHoldings):
    specs = [one.spec for one in held.sets()]
    assert specs == ["a", "a:b", "a:b:c", "odd", "odd:0", "odd:1", "odd:2", "user-zürich"]
    assert all(one.name for one in held.sets())


def test_the_latest_version_of_a_record_is_given(held: ArchiveHoldings):
    titles = {"v:same": "new", "v:other": "new", "v:back": "back"}
    for identifier, title in titles.items():
        item = held.item(identifier, "oai_dc")
        assert item is not None
        assert item.metadata == serving_archive.dublin_core(title)
    gone = held.item("v:gone", "oai_dc")
    assert gone is not None
    assert (gone.deleted, gone.metadata) == (True, None)


def test_a_datestamp_in_another_form_is_put_right(held: ArchiveHoldings):
    stamps = {item.identifier: item.datestamp for item in walk(held, Selection("oai_dc")) if item.identifier[0] == "d"}
    assert stamps == {
        # no date at all: it stands where it was retrieved
        "d:impossible": at("2026-03-04T05:06:07"),
        "d:day": at("2022-05-06"),
        "d:fraction": at("2022-05-06T07:08:09"),
        "d:old": at("0001-01-01"),
    }
    assert held.earliest() == at("0001-01-01")
    selection = Selection("oai_dc", at("2026-03-04T05:06:07"), at("2026-03-04T05:06:07"))
    assert [item.identifier for item in walk(held, selection)] == ["d:impossible"]
    assert held.count(selection) == 1


def test_formats_are_known_by_their_records(held: ArchiveHoldings):
    dc = MetadataFormat(
        "oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"
    )
    marc = MetadataFormat(
        "marcxml", "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd", "http://www.loc.gov/MARC21/slim"
    )
    mods = MetadataFormat("mods", "http://www.loc.gov/standards/mods/v3/mods.xsd", "http://www.loc.gov/mods/v3")
    assert held.formats() == (marc, mods, dc)
    assert held.formats("oai:repository.example:00007") == [marc, dc]
    assert held.formats("v:gone") == [dc]


def test_what_is_not_held_as_xml_is_an_item_without_formats(held: ArchiveHoldings):
    assert held.formats("json:1") == []
    assert held.item("json:1", "zenodo-json") is None
    assert held.formats("nobody") is None
    assert held.item("nobody", "oai_dc") is None
    assert held.item("v:gone", "marcxml") is None


def test_a_live_record_that_came_without_metadata_is_given_as_it_came(held: ArchiveHoldings):
    item = held.item("bare", "oai_dc")
    assert item is not None
    assert (item.deleted, item.metadata, item.about) == (False, None, ())


def test_any_identifier_can_be_asked_for(held: ArchiveHoldings):
    item = held.item("oai:x:a/b c?d&e#f%20", "oai_dc")
    assert item is not None
    assert item.sets == ("user-zürich", "a:b:c")


def test_a_record_is_found_by_its_identifier_or_its_local_id(held: ArchiveHoldings):
    assert [(one.identifier, one.format) for one in held.find("00008")] == [("oai:repository.example:00008", "oai_dc")]
    assert [one.format for one in held.find("oai:repository.example:00007")] == ["marcxml", "oai_dc"]
    assert {one.identifier for one in held.find("00007")} == {
        "oai:repository.example:00007",
        "oai:other.example:00007",
    }
    assert held.find("nobody") == []
    (found,) = held.find("json:1")
    assert b'"zenodo-json"' in held.text(found)


def test_many_threads_get_what_one_gets(held: ArchiveHoldings, monkeypatch: pytest.MonkeyPatch):
    # frames are thrown out all the time
    monkeypatch.setattr(holdings, "CACHED_BYTES", 10_000)
    selection = Selection("oai_dc", set_spec="odd")
    wanted = walk(held, selection, bodies=True)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda limit: walk(held, selection, limit, bodies=True), range(20, 36)))
    assert all(items == wanted for items in found)


def test_tokens_are_signed_alike_by_one_archive_only(folder: Path, held: ArchiveHoldings, tmp_path: Path):
    other = ArchiveHoldings(
        serving_archive.archive(tmp_path / "other", [[serving_archive.record("a", "2020-01-01", "x")]])
    )
    again = ArchiveHoldings(folder)
    assert again.token_key == held.token_key != other.token_key
    other.close()
    again.close()


def test_an_archive_without_records_has_no_formats(tmp_path: Path):
    empty = ArchiveHoldings(serving_archive.archive(tmp_path / "empty", []))
    assert (empty.formats(), empty.sets()) == ((), ())
    assert empty.earliest() == at("2026-03-04T05:06:07")
    assert empty.page(Selection("oai_dc"), None, 10, bodies=True).items == ()
    empty.close()


def test_an_index_that_is_missing_or_stale_is_refused(tmp_path: Path):
    folder = serving_archive.archive(tmp_path / "archive", [[serving_archive.record("a", "2020-01-01", "x")]])
    ArchiveHoldings(folder).close()
    Layout(folder).index.unlink()
    with pytest.raises(StaleIndex):
        ArchiveHoldings(folder)
    index(folder)
    ArchiveHoldings(folder).close()
    with pytest.raises(NotAnArchive):
        ArchiveHoldings(tmp_path)


def test_a_damaged_frame_is_said_and_never_a_missing_record(tmp_path: Path):
    folder = serving_archive.archive(
        tmp_path / "archive", [[serving_archive.record(str(n), "2020-01-01", "x") for n in range(9)]]
    )
    held = ArchiveHoldings(folder)
    assert held.page(Selection("oai_dc"), None, 9, bodies=True).items
    held.close()
    (shard,) = Layout(folder).shards.iterdir()
    body = bytearray(shard.read_bytes())
    body[60] ^= 1
    shard.write_bytes(body)
    with pytest.raises(Damaged):
        ArchiveHoldings(folder)
