"""Documentation: every command, path and link that it names is there, and generated pages are current."""

import re
import sys
from pathlib import Path

import pytest
from support import fork_server
from support.harvest_runs import environment

from harvester.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", _CODE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_are_there(page: Path):
    wrong = []
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path).resolve()
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


def test_the_reference_of_commands_is_what_help_prints():
    done = fork_server.run(
        [sys.executable, ROOT / "docs" / "generate_commands.py", "--check"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_are_shown_are_there(page: Path):
    shown = "\n".join(_CODE.findall(page.read_text(encoding="utf-8")))
    words = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?harvester ([a-z][a-z-]*)", shown, re.MULTILINE)
    assert set(words) <= set(COMMANDS)


def test_paths_that_the_architecture_names_are_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"\b((?:archive|harvester|spiders|pipelines|tests|benchmarks)/[\w/]*(?:\.py|\.sql)?)", text))
    assert len(paths) > 30
    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]


def test_every_setting_of_ours_is_documented():
    settings = set(re.findall(r"^(HARVEST_\w+) =", (ROOT / "harvester" / "settings.py").read_text(), re.MULTILINE))
    documented = set(re.findall(r"^\| `(HARVEST_\w+)`", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert documented == settings


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
