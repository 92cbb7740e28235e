"""`files=` with each way of harvesting: what names files, what does not, and filters by size, type, set and key."""

from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, bulk_provider
from support.file_harvests import codes, content, crawl, last, of, states
from support.file_provider import File, Filing, serving

WAYS = ("oaipmh", "search", "idrange", "exporter")


def some(**more: Any) -> Filing:
    return Filing(
        {
            "1": {"a.csv": File(b"a" * 10, stated={"mimetype": "text/csv"}), "b c.pdf": File(b"b" * 3000)},
            "2": {"big.bin": File(b"x" * 9000)},
            "3": {},
        },
        sets={"1": ["user-cern"], "2": ["user-other"]},
        **more,
    )


def words_of(way: str, server: Filing) -> tuple[str, ...]:
    return {
        "oaipmh": (f"url={server.oai_url}", "prefix=marcxml"),
        "search": (f"url={server.search_url}",),
        "idrange": of(server),
        "exporter": (),
    }[way]


def harvest(way: str, server: Filing, archive: Path, wanted: str) -> int:
    """The records of a server in one of the ways, and then their files."""
    if way != "exporter":
        return crawl(way, archive, *words_of(way, server), f"files={wanted}")
    with bulk_provider.serving(bulk_provider.Bulk()) as other:
        dump = bulk_provider.json_dump([server.record(id_) for id_ in server.records])
        other.files = {"records-json.tar.gz": ("1", dump)}
        words = (f"url={other.url}/api/exporter", f"hosts={server.url[7:]}", f"files=records-json.tar.gz,{wanted}")
        return crawl(way, archive, *words)


def named(way: str, *files: tuple[str, str]) -> dict[tuple[str, str], str]:
    """How the files of records end in a harvest of some way, which calls them by its own names."""
    return {(f"oai:x:{id_}" if way == "oaipmh" else id_, key): "read" for id_, key in files}


@pytest.mark.parametrize("way", WAYS)
def test_the_files_follow_the_records_and_are_checked(tmp_path: Path, way: str):
    with serving(some()) as server:
        assert harvest(way, server, tmp_path / "a", "true") == 0
        assert states(tmp_path / "a") == named(way, ("1", "a.csv"), ("1", "b c.pdf"), ("2", "big.bin"))
        assert content(tmp_path / "a", "oai:x:1" if way == "oaipmh" else "1", "b c.pdf") == b"b" * 3000
        assert len(server.downloads()) == 3
    rows = "SELECT DISTINCT checksum IS NOT NULL, size = bytes FROM files WHERE state = 'read'"
    assert archive_builder.rows(tmp_path / "a", rows) == [(1, 1)]
    assert last(tmp_path / "a").complete


@pytest.mark.parametrize("way", WAYS)
def test_each_filter_holds_in_each_way(tmp_path: Path, way: str):
    archive = tmp_path / "a"
    with serving(some(communities=way != "oaipmh")) as server:
        assert harvest(way, server, archive, "size<=3kB") == 0
        assert of_last(archive) == set(named(way, ("1", "a.csv"), ("1", "b c.pdf")))
        assert len(server.downloads()) == 2
        words = [f"hosts={server.url[7:]}"] if way == "exporter" else []
        for wanted, files in (
            ("type=text/*", [("1", "a.csv")]),
            ("set=user-cern", [("1", "a.csv"), ("1", "b c.pdf")]),
            ("set=user-cern,set=user-other,key!=*.pdf", [("1", "a.csv"), ("2", "big.bin")]),
            ("set!=user-cern", [("2", "big.bin")]),
        ):
            assert crawl("files", archive, f"files={wanted}", *words) == 0
            assert of_last(archive) == set(named(way, *files))
            assert (last(archive).listed, last(archive).left_out) == (len(files), 3 - len(files))
        assert len(server.downloads()) == 3
    assert not codes(archive) & {"filter-unsaid", "filter-without-sets", "files-unnamed"}


def of_last(archive: Path) -> set[tuple[str, str]]:
    """The files that the newest run has read."""
    rows = "SELECT identifier, key FROM files WHERE state = 'read' AND run = (SELECT max(run) FROM runs)"
    return set(archive_builder.rows(archive, rows))


def test_the_files_of_a_source_follow_every_step_of_its_mix(tmp_path: Path):
    archive, source = tmp_path / "a", tmp_path / "s.toml"
    with serving(some()) as server:
        source.write_text(
            f'name = "T"\n[oaipmh]\nurl = "{server.oai_url}"\nprefixes = ["oai_dc"]\n'
            f'[idrange]\nurl = "{server.records_url}"\n[[mix]]\nspider = "oaipmh"\nbecause = "the list"\n'
            '[[mix]]\nspider = "idrange"\narguments = { ids = "1-3" }\nbecause = "the substance"\n'
        )
        server.records["2"]["big.bin"].status = 502
        assert crawl(str(source), archive, "files=size>1kB") == 3
        server.records["2"]["big.bin"].status = 200
        before = len(server.asked)
        assert crawl(str(source), archive, "files=size>1kB") == 0
        assert server.asked[before:] == ["/robots.txt", "/api/records/2/files/big.bin/content"]
    assert states(archive) == named("idrange", ("1", "b c.pdf"), ("2", "big.bin"))
    assert [row[0] for row in archive_builder.rows(archive, "SELECT spider FROM runs ORDER BY run")] == [
        "oaipmh",
        "idrange",
        "files",
    ]
    assert "form-without-files" in codes(archive)
    assert "files-unnamed" not in codes(archive)


@pytest.mark.parametrize("prefix", ["oai_dc", "oai_datacite", "oai_dc,oai_datacite"])
def test_records_that_name_no_files_are_said_to_be_such(tmp_path: Path, prefix: str):
    archive = tmp_path / "a"
    with serving(some()) as server:
        words = (f"url={server.oai_url}", f"prefix={prefix}", "files=true")
        assert crawl("oaipmh", archive, *words) == 1
        assert server.downloads() == []
        forms = prefix.split(",")
        found = "SELECT found FROM findings WHERE code = 'files-unnamed'"
        assert archive_builder.rows(archive, found) == [(3 * len(forms),)]
        assert (last(archive).listed, last(archive).balanced) == (0, True)

        assert crawl("oaipmh", archive, f"url={server.oai_url}", "prefix=marcxml", "files=true") == 0
        assert len(states(archive)) == 3
        assert archive_builder.rows(archive, found) == [(3 * len(forms),)]
        silent = "SELECT count(*) FROM findings WHERE code = 'form-without-files' AND run = 4"
        assert archive_builder.rows(archive, silent) == [(len(forms),)]


def test_a_record_that_has_no_files_says_so(tmp_path: Path):
    with serving(Filing({"1": {}, "2": {}})) as server:
        for way in ("search", "idrange"):
            assert harvest(way, server, tmp_path / way, "true") == 0
            assert "files-unnamed" not in codes(tmp_path / way)


def test_what_a_filter_asks_and_no_record_says_is_told(tmp_path: Path):
    files = {"known": File(b"k"), "unknown": File(b"u", stated={"size": None, "checksum": None})}
    with serving(Filing({"1": files})) as server:
        assert harvest("idrange", server, tmp_path / "size", "size<1kB") == 0
        assert states(tmp_path / "size") == {("1", "known"): "read"}
        assert archive_builder.rows(
            tmp_path / "size", "SELECT identifier, found FROM findings WHERE code = 'filter-unsaid'"
        ) == [("1", 1)]
        assert harvest("idrange", server, tmp_path / "set", "set=user-cern") == 1
        assert states(tmp_path / "set") == {}
        assert codes(tmp_path / "set") == {"filter-without-sets", "filter-takes-nothing"}
        assert last(tmp_path / "set").left_out == 2


def test_a_filter_that_takes_no_file_is_told_with_what_there_is(tmp_path: Path):
    files = {"a.csv": File(b"a"), "b.csv": File(b"b"), "c.pdf": File(b"c")}
    with serving(Filing({"1": files})) as server:
        assert harvest("idrange", server, tmp_path / "none", "key=*.PDFX") == 1
        said = "SELECT message FROM findings WHERE code = 'filter-takes-nothing'"
        [(message,)] = archive_builder.rows(tmp_path / "none", said)
        assert message.startswith("none of the 3 files that records list passes key=*.PDFX")
        assert harvest("idrange", server, tmp_path / "one", "key=*.pdf") == 0
        assert archive_builder.rows(tmp_path / "one", said) == []


def test_one_content_under_two_forms_and_ways_is_fetched_once(tmp_path: Path):
    archive = tmp_path / "a"
    with serving(some()) as server:
        assert harvest("oaipmh", server, archive, "true") == 0
        asked = len(server.downloads())
        assert crawl("search", archive, f"url={server.search_url}", "files=true") == 0
        assert len(server.downloads()) == asked == 3
        assert len(states(archive)) == 6
        assert last(archive).states["read"] == 6
    held = "SELECT count(*) FROM files WHERE reason = 'held already' AND run = 4"
    assert archive_builder.rows(archive, held) == [(6,)]


def test_the_same_words_go_on_in_each_way(tmp_path: Path):
    for way in ("oaipmh", "search"):
        archive, server = tmp_path / way, some()
        server.records["2"]["big.bin"].status = 502
        with serving(server):
            assert harvest(way, server, archive, "true") == 3
            server.records["2"]["big.bin"].status = 200
            before = len(server.asked)
            assert harvest(way, server, archive, "true") == 0
            assert [path.rpartition("/")[0] for path in server.asked[before:]].count("/oai") == 0
            assert len(server.downloads()) == 3 + 2
        assert [row[0] for row in archive_builder.rows(archive, "SELECT spider FROM runs ORDER BY run")] == [
            way,
            "files",
        ]
        assert last(archive).complete
