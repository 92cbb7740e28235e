"""RO-Crates of releases, held against RO-Crate 1.2 by rocrate-validator."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support import dump_builder, serving_archive
from support.external_checkers import rocrate_problems

from archive.releases.documents import write_papers
from archive.releases.manifest import Manifest
from archive.releases.rocrate import METADATA


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    records = [serving_archive.record(f"oai:x:{n:02d}", f"2020-01-{n + 1:02d}", "T" * n, ["a"]) for n in range(12)]
    archive = serving_archive.harvested(
        folder / "archive", [[*records, serving_archive.record("oai:x:99", "2020-02-01", None)]]
    )
    dump_builder.released(archive, folder / "out", part_records=5)
    return folder / "out"


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    return dump_builder.read_manifest(folder)


# recommendations of 1.2 that releases do not follow: the page has the name that the specification gives it; as the
# manifest names the crate, the crate cannot say how long the manifest is; a state of schema.org is not described again;
# of an organisation neither ROR nor contact is known
NOT_FOLLOWED = ("42.1", "43.0", "43.1", "64.1", "77.1", "78.1", "89.0", "90.1", "93.0")


def problems(folder: Path) -> list[str]:
    """What is wrong beside that."""
    known = tuple(f"RECOMMENDED ro-crate-1.2_{number}:" for number in NOT_FOLLOWED)
    return [problem for problem in rocrate_problems(folder) if not problem.startswith(known)]


def test_a_release_has_all_that_is_required_and_recommended(folder: Path):
    assert problems(folder) == []


@pytest.mark.parametrize(
    "source",
    [
        {"name": 'A "<b>" & é 🌍', "url": "https://top.example/"},
        {"name": "", "url": "https://top.example/a b?c=<d>"},
        {"name": "No address", "url": None},
    ],
)
def test_so_has_one_of_an_odd_source(folder: Path, manifest: Manifest, source: dict[str, str], tmp_path: Path):
    odd = tmp_path / "out"
    shutil.copytree(folder, odd)
    run = {**manifest.runs[0], "run": 2, "state": "unfinished", "finished": None, "software": {"harvester": "9 b"}}
    write_papers(odd, replace(manifest, source=source, runs=(*manifest.runs, run)))
    # without an address there is none to give for the organization
    assert all("Organization" in problem or "organization" in problem for problem in problems(odd))
    assert bool(problems(odd)) <= (source["url"] is None)


def test_what_is_missing_is_found(folder: Path, tmp_path: Path):
    broken = tmp_path / "out"
    shutil.copytree(folder, broken)
    (broken / "index.parquet").unlink()
    (problem,) = rocrate_problems(broken, "required")
    assert "index.parquet" in problem
    described = json.loads((folder / METADATA).read_bytes())
    del described["@graph"][1]["license"]
    shutil.copy(folder / "index.parquet", broken)
    (broken / METADATA).write_text(json.dumps(described))
    assert any("license" in problem for problem in rocrate_problems(broken, "required"))
