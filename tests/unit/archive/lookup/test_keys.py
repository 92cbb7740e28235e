"""Which outcomes are of one id: the same whether an index is there, is stale, or cannot be read."""

from pathlib import Path

import pytest
from support import archive_builder

from archive.index.build import index
from archive.lookup.keys import Found, find_id
from archive.store.layout import Layout
from archive.store.snapshots import snapshot

PAGES = [
    ["oai:x:1", "oai:x:21", "oai:y:1"],
    ["1", "oai:x:10.5281/zenodo.7", "10.5281/ZENODO.7", "oai:x:Äpfel-1", "oai:x:1", "oai:x:ABC-1", "oai:x:abc-1"],
]


@pytest.fixture(params=["no index", "index", "stale index", "broken index"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    kind = request.param
    archive_builder.ended(folder, PAGES[:1] if kind == "stale index" else PAGES)
    if kind != "no index":
        index(folder)
    if kind == "stale index":
        made, channel, (window,) = archive_builder.begun(folder)
        made.put(archive_builder.answer(channel, window.window, PAGES[1]))
        made.close()
    if kind == "broken index":
        Layout(folder).index.write_bytes(b"nothing that DuckDB made" * 1000)
    return folder


def found(folder: Path, asked: str) -> Found:
    with snapshot(Layout(folder)) as ledger:
        return find_id(folder, ledger, asked)


@pytest.mark.parametrize(
    ("asked", "identifiers", "outcomes"),
    [
        ("oai:x:21", {"oai:x:21": "identifier"}, (2,)),
        ("oai:x:1", {"oai:x:1": "identifier", "1": "local_id"}, (1, 4, 8)),
        ("1", {"oai:x:1": "local_id", "oai:y:1": "local_id", "1": "identifier"}, (1, 3, 4, 8)),
        ("oai:x:Äpfel-1", {"oai:x:Äpfel-1": "identifier"}, (7,)),
        ("Äpfel-1", {"oai:x:Äpfel-1": "local_id"}, (7,)),
        ("pfel-1", {}, ()),
        ("oai:X:21", {}, ()),
        ("10.5281/zenodo.7", {"oai:x:10.5281/zenodo.7": "doi", "10.5281/ZENODO.7": "doi"}, (5, 6)),
        ("https://doi.org/10.5281/Zenodo.7", {"oai:x:10.5281/zenodo.7": "doi", "10.5281/ZENODO.7": "doi"}, (5, 6)),
        ("ABC-1", {"oai:x:ABC-1": "local_id"}, (9,)),
        ("%", {}, ()),
        ("'", {}, ()),
    ],
)
def test_an_id_is_found_however_it_is_written(
    archive: Path, asked: str, identifiers: dict[str, str], outcomes: tuple[int, ...]
):
    result = found(archive, asked)
    assert (result.identifiers, result.outcomes) == (identifiers, outcomes)


def test_the_same_local_id_of_another_namespace_is_another_id(archive: Path):
    result = found(archive, "oai:z:1")
    assert result.identifiers == {"1": "local_id"}
    assert result.others == ("oai:x:1", "oai:y:1")


def test_only_a_current_index_is_searched(tmp_path: Path):
    archive_builder.ended(tmp_path / "archive", PAGES)
    assert found(tmp_path / "archive", "1").searched == "ledger"
    index(tmp_path / "archive")
    assert found(tmp_path / "archive", "1").searched == "index"
    archive_builder.begun(tmp_path / "archive")[0].close()
    assert found(tmp_path / "archive", "1").searched == "ledger"


def test_a_doi_of_the_metadata_is_known_to_the_index_with_all_that_has_its_local_id(tmp_path: Path):
    folder = tmp_path / "archive"
    made, channel, (window,) = archive_builder.begun(folder)
    record = archive_builder.record("oai:x:5").replace(
        b'"title":', b'"identifier":["https://doi.org/10.5072/ABC"],"title":'
    )
    made.put(archive_builder.answer(channel, window.window, ["oai:x:5"], payload=((b"\x1e" + record + b"\n", 1),)))
    absent = [("5", None, "absent", None), ("6", None, "absent", None)]
    made.put(archive_builder.answer(channel, window.window, [], outcomes=absent))
    made.close()
    assert found(folder, "doi:10.5072/abc").identifiers == {}
    index(folder)
    assert found(folder, "doi:10.5072/abc").identifiers == {"oai:x:5": "doi", "5": "doi"}
