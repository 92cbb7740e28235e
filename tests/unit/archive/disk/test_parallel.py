"""Work on several cores: results in order, errors as they are, and no more ahead than there are processes."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.disk import parallel
from archive.disk.parallel import forked, spread
from archive.errors import Damaged


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


@pytest.fixture
def _single(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever threads the tests themselves are run with."""
    monkeypatch.setattr(parallel, "_is_single", lambda: True)


def kill_itself_elsewhere(task: tuple[int, int]) -> int:
    number, begun = task
    if number == 3 and os.getpid() != begun:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.usefixtures("_single")
def test_forked_work_is_done_elsewhere_in_order_and_leaves_no_process():
    found = list(forked(whose, range(20)))
    assert [number for number, _ in found] == list(range(20))
    processes = {process for _, process in found}
    assert len(processes) == 2
    assert os.getpid() not in processes
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.usefixtures("_single")
def test_what_a_killed_copy_had_to_do_is_done_here():
    assert list(forked(kill_itself_elsewhere, [(number, os.getpid()) for number in range(9)])) == list(range(9))


@pytest.mark.usefixtures("_single")
def test_copies_end_with_whoever_takes_their_results():
    results = forked(whose, range(20))
    found = [next(results), next(results)]
    results.close()
    for _, process in found:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.usefixtures("_single")
def test_without_another_process_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch):
    def refused() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", refused)
    assert list(forked(whose, range(5))) == [(number, os.getpid()) for number in range(5)]


def test_beside_another_thread_nothing_is_forked():
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert {process for _, process in forked(whose, range(9))} == {os.getpid()}
    finally:
        over.set()
        thread.join()
