"""archive/migrations/documents.py: redirects lead from every URL of a document to where it is now."""

from pathlib import Path
from typing import Any

from support import migration_builder

from archive.migrations.documents import documents_of
from archive.migrations.match import migrated
from archive.migrations.sides import Rule

OLD = "http://cedadocs.example"


def document(position: int, name: str, checksum: str | None = None, number: int = 0) -> dict[str, Any]:
    file = {"filename": name, "uri": f"{OLD}/id/file/{number or 70 + position}"}
    return {
        "pos": position,
        "uri": f"{OLD}/id/document/{number or 40 + position}",
        "files": [file | ({"hash": checksum, "hash_type": "MD5"} if checksum else {})],
    }


def entries(*files: tuple[str, str]) -> dict[str, Any]:
    return {"entries": {name: {"key": name, "size": 1, "checksum": f"md5:{checksum}"} for name, checksum in files}}


def redirects(tmp_path: Path, documents: list[dict[str, Any]], files: dict[str, Any]) -> dict[str, str]:
    source = migration_builder.archived(tmp_path / "s", [migration_builder.eprint(10, documents=documents)])
    identifier, metadata, sets = migration_builder.rdm(101, [f"{OLD}/10/"])
    assert metadata is not None
    target = migration_builder.archived(tmp_path / "t", [(identifier, metadata | {"files": files}, sets)])
    with migrated(source, target, Rule("alternate")) as found:
        return dict(found.redirects())


def test_a_document_leads_to_the_file_of_its_name_and_its_query_variant_as_well(tmp_path: Path):
    found = redirects(tmp_path, [document(1, "my paper.pdf")], entries(("my paper.pdf", "a" * 32)))
    file = "https://zenodo.example/records/101/files/my%20paper.pdf"
    for url in (f"{OLD}/10/1/my%20paper.pdf", f"{OLD}/id/file/71", f"{OLD}/id/document/41"):
        assert found[url] == found[f"{url}?download=1"] == file
    assert found[f"{OLD}/10/"] == found[f"{OLD}/id/eprint/10"] == "https://zenodo.example/records/101"
    assert len(found) == 8


def test_a_renamed_document_is_found_by_its_checksum_and_else_leads_to_the_page(tmp_path: Path):
    documents = [document(1, "paper.pdf", "a" * 32), document(2, "data.csv", "b" * 32), document(3, "gone.zip")]
    found = redirects(tmp_path, documents, entries(("10_paper.pdf", "a" * 32), ("data.csv", "c" * 32)))
    page = "https://zenodo.example/records/101"
    assert found[f"{OLD}/10/1/paper.pdf"] == f"{page}/files/10_paper.pdf"
    assert found[f"{OLD}/10/2/data.csv"] == f"{page}/files/data.csv"
    assert found[f"{OLD}/10/3/gone.zip"] == page


def test_a_target_that_lists_no_files_gets_its_page(tmp_path: Path):
    found = redirects(tmp_path, [document(1, "paper.pdf")], {"enabled": False})
    assert found[f"{OLD}/10/1/paper.pdf"] == "https://zenodo.example/records/101"


def test_two_documents_may_have_one_name():
    _, metadata, _ = migration_builder.eprint(10, documents=[document(1, "a.pdf"), document(2, "a.pdf")])
    assert [one.place for one in documents_of(metadata)] == [f"{OLD}/10/1/a.pdf", f"{OLD}/10/2/a.pdf"]


def test_documents_of_zenodo_are_below_the_page_and_in_the_api():
    found = documents_of(
        {
            "id": 7,
            "conceptrecid": "6",
            "metadata": {"title": "T", "access_right": "open"},
            "links": {"html": "https://zenodo.example/record/7", "self": "https://zenodo.example/api/records/7"},
            "files": [
                {
                    "key": "x.csv",
                    "size": 1,
                    "checksum": "md5:" + "d" * 32,
                    "links": {"self": "https://zenodo.example/api/files/b/x.csv"},
                }
            ],
        }
    )
    assert [one.urls for one in found] == [
        (
            "https://zenodo.example/record/7/files/x.csv",
            "https://zenodo.example/record/7/files/x.csv?download=1",
            "https://zenodo.example/api/files/b/x.csv",
            "https://zenodo.example/api/files/b/x.csv?download=1",
        )
    ]


def test_what_only_links_elsewhere_is_not_redirected_and_odd_shapes_are_no_error():
    assert (
        documents_of(
            {
                "@context": "https://schema.org",
                "@type": "Dataset",
                "url": "https://a.example/1",
                "distribution": [{"contentUrl": "https://b.example/f.csv"}],
            }
        )
        == ()
    )
    for odd in (None, {}, {"eprintid": 1, "documents": [None, {"files": "x"}, {"files": [{"filename": 3}]}]}):
        assert documents_of(odd) == ()
