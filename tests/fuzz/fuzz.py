"""Coverage-guided fuzzing of every reader of strangers' bytes, with atheris.

    python tests/fuzz/fuzz.py TARGET SECONDS SEED FOLDER

Needs `pip install -e .[fuzz]`. Begins with tests/fuzz/seeds/TARGET, keeps what finds new paths in FOLDER, and ends not
with 0 at the first input that raises what its reader does not promise, takes 20 seconds or 2 GiB. That input is in
FOLDER (crash-*), and belongs into the seeds, which every run of the tests tries.
"""

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

with atheris.instrument_imports(include=["archive", "harvester"]):
    from targets import TARGETS


def main() -> None:
    name, seconds, seed, folder = sys.argv[1:]
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(HERE / "seeds" / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
