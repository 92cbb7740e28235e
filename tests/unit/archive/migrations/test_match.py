"""archive/migrations/match.py: each item of a source in one class, against truths that are known."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import migration_builder, release_builder

from archive.errors import BadQuery, StaleIndex
from archive.migrations import match as migration
from archive.migrations import sides
from archive.migrations.fields import parse_lines
from archive.migrations.match import CLASSES, Migration, migrated
from archive.migrations.sides import Rule, SideRecord, parse_rule
from archive.releases.build import write_release

ALTERNATE = Rule("alternate")
OLD = "http://cedadocs.example/{}/"


def classes(found: Migration) -> dict[str, str]:
    """Class of every item, and of what nothing claims."""
    return {item.rpartition(":")[2] if class_ != "unclaimed" else item: class_ for class_, item, _ in found.lines()}


def test_every_item_ends_in_one_class(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s",
        [
            migration_builder.eprint(1),
            migration_builder.eprint(2),
            migration_builder.eprint(3),
            migration_builder.eprint(4),
            migration_builder.eprint(5),
            ("oai:cedadocs.example:6", None, ()),
            ("oai:cedadocs.example:7", None, ()),
            migration_builder.eprint(8),
        ],
    )
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(101, [OLD.format(1)]),
            migration_builder.rdm(102, [OLD.format(2)]),
            migration_builder.rdm(112, ["http://cedadocs.example/id/eprint/2"]),  # twice
            migration_builder.rdm(103, [OLD.format(3), OLD.format(4)]),  # one for two
            ("oai:zenodo.example:105", None, ()),
            migration_builder.rdm(107, ["oai:cedadocs.example:7"]),
            migration_builder.rdm(200, ["https://elsewhere.example/1/"]),
            # two versions of one thing
            migration_builder.rdm(108, [OLD.format(8)], concept=90),
            migration_builder.rdm(109, [OLD.format(8)], concept=90, version=2),
        ],
    )
    with migrated(source, target, ALTERNATE) as found:
        assert classes(found) == {
            "1": "matched",
            "2": "ambiguous",
            "3": "contested",
            "4": "contested",
            "5": "missing",
            "6": "withdrawn",
            "7": "kept",
            "8": "matched",
            "oai:zenodo.example:107": "unclaimed",
            "oai:zenodo.example:200": "unclaimed",
        }
        report = found.report
        assert report.balanced
        assert (report.items, report.records, report.expected) == (8, 9, 6)
        assert sum(report.classes.values()) == 8
        assert report.targets == {"claimed": 6, "unclaimed": 2, "deleted": 1}
        assert list(found.missing()) == ["5"]
        assert not report.complete


def test_a_thing_that_was_withdrawn_here_and_lives_there_is_unclaimed_and_kept(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [("oai:x:7", None, ())])
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(7, ["oai:x:7"])])
    with migrated(source, target, ALTERNATE) as found:
        assert found.report.classes["kept"] == 1
        assert (found.report.completeness, found.report.complete) == (0.0, False)
        assert not found.report.complete


def test_by_id_a_tombstone_there_is_gone_and_no_match(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.rdm(1), migration_builder.rdm(2)])
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(1), ("oai:zenodo.example:2", None, ())])
    with migrated(source, target, Rule("id")) as found:
        assert classes(found) == {"1": "matched", "2": "gone"}
        assert found.report.targets == {"claimed": 1, "unclaimed": 0, "deleted": 1}


def test_dois_match_whatever_their_case_and_resolver(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s",
        [
            migration_builder.eprint(1, id_number="https://doi.org/10.5281/ZENODO.101"),
            migration_builder.eprint(2),
        ],
    )
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(101)])
    with migrated(source, target, Rule("doi")) as found:
        assert classes(found) == {"1": "matched", "2": "unkeyed"}
        assert found.report.balanced


def test_versions_on_both_sides_are_matched_one_by_one_and_a_concept_with_all_of_them(tmp_path: Path):
    items = [migration_builder.rdm(102, concept=101), migration_builder.rdm(103, concept=101, version=2)]
    concept_doi = {"id": "101", "pids": {"doi": {"identifier": "10.5281/zenodo.101"}}}
    target = [(name, {**(metadata or {}), "parent": concept_doi}, sets) for name, metadata, sets in items]
    target.append(migration_builder.rdm(105, concept=104))
    source = [*target[:2], migration_builder.eprint(1, id_number="10.5281/zenodo.105")]
    migration_builder.archived(tmp_path / "t", target)
    with migrated(migration_builder.archived(tmp_path / "s", source), tmp_path / "t", Rule("doi")) as found:
        assert found.report.classes["matched"] == 3
    concept = [migration_builder.eprint(1, id_number="10.5281/zenodo.101")]
    with migrated(migration_builder.archived(tmp_path / "c", concept), tmp_path / "t", Rule("doi")) as found:
        assert next((class_, len(targets)) for class_, _, targets in found.lines()) == ("matched", 2)


def test_related_counts_what_says_that_it_is_the_same_thing_and_no_citation(tmp_path: Path):
    def relates(number: int, to: str, relation: str) -> migration_builder.Item:
        return migration_builder.rdm(
            number, related_identifiers=[{"identifier": to, "scheme": "url", "relation_type": {"id": relation}}]
        )

    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1), migration_builder.eprint(2)])
    target = migration_builder.archived(
        tmp_path / "t", [relates(101, OLD.format(1), "isidenticalto"), relates(102, OLD.format(2), "cites")]
    )
    with migrated(source, target, Rule("related")) as found:
        assert classes(found)["1"] == "matched"
        assert classes(found)["2"] == "missing"
    with migrated(source, target, parse_rule("related:Cites")) as found:
        assert classes(found)["1"] == "missing"
        assert classes(found)["2"] == "matched"


def test_a_url_pattern_finds_ids_anywhere_in_the_record_and_never_a_longer_id(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s", [migration_builder.eprint(1), migration_builder.eprint(12), migration_builder.eprint(123)]
    )
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(
                101, description="<p>Moved from <a href='https://cedadocs.example/12'>there</a>.</p>"
            ),
            migration_builder.rdm(102, description="See http://cedadocs.example/123/."),
        ],
    )
    with migrated(source, target, parse_rule("url:http://cedadocs.example/{id}/")) as found:
        assert classes(found) == {"1": "missing", "12": "matched", "123": "matched"}


def test_an_expression_matches_and_reaches_no_file(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1), migration_builder.eprint(2)])
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(101, title="Report 1 on the weather")])
    with migrated(source, target, parse_rule("sql:source.title = target.metadata->>'$.metadata.title'")) as found:
        assert classes(found) == {"1": "matched", "2": "missing"}
        assert found.report.balanced
    (tmp_path / "f.csv").write_text("a\n1\n")
    for bad in (
        f"(SELECT count(*) FROM read_csv('{tmp_path}/f.csv')) > 0",
        "nothing = 1",
        "true); DROP TABLE pairs; --",
    ):
        with pytest.raises(BadQuery), migrated(source, target, Rule("sql", bad)):
            pass


@pytest.mark.parametrize("rule", ["", "title", "doi:x", "url:https://x.example/", "sql:", "related:"])
def test_what_is_no_rule_is_refused(rule: str):
    with pytest.raises(ValueError, match=r"rule|pattern"):
        parse_rule(rule)


def test_chains_of_versions_are_whole_in_order_and_of_one_concept(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s",
        [
            migration_builder.eprint(1),
            migration_builder.eprint(2, succeeds=1),  # in order
            migration_builder.eprint(3),
            migration_builder.eprint(4, succeeds=3),  # the wrong way round
            migration_builder.eprint(5),
            migration_builder.eprint(6, succeeds=5),  # in two chains
            migration_builder.eprint(7),  # the first version is not there
        ],
    )
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(101, [OLD.format(1)], concept=90),
            migration_builder.rdm(102, [OLD.format(2)], concept=90, version=2),
            migration_builder.rdm(103, [OLD.format(3)], concept=91, version=2),
            migration_builder.rdm(104, [OLD.format(4)], concept=91),
            migration_builder.rdm(105, [OLD.format(5)], concept=92),
            migration_builder.rdm(106, [OLD.format(6)], concept=93),
            migration_builder.rdm(107, [OLD.format(7)], concept=94, version=3),
        ],
    )
    with migrated(source, target, ALTERNATE) as found:
        assert found.report.classes["matched"] == 7
        assert found.chains() == [
            ("chain-disordered", "91", "oai:cedadocs.example:4", [2, 1]),
            ("chain-incomplete", "94", None, [1, 2]),
            ("chain-split", "93", "oai:cedadocs.example:6", []),
        ]
        assert not found.report.complete


def test_a_record_without_a_concept_is_named_where_others_have_one(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1), migration_builder.eprint(2)])
    name, metadata, sets = migration_builder.rdm(102, [OLD.format(2)])
    assert metadata is not None
    del metadata["parent"]
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.rdm(101, [OLD.format(1)]), (name, metadata, sets)]
    )
    with migrated(source, target, ALTERNATE) as found:
        assert [row[:3] for row in found.chains()] == [("concept-unknown", name, name)]


def test_redirects_lead_from_every_old_url_to_the_newest_version(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1), migration_builder.eprint(2)])
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(101, [OLD.format(1)], concept=90),
            migration_builder.rdm(102, [OLD.format(1)], concept=90, version=2),
        ],
    )
    with migrated(source, target, ALTERNATE) as found:
        assert list(found.redirects()) == [
            ("http://cedadocs.example/1/", "https://zenodo.example/records/102"),
            ("http://cedadocs.example/id/eprint/1", "https://zenodo.example/records/102"),
        ]
        assert found.unredirected() == 0


def test_fields_agree_under_a_mapping_and_each_pair_is_judged_once(tmp_path: Path):
    source = migration_builder.archived(
        tmp_path / "s",
        [
            migration_builder.eprint(1, title="Snow &amp;\r\n<i>ice</i>"),
            migration_builder.eprint(2, title="Rain"),
            migration_builder.eprint(3, abstract=None),
            migration_builder.eprint(4),
        ],
    )
    target = migration_builder.archived(
        tmp_path / "t",
        [
            migration_builder.rdm(
                101, [OLD.format(1)], title="Snow & ice", description="Rain.", publication_date="2012"
            ),
            migration_builder.rdm(102, [OLD.format(2)], title="rain", description="rain"),
            migration_builder.rdm(103, [OLD.format(3)], title="Report 3 on the weather", description="More"),
        ],
    )
    mapping = parse_lines(
        "title = metadata.title | strip_html | lower\nabstract = metadata.description\n"
        "note = metadata.notes\ndate = metadata.publication_date | year\n"
    )
    with migrated(source, target, ALTERNATE, mapping) as found:
        told = [field.judgements for field in found.report.fields]
        assert [(t["equal"], t["different"], t["only_old"], t["only_new"], t["neither"]) for t in told] == [
            (3, 0, 0, 0, 0),
            (1, 1, 0, 1, 0),
            (0, 0, 0, 0, 3),
            (1, 2, 0, 0, 0),
        ]
        assert found.differences(1, 5) == [("oai:cedadocs.example:2", "oai:zenodo.example:102", ["Rain."], ["rain"])]
        assert found.report.fields[2].agreement is None
        assert found.report.balanced


def test_an_item_that_came_in_two_formats_is_one_item(tmp_path: Path):
    items = [migration_builder.eprint(n) for n in range(1, 4)]
    source = migration_builder.archived(tmp_path / "s", items, indexed=False)
    migration_builder.archived(source, items[:2], "other")
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.rdm(100 + n, [OLD.format(n)]) for n in range(1, 4)]
    )
    with migrated(source, target, ALTERNATE, parse_lines("title = metadata.title")) as found:
        assert found.report.items == found.report.classes["matched"] == 3
        assert found.report.fields[0].judgements["different"] == 3
        assert found.report.balanced


def test_a_release_is_a_side_like_an_archive(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(n) for n in range(1, 6)])
    target = migration_builder.archived(
        tmp_path / "t", [migration_builder.rdm(100 + n, [OLD.format(n)]) for n in range(1, 5)]
    )
    for form in ("envelope", "bare"):
        write_release(target, tmp_path / form, release_builder.options(form=form))
        with migrated(source, target, ALTERNATE) as one, migrated(source, tmp_path / form, ALTERNATE) as other:
            assert classes(one) == classes(other)
            assert other.report.balanced


def test_an_index_that_is_not_of_the_archive_is_refused(tmp_path: Path):
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(1)], indexed=False)
    target = migration_builder.archived(tmp_path / "t", [migration_builder.rdm(101)])
    with pytest.raises(StaleIndex), migrated(source, target, ALTERNATE):
        pass


@pytest.mark.parametrize("seed", range(4))
def test_random_losses_doubles_and_mergers_are_named_and_nothing_else(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    truth, there = {}, []

    for number in range(1, 200):
        fate = dice.choice(["matched", "matched", "missing", "ambiguous", "contested"])
        truth[str(number)] = fate
        if fate in ("matched", "ambiguous"):
            there.append(migration_builder.rdm(number * 10, [OLD.format(number)]))
        if fate == "ambiguous":
            there.append(migration_builder.rdm(number * 10 + 5, [OLD.format(number)]))
    one_for_all = [OLD.format(n) for n, fate in truth.items() if fate == "contested"]
    there.append(migration_builder.rdm(999_999, one_for_all))
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(n) for n in range(1, 200)])
    target = migration_builder.archived(tmp_path / "t", dice.sample(there, len(there)))
    with migrated(source, target, ALTERNATE) as found:
        assert classes(found) == truth
        assert found.report.balanced
        for what in ("type", "year", "set"):
            (group,) = found.by(what).values()
            assert group == {name: list(truth.values()).count(name) for name in CLASSES}


@pytest.mark.parametrize("side", ["s", "t"])
def test_a_record_that_is_lost_on_the_way_puts_the_sums_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str):
    migration_builder.archived(tmp_path / "s", [migration_builder.eprint(n) for n in range(1, 5)])
    migration_builder.archived(tmp_path / "t", [migration_builder.rdm(100 + n, [OLD.format(n)]) for n in range(1, 5)])
    with migrated(tmp_path / "s", tmp_path / "t", ALTERNATE) as found:
        assert found.report.off == ()
        assert found.report.complete

    def losing(path: Path) -> Iterator[SideRecord]:
        records = sides.iter_side(path)
        if path.name == side:
            next(records)
        yield from records

    monkeypatch.setattr(migration, "iter_side", losing)
    with migrated(tmp_path / "s", tmp_path / "t", ALTERNATE) as found:
        assert len(found.report.off) == 1
        assert not found.report.complete
