"""XML as an attack: refused, and in the time and memory of its size."""

import pytest

from harvester.errors import MalformedPage
from harvester.oaipmh.decode import decode_list_records
from harvester.oaipmh.protocol import NAMESPACE, NAMESPACES_MOST, parse_list_records
from harvester.oaipmh.xml import parse_document, without_noise

LAUGHS = '<!DOCTYPE a [<!ENTITY a0 "lollollol">{}]>'.format(
    "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
)
QUADRATIC = f'<!DOCTYPE a [<!ENTITY a9 "{"x" * 50_000}">]>'


def page(metadata: str, around: str = "", number: int = 1) -> bytes:
    header = "<header><identifier>i{n}</identifier><datestamp>2020-01-01</datestamp></header>"
    records = "".join(f"<record>{header.format(n=n)}<metadata>{metadata}</metadata></record>" for n in range(number))
    return f'<OAI-PMH xmlns="{NAMESPACE}"{around}><ListRecords>{records}</ListRecords></OAI-PMH>'.encode()


def test_what_is_no_attack_is_read():
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        text = f'<?xml version="1.0" encoding="{encoding}"?>\n<!-- c --><?p i?><a x="é">é</a>'
        assert parse_document(text.encode(encoding)).text == "é"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
@pytest.mark.parametrize("bomb", [LAUGHS, QUADRATIC])
@pytest.mark.parametrize("root", ["<a>{}</a>", '<a x="{}"/>'])
@pytest.mark.parametrize("declared", [False, True])
def test_an_entity_bomb_is_refused_in_any_encoding(encoding: str, bomb: str, root: str, declared: bool):
    name = encoding.removesuffix("-sig")
    text = (f'<?xml version="1.0" encoding="{name}"?>' if declared else "") + bomb + root.format("&a9;" * 1000)
    body = text.encode(encoding)
    if encoding == "utf-7":
        body = body.replace(b"<!DOC", b"+ADwAIQ-DOC")
    with pytest.raises(MalformedPage):
        parse_document(body)


@pytest.mark.parametrize(
    "type_",
    [
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a PUBLIC "x" "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % e SYSTEM "http://x/"> %e;]>',
        "<!DOCTYPE a>",
        "<!DOCTYPE html>",
    ],
)
@pytest.mark.parametrize("before", ["", " ", "<?xml version='1.0'?>", "<!-- a --><?b c?>\n", "\ufeff<!---->"])
def test_a_document_type_is_refused_wherever_it_stands(type_: str, before: str):
    with pytest.raises(MalformedPage, match="document type"):
        parse_document(f"{before}{type_}<a>&e;</a>".encode())


@pytest.mark.parametrize("depth", [300, 2000])
def test_elements_nested_deep_are_read_and_what_cannot_be_converted_is_said(depth: int):
    found = decode_list_records(page("<d>" * depth + "</d>" * depth), "u", "oai_dc", "t")
    assert len(found.rows) == 1


@pytest.mark.parametrize("depth", [100_000, 1_000_000])
def test_elements_nested_deeper_are_refused(depth: int):
    with pytest.raises(MalformedPage, match="depth"):
        parse_list_records(page("<d>" * depth + "</d>" * depth))


def test_large_attributes_and_many_of_them_are_read():
    assert len(parse_document(b'<a x="' + b"y" * (10 << 20) + b'"/>').get("x", "")) == 10 << 20
    many = b" ".join(b'x%d="y"' % n for n in range(100_000))
    assert len(parse_document(b"<a " + many + b"/>").attrib) == 100_000


def test_a_name_of_ten_megabytes_is_refused():
    with pytest.raises(MalformedPage):
        parse_document(b"<" + b"y" * (10 << 20) + b"/>")


def test_what_stands_before_the_root_takes_no_memory_of_its_own():
    assert parse_document(b" " * (16 << 20) + b"<a/>").tag == "a"
    assert parse_document(b"<!---->" * (1 << 18) + b"<a/>").tag == "a"


def test_a_record_of_ten_megabytes_is_kept_byte_for_byte():
    text = f"<d>{'é' * (5 << 20)}</d>"
    (record,) = parse_list_records(page(text)).records
    assert record.metadata == f'<d xmlns="{NAMESPACE}">{text[3:]}'.encode()


def test_namespaces_around_records_do_not_make_a_page_grow():
    # each record uses p, and would get its declaration of 100 KB
    body = page("<p:d>p:</p:d>", f' xmlns:p="{"u" * 100_000}"', 100)
    assert sum(len(record.metadata or b"") for record in parse_list_records(body).records) > 100 * 100_000
    with pytest.raises(MalformedPage, match="namespaces"):
        parse_list_records(body, max_bytes=1 << 20)


def test_more_namespaces_than_any_page_has_are_refused():
    around = "".join(f' xmlns:p{n}="u:{n}"' for n in range(NAMESPACES_MOST + 1))
    with pytest.raises(MalformedPage, match="namespaces"):
        parse_list_records(page("<d/>", around))


def test_a_body_longer_than_the_limit_is_not_parsed():
    with pytest.raises(MalformedPage, match="more than the 10"):
        parse_document(b"<aaaaaaaaaa/>", max_bytes=10)


@pytest.mark.parametrize("after", ["", '<c xmlns="q"/>'])
@pytest.mark.parametrize("wrong", ["<p:b/>", '<b xmlns="http://}x"/>', '<b p:x=""/>'])
def test_what_is_wrong_with_a_namespace_is_refused_whatever_follows_it(wrong: str, after: str):
    with pytest.raises(MalformedPage):
        parse_document(f"<a>{wrong}{after}</a>".encode())


def test_a_namespace_that_is_only_unusual_is_read():
    assert parse_document(b'<a xmlns="q"/>').tag == "{q}a"


NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/a.php</b> on line <b>68</b><br />\n"


@pytest.mark.parametrize("declaration", [b"", b"<?xml version='1.0'?>"])
@pytest.mark.parametrize("name", [b"OAI-PMH", b"oai:OAI-PMH"])
def test_text_around_a_document_is_left_out_and_text_inside_is_not(declaration: bytes, name: bytes):
    root = b"<%b xmlns:oai='u'><a/></%b>" % (name, name)
    whole = declaration + root
    for body in (NOTICE + whole, whole + NOTICE, NOTICE + whole + NOTICE, declaration + NOTICE + root):
        found, noise = without_noise(body)
        assert found == whole
        assert b"Notice" in noise or b"Undefined" in noise
        assert parse_document(found).tag.endswith("OAI-PMH")
    assert without_noise(whole) == (whole, b"")
    inside = whole.replace(b"<a/>", NOTICE)
    assert without_noise(inside) == (inside, b"")


def test_what_may_be_a_part_of_a_document_is_not_left_out():
    whole = b"<OAI-PMH><record/></OAI-PMH>"
    cut = NOTICE + whole[:-4] + NOTICE
    for body in (whole + b"<record/>", b"<header>x</header>" + whole, whole[:-5], b"OAI-PMH", cut):
        assert without_noise(body) == (body.strip(), b"")
