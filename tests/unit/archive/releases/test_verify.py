"""Releases read back: whole ones pass, and whatever is changed, cut off, missing or added is named with its place."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder
from support.release_builder import make_release, options

from archive.disk import parallel
from archive.disk.checkpoints import Checked
from archive.errors import NotAnArchive, OtherArchive
from archive.findings import VerifyReport
from archive.integrity.detect import check
from archive.releases import verify_index
from archive.releases.delta import write_delta
from archive.releases.manifest import INDEX, LOOKUP, MANIFEST, read_manifest, write_manifest
from archive.releases.verify import check_part, check_release
from archive.store.ledger import NewWindow


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "release")


def places(report: VerifyReport) -> set[tuple[str, str, int | None]]:
    return {(problem.kind, problem.file, problem.frame) for problem in report.problems}


def flip(path: Path, place: int, bit: int = 0) -> None:
    body = bytearray(path.read_bytes())
    body[place] ^= 1 << bit
    path.write_bytes(body)


def test_a_release_as_it_was_written_passes(release: Path):
    report = check_release(release)
    assert (report.problems, report.kind, report.damaged, report.whole) == ([], "release", False, True)
    assert (report.records, report.shards) == (7, 3)
    assert report.frames == sum(part.frames for part in read_manifest(release).content.parts) > 3
    assert check_release(release, quick=True).problems == []


@pytest.mark.parametrize("compression", ["zstd", "xz", "gzip"])
@pytest.mark.parametrize("layout", ["jsonseq", "jsonl", "tar"])
@pytest.mark.parametrize("form", ["envelope", "bare"])
def test_every_kind_of_release_passes_and_its_damage_is_named(tmp_path: Path, form: str, layout: str, compression: str):
    folder = make_release(tmp_path / "release", form=form, layout=layout, compression=compression)
    assert check_release(folder).problems == []
    part = read_manifest(folder).content.parts[0]
    body = (folder / part.name).read_bytes()
    for place in range(0, len(body), max(1, len(body) // 6)):
        flip(folder / part.name, place, place % 8)
        assert {problem.file for problem in check_release(folder).problems} == {part.name}, place
        (folder / part.name).write_bytes(body[:place])
        assert part.name in {problem.file for problem in check_release(folder).problems}, place
        (folder / part.name).write_bytes(body)


def files(release: Path) -> Iterator[Path]:
    yield from sorted(release.iterdir())


def test_a_flipped_bit_and_a_cut_in_any_file_is_found(release: Path):
    for path in files(release):
        body = path.read_bytes()
        for place in range(0, len(body), max(1, len(body) // 8)):
            flip(path, place, place % 8)
            try:
                assert path.name in {problem.file for problem in check(release).problems}, (path.name, place)
            except OtherArchive:
                assert path.name == MANIFEST
            path.write_bytes(body[:place])
            report = check(release)
            assert report.damaged
            assert path.name in {problem.file for problem in report.problems}, (path.name, place)
            path.write_bytes(body)
    assert check(release).problems == []


def test_a_missing_and_a_foreign_file_are_named(release: Path):
    for path in files(release):
        body = path.read_bytes()
        path.unlink()
        assert ("missing", path.name, None) in places(check(release)), path.name
        assert path.name == MANIFEST or ("missing", path.name, None) in places(check(release, quick=True))
        path.write_bytes(body)
    (release / "notes").write_bytes(b"")
    report = check_release(release)
    assert places(report) == {("extra", "notes", None)}
    assert (report.damaged, report.whole) == (False, False)


def test_each_damaged_frame_is_named_and_the_rest_is_read(release: Path):
    rows = list(verify_index.iter_index(release))
    frames = sorted({(row.part, row.frame, row.offset) for row in rows})
    for part, _, offset in (frames[0], frames[-1]):
        flip(release / part, offset + 12)
    report = check_release(release)
    assert places(report) == {("damaged", part, frame) for part, frame, _ in (frames[0], frames[-1])}
    assert report.frames == len(frames) - 2
    lost = [row.identifier for row in rows if (row.part, row.frame) == frames[0][:2]]
    message = next(problem.message for problem in report.problems if problem.file == frames[0][0])
    assert all(identifier in message for identifier in (lost[0], lost[-1]))


def test_a_change_behind_the_frames_is_named(release: Path):
    part = read_manifest(release).content.parts[0].name
    flip(release / part, (release / part).stat().st_size - 1)
    assert places(check_release(release)) == {("damaged", part, None)}


def test_a_quick_check_sees_sizes_only(release: Path):
    part = read_manifest(release).content.parts[0].name
    flip(release / part, 20)
    assert check_release(release, quick=True).problems == []
    (release / part).write_bytes(b"")
    assert places(check_release(release, quick=True)) == {("damaged", part, None)}


def test_without_its_index_the_parts_are_read_all_the_same(release: Path):
    (release / INDEX).unlink()
    assert check_release(release).records == 7
    part = read_manifest(release).content.parts[1].name
    flip(release / part, 20)
    assert {problem.file for problem in check_release(release).problems} == {INDEX, part}


def test_without_its_manifest_the_parts_say_what_they_are(release: Path):
    (release / MANIFEST).unlink()
    report = check(release)
    assert (places(report), report.records) == ({("missing", MANIFEST, None)}, 7)
    flip(release / "records-00001.json-seq.zst", 20)
    assert ("damaged", "records-00001.json-seq.zst", 0) in places(check(release))


# --- a release whose files are whole, and which says what is not so


def restated(release: Path, **changes: Any) -> None:
    """Write the manifest anew with another content, as a faulty writer would."""
    manifest = read_manifest(release)
    write_manifest(release, replace(manifest, content=replace(manifest.content, **changes)))


@pytest.mark.parametrize(
    ("changes", "file"),
    [
        ({"root": "0" * 64}, INDEX),
        ({"records": 6}, INDEX),
        ({"tombstones": 0}, INDEX),
        ({"by_format": {"oai_dc": {"records": 5, "tombstones": 1}}}, INDEX),
    ],
)
def test_a_manifest_that_says_otherwise_is_found(release: Path, changes: dict[str, Any], file: str):
    restated(release, **changes)
    assert places(check_release(release)) == {("damaged", file, None)}


def index_of(release: Path, statement: str) -> None:
    """Write another index, and the manifest to go with it."""
    import duckdb

    path = str(release / INDEX)
    with duckdb.connect() as db:
        db.execute("CREATE TABLE rows AS SELECT * FROM read_parquet(?)", [path])
        db.execute(statement)
        db.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    body = Path(path).read_bytes()
    entry = replace(
        read_manifest(release).content.index,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        sha512=hashlib.sha512(body).hexdigest(),
    )
    restated(release, index=entry)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET sha256 = repeat('0', 64) WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET identifier = 'oai:x:30' WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET datestamp = '2030-01-01' WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET deleted = true WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET deleted = false WHERE identifier = 'oai:x:6'",
        'UPDATE rows SET "offset" = "offset" + 1 WHERE identifier = \'oai:x:3\'',
        "UPDATE rows SET position = 5 WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET frame = 7 WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET part = '../x' WHERE identifier = 'oai:x:3'",
        "UPDATE rows SET format = 'other' WHERE identifier = 'oai:x:3'",
        "DELETE FROM rows WHERE identifier = 'oai:x:3'",
        "DELETE FROM rows WHERE deleted",
        "DELETE FROM rows",
        "INSERT INTO rows SELECT * FROM rows WHERE identifier = 'oai:x:3'",
        "ALTER TABLE rows DROP position",
        "UPDATE rows SET sha256 = 'x'",
    ],
)
def test_an_index_that_says_otherwise_is_found(release: Path, statement: str):
    index_of(release, "SELECT 1")
    assert check_release(release).problems == []
    index_of(release, statement)
    assert check_release(release).damaged


def test_names_in_a_manifest_lead_nowhere(release: Path):
    outside = release.parent / "outside"
    outside.write_bytes(b"")
    manifest = read_manifest(release)
    for name in ("../outside", "/etc/hostname", "..", "a/b"):
        entry = replace(manifest.files[0], name=name)
        write_manifest(release, replace(manifest, files=(*manifest.files, entry)))
        assert ("damaged", MANIFEST, None) in places(check_release(release))
    write_manifest(release, manifest)
    (release / "README.md").unlink()
    (release / "README.md").symlink_to(outside)
    assert ("missing", "README.md", None) in places(check_release(release))


def test_a_lookup_with_a_digest_of_its_own_is_read(release: Path):
    flip(release / LOOKUP, (release / LOOKUP).stat().st_size // 2)
    body = (release / LOOKUP).read_bytes()
    lookup = read_manifest(release).content.lookup
    assert lookup is not None
    restated(
        release,
        lookup=replace(lookup, sha256=hashlib.sha256(body).hexdigest(), sha512=hashlib.sha512(body).hexdigest()),
    )
    assert places(check_release(release)) == {("damaged", LOOKUP, None)}


# --- deltas


def test_a_delta_is_checked_as_a_release_is(tmp_path: Path):
    old = make_release(tmp_path / "old")
    archive = tmp_path / "old-archive"
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    (window,) = made.open_windows([NewWindow(channel, "ListRecords", "2001-01-01", None)])
    made.put(archive_builder.answer(channel, window.window, ["oai:x:8", "oai:x:9"]))
    outcomes = [("oai:x:1", "2020-01-01T00:00:00Z", "deleted", None)]
    made.put(
        archive_builder.answer(
            channel,
            window.window,
            ["oai:x:1"],
            outcomes=outcomes,
            payload=archive_builder.payload(["oai:x:1"], deleted=True),
        )
    )
    made.finish("complete")
    made.close()
    delta = tmp_path / "delta"
    write_delta(archive, old, delta, options())
    report = check(delta)
    assert (report.kind, report.problems, report.records) == ("delta", [], 3)
    for path in files(delta):
        body = path.read_bytes()
        flip(path, len(body) // 2)
        assert path.name in {problem.file for problem in check(delta).problems}
        path.write_bytes(body)


# --- parts, other folders, several cores, interruptions


def test_a_part_is_checked_by_the_manifest_beside_it(release: Path):
    part = release / "records-00001.json-seq.zst"
    report = check(part)
    assert (report.kind, report.problems, report.records) == ("part", [], 3)
    flip(part, 20)
    assert check(part).damaged
    with pytest.raises(NotAnArchive):
        check_part(release / "README.md")


def test_a_newer_release_is_not_guessed_at(release: Path):
    described = json.loads((release / MANIFEST).read_bytes())
    (release / MANIFEST).write_text(json.dumps({**described, "format_version": 99}))
    with pytest.raises(OtherArchive):
        check(release)


def test_what_is_nothing_of_ours_is_said(tmp_path: Path):
    (tmp_path / MANIFEST).write_text("{}")
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(NotAnArchive):
            check(path)


def test_parts_are_read_on_several_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pages = [[f"oai:x:{number:04d}" for number in range(400)]]
    release = make_release(tmp_path / "release", pages, part_records=100)
    monkeypatch.setattr(parallel, "SMALL_BYTES", 0)
    monkeypatch.setattr(verify_index, "RANGE_BYTES", 1 << 10)
    seen: list[tuple[int, int]] = []
    report = check_release(release, lambda done, total: seen.append((done, total)))
    assert (report.problems, report.records) == ([], 402)
    assert seen[-1][0] == seen[-1][1]
    flip(release / "records-00003.json-seq.zst", 20)
    assert places(check_release(release)) == {("damaged", "records-00003.json-seq.zst", 0)}


def test_an_interrupted_check_goes_on(release: Path, monkeypatch: pytest.MonkeyPatch):
    from archive.disk import checkpoints

    now = checkpoints.time.time() + 10
    monkeypatch.setattr(checkpoints.time, "time", lambda: now)
    monkeypatch.setattr(checkpoints, "_WORTH_SECONDS", 0)
    checked = Checked(release, "1")
    first = check_release(release, checked=checked)
    checked.flush()
    read: list[object] = []
    monkeypatch.setattr("archive.releases.verify.hash_all", lambda tasks, step: iter(read.extend(tasks) or ()))
    monkeypatch.setattr("archive.releases.verify.check_frames", pytest.fail)
    again = check_release(release, checked=Checked(release, "1"))
    assert again == first
    assert (read, again.records) == ([], 7)
