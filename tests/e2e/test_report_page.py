"""The report in a browser: nothing runs and nothing is loaded, it fits its width, and clicks lead somewhere."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from support import report_archive
from support.browser import Browser, browser
from support.programs import require_command

from archive.audits import audit
from archive.findings import Finding
from archive.index.build import index
from archive.report.gathering import gather
from archive.report.page import as_html

WIDTHS = (390, 800, 1440)
EVIL = [
    '<script>document.title="owned"</script>',
    '"><img src="https://evil.example/x.png" onerror="document.title=1">',
    "<svg onload=alert(1)>",
    "</style><style>@import 'https://evil.example/x.css'</style>",
    '<a href="javascript:document.title=2" id="account">x</a>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser(require_command("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a report on an archive with gaps, in which strangers wrote what they could."""
    folder = tmp_path_factory.mktemp("report")
    states = {
        number: "lost" if 300 <= number < 340 else "deleted" if number % 9 == 0 else "read" for number in range(1, 900)
    }
    findings = [Finding("poison-record", "error", text, text) for text in EVIL]
    waits = [("repository.example", report_archive.at(10 * n), 5.0, "429") for n in range(5)]
    report_archive.archive(folder / "archive", states, sets=EVIL, findings=findings, waits=waits, title=EVIL[0])
    index(folder / "archive")
    lines = [*(report_archive.identifier(number) for number in range(1, 950)), *EVIL]
    (folder / "ids.csv").write_text(
        "identifier\n" + "".join(f'"{one.replace(chr(34), chr(34) * 2)}"\n' for one in lines)
    )
    with audit.against_file(folder / "archive", folder / "ids.csv") as comparison:
        values = gather(folder / "archive", comparison, report_archive.NOW)
    (folder / "report.html").write_text(as_html(values))
    return (folder / "report.html").as_uri()


def test_no_script_runs_nothing_is_loaded_and_nobody_complains(chromium: Browser, page: str):
    chromium.open(page)
    assert chromium.run("document.title") == "archive: not complete"
    assert chromium.run("document.scripts.length + document.images.length") == 0
    assert chromium.requests == [page]
    assert chromium.said == []
    assert chromium.run("getComputedStyle(document.querySelector('section')).borderTopStyle") == "solid"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_its_width_and_can_be_read(chromium: Browser, page: str, width: int, dark: bool):
    chromium.open(page, width, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    small = chromium.run(
        "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && e.childNodes.length && "
        "[...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && !e.closest('svg') && "
        "parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.outerHTML)"
    )
    assert small == []
    colours = chromium.run(
        "['body', 'section', 'h1', '.quiet', 'a'].map(s => getComputedStyle(document.querySelector(s)))"
        ".map(s => [s.color, s.backgroundColor])"
    )
    (_, background), (_, card), *texts = [[rgb(colour) for colour in pair] for pair in colours]
    for text, _ in texts:
        assert contrast(text, background) >= 4.5
        assert contrast(text, card) >= 4.5


def test_states_are_told_apart_without_seeing_colours(chromium: Browser, page: str):
    """Pieces that lie side by side differ in lightness, or one of them has a pattern."""
    for dark in (False, True):
        chromium.open(page, dark=dark)
        pieces = chromium.run(
            "[...document.querySelectorAll('#account figure svg[role=img] rect[class^=s-]')].map(r => "
            "[getComputedStyle(r).fill, !!r.nextElementSibling?.classList.contains('over')])"
        )
        assert len(pieces) >= 3
        for (one, hatched), (other, also) in pairwise(pieces):
            assert hatched or also or contrast(rgb(one), rgb(other)) >= 1.5


def test_a_number_leads_to_its_sql_and_back(chromium: Browser, page: str):
    chromium.open(page)
    chromium.click("#comparison a.n")
    chromium.until("location.hash === '#sql-audit_counts'")
    chromium.until(f"({IN_VIEW})('#sql-audit_counts')")
    assert "SELECT" in chromium.run("document.querySelector(':target pre').innerText")
    chromium.click("#sql-audit_counts .back")
    chromium.until("location.hash === '#comparison'")
    chromium.until(f"({IN_VIEW})('#comparison h2')")


def test_every_link_in_the_navigation_leads_to_its_section(chromium: Browser, page: str):
    chromium.open(page, 390)
    targets = chromium.run("[...document.querySelectorAll('nav a')].map(a => a.hash)")
    assert len(targets) >= 8
    for target in targets:
        chromium.click(f"nav a[href='{target}']")
        chromium.until(f"location.hash === '{target}'")
        chromium.until(f"({IN_VIEW})('{target} h2')")


def test_tables_open_and_close(chromium: Browser, page: str):
    chromium.open(page)
    count = chromium.run("document.querySelectorAll('main > section > details').length")
    assert count >= 4
    for number in range(count):
        selector = f"details[data-n='{number}']"
        chromium.run(f"document.querySelectorAll('main > section > details')[{number}].dataset.n = '{number}'")
        opened = chromium.run(f'document.querySelector("{selector}").open')
        chromium.click(f"{selector} > summary")
        chromium.until(f'document.querySelector("{selector}").open === {str(not opened).lower()}')


def test_a_finding_opens_its_examples(chromium: Browser, page: str):
    chromium.open(page)
    chromium.click("#findings td a[href='#finding-1']")
    chromium.until("location.hash === '#finding-1'")
    chromium.click("#finding-1 > summary")
    chromium.until("document.querySelector('#finding-1').open")
    assert EVIL[0] in chromium.run("document.querySelector('#finding-1').innerText")


def test_the_map_shows_the_run_of_missing_ids(chromium: Browser, page: str):
    chromium.open(page)
    told = chromium.run("[...document.querySelectorAll('#map .c-all title')].map(t => t.textContent)")
    assert "oai:repository.example:301 to 303: 3 expected, 3 missing" in told
    rows = chromium.run(
        "[...document.querySelectorAll('#map table tr')].slice(1, 3).map(r => r.innerText.split('\\t'))"
    )
    assert rows == [["900", "949", "50"], ["300", "339", "40"]]


def test_on_paper_everything_is_shown_in_light_colours(chromium: Browser, page: str):
    chromium.open(page, dark=True, media="print")
    assert chromium.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert chromium.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    hidden = "[...document.querySelectorAll('details:not([open]) table')].filter(t => !t.checkVisibility()).length"
    assert chromium.run(hidden) == 0
    pdf = chromium.ask("Page.printToPDF", printBackground=True)["data"]
    assert len(pdf) > 10_000


IN_VIEW = (
    "s => { const r = document.querySelector(s).getBoundingClientRect(); return r.top >= 0 && r.top < innerHeight }"
)


def rgb(colour: str) -> tuple[float, float, float]:
    """`rgb(1, 2, 3)` as numbers."""
    red, green, blue, *_ = (float(part) for part in colour[colour.index("(") + 1 : -1].split(","))
    return red, green, blue


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """The contrast of two colours (WCAG 2.2, contrast ratio)."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: tuple[float, float, float]) -> float:
    linear = [part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
