"""`verify` and `fixity` as a user types them: what they print, their exit codes, and going on after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from support import archive_builder, fork_server
from support.handmade_bags import write_bag
from support.harvest_runs import HARVESTER, environment
from support.release_builder import make_release


class Said(NamedTuple):
    code: int
    out: str
    err: str


def typed(*words: object) -> Said:
    done = fork_server.run(
        [HARVESTER, *map(str, words)], capture_output=True, text=True, timeout=600, check=False, env=environment()
    )
    return Said(done.returncode, done.stdout, done.stderr)


def archive(folder: Path) -> Path:
    archive_builder.ended(folder, [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return folder


MAKERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "archive": (archive, "shards/00001.json-seq.zst"),
    "bag": (write_bag, "data/one.txt"),
    "release": (make_release, "records-00001.json-seq.zst"),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A folder of each kind, and a file in it."""
    maker, name = MAKERS[request.param]
    folder = maker(tmp_path / "folder")
    return folder, folder / name


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def test_verify_says_how_it_is(made: tuple[Path, Path]):
    folder, path = made
    assert typed("verify", folder).code == 0
    before = sorted(folder.parent.iterdir())
    flip(path)
    said = typed("verify", folder)
    name = path.relative_to(folder).as_posix()
    assert said.code == 4
    assert said.out.startswith(f"damaged: {name}")
    report = json.loads(typed("verify", "--json", folder).out)
    assert (report["damaged"], report["problems"][0]["file"]) == (True, name)
    quick = typed("verify", "--quick", folder)
    assert (quick.code, "no checksum taken" in quick.out) == (0, True)
    path.unlink()
    assert typed("verify", "--quick", folder).code == 4
    assert sorted(folder.parent.iterdir()) == before


def test_verify_of_a_bag_with_a_profile(tmp_path: Path):
    bag = write_bag(tmp_path / "bag", info="BagIt-Profile-Identifier: urn:x\n")
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "urn:x"}}))
    assert typed("verify", "--profile", profile, bag).code == 0
    profile.write_text(
        json.dumps({"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "urn:x"}, "Manifests-Required": ["sha512"]})
    )
    said = typed("verify", "--profile", profile, bag)
    assert (said.code, "[profile-violated]" in said.out) == (4, True)
    profile.write_text("[]")
    assert typed("verify", "--profile", profile, bag).code == 2
    assert typed("verify", tmp_path / "nothing").code == 2


def test_warnings_are_told_and_are_no_damage(tmp_path: Path):
    said = typed("verify", write_bag(tmp_path / "bag", info="Bag-Size: 1\nBag-Size: 2\n"))
    assert (said.code, said.out.splitlines()[0].split(":")[0]) == (0, "warning")


def test_a_bag_with_holes_ends_with_1(tmp_path: Path):
    more = {"fetch.txt": b"http://x.example/ 4 data/one.txt\n"}
    bag = write_bag(tmp_path / "bag", more=more)
    (bag / "data/one.txt").unlink()
    said = typed("verify", bag)
    assert (said.code, said.out.splitlines()[0].split(":")[0]) == (1, "unfetched")


# a verify that ends in the middle: by SIGKILL, or as Ctrl-C ends it
ENDING = """
import os, sys
from archive.bags import manifests
from archive.disk import checkpoints
from harvester.cli import main

checkpoints._SYNC_SECONDS = checkpoints._WORTH_SECONDS = -1
compare, left = manifests._compare, [5]

def ending(*words):
    left[0] -= 1
    if left[0] < 0:
        {how}
    return compare(*words)

manifests._compare = ending
main(["verify", sys.argv[1]])
"""


@pytest.mark.parametrize(
    ("how", "code"), [("os.kill(os.getpid(), 9)", -signal.SIGKILL), ("raise KeyboardInterrupt", 3)]
)
def test_a_verify_that_ended_in_the_middle_goes_on(tmp_path: Path, how: str, code: int):
    files = {f"data/{number:03d}": os.urandom(1 << 20) for number in range(20)}
    bag = write_bag(tmp_path / "bag", files, algorithms=("sha256", "sha512"))
    state = tmp_path / ".bag.verifying"
    time.sleep(2.1)  # what was changed only just now is read again
    ended = subprocess.run(
        [sys.executable, "-c", ENDING.format(how=how), bag],
        env=environment(),
        check=False,
        capture_output=True,
        timeout=600,
    )
    assert ended.returncode == code
    assert len(state.read_bytes().splitlines()) == 5
    (bag / "data/019").write_bytes(b"changed")
    said = typed("verify", bag)
    assert "going on" in said.err
    assert (said.code, "data/019 [manifest-mismatch]" in said.out) == (4, True)
    assert not state.exists()
    assert "going on" not in typed("verify", bag).err


def test_fixity_reads_logs_and_reports(made: tuple[Path, Path]):
    folder, path = made
    first = typed("fixity", folder, "--rate", "0")
    assert (first.code, "none is damaged" in first.out) == (0, True)
    report = json.loads(typed("fixity", "--report", "--json", folder).out)[0]
    assert 0 < report["never"] < report["files"]
    assert typed("fixity", "--once", folder).code == 0
    assert json.loads(typed("fixity", "--report", "--json", folder).out)[0]["never"] == 0
    late = typed("fixity", "--report", "--days", "0.01", folder)
    assert late.code == 0
    flip(path)
    assert typed("fixity", "--once", folder).code == 4
    said = typed("fixity", "--report", folder)
    assert (said.code, said.out.startswith(f"damaged: {path}")) == (4, True)


def test_fixity_names_a_good_copy(tmp_path: Path):
    one, two = archive(tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    for path in sorted(one.rglob("*")):
        target = two / path.relative_to(one)
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    flip(one / "shards/00001.json-seq.zst")
    said = typed("fixity", "--once", one, two)
    assert (said.code, f"a good copy is {two / 'shards/00001.json-seq.zst'}" in said.out) == (4, True)
    found = json.loads(typed("fixity", "--report", "--json", one, two).out)
    assert [len(report["failing"]) for report in found] == [1, 0]


@pytest.mark.parametrize("words", [("--rate", "fast"), ("--days", "0"), ()])
def test_fixity_refuses_what_it_cannot_do(tmp_path: Path, words: tuple[str, ...]):
    assert typed("fixity", *words, tmp_path).code == 2


@pytest.mark.parametrize("name", ["verify", "fixity"])
def test_each_command_explains_itself(name: str):
    said = typed(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert "Exit codes" in said.out
