"""The files of a bag as they are on disk: regular ones below its folder, and nothing that a link leads to outside."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from archive.bags.bagcodes import BagFindings
from archive.bags.bagpaths import code_points, folded, is_plain, is_portable, misread, normal, read_path, unseen
from archive.bags.bagtext import Declaration


@dataclass(slots=True)
class BagFiles:
    """Sizes in bytes by name (relative, with /); `links` are names whose bytes are elsewhere in the bag."""

    root: str
    sizes: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    by_normal: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Where the bytes of a file are."""
        return self.links.get(name) or f"{self.root}/{name}"

    @contextmanager
    def open(self, name: str, findings: BagFindings) -> Iterator[BinaryIO]:
        """Open a tag file for reading; one that cannot be read is a finding, and empty."""
        try:
            file: BinaryIO = os.fdopen(os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
        except OSError as cause:
            findings.add("file-unreadable", name, reason=cause.strerror)
            file = io.BytesIO()
        with file:
            try:
                yield file
            except OSError as cause:
                findings.add("file-unreadable", name, reason=cause.strerror)

    def resolve(self, text: str, line: int, of: str, declared: Declaration, findings: BagFindings) -> str | None:
        """The file that a line means: its name as on disk where there is one. None, and a finding, if it escapes."""
        path = read_path(text, percent=declared.strict)
        if path is None:
            findings.add("path-escapes", of, line=line, reason=text)
            return None
        if path.dot_slash:
            findings.add("path-dot-slash", of, line=line, reason=text)
        if path.loose_percent:
            findings.add("path-percent", of, line=line, reason=text)
        for name in (path.name, path.raw):
            if name in self.sizes:
                if name != path.name and not path.loose_percent:
                    findings.add("path-percent", of, line=line, reason=text)
                return name
        name = path.name
        if not is_plain(name):
            findings.add("path-not-portable", of, reason=text)
            name = "/".join(part for part in name.split("/") if part not in ("", "."))
            if name in self.sizes:
                return name
        if (alike := self.by_normal.get(normal(name))) is not None:
            findings.add("name-normalization", alike, reason=of)
            return alike
        return name


def read_folder(folder: Path, findings: BagFindings) -> BagFiles:
    """Find every file of a bag, and what about their names and kinds is wrong."""
    files = BagFiles(os.path.realpath(folder))
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(f"{files.root}/{below}") as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as cause:
            findings.add("file-unreadable", below.rstrip("/"), reason=cause.strerror)
            continue
        for entry in found:
            name = below + entry.name
            if not _is_text(name):
                findings.add("name-not-utf-8", name.encode("utf-8", "replace").decode())
            elif entry.is_symlink():
                _take_link(files, name, entry.path, findings)
            elif entry.is_dir(follow_symlinks=False):
                files.folders.add(name)
                waiting.append(f"{name}/")
            else:
                _take_file(files, name, entry.stat(follow_symlinks=False), findings)
    _check_names(files, findings)
    return files


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _take_file(files: BagFiles, name: str, status: os.stat_result, findings: BagFindings) -> None:
    if stat.S_ISREG(status.st_mode):
        files.sizes[name] = status.st_size
    else:
        findings.add("special-file", name)


def _take_link(files: BagFiles, name: str, path: str, findings: BagFindings) -> None:
    """A link is followed only to a regular file of the same bag."""
    target, written = os.path.realpath(path), Path(path).readlink()
    if not target.startswith(files.root + "/"):
        findings.add("link-escapes", name, reason=written)
    elif Path(target).is_dir():
        findings.add("link-to-folder", name, reason=written)
    elif Path(target).is_file():
        findings.add("link", name, reason=written)
        files.sizes[name], files.links[name] = Path(target).stat().st_size, target
    else:
        findings.add("special-file", name)


def _check_names(files: BagFiles, findings: BagFindings) -> None:
    by_folded: dict[str, str] = {}
    for name in files.sizes:
        first = files.by_normal.setdefault(normal(name), name)
        other = by_folded.setdefault(folded(name), name)
        if first != name:
            findings.add("names-differ-in-normalization", name, reason=first)
        elif other != name:
            findings.add("names-differ-in-case", name, reason=other)
        if bad := misread(name):
            findings.add("name-misread", name, reason=code_points(bad))
        elif bad := unseen(name):
            findings.add("name-unseen", name, reason=code_points(bad))
        if not is_portable(name):
            findings.add("path-not-portable", name, reason=name)
