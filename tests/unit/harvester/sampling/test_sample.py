"""harvester/sampling/sample.py: what is drawn, what answers mean beside what is held, and how sure the share is."""

import random
from datetime import datetime

import pytest

from archive.audits.known_ids import Drawn, Family, Here
from harvester.sampling.sample import Compared, Frame, There, compare, frame_of, numbers_drawn, shares, takes_of

OLD, NEW = datetime(2020, 1, 1), datetime(2021, 1, 1)


def test_numbers_are_drawn_where_nearly_all_ids_have_them_close_together():
    dense, far, few = Family("", 1, 1000, 400), Family("x/", 5, 9_000_000, 400), Family("y/", 1, 10, 8)
    assert frame_of([dense, few], 408, {"all": 408}).families == (dense,)
    assert frame_of([dense, few], 408, {"all": 408}).mode == "numbers"
    assert frame_of([far], 400, {"all": 400}).mode == "known"
    assert frame_of([dense], 1000, {"all": 1000}).mode == "known"
    assert frame_of([], 0, {}).size == 0


def test_each_number_is_drawn_at_most_once_and_all_of_them_alike():
    frame = Frame("numbers", (Family("a/", 5, 9, 5), Family("b/", 1, 5, 5)), {}, 10)
    every = {f"a/{n}" for n in range(5, 10)} | {f"b/{n}" for n in range(1, 6)}
    assert {one.local_id for one in numbers_drawn(frame, 10, 1)} == every
    assert len(numbers_drawn(frame, 99, 1)) == 10
    counts = dict.fromkeys(every, 0)
    for seed in range(2000):
        for one in numbers_drawn(frame, 3, seed):
            counts[one.local_id] += 1
    # 600 each; five standard errors of a binomial are 102
    assert all(abs(count - 600) < 102 for count in counts.values())
    assert numbers_drawn(frame, 4, 8) == numbers_drawn(frame, 4, 8)


def test_small_strata_are_asked_as_well_and_none_for_more_than_it_has():
    assert takes_of({"large": 9000, "small": 1000, "tiny": 2}, 100) == {"large": 90, "small": 10, "tiny": 2}
    assert takes_of({"large": 9990, "small": 10}, 100) == {"large": 100, "small": 5}
    assert takes_of({"a": 3}, 100) == {"a": 3}


@pytest.mark.parametrize(
    ("there", "here", "mark", "counts", "hit"),
    [
        (There("read", datestamp=OLD), Here("read", "read", OLD), "=", True, True),
        (There("read", datestamp=NEW), Here("read", "read", OLD), "*", True, True),
        (There("read"), Here("read", "refused", OLD), "=", True, True),
        (There("read"), Here(), "+", True, False),
        (There("read"), Here(None, "lost"), "+", True, False),
        (There("read"), Here("deleted", "deleted"), "*", True, False),
        (There("deleted"), Here("read", "read"), "*", False, False),
        (There("deleted"), Here("deleted", "deleted"), "=", False, False),
        (There("absent"), Here("read", "read"), "-", False, False),
        (There("absent"), Here(), "=", False, False),
        (There("absent"), Here(None, "absent"), "=", False, False),
        (There("moved", "7"), Here(None, "moved"), "=", False, False),
        (There("forbidden"), Here(), "=", False, False),
        (There("forbidden"), Here("read", "read"), "!", False, False),
        (There("lost"), Here("read", "read"), "!", False, False),
        (There("refused"), Here(), "!", False, False),
    ],
)
def test_an_id_is_marked_by_both_sides(there: There, here: Here, mark: str, counts: bool, hit: bool):
    found = compare(Drawn("1"), there, here)
    assert (found.mark, found.counts, found.hit) == (mark, counts, hit)


def test_a_missing_id_has_its_reason():
    assert compare(Drawn("1"), There("read"), Here()).reason == "never listed"
    assert compare(Drawn("1"), There("read"), Here(None, "refused")).reason == "refused"


def sample(frame: Frame, live: dict[str, bool], drawn: list[Drawn], years: dict[str, int]) -> list[Compared]:
    """Ask of a truth: `live` has what is live there, and whether it is here."""
    out = []
    for one in drawn:
        there = There("read" if one.local_id in live else "absent", sets=("s",), year=years.get(one.local_id))
        out.append(compare(one, there, Here("read") if live.get(one.local_id) else Here()))
    return out


def test_the_interval_of_a_sample_of_numbers_covers_the_truth():
    dice = random.Random(4)
    frame = Frame("numbers", (Family("", 1, 20_000, 8000),), {}, 8000)
    live = {str(number): dice.random() < 0.97 for number in range(1, 20_001) if dice.random() < 0.4}
    truth, hits = sum(live.values()) / len(live), 0
    for seed in range(200):
        whole, _ = shares(sample(frame, live, numbers_drawn(frame, 500, seed), {}), frame, "all")
        hits += whole.interval.low <= truth <= whole.interval.high
    # 0.95 of 200 has a standard error of 1.5 %
    assert hits / 200 >= 0.90


def test_all_that_there_is_leaves_nothing_to_chance():
    frame = Frame("numbers", (Family("", 1, 10, 8),), {}, 8)
    live = {str(number): number > 2 for number in range(1, 9)}
    found = sample(frame, live, numbers_drawn(frame, 10, 1), {})
    whole, _ = shares(found, frame, "all")
    assert (whole.live, whole.held) == (8, 6)
    assert (whole.interval.low, whole.interval.estimate, whole.interval.high) == (0.75, 0.75, 0.75)
    unsure = [*found[:-1], compare(found[-1].drawn, There("lost"), Here())]
    assert shares(unsure, frame, "all")[0].interval.low < shares(unsure, frame, "all")[0].interval.high


def test_each_part_of_a_sample_of_numbers_is_a_sample_of_its_own():
    frame = Frame("numbers", (Family("", 1, 100, 50),), {}, 50)
    live = {str(number): number % 2 == 0 for number in range(1, 41)}
    years = {str(number): 2000 + number // 21 for number in range(1, 40)}
    whole, parts = shares(sample(frame, live, numbers_drawn(frame, 99, 1), years), frame, "year")
    assert {part.name for part in parts} == {"2000", "2001", "unknown"}
    assert sum(part.live for part in parts) == whole.live
    assert sum(part.held for part in parts) == whole.held
    assert [part.name for part in shares([], frame, "set")[1]] == []


def test_strata_of_known_ids_are_weighted_by_what_they_have():
    strata = {"2000": 9000, "2001": 1000}
    frame = Frame("known", (), strata, 10_000)
    found = [compare(Drawn(f"a{n}", None, "2000"), There("read"), Here("read")) for n in range(50)]
    found += [compare(Drawn(f"b{n}", None, "2001"), There("read"), Here()) for n in range(50)]
    whole, parts = shares(found, frame, "year")
    assert whole.interval.estimate == pytest.approx(0.9)
    assert [(part.name, part.live, part.held) for part in parts] == [("2000", 50, 50), ("2001", 50, 0)]
    # half of the first stratum is gone there: it weighs half as much
    found[:25] = [compare(Drawn(f"a{n}", None, "2000"), There("absent"), Here()) for n in range(25)]
    assert shares(found, frame, "year")[0].interval.estimate == pytest.approx(4500 / 5500)
