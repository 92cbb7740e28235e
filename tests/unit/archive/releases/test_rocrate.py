"""The RO-Crate of a release: each file, run and software once, every reference to something that is there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support import dump_builder, serving_archive

from archive.releases.manifest import Manifest
from archive.releases.rocrate import crate_bytes, crate_graph

OUTSIDE = ("https://w3id.org/ro/crate/1.2", "http://schema.org/CompletedActionStatus")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("release")
    records = [serving_archive.record(f"oai:x:{n:02d}", f"2020-01-{n + 1:02d}", "T" * n, ["a"]) for n in range(12)]
    archive = serving_archive.harvested(
        folder / "archive", [[*records, serving_archive.record("oai:x:99", "2020-02-01", None)]]
    )
    return dump_builder.released(archive, folder / "out", part_records=5)


def graph(manifest: Manifest) -> dict[str, dict[str, Any]]:
    entities = crate_graph(manifest, manifest.files)
    found = {entity["@id"]: entity for entity in entities}
    assert len(found) == len(entities)
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def variants(release: Manifest) -> Iterator[Manifest]:
    """Releases of sources and licences that say little, or something odd."""
    run = release.runs[0]
    runs = ({**run, "finished": None, "state": "unfinished"}, {**run, "run": 2, "software": {"harvester": "2"}})
    yield release
    yield replace(release, runs=runs, software={"harvester": "3 beta"})
    for url in (None, "x", "https://top.example", "https://top.example/", "https://top.example/a b?c=<d>"):
        yield replace(release, source={"name": "N", "url": url}, licence={"id": "own", "name": "Own", "url": ""})


def test_every_reference_is_to_something_that_is_described(release: Manifest):
    for manifest in variants(release):
        found = graph(manifest)
        assert set(references(list(found.values()))) <= {*found, *OUTSIDE}
        assert not [name for name in found if any(c in name for c in ' <>"')]


def test_all_files_are_parts_of_the_root_with_size_and_digest(release: Manifest):
    found = graph(release)
    files = {name: entity for name, entity in found.items() if entity["@type"] == "File"}
    assert {reference["@id"] for reference in found["./"]["hasPart"]} == set(files)
    papers = ("ro-crate-metadata.json", "ro-crate-preview.html")
    expected = {entry.name: (str(entry.bytes), entry.sha256) for entry in release.entries() if entry.name not in papers}
    described = {name: (file.get("contentSize"), file.get("sha256")) for name, file in files.items()}
    assert described == expected | {"manifest.json": (None, None)}
    assert all(file["encodingFormat"] for file in files.values())


def test_the_runs_made_the_release_with_their_software(release: Manifest):
    run = release.runs[0]
    twice = replace(release, runs=(run, {**run, "run": 2, "state": "unfinished", "finished": None}))
    found = graph(twice)
    first, second = found["#run-1"], found["#run-2"]
    assert (first["startTime"], first["endTime"]) == (run["started"], run["finished"])
    assert "actionStatus" in first
    assert "endTime" not in second
    assert "actionStatus" not in second
    assert [found[action["@id"]]["@type"] for action in found["./"]["mentions"]] == ["CreateAction"] * 3
    assert found[first["instrument"]["@id"]]["@type"] == "SoftwareApplication"


def test_one_that_is_alone_stands_for_itself_and_not_in_a_list(release: Manifest):
    (action,) = references(graph(replace(release, runs=()))["./"]["mentions"])
    assert action == "#release"
    assert graph(replace(release, runs=()))["./"]["mentions"] == {"@id": "#release"}


def test_the_file_is_json_and_the_same_each_time(release: Manifest):
    body = crate_bytes(release, release.files)
    assert json.loads(body)["@graph"] == crate_graph(release, release.files)
    assert body == crate_bytes(release, release.files)
