"""What processes share of a host: whole or not at all, and never a reason to stop."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harvester.ratelimit.headers import Budget
from harvester.ratelimit.limiter import Gate
from harvester.ratelimit.shared import SharedState, file_name

HOST = "x.example:8080"


def state(folder: Path | None, *budgets: Budget) -> tuple[Gate, SharedState]:
    gate = Gate(HOST, budgets=budgets or (Budget(60, 60.0),))
    return gate, SharedState(folder, gate)


def free(gate: Gate) -> int:
    return gate.limits.meters[0].free


def ask(gate: Gate, shared: SharedState, clock: float) -> None:
    with shared.locked() as mine:
        assert mine
        gate.asked(clock)
        shared.write()


def test_what_one_asked_the_other_counts(tmp_path: Path):
    import time

    one, other = state(tmp_path / "a" / "b"), state(tmp_path / "a" / "b")
    for _ in range(5):
        ask(*one, time.monotonic())
        ask(*other, time.monotonic())
    other[1].look()
    one[1].look()
    assert free(one[0]) == free(other[0]) == 50


def test_while_one_is_at_it_the_other_is_not(tmp_path: Path):
    one, other = state(tmp_path), state(tmp_path)
    with one[1].locked() as first, other[1].locked() as second, other[1].locked(patient=True) as third:
        assert (first, second, third) == (True, False, False)
    with other[1].locked() as free_again:
        assert free_again


def test_who_dies_leaves_nothing_locked(tmp_path: Path):
    code = (
        "import os, sys, pathlib\nfrom harvester.ratelimit.limiter import Gate\n"
        "from harvester.ratelimit.shared import SharedState\n"
        f"shared = SharedState(pathlib.Path(sys.argv[1]), Gate({HOST!r}))\n"
        "with shared.locked():\n    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    with state(tmp_path)[1].locked() as mine:
        assert mine


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 2, "host": "x.example:8080"}',
        b'{"version": 1, "host": "y"}',
        b"[" * 100_000,
        b'{"version": 1, "host": "x.example:8080", "gate": {}}',
    ],
)
def test_a_damaged_file_is_set_aside_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes):
    path = tmp_path / f"{file_name(HOST)}.json"
    path.write_bytes(content)
    gate, shared = state(tmp_path)
    with caplog.at_level(logging.WARNING):
        ask(gate, shared, 1.0)
    assert "damaged" in caplog.text
    assert path.with_suffix(".damaged").read_bytes() == content
    assert json.loads(path.read_bytes())["host"] == HOST


@pytest.mark.parametrize("part", ["climb", "meters", "learned", "not_before", "refusals", "trial"])
def test_no_part_of_a_state_that_is_wrong_is_taken_over(tmp_path: Path, part: str):
    gate, shared = state(tmp_path)
    ask(gate, shared, 1.0)
    path = tmp_path / f"{file_name(HOST)}.json"
    found = json.loads(path.read_bytes())
    found["gate"][part] = [{"a": 1}] if part in ("meters", "learned") else {"a": 1}
    path.write_text(json.dumps(found))
    other, theirs = state(tmp_path)
    assert not theirs.look()
    assert free(other) == 60
    assert path.with_suffix(".damaged").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said_and_does_not_stop_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    tmp_path.chmod(0o500)
    gate, shared = state(tmp_path / "a")
    ask(gate, shared, 1.0)
    assert not shared.shared
    assert "not shared" in caplog.text


def test_a_file_where_the_folder_should_be_does_not_stop_anybody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "a").write_text("")
    gate, shared = state(tmp_path / "a")
    ask(gate, shared, 1.0)
    assert not shared.shared
    assert "not shared" in caplog.text


def test_the_file_holds_a_host_budgets_and_times_and_nothing_else(tmp_path: Path):
    gate, shared = state(tmp_path)
    gate.asked(1.0, "/api/records/secret?token=abc")
    ask(gate, shared, 1.0)
    text = (tmp_path / f"{file_name(HOST)}.json").read_text()
    assert "secret" not in text
    assert "abc" not in text
    assert {path.name for path in tmp_path.iterdir()} == {f"{file_name(HOST)}.json", "lock"}


@pytest.mark.parametrize(
    "host", ["x.example", "x.example:80", "[::1]:80", "..", ".", "../../etc/passwd", "a" * 300, "é.example", "a\ud800"]
)
def test_any_host_is_a_safe_file_name(tmp_path: Path, host: str):
    name = file_name(host)
    (tmp_path / f"{name}.json").write_text("")
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.json"]
    assert not name.startswith(".")
