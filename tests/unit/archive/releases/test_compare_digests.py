"""archive/releases/compare.py: an archive beside a release of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.state_archives import State, archive_of, options

from archive.releases.build import write_release
from archive.releases.compare import compare_manifests, compared, digested, read_side
from archive.releases.manifest import INDEX, Selection

STATES = [State("a"), State("b", deleted=True), State("c", "datacite"), State("d", datestamp="2021")]


@pytest.mark.parametrize("form", ["envelope", "bare"])
def test_an_archive_is_the_same_as_a_release_of_it(tmp_path: Path, form: str) -> None:
    archive = archive_of(tmp_path / "archive", STATES)
    write_release(archive, tmp_path / "release", options(form=form, layout="tar", compression="xz", level=1))
    before = sorted(path.name for path in archive.iterdir())
    release = read_side(tmp_path / "release")
    with digested(archive, release.manifest.content) as side:
        assert side.manifest.content.root == release.manifest.content.root
        with compared(release, side) as found:
            assert (found.same, found.texts) == (True, True)
        assert [path.name for path in side.index.parent.glob("*0*")] == []  # type: ignore[union-attr]
    assert sorted(path.name for path in archive.iterdir()) == before


def test_only_what_the_release_was_to_have_is_compared(tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "archive", STATES)
    some = replace(options(), selection=Selection(formats=("oai_dc",), from_="2020", until="2020"))
    write_release(archive, tmp_path / "release", some)
    release = read_side(tmp_path / "release")
    assert release.manifest.content.identifiers == 2
    with digested(archive, release.manifest.content) as side, compared(release, side) as found:
        assert found.same


def test_two_archives_are_compared_as_enveloped_records(tmp_path: Path) -> None:
    old, new = archive_of(tmp_path / "old", STATES), archive_of(tmp_path / "new", [*STATES[1:], State("e")])
    with digested(old, None) as one, digested(new, None) as other, compared(one, other) as found:
        assert {kind: count for kind, count in found.counts.items() if count} == {"same": 3, "gone": 1, "added": 1}
        assert compare_manifests(one.manifest, other.manifest).same is False
    assert not (new / INDEX).exists()
