"""What must hold for every file of the repository, whatever it is about."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvester import __version__

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")

# Each pattern is put together here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("repo1", "maven", "org"),
    )
]
FOLDERS = [
    "/".join(("", *parts))
    for parts in (
        ("work", ""),
        ("home", ""),
        ("root", ""),
        ("Users", ""),
        ("opt", "pypi"),
        ("opt", "wheels"),
    )
]
HOST = re.compile("|".join(map(re.escape, HOSTS)))
# a path is one that begins there: not part of a URL or of a longer word
FOLDER = re.compile(r"(?<![\w.~})\]*-])(?:" + "|".join(map(re.escape, FOLDERS)) + ")")
URL = re.compile(r"https?://[^\s\"'<>]*")


def tracked() -> list[Path]:
    """Files that git has or would take; all files where there is no git."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        hidden = re.compile(r"^\.(?!ci|gitignore|gitattributes)|^(build|dist|demo)$|\.egg-info$|__pycache__")
        names = (p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file())
        return [ROOT / name for name in names if not any(hidden.search(part) for part in name.parts)]
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def lines_of_text() -> Iterator[tuple[str, int, str]]:
    """(file, line number, line) of every text file."""
    for path in tracked():
        body = path.read_bytes()
        if b"\0" in body[:8192]:
            continue
        for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), 1):
            yield str(path.relative_to(ROOT)), number, line


def test_the_patterns_find_what_they_are_for():
    assert HOST.search("https://files." + HOSTS[1] + "/packages")
    assert FOLDER.search("open('" + FOLDERS[0] + "x')")
    assert FOLDER.search("file://" + FOLDERS[4])
    assert not FOLDER.search("https://example.org" + FOLDERS[1] + "page")
    assert not FOLDER.search("tests" + FOLDERS[0])


def test_no_file_names_a_folder_of_one_machine_or_the_host_of_a_registry():
    wrong = [
        f"{name}:{number}: {line[:120]}"
        for name, number, line in lines_of_text()
        if HOST.search(line) or FOLDER.search(URL.sub("", line))
    ]
    assert not wrong


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_by_version_and_hash(name: str):
    text = re.sub(r"\\\n\s*", "", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    pinned = re.compile(r"[a-z0-9-]+==[^ ;]+ (; [^-]+ )?(--hash=sha256:[0-9a-f]{64} ?)+$")
    assert not [line[:80] for line in lines if not pinned.match(line)]
    assert "make lock" in text
    assert "://" not in text


def test_a_lock_names_what_the_project_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {line.partition("==")[0] for line in (ROOT / LOCKS[0]).read_text().splitlines() if "==" in line}
    needed = {re.split(r"[<>=; \[]", word)[0].lower() for word in project["dependencies"]}
    assert needed <= locked
    assert "setuptools" in locked


def test_the_changelog_speaks_of_this_version():
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
