"""Each reader of strangers' bytes, on the kept seeds and what Hypothesis makes of them; atheris goes on where it is."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.example_counts import NIGHTLY, amount, tried

FUZZ = Path(__file__).resolve().parent.parent / "fuzz"
sys.path.append(str(FUZZ))

from targets import TARGETS  # noqa: E402

SEEDS = {name: [path.read_bytes() for path in sorted((FUZZ / "seeds" / name).iterdir())] for name in TARGETS}
NOISE = st.binary(max_size=8) | st.sampled_from(
    [
        b"\x00",
        b"\xff" * 8,
        b"-1",
        b"0",
        b"9" * 20,
        b"null",
        b"[]",
        b"{}",
        b'"',
        b"\\",
        b"<",
        b"]]>",
        b"&e;",
        b"..",
        b"/",
        b"\n",
        b"\x1e",
        b"\xed\xa0\x80",
        b"NaN",
        b"%0A",
    ]
)


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_that_was_kept_raises_nothing_but_what_its_reader_promises(name: str):
    assert SEEDS[name]
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_raise_nothing_else_either(name: str):
    @settings(max_examples=amount(25, 20_000))
    @given(st.sampled_from(SEEDS[name]), st.lists(st.tuples(st.integers(0), st.integers(0, 20), NOISE), max_size=4))
    def changed(seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
        for place, length, noise in changes:
            place %= len(seed) + 1
            seed = seed[:place] + noise + seed[place + length :]
        TARGETS[name](seed)
        tried("fuzz executions")

    changed()


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed: the extra `fuzz`")
@pytest.mark.parametrize("name", TARGETS if NIGHTLY else ["oai_page", "body", "bag"])
def test_coverage_guided_fuzzing_finds_nothing(name: str, tmp_path: Path):
    """In a nightly run all targets together take an hour."""
    seconds = amount(2, 3600 // len(TARGETS))
    words = [sys.executable, str(FUZZ / "fuzz.py"), name, str(seconds), "1", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    assert executed is not None
    tried("fuzz executions", int(executed[1]))
