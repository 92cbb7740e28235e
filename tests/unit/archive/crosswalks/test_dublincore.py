"""Dublin Core to JSON: every value, in order, with its attributes."""

from lxml import etree

from archive.crosswalks.dublincore import dc_json
from archive.crosswalks.registry import convert

OPEN = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:dcterms="http://purl.org/dc/terms/">'
)


def dc(inside: str) -> object:
    return dc_json(etree.fromstring(f"{OPEN}{inside}</oai_dc:dc>"))


def test_values_are_lists_in_order_and_empty_ones_stay():
    assert dc("<dc:title>B</dc:title><dc:creator/><dc:title>A</dc:title>") == {"title": ["B", "A"], "creator": [""]}
    assert dc("") == {}
    assert dc("<!-- c --><?p i?>text") == {}


def test_attributes_make_a_value_an_object():
    assert dc('<dc:title xml:lang="de">T</dc:title>') == {"title": [{"value": "T", "lang": "de"}]}
    assert dc('<dc:type xsi:type="dcterms:DCMIType">T</dc:type>') == {
        "type": [{"value": "T", "type": "dcterms:DCMIType"}]
    }
    assert dc('<dc:title xsi:schemaLocation="a b">T</dc:title>') == {"title": ["T"]}


def test_an_attribute_never_takes_the_place_of_the_value():
    assert dc('<dc:title value="other">T</dc:title>') == {"title": ["T"]}
    assert dc('<dc:title value="other" xml:lang="de">T</dc:title>') == {"title": [{"value": "T", "lang": "de"}]}


def test_elements_of_other_namespaces_keep_their_prefix():
    assert dc("<dcterms:created>2020</dcterms:created>") == {"dcterms:created": ["2020"]}


def test_markup_inside_a_value_leaves_its_text_and_comments_leave_nothing():
    assert dc("<dc:title>a<i>b<!-- no --></i>c</dc:title>") == {"title": ["abc"]}


def test_unqualified_and_older_dublin_core_is_dublin_core():
    for namespace in ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/elements/1.0/"):
        element = etree.fromstring(f'<dc xmlns="{namespace}"><title>T</title></dc>')
        assert convert(element) == {"title": ["T"]}
