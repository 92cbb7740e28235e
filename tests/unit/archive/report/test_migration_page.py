"""`audit --match`, `--map` and `--log`: in one audit, and on one page that shows strangers' text as text."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support import migration_builder

from harvester.cli import migration, uploads
from harvester.cli.auditoptions import AuditOptions

BAD = '<script>alert(1)</script>" onload="x'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def checked_page(path: Path) -> str:
    """A page without a script and without a link that leaves it."""
    text = path.read_text("utf-8")
    parser = _Tags()
    parser.feed(text)
    assert "script" not in parser.tags
    assert all(link.startswith("#") for link in parser.links)
    assert text.startswith("<!DOCTYPE html>")
    return text


def sides(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Three items, of which 1 and 2 were moved; the log calls 1 failed, 2 done and 3 done, and knows no URL."""
    source = migration_builder.archived(
        tmp_path / "s", [migration_builder.eprint(n, title=BAD if n == 3 else f"T {n}") for n in (1, 2, 3)]
    )
    old = "http://cedadocs.example/{}/"
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(101, [old.format(1)], title="T 1"),
            migration_builder.rdm(102, [old.format(2)], title=BAD),
        ],
    )
    rows = [
        ["oai:cedadocs.example:1", "failed", BAD],
        ["oai:cedadocs.example:2", "done", ""],
        ["oai:cedadocs.example:3", "done", ""],
    ]
    log = migration_builder.write_csv(tmp_path / "log.csv", ["identifier", "status", "reason"], rows)
    return source, target, log


def test_a_rule_and_a_log_are_one_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, target, log = sides(tmp_path)
    options = AuditOptions(
        match="alternate", log=log, as_json=True, html=tmp_path / "p.html", lines=tmp_path / "l", gaps=tmp_path / "g"
    )
    assert migration.run(source, str(target), options) == 1
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["classes"]["matched"], found["classes"]["missing"]) == (2, 1)
    assert {name: n for name, n in found["uploads"]["classes"].items() if n} == {
        "done": 1,
        "false_failure": 1,
        "false_success": 1,
    }
    assert (tmp_path / "g").read_text() == "3\n"
    assert len((tmp_path / "l").read_text().splitlines()) == 6
    page = checked_page(tmp_path / "p.html")
    assert found["verdict"] in page
    assert found["uploads"]["verdict"].replace("+", "&#43;") in page or found["uploads"]["verdict"] in page


def test_what_only_the_rule_finds_is_there_for_the_log_as_well(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1, title="A title")])
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(101, title="A title")])
    log = migration_builder.write_csv(
        tmp_path / "log.csv", ["identifier", "status"], [["oai:cedadocs.example:1", "done"]]
    )
    alone = AuditOptions(log=log)
    assert migration.run(source, str(target), alone) == 1
    both = AuditOptions(log=log, match="sql:source.title = target.title")
    assert migration.run(source, str(target), both) == 0


def test_the_page_has_fields_groups_and_samples_as_text(tmp_path: Path):
    source, target, _ = sides(tmp_path)
    mapping = tmp_path / "m.map"
    mapping.write_text("match = alternate\ntitle = metadata.title\n")
    page = tmp_path / "p.html"
    migration.run(
        source, str(target), AuditOptions(mapping=mapping, html=page, by=("type", "set"), stated=("total=4",))
    )
    text = checked_page(page)
    assert "&lt;script&gt;" in text
    for word in ("title = metadata.title", "By type", "By set", "reports", "oai:cedadocs.example:3", "4 total stated"):
        assert word in text


def test_a_log_alone_has_a_page(tmp_path: Path):
    _, target, log = sides(tmp_path)
    assert uploads.run(target, "ledger", AuditOptions(log=log, html=tmp_path / "p.html")) == 1
    assert "false failure" in checked_page(tmp_path / "p.html")
