import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.formats.printable import MARK, printable
from harvester.cli import main
from harvester.cli.output import say
from harvester.errors import UsageError
from harvester.printable import PrintableFilter, check_text


@given(st.text())
def test_what_comes_out_can_be_printed_and_is_as_long(text: str):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(a == b or b == MARK for a, b in zip(text, shown, strict=True))


def test_only_what_is_named_is_left():
    assert printable("a\n\tb\x1b[2J\x9b\u202e", "\n") == f"a\n{MARK}b{MARK}[2J{MARK}{MARK}"


def test_a_log_record_is_tamed_with_its_arguments_and_its_traceback():
    try:
        raise ValueError("\x1b]0;x\x07")
    except ValueError as error:
        record = logging.LogRecord("x", logging.INFO, "x", 1, "a %s\n", ("\x9b",), (ValueError, error, None))
    assert PrintableFilter().filter(record)
    text = logging.Formatter().format(record)
    assert text.startswith(f"a {MARK}\n")
    assert text.replace("\n", "").isprintable()


def test_a_log_record_that_cannot_be_put_together_is_no_error():
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%d", ("\x1b",), None)
    assert PrintableFilter().filter(record)
    assert record.getMessage().isprintable()


def test_arguments_that_are_not_text_are_named_by_their_place():
    check_text(["sql", "é", "𝔊"])
    with pytest.raises(UsageError, match=r"argument 2 .*\\xff"):
        check_text(["bag", "caf\udcff"])


def test_a_name_begins_no_line_in_the_log():
    record = logging.LogRecord("oaipmh", logging.INFO, "x", 1, "%s: %d bytes\n\tmore", ("a\nb\tc", 3), None)
    assert PrintableFilter().filter(record)
    assert record.getMessage() == f"a{MARK}b{MARK}c: 3 bytes\n\tmore"
    scrapys = logging.LogRecord("scrapy.x", logging.INFO, "x", 1, "stats:\n%s", ("a\nb",), None)
    assert PrintableFilter().filter(scrapys)
    assert scrapys.getMessage() == "stats:\na\nb"


def test_a_line_for_people_is_one_line(capsys: pytest.CaptureFixture[str]):
    say("a\nb\tc\u2028d\x85e")
    assert capsys.readouterr().out == f"a{MARK}b{MARK}c{MARK}d{MARK}e\n"


@pytest.mark.parametrize("words", [["verify", "no\nsuch\tfolder"], ["convert", "x", "--to", "a\nb"], ["no\nsuch"]])
def test_an_error_is_one_line_whatever_it_quotes(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "\t" not in said
    assert not any(line.startswith(("such", "b'")) for line in said.splitlines())
