"""Numbers keep their digits on every way from an answer to a record, a release, an index and what is printed."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from archive.conversions.convert import redone
from archive.crosswalks.registry import convert
from archive.formats import canonical
from archive.index.rows import parse_record, row_line
from archive.releases.entries import entry_text
from archive.store import envelope
from harvester.cli.output import json_text
from harvester.inputs.convertible import iter_items

NUMBERS = (
    "18446744073709551616",
    "-9223372036854775809",
    "52.12345678901234567",
    "1E5",
    "1.0",
    "-0",
    "-0.0",
    "1.50",
    "1.2345e-320",
    "1e-400",
    "0.1000000000000000055511151231257827",
    "9007199254740993.0",
    "1e21",
)
# the same object in every layout; of a key that is there twice the last counts
LAYOUTS = {
    "compact": '{{"id":7,"n":[{n}],"t":"x"}}',
    "pretty": '{{\n  "id": 7,\n  "n": [\n    {n}\n  ],\n  "t": "x"\n}}\n',
    "crlf": '{{"id":7,\r\n"n":[{n}],"t":"x"}}',
    "mark": '\ufeff{{"id":7,"n":[{n}],"t":"x"}}',
    "twice": '{{"id":7,"n":[1.5],"n":[{n}],"t":"x"}}',
    "not a number": '{{"id":7,"n":[{n}],"t":"x","n":NaN,"n":[{n}]}}',
}


def record(body: bytes) -> bytes:
    return envelope.encode_json("i", "", False, (), "json", "application/json", "u", "r", body)


def metadata(text: bytes) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)["metadata"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_the_same_in_a_record_however_its_text_was_laid_out(layout: str, number: str):
    body = LAYOUTS[layout].format(n=number).encode()
    text = record(body)
    orjson.loads(text)
    assert metadata(text) == {"id": "7", "n": [number], "t": "x"}
    assert envelope.sent_bytes(text) == body


@pytest.mark.parametrize("number", [*NUMBERS, "1e400", "-1e400", "9" * 400])
def test_a_release_has_one_root_however_the_texts_were_laid_out(number: str):
    texts = {layout: record(shape.format(n=number).encode()) for layout, shape in LAYOUTS.items()}
    found = {layout: entry_text("bare", text, envelope.decode(text)) for layout, text in texts.items()}
    assert len(set(found.values())) == 1, found
    written = json.loads(found["compact"], parse_float=Decimal)["n"][0]
    assert Decimal(written) == Decimal(number)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000])
def test_a_number_beyond_all_doubles_is_a_text_that_every_reader_takes(number: str):
    for shape in LAYOUTS.values():
        text = record(shape.format(n=number).encode())
        assert orjson.loads(text)["metadata"]["n"] == [number]
        assert envelope.sent_bytes(text) == shape.format(n=number).encode()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_convert_reads_each_number_as_it_was_sent(tmp_path: Path, layout: str):
    path = tmp_path / "file"
    path.write_bytes(LAYOUTS[layout].format(n=", ".join(NUMBERS)).encode())
    (item,) = iter_items(path)
    written = canonical.encode_as_sent(item.metadata)
    assert json.loads(written, parse_float=str, parse_int=str)["n"] == list(NUMBERS)


@pytest.mark.parametrize("number", ["18446744073709551616", "52.12345678901234567"])
def test_a_number_that_is_an_identifier_keeps_its_digits_in_the_index(number: str):
    text = record(f'{{"eprintid":1,"title":"T","id_number":{number}}}'.encode())
    row = orjson.loads(row_line(parse_record(text), 1, 1, 0, 1, 1))
    assert {"value": number} in row["all_identifiers"]


@pytest.mark.parametrize("number", [*NUMBERS, "1e400"])
def test_what_is_printed_has_all_digits(number: str):
    for indent in (None, 2):
        text = json_text({"a": [canonical.reread(number.encode())]}, indent)
        assert json.loads(text, parse_float=str, parse_int=str) in ({"a": [number]}, {"a": [repr(float(number))]})
        assert Decimal(json.loads(text, parse_float=Decimal)["a"][0]) == Decimal(number)


POINT = (
    '<resource xmlns="http://datacite.org/schema/kernel-4"><geoLocations><geoLocation><geoLocationPoint>'
    "<pointLongitude>{}</pointLongitude></geoLocationPoint></geoLocation></geoLocations></resource>"
)


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("52.12345678901234567", "52.12345678901234567"),
        ("+052.12345678901234567", "52.12345678901234567"),
        ("52.10", "52.1"),
        ("5", "5.0"),
        ("1e1", "10.0"),
        ("-0.1000000000000000055511151231257827",) * 2,
    ],
)
def test_a_coordinate_of_xml_keeps_its_digits(sent: str, written: str):
    original = POINT.format(sent)
    made = convert(etree.fromstring(original))
    text = envelope.encode("i", "", False, (), "datacite", "application/xml", "u", "r", "0", made, original, ())
    point = metadata(text)["geoLocations"][0]["geoLocationPoint"]
    assert point == {"pointLongitude": written}
    again, what = redone(text, envelope.decode(text))
    assert (again, what.kind) == (text, "same")


def test_what_an_older_version_made_of_json_gets_its_digits_back():
    body = b'{\n"n": [18446744073709551616, 52.12345678901234567, 1e400]}'
    now = record(body)
    old = now.replace(b'[18446744073709551616,52.12345678901234567,"1e400"]', b"[1.8446744073709552e19,52.1,null]")
    assert old != now
    again, what = redone(old, envelope.decode(old))
    assert (again, what.kind) == (now, "otherwise")
    assert redone(now, envelope.decode(now))[0] == now
