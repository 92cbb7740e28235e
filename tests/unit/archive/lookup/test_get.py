"""One record by its id: the same from a lookup, an index and the ledger, from an archive and any kind of release."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support import archive_builder, dump_builder, serving_archive

from archive.errors import ArchiveError, Damaged, NotAnArchive, StaleIndex
from archive.index.build import index
from archive.index.lookup import check_index_lookup, index_lookup
from archive.lookup.found import Answer
from archive.lookup.get import open_reader
from archive.releases.delta import write_delta
from archive.store import envelope, lookup_file
from archive.store.layout import Layout
from archive.store.pieces import FolderFiles


def with_doi(record: envelope.Record, doi: str) -> envelope.Record:
    return replace(record, metadata={"title": ["T"], "identifier": [doi]})


RECORDS = [
    [
        with_doi(serving_archive.record("oai:x:1", "2020-01-01", "One"), "10.5281/zenodo.1"),
        serving_archive.record("oai:x:2", "2020-01-01", "Two"),
        serving_archive.record("oai:y:1", "2020-01-01", "Other"),
        serving_archive.record("1", "2020-01-01", "Plain"),
        serving_archive.record("oai:x:3", "2020-01-01", "Three"),
    ],
    [
        serving_archive.record("oai:x:1", "2020-01-01", "One in JSON", format_="json", media_type="application/json"),
        serving_archive.record("oai:x:10.5281/ZENODO.7", "2020-01-01", "Seven"),
        serving_archive.record("Äpfel", "2020-01-01", "Äpfel \U0001f989 \u2028"),
    ],
    [
        with_doi(serving_archive.record("oai:x:2", "2021-02-02", "Two again"), "10.5281/zenodo.2"),
        serving_archive.record("oai:x:3", "2020-01-01", "Three"),
    ],
    [
        serving_archive.record("oai:x:1", "2022-03-03", None),
        serving_archive.record("oai:x:2", "2022-03-03", "Two at last"),
    ],
]


def flip(path: Path, place: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def without_index(folder: Path) -> None:
    for path in folder.glob("index.*"):
        path.unlink()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "lookup": lambda folder: None,
    "no lookup": lambda folder: index_lookup(Layout(folder)).unlink(),
    "no index": without_index,
    "broken lookup": lambda folder: flip(index_lookup(Layout(folder)), 20),
    "cut lookup": lambda folder: cut(index_lookup(Layout(folder))),
    "stale": lambda folder: archive_builder.ended(folder, [["oai:z:55"]]),
}
SEARCHED = {
    "lookup": "lookup",
    "no lookup": "index",
    "no index": "ledger",
    "broken lookup": "index",
    "cut lookup": "index",
    "stale": "ledger",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_archive.archive(tmp_path_factory.mktemp("getting") / "archive", RECORDS)


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "archive"))


def ask(folder: Path, asked: str) -> Answer:
    return open_reader(FolderFiles(folder)).find(asked)


def told(answer: Answer) -> list[tuple[str | None, str | None, str, bool]]:
    return [(got.identifier, got.format, orjson.loads(got.text)["datestamp"], got.deleted) for got in answer.records]


ONE = [
    ("oai:x:1", "json", "2020-01-01", False),
    ("oai:x:1", "oai_dc", "2020-01-01", False),
    ("oai:x:1", "oai_dc", "2022-03-03", True),
]
PLAIN, OTHER = ("1", "oai_dc", "2020-01-01", False), ("oai:y:1", "oai_dc", "2020-01-01", False)
TWO = [("oai:x:2", "oai_dc", date, False) for date in ("2020-01-01", "2021-02-02", "2022-03-03")]
SEVEN = ("oai:x:10.5281/ZENODO.7", "oai_dc", "2020-01-01", False)
QUESTIONS = {
    "oai:x:1": [PLAIN, *ONE],
    "1": [PLAIN, *ONE, OTHER],
    "oai:y:1": [PLAIN, OTHER],
    "oai:x:2": TWO,
    "2": TWO,
    "oai:x:3": [("oai:x:3", "oai_dc", "2020-01-01", False)],
    "10.5281/zenodo.7": [SEVEN],
    "https://doi.org/10.5281/ZENODO.7": [SEVEN],
    "doi:10.5281/Zenodo.7": [SEVEN],
    "oai:x:10.5281/zenodo.7": [SEVEN],
    "Äpfel": [("Äpfel", "oai_dc", "2020-01-01", False)],
    "oai:z:2": [], "äpfel": [], "": [], "oai:x:": [], "%": [], "10.5281/zenodo.9": [],
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGES)
def test_an_archive_answers_the_same_whatever_is_derived_and_whatever_became_of_it(archive: Path, kind: str):
    DAMAGES[kind](archive)
    reader = open_reader(FolderFiles(archive))
    for asked, expected in QUESTIONS.items():
        answer = reader.find(asked)
        assert told(answer) == expected, asked
        assert answer.searched == SEARCHED[kind]
        assert bool(answer.notes) == (kind in ("broken lookup", "cut lookup"))
        assert answer.others == {"oai:x:1": ("oai:y:1",), "oai:y:1": ("oai:x:1",), "oai:z:2": ("oai:x:2",)}.get(
            asked, ()
        )
        assert all(answer.latest().records[-1].text == answer.records[-1].text for _ in answer.records[-1:])


@pytest.mark.parametrize("kind", ["lookup", "no lookup"])
def test_a_doi_of_metadata_finds_also_what_came_without_it(archive: Path, kind: str):
    DAMAGES[kind](archive)
    assert told(ask(archive, "10.5281/ZENODO.2")) == TWO
    assert told(ask(archive, "10.5281/zenodo.1")) == [PLAIN, *ONE, OTHER]


def test_the_latest_version_is_that_of_the_index(archive: Path):
    latest = ask(archive, "oai:x:1").latest()
    assert told(latest) == [PLAIN, ONE[0], ONE[2]]
    assert told(ask(archive, "oai:x:2").latest()) == TWO[2:]


def test_a_record_harvested_again_as_it_was_is_no_version_and_its_last_copy_counts(archive: Path):
    places = {}
    for kind in ("lookup", "no lookup", "no index"):
        DAMAGES[kind](archive) if kind != "lookup" else None
        [got] = ask(archive, "oai:x:3").records
        places[kind] = (got.file, got.offset, got.position)
    [first] = set(places.values())
    assert first[2] == 1  # in the third page, behind oai:x:2


def test_what_was_sent_comes_back_byte_for_byte(archive: Path):
    reader = open_reader(FolderFiles(archive))
    [json, dead] = [got for got in reader.find("oai:x:1").latest().records if got.identifier == "oai:x:1"]
    assert reader.sent(dead) is None
    assert reader.sent(json) == b'{"title":["One in JSON"]}'
    [two] = reader.find("oai:x:2").latest().records
    assert reader.sent(two) == serving_archive.dublin_core("Two at last").encode()


def test_an_open_shard_is_read_as_well(tmp_path: Path):
    folder = tmp_path / "archive"
    writer, channel, (window,) = archive_builder.begun(folder)
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    writer.commit()
    try:
        index(folder)
        answer = ask(folder, "oai:x:1")
    finally:
        writer.close()
    assert answer.searched == "lookup"
    assert len(answer.records) == 1


def test_a_frame_that_is_damaged_is_no_answer(archive: Path):
    [shard] = (archive / "shards").iterdir()
    whole = shard.read_bytes()
    got = ask(archive, "oai:x:2").records[0]
    flip(shard, got.offset + 30)
    for kind in ("lookup", "no lookup"):
        DAMAGES[kind](archive)
        with pytest.raises(Damaged):
            ask(archive, "oai:x:2")
    shard.write_bytes(whole[: got.offset + 10])
    with pytest.raises(ArchiveError):
        ask(archive, "oai:x:2")
    shard.unlink()
    with pytest.raises(ArchiveError):
        ask(archive, "oai:x:2")


def test_a_key_of_the_same_hash_is_no_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookup_file, "hash_key", lambda key: bytes(12))
    folder = serving_archive.archive(tmp_path / "archive", RECORDS)
    assert index_lookup(Layout(folder)).exists()
    for asked, expected in QUESTIONS.items():
        assert told(ask(folder, asked)) == expected, asked


def test_what_is_neither_archive_nor_release_is_said(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "nothing", Path(__file__)):
        with pytest.raises(NotAnArchive):
            open_reader(FolderFiles(folder))


def test_a_lookup_is_checked_and_is_known_to_be_stale(archive: Path):
    layout = Layout(archive)
    check_index_lookup(layout)
    whole = index_lookup(layout).read_bytes()
    flip(index_lookup(layout), len(whole) - 100)
    with pytest.raises(Damaged):
        check_index_lookup(layout)
    index_lookup(layout).write_bytes(whole)
    DAMAGES["stale"](archive)
    with pytest.raises(StaleIndex):
        check_index_lookup(layout)
    index(archive)
    check_index_lookup(layout)


# --- releases

PACKED = [
    ("jsonseq", "zstd"),
    ("jsonseq", "xz"),
    ("jsonl", "gzip"),
    ("jsonl", "zstd"),
    ("tar", "xz"),
    ("tar", "gzip"),
    ("tar", "zstd"),
]


@pytest.mark.parametrize("form", ["envelope", "bare"])
@pytest.mark.parametrize(("layout", "compression"), PACKED)
def test_any_kind_of_release_has_every_record_by_its_id(
    made: Path, tmp_path: Path, form: str, layout: str, compression: str
):
    out = tmp_path / "out"
    dump_builder.released(made, out, form=form, layout=layout, compression=compression, part_records=3)
    reader = open_reader(FolderFiles(out))
    rows = dump_builder.rows(out)
    assert len(rows) > 5
    assert len({row[4] for row in rows}) > 2
    for identifier, format_, _, deleted, part, _, offset, _, position, _ in rows:
        places = [(got.file, got.offset, got.position) for got in reader.find(identifier).records]
        assert (part, offset, position) in places
        for got in reader.find(identifier).records:
            if got.identifier == identifier and got.format == format_:
                assert (got.deleted, got.file, got.offset) == (deleted, part, offset)
    assert reader.find("nobody").records == ()
    assert reader.enveloped == (form == "envelope")


def test_a_release_of_records_answers_as_the_archive_does_for_their_latest_versions(made: Path, tmp_path: Path):
    dump_builder.released(made, tmp_path / "out")
    reader = open_reader(FolderFiles(tmp_path / "out"))
    for asked in QUESTIONS:
        assert told(reader.find(asked)) == told(ask(made, asked).latest()), asked
        assert reader.find(asked).others == ask(made, asked).others
    assert told(reader.find("10.5281/zenodo.2")) == []  # the latest version has no DOI


def test_bare_records_of_another_namespace_are_not_taken_for_the_one_that_was_asked_for(made: Path, tmp_path: Path):
    dump_builder.released(made, tmp_path / "out", form="bare")
    reader = open_reader(FolderFiles(tmp_path / "out"))
    assert [orjson.loads(got.text)["title"] for got in reader.find("oai:y:1").records] == [["Other"]]
    assert len(reader.find("1").latest().records) == 4  # of all namespaces, the tombstone included
    assert reader.find("oai:z:1").records == ()
    [seven] = reader.find("oai:z:10.5281/zenodo.7").records  # a DOI is the same everywhere
    assert orjson.loads(seven.text) == {"title": ["Seven"]}


def test_a_release_says_what_was_sent_where_it_has_the_bytes(made: Path, tmp_path: Path):
    dump_builder.released(made, tmp_path / "out")
    reader = open_reader(FolderFiles(tmp_path / "out"))
    [two] = reader.find("oai:x:2").records
    assert reader.sent(two) == serving_archive.dublin_core("Two at last").encode()
    [json, dead] = [got for got in reader.find("oai:x:1").records if got.identifier == "oai:x:1"]
    assert reader.sent(dead) is None
    with pytest.raises(ValueError):
        reader.sent(json)
    dump_builder.released(made, tmp_path / "bare", form="bare")
    bare = open_reader(FolderFiles(tmp_path / "bare"))
    with pytest.raises(ValueError):
        bare.sent(bare.find("oai:x:2").records[0])


def test_an_entry_for_the_migrator_is_found_by_its_id_and_its_doi(tmp_path: Path):
    rdm = {
        "id": "abcde-12345",
        "created": "2023-11-14T18:30:55+00:00",
        "updated": "2023-11-15T00:00:00+00:00",
        "pids": {"doi": {"identifier": "10.5555/ABC"}},
        "versions": {"index": 1},
        "parent": {"id": "pppp1-00000"},
        "metadata": {"title": "T"},
        "access": {"record": "public"},
        "files": {"enabled": True},
        "custom_fields": {},
    }
    record = serving_archive.record("abcde-12345", "2024-01-01", "T", format_="json", media_type="application/json")
    serving_archive.archive(tmp_path / "archive", [[replace(record, metadata=rdm)]])
    dump_builder.released(tmp_path / "archive", tmp_path / "out", form="migrator", layout="jsonl", compression="gzip")
    reader = open_reader(FolderFiles(tmp_path / "out"))
    [got] = reader.find("abcde-12345").records
    assert orjson.loads(got.text)["record"]["json"]["id"] == "abcde-12345"
    assert reader.find("https://doi.org/10.5555/abc").records == (got,)


def test_a_delta_is_read_as_a_release_is(made: Path, tmp_path: Path):
    dump_builder.released(made, tmp_path / "old")
    write_delta(made, tmp_path / "old", tmp_path / "delta", dump_builder.options())
    assert open_reader(FolderFiles(tmp_path / "delta")).find("nothing in it").records == ()


def test_no_changed_byte_of_a_release_changes_a_record_that_is_got(made: Path, tmp_path: Path):
    out = tmp_path / "out"
    dump_builder.released(made, out, part_records=3)
    right = told(ask(out, "oai:x:2")), ask(out, "oai:x:2").records[0].text
    found = dict.fromkeys(("manifest.json", "lookup.idx", ask(out, "oai:x:2").records[0].file), 0)
    for name in found:
        whole = (out / name).read_bytes()
        for place in range(0, len(whole), 7):
            (out / name).write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            try:
                answer = ask(out, "oai:x:2")
                assert (told(answer), answer.records[0].text) == right
            except ArchiveError:
                found[name] += 1
        (out / name).write_bytes(whole)
    assert all(found.values())


def test_lookups_and_parts_of_two_releases_do_not_mix(made: Path, tmp_path: Path):
    dump_builder.released(made, tmp_path / "one")
    dump_builder.released(made, tmp_path / "two", until="2020-12-31")
    shutil.copy(tmp_path / "two" / "lookup.idx", tmp_path / "one" / "lookup.idx")
    with pytest.raises(Damaged):
        open_reader(FolderFiles(tmp_path / "one"))
    (tmp_path / "one" / "lookup.idx").unlink()
    with pytest.raises(Damaged):
        open_reader(FolderFiles(tmp_path / "one"))


def test_a_lookup_cannot_lead_out_of_the_folder(archive: Path):
    layout = Layout(archive)
    about = lookup_file.check_lookup(index_lookup(layout)).about
    (archive / "secret").write_bytes(b"x" * 100)
    for name in ("../secret", "/etc/passwd", "..", ""):
        writer = lookup_file.LookupWriter(index_lookup(layout), [name], about)
        writer.add("oai:x:1", 0, 0, 10, 0)
        writer.finish()
        with pytest.raises(Damaged, match="no shard"):
            ask(archive, "oai:x:1")
