"""docs/tutorial.md: its commands, as they stand there, give what the page says."""

import re
import shlex
from pathlib import Path

import pytest
from support import fork_server
from support.harvest_runs import HARVESTER, environment
from support.running_mirror import mirror

from harvester.demo.samples import build_archive

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
RECORDS = 40


def commands() -> list[list[str]]:
    """Return the words of each command of the page that is run in the second terminal."""
    blocks = re.findall(r"^```\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith(".venv/bin/harvester ")]
    return [words for line in lines if (words := shlex.split(line)[1:])[0] != "serve"]


@pytest.mark.slow
def test_the_commands_of_the_tutorial_work_in_their_order(tmp_path: Path):
    build_archive(tmp_path / "provider", RECORDS)
    fork_server.run([HARVESTER, "index", str(tmp_path / "provider")], env=environment(), check=True)
    shown = commands()
    assert [words[0] for words in shown] == [
        "crawl",
        "status",
        "index",
        "sql",
        "sql",
        "sql",
        "why",
        "audit",
        "report",
        "dump",
        "verify",
        "bag",
    ]
    identifier = "ID"
    (tmp_path / "server").mkdir()
    with mirror(tmp_path / "provider", tmp_path / "server") as server:
        for words in shown:
            typed = [identifier if word == "ID" else word for word in words]
            command = [word.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}") for word in typed]
            done = fork_server.run(
                [HARVESTER, *command], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if found := re.search(r"oai:samples\.example:\d+", done.stdout):
                identifier = found[0]
    assert (tmp_path / "report.html").is_file()
    assert "agrees: valid" in done.stdout
