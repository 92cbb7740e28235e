"""archive/releases/delta.py and archive/releases/delta.py: what a delta holds, and what it is not applied to."""

import errno
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.state_archives import State, archive_of, options

from archive.disk import durable
from archive.errors import ArchiveError, CannotDump, Damaged, OtherArchive
from archive.releases.build import write_release
from archive.releases.contents import open_contents
from archive.releases.delta import PREFIX, apply_delta, write_delta
from archive.releases.manifest import INDEX, MANIFEST, manifest_bytes, read_manifest, write_manifest

OLD = [
    State("changed"),
    State("deleted"),
    State("gone"),
    State("revived", deleted=True),
    State("same"),
    State("stamp"),
    State("still", deleted=True),
    State("sunk", deleted=True),
    State("vanished", deleted=True),
]
NEW = [
    State("added"),
    State("changed", title="Another"),
    State("deleted", deleted=True),
    State("revived"),
    State("same"),
    State("stamp", datestamp="2021"),
    State("still", deleted=True),
    State("stone", deleted=True),
    State("sunk", deleted=True, datestamp="2021"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """old, new and delta, all of them releases."""
    archive_of(tmp_path / "was", OLD)
    archive_of(tmp_path / "now", NEW)
    write_release(tmp_path / "was", tmp_path / "old", options())
    write_release(tmp_path / "now", tmp_path / "new", options())
    write_delta(tmp_path / "now", tmp_path / "old", tmp_path / "delta", options())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_delta_holds_what_changed_and_nothing_else(folder: Path) -> None:
    delta = open_contents(folder / "delta")
    held = {
        kind: [(entry.identifier, json.loads(entry.text).get("gone", False)) for entry in delta.entries(kind)]
        for kind in ("added", "changed", "deleted")
    }
    assert held == {
        "added": [("added", False), ("revived", False)],
        "changed": [("changed", False), ("stamp", False)],
        "deleted": [("deleted", False), ("gone", True), ("stone", False), ("sunk", False), ("vanished", True)],
    }
    content = delta.manifest.content
    assert (content.records, content.tombstones, content.identifiers) == (4, 5, 9)
    assert [part.name for part in content.parts] == [
        "added-00001.json-seq.zst",
        "changed-00001.json-seq.zst",
        "deleted-00001.json-seq.zst",
    ]


def test_a_delta_names_what_it_is_since_and_each_of_its_files(folder: Path) -> None:
    manifest, old = read_manifest(folder / "delta"), read_manifest(folder / "old")
    body = (folder / "old" / MANIFEST).read_bytes()
    assert (manifest.kind, manifest.since) == (
        "delta",
        {"name": old.name, "root": old.content.root, "sha256": hashlib.sha256(body).hexdigest()},
    )
    found = files(folder / "delta")
    del found[MANIFEST]
    assert found.keys() == {entry.name for entry in manifest.entries()}
    for entry in manifest.entries():
        data = found[entry.name]
        assert (len(data), hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest()) == (
            entry.bytes,
            entry.sha256,
            entry.sha512,
        )


def test_applied_to_the_old_release_it_gives_the_new_one(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    apply_delta(folder / "old", folder / "delta", folder / "made", lambda done, total: seen.append((done, total)))
    assert files(folder / "made") == files(folder / "new")
    assert seen[-1] == (9, 9)


def test_a_delta_is_made_without_the_parts_of_the_old_release(folder: Path) -> None:
    for part in (folder / "old").glob("*-0*"):
        part.unlink()
    write_delta(folder / "now", folder / "old", folder / "again", options())
    assert files(folder / "again") == files(folder / "delta")


def test_between_equal_states_nothing_is_in_it(folder: Path) -> None:
    manifest = write_delta(folder / "now", folder / "new", folder / "none", options())
    assert manifest.content.parts == ()
    apply_delta(folder / "new", folder / "none", folder / "made")
    assert files(folder / "made") == files(folder / "new")


def test_a_release_that_is_packed_otherwise_will_do(folder: Path) -> None:
    write_release(folder / "was", folder / "tarred", options(layout="tar", compression="xz"))
    apply_delta(folder / "tarred", folder / "delta", folder / "made")
    assert files(folder / "made") == files(folder / "new")


def test_another_old_release_is_refused_by_name(folder: Path) -> None:
    for other in ("new", "delta"):
        with pytest.raises(OtherArchive) as refused:
            apply_delta(folder / other, folder / "delta", folder / "made")
        assert other in str(refused.value)
    with pytest.raises(OtherArchive):
        apply_delta(folder / "old", folder / "new", folder / "made")
    assert not (folder / "made").exists()


def test_a_delta_to_another_form_or_since_a_delta_is_refused(folder: Path) -> None:
    with pytest.raises(CannotDump):
        write_delta(folder / "now", folder / "old", folder / "out", options(form="bare"))
    with pytest.raises(OtherArchive):
        write_delta(folder / "now", folder / "delta", folder / "out", options())
    assert not (folder / "out").exists()


def test_a_delta_that_deletes_in_bulk_is_refused_until_the_loss_is_accepted(tmp_path: Path) -> None:
    """Three records or more, and a tenth of the live ones or more; tombstones that go are no loss."""
    live = [State(f"{n:02d}") for n in range(30)] + [State("stone", deleted=True)]
    dead = [State(f"{n:02d}", deleted=True) for n in range(2)]
    archive_of(tmp_path / "was", live)
    write_release(tmp_path / "was", tmp_path / "old", options())
    archive_of(tmp_path / "two", [*dead, *live[2:30]])
    write_delta(tmp_path / "two", tmp_path / "old", tmp_path / "few", options())
    archive_of(tmp_path / "three", [*dead, *live[3:30], State("new")])
    with pytest.raises(CannotDump, match="3 of the 30 live records"):
        write_delta(tmp_path / "three", tmp_path / "old", tmp_path / "out", options())
    assert not (tmp_path / "out").exists()
    write_delta(tmp_path / "three", tmp_path / "old", tmp_path / "out", options(), accept_loss=True)


def test_any_damage_to_what_is_read_leaves_no_release(folder: Path) -> None:
    whole = files(folder)
    read = [name for name in whole if name.startswith(("old/", "delta/")) and not _is_unread(name)]
    assert len(read) > 10
    for name in read:
        body = whole[name]
        middle = len(body) // 2
        for damaged in (body[:-1], body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :], None):
            _put(folder / name, damaged)
            with pytest.raises(ArchiveError):
                apply_delta(folder / "old", folder / "delta", folder / "made")
        _put(folder / name, body)
    assert files(folder) == whole
    apply_delta(folder / "old", folder / "delta", folder / "made")


def _is_unread(name: str) -> bool:
    """What the new release is not made of."""
    if name.startswith("old/"):
        return "-0" not in name and not name.endswith((INDEX, MANIFEST))
    return name in ("delta/README.md", "delta/lookup.idx")


def _put(path: Path, body: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if body is not None:
        path.write_bytes(body)


def test_a_new_release_with_files_elsewhere_is_refused(folder: Path) -> None:
    """A manifest that somebody made: its own digests agree."""
    delta = read_manifest(folder / "delta")
    path = folder / "delta" / f"{PREFIX}{MANIFEST}"
    target = read_manifest(path)
    for name in ("../README.md", "a/b", "/tmp/x", INDEX, MANIFEST, ".."):
        files_ = (replace(target.files[0], name=name), *target.files[1:])
        path.write_bytes(manifest_bytes(replace(target, files=files_)))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entries = [replace(e, sha256=digest) if e.name == path.name else e for e in delta.files]
        write_manifest(folder / "delta", replace(delta, files=tuple(entries)))
        with pytest.raises(Damaged):
            apply_delta(folder / "old", folder / "delta", folder / "made")


def test_other_bytes_than_the_new_release_has_are_never_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with another version of zstd."""
    from archive.releases import assembly, codecs

    monkeypatch.setattr(assembly, "compress", lambda kind, level, data: codecs.compress(kind, level + 5, data))
    with pytest.raises(CannotDump):
        apply_delta(folder / "old", folder / "delta", folder / "made")
    assert {path.name for path in folder.iterdir()} == {"was", "now", "old", "new", "delta"}


@pytest.mark.parametrize("command", ["delta", "apply"])
def test_what_fails_at_any_step_leaves_nothing_and_can_be_done_again(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        if command == "delta":
            write_delta(folder / "now", folder / "old", folder / "out", options())
        else:
            apply_delta(folder / "old", folder / "delta", folder / "out")

    points: list[str] = []
    monkeypatch.setattr(durable, "watch", points.append)
    run()
    whole = files(folder / "out")
    steps = points.index("release-renamed")
    assert steps > 10
    for step in range(0, steps, 3):
        shutil.rmtree(folder / "out", ignore_errors=True)
        points.clear()

        def fail(point: str, step: int = step) -> None:
            points.append(point)
            if len(points) > step:
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(durable, "watch", fail)
        with pytest.raises((ArchiveError, OSError)):
            run()
        assert not list(folder.glob("*out*"))
    monkeypatch.setattr(durable, "watch", None)
    run()
    assert files(folder / "out") == whole


def test_what_a_killed_process_left_is_in_nobodys_way(folder: Path) -> None:
    left = folder / ".made.staging" / ".work"
    left.mkdir(parents=True)
    (left / "index").write_bytes(b"half")
    (left.parent / "records-00001.json-seq.zst").write_bytes(b"half")
    apply_delta(folder / "old", folder / "delta", folder / "made")
    assert files(folder / "made") == files(folder / "new")
    assert not left.parent.exists()
