"""Releases of a repository that changes: diff, dump --since, apply, as a user runs them."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import fork_server
from support.harvest_runs import HARVESTER, Harvest, Hostile, environment

LICENCE = ("--licence", "CC0-1.0")
DAY, NEXT_DAY = ("--published", "2026-01-01", *LICENCE), ("--published", "2026-01-08", *LICENCE)


def run(*words: object) -> tuple[int, str, str]:
    done = fork_server.run(
        [HARVESTER, *map(str, words)], capture_output=True, text=True, check=False, env=environment(), timeout=600
    )
    return done.returncode, done.stdout, done.stderr


def printed(*words: object) -> tuple[int, dict[str, Any]]:
    code, out, err = run(*words, "--json")
    assert out, err
    return code, json.loads(out)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_changed_between_two_harvests_makes_the_old_release_the_new_one(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "300")
    archive, old, new = harvest.archive, tmp_path / "old", tmp_path / "new"
    delta, made = tmp_path / "delta", tmp_path / "made"
    assert harvest.run(server.url, "mode=incremental") == 0
    assert run("dump", archive, old, *DAY)[0] == 0
    assert printed("diff", old, archive)[0] == 0
    server.get("/__mutate?touch=7&delete=3&add=4")
    assert harvest.run(server.url, "mode=incremental") == 0
    assert run("dump", archive, new, *NEXT_DAY)[0] == 0
    code, written = printed("dump", archive, delta, *NEXT_DAY, "--since", old)
    assert (code, written["kind"], written["records"], written["tombstones"]) == (0, "delta", 11, 3)
    assert written["bytes"] < sum(map(len, files(new).values()))

    code, applied = printed("apply", old, delta, made)
    assert (code, files(made)) == (0, files(new))

    code, found = printed("diff", old, new, "--lines", tmp_path / "lines")
    counts = {kind: count for kind, count in found["counts"].items() if count}
    assert (code, counts) == (1, {"same": 290, "added": 4, "changed": 7, "deleted": 3})
    lines = [line.split(" ", 1) for line in (tmp_path / "lines").read_text().splitlines()]
    assert Counter(mark for mark, _ in lines) == {"=": 290, "+": 4, "*": 7, "-": 3}
    assert [name for _, name in lines] == sorted(record["identifier"] for record in server.truth())
    assert printed("diff", archive, new)[0] == printed("diff", made, new / "manifest.json")[0] == 0

    code, alone = printed("diff", old / "manifest.json", new)
    assert (code, alone["same"], alone["by"], alone["at_least"]) == (1, False, "manifest", {"oai_dc": 4})
    assert alone["new"]["root"] == applied["root"]

    code, _, error = run("apply", new, delta, tmp_path / "wrong")
    assert code == 2
    assert found["old"]["name"] in error
    assert applied["root"] in error
    assert run("diff", old, new / "manifest.json", "--lines", tmp_path / "lines")[0] == 2
    assert run("diff", old, delta)[0] == 2
    for one in (old, old / "manifest.json"):
        code, shown, error = run("diff", one, new)
        assert (code, error) == (1, "")
        assert f"{found['old']['name']} (" in shown
    part = delta / "changed-00001.json-seq.zst"
    part.write_bytes(part.read_bytes()[:-1])
    assert run("apply", old, delta, tmp_path / "wrong")[0] == 4
    assert not (tmp_path / "wrong").exists()
    assert files(old).keys() == files(new).keys()
