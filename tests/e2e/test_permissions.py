"""Nobody but their owner may write to what is made here, whatever the umask; and no secret is in any of it."""

import stat
from pathlib import Path

import pytest
from support import fork_server
from support.echo_provider import echoing
from support.example_counts import NIGHTLY
from support.harvest_runs import HARVESTER, environment
from support.secret_search import SECRET, everything, shown

ENTIRE = {"TEST_TOKEN": SECRET, "HARVESTER_CONTACT": "me@example.org"}


def run(words: list[str], folder: Path, umask: int, state: Path) -> tuple[int, str]:
    done = fork_server.run(
        [HARVESTER, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**environment(), **ENTIRE, "HARVESTER_STATE": str(state)},
        umask=umask,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=[0o000, 0o022, 0o077] if NIGHTLY else [0o000], ids="umask {:03o}".format)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of all that is made, by commands that had a token of which the provider said much."""
    folder = tmp_path_factory.mktemp("made")
    state = folder / "state"
    (folder / "source.toml").touch()
    with echoing() as echo:
        (folder / "source.toml").write_text(f'[oaipmh]\nurl = "{echo.url}"\n[token]\nenvironment = "TEST_TOKEN"\n')
        # the account of a run and its arguments are in the manifest of a release
        crawl = ["crawl", "oaipmh", "-a", "source=source.toml", "-a", "archive=archive", "--progress", "plain"]
        steps = [
            (crawl, (0, 1)),
            (["index", "archive"], (0,)),
            (["dump", "archive", "release", "--licence-unknown"], (0, 1)),
            (
                ["dump", "archive", "bare", "--licence-unknown", "--bare", "--layout", "tar", "--compression", "gzip"],
                (0, 1),
            ),
            (["bag", "archive", "bag", "--contact", "me@example.org"], (0, 1)),
            (["report", "archive", "--html", "report.html", "--markdown", "report.md"], (0, 1)),
            (["fixity", "archive"], (0, 1)),
            (["fixity", "release"], (0, 1)),
            (["audit", "archive", "--gaps", "gaps.txt", "--lines", "lines.txt"], (0, 1)),
            (["diff", "release", "release", "--lines", "diff.txt"], (0, 1)),
            (["sql", "archive", "FROM records", "--parquet", "records.parquet"], (0,)),
        ]
        for words, codes in steps:
            code, text = run(words, folder, request.param, state)
            if code == 2 and words[0] in ("bag", "audit", "dump"):
                pytest.fail(f"{words}: {text}")
            assert code in codes, (words, text[-2000:])
            assert shown(text.encode()) == []
    return folder


def test_nothing_is_writable_by_others_and_nothing_can_be_run(made: Path):
    paths = [path for path in made.rglob("*") if path.name != "source.toml"]
    assert len(paths) > 40
    for path in paths:
        mode = path.lstat().st_mode
        assert not mode & stat.S_IWOTH, f"{path.relative_to(made)} is {mode:o}"
        assert not (stat.S_ISREG(mode) and mode & 0o111), f"{path.relative_to(made)} is {mode:o}"
        assert not stat.S_ISLNK(mode)


def test_what_is_learned_of_hosts_is_for_its_owner_alone(made: Path):
    for path in [made / "state", *(made / "state").rglob("*")]:
        assert not path.lstat().st_mode & 0o077 or path.parent != made / "state", path


def test_no_secret_is_in_a_release_a_bag_a_report_or_an_index(made: Path):
    assert (made / "release" / "manifest.json").exists()
    assert (made / "bag" / "bagit.txt").exists()
    for name in ("archive", "release", "bare", "bag", "state"):
        assert shown(everything(made / name)) == [], name
    for path in made.iterdir():
        if path.is_file() and path.name != "source.toml":
            assert shown(path.read_bytes()) == [], path.name
