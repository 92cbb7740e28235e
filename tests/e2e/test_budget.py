"""A strict provider, over HTTP: its budget is used by all processes together, its wall is not met, nobody is banned."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support import archive_builder, fork_server
from support.harvest_runs import Harvest, Hostile, end, environment


def states(archive: Path) -> dict[str, str]:
    return dict(archive_builder.rows(archive, "SELECT identifier, state FROM outcomes ORDER BY outcome"))


@pytest.mark.slow
def test_two_processes_share_the_budget_of_a_host_and_a_third_begins_where_they_left_it(
    hostile: Callable[..., Hostile], tmp_path: Path
):
    server = hostile(
        "--records", "300", "--rate", "30:6", "--rate-retry-after", "--ban-after", "6", "--concept-share", "0"
    )
    surroundings = environment() | {"HARVESTER_STATE": str(tmp_path / "state")}

    def start(first: int) -> tuple[Path, "subprocess.Popen[bytes]"]:
        harvest = Harvest(tmp_path / f"archive-{first}")
        words = (f"ids={first}-{first + 49}", "accept=application/json", "connections=4")
        command = harvest.command(server.records_url, *words, spider="idrange")
        with (tmp_path / f"log-{first}").open("wb") as log:
            return harvest.archive, fork_server.Process(command, cwd=tmp_path, env=surroundings, stdout=log, stderr=log)

    started = [start(1001), start(1101)]
    try:
        codes = [process.wait(300) for _, process in started]
        started.append(start(1201))
        codes.append(started[-1][1].wait(300))
    finally:
        for _, process in started:
            end(process)
    assert codes == [0, 0, 0]
    found = [states(archive) for archive, _ in started]
    assert [len(one) for one in found] == [50, 50, 50]
    assert {state for one in found for state in one.values()} <= {"read", "deleted", "absent"}
    stats = server.stats()
    assert "ban_started" not in stats["faults"]
    assert stats["faults"].get("rate_exceeded", 0) <= 3
