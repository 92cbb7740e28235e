"""A release with its records in several layouts: one manifest, one index, one RO-Crate, and each part is checked."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import bagit
import pytest
import zstandard
from support import serving_archive
from support.command_runner import Typed

from archive.releases.manifest import manifest_bytes, read_manifest

WORDS = (
    "--layout",
    "tar",
    "--layout",
    "jsonseq",
    "--layout",
    "jsonl",
    "--licence",
    "CC0-1.0",
    "--published",
    "2026-01-01",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_archive.harvested(tmp_path_factory.mktemp("made") / "archive", [serving_archive.many(60)])


@pytest.fixture
def release(archive: Path, typed: Typed, tmp_path: Path) -> Path:
    said = typed("dump", archive, tmp_path / "r", *WORDS, "--part-records", 20)
    assert said.code == 0, said.err
    return tmp_path / "r"


def test_each_layout_holds_the_same_records_and_is_as_it_would_be_alone(
    archive: Path, release: Path, typed: Typed, tmp_path: Path
):
    content = read_manifest(release).content
    assert (content.making.layout, [one.layout for one in content.others]) == ("jsonseq", ["jsonl", "tar"])
    for layout in ("jsonseq", "jsonl", "tar"):
        alone = tmp_path / layout
        assert typed("dump", archive, alone, "--layout", layout, *WORDS[6:], "--part-records", 20).code == 0
        assert json.loads((alone / "manifest.json").read_text())["format_version"] == 1
        parts = read_manifest(alone).content.parts
        assert len(parts) > 2
        for part in parts:
            assert (release / part.name).read_bytes() == (alone / part.name).read_bytes()
            assert part in content.all_parts
    values = json.loads((release / "manifest.json").read_text())
    assert values["format_version"] == 2
    names = [entity["@id"] for entity in json.loads((release / "ro-crate-metadata.json").read_text())["@graph"]]
    for part in content.all_parts:
        assert part.name in names
        assert part.name in (release / "README.md").read_text()
    with (
        zstandard.open(release / "records-00001.tar.zst", "rb") as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        assert len(list(tar)) == 20


def test_the_order_of_the_options_makes_no_difference(archive: Path, release: Path, typed: Typed, tmp_path: Path):
    words = ("--layout", "jsonl", "--layout", "jsonseq", "--layout", "tar", *WORDS[6:], "--part-records", 20)
    assert typed("dump", archive, tmp_path / "other", *words).code == 0
    assert read_manifest(tmp_path / "other").content == read_manifest(release).content


def test_every_command_takes_it(archive: Path, release: Path, typed: Typed, tmp_path: Path):
    identifier = serving_archive.many(60)[0].identifier
    assert typed("verify", release).code == 0
    assert typed("get", release, identifier).code == 0
    assert typed("convert", release, "--to", "index-json").code == 0
    assert typed("index", release).code == 0
    assert typed("index", release, "--check").code == 0
    assert typed("sql", release, "SELECT count(*) FROM records").code == 0
    assert typed("bag", release, tmp_path / "bag").code == 0
    assert bagit.Bag(str(tmp_path / "bag")).is_valid()
    assert typed("verify", tmp_path / "bag", "--inside").code == 0
    assert typed("diff", release, release).code == 0
    assert typed("audit", archive, "--against", release).code == 0
    for part in read_manifest(release).content.all_parts:
        assert typed("verify", release / part.name).code == 0


def test_a_delta_leads_to_the_same_bytes(release: Path, typed: Typed, tmp_path: Path):
    new = serving_archive.harvested(tmp_path / "new", [serving_archive.many(90)])
    assert typed("dump", new, tmp_path / "whole", *WORDS, "--part-records", 20).code == 0
    assert typed("dump", new, tmp_path / "delta", *WORDS, "--part-records", 20, "--since", release).code == 0
    said = typed("apply", release, tmp_path / "delta", tmp_path / "made")
    assert said.code == 0, said.err
    made, whole = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("made", "whole"))
    assert {name for name in made if made[name] != whole.get(name)} <= {
        "manifest.json",
        "README.md",
        "CITATION.cff",
        "ro-crate-metadata.json",
        "ro-crate-preview.html",
    }
    assert made.keys() == whole.keys()
    assert typed("verify", tmp_path / "made").code == 0


@pytest.mark.parametrize("ending", ["jsonl", "tar"])
def test_damage_in_any_layout_is_found(release: Path, typed: Typed, ending: str):
    path = release / f"records-00002.{ending}.zst"
    body = bytearray(path.read_bytes())
    body[40] ^= 1
    path.write_bytes(body)
    said = typed("verify", release)
    assert said.code == 4
    assert path.name in said.out
    path.unlink()
    assert typed("verify", release).code == 4


def test_a_layout_that_says_something_else_is_found(archive: Path, release: Path, typed: Typed, tmp_path: Path):
    """A manifest may be right about parts that hold other records than the index."""
    other = serving_archive.harvested(tmp_path / "other", [serving_archive.many(61)])
    assert typed("dump", other, tmp_path / "o", *WORDS, "--part-records", 20).code == 0
    manifest, foreign = read_manifest(release), read_manifest(tmp_path / "o")
    for part in foreign.content.others[1].parts:
        (release / part.name).write_bytes((tmp_path / "o" / part.name).read_bytes())
    others = (manifest.content.others[0], foreign.content.others[1])
    forged = replace(manifest, content=replace(manifest.content, others=others))
    (release / "manifest.json").write_bytes(manifest_bytes(forged))
    said = typed("verify", release)
    assert said.code == 4
    assert ".tar.zst" in said.out
