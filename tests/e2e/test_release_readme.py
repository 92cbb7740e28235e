"""What the README.md of a release says to do works, in a folder with nothing but the release."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import dump_builder, serving_archive

from archive.releases.manifest import Manifest

RECORDS = [serving_archive.record(f"oai:x:{n:02d}", f"2020-01-{n + 1:02d}", "é" * 9 * n, ["a"]) for n in range(40)]
COMPRESSIONS = {"zstd": 3, "xz": 1, "gzip": 1}
each = pytest.mark.parametrize(
    ("layout", "compression"), [(layout, packing) for layout in ("jsonseq", "jsonl", "tar") for packing in COMPRESSIONS]
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gone = serving_archive.record("oai:x:99", "2020-02-01", None)
    return serving_archive.harvested(tmp_path_factory.mktemp("readme") / "archive", [[*RECORDS, gone]])


@pytest.fixture
def make(archive: Path, tmp_path: Path) -> Callable[..., Manifest]:
    """Makes a release of several parts, each of several frames, in `tmp_path / "out"`."""

    def made(**making: Any) -> Manifest:
        manifest = dump_builder.released(archive, tmp_path / "out", part_records=20, **making)
        assert len(manifest.content.parts) == 3
        assert manifest.content.parts[0].frames > 1
        return manifest

    return made


def blocks(folder: Path, language: str) -> Iterator[str]:
    """The blocks of code of the README in one language."""
    text = (folder / "out" / "README.md").read_text()
    yield from re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(folder: Path, command: list[str]) -> str:
    done = subprocess.run(command, cwd=folder / "out", capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@each
def test_records_are_read_in_a_shell(
    tmp_path: Path, make: Callable[..., Manifest], need: Callable[[str], str], layout: str, compression: str
):
    make(layout=layout, compression=compression, level=COMPRESSIONS[compression])
    for program in ("bash", "jq", "sha256sum", compression):
        need(program)
    reading, _, content, everything = blocks(tmp_path, "sh")
    assert run(tmp_path, ["bash", "-c", reading]).count("\n") == 40
    assert run(tmp_path, ["bash", "-c", content]).count(": OK\n") == 5
    assert run(tmp_path, ["bash", "-c", everything]) == ""


@each
def test_records_are_read_in_python(tmp_path: Path, make: Callable[..., Manifest], layout: str, compression: str):
    make(layout=layout, compression=compression, level=COMPRESSIONS[compression])
    (program,) = blocks(tmp_path, "python")
    indent = " " * (len(program.splitlines()[-1]) - len(program.splitlines()[-1].lstrip()))
    found = run(tmp_path, [sys.executable, "-c", f'{program}{indent}print(record["identifier"])\n'])
    assert found.split() == [f"oai:x:{n:02d}" for n in range(40)]


@each
def test_records_are_read_in_duckdb(tmp_path: Path, make: Callable[..., Manifest], layout: str, compression: str):
    make(layout=layout, compression=compression, level=COMPRESSIONS[compression])
    index, *content = blocks(tmp_path, "sql")
    assert len(content) == (layout != "tar" and compression != "xz")
    with duckdb.connect() as db:
        answers = [db.sql(query.replace("'index", f"'{tmp_path}/out/index")).fetchall() for query in [index]]
        answers += [db.sql(query.replace("'records", f"'{tmp_path}/out/records")).fetchall() for query in content]
    assert answers[0] == [
        ("oai_dc", False, 40, "2020-01-01", "2020-01-40"),
        ("oai_dc", True, 1, "2020-02-01", "2020-02-01"),
    ]
    assert answers[1:] == [[(40,)]] * len(content)


@each
def test_one_record_is_had_from_its_row(
    tmp_path: Path, make: Callable[..., Manifest], need: Callable[[str], str], layout: str, compression: str
):
    make(layout=layout, compression=compression, level=COMPRESSIONS[compression])
    need(compression)
    _, one, *_ = blocks(tmp_path, "sh")
    (question,) = re.findall(r"# (SELECT .*) = '...'", one)
    with duckdb.connect() as db:
        query = question.replace("'index", f"'{tmp_path}/out/index") + " = 'oai:x:33'"
        [(part, offset, length, position)] = db.sql(query).fetchall()
    script = one.replace("OFFSET", str(offset)).replace(" PART ", f" {part} ").replace("LENGTH", str(length))
    content = run(tmp_path, ["bash", "-c", script])
    identifiers = re.findall(r'"identifier":"([^"]*)"', content)
    assert identifiers[position] == "oai:x:33"
    assert len(identifiers) < 20


def test_damage_is_found_by_what_the_readme_says(
    tmp_path: Path, make: Callable[..., Manifest], need: Callable[[str], str]
):
    manifest = make()
    need("sha256sum"), need("jq")
    *_, content, everything = blocks(tmp_path, "sh")
    for name, scripts in ((manifest.content.parts[0].name, (content, everything)), ("LICENSE.txt", (everything,))):
        path = tmp_path / "out" / name
        body = path.read_bytes()
        path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        for script in scripts:
            done = subprocess.run(["bash", "-c", script], cwd=tmp_path / "out", capture_output=True, text=True)
            assert (done.returncode, name in done.stdout) == (1, True)
        path.write_bytes(body)


def test_the_manifest_is_checked_by_its_own_digest(
    tmp_path: Path, make: Callable[..., Manifest], need: Callable[[str], str]
):
    make()
    text = (tmp_path / "out" / "README.md").read_text()
    (command,) = re.findall(r"`(jq -cjS .*?sha256sum)`", text)
    said = run(tmp_path, [need("jq"), "-r", ".sha256", "manifest.json"])
    assert run(tmp_path, ["bash", "-c", command]).split()[0] == said.strip()


def test_a_bare_release_and_a_tar_archive_are_what_the_readme_says(tmp_path: Path, make: Callable[..., Manifest]):
    make(form="bare", layout="tar", compression="gzip", level=1)
    text = (tmp_path / "out" / "README.md").read_text()
    assert "A record is the source's metadata alone" in text
    (script, *_) = blocks(tmp_path, "sh")
    names = run(tmp_path, [shutil.which("bash", path=os.defpath) or "bash", "-c", script]).split()
    assert names == [f"oai+x+{n:02d}@oai_dc.json" for n in range(40)]
