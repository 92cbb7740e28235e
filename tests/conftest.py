"""What tests share: where sample data is, which programs they need, how Hypothesis searches."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.command_runner import typed  # noqa: F401 - a fixture
from support.example_counts import NIGHTLY
from support.harvest_runs import harvest, hostile  # noqa: F401 - fixtures
from support.programs import require_command

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Deadlines measure the machine, which runs other tests as well. CI searches the same examples each time.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.register_profile("nightly", parent=settings.get_profile("dev"), max_examples=5000)
# what tests learn of a host is not kept: ports come again
os.environ["HARVESTER_STATE"] = "none"
PROFILE = "nightly" if NIGHTLY else "ci" if os.environ.get("CI") == "true" else "dev"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", PROFILE))


def _shared(name: str, what: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{what} are not beside the repository (../shared/{name})")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real files of real repositories; see its README.md. Skips where it is not there."""
    return _shared("corpus", "the sample files")


@pytest.fixture(scope="session")
def beds() -> Path:
    """Servers to harvest from, each with a truth; see its README.md. Skips where they are not there."""
    return _shared("beds", "the servers to harvest from")


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """`need("jq")` is the path of a program, or ends the test: see `require_command`."""
    return require_command
