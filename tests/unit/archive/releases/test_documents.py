"""The papers of a release: the same for the same manifest, true to it, and safe whatever strangers wrote."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html
from support import dump_builder, serving_archive

from archive.releases.documents import citation, licence_text, preview, readme, write_papers
from archive.releases.manifest import Manifest
from archive.releases.rocrate import completeness, describe

EVIL = "<script>alert(1)</script> \"x' onload=alert(1) {{ 7 * 7 }} `rm` | [a](javascript:b) \u2028\x85\r\n# Heading"
PAPERS = ["README.md", "LICENSE.txt", "CITATION.cff", "ro-crate-preview.html", "ro-crate-metadata.json"]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("release")
    records = [serving_archive.record(f"oai:x:{n:02d}", f"2020-01-{n + 1:02d}", "T" * n, ["a"]) for n in range(12)]
    archive = serving_archive.harvested(
        folder / "archive", [[*records, serving_archive.record("oai:x:99", "2020-02-01", None)]]
    )
    return dump_builder.released(archive, folder / "out")


@pytest.fixture(scope="module")
def hostile(release: Manifest) -> Manifest:
    """A release where whatever a stranger or a person can write is written to do harm."""
    part = replace(release.content.parts[0], earliest=EVIL, latest=EVIL)
    counts = {"records": 1, "tombstones": 0}
    content = replace(release.content, by_format={EVIL: counts, "plain": counts}, parts=(part,))
    run = {**release.runs[0], "spider": EVIL, "mode": EVIL, "state": EVIL, "started": EVIL}
    return replace(
        release,
        title=EVIL,
        name=EVIL,
        content=content,
        runs=(run,),
        software={"harvester": EVIL},
        source={"name": EVIL, "url": f"https://x.example/{EVIL}"},
        licence={"id": EVIL, "name": EVIL, "url": "javascript:alert(1)"},
    )


def quoted(text: str) -> Iterator[str]:
    """What stands in quotes in a YAML file of ours, as it stands there."""
    for line in text.splitlines():
        if (found := re.fullmatch(r' *(?:- )?[a-z-]+: "(.*)"', line)) is not None:
            yield found[1]


# --- the same, and true


def test_papers_are_the_files_that_their_entries_say(release: Manifest, tmp_path: Path):
    entries = write_papers(tmp_path, release)
    assert [entry.name for entry in entries] == PAPERS
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAPERS)
    for entry in entries:
        body = (tmp_path / entry.name).read_bytes()
        assert entry.bytes == len(body)
        assert (entry.sha256, entry.sha512) == (hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest())
    assert entries == release.files


def test_papers_follow_from_the_manifest_without_them(release: Manifest, tmp_path: Path):
    for name, manifest in (("with", release), ("without", replace(release, files=()))):
        (tmp_path / name).mkdir()
        assert write_papers(tmp_path / name, manifest) == release.files


def test_the_readme_names_every_part_and_every_digest(release: Manifest):
    text = readme(release)
    for entry in [*release.content.parts, release.content.index, release.content.lookup]:
        assert entry is not None
        assert f"{entry.sha256}  {entry.name}\n" in text
    assert release.content.root in text
    assert "| all, of 13 identifiers | 12 | 1 |" in text
    assert '"deleted": true' in text
    none = replace(release.content, tombstones=0)
    assert '"deleted": true' not in readme(replace(release, content=none))


def test_the_readme_says_what_was_left_out(release: Manifest):
    assert "Not everything" not in readme(release)
    chosen = replace(release.content.selection, formats=("a_b",), until="2020-01-01")
    text = readme(replace(release, content=replace(release.content, selection=chosen)))
    assert "- formats: a\\_b\n" in text
    assert "- datestamps to 2020-01-01\n" in text.replace("datestamps  to", "datestamps to")


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ({}, "is complete"),
        ({"refused": 1}, "of 13 ids 1 is refused."),
        ({"refused": 1200, "open": 2, "complete": False}, "of 13 ids 1,200 are refused and 2 are open."),
        ({"complete": False}, "is not complete: it was not ended"),
    ],
)
def test_what_is_missing_is_said_wherever_the_release_is_described(
    release: Manifest, account: dict[str, object], said: str
):
    manifest = replace(release, account=release.account | account)
    assert said in completeness(manifest)
    for text in (readme(manifest), citation(manifest), preview(manifest, [])):
        assert completeness(manifest) in text


def test_a_release_is_described_by_the_end_of_its_last_run(release: Manifest):
    assert describe(release).startswith("12 metadata records of repository.example, as it was on 2026-03-04 and ")
    never = replace(release, runs=({**release.runs[0], "finished": None},))
    assert "as it was" not in describe(never)
    readme(never), preview(never, [])


# --- licences


def test_a_legal_text_is_there_word_for_word_or_not_at_all(release: Manifest):
    cc0 = licence_text(release)
    assert (
        hashlib.sha256(cc0.encode()).hexdigest() == "a2010f343487d3f7618affe54f789f5487602331c0a8d03f49e9a7c547cf0499"
    )
    by = licence_text(replace(release, licence={"id": "CC-BY-4.0", "name": "CC BY", "url": "https://c"}))
    # SPDX's text, and a line feed
    assert hashlib.sha256(by.encode()).hexdigest() == "d557539df68e771cc1eedcc91d13f70fca930e508d11eedcafa4b15db49e3744"
    other = {"id": "ODC-By-1.0", "name": "ODC Attribution", "url": "https://opendatacommons.example/by"}
    text = licence_text(replace(release, licence=other))
    assert all(value in text for value in other.values())
    assert len(text) < 300


@pytest.mark.parametrize(
    ("licence", "line"),
    [
        ("CC0-1.0", "license: CC0-1.0"),
        ("CC-BY-NC-SA-4.0", "license: CC-BY-NC-SA-4.0"),
        ("LicenseRef-own", 'license-url: "https://c"'),
    ],
)
def test_a_citation_has_only_licences_that_its_schema_knows(release: Manifest, licence: str, line: str):
    text = citation(replace(release, licence={"id": licence, "name": "n", "url": "https://c"}))
    assert [found for found in text.splitlines() if found.startswith("license")] == [line]


# --- whatever strangers wrote


def test_nothing_that_strangers_wrote_runs_in_the_page(hostile: Manifest):
    page = html.fromstring(preview(hostile, []))
    assert not page.xpath("//script | //img | //iframe | //object | //link | //base")
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    for address in page.xpath("//@href | //@src"):
        assert re.match(r"https?://|[\w.-]+$", address), address
    assert "alert(1)" in page.xpath("string(//h1)")
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_strangers_wrote_is_text_in_the_readme(hostile: Manifest):
    text = readme(hostile)
    assert text.splitlines()[0].startswith("# \\<script\\>alert(1)")
    assert not re.search(r"^# Heading", text, re.MULTILINE)
    assert "<script" not in text.replace("\\<script", "")
    assert "49" not in text.splitlines()[0]
    outside = re.sub(r"^Source: <[^ <>]*>$", "", text, flags=re.MULTILINE)
    assert "[a]" not in outside != text
    for line in text.splitlines():
        if line.startswith("| ") and "alert" in line:
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 8)


def test_what_strangers_wrote_stays_in_its_quotes_in_the_citation(hostile: Manifest):
    text = citation(hostile)
    lines = text.splitlines()
    assert len(lines) == len(text.split("\n")) - 1
    assert all(re.fullmatch(r'(?:[^"\\]|\\.)*', value) for value in quoted(text))
    assert len([line for line in lines if "alert" in line]) == len(
        [value for value in quoted(text) if "alert" in value]
    )
    assert "license:" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)
