"""Releases and deltas of strangers: names in them lead nowhere, whichever command reads them."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support import release_builder

from archive.bags.payload import payload_of
from archive.errors import ArchiveError
from archive.lookup.get import open_reader
from archive.releases.contents import open_contents
from archive.releases.delta import apply_delta
from archive.releases.manifest import FileEntry, Manifest, read_manifest, write_manifest
from archive.releases.verify import check_release
from archive.store.pieces import FolderFiles

SECRET = b"not part of any release\n"


def forged(folder: Path, change: Callable[[Manifest], Manifest]) -> Path:
    """A release whose manifest was changed by somebody who puts its digest right."""
    release_builder.make_release(folder)
    (folder.parent / "secret").write_bytes(SECRET)
    manifest = change(read_manifest(folder))
    (folder / "manifest.json").unlink()
    write_manifest(folder, manifest)
    return folder


def entry(name: str) -> FileEntry:
    return FileEntry(name, len(SECRET), hashlib.sha256(SECRET).hexdigest(), hashlib.sha512(SECRET).hexdigest())


NAMES = ["../secret", "{folder}/secret", "sub/../../secret", "link"]
WAYS: dict[str, Callable[[Manifest, FileEntry], Manifest]] = {
    "a paper": lambda m, e: dataclasses.replace(m, files=(*m.files, e)),
    "the index": lambda m, e: dataclasses.replace(m, content=dataclasses.replace(m.content, index=e)),
    "the lookup": lambda m, e: dataclasses.replace(m, content=dataclasses.replace(m.content, lookup=e)),
    "a part": lambda m, e: dataclasses.replace(m, content=dataclasses.replace(m.content, parts=(
        dataclasses.replace(m.content.parts[0], name=e.name, bytes=e.bytes, sha256=e.sha256, sha512=e.sha512),
        *m.content.parts[1:],
    ))),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_no_name_in_a_manifest_leads_out_of_its_folder(way: str, name: str, tmp_path: Path):
    named = entry(name.format(folder=tmp_path))
    release = forged(tmp_path / "release", lambda manifest: WAYS[way](manifest, named))
    if name == "link":
        (release / "link").symlink_to(tmp_path / "secret")
    report = check_release(release)
    assert report.damaged
    outside = {path.name for path in tmp_path.iterdir()}

    def packed() -> list[str]:
        with payload_of(release) as payload:
            return [f"{item.path} {item.source.read_bytes()!r}" for item in payload.items]

    for use in (
        packed,
        lambda: apply_delta(release, release, tmp_path / "out"),
        lambda: [list(open_contents(release).entries(kind)) for kind in ("records", "tombstones")],
        lambda: open_reader(FolderFiles(release)).find("oai:x:1"),
    ):
        try:
            found = use()
        except (ArchiveError, OSError):
            continue
        assert SECRET.decode().strip() not in str(found)
        assert str(tmp_path / "secret") not in str(found)
        assert ".." not in str(found)
    assert {path.name for path in tmp_path.iterdir()} == outside
