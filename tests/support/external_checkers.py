"""What programs of others say of RO-Crates and bags; they are in a virtual environment of their own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "checkers" / "bin"
LEVELS = ("required", "recommended", "optional")


def checker(name: str) -> Path:
    """The path of a checker; without it the test is skipped, and in CI, which installs them all, it fails."""
    path = FOLDER / name
    if not path.exists():
        reason = f"{name} is not installed; make dev installs it into {FOLDER.parent.name} beside the other programs"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def rocrate_problems(folder: Path, level: str = "recommended") -> list[str]:
    """What rocrate-validator finds in an RO-Crate 1.2, without a network: `SEVERITY check: message`, sorted.

    `level` is required, recommended or optional: what is at least of that severity. Raises when it cannot check.
    """
    program = checker("rocrate-validator")
    with tempfile.TemporaryDirectory() as temporary:
        cache, report = Path(temporary) / "http", Path(temporary) / "report.json"
        _run([checker("python"), Path(__file__).with_name("crate_context.py"), cache], (0,))
        command = [program, "-y", "--disable-color", "validate", "--offline", "--cache-path", cache]
        options = ["-p", "ro-crate-1.2", "-l", level, "--output-format", "json", "--output-file", report]
        _run([*command, *options, folder], (0, 1))
        found = json.loads(report.read_bytes())
    problems = sorted(f"{i['severity']} {i['check']['identifier']}: {i['message']}" for i in found["issues"])
    assert found["passed"] == (not problems)
    return problems


def bagit_profile_problems(bag: Path, profile: Path) -> list[str]:
    """What bagit_profile.py finds in a bag held against a profile file, a line each."""
    url = json.loads(profile.read_bytes())["BagIt-Profile-Info"]["BagIt-Profile-Identifier"]
    done = _run([checker("bagit_profile.py"), "--no-logfile", "--file", profile, url, bag], (0, 1, 2))
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return said or [f"exit {done.returncode}"] if done.returncode else []


def _run(command: list[str | Path], codes: tuple[int, ...]) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert done.returncode in codes, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done
