"""`harvester profile` as a user types it, over archives, releases and saved profiles."""

import csv
import io
import json
from pathlib import Path

import pytest
from support import archive_builder
from support.command_runner import Said, Typed
from support.release_builder import make_release

from archive.formats import jsonseq
from archive.index.build import index
from archive.store.envelope import encode
from harvester.demo.samples import build_archive

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "archive"
    build_archive(folder, 400)
    index(folder)
    return folder


def fields(said: Said) -> dict[tuple[str, str], dict[str, object]]:
    found = json.loads(said.out)
    return {(one["kind"], one["path"]): one for one in found["fields"]}


def test_the_fields_of_an_archive(tmp_path: Path, typed: Typed):
    archive_builder.ended(tmp_path / "a", PAGES)
    index(tmp_path / "a")
    said = typed("profile", tmp_path / "a", "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert list(found) == ["format", "format_version", "of", "records", "looked_at", "fields"]
    assert found["records"] == found["looked_at"] == {"oai_dc": 3}
    title = fields(said)["metadata", "title[]"]
    assert title == {
        "format": "oai_dc",
        "kind": "metadata",
        "path": "title[]",
        "coverage": 100.0,
        "present": 3,
        "values": 3,
        "distinct": 3,
        "missed": 0,
        "types": {"string": 3},
        "lengths": {"5": 3},
        "shortest": 16,
        "longest": 16,
        "low": None,
        "high": None,
        "top": [[f"Title of oai:x:{n}", 1] for n in (1, 2, 3)],
        "examples": [f"Title of oai:x:{n}" for n in (1, 2, 3)],
    }
    assert fields(said)["column", "title"]["present"] == 3
    assert fields(said)["column", "sets[]"]["top"] == [["a", 3], ["a:b", 3]]


def test_only_the_latest_version_of_live_records_counts(tmp_path: Path, typed: Typed):
    made, channel, (window,) = archive_builder.begun(tmp_path / "a")
    for pages, more in ((["oai:x:1", "oai:x:2"], {}), (["oai:x:1"], {"filler": " anew"})):
        made.put(archive_builder.answer(channel, window.window, pages, payload=archive_builder.payload(pages, **more)))
        made.commit()
    gone = [("oai:x:2", "2021-01-01T00:00:00Z", "deleted", None)]
    tombstone = archive_builder.payload(["oai:x:2"], deleted=True, datestamp="2021-01-01T00:00:00Z")
    made.put(archive_builder.answer(channel, window.window, ["oai:x:2"], outcomes=gone, payload=tombstone))
    made.commit()
    made.finish("complete")
    made.close()
    index(tmp_path / "a")
    found = fields(typed("profile", tmp_path / "a", "--json"))
    assert found["metadata", "title[]"]["top"] == [["Title of oai:x:1 anew", 1]]


@pytest.mark.parametrize("form", ["envelope", "bare"])
def test_a_release_has_the_fields_of_its_archive(tmp_path: Path, typed: Typed, form: str):
    release = make_release(tmp_path / "release", form=form)
    index(tmp_path / "release-archive")
    theirs = fields(typed("profile", release, "--json"))
    ours = fields(typed("profile", tmp_path / "release-archive", "--json"))
    if form == "bare":  # sets are in the envelope alone
        ours = {where: one for where, one in ours.items() if not where[1].startswith("sets")}
        theirs = {where: one for where, one in theirs.items() if not where[1].startswith("sets")}
    assert theirs == ours
    assert theirs["metadata", "title"]["present"] == 5


def test_a_sample_is_near_the_whole_and_the_same_twice(sampled: Path, typed: Typed):
    said = typed("profile", sampled, "--json", "--sample", 300)
    found = json.loads(said.out)
    looked_at = sum(found["looked_at"].values())
    assert 230 < looked_at < 370
    assert typed("profile", sampled, "--json", "--sample", 300).out == said.out
    assert typed("profile", sampled, "--json", "--sample", 300, "--seed", 1).out != said.out
    for where, one in fields(typed("profile", sampled, "--json")).items():
        if one["coverage"] == 100 and where in fields(said):
            assert fields(said)[where]["coverage"] == 100


def test_fields_are_chosen_by_their_path(sampled: Path, typed: Typed):
    rows = list(csv.DictReader(io.StringIO(typed("profile", sampled, "--csv", "--fields", "creators[].n*").out)))
    assert {row["path"] for row in rows} > {"creators[].name"}
    assert all(row["path"].startswith("creators[].n") for row in rows)
    assert "creators[].name" in typed("profile", sampled, "--fields", "creators*").out


def test_drift_stops_a_publication_and_only_when_asked(tmp_path: Path, typed: Typed):
    for name, number, filler in (("old", 200, " of some length, as titles are"), ("new", 200, "")):
        archive_builder.ended(tmp_path / name, [])
        folder = tmp_path / name
        made, channel, (window,) = archive_builder.begun(folder / "a")
        ids = [f"oai:x:{n}" for n in range(number)]
        made.put(
            archive_builder.answer(channel, window.window, ids, payload=archive_builder.payload(ids, filler=filler))
        )
        made.commit()
        made.finish("complete")
        made.close()
        index(folder / "a")
    old, new, saved = tmp_path / "old" / "a", tmp_path / "new" / "a", tmp_path / "old.json"
    assert typed("profile", old, "--save", saved, "--against", old, "--fail-on", "drift").code == 0
    assert typed("profile", new, "--against", old).code == 0
    for earlier in (old, saved):
        said = typed("profile", new, "--against", earlier, "--fail-on", "drift:50", "--json")
        assert said.code == 1
        drift = json.loads(said.out)["drift"]
        assert {(one["code"], one["path"]) for one in drift} == {
            ("lengths-shifted", "title[]"),
            ("lengths-shifted", "title"),
        }
        assert list(drift[0]) == ["code", "severity", "format", "kind", "path", "before", "now", "by", "message"]
    assert typed("profile", new, "--against", saved, "--fields", "sets*", "--fail-on", "drift").code == 0


@pytest.mark.parametrize(
    "words", [["drift"], ["rain", "--against", "."], ["drift:x", "--against", "."], ["drift:0", "--against", "."]]
)
def test_what_cannot_be_compared_is_a_usage_error(sampled: Path, typed: Typed, words: list[str]):
    assert typed("profile", sampled, "--fail-on", *words).code == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "harvester-profile", "format_version": 99}', "\x00"])
def test_a_file_that_is_no_profile_is_a_usage_error(sampled: Path, typed: Typed, tmp_path: Path, text: str):
    (tmp_path / "p.json").write_text(text)
    assert typed("profile", sampled, "--against", tmp_path / "p.json").code == 2


def test_an_archive_without_an_index_gets_one_unless_that_is_refused(tmp_path: Path, typed: Typed):
    archive_builder.ended(tmp_path / "a", PAGES)
    assert typed("profile", tmp_path / "a", "--no-refresh").code == 3
    assert typed("profile", tmp_path / "a").code == 0


def test_a_value_never_steers_the_terminal(tmp_path: Path, typed: Typed):
    made, channel, (window,) = archive_builder.begun(tmp_path / "a")
    ids = ["oai:x:1", "oai:x:2"]
    metadata = {"a\x1b]0;owned\x07": "\x1b]0;owned\x07", "b": "\x9b31m"}
    texts = [
        encode(
            i, "2020", False, (), "oai_dc", "application/xml", "u", "2026-03-04T05:06:07Z", "0" * 64, metadata, None, ()
        )
        for i in ids
    ]
    payload = ((b"".join(map(jsonseq.encode, texts)), 2),)
    outcomes = [(i, "2020", "read", None) for i in ids]
    made.put(archive_builder.answer(channel, window.window, ids, payload=payload, outcomes=outcomes))
    made.commit()
    made.finish("complete")
    made.close()
    index(tmp_path / "a")
    said = typed("profile", tmp_path / "a")
    assert said.code == 0
    assert "owned" in said.out
    assert "\x1b" not in said.out
    assert "\x9b" not in said.out


def test_a_field_that_is_not_there_is_named_with_those_that_are(sampled: Path, typed: Typed):
    said = typed("profile", sampled, "--fields", "title*", "--fields", "nosuch*")
    assert said.code == 2
    assert "--fields nosuch*" in said.err
    assert "creators[].name" in said.err
    assert typed("profile", sampled, "--fields", "creators*").code == 0
