"""Whatever holds records is opened completely, or refused: never the first of them alone."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from archive.crosswalks.containers import Ambiguous, is_container, opened
from archive.crosswalks.fields import index_fields
from archive.crosswalks.forms import form_of
from archive.formats import jsonseq
from archive.index.columns import columns_of
from harvester.errors import Unreadable
from harvester.inputs.convertible import Item, flattened, iter_items
from harvester.rest.answers import Received, settle

Json = dict[str, Any]

DATACITE = [{"doi": f"10.5555/{n}", "titles": [{"title": f"T{n}"}], "creators": [{"name": "A"}]} for n in range(3)]
API = [{"id": one["doi"], "type": "dois", "attributes": one} for one in DATACITE]
RDM = [{"id": f"r{n}", "pids": {}, "metadata": {"title": f"T{n}", "resource_type": {"id": "x"}}} for n in range(3)]
CSL = [{"DOI": f"10.5555/{n}", "title": [f"T{n}"], "type": "journal-article"} for n in range(3)]
MARC = [
    {"leader": "l", "fields": [{"245": {"ind1": " ", "ind2": " ", "subfields": [{"a": f"T{n}"}]}}]} for n in range(3)
]
SOLR = [{"id": f"s{n}", "title": [f"T{n}"], "creator": ["A"]} for n in range(3)]
WORK = {"@type": "Dataset", "creator": {"name": "A"}}
LD = [{**WORK, "name": f"T{n}", "@id": f"#d{n}"} for n in range(3)]
SCHEMA = "https://schema.org/"

PAGES: dict[str, tuple[Any, list[Any]]] = {
    "list": (DATACITE, DATACITE),
    "lists of lists": ([DATACITE[:1], DATACITE[1:]], DATACITE),
    "JSON:API": ({"data": API, "meta": {"total": 3}, "links": {"self": "u"}, "included": [{"id": "c"}]}, API),
    "JSON:API, one": ({"data": API[0]}, API[:1]),
    "InvenioRDM": ({"hits": {"hits": RDM, "total": 3}, "aggregations": {"a": {"buckets": [{"key": "x"}]}}}, RDM),
    "hits in a list": ({"hits": RDM, "total": 3}, RDM),
    "Elasticsearch": ({"took": 1, "hits": {"hits": [{"_id": "1", "_source": one} for one in RDM]}}, RDM),
    "Crossref": ({"status": "ok", "message-type": "work-list", "message": {"items": CSL, "total-results": 3}}, CSL),
    "Crossref, one": ({"status": "ok", "message-type": "work", "message": CSL[0]}, CSL[:1]),
    "Solr": ({"responseHeader": {"status": 0}, "response": {"numFound": 3, "docs": SOLR}}, SOLR),
    "items": ({"items": RDM, "total": 3}, RDM),
    "results": ({"count": 3, "next": None, "results": DATACITE}, DATACITE),
    "results beside metadata": ({"metadata": {"total": 3}, "results": DATACITE}, DATACITE),
    "CKAN": ({"help": "u", "success": True, "result": {"count": 3, "results": SOLR}}, SOLR),
    "records": ({"records": MARC}, MARC),
    "collection": ({"collection": MARC}, MARC),
    "collection of record": ({"collection": {"record": MARC}}, MARC),
    "several lists": ({"items": RDM[:1], "results": RDM[1:]}, RDM),
    "pages in a list": ([{"data": API[:2]}, {"data": API[2:]}], API),
    "CouchDB": ({"total_rows": 3, "rows": [{"id": "x", "key": "x", "doc": one} for one in RDM]}, RDM),
    "HAL": ({"_embedded": {"items": SOLR}, "page": {"size": 3}}, SOLR),
    "graph": ({"@context": SCHEMA, "@graph": LD}, [{"@context": SCHEMA, **one} for one in LD]),
    "item list": (
        {"@context": SCHEMA, "@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": x} for x in LD]},
        [{"@context": SCHEMA, **one} for one in LD],
    ),
    "catalogue": (
        {"@context": SCHEMA, "@type": "DataCatalog", "name": "C", "dataset": LD},
        [{"@context": SCHEMA, **one} for one in LD],
    ),
    "Hydra": ({"@context": "c", "@type": "hydra:Collection", "hydra:member": SOLR}, SOLR),
    "empty page": ({"data": [], "meta": {"total": 0}}, []),
    "empty hits": ({"hits": {"hits": [], "total": 0}}, []),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_container_is_opened_completely_and_in_order(name: str):
    value, wanted = PAGES[name]
    assert opened(value) == wanted


def read(tmp_path: Path, body: bytes) -> list[Item]:
    path = tmp_path / "file"
    path.write_bytes(body)
    return list(flattened(iter_items(path)))


@pytest.mark.parametrize("layout", ["compact", "pretty", "mark", "sequence", "lines", "concatenated"])
@pytest.mark.parametrize("name", PAGES)
def test_each_record_of_a_file_comes_out_however_its_text_is_laid_out(tmp_path: Path, name: str, layout: str):
    value, wanted = PAGES[name]
    text = orjson.dumps(value)
    bodies = {
        "compact": text,
        "pretty": orjson.dumps(value, option=orjson.OPT_INDENT_2),
        "mark": b"\xef\xbb\xbf" + text,
        "sequence": jsonseq.encode(text) + jsonseq.encode(text),
        "lines": text + b"\n\r\n" + text + b"\n",
        "concatenated": orjson.dumps(value, option=orjson.OPT_INDENT_2) + text,
    }
    found = read(tmp_path, bodies[layout])
    times = 2 if layout in ("sequence", "lines", "concatenated") else 1
    if wanted:
        assert [item.metadata for item in found] == wanted * times
    else:
        assert [(item.metadata, bool(item.reason)) for item in found] == [(None, True)] * times


def test_what_may_be_one_record_or_several_is_refused(tmp_path: Path):
    value = {"title": ["A book"], "creator": ["A"], "items": [{"title": ["Chapter 1"]}, {"title": ["Chapter 2"]}]}
    with pytest.raises(Ambiguous, match="items"):
        opened(value)
    (item,) = read(tmp_path, orjson.dumps(value))
    assert item.metadata is None
    assert "items" in item.reason
    assert form_of(value) == ("dublin-core", {})


@pytest.mark.parametrize(
    "record",
    [
        DATACITE[0],
        API[0],
        RDM[0],
        CSL[0],
        MARC[0],
        SOLR[0],
        {"@context": SCHEMA, **LD[0]},
        {"eprintid": 1, "title": "T", "documents": [{}], "items": [{"a": 1}]},
        {"title": ["T"], "_embedded": {"thumbnail": {"url": "u"}}},
        {"title": ["T"], "items": ["10.5555/1"], "data": [], "value": "x", "dataset": "y"},
        {"@context": SCHEMA, "@type": "DataCatalog", "name": "C", "dataset": [{"@id": "u"}]},
    ],
)
def test_a_record_is_not_a_container_whatever_it_holds(record: Json):
    assert opened(record) == [record]
    assert not is_container(record)


@pytest.mark.parametrize("member", [None, 5, "10.5555/1", True])
def test_a_member_that_is_not_a_record_is_named_and_the_others_are_read(tmp_path: Path, member: Any):
    found = read(tmp_path, orjson.dumps({"data": [API[0], member, API[1]]}))
    assert [item.metadata for item in found] == [API[0], None, API[1]]
    assert found[1].reason
    assert [item.identifier for item in found] == ["10.5555/0", "", "10.5555/1"]


def test_what_a_graph_names_elsewhere_is_put_where_it_is_named():
    person = {"@id": "#p", "@type": "Person", "name": "Doe, J", "affiliation": {"@id": "#o"}}
    nodes = [
        {"@id": "#a", "@type": "Dataset", "name": "A", "creator": [{"@id": "#p"}], "isPartOf": {"@id": "#b"}},
        {"@id": "#b", "@type": "Dataset", "name": "B", "author": {"@id": "#p"}, "hasPart": {"@id": "#a"}},
        person,
        {"@id": "#o", "@type": "Organization", "name": "Org"},
        {"@type": "WebPage", "name": "Page"},
    ]
    first, second = opened({"@context": SCHEMA, "@graph": nodes})
    assert [index_fields("x", one).title for one in (first, second)] == ["A", "B"]
    for one in (first, second):
        [creator] = columns_of("x", one, None, None)["all_creators"]
        assert (creator["name"], [*creator["affiliations"]]) == ("Doe, J", ["Org"])


def test_of_a_crate_the_root_is_the_record():
    nodes = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", "name": "Crate", "hasPart": [{"@id": "part/"}], "author": {"@id": "#p"}},
        {"@id": "part/", "@type": "Dataset", "name": "Part", "author": "A"},
        {"@id": "#p", "@type": "Person", "name": "P"},
    ]
    (one,) = opened({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": nodes})
    assert index_fields("x", one) == index_fields("x", {"@context": "x", "@graph": nodes})
    assert (one["name"], index_fields("x", one).creators) == ("Crate", ("P",))


@pytest.mark.parametrize("name", PAGES)
def test_the_index_has_the_fields_of_a_page_of_one_and_none_of_a_page_of_several(name: str):
    value, wanted = PAGES[name]
    if isinstance(value, list):
        value = {"data": value}
    title = index_fields("x", wanted[0]).title if len(wanted) == 1 else None
    assert index_fields("x", value).title == title
    assert columns_of("x", value, None, None).get("title") == title


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"data": API}, "answer-holds-several"),
        ({"hits": {"hits": RDM}}, "answer-holds-several"),
        ({"data": API[0]}, None),
        ({"hits": {"hits": RDM[:1], "total": 1}}, None),
        ({**RDM[0], "id": "1"}, None),
        (CSL[0], None),
    ],
)
def test_an_answer_for_one_id_that_holds_several_records_is_a_finding(value: Json, problem: str | None):
    answer = Received("1", "u", 200, "application/json", "", "", orjson.dumps(value))
    settled, text = settle(answer, "json", "application/json", "now")
    assert (settled.state, settled.problem and settled.problem[0]) == ("read", problem)
    assert text is not None


# --- XML

KERNEL = "http://datacite.org/schema/kernel-4"
DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
RESOURCE = f'<resource xmlns="{KERNEL}"><titles><title>T{{}}</title></titles></resource>'
DUBLIN_CORE = f'<dc xmlns="{DC}" xmlns:d="http://purl.org/dc/elements/1.1/"><d:title>T{{}}</d:title></dc>'


def titles(found: list[Item]) -> list[Any]:
    return [item.metadata and index_fields("x", item.metadata).title for item in found]


@pytest.mark.parametrize(
    "around",
    [
        "<resources>{}</resources>",
        "<resources><total>2</total>{}</resources>",
        "<r><a><b>{}</b></a></r>",
        '<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><payload>{}</payload></oai_datacite>',
    ],
)
def test_each_record_in_a_list_of_xml_comes_out(tmp_path: Path, around: str):
    several = "".join(RESOURCE.format(n) for n in range(3))
    assert titles(read(tmp_path, around.format(several).encode())) == ["T0", "T1", "T2"]


def test_records_of_a_list_in_their_own_wrappers(tmp_path: Path):
    wrapped = "".join(f"<record><header/><metadata>{DUBLIN_CORE.format(n)}</metadata></record>" for n in range(3))
    assert titles(read(tmp_path, f"<records>{wrapped}</records>".encode())) == ["T0", "T1", "T2"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (f"<r>{RESOURCE.format(0)}<mods><title>X</title></mods>{RESOURCE.format(1)}</r>", ["T0", None, "T1"]),
        (f"<r><m>{DUBLIN_CORE.format(0)}</m><m><mods/></m></r>", ["T0", None]),
        ("<r><mods/><mods/></r>", [None]),
    ],
)
def test_what_stands_for_a_record_and_is_none_is_named(tmp_path: Path, body: str, wanted: list[str | None]):
    found = read(tmp_path, body.encode())
    assert titles(found) == wanted
    assert [bool(item.reason) for item in found] == [title is None for title in wanted]


def test_what_stands_in_a_collection_of_marc_beside_its_records_is_named(tmp_path: Path):
    record = '<record><leader>L</leader><controlfield tag="001">1</controlfield></record>'
    found = read(tmp_path, f"<collection>{record}stray<note>n</note>{record}</collection>".encode())
    assert [bool(item.metadata) for item in found].count(True) == 2
    assert sum(bool(item.reason) for item in found) == 2


def test_one_envelope_with_several_records_in_a_page_says_what_it_leaves_out():
    from lxml import etree

    from archive.crosswalks.registry import convert, unmapped

    envelope = '<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><payload>{}</payload></oai_datacite>'
    made = convert(etree.fromstring(envelope.format(RESOURCE.format(0) + RESOURCE.format(1))))
    assert made is not None
    assert (index_fields("x", made).title, "T1" in unmapped(made)[0]) == ("T0", True)
    assert "unmapped" not in (convert(etree.fromstring(envelope.format(RESOURCE.format(0)))) or {})


def test_a_page_whose_records_speak_of_get_record_is_a_list(tmp_path: Path):
    record = (
        "<record><header><identifier>oai:x:{0}</identifier><datestamp>2020</datestamp></header><metadata>{1}"
        "</metadata></record>"
    )
    several = "".join(record.format(n, DUBLIN_CORE.format("GetRecord&gt; " + str(n))) for n in range(2))
    page = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>x</responseDate>{}</OAI-PMH>'
    assert len(read(tmp_path, page.format(f"<!-- GetRecord> --><ListRecords>{several}</ListRecords>").encode())) == 2
    with pytest.raises(Unreadable):
        read(tmp_path, page.format(f"<GetRecord>{several}</GetRecord>").encode())


# --- texts one after the other


def test_a_damaged_text_among_others_is_named(tmp_path: Path):
    found = read(tmp_path, b'{\n"title": ["A"]}{"title": ["B"]} {"title": [')
    assert [item.metadata for item in found] == [{"title": ["A"]}, {"title": ["B"]}, None]
    found = read(tmp_path, b'{"title": ["A"]}{"title": ["B"]}\n{"title": ["C"]}\n')
    assert [item.metadata and item.metadata["title"] for item in found] == [["A"], ["B"], ["C"]]
    with pytest.raises(Unreadable):
        read(tmp_path, b'{\n"title": [')
