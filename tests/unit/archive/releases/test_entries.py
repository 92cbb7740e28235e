"""What text a record has in a release, which are taken, and by which keys they are found."""

import json
from pathlib import Path
from typing import Any

import pytest

from archive.crosswalks.targets import migrator_entry
from archive.errors import CannotDump
from archive.releases.entries import Entry, doi_in, entry_text, is_taken, lookup_keys
from archive.releases.manifest import Selection
from archive.store import envelope

RDM = {
    "id": "abcde-12345", "created": "2023-11-14T18:30:55+00:00", "updated": "2023-11-15T00:00:00+00:00",
    "revision_id": 4,
    "pids": {"doi": {"identifier": "10.5555/ABC", "provider": "external"}}, "versions": {"index": 2},
    "parent": {"id": "pppp1-00000", "access": {"owned_by": {"user": 2}, "grants": []},
               "communities": {"ids": ["c1"], "default": "c1", "entries": [{"id": "c1", "slug": "biology"}]}},
    "metadata": {"title": "T", "resource_type": {"id": "dataset", "title": {"en": "Dataset"}},
                 "creators": [{"person_or_org": {"name": "N"}, "role": {"id": "other", "title": {"en": "Other"}}}],
                 "rights": [{"id": "cc-by-4.0", "props": {"url": "u"}}, {"title": {"en": "Own"}}], "languages": []},
    "access": {"record": "public", "files": "public", "status": "open"}, "files": {"enabled": True, "count": 1},
    "custom_fields": {"a:b": 1}, "links": {"self": "https://repository.example"},
}  # fmt: skip


def stored(metadata: Any, **more: Any) -> tuple[bytes, envelope.Record]:
    """The JSON text of a record in an archive, and the record."""
    values = {
        "identifier": "oai:repository.example:1",
        "datestamp": "2024-05-06T07:08:09Z",
        "deleted": metadata is None,
        "sets": ("b", "a"),
        "format": "json",
        "media_type": "application/json; charset=utf-8",
        "url": "https://repository.example/1",
        "retrieved": "2026-01-01T00:00:00Z",
        **more,
    }
    if metadata is None:
        text = envelope.encode(*values.values(), None, None, None, ())
    else:
        values.pop("deleted")
        raw = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        text = envelope.encode_json(
            values["identifier"],
            values["datestamp"],
            bool(more.get("deleted")),
            values["sets"],
            values["format"],
            values["media_type"],
            values["url"],
            values["retrieved"],
            raw,
        )
    return text, envelope.decode(text)


def test_an_enveloped_text_does_not_depend_on_when_and_how_the_record_came():
    text = entry_text("envelope", *stored({"b": 1, "a": 2}))
    assert text == entry_text("envelope", *stored({"b": 1, "a": 2}, url="https://x.example", retrieved="2020"))
    found = json.loads(text)
    assert "url" not in found
    assert "retrieved" not in found
    assert found["sets"] == ["a", "b"]
    assert list(found) == sorted(found)


def test_what_was_sent_as_no_plain_json_is_in_the_text():
    sent = b'{\n "a": 1.0, "a": 2\n}'
    found = json.loads(entry_text("envelope", *stored(sent)))
    assert found["original"] == sent.decode()
    assert found["metadata"] == {"a": 2}


def test_a_bare_text_is_the_metadata_alone_with_every_digit():
    sent = b'{"b":123456789012345678901,"a":[0.10000000000000000001,1.0]}'
    assert entry_text("bare", *stored(sent)) == b'{"a":[0.10000000000000000001,1],"b":123456789012345678901}'


@pytest.mark.parametrize("form", ["envelope", "bare", "migrator"])
def test_a_tombstone_is_enveloped_in_every_form(form: str):
    assert json.loads(entry_text(form, *stored(None)))["deleted"] is True


def test_a_record_without_json_is_refused_by_name_when_bare():
    text = envelope.encode_bytes(
        "10", "", False, (), "bibtex", "application/x-bibtex", "u", "r", b"@misc{x}", "utf-8", None
    )
    with pytest.raises(CannotDump, match=r"10 \(bibtex\)"):
        entry_text("bare", text, envelope.decode(text))


def test_an_entry_for_the_migrator_has_what_its_loader_reads():
    found = json.loads(entry_text("migrator", *stored(RDM)))
    record, parent = found["record"], found["parent"]
    assert found["record_files"] == []
    assert (record["version_id"], record["index"], record["created"]) == (4, 2, RDM["created"])
    assert record["json"]["id"] == "abcde-12345"
    assert record["json"]["pids"]["doi"]["identifier"] == "10.5555/ABC"
    assert record["json"]["access"] == {"record": "public", "files": "public"}
    assert record["json"]["files"] == {"enabled": True}
    assert parent["json"] == {
        "id": "pppp1-00000",
        "pids": {},
        "access": {"owned_by": {"user": 2}},
        "communities": {"ids": ["biology"], "default": "biology"},
    }


def test_vocabularies_are_named_by_their_ids_for_the_migrator():
    fields = json.loads(entry_text("migrator", *stored(RDM)))["record"]["json"]["metadata"]
    assert fields["resource_type"] == {"id": "dataset"}
    assert fields["creators"] == [{"person_or_org": {"name": "N"}, "role": {"id": "other"}}]
    assert fields["rights"] == [{"id": "cc-by-4.0"}, {"title": {"en": "Own"}}]


@pytest.mark.parametrize("metadata", [{"titles": [{"title": "DataCite"}]}, {"metadata": {"title": "Zenodo's own"}}, {}])
def test_what_is_no_json_of_inveniordm_is_refused_for_the_migrator(metadata: dict[str, Any]):
    with pytest.raises(CannotDump, match="inveniordm-json"):
        entry_text("migrator", *stored(metadata))


@pytest.mark.parametrize("form", ["envelope", "bare", "migrator"])
def test_the_doi_of_a_text_is_that_of_its_record(form: str):
    text, record = stored(RDM)
    assert doi_in(form, False, entry_text(form, text, record)) == "10.5555/abc"


def test_keys_are_the_identifier_its_local_id_and_the_doi_each_once():
    entry = Entry("oai:h.example:10.5555/A", "f", "", False, "10.5555/a", "", b"")
    assert list(lookup_keys(entry)) == ["oai:h.example:10.5555/A", "10.5555/a"]
    assert list(lookup_keys(Entry("7", "f", "", False, None, "", b""))) == ["7"]


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(media_types=("application/json",)), True),
        (Selection(media_types=("APPLICATION/JSON;charset=utf-8",)), True),
        (Selection(media_types=("application/json;charset=latin-1",)), False),
        (Selection(media_types=("application/xml", "application/json")), True),
        (Selection(sets=("a",)), True),
        (Selection(sets=("a:b", "c")), False),
        (Selection(from_="2024-05-06"), True),
        (Selection(from_="2024-05-06T07:08:09Z"), True),
        (Selection(from_="2024-05-06T07:08:10Z"), False),
        (Selection(until="2024-05-06"), True),
        (Selection(until="2024-05-06T07:08:08Z"), False),
        (Selection(from_="2024-05-06", until="2024-05-06"), True),
        (Selection(until="2024-05-05"), False),
    ],
)
def test_a_record_is_taken_by_media_type_set_and_date(selection: Selection, taken: bool):
    assert is_taken(selection, stored({"a": 1})[1]) is taken


def test_a_set_holds_what_is_in_the_sets_below_it_and_no_other_that_begins_so():
    record = stored({"a": 1}, sets=("user:x",))[1]
    assert is_taken(Selection(sets=("user",)), record)
    assert not is_taken(Selection(sets=("use",)), record)


@pytest.mark.parametrize("datestamp", ["", "unknown"])
def test_without_a_datestamp_a_record_is_in_no_range(datestamp: str):
    record = stored({"a": 1}, datestamp=datestamp)[1]
    assert is_taken(Selection(), record)
    assert not is_taken(Selection(until="9999-12-31"), record)
    assert not is_taken(Selection(from_="0001-01-01"), record)


def test_real_records_of_inveniordm_become_entries(corpus: Path):
    paths = [
        corpus / "invenio-rdm" / "full-record.api.json",
        *(corpus / "invenio-rdm" / "caltech-records").glob("*.json"),
    ]
    entries = [(path, migrator_entry(json.loads(path.read_bytes()))) for path in paths]
    made = [(path, entry) for path, entry in entries if entry is not None]
    assert len(made) > 15
    for path, entry in made:
        kind = entry["record"]["json"]["metadata"]["resource_type"]
        assert (entry["record"]["json"]["id"], set(kind)) == (json.loads(path.read_bytes())["id"], {"id"}), path
        assert "communities" in entry["parent"]["json"]
