"""The papers of a release whose source, title, sets and ids were written to do harm: in a browser, and as Markdown."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from markdown_it import MarkdownIt
from support import archive_builder
from support.browser import Browser, browser
from support.command_runner import Typed
from support.programs import require_command

from archive.formats import jsonseq
from archive.releases.documents import CITATION, LICENCE, README
from archive.releases.manifest import MANIFEST
from archive.store import envelope

# HTML, Markdown, YAML, Jinja, lines, a terminal, text turned round
EVILS = [
    '<script>document.title="owned"</script>', "</script><script>alert(1)</script>",
    "</title></style><svg onload=alert(2)>",
    "\"' onmouseover='alert(3)", "<img src=https://evil.example/x.png onerror=alert(4)>", "{{ 7 * 7 }}{% raw %}",
    "[a](javascript:alert(5)) ![b](https://evil.example/b.png) <https://evil.example/>", "`rm -rf` | ~~~ | \\",
    "a\n# Heading\n\n<b>bold</b>\n\n- item\n---\n", "x: &a [1, 2]\n...\n- *a", "!!python/object:os.system",
    "# not a comment",
    "\x1b]0;owned\x07\x1b[2J\x9b31m", "\u202egnp.exe\u2066", "&lt;script&gt;&amp;", "'; DROP TABLE records; --",
]  # fmt: skip
EVIL = " ".join(EVILS)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
PAGE = "ro-crate-preview.html"
CRATE = "ro-crate-metadata.json"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser(require_command("chromium")) as opened:
        yield opened


def record(identifier: str) -> bytes:
    return envelope.encode(
        identifier,
        "2020-01-01T00:00:00Z",
        False,
        (EVIL,),
        EVIL,
        "application/xml",
        archive_builder.URL,
        "2026-03-04T05:06:07Z",
        "0" * 64,
        {"title": [EVIL]},
        f"<dc>{EVIL}</dc>",
        (),
    )


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed) -> Path:
    """A release as `harvester dump` makes it of an archive of which a stranger wrote all that is text."""
    named = {"url": f"https://repository.example/{EVIL}", "hosts": ["repository.example"], "name": EVIL}
    monkeypatch.setattr(archive_builder, "SOURCE", {**named, "licence": EVIL})
    monkeypatch.setattr(archive_builder, "CHANNEL", (f"oaipmh:{EVIL}", EVIL, None))
    made, channel, (window,) = archive_builder.begun(tmp_path / "archive")
    payload = ((b"".join(jsonseq.encode(record(name)) for name in EVILS), len(EVILS)),)
    made.put(archive_builder.answer(channel, window.window, EVILS, payload=payload))
    made.commit()
    count = made.count_window(window.window, 1)
    made.close_window(window.window, state="done", end="all", count=count, stated=None, pages=1, attempts=1)
    made.finish("complete")
    made.close()
    out = tmp_path / "out"
    said = typed(
        "dump",
        tmp_path / "archive",
        out,
        "--title",
        EVIL,
        "--set",
        EVIL,
        "--format",
        EVIL,
        "--name",
        EVIL,
        "--licence",
        "CC0-1.0",
    )
    assert said.code == 0, said.err
    return out


def test_nothing_runs_and_nothing_is_loaded_in_the_page_of_a_release(chromium: Browser, release: Path):
    url = (release / PAGE).as_uri()
    chromium.open(url)
    assert (
        chromium.run("document.scripts.length + document.images.length + document.querySelectorAll('svg, b').length")
        == 0
    )
    assert chromium.run("document.querySelectorAll('h1').length") == 1
    assert chromium.requests == [url]
    assert chromium.said == []
    for text in ('<script>document.title="owned"</script>', "{{ 7 * 7 }}", "&lt;script&gt;&amp;"):
        assert text in chromium.run("document.title")
        assert text in chromium.run("document.querySelector('h1').textContent")
    assert (
        chromium.run(
            "[...document.querySelectorAll('*')].filter(e => [...e.attributes]"
            ".some(a => a.name.startsWith('on'))).length"
        )
        == 0
    )
    links = chromium.run("[...document.querySelectorAll('[href], [src]')].map(e => e.href || e.src)")
    assert {link.partition(":")[0] for link in links} <= {"https", "file"}


def test_what_strangers_wrote_is_text_in_the_readme_as_it_is_shown(release: Path):
    text = (release / README).read_text()
    page = html.fromstring(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert not page.xpath("//script | //img | //svg | //b | //iframe | //@*[starts-with(name(), 'on')]")
    assert [link for link in page.xpath("//@href") if not link.startswith("https://repository.example/")] == []
    (heading,) = page.xpath("//h1")
    shown = " ".join(STEERING.sub("\ufffd", EVIL.replace("\n", " ")).split())
    assert heading.text_content() == shown
    assert {item.text_content() for item in page.xpath("//li")} == {f"formats: {shown}", f"sets: {shown}"}
    assert {row.xpath("count(td)") for row in page.xpath("//table[1]/tbody/tr")} == {3.0}
    assert page.xpath("//table[1]/tbody/tr[1]/td[1]")[0].text_content() == shown
    titles = [heading.text_content() for heading in page.xpath("//h2")]
    assert titles == ["What is in it", "Reading it", "Checking it", "What is not in it", "Licence and citation"]


@pytest.mark.parametrize("name", [README, LICENCE, CITATION, PAGE, CRATE])
def test_no_paper_steers_a_terminal_or_turns_its_lines_around(release: Path, name: str):
    assert not STEERING.search((release / name).read_text())


def test_the_citation_has_its_own_keys_and_each_text_in_one_pair_of_quotes(release: Path):
    lines = (release / CITATION).read_text().splitlines()
    keys = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert keys == [
        "cff-version",
        "message",
        "type",
        "title",
        "version",
        "date-released",
        "authors",
        "abstract",
        "license",
        "identifiers",
        "references",
    ]
    values = [value for line in lines if (value := line.partition(": ")[2]) and value[0] == '"']
    shown = " ".join(STEERING.sub("\ufffd", EVIL.replace("\n", " ")).split())
    # what JSON reads in quotes YAML reads alike
    assert [json.loads(value) for value in values].count(shown) == 5
    assert all(
        line.partition(": ")[2][:1] in ('"', "")
        or line.partition(": ")[2].isalnum()
        or re.fullmatch(r"[\w.-]+", line.partition(": ")[2])
        for line in lines
    )


def test_the_crate_is_the_same_json_and_ends_no_page_that_it_is_put_into(release: Path):
    body = (release / CRATE).read_text()
    assert "<" not in body
    found = {entity["@id"]: entity for entity in json.loads(body)["@graph"]}
    assert found["./"]["name"] == EVIL
    assert found[found["./"]["identifier"][0]["@id"]]["value"] == EVIL


def test_the_manifest_and_the_release_are_whole(release: Path, typed: Typed):
    assert typed("verify", release).code == 0
    manifest = json.loads((release / MANIFEST).read_bytes())
    assert manifest["title"] == EVIL
    assert manifest["content"]["selection"]["sets"] == [EVIL]
    assert {path.name for path in release.iterdir()} == {
        *(part["name"] for part in manifest["content"]["parts"]),
        "index.parquet",
        "lookup.idx",
        MANIFEST,
        README,
        LICENCE,
        CITATION,
        PAGE,
        CRATE,
    }


@pytest.mark.parametrize("option", ["--title", "--name", "--set", "--format", "--media-type"])
def test_a_word_that_is_not_utf8_is_no_name_of_a_release(option: str, typed: Typed, tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    assert typed("dump", tmp_path / "archive", tmp_path / "out", option, "\udcff").code == 2
    assert not (tmp_path / "out").exists()
