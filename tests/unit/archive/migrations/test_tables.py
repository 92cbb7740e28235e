"""archive/migrations/outputs.py: tables whose numbers agree with each other, and those that do not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.migrations.outputs import contradictions, differences, parse_stated, rate_of

SLIDE = {"total": Decimal(2_890_136), "moved": Decimal(2_862_188), "missing": Decimal(28_889), "rate": Decimal("99.9")}


def test_the_table_on_the_slide_is_refused_for_its_sum_and_its_rate():
    found = list(contradictions(SLIDE))
    assert len(found) == 4
    assert "2,891,077" in found[0]
    assert "941 more" in found[0]
    assert "99.0330" in found[1]


@pytest.mark.parametrize("rate", ["99.03", "99.0", "99", "99.04"])
def test_a_rate_may_be_rounded_or_cut_and_nothing_else(rate: str):
    stated = {
        "total": Decimal(2_890_136),
        "moved": Decimal(2_862_188),
        "missing": Decimal(27_948),
        "rate": Decimal(rate),
    }
    assert bool(list(contradictions(stated))) == (rate == "99.04")


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_table_that_is_computed_never_contradicts_itself(moved: int, missing: int):
    stated = {
        "total": Decimal(moved + missing),
        "moved": Decimal(moved),
        "missing": Decimal(missing),
        "rate": Decimal(rate_of(moved, moved + missing)),
    }
    assert not list(contradictions(stated))
    assert not list(differences(stated, {"total": moved + missing, "moved": moved, "missing": missing}))
    assert (rate_of(moved, moved + missing) == "100.00") == (missing == 0 and moved > 0)


def test_stated_numbers_are_compared_with_those_that_were_counted():
    counted = {"total": 10, "moved": 9, "missing": 1}
    assert len(list(differences({"total": Decimal(10), "moved": Decimal(8), "rate": Decimal(95)}, counted))) == 2


def test_numbers_are_read_as_people_write_them():
    assert parse_stated("total=2,890,136") == ("total", Decimal(2_890_136))
    assert parse_stated("rate = 99.9 %") == ("rate", Decimal("99.9"))
    assert parse_stated("12") == ("total", Decimal(12))


@pytest.mark.parametrize("text", ["colour=1", "total=x", "total=-1", "moved=1.5", "rate=NaN", ""])
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(ValueError, match="NAME=NUMBER"):
        parse_stated(text)
