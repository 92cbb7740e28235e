"""`harvester dump`, on harvests of a provider; what it writes is read with the tools of others."""

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import dump_builder, fork_server, serving_archive
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment

from archive.errors import CannotDump
from archive.releases.manifest import read_manifest
from harvester.cli.dump import dump
from harvester.exits import DAMAGED, DONE, FINDINGS, USAGE, exit_code


def run(*words: object, code: int = DONE) -> subprocess.CompletedProcess[str]:
    licence = () if any(str(word).startswith("--licence") for word in words) else ("--licence", "CC0-1.0")
    done = fork_server.run(
        [HARVESTER, "dump", *map(str, words), *licence],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment(),
    )
    assert done.returncode == code, done.stderr
    return done


def made(*words: object, code: int = DONE) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run(*words, "--json", code=code).stdout)
    return values


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_archive.harvested(tmp_path_factory.mktemp("made") / "archive", [serving_archive.many(400)])


def test_two_harvests_in_different_windows_and_order_give_the_same_bytes(
    hostile: Callable[..., Hostile], tmp_path: Path
):
    server = hostile("--records", "900", "--page-size", "50")
    one, other = Harvest(tmp_path / "one"), Harvest(tmp_path / "other")
    assert one.run(server.url) == 0
    assert other.run(server.url, "slices=year", "windows=4") == 0
    first = made(tmp_path / "one", tmp_path / "first")
    second = made(tmp_path / "other", tmp_path / "second")
    assert first["root"] == second["root"]
    assert first["identifiers"] == len(server.truth())
    dump_builder.check(tmp_path / "first")
    assert dump_builder.bytes_of(tmp_path / "first") == dump_builder.bytes_of(tmp_path / "second")
    assert read_manifest(tmp_path / "first").content == read_manifest(tmp_path / "second").content


@pytest.mark.parametrize(
    ("compression", "program"), [("zstd", ["zstd", "-dc"]), ("xz", ["xz", "-dc"]), ("gzip", ["gzip", "-dc"])]
)
def test_the_tools_of_others_read_every_record_and_complain_of_nothing(
    archive: Path, tmp_path: Path, need: Callable[[str], str], compression: str, program: list[str]
):
    values = made(archive, tmp_path / "out", "--compression", compression, "--bare", "--part-records", 150)
    jq, unpack = need("jq"), [need(program[0]), *program[1:]]
    read = 0
    for name in values["parts"]:
        path = tmp_path / "out" / name
        assert subprocess.run([unpack[0], "-t", "-q", path], capture_output=True, check=True).stderr == b""
        content = subprocess.run([*unpack, path], capture_output=True, check=True).stdout
        done = subprocess.run([jq, "--seq", "-c", "."], input=content, capture_output=True, check=True)
        assert done.stderr == b""
        read += done.stdout.count(b"\x1e")
    assert (read, values["records"], values["tombstones"]) == (400, 360, 40)


@pytest.mark.parametrize("compression", ["zstd", "xz", "gzip"])
def test_a_tar_archive_has_one_file_a_record(
    archive: Path, tmp_path: Path, need: Callable[[str], str], compression: str
):
    values = made(archive, tmp_path / "out", "--layout", "tar", "--compression", compression, "--part-records", 300)
    unpack, tar = need(compression), need("tar")
    names: list[str] = []
    for name in values["parts"]:
        (tmp_path / "plain.tar").write_bytes(
            subprocess.run([unpack, "-dc", tmp_path / "out" / name], capture_output=True, check=True).stdout
        )
        listed = subprocess.run([tar, "-tf", tmp_path / "plain.tar"], capture_output=True, check=True)
        assert listed.stderr == b""
        names += listed.stdout.decode().split("\n")[:-1]
        with tarfile.open(tmp_path / "plain.tar") as plain:
            first = plain.extractfile(plain.getmembers()[0])
            assert first is not None
            assert json.loads(first.read())["format"] == "oai_dc"
    assert len(names) == len(set(names)) == 400
    assert names[0] == "oai+repository.example+00001@oai_dc.json"


def test_lines_of_json_are_read_as_they_are(archive: Path, tmp_path: Path, need: Callable[[str], str]):
    made(archive, tmp_path / "out", "--layout", "jsonl", "--compression", "gzip")
    path = tmp_path / "out" / "records-00001.jsonl.gz"
    lines = subprocess.run([need("gzip"), "-dc", path], capture_output=True, check=True).stdout.splitlines()
    assert [json.loads(line)["identifier"] for line in lines] == sorted(
        r.identifier for r in serving_archive.many(400) if not r.deleted
    )


def test_only_what_is_asked_for_is_in_it(archive: Path, tmp_path: Path):
    records = [r for r in serving_archive.many(400) if not r.deleted]
    odd = made(archive, tmp_path / "odd", "--set", "odd:1")
    assert odd["records"] == sum("odd:1" in r.sets for r in records)
    last = made(archive, tmp_path / "last", "--from", "2020-01-01T00:03:00Z")
    assert last["records"] == sum(r.datestamp >= "2020-01-01T00:03:00Z" for r in records)
    assert made(archive, tmp_path / "day", "--until", "2020-01-01")["records"] == len(records)
    assert read_manifest(tmp_path / "odd").content.selection.sets == ("odd:1",)


def test_json_for_the_migrator_is_one_entry_a_line(tmp_path: Path, need: Callable[[str], str]):
    native = {
        "id": "a1b2c-d3e45",
        "revision_id": 3,
        "created": "2024-01-01T00:00:00+00:00",
        "updated": "2024-01-02T00:00:00",
        "pids": {"oai": {"identifier": "oai:r.example:1", "provider": "oai"}},
        "metadata": {"title": "T"},
        "parent": {"id": "p1q2r-s3t45", "communities": {}},
        "versions": {"index": 1},
        "files": {"enabled": True},
    }
    record = serving_archive.record(
        "a1b2c-d3e45", "2024-01-02", "T", format_="inveniordm-json", media_type="application/json"
    )
    values = {name: getattr(record, name) for name in record.__slots__} | {"metadata": native}
    folder = serving_archive.harvested(
        tmp_path / "archive", [[type(record)(**values), serving_archive.record("b", "2024-01-03", None)]]
    )
    run(folder, tmp_path / "out", "--invenio-migrator", "--compression", "gzip")
    path = tmp_path / "out" / "records-00001.jsonl.gz"
    [line] = subprocess.run([need("gzip"), "-dc", path], capture_output=True, check=True).stdout.splitlines()
    entry = json.loads(line)
    assert set(entry) == {"record", "parent", "record_files"}
    assert entry["record"]["json"]["id"] == "a1b2c-d3e45"
    assert entry["parent"]["json"]["communities"] == {}
    assert dump_builder.texts(tmp_path / "out", "tombstones")[0]["identifier"] == "b"


def test_what_cannot_be_made_is_said_and_nothing_is_left(archive: Path, tmp_path: Path):
    assert "inveniordm-json" in run(archive, tmp_path / "out", "--invenio-migrator", code=USAGE).stderr
    run(tmp_path / "none", tmp_path / "out", code=USAGE)
    (tmp_path / "taken").mkdir()
    assert "there already" in run(archive, tmp_path / "taken", code=USAGE).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert exit_code(CannotDump("")) == USAGE


@pytest.mark.parametrize(
    "words",
    [
        ["--part-bytes", "much"],
        ["--part-bytes", "0"],
        ["--part-records", "0"],
        ["--level", "40"],
        ["--from", "2020"],
        ["--compression", "gzip", "--level", "0"],
        ["--from", "2021-01-01", "--until", "2020-12-31"],
        ["--layout", "zip"],
        ["--published", "soon"],
        ["--licence", "no licence"],
        ["--invenio-migrator", "--bare"],
    ],
)
def test_options_that_make_no_sense_are_usage_errors(archive: Path, tmp_path: Path, words: list[str]):
    run(archive, tmp_path / "out", *words, code=USAGE)
    assert not list(tmp_path.iterdir())


def test_an_archive_that_is_not_complete_is_dumped_and_said_to_be_so(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile(
        "--records", "6000", "--page-size", "10", "--p-drip", "1", "--drip-chunks", "3", "--drip-delay", "0.02"
    )
    harvest = Harvest(tmp_path / "archive")
    harvest.kill_once(server.url, "SELECT outcome FROM outcomes WHERE state = 'read'")
    values = made(tmp_path / "archive", tmp_path / "out", code=FINDINGS)
    assert values["complete"] is False
    assert 0 < values["identifiers"] < 6000
    dump_builder.check(tmp_path / "out")
    assert read_manifest(tmp_path / "out").account["complete"] is False


def test_a_damaged_archive_is_never_dumped(tmp_path: Path):
    folder = serving_archive.harvested(tmp_path / "archive", [serving_archive.many(50)])
    [path] = (folder / "shards").glob("*.zst")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    run(folder, tmp_path / "out", code=DAMAGED)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_name_title_licence_and_date_are_as_given(archive: Path, tmp_path: Path):
    run(
        archive,
        tmp_path / "out",
        "--name",
        "n",
        "--title",
        "A title",
        "--licence",
        "CC-BY-4.0",
        "--published",
        "2026-03-04",
    )
    manifest = read_manifest(tmp_path / "out")
    assert (manifest.name, manifest.title, manifest.published) == ("n", "A title", "2026-03-04")
    assert manifest.licence == {
        "id": "CC-BY-4.0",
        "name": "Creative Commons Attribution 4.0 International",
        "url": "https://creativecommons.org/licenses/by/4.0/",
    }


def test_every_option_is_explained():
    assert all(
        getattr(option, "help", None) or option.name in ("compression",)
        for option in dump.params
        if option.param_type_name == "option"
    )


@pytest.mark.parametrize(
    ("words", "there"),
    [
        (["--format", "OAI_DC"], "oai_dc"),
        (["--format", "oai_dc", "--format", "marcxml"], "--format marcxml"),
        (["--set", "nosuch"], "odd:1"),
        (["--set", "odd:1", "--set", "ODD"], "--set ODD"),
        (["--media-type", "text/json"], "application/xml"),
        (["--until", "1990-01-01"], "2020-01-01T00:00:00Z"),
        (["--from", "2099-01-01", "--set", "odd"], "--set odd --from 2099-01-01"),
    ],
)
def test_a_selection_that_fits_nothing_is_refused_with_what_there_is(
    archive: Path, tmp_path: Path, words: list[str], there: str
):
    assert there in run(archive, tmp_path / "out", *words, code=USAGE).stderr
    assert not (tmp_path / "out").exists()


def test_a_delta_of_another_selection_is_refused(archive: Path, tmp_path: Path):
    run(archive, tmp_path / "old")
    for words in (["--set", "odd"], ["--from", "2000-01-01"]):
        done = run(archive, tmp_path / "delta", "--since", tmp_path / "old", *words, code=USAGE)
        assert "no selection" in done.stderr
        assert words[0] in done.stderr
    run(archive, tmp_path / "odd", "--set", "odd")
    run(archive, tmp_path / "delta", "--since", tmp_path / "odd", code=USAGE)
    run(archive, tmp_path / "delta", "--since", tmp_path / "odd", "--set", "odd")


def test_a_release_of_a_server_on_this_machine_needs_no_word_and_asserts_nothing(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    assert harvest.run(hostile("--records", "40").url) == 0
    done = fork_server.run(
        [HARVESTER, "dump", str(harvest.archive), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    assert "states none (NOASSERTION)" in done.stderr
    assert read_manifest(tmp_path / "out").licence["id"] == "NOASSERTION"


def test_no_licence_is_asserted_that_nothing_states(archive: Path, tmp_path: Path):
    done = run(archive, tmp_path / "out", "--licence-unknown")
    assert "licence" not in done.stderr
    manifest = read_manifest(tmp_path / "out")
    assert manifest.licence["id"] == "NOASSERTION"
    for name in ("README.md", "LICENSE.txt", "CITATION.cff", "ro-crate-metadata.json", "ro-crate-preview.html"):
        text = (tmp_path / "out" / name).read_text()
        assert "CC0" not in text, name
        assert "license:" not in text, name
        assert "license-url:" not in text, name
    unsaid = fork_server.run(
        [HARVESTER, "dump", str(archive), str(tmp_path / "unsaid")],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert unsaid.returncode == USAGE
    assert not (tmp_path / "unsaid").exists()
    for option in ("--licence SPDX-ID", "--licence-url", "--licence-unknown"):
        assert option in unsaid.stderr
    run(archive, tmp_path / "no", "--licence", "proprietary", code=USAGE)
    run(archive, tmp_path / "no", "--licence", "CC0-1.0", "--licence-unknown", code=USAGE)
    run(archive, tmp_path / "other", "--licence", "Ours", "--licence-url", "https://data.example/licence")
    assert "https://data.example/licence" in (tmp_path / "other" / "LICENSE.txt").read_text()
    run(archive, tmp_path / "lower", "--licence", "cc-by-4.0")
    assert "license: CC-BY-4.0" in (tmp_path / "lower" / "CITATION.cff").read_text()
