"""JSON text sequences: what is whole is read, what is cut is named, and reading goes on after it."""

import pytest

from archive.formats.jsonseq import BadText, Parser, Text, encode, parse


def read(sequence: bytes) -> list[Text | BadText]:
    return list(parse([sequence]))


def test_what_is_encoded_is_read_back_with_its_place():
    assert encode(b"{}") == b"\x1e{}\n"
    assert read(encode(b'{"a":1}') + encode(b"[2]")) == [Text(0, b'{"a":1}'), Text(9, b"[2]")]


@pytest.mark.parametrize(
    "text", [b'{"a":"\\u001e"}', b'"s"', b"12", b"-1.5e3", b"true", b"false", b"null", '"ü"'.encode()]
)
def test_every_kind_of_text_is_one(text: bytes):
    assert read(encode(text)) == [Text(0, text)]


def test_an_empty_sequence_has_no_texts_and_runs_of_separators_are_none():
    assert read(b"") == []
    assert read(b"\x1e\x1e\x1e \n\x1e") == []
    assert read(b"\x1e\x1e\x1e{}\n\x1e") == [Text(2, b"{}")]


@pytest.mark.parametrize("cut", [b"1", b"12", b"tru", b"true", b"null", b"-"])
def test_a_number_or_word_without_whitespace_after_it_may_be_cut(cut: bytes):
    assert read(b"\x1e12\n") == [Text(0, b"12")]
    (bad, good) = read(b"\x1e" + cut + b"\x1e{}\n")
    assert isinstance(bad, BadText)
    assert good == Text(1 + len(cut), b"{}")


@pytest.mark.parametrize("whole", [b"{}", b"[]", b'""'])
def test_a_text_with_an_end_of_its_own_needs_no_line_feed(whole: bytes):
    assert read(b"\x1e" + whole + b"\x1e" + whole) == [Text(0, whole), Text(3, whole)]


@pytest.mark.parametrize("bad", [b'{"a":', b"{}{}", b"\xff", b"{'a':1}", b"NaN", b'{"a":1', b"\x00"])
def test_what_is_no_text_is_named_and_the_next_one_read(bad: bytes):
    found = read(encode(b"{}") + encode(bad) + encode(b"[1]"))
    assert [type(item) for item in found] == [Text, BadText, Text]
    assert found[1].offset == 4
    assert found[2] == Text(6 + len(bad), b"[1]")


def test_bytes_before_the_first_separator_are_no_text():
    found = read(b'{"a":1}\n\x1e{}\n')
    assert isinstance(found[0], BadText)
    assert found[1] == Text(8, b"{}")
    assert read(b" \n\x1e{}\n") == [Text(2, b"{}")]
    assert [type(item) for item in read(b"no sequence at all")] == [BadText]


def test_every_cut_of_a_sequence_loses_only_the_text_that_is_cut():
    texts = [b'{"a":[1,2]}', b"31", b'"x"', b"null"]
    sequence = b"".join(map(encode, texts))
    whole = read(sequence)
    assert [item.text for item in whole if isinstance(item, Text)] == texts
    for cut in range(len(sequence)):
        found = [item for item in read(sequence[:cut]) if isinstance(item, Text)]
        assert found == whole[: len(found)]
        assert len(found) >= sequence[:cut].count(b"\n")


def test_feeding_yields_a_text_when_the_next_one_begins():
    parser = Parser()
    assert list(parser.feed(b"\x1e{}")) == []
    assert list(parser.feed(b"\n")) == []
    assert list(parser.feed(b"\x1e")) == [Text(0, b"{}")]
    assert list(parser.feed(b"1\n")) == []
    assert list(parser.close()) == [Text(4, b"1")]
    assert list(parser.close()) == []
