"""archive/report: its values are those of the archive, its page is safe whatever strangers wrote, and stays small."""

import base64
import hashlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from lxml import html
from markdown_it import MarkdownIt
from support import archive_builder, report_archive

from archive.audits import audit
from archive.audits.result import Wish
from archive.errors import NotAnArchive
from archive.findings import Finding
from archive.index.build import index
from archive.report.gathering import gather
from archive.report.page import as_html
from archive.report.plain import as_json, as_markdown
from archive.report.values import ReportValues, Tally
from archive.store.accounting import STATES, read_account
from archive.store.layout import Layout

EVIL = [
    '<script>document.title="owned"</script>',
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</style><b>",
    "[click](javascript:alert(1))",
    "| cell | <u>",
    "</title>",
    "{{ 7 * 7 }}",
    "\x1b[31m\x00",
    "https://evil.example/",
]


def of(folder: Path, ids: Path | None = None) -> ReportValues:
    """The report of an archive against its ledger, or a file of ids."""
    comparing = audit.against_ledger(folder) if ids is None else audit.against_file(folder, ids)
    with comparing as comparison:
        return gather(folder, comparison, report_archive.NOW)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Some hundred ids in every state, those from 200 to 219 lost."""
    states = {number: STATES[number % 40] if number % 40 < 8 else "read" for number in range(1, 401)}
    states |= dict.fromkeys(range(200, 220), "lost")
    waits = [
        ("repository.example", report_archive.at(5), 12.0, "429"),
        ("repository.example", report_archive.at(20), 3.5, "429"),
    ]
    return report_archive.archive(tmp_path / "archive", states, waits=waits, ending="findings")


def test_its_account_is_that_of_the_archive(mixed: Path):
    values, account = of(mixed), read_account(mixed)
    assert values.account == account
    assert values.compared is not None
    assert values.compared.words["missing"] == sum(account.states[state] for state in ("refused", "lost", "open"))
    for cuts in (values.months, values.years):
        assert sum(cut.listed for cut in cuts) == account.listed


def test_every_view_of_a_comparison_has_the_same_sums(mixed: Path):
    compared = of(mixed).compared
    assert compared is not None
    expected = Tally(
        compared.words["same"], compared.words["missing"], compared.words["extra"], compared.words["stale"]
    )
    assert sum((period.tally for period in compared.periods), Tally()) == expected
    assert [drawn.tally for drawn in compared.maps] == [expected]
    assert sum(compared.channels.values(), Tally()) == expected
    assert sum(compared.reasons.values()) == expected.missing


def test_runs_of_missing_ids_are_named_with_both_ends(mixed: Path):
    compared = of(mixed).compared
    assert compared is not None
    (drawn,) = compared.maps
    longest = drawn.runs[0]
    assert drawn.prefix == "oai:repository.example:"
    assert (longest.first, longest.last, longest.ids) == (200, 219, 20)
    assert drawn.runs_in_all == len(drawn.runs)
    assert sum(run.ids for run in drawn.runs) == compared.words["missing"]


def test_ids_that_nobody_expected_do_not_cut_a_run_of_missing_ones(tmp_path: Path):
    folder = report_archive.archive(tmp_path / "archive", dict.fromkeys([1, 2, 5, 20, 21], "read"))
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(report_archive.identifier(number) for number in (1, 2, 3, 7, 9, 20, 30)))
    compared = of(folder, ids).compared
    assert compared is not None
    assert [(run.first, run.last, run.ids) for run in compared.maps[0].runs] == [(3, 9, 3), (30, 30, 1)]


def test_ids_that_are_no_numbers_have_no_map_and_are_shown_by_time(tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", [[f"oai:x:{letter}" for letter in "abcdef"]])
    compared = of(tmp_path / "archive").compared
    assert compared is not None
    assert compared.maps == ()
    assert [(period.label, period.tally.held) for period in compared.periods] == [("2020-01", 6)]


def test_what_the_ledger_misses_is_shown_under_the_date_that_was_listed(mixed: Path):
    compared = of(mixed).compared
    assert compared is not None
    assert all(period.label is not None for period in compared.periods)
    by_month = {period.label: period.tally.missing for period in compared.periods}
    assert by_month["2019-03"] >= 20


def test_requests_and_waits_of_a_run_are_all_in_its_intervals(mixed: Path):
    values = of(mixed)
    (line,) = values.timelines
    assert sum(slot.waited_seconds for slot in line.slots) == 15.5
    assert sum(slot.requests for slot in line.slots) == values.runs[0].requests
    assert sum(slot.ids for slot in line.slots) == values.account.listed
    assert sum(count for _, _, count in line.answers) <= values.runs[0].requests


def test_groups_that_were_asked_for_sum_to_the_whole(mixed: Path):
    index(mixed)
    with audit.against_ledger(mixed, Wish(by=("year", "type"))) as comparison:
        values = gather(mixed, comparison, report_archive.NOW)
    assert values.compared is not None
    assert list(values.compared.groups) == ["year", "type"]
    for groups in values.compared.groups.values():
        assert sum(one.tally.expected for one in groups) == values.compared.words["expected"]
    assert "By type" in as_html(values)
    assert "By type" in as_markdown(values)


def test_a_total_that_somebody_states_is_held_against_what_was_counted(mixed: Path):
    with audit.against_ledger(mixed, Wish(stated=(("the agency", 12, None),))) as comparison:
        values = gather(mixed, comparison, report_archive.NOW)
    page = html.fromstring(as_html(values))
    (row,) = page.xpath("//tr[td='the agency']")
    assert [cell.text_content() for cell in row][1] == "12"
    assert row.text_content().endswith("NO")


def test_sets_are_shown_once_there_is_an_index(mixed: Path):
    assert of(mixed).sets is None
    index(mixed)
    sets = of(mixed).sets
    assert sets is not None
    assert [cut.value for cut in sets[:2]] == ["user-a", "user-b"]


def test_without_a_comparison_the_archive_alone_is_shown(mixed: Path):
    values = gather(mixed, None, report_archive.NOW)
    assert values.compared is None
    assert 'id="map"' not in as_html(values)
    assert 'id="map"' in as_html(of(mixed))
    assert as_json(values)["compared"] is None
    with pytest.raises(NotAnArchive):
        gather(mixed / "shards", None, report_archive.NOW)


def test_sums_that_do_not_balance_are_the_first_thing_said(mixed: Path):
    assert 'role="alert"' not in as_html(of(mixed))
    with closing(sqlite3.connect(Layout(mixed).ledger)) as db, db:
        db.execute("UPDATE requests SET listed = listed + 1 WHERE request = 1")
    values = of(mixed)
    page = html.fromstring(as_html(values))
    assert "request 1 names" in page.xpath("string(//*[@role='alert'])")
    assert not as_json(values)["complete"]
    assert "request 1 names" in as_markdown(values)


# --- the page


@pytest.fixture
def hostile_page(tmp_path: Path) -> str:
    """A page of an archive in which everything that strangers write is hostile."""
    return as_html(hostile(tmp_path))


def hostile(tmp_path: Path) -> ReportValues:
    states = {1: "read", 2: "lost", 3: "read"}
    findings = [Finding("poison-record", "error", text, text) for text in EVIL]
    folder = report_archive.archive(tmp_path / "archive", states, sets=EVIL, title=EVIL[0], findings=findings)
    ids = tmp_path / "ids.csv"
    ids.write_text("identifier\n" + "".join('"' + text.replace('"', '""').replace("\0", "") + '"\n' for text in EVIL))
    index(folder)
    values = of(folder, ids)
    assert values.compared is not None
    assert {text.replace("\0", "") for text in EVIL} <= {example.identifier for example in values.compared.examples}
    return values


def test_what_strangers_wrote_is_never_markup(hostile_page: str):
    page = html.fromstring(hostile_page)
    assert not page.xpath("//script | //img | //iframe | //object | //embed | //form | //base | //link | //b | //u")
    assert not page.xpath("//@*[starts-with(name(), 'on')] | //@style")
    assert len(page.xpath("//style")) == len(page.xpath("//head/title")) == 1
    assert "49" not in page.xpath("string(//*[@id='findings'])")
    assert EVIL[0] in page.xpath("string(//*[@id='findings'])")


def test_links_lead_into_the_page_or_over_the_web_and_every_target_is_there(hostile_page: str):
    page = html.fromstring(hostile_page)
    anchors = set(page.xpath("//@id"))
    assert len(anchors) == len(page.xpath("//@id"))
    links = [str(link) for link in page.xpath("//@href")]
    assert [link for link in links if not link.startswith("#")] == [archive_builder.URL]
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert set(re.findall(r"url\(#([\w-]+)\)", hostile_page)) <= anchors
    for labels in page.xpath("//@aria-labelledby"):
        assert set(labels.split()) <= anchors


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[", "//x.example"]
)
def test_a_source_that_is_not_of_the_web_is_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setattr(archive_builder, "SOURCE", {**archive_builder.SOURCE, "url": url})
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    page = html.fromstring(as_html(of(tmp_path / "archive")))
    assert url in page.xpath("string(//header)")
    assert all(link.startswith("#") for link in page.xpath("//@href"))


def test_nothing_is_loaded_and_only_its_own_style_is_allowed(hostile_page: str):
    page = html.fromstring(hostile_page)
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = page.xpath("//style/text()")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not page.xpath("//@src | //@srcset | //@data | //@action")
    assert "@import" not in style
    assert "url(" not in style


def test_every_number_leads_to_the_sql_that_made_it(mixed: Path):
    index(mixed)
    page = html.fromstring(as_html(of(mixed)))
    numbers = page.xpath("//a[@class='n']")
    assert len(numbers) > 40
    for number in numbers:
        (article,) = page.xpath(f"//article[@id='{number.get('href')[1:]}']")
        assert "SELECT" in article.xpath("string(.//pre)")


def test_the_same_values_give_the_same_bytes(mixed: Path):
    first, second = of(mixed), of(mixed)
    assert as_html(first) == as_html(second)
    assert as_markdown(first) == as_markdown(second)
    assert json.dumps(as_json(first)) == json.dumps(as_json(second))


def test_markdown_shows_what_strangers_wrote_as_it_is(tmp_path: Path):
    text = as_markdown(hostile(tmp_path))
    page = html.fromstring(MarkdownIt("commonmark").enable("table").render(text))
    tables = {"table", "thead", "tbody", "tr", "th", "td"}
    assert {element.tag for element in page.iter()} <= {"div", "p", "a", "h1", "h2", "h3", "strong", "code", *tables}
    assert page.xpath("//@href") == [archive_builder.URL]
    assert EVIL[0] in page.xpath("string()")
    assert "\x1b" not in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) > 30
    for line in lines:  # no cell of theirs ends a row or begins another column
        assert re.fullmatch(r"\|(?: (?:[^|\\]|\\.)* \|)+", line), line


def test_its_size_does_not_grow_with_the_archive(tmp_path: Path):
    sizes = []
    for count in (6_000, 24_000):
        states = {number: "lost" if number % 7 == 0 else "read" for number in range(1, count + 1)}
        findings = [Finding("poison-record", "error", "x" * 5000, f"oai:x:{n}") for n in range(count // 20)]
        folder = report_archive.archive(
            tmp_path / str(count), states, sets=[f"set-{n}" for n in range(count // 10)], findings=findings
        )
        index(folder)
        values = of(folder)
        sizes.append((len(as_html(values)), len(as_markdown(values)), len(json.dumps(as_json(values)))))
    for small, large in zip(*sizes, strict=True):
        assert large < 1.3 * small
        assert large < 1_000_000
