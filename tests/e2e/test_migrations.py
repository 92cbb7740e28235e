"""docs/migrations.md: what it shows is what the commands print, on data made for it."""

import csv
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import fork_server, migration_builder
from support.harvest_runs import HARVESTER, environment

EXAMPLES: dict[str, Callable[[Path], None]] = {
    "ceda": migration_builder.ceda,
    "icedig": migration_builder.icedig,
    "platform": migration_builder.platform,
}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return fork_server.run(
        [HARVESTER, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment(), timeout=600
    )


def asked(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = run(folder, "audit", *words, "--json")
    return done.returncode, json.loads(done.stdout)


def shown(root: Path, example: str) -> list[tuple[str, str]]:
    """(command, output) of one section of the document."""
    text = (root / "docs" / "migrations.md").read_text(encoding="utf-8")
    section = text.split(f"<!-- example: {example} -->")[1].split("<!-- example:")[0]
    blocks = re.findall(r"```console\n\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*?)```", section, re.DOTALL)
    return [(command.replace("\\\n", " "), output) for command, output in blocks]


def prepared(root: Path, tmp_path: Path, example: str) -> Path:
    """A folder with the archives of an example, and the files that the document shows by their names."""
    EXAMPLES[example](tmp_path)
    text = (root / "docs" / "migrations.md").read_text(encoding="utf-8")
    for name, body in re.findall(r"```\n# (\S+\.map)\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_the_document_shows_is_what_is_printed(root: Path, tmp_path: Path, example: str):
    folder = prepared(root, tmp_path, example)
    blocks = shown(root, example)
    assert blocks
    for command, output in blocks:
        program, *words = shlex.split(command)
        assert program == "harvester"
        done = run(folder, *words)
        assert done.returncode == 1, done.stderr
        assert done.stdout.rstrip("\n") == output.rstrip("\n"), command


def test_a_community_is_matched_and_its_redirects_lead_to_it(root: Path, tmp_path: Path):
    migration_builder.ceda(tmp_path)
    words = ("ceda", "--against", "zenodo-ceda", "--match", "url:http://cedadocs.example/{id}/")
    code, found = asked(tmp_path, *words, "--redirects", "r.csv", "--nginx", "r.map", "--lines", "l", "--gaps", "g")
    assert code == 1
    assert found["balanced"]
    assert found["classes"] == {
        "matched": 1245,
        "missing": 2,
        "gone": 0,
        "ambiguous": 1,
        "contested": 2,
        "unkeyed": 0,
        "withdrawn": 0,
        "kept": 0,
    }
    assert found["expected"] == 1250 == found["held"] + found["missing"] + found["unchecked"]
    assert found["chains"] == []
    with (tmp_path / "r.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 1245 == found["files"]["redirects"]["written"]
    assert len({row["old_url"] for row in rows}) == len(rows)
    assert len((tmp_path / "g").read_text().splitlines()) == 2
    marks = [line[0] for line in (tmp_path / "l").read_text().splitlines()]
    assert {mark: marks.count(mark) for mark in set(marks)} == {"=": 1245, "+": 2, "*": 3}
    assert asked(tmp_path, *words, "--fail-under", "99.5")[0] == 0
    assert asked(tmp_path, *words, "--fail-under", "99.7")[0] == 1


def test_both_lists_of_a_lying_log_come_out(tmp_path: Path):
    migration_builder.icedig(tmp_path)
    code, found = asked(tmp_path, "zenodo-herbarium", "--log", "uploads.csv", "--lines", "lines", "--gaps", "again")
    assert code == 1
    assert found["balanced"]
    assert found["classes"]["false_failure"] == 7
    assert found["classes"]["false_success"] == 4
    assert found["classes"]["failed"] == 100
    assert (found["twice"], found["copies"], found["net"]) == (2, 2, 3)
    assert found["reasons"]["404"]["items"] == 53
    assert len((tmp_path / "again").read_text().splitlines()) == 104
    listed = [line.split("\t") for line in (tmp_path / "lines").read_text().splitlines()]
    assert len(listed) == 2814
    assert sum(line[1] == "false_failure" for line in listed) == 7


def test_a_success_table_adds_up_and_one_that_does_not_is_refused(root: Path, tmp_path: Path):
    folder = prepared(root, tmp_path, "platform")
    words = ("before", "--against", "after", "--map", "legacy-to-rdm.map", "--by", "type", "--by", "set")
    code, found = asked(folder, *words)
    assert code == 1
    assert found["balanced"]
    assert not found["contradictions"]
    for groups in found["by"].values():
        assert sum(sum(row.values()) for row in groups.values()) == found["items"] == 2890
        assert sum(row["missing"] for row in groups.values()) == 28
    fields = {field["field"]: field for field in found["fields"]}
    title = fields["metadata.title = metadata.title"]
    assert (title["equal"], title["different"]) == (2861, 1)
    assert title["examples"][0]["new"] == ["untitled"]
    assert fields["metadata.notes = metadata.additional_descriptions[*].description"]["only_old"] == 29
    slide = [
        part
        for number in ("total=2890136", "moved=2862188", "missing=28889", "rate=99.9")
        for part in ("--stated", number)
    ]
    code, found = asked(folder, *words[:5], "--fail-under", "90", *slide)
    assert code == 1
    assert any("941 more" in sentence for sentence in found["contradictions"])


@pytest.mark.parametrize(
    "words",
    [
        ("--match", "doi"),
        ("--against", "http://127.0.0.1:9/oai", "--match", "doi"),
        ("--against", "b", "--match", "x"),
        ("--against", "b", "--match", "doi", "--by", "window"),
        ("--against", "b", "--match", "doi", "--stated", "x=1"),
        ("--against", "b", "--match", "doi", "--markdown", "x.md"),
        ("--against", "nowhere", "--match", "doi"),
        ("--against", "b", "--match", "sql:nothing = 1"),
        ("--log", "l.csv", "--column", "colour=x"),
        ("--log", "l.csv", "--by", "type"),
        ("--against", "b", "--map", "l.csv"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(tmp_path: Path, words: tuple[str, ...]):
    migration_builder.archived(tmp_path / "a", [migration_builder.eprint(1)])
    migration_builder.archived(tmp_path / "b", [migration_builder.rdm(101)])
    migration_builder.write_csv(tmp_path / "l.csv", ["item", "status"], [["x", "ok"]])
    done = run(tmp_path, "audit", "a", *words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("harvester: ")
    assert len(done.stderr.splitlines()) < 4
    assert not done.stdout


def test_values_steer_no_terminal(tmp_path: Path):
    migration_builder.archived(tmp_path / "a", [migration_builder.eprint(1, title="\x1b[31mred")])
    migration_builder.archived(tmp_path / "b", [migration_builder.rdm(101, title="\x1b]0;x\x07")])
    done = run(tmp_path, "audit", "a", "--against", "b", "--match", "doi")
    assert "\x1b" not in done.stdout + done.stderr
    assert done.returncode == 1
