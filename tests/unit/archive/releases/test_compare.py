"""comparing.py: what two releases have of each other, from their indexes and from their manifests alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.errors import Damaged, NotAnArchive, OtherArchive
from archive.releases.compare import KINDS, MARKS, Side, compare_manifests, compared, read_side
from archive.releases.manifest import (
    INDEX,
    MANIFEST,
    Content,
    Edge,
    FileEntry,
    Making,
    Manifest,
    Part,
    Selection,
    write_manifest,
)

MAKING = Making("envelope", "jsonseq", "zstd", 10, 4 << 20, 50_000_000_000, 0)
# identifier, format, datestamp, deleted, text
Line = tuple[str, str, str, bool, str]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(lines: Iterable[Line], index: str, form: str = "envelope") -> Manifest:
    ordered = sorted(lines, key=lambda line: (line[3], line[:2]))
    by_format: dict[str, dict[str, int]] = {}
    for _, name, _, deleted, _ in ordered:
        by_format.setdefault(name, {"records": 0, "tombstones": 0})["tombstones" if deleted else "records"] += 1
    content = Content(
        sum(not line[3] for line in ordered),
        sum(line[3] for line in ordered),
        len({line[0] for line in ordered}),
        digest(repr([line[4] for line in ordered])),
        by_format,
        replace(MAKING, form=form),
        Selection(),
        (),
        FileEntry(INDEX, 1, index, "b" * 128),
        None,
    )
    return Manifest("full", "name", "", "2026-01-01", content, (), {}, {}, (), {}, {}, {})


def release(folder: Path, lines: Iterable[Line], form: str = "envelope") -> Side:
    """A release of which only what is compared is there."""
    folder.mkdir()
    rows = [(*line[:4], digest(line[4])) for line in lines]
    with duckdb.connect() as db:
        db.execute(
            "CREATE TABLE t (identifier VARCHAR, format VARCHAR, datestamp VARCHAR, deleted BOOL, sha256 VARCHAR)"
        )
        if rows:
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        db.execute("COPY t TO $path (FORMAT parquet)", {"path": str(folder / INDEX)})
    index = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
    write_manifest(folder, manifest(lines, index, form))
    return read_side(folder)


def line(name: str, deleted: bool = False, text: str = "{}", stamp: str = "2020", form: str = "x") -> Line:
    return name, form, stamp, deleted, text


OLD = [
    line("changed"),
    line("deleted"),
    line("gone"),
    line("revived", True),
    line("same"),
    line("stamp"),
    line("sunk", True),
    line("vanished", True),
]
NEW = [
    line("added"),
    line("changed", text="[]"),
    line("deleted", True),
    line("revived"),
    line("same"),
    line("stamp", stamp="2021"),
    line("stone", True),
    line("sunk", True, text="[]"),
]


def test_each_record_is_of_the_kind_that_it_is(tmp_path: Path) -> None:
    with compared(release(tmp_path / "old", OLD), release(tmp_path / "new", NEW)) as found:
        assert {identifier: (MARKS[kind], kind) for identifier, _, kind in found.lines()} == {
            "added": ("+", "added"),
            "changed": ("*", "changed"),
            "deleted": ("-", "deleted"),
            "gone": ("-", "gone"),
            "revived": ("+", "revived"),
            "same": ("=", "same"),
            "stamp": ("*", "changed"),
            "stone": ("-", "tombstone_added"),
            "sunk": ("*", "tombstone_changed"),
            "vanished": ("-", "gone"),
        }
        assert not found.same
        assert found.counts == found.by_format["x"]
        assert found.first("gone", 1) == [("gone", "x")]


KEYS = st.tuples(st.sampled_from(["a", "b", "é"]), st.sampled_from(["x", "y"]))
STATES = st.tuples(st.sampled_from(["2020", "2021"]), st.booleans(), st.sampled_from(["{}", "[]"]))
RELEASES = st.dictionaries(KEYS, STATES).map(lambda found: [(*key, *state) for key, state in found.items()])


@settings(max_examples=20)
@given(RELEASES, RELEASES)
def test_the_kinds_add_up_to_both_releases(
    tmp_path_factory: pytest.TempPathFactory, old: list[Line], new: list[Line]
) -> None:
    folder = tmp_path_factory.mktemp("releases")
    with compared(release(folder / "old", old), release(folder / "new", new)) as found:
        kinds = {(identifier, name): kind for identifier, name, kind in found.lines()}
        assert kinds.keys() == {row[:2] for row in old} | {row[:2] for row in new}
        assert {key for key, kind in kinds.items() if kind == "same"} == {row[:2] for row in set(old) & set(new)}
        assert found.counts == {kind: list(kinds.values()).count(kind) for kind in KINDS}
        assert found.same == (set(old) == set(new))


def test_other_forms_of_text_are_compared_by_datestamp(tmp_path: Path) -> None:
    old = release(tmp_path / "old", [line("a"), line("b")])
    new = release(tmp_path / "new", [line("a", text="bare"), line("b", stamp="2021", text="bare")], "bare")
    with compared(old, new) as found:
        assert not found.texts
        assert {identifier: kind for identifier, _, kind in found.lines()} == {"a": "same", "b": "changed"}


def test_an_index_that_is_not_the_manifests_is_not_believed(tmp_path: Path) -> None:
    old, new = release(tmp_path / "old", OLD), release(tmp_path / "new", NEW)
    body = bytearray((tmp_path / "new" / INDEX).read_bytes())
    body[len(body) // 2] ^= 1
    (tmp_path / "new" / INDEX).write_bytes(body)
    with pytest.raises(Damaged), compared(old, new):
        pass


def test_an_index_that_does_not_add_up_to_the_counts_is_damage(tmp_path: Path) -> None:
    old, new = release(tmp_path / "old", OLD), release(tmp_path / "new", NEW)
    content = replace(new.manifest.content, records=new.manifest.content.records + 1)
    with pytest.raises(Damaged), compared(old, replace(new, manifest=replace(new.manifest, content=content))):
        pass


def test_a_delta_is_no_side_and_a_manifest_alone_is_one_without_index(tmp_path: Path) -> None:
    side = release(tmp_path / "old", OLD)
    alone = read_side(tmp_path / "old" / MANIFEST)
    assert (alone.manifest, alone.index) == (side.manifest, None)
    with pytest.raises(NotAnArchive), compared(alone, side):
        pass
    (tmp_path / "delta").mkdir()
    write_manifest(tmp_path / "delta", replace(side.manifest, kind="delta"))
    with pytest.raises(OtherArchive):
        read_side(tmp_path / "delta")


# --- by manifests alone


def part(number: int, first: str, last: str, sha256: str, kind: str = "records", records: int = 10) -> Part:
    edges = Edge(first, "x", "2020"), Edge(last, "x", "2020")
    return Part(f"{kind}-{number:05d}", kind, records, 1, 1, 1, sha256, "", *edges, "2020", "2020")


def of(*parts: Part, root: str = "r", index: str = "i", records: int = 20, form: str = "envelope") -> Manifest:
    made = manifest([], index, form)
    by_format = {"x": {"records": records, "tombstones": 0}}
    content = replace(made.content, parts=parts, root=root, records=records, by_format=by_format)
    return replace(made, content=content)


def test_equal_roots_are_the_same_records() -> None:
    found = compare_manifests(of(part(1, "a", "k", "1")), of(part(1, "a", "f", "2"), part(2, "g", "k", "3"), index="j"))
    assert (found.same, found.stretches) == (True, ())


def test_differences_lie_where_parts_differ() -> None:
    old = of(part(1, "a", "c", "1"), part(2, "d", "h", "2"), part(3, "i", "m", "3"), part(4, "n", "q", "4"))
    new = of(
        part(1, "a", "c", "1"),
        part(2, "d", "g", "5"),
        part(3, "h", "k", "6"),
        part(4, "n", "q", "4"),
        part(1, "z", "z", "7", "tombstones"),
        root="s",
        index="j",
        records=23,
    )
    found = compare_manifests(old, new)
    assert (found.same, found.parts_same, found.records_same, found.at_least) == (False, 2, 20, {"x": 3})
    assert [(s.kind, s.first.identifier, s.last.identifier) for s in found.stretches] == [
        ("records", "d", "m"),
        ("tombstones", "z", "z"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (of(), of(root="s", index="j"), False),
        (of(), of(records=21, index="j"), False),
        # bare texts do not name their records
        (of(form="bare"), of(form="bare", index="j"), None),
        (of(form="bare"), of(form="bare"), True),
        (of(form="bare"), of(form="envelope", root="s", index="j"), None),
        (of(form="bare"), of(form="envelope", records=3, index="j"), False),
    ],
)
def test_what_manifests_do_not_tell_is_not_said(old: Manifest, new: Manifest, same: bool | None) -> None:
    assert compare_manifests(old, new).same is same


def test_parts_of_other_forms_are_never_the_same() -> None:
    found = compare_manifests(of(part(1, "a", "c", "1")), of(part(1, "a", "c", "1"), form="bare", index="j"))
    assert (found.parts_same, len(found.stretches)) == (0, 1)
