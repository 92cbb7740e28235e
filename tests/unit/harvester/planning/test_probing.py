"""Which platform answers: by the shape of real answers, by habits, and never by one clue alone as certain."""

import json
from pathlib import Path
from typing import Any

import pytest

from harvester.planning import probing
from harvester.planning.probing import OaiSeen, RestSeen, Seen
from harvester.sources.model import single_sites

ROOT = "https://x.example"


def oai(**more: Any) -> OaiSeen:
    values = {
        "url": f"{ROOT}/somewhere",
        "name": "X",
        "base_url": f"{ROOT}/somewhere",
        "deleted_record": "no",
        "granularity": "YYYY-MM-DD",
        "earliest": "2000-01-01",
        **more,
    }
    return OaiSeen(**values)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://x.example/", ROOT),
        ("https://x.example/oai2d", ROOT),
        ("https://x.example/server/oai/request", ROOT),
        ("https://x.example/oai/request?verb=Identify", ROOT),
        ("https://x.example/sub/cgi/oai2", f"{ROOT}/sub"),
        ("https://x.example/api/records", ROOT),
        ("https://x.example/v2/oai", ROOT),
        ("https://x.example/sub/", f"{ROOT}/sub"),
    ],
)
def test_the_root_of_a_site_is_found_from_any_of_its_endpoints(url: str, root: str):
    assert probing.site_root(url) == root


def test_the_url_itself_is_asked_first_unless_it_is_a_site_or_another_api():
    assert probing.oai_candidates(f"{ROOT}/cgi/oai2")[:2] == [f"{ROOT}/cgi/oai2", f"{ROOT}/oai2d"]
    for url in (ROOT, f"{ROOT}/", f"{ROOT}/api/records"):
        assert probing.oai_candidates(url)[0] == f"{ROOT}/oai2d"
    below = probing.oai_candidates(f"{ROOT}/repo/")
    assert f"{ROOT}/repo/oai2d" in below
    assert f"{ROOT}/oai2d" in below
    assert len(below) == len(set(below))


@pytest.mark.parametrize(
    ("style", "body", "total", "record"),
    [
        ("invenio", {"hits": {"hits": [{"id": 7, "conceptrecid": "6"}], "total": 9}}, 9, "7"),
        ("invenio", {"hits": {"hits": [{"id": "ab1cd-ef2gh"}], "total": 1}}, 1, "ab1cd-ef2gh"),
        (
            "dataverse",
            {"status": "OK", "data": {"total_count": 3, "items": [{"global_id": "doi:10.1/x"}]}},
            3,
            "doi:10.1/x",
        ),
        ("datacite", {"data": [{"id": "10.1/x", "type": "dois"}], "meta": {"total": 5}}, 5, "10.1/x"),
        ("figshare", [{"id": 12, "url_public_api": "https://x.example/v2/articles/12"}], None, "12"),
        ("dspace", {"dspaceVersion": "DSpace 8.0", "_links": {}}, None, None),
    ],
)
def test_the_shape_of_an_answer_is_the_platforms(style: str, body: Any, total: int | None, record: str | None):
    url = ROOT + probing.REST_QUESTIONS[style]
    found = probing.rest_of(style, url, body)
    assert found is not None
    assert (found.style, found.total, found.record_id) == (style, total, record)
    assert found.template is not None
    assert found.template.count("{id}") == 1
    others = [
        probing.rest_of(other, ROOT + probing.REST_QUESTIONS[other], body)
        for other in probing.REST_QUESTIONS
        if other != style
    ]
    assert others == [None] * 4


@pytest.mark.parametrize("body", [None, [], {}, 5, "x", {"hits": []}, {"hits": {"hits": 5, "total": None}}, [5]])
def test_any_other_json_is_no_platforms(body: Any):
    for style, question in probing.REST_QUESTIONS.items():
        assert probing.rest_of(style, ROOT + question, body) is None


def test_real_answers_are_known(corpus: Path):
    zenodo = json.loads((corpus / "zenodo" / "rest-json" / "cldf-search_keyword.json").read_bytes())
    found = probing.rest_of("invenio", f"{ROOT}/api/records?size=1", zenodo)
    assert found is not None
    assert found.legacy
    assert found.total is not None
    datacite = json.loads((corpus / "datacite" / "rest-api-pages" / "rdatacite-dc_dois-00.json").read_bytes())
    found = probing.rest_of("datacite", f"{ROOT}/dois", datacite)
    assert found is not None
    assert found.total == 18_666_188
    listing = json.loads((corpus / "zenodo" / "exporter" / "listing-example.json").read_bytes())
    assert set(probing.exporter_keys(listing)) == {"records-xml.tar.gz", "records-deleted.csv.gz"}
    assert probing.exporter_keys({"status": 404, "message": "no"}) == probing.exporter_keys([]) == ()


def test_the_types_that_a_406_lists_are_read_with_their_profiles():
    message = (
        "Invalid 'Accept' header. Expected one of: application/json, application/marcxml+xml, text/x-bibliography, "
        'application/ld+json;profile="https://datapackage.org/profiles/2.0/datapackage.json", application/json'
    )
    assert probing.listed_types(message) == (
        "application/json",
        "application/marcxml+xml",
        "text/x-bibliography",
        'application/ld+json;profile="https://datapackage.org/profiles/2.0/datapackage.json"',
    )
    assert probing.listed_types("Not acceptable.") == ()


def test_the_shape_of_an_answer_is_certain_and_habits_are_not():
    rest = RestSeen("invenio", f"{ROOT}/api/records")
    verdict = probing.judge(Seen(ROOT, oai(url=f"{ROOT}/cgi/oai2"), rest), {})
    assert (verdict.platform, verdict.sure) == ("invenio-rdm", "certain")
    found = oai(url=f"{ROOT}/oai", identifier="doi:10.1/x", prefixes=("oai_dc", "oai_ddi"))
    verdict = probing.judge(Seen(ROOT, found), {})
    assert (verdict.platform, verdict.sure) == ("dataverse", "likely")
    verdict = probing.judge(Seen(ROOT, oai(url=f"{ROOT}/oai/request")), {})
    assert (verdict.platform, verdict.sure) == ("dspace", "a guess")
    assert probing.judge(Seen(ROOT, oai()), {}).sure == "unknown"
    assert probing.judge(Seen(ROOT), {}).platform == ""


def test_the_json_export_of_an_eprint_is_certain():
    found = Seen(ROOT, oai(url=f"{ROOT}/cgi/oai2", identifier="oai:x.example:12"), eprints_id="12")
    assert probing.judge(found, {}).platform == "eprints"
    assert probing.judge(found, {}).sure == "certain"
    assert probing.eprint_id("oai:x.example:12") == "12"
    for other in (None, "", "oai:x.example:hdl/12", "oai:x.example:article/1", "doi:10.1/12"):
        assert probing.eprint_id(other) is None


def test_a_site_that_comes_with_us_is_named():
    known = single_sites()
    assert {"zenodo", "datacite", "arxiv"} <= known.keys()
    assert not {"eprints", "dspace", "dataverse"} & known.keys()
    assert probing.judge(Seen("https://zenodo.org", oai()), known).source == "zenodo"
    assert probing.judge(Seen("https://site.example", oai()), known).source is None
