"""archive/migrations/uploads.py: a log that lies both ways, against a target whose content is known."""

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection
from support import migration_builder

from archive.migrations import match as migration
from archive.migrations import sides, uploads
from archive.migrations.log import Wording
from archive.migrations.uploads import UPLOAD_CLASSES, Uploads, uploaded

PLAIN = Wording()


def classes(found: Uploads) -> dict[str, str]:
    return {item: class_ for class_, item, *_ in found.lines()}


def test_both_lists_come_out_and_the_net_difference_tells_neither(tmp_path: Path):
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.specimen(101, "BR001"),
            migration_builder.specimen(103, "BR003"),
            migration_builder.specimen(105, "BR005"),
            ("oai:zenodo.example:106", None, ()),
        ],
    )
    log = migration_builder.write_csv(
        tmp_path / "log.csv",
        ["specimen", "status", "error", "record id"],
        [
            ["BR001", "done", "", "101"],
            ["BR002", "done", "", "102"],  # a false success
            ["BR003", "failed", "504", ""],  # a false failure
            ["BR004", "failed", "404", ""],
            ["BR005", "", "", ""],
            ["BR006", "done", "", "106"],
            ["BR007", "", "", ""],
        ],
    )
    with uploaded(log, PLAIN, target) as found:
        report = found.report
        assert classes(found) == {
            "BR001": "done",
            "BR002": "false_success",
            "BR003": "false_failure",
            "BR004": "failed",
            "BR005": "unlogged",
            "BR006": "removed",
            "BR007": "never_tried",
        }
        assert report.balanced
        assert (report.said_done, report.there) == (3, 3)
        assert report.reasons == {"404": (1, 0), "504": (1, 1)}
        assert list(found.again()) == ["BR002", "BR004", "BR007"]
        assert not report.truthful


def test_an_item_that_was_tried_again_is_done_when_any_attempt_was(tmp_path: Path):
    target = migration_builder.archived(tmp_path / "t", [migration_builder.specimen(101, "BR001")])
    log = migration_builder.write_csv(
        tmp_path / "log.csv", ["barcode", "http_status"], [["BR001", "503"], ["BR001", "201"], ["BR001", "409"]]
    )
    with uploaded(log, PLAIN, target) as found:
        assert classes(found) == {"BR001": "done"}
        assert (found.report.lines, found.report.items) == (3, 1)
        assert found.report.truthful


def test_what_was_uploaded_twice_is_named_and_two_versions_are_not_twice(tmp_path: Path):
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.specimen(101, "BR001"),
            migration_builder.specimen(201, "BR001"),
            migration_builder.specimen(301, "BR001"),
            migration_builder.specimen(102, "BR002", concept=90),
            migration_builder.specimen(103, "BR002", concept=90, version=2),
        ],
    )
    log = migration_builder.write_csv(tmp_path / "log.csv", ["barcode", "ok"], [["BR001", "1"], ["BR002", "1"]])
    with uploaded(log, PLAIN, target) as found:
        assert (found.report.twice, found.report.copies) == (1, 2)
        assert {item: copies for _, item, copies, *_ in found.lines()} == {"BR001": 3, "BR002": 1}
        assert found.report.balanced
        assert not found.report.truthful


def test_a_record_is_found_by_the_id_that_the_log_gives(tmp_path: Path):
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.rdm(n, title="A sheet") for n in (101, 102, 103)]
    )
    log = migration_builder.write_csv(
        tmp_path / "log.csv",
        ["item", "status", "link"],
        [
            ["a", "ok", "https://zenodo.example/records/101"],
            ["b", "ok", "10.5281/zenodo.102"],
            ["c", "ok", "103"],
            ["d", "ok", "104"],
        ],
        delimiter=";",
    )
    with uploaded(log, PLAIN, target) as found:
        assert classes(found) == {"a": "done", "b": "done", "c": "done", "d": "false_success"}


def test_with_a_plan_what_was_never_tried_is_named(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s",
        [
            ("oai:museum.example:BR001", {"title": ["Sheet"]}, ()),
            ("oai:museum.example:BR002", {"title": ["Sheet"]}, ()),
            ("oai:museum.example:BR003", {"title": ["Sheet"]}, ()),
            ("oai:museum.example:BR004", None, ()),
        ],
    )
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.specimen(101, "BR001"), migration_builder.specimen(103, "BR003")]
    )
    log = migration_builder.write_csv(tmp_path / "log.csv", ["barcode", "status"], [["BR001", "done"]])
    with uploaded(log, PLAIN, target, source) as found:
        assert classes(found) == {
            "BR001": "done",
            "oai:museum.example:BR002": "never_tried",
            "oai:museum.example:BR003": "unlogged",
        }
        assert found.report.planned == 2
        assert found.report.balanced


@pytest.mark.parametrize("seed", range(3))
def test_random_lies_are_named_and_nothing_else(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    truth, rows, there, copies = {}, [], [], 0
    for number in range(300):
        item = f"BR{number:05}"
        fate = dice.choice(["done", "done", "done", *UPLOAD_CLASSES])
        said = {
            "done": "done",
            "failed": "failed",
            "false_failure": "failed",
            "false_success": "done",
            "never_tried": "",
            "unlogged": "",
            "removed": "done",
        }[fate]
        rows += [[item, "failed", 1000 + number]] * dice.randrange(2) if said == "done" else []
        rows.append([item, said, 1000 + number if said == "done" else None])
        if fate in ("done", "false_failure", "unlogged"):
            there.append(migration_builder.specimen(1000 + number, item))
            if dice.random() < 0.1:
                copies += 1
                there.append(migration_builder.specimen(5000 + number, item))
        if fate == "removed":
            there.append((f"oai:zenodo.example:{1000 + number}", None, ()))
        truth[item] = fate
    strangers = [migration_builder.rdm(9000 + n) for n in range(7)]
    target = migration_builder.archived(tmp_path / "t", dice.sample(there + strangers, len(there) + 7))
    log = migration_builder.write_sqlite(tmp_path / "log.db", "uploads", ["barcode", "status", "recid"], rows)
    with uploaded(log, PLAIN, target) as found:
        report = found.report
        assert classes(found) == truth
        assert report.balanced
        assert (report.copies, report.things - report.found) == (copies, 7)
        false = report.classes["false_failure"] - report.classes["false_success"]
        assert report.there - report.said_done == false + report.classes["unlogged"] - report.classes["removed"]


def test_a_line_of_the_log_or_a_record_that_is_lost_on_the_way_puts_the_sums_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.specimen(101, "BR001"), migration_builder.specimen(102, "BR002")]
    )
    log = migration_builder.write_csv(tmp_path / "l.csv", ["item", "status"], [["BR001", "ok"], ["BR002", "ok"]])
    with uploaded(log, PLAIN, target) as found:
        assert found.report.truthful

    def losing(
        db: DuckDBPyConnection, what: str, lines: Iterator[bytes], work: Path, *more: Callable[[int], object]
    ) -> None:
        next(lines)
        migration.load_lines(db, what, lines, work, *more)

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "load_lines", losing)
        with uploaded(log, PLAIN, target) as found:
            assert not found.report.balanced
    monkeypatch.setattr(migration, "iter_side", lambda path: itertools.islice(sides.iter_side(path), 1, None))
    with uploaded(log, PLAIN, target) as found:
        assert not found.report.balanced
