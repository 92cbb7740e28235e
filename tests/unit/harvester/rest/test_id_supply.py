"""Where ids come from: every id once, from any place on the same ones, however the parts are shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.rest import idranges as idsupply
from harvester.rest.idranges import IdRanges, ListSupply, RangeSupply


def of_ranges(supply: RangeSupply, place: str) -> list[str]:
    found: list[str] = []
    while (span := supply.span(place)) is not None:
        chunk = supply.chunk(span)
        found.extend(chunk.ids)
        assert chunk.ids == supply.between(int(chunk.first), int(chunk.last))
        place = str(int(chunk.last) + 1)
    return found


def of_list(supply: ListSupply, place: str) -> list[str]:
    found: list[str] = []
    while (chunk := supply.chunk(place)) is not None:
        found.extend(chunk.ids)
        place = f"@{int(chunk.last[1:]) + 1}"
    return found


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idsupply, "CHUNK_IDS", 7)


@given(st.integers(1, 5), st.integers(1, 60))
def test_the_parts_of_ranges_are_the_ranges(parts: int, start: int):
    ranges = IdRanges.parse("1-20,30-33,50-70")
    wanted = [str(number) for span in ranges.ranges for number in range(span.first, (span.last or 0) + 1)]
    each = [of_ranges(RangeSupply(ranges, (part, parts)), "1") for part in range(1, parts + 1)]
    assert sorted((name for part in each for name in part), key=int) == wanted
    assert of_ranges(RangeSupply(ranges), str(start)) == [name for name in wanted if int(name) >= start]


@given(st.lists(st.integers(0, 30).map(str), max_size=40), st.integers(1, 5), st.integers(1, 45))
def test_the_parts_of_a_list_are_the_list_from_any_place_on(names: list[str], parts: int, start: int):
    each = [of_list(ListSupply(lambda: iter(names), (part, parts)), "@1") for part in range(1, parts + 1)]
    assert {name for part in each for name in part} == set(names)
    later = of_list(ListSupply(lambda: iter(names)), f"@{start}")
    assert set(later) == set(names[start - 1 :])
    assert len(later) <= len(names[start - 1 :])


def test_a_list_is_read_once_while_it_is_walked_in_order():
    reads = []

    def read():  # type: ignore[no-untyped-def]
        reads.append(1)
        return iter([str(number) for number in range(30)])

    supply = ListSupply(read)
    assert len(of_list(supply, "@1")) == 30
    assert len(reads) == 1
    chunk = supply.chunk("@8")
    assert chunk is not None
    assert chunk.ids[0] == "7"
    assert len(reads) == 2
