"""The built wheel: it holds everything, and Harvester runs from it in an environment without the repository."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support.harvest_runs import environment

ROOT = Path(__file__).resolve().parents[2]
# what is in the wheel beside modules
DATA = (".sql", ".toml", ".json", ".j2", ".css", ".js", ".typed", ".html", ".txt")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment with the wheel, and with the required packages of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("archive", "harvester", "spiders", "pipelines"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", folder, source], check=True, timeout=300)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    [site] = (folder / "env" / "lib").glob("python*/site-packages")
    [wheel] = folder.glob("*.whl")
    target = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(target, check=True, timeout=300)
    # installed packages of the tests' environment; the repository itself, which is installed there as editable, is
    # found by its own finder, which is not taken over
    [ours] = {Path(path) for path in sys.path if path.endswith("site-packages")}
    (site / "required.pth").write_text(f"{ours}\n")
    return python


def run(python: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in environment().items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [python, "-P", *words], cwd=folder, env=clean, capture_output=True, text=True, timeout=600, check=False
    )


def test_modules_come_from_the_wheel_and_data_files_are_in_it(python: Path, tmp_path: Path):
    done = run(python, tmp_path, "-c", "import archive, harvester; print(archive.__file__); print(harvester.__file__)")
    folders = [Path(line).parent for line in done.stdout.split()]
    assert folders, done.stderr
    for folder in folders:
        assert folder.is_relative_to(python.parents[1])
        here = ROOT / folder.name
        wanted = {p.relative_to(here) for p in here.rglob("*") if p.suffix in (*DATA, ".py")}
        assert wanted <= {p.relative_to(folder) for p in folder.rglob("*")}


def test_the_demonstration_runs_from_the_wheel(python: Path, tmp_path: Path):
    done = run(python, tmp_path, "-m", "harvester", "demo", "--records", "200", "--rate", "400/1", "--folder", "demo")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "The sums balance: yes. Complete: yes." in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
