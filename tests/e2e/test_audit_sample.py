"""`audit --sample`, `audit --estimate` and `sketch` as a user types them, against truths that are known."""

import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from support import archive_builder
from support.command_runner import Typed
from support.local_server import serving

from archive.index.build import index
from archive.store.ledger import NewWindow

RECORD = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
HEADER = "<header><identifier>{}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp><setSpec>{}</setSpec></header>"
METADATA = "<metadata><a xmlns='urn:a'/></metadata>"


class Provider(BaseHTTPRequestHandler):
    """GetRecord, a first page of ListIdentifiers, and records by id, of those in `live`."""

    live: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/robots.txt":
            return self.answer(404, "", "text/plain")
        if parts.path.startswith("/api"):
            name = parts.path.rpartition("/")[2]
            return self.answer(200 if name in self.live else 404, f'{{"id": "{name}"}}', "application/json")
        words = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if words["verb"] == "ListIdentifiers":
            headers = "".join(HEADER.format(f"oai:x:{name}", "s") for name in sorted(self.live)[:10])
            return self.answer(200, RECORD.format(f"<ListIdentifiers>{headers}</ListIdentifiers>"), "text/xml")
        name = words["identifier"].removeprefix("oai:x:")
        if name not in self.live:
            return self.answer(200, RECORD.format('<error code="idDoesNotExist">no</error>'), "text/xml")
        set_spec = "odd" if name[-1] in "13579" else "even"
        header = HEADER.format(f"oai:x:{name}", set_spec)
        return self.answer(
            200, RECORD.format(f"<GetRecord><record>{header}{METADATA}</record></GetRecord>"), "text/xml"
        )

    def answer(self, status: int, text: str, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HARVESTER_STATE", "none")
    with serving(Provider) as base:
        yield base


def held(folder: Path, names: list[str], channel: tuple[str, str, None] = archive_builder.CHANNEL, **run: Any) -> Path:
    """An archive that holds these ids, with its index."""
    writer = archive_builder.writer(folder)
    writer.begin(run.pop("spider", "oaipmh"), "full", run, archive_builder.SOFTWARE)
    number = writer.ledger.channel(*channel)
    (window,) = writer.open_windows([NewWindow(number, "ListRecords", None, None)])
    writer.put(archive_builder.answer(number, window.window, names))
    writer.commit()
    count = writer.count_window(window.window, 1)
    writer.close_window(window.window, state="done", end="all asked", count=count, stated=None, pages=1, attempts=1)
    writer.finish("complete")
    writer.close()
    index(folder)
    return folder


@pytest.mark.parametrize("place", ["/oai", "/api/records", "/api/records/{id}"])
def test_a_sample_names_exactly_what_is_missing_and_extra_among_its_ids(
    provider: str, typed: Typed, tmp_path: Path, place: str
):
    dice = random.Random(1)
    here = {str(number) for number in range(1, 301) if dice.random() < 0.6} | {"1", "300"}
    Provider.live = {str(number) for number in range(1, 301) if dice.random() < 0.7}
    archive = held(tmp_path / "a", [f"oai:x:{name}" for name in sorted(here)])
    lines, gaps = tmp_path / "lines", tmp_path / "gaps"
    said = typed(
        "audit",
        archive,
        "--against",
        provider + place,
        "--sample",
        150,
        "--seed",
        3,
        "--json",
        "--lines",
        lines,
        "--gaps",
        gaps,
    )
    assert said.code == 1, said.err
    marked = {line.split("\t")[0][2:]: line[0] for line in lines.read_text().splitlines()}
    assert len(marked) == 150
    truth = {
        name: "+" if name in Provider.live - here else "-" if name in here - Provider.live else "=" for name in marked
    }
    assert marked == truth
    assert set(gaps.read_text().split()) == {name for name, mark in marked.items() if mark == "+"}
    report = said.json
    live = Provider.live & marked.keys()
    assert (report["expected"], report["held"]) == (len(live), len(live & here))
    assert report["drawn_from"] == "numbers"
    share = 100 * len(Provider.live & here) / len(Provider.live)
    assert report["low"] <= share <= report["high"]
    again = typed("audit", archive, "--against", provider + place, "--sample", 150, "--seed", 3, "--json")
    assert again.json == report


def test_a_sample_has_strata_by_set_and_exits_by_the_low_end_of_its_interval(
    provider: str, typed: Typed, tmp_path: Path
):
    Provider.live = {str(number) for number in range(1, 401)}
    archive = held(tmp_path / "a", [f"oai:x:{number}" for number in range(1, 401)])
    words = ("audit", archive, "--against", f"{provider}/oai", "--sample", 200, "--seed", 1, "--by", "set", "--json")
    said = typed(*words)
    assert said.code == 0
    assert [part["name"] for part in said.json["strata"]] == ["even", "odd"]
    assert sum(part["expected"] for part in said.json["strata"]) == 200
    # 200 of 200 show 98.1 % at least, and no more
    assert typed(*words, "--fail-under", 98).code == 0
    assert typed(*words, "--fail-under", 99).code == 1


def test_ids_that_are_no_numbers_are_drawn_from_those_that_are_known(provider: str, typed: Typed, tmp_path: Path):
    names = [f"item-{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(100)]
    Provider.live = set(names[:90]) | {"item-never-listed"}
    archive = held(tmp_path / "a", [f"oai:x:{name}" for name in names[:95]])
    said = typed("audit", archive, "--against", f"{provider}/oai", "--sample", 1000, "--by", "set", "--json")
    report = said.json
    assert (report["drawn_from"], report["sample"]) == ("known", 95)
    assert (report["expected"], report["held"], report["extra"]) == (90, 90, 5)
    assert "no channel has ever named" in report["population"]


def test_a_target_that_was_never_listed_is_asked_by_the_names_of_its_own_list(
    provider: str, typed: Typed, tmp_path: Path
):
    Provider.live = {str(number) for number in range(1, 51)}
    archive = held(
        tmp_path / "a",
        [str(number) for number in range(1, 51)],
        ("idrange:json", "json", None),
        spider="idrange",
        ids="1-50",
    )
    said = typed("audit", archive, "--against", f"{provider}/oai", "--sample", 20, "--json")
    assert (said.code, said.json["same"]) == (0, 20)


@pytest.mark.parametrize("target", ["ledger", "file.csv"])
def test_only_a_live_target_is_asked_for_a_sample(typed: Typed, tmp_path: Path, target: str):
    archive = held(tmp_path / "a", ["oai:x:1"])
    assert typed("audit", archive, "--against", target, "--sample", 5).code == 2


def test_an_estimate_says_how_many_records_no_channel_saw(typed: Typed, tmp_path: Path):
    dice = random.Random(6)
    truth = [str(number) for number in range(1, 1001)]
    listed, asked = ([name for name in truth if dice.random() < chance] for chance in (0.8, 0.7))
    unseen = len(set(truth) - set(listed) - set(asked))
    archive = held(tmp_path / "a", [f"oai:x:{name}" for name in listed])
    assert typed("audit", archive, "--estimate").code == 2
    held(archive, asked, ("idrange:json", "json", None), spider="idrange", ids="1-1000")
    said = typed("audit", archive, "--estimate", "--json")
    assert said.code == 1
    report = said.json
    assert report["channels"] == ["idrange", "oaipmh"]
    assert report["seen"] == 1000 - unseen
    assert report["low"] <= unseen <= report["high"]
    assert report["warnings"]
    assert "records seen" in typed("audit", archive, "--estimate").out
    assert typed("audit", archive, "--estimate", "--fail-under", 50).code == 0


# --- sketches


def test_two_mirrors_name_each_others_differences_by_their_sketches(typed: Typed, tmp_path: Path):
    long = "y" * 60
    one = held(tmp_path / "one", [f"oai:x:{number}" for number in range(1, 500)] + [f"oai:x:{long}"])
    two = held(tmp_path / "two", [f"oai:x:{number}" for number in range(3, 503)])
    for folder in (one, two):
        assert typed("sketch", folder, f"{folder}.sketch").code == 0
    sides = {f"{one}.sketch": f"{two}.sketch", one: f"{two}.sketch", f"{one}.sketch ": two, f"{one} ": two}
    for first, second in sides.items():
        said = typed("sketch", str(first).strip(), second, "--json")
        assert said.code == 1
        found = {mark: [d["identifier"] for d in said.json["differences"] if d["mark"] == mark] for mark in "+-*"}
        assert (found["+"], found["*"]) == (["500", "501", "502"], [])
        assert found["-"][:2] == ["1", "2"]
        assert (found["-"][2] == long) == (str(first).strip() == str(one))
    hashed = typed("sketch", f"{one}.sketch", f"{two}.sketch").out
    (tmp_path / "hashes").write_text("\n".join(line.split()[1] for line in hashed.splitlines() if "sha256" in line))
    assert typed("sketch", one, "--name", tmp_path / "hashes").out == f"{long}\n"
    assert typed("sketch", two, "--name", tmp_path / "hashes").code == 1


def test_equal_mirrors_have_no_difference_and_too_many_are_not_named(typed: Typed, tmp_path: Path):
    one = held(tmp_path / "one", [f"oai:x:{number}" for number in range(1, 2000)])
    two = held(tmp_path / "two", ["oai:x:1"])
    assert typed("sketch", one, one).code == 0
    assert typed("sketch", one, tmp_path / "small", "--for", 10).code == 0
    said = typed("sketch", two, tmp_path / "small", "--json")
    assert (said.code, said.json["decoded"]) == (3, False)
    assert said.json["for"] > 1998
    assert typed("sketch", one, tmp_path / "large", "--for", said.json["for"]).code == 0
    assert typed("sketch", two, tmp_path / "large", "--json").json["missing"] == 1998


def test_sketches_that_are_not_alike_or_damaged_are_refused(typed: Typed, tmp_path: Path):
    one = held(tmp_path / "one", ["oai:x:1"])
    typed("sketch", one, tmp_path / "a")
    typed("sketch", one, tmp_path / "b", "--for", 10)
    assert typed("sketch", tmp_path / "a", tmp_path / "b").code == 2
    assert typed("sketch", one, tmp_path / "a", "--replace", "--ids-only").code == 0
    assert typed("sketch", one, tmp_path / "a").code == 0
    assert typed("sketch", one, tmp_path / "b", "--ids-only").code == 2
    data = (tmp_path / "b").read_bytes()
    (tmp_path / "b").write_bytes(data[:-1])
    assert typed("sketch", one, tmp_path / "b").code == 4
    (tmp_path / "other").write_text("something")
    assert typed("sketch", one, tmp_path / "other").code == 2
    assert (tmp_path / "other").read_text() == "something"
    assert typed("sketch", one).code == 2
