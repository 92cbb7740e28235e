"""Hits and members: whatever a page or a dump holds, each comes out with its own bytes, however the stream is cut."""

import gzip
import io
import json
import tarfile
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import MalformedPage
from harvester.rest.exporter import Seen
from harvester.rest.hits import cut_hits, parse_page
from harvester.rest.tar import gunzip, iter_members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
SPACE = st.sampled_from(["", " ", "\n", "\t \r\n"])
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=80)


@given(
    st.lists(JSON, max_size=6),
    st.dictionaries(st.text("abdhits", max_size=5), JSON, max_size=3),
    SPACE,
    st.booleans(),
    st.booleans(),
)
def test_slices_of_a_page_mean_what_the_page_means(
    found: list[Any], more: dict[str, Any], space: str, ascii_only: bool, last: bool
):
    rest = {key: value for key, value in more.items() if key != "hits"}
    inner = {**rest, "hits": found} if last else {"hits": found, **rest}
    separators = (f"{space},{space}", f"{space}:{space}")
    body = space.join(["", json.dumps({**rest, "hits": inner}, ensure_ascii=ascii_only, separators=separators), ""])
    page = body.encode()
    hits = cut_hits(page, parse_page(page), ("hits", "hits"))
    assert [orjson.loads(hit.body) for hit in hits] == [hit.value for hit in hits] == orjson.loads(page)["hits"]["hits"]
    assert all(hit.body == hit.body.strip() for hit in hits)
    places = [page.find(hit.body) for hit in hits]
    assert min(places, default=0) >= 0


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=2000)), max_size=6),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.integers(1, 700),
    st.integers(0, 9),
)
def test_members_come_out_as_they_went_in_however_the_stream_is_cut(
    members: list[tuple[str, bytes]], kind: int, piece: int, level: int
):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    packed = gzip.compress(buffer.getvalue(), level)
    pieces = [packed[place : place + piece] for place in range(0, len(packed), piece)]
    assert [(one.name, one.body) for one in iter_members(gunzip(pieces), 1 << 20)] == members


@given(st.lists(st.binary(max_size=300), max_size=5), st.data())
def test_a_dump_cut_anywhere_is_refused_and_what_came_before_is_right(bodies: list[bytes], data: st.DataObject):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number, body in enumerate(bodies):
            info = tarfile.TarInfo(f"{number}.json")
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    packed = gzip.compress(buffer.getvalue())
    cut = data.draw(st.integers(0, len(packed) - 1))
    found = []
    try:
        for member in iter_members(gunzip([packed[:cut]]), 1 << 20):
            found.append(member.body)
        whole = True
    except MalformedPage:
        whole = False
    assert not whole
    assert found == bodies[: len(found)]


@given(st.lists(st.one_of(st.integers(0, 5000).map(str), st.text("0123456789abc-", max_size=6))))
def test_an_id_is_seen_when_it_came_before(names: list[str]):
    seen = Seen()
    assert [seen.add(name) for name in names] == [name in names[:place] for place, name in enumerate(names)]
