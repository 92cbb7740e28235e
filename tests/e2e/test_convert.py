"""`harvester convert` and `harvester validate` as a user runs them."""

import json
from pathlib import Path

import pytest
from support import fork_server
from support.archive_builder import record
from support.conversion_archives import dublin_core, filled, text
from support.harvest_runs import HARVESTER, environment

from archive.store.layout import Layout

OLD = {"title": ["as an older converter had it"]}
LEADER = "00000nam a2200000 a 4500"
SLIM = "http://www.loc.gov/MARC21/slim"
MARC = f'<record xmlns="{SLIM}"><leader>{LEADER}</leader><controlfield tag="001"> 1</controlfield></record>'


def run(*words: object, stdin: bytes = b"") -> tuple[int, bytes, str]:
    done = fork_server.run(
        [HARVESTER, *map(str, words)], input=stdin, capture_output=True, check=False, env=environment()
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    filled(made, [[[text("oai:x:1", dublin_core("T"), OLD), text("oai:x:2", MARC), record("oai:x:3", deleted=True)]]])
    return made


def test_an_archive_is_converted_once_and_said_to_be_current_then(folder: Path):
    assert run("index", folder)[0] == 0
    code, out, err = run("convert", folder, "--json")
    found = json.loads(out)
    assert (code, found["shards"], found["changed"], found["otherwise"], found["same"]) == (0, 1, 1, 1, 1)
    assert found["examples"] == [{"kind": "otherwise", "identifier": "oai:x:1", "format": "oai_dc", "reason": "title"}]
    assert f"harvester index {folder}" in err
    assert run("verify", folder)[0] == 1  # the index is stale, as was said
    assert run("index", folder)[0] == 0
    assert run("verify", folder)[0] == 0
    found = json.loads(run("convert", folder, "--json")[1])
    assert (found["shards"], found["current"], found["records"]) == (0, 1, 0)
    assert json.loads(run("convert", folder, "--all", "--json")[1])["same"] == 2


def test_what_no_longer_converts_is_a_finding(tmp_path: Path):
    filled(tmp_path / "a", [[[text("oai:x:1", "<novelty/>", OLD)]]])
    code, out, _ = run("convert", tmp_path / "a")
    assert code == 1
    assert b"oai:x:1" in out


def test_an_archive_and_its_shard_are_written_as_index_json(folder: Path):
    code, _, err = run("convert", folder, "--to", "index-json")
    assert code == 3
    assert f"harvester index {folder}" in err
    run("index", folder)
    code, out, err = run("convert", folder, "--to", "dc-json")
    assert (code, out.splitlines()) == (1, [b'{"title":["T"]}'])
    assert "oai:x:2" in err
    (shard,) = Layout(folder).shards.iterdir()
    assert run("convert", shard, "--to", "dc-json", "--seq")[1] == b'\x1e{"title":["T"]}\n'
    assert run("convert", "-", "--to", "dc-json", stdin=shard.read_bytes())[1] == b'{"title":["T"]}\n'
    assert b"oai:x:3" not in run("convert", shard, "--to", "index-json")[1]


def test_marc_goes_there_and_back_through_pipes():
    code, out, err = run("convert", "-", "--to", "marc-json", stdin=MARC.encode())
    assert (code, err, json.loads(out)) == (0, "", {"leader": LEADER, "fields": [{"001": " 1"}]})
    code, back, _ = run("convert", "-", "--to", "marcxml", stdin=out + out)
    assert code == 0
    assert run("convert", "-", "--to", "marc-json", stdin=back)[1] == out + out


@pytest.mark.parametrize(
    "words", [("-",), ("none.xml", "--to", "dc-json"), ("x", "--seq"), ("x", "--to", "dc-json", "--all")]
)
def test_what_cannot_be_meant_is_a_mistake(words: tuple[str, ...]):
    code, out, err = run("convert", *words)
    assert (code, out) == (2, b"")
    assert err


def test_a_page_is_written_record_by_record_and_one_without_any_is_a_finding():
    page = {"data": [{"id": f"10.5555/{n}", "attributes": {"titles": [{"title": "T"}]}} for n in range(3)], "meta": {}}
    code, out, err = run("convert", "-", "--to", "index-json", stdin=json.dumps(page, indent=1).encode())
    assert (code, len(out.splitlines()), err) == (0, 3, "")
    code, out, err = run("convert", "-", "--to", "index-json", stdin=b"[]")
    assert (code, out) == (1, b"")
    assert err


def test_a_file_that_is_cut_is_said_and_is_a_finding(tmp_path: Path):
    (tmp_path / "cut.xml").write_text(MARC[:-5])
    code, _, err = run("convert", tmp_path / "cut.xml", "--to", "marc-json")
    assert code == 1
    assert "cut.xml" in err


def test_validate_of_nothing_is_no_success(tmp_path: Path):
    filled(tmp_path / "empty", [[]])
    code, _, err = run("validate", tmp_path / "empty")
    assert code == 2
    assert "nothing was checked" in err


def test_validate_says_what_is_wrong_and_where(folder: Path, tmp_path: Path):
    pytest.importorskip("jsonschema_rs")
    pytest.importorskip("datacite")
    assert run("validate", folder)[0] == 0
    other = tmp_path / "other"
    filled(other, [[[text("oai:x:1", dublin_core("T")), text("oai:x:1", dublin_core("U"), format_="dc2")]]])
    code, out, _ = run("validate", other, "--json", "--lines", tmp_path / "lines")
    found = json.loads(out)
    assert (code, found["records"], found["compared"], found["disagreeing"]) == (1, 2, 1, 1)
    assert [one["code"] for one in found["findings"] if one["severity"] == "warning"] == ["representations-disagree"]
    assert (tmp_path / "lines").read_text().split("\t")[:4] == [
        "representations-disagree",
        "oai:x:1",
        "dc2,oai_dc",
        "title",
    ]
