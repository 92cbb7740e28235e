"""A server that nobody here wrote: its harvest equals its truth. The others run by hand: tests/beds.sh NAME."""

import subprocess
from pathlib import Path

import pytest
from support.harvest_runs import environment, free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["oaipmh"])
def test_what_a_foreign_server_holds_is_what_the_archive_has(beds: Path, name: str):
    done = subprocess.run(
        [ROOT / "tests" / "beds.sh", name, str(free_port())],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**environment(), "BEDS": str(beds)},
    )
    if "does not start" in done.stdout:
        pytest.skip(f"the server {name} cannot be installed here: {done.stdout[-500:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"verdict": "MATCHES"' in done.stdout
    assert "100.0000 % complete, the sums balance; the archive is complete" in done.stdout
