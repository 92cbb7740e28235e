"""The words of a harvest that would bring the records that are held, where no ledger tells them."""

from dataclasses import replace

from support import archive_builder

from archive.integrity.rebuild import run_words
from archive.store import envelope

RECORD = envelope.decode(archive_builder.record("oai:repository.example:7"))
LISTED = replace(RECORD, url="https://repository.example/oai?verb=ListRecords&metadataPrefix=oai_dc")
ASKED = replace(RECORD, url="https://repository.example/api/7", format="json", media_type="application/json")
SOURCE = {"url": "https://repository.example/api/{id}"}


def test_records_of_lists_are_listed_again_in_every_format_they_came_in():
    spider, words = run_words([LISTED, replace(LISTED, format="marcxml"), RECORD], {})
    assert (spider, words["url"], words["prefix"]) == (
        "oaipmh",
        "https://repository.example/oai",
        ["marcxml", "oai_dc"],
    )
    assert set(words) == {"url", "prefix", "set", "from", "until", "sample", "shard"}


def test_records_that_were_asked_one_by_one_are_asked_from_the_lowest_to_the_highest():
    records = [replace(ASKED, identifier=f"oai:repository.example:{n}") for n in (9, 10, 7)]
    spider, words = run_words(records, SOURCE)
    assert (spider, words["url"], words["ids"]) == ("idrange", SOURCE["url"], "7-10")
    assert words["accept"] == ["application/json"]
    assert run_words([ASKED], SOURCE)[1]["ids"] == "7"


def test_where_ids_have_no_numbers_nothing_is_made_up():
    assert run_words([replace(ASKED, identifier="10.1234/abc")], SOURCE) == ("search", {"url": SOURCE["url"]})
