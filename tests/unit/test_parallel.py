"""Work on several cores: results in order, errors as they are, and no more ahead than there are processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import parallel
from archive.errors import Damaged
from archive.parallel import spread


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def whose(number: int) -> tuple[int, int]:
    return number, os.getpid()


def fail(number: int) -> int:
    if number == 2:
        raise Damaged(f"number {number}")
    return number


def die_elsewhere(task: tuple[int, int]) -> int:
    """Ends the process it is run in, unless it is the one that began."""
    number, begun = task
    if number == 1 and os.getpid() != begun:
        os._exit(9)
    return number


def touched(path: Path) -> Path:
    path.touch()
    return path


def test_little_work_is_done_right_here():
    assert list(spread(whose, range(3), 1)) == [(number, os.getpid()) for number in range(3)]
    assert list(spread(whose, [7], parallel.SMALL_BYTES)) == [(7, os.getpid())]


def test_much_work_is_done_elsewhere_in_order():
    found = list(spread(whose, range(20), parallel.SMALL_BYTES))
    assert [number for number, _ in found] == list(range(20))
    assert os.getpid() not in {process for _, process in found}


def test_an_error_is_raised_where_its_result_would_come():
    results: Iterator[int] = spread(fail, range(9), parallel.SMALL_BYTES)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(Damaged, match="number 2"):
        next(results)


def test_what_a_killed_process_had_to_do_is_done_here():
    tasks = [(number, os.getpid()) for number in range(6)]
    assert list(spread(die_elsewhere, tasks, parallel.SMALL_BYTES)) == list(range(6))


def test_results_that_nobody_takes_do_not_pile_up(tmp_path: Path):
    results = spread(touched, [tmp_path / str(number) for number in range(20)], parallel.SMALL_BYTES)
    next(results)
    assert len(list(tmp_path.iterdir())) <= 3
    results.close()
    assert len(list(tmp_path.iterdir())) <= 3
