"""Programs that tests need: skip without one, and fail in CI, which installs them all."""

import os
import shutil

import pytest


def require_command(name: str) -> str:
    """The path of a program; without it the test is skipped, and in CI, which installs them all, it fails."""
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin")
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI has it: see .ci/debian-packages")
    pytest.skip(f"{name} is not installed; .ci/debian-packages installs it")
