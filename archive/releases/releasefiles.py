"""The files of a release against its manifest: there, as long as it says, and of the digests that it says.

Names in a manifest come from whoever made it: none is followed out of the folder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.hashing import ToHash, hash_all
from archive.pieces import is_file_name
from archive.problems import Problem
from archive.releases.release import MANIFEST, FileEntry, Manifest
from archive.resuming import Checked

COPY = "take it from a copy of the release"


@dataclass(slots=True)
class FilesCheck:
    """Names of files that are good, of parts whose digests are not those of the manifest, and what else is wrong."""

    good: set[str] = field(default_factory=set)
    suspect: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def check_files(
    folder: Path, manifest: Manifest, step: Callable[[int], None], *, quick: bool, checked: Checked | None
) -> FilesCheck:
    """Read every file but the manifest; with `quick` only their sizes are looked at. `step` is told bytes as read."""
    check = FilesCheck()
    entries = _look(folder, manifest.entries(), check)
    if quick:
        check.good = {entry.name for entry in entries}
        return check
    unread = []
    for entry in entries:
        if checked is not None and checked.known(entry.sha256, folder / entry.name) is not None:
            check.good.add(entry.name)
            step(entry.bytes)
        else:
            unread.append(entry)
    parts = {part.name for part in manifest.content.parts}
    tasks = [ToHash(str(folder / entry.name), entry.bytes, ("sha256", "sha512")) for entry in unread]
    for place, hashed in hash_all(tasks, step):
        entry = unread[place]
        if hashed.problem is not None:
            check.problems.append(
                Problem("damaged", entry.name, f"it cannot be read: {hashed.problem}; check the disk")
            )
        elif hashed.digests == {"sha256": entry.sha256, "sha512": entry.sha512}:
            check.good.add(entry.name)
            if checked is not None:
                checked.add(entry.sha256, tasks[place].path, {})
        elif entry.name in parts:
            check.suspect.add(entry.name)
        else:
            check.problems.append(Problem("damaged", entry.name, f"its digests are not those of the manifest; {COPY}"))
    return check


def _look(folder: Path, entries: list[FileEntry], check: FilesCheck) -> list[FileEntry]:
    """The entries that are there as files of the right size."""
    found = []
    for entry in entries:
        path = folder / entry.name
        if not is_file_name(entry.name):
            message = f"it names {entry.name!r}, which is no file beside it and is not read"
            check.problems.append(Problem("damaged", MANIFEST, message))
        elif path.is_symlink() or not path.is_file():
            check.problems.append(Problem("missing", entry.name, f"it is not there as a file; {COPY}"))
        elif (size := path.stat().st_size) != entry.bytes:
            message = f"it is {size} bytes long, the manifest says {entry.bytes}; {COPY}"
            check.problems.append(Problem("damaged", entry.name, message))
        else:
            found.append(entry)
    return found


def other_files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    """What the manifest does not name."""
    known = {MANIFEST, *(entry.name for entry in manifest.entries())}
    for path in sorted(folder.iterdir()):
        if path.name not in known:
            yield Problem("extra", path.name, "the manifest does not name it")
