"""Drift: what changed is told, and chance is not."""

import random
from collections import Counter
from typing import Any

import pytest

from archive.profiles.build import _field
from archive.profiles.drift import drifts
from archive.profiles.fieldsums import field_sum
from archive.profiles.fieldwalk import FieldWalk
from archive.profiles.model import METADATA, Profile


def profiled(records: list[dict[str, Any]], of: str = "x") -> Profile:
    walk = FieldWalk()
    for record in records:
        walk.add(record)
    fields = [_field(("dc", METADATA), path, field_sum(tally)) for path, tally in walk.tallies().items()]
    counts = {"dc": len(records)} if records else {}
    return Profile(of, counts, counts, tuple(sorted(fields, key=lambda field: field.path)))


def some(number: int, seed: int, **more: Any) -> list[dict[str, Any]]:
    """Records of one stock: a common and a rare field, a few kinds, names, a list."""
    dice = random.Random(seed)
    out = []
    for _ in range(number):
        record: dict[str, Any] = {
            "title": "x" * max(1, int(dice.gauss(60, 25))),
            "id": dice.randrange(10**9),
            "type": dice.choices(["text", "image", "software", "data"], [60, 25, 10, 5])[0],
            "journal": f"journal {int(dice.expovariate(0.05))}",
            "creators": [{"name": f"n{dice.randrange(500)}"} for _ in range(dice.randrange(1, 9))],
        }
        if dice.random() < 0.5:
            record["license"] = dice.choice(["cc-by", "cc0"])
        if dice.random() < 0.02:
            record["rare"] = True
        out.append({**record, **more})
    return out


def codes(before: list[dict[str, Any]], now: list[dict[str, Any]], **more: Any) -> list[tuple[str, str, str]]:
    return [(one.code, one.severity, one.path) for one in drifts(profiled(before), profiled(now), **more)]


def test_a_profile_has_not_drifted_from_itself():
    made = profiled(some(500, 1))
    assert drifts(made, made) == []


@pytest.mark.parametrize("sizes", [(3, 3), (10, 12), (40, 40), (150, 150), (1000, 1020), (60, 2000)])
def test_samples_of_one_stock_do_not_cry_wolf(sizes: tuple[int, int]):
    found: Counter[str] = Counter()
    for seed in range(60 if max(sizes) < 500 else 15):
        found.update(code for code, *_ in codes(some(sizes[0], seed), some(sizes[1], 1000 + seed), percent=1.0))
    del found["records-more"]
    assert found == {}


def test_a_field_that_is_gone_is_told_and_one_that_appeared():
    before = some(300, 1)
    assert codes(before, [{k: v for k, v in r.items() if k != "license"} for r in some(300, 2)]) == [
        ("field-gone", "warning", "license")
    ]
    assert codes(before, some(300, 2, doi="10.1/x")) == [("field-new", "warning", "doi")]


def test_a_rare_field_that_is_gone_is_worth_knowing_and_stops_nothing():
    now = [{k: v for k, v in r.items() if k != "rare"} for r in some(3000, 2)]
    assert codes(some(3000, 1), now) == [("field-gone", "info", "rare")]


def test_coverage_that_changed_is_told_with_both_numbers():
    now = some(1000, 2)
    for record in now[:300]:
        record["license"] = ""
    [one] = drifts(profiled(some(1000, 1)), profiled(now))
    assert (one.code, one.path) == ("coverage-fell", "license")
    assert one.before is not None
    assert one.now is not None
    assert 45 < one.before < 55
    assert one.by == pytest.approx(one.before - one.now)
    assert drifts(profiled(some(1000, 1)), profiled(now), percent=30.0) == []


def test_another_type_is_told_once():
    now = [{**record, "title": [record["title"]]} for record in some(300, 2)]
    assert ("types-changed", "warning", "title") in codes(some(300, 1), now)
    assert not [code for code, _, path in codes(some(300, 1), now) if path == "title" and code != "types-changed"]


def test_values_that_shifted_are_told_and_which():
    now = [{**r, "type": "data" if r["type"] == "image" else r["type"]} for r in some(1000, 2)]
    [one] = drifts(profiled(some(1000, 1)), profiled(now))
    assert (one.code, one.path) == ("values-shifted", "type")
    assert 20 < one.by < 30
    assert "image" in one.message


def test_texts_that_were_cut_are_told_although_each_is_another():
    now = [{**record, "title": record["title"][:10]} for record in some(1000, 2)]
    assert ("lengths-shifted", "warning", "title") in codes(some(1000, 1), now)


def test_fewer_records_are_told_and_more_are_growth():
    assert codes(some(1000, 1), some(900, 2)) == [("records-fewer", "warning", "")]
    assert codes(some(1000, 1), some(1500, 2)) == [("records-more", "info", "")]
    assert codes(some(10, 1), []) == [("format-gone", "warning", "")]
    assert codes([], some(10, 1)) == [("format-new", "info", "")]


def test_a_map_on_one_side_is_no_drift():
    before = [{"files": {f"{number}": 1}} for number in range(150)]
    now = [{"files": {f"{number}": 1}} for number in range(150, 155)] + [
        {"files": {f"{number}": 1}} for number in range(400)
    ]
    assert {path for _, severity, path in codes(before, now[5:]) if severity != "info"} <= {""}
