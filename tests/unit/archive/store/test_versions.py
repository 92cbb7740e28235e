"""Which copy of a record is its latest state: the newest datestamp, whatever came last."""

import itertools

import pytest

from archive.store.versions import Copy, Looks, newest

OLD, NEW, NEWER = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z"
EVERYTHING, SET_A, SET_B = 1, 2, 3
LOOKS = Looks(
    order={1: 0, 2: 1, 3: 2},
    whole=frozenset({1, 2}),
    wide=frozenset({0, EVERYTHING}),
    began={run: f"2026-01-0{run}T00:00:00Z" for run in (1, 2, 3)},
)


def copy(
    outcome: int,
    datestamp: str | None,
    *,
    deleted: bool = False,
    run: int = 1,
    channel: int = EVERYTHING,
    direct: bool = False,
    content: str = "",
) -> Copy:
    return Copy(outcome, run, channel, direct, datestamp, deleted, content)


def state(*copies: Copy) -> str:
    found = newest(copies, LOOKS)
    return "deleted" if found.deleted else "live"


def orders(*values: tuple[str | None, bool, int]) -> list[list[Copy]]:
    """The copies of one run, (datestamp, deleted, channel), in every order of arrival."""
    return [
        [copy(number, stamp, deleted=gone, channel=channel) for number, (stamp, gone, channel) in enumerate(order, 1)]
        for order in itertools.permutations(values)
    ]


@pytest.mark.parametrize("channels", [(EVERYTHING, EVERYTHING), (SET_A, SET_B), (SET_B, SET_A), (EVERYTHING, SET_A)])
def test_the_newest_datestamp_of_a_run_wins_in_any_order(channels: tuple[int, int]):
    one, other = channels
    assert {state(*found) for found in orders((NEW, False, one), (OLD, True, other))} == {"live"}
    assert {state(*found) for found in orders((OLD, False, one), (NEW, True, other))} == {"deleted"}


def test_on_a_tie_in_a_run_the_live_record_wins():
    assert {state(*found) for found in orders((NEW, False, SET_A), (NEW, True, SET_B), (OLD, True, SET_A))} == {"live"}


def test_datestamps_are_moments_and_not_text():
    assert state(copy(1, "2020-01-02T00:00:00Z"), copy(2, "2020-01-02T01:00:00+02:00", deleted=True)) == "live"
    assert state(copy(1, "2020-01-01T23:00:00Z"), copy(2, "2020-01-01T23:30:00-01:00", deleted=True)) == "deleted"


def test_a_day_ties_with_every_second_of_it():
    assert {state(*found) for found in orders(("2020-01-02", False, 1), ("2020-01-02T23:00:00Z", True, 1))} == {"live"}
    assert {state(*found) for found in orders(("2020-01-02", False, 1), ("2020-01-03T00:00:00Z", True, 1))} == {
        "deleted"
    }


@pytest.mark.parametrize("odd", [None, "", "unknown", "2020-02-31", "9999"])
def test_what_is_no_date_is_older_than_any(odd: str | None):
    assert {state(*found) for found in orders((OLD, False, 1), (odd, True, 1))} == {"live"}
    assert {state(*found) for found in orders((OLD, True, 1), (odd, False, 1))} == {"deleted"}
    assert {state(*found) for found in orders((odd, True, 1), (odd, False, 1))} == {"live"}


def test_a_whole_list_of_a_later_run_may_take_a_state_back():
    held = copy(1, NEWER, deleted=True)
    assert state(held, copy(2, OLD, run=2)) == "live"
    assert state(copy(1, NEWER, deleted=True, channel=SET_A), copy(2, OLD, run=2)) == "live"


def test_a_list_with_bounds_or_of_another_set_does_not():
    held = copy(1, NEWER, deleted=True)
    assert state(held, copy(2, OLD, run=3)) == "deleted"
    assert state(copy(1, NEWER, deleted=True, channel=SET_A), copy(2, OLD, run=2, channel=SET_B)) == "deleted"


def test_a_later_run_that_finds_the_same_datestamp_in_the_same_list_wins():
    assert state(copy(1, NEW), copy(2, NEW, run=3, deleted=True)) == "deleted"
    assert state(copy(1, "2020-01-02"), copy(2, "2020-01-02", run=3, deleted=True)) == "deleted"
    assert state(copy(1, NEW, channel=SET_A), copy(2, NEW, run=3, deleted=True, channel=SET_B)) == "live"


def test_an_answer_about_the_id_replaces_what_came_before_it():
    assert state(copy(1, NEW, deleted=True), copy(2, OLD, direct=True)) == "live"
    # 410 without a datestamp, taken back later
    gone, back = copy(2, None, deleted=True, direct=True, run=2), copy(3, OLD, direct=True, run=3)
    assert state(copy(1, NEW, direct=True), gone) == "deleted"
    assert state(copy(1, NEW, direct=True), gone, back) == "live"
    # a list that was made before, and is read later
    assert state(gone, copy(3, OLD, run=3)) == "deleted"


def test_of_two_live_copies_of_one_run_the_content_decides_and_not_the_order():
    found = {
        newest(order, LOOKS).content
        for order in (
            [copy(1, NEW, content="a"), copy(2, NEW, content="b")],
            [copy(1, NEW, content="b"), copy(2, NEW, content="a")],
        )
    }
    assert found == {"b"}
    assert newest([copy(1, NEW, content="b"), copy(2, NEW, content="a", run=2)], LOOKS).content == "a"


def test_a_day_and_a_second_of_it_tie_in_the_same_way_in_any_order():
    found = {newest(one, LOOKS).datestamp for one in orders(("2020-01-01", True, SET_A), (OLD, True, SET_A))}
    assert found == {OLD}
