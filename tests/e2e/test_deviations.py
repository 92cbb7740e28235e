"""Deviations from OAI-PMH that repositories were seen with, one at a time: every record is had, or named."""

import pytest
from support import archive_builder
from support.deviating_provider import BAD, RECORDS, Provider
from support.example_counts import tried
from support.harvest_runs import Harvest
from support.local_server import serving

from archive.store.accounting import read_account

# deviation: (ids that cannot be had, exit codes that are right)
DEVIATIONS: dict[str, tuple[set[int], set[int]]] = {
    "none": (set(), {0}),
    "an XML declaration inside a record": ({BAD}, {1}),
    "a document type inside a record": ({BAD}, {1}),
    "a prefix of no namespace inside a record": ({BAD}, {1}),
    "a character reference that XML forbids": ({BAD}, {1}),
    "one record makes each of its pages a server error": ({BAD}, {1}),
    "metadata that is opened and cut": ({BAD}, {1}),
    "no XML declaration": (set(), {0}),
    "white space before the XML declaration": (set(), {0}),
    "a byte order mark": (set(), {0}),
    "no namespace": (set(), {0}),
    "namespaces on the root only": (set(), {0}),
    "empty metadata": (set(), {0, 1}),
    "gzip that is not said": (set(), {0}),
    "a token wants its prefix beside it": (set(), {0, 1}),
    "a token that is encoded already": (set(), {0}),
    "a token of white space at the end": (set(), {0}),
    "a token although nothing follows": (set(), {0}),
    "forty empty pages": (set(), {0}),
    "the same page for every token": (set(), {0, 1}),
    "an empty range is no format": (set(), {0}),
    "days only, though seconds are said": (set(), {0}),
    "days are refused": (set(), {0}),
    "datestamps of days, though seconds are said": (set(), {0}),
    "from before the earliest datestamp is refused": (set(), {0}),
    "in the order of names": (set(), {0}),
    "a cursor that counts pages": (set(), {0}),
    "a cursor that stands still": (set(), {0}),
    "a list size that shrinks from page to page": (set(), {0, 1}),
    "each record twice": (set(), {0, 1}),
    "markup escaped twice": (set(), {0}),
    "errors with status 404": (set(), {0}),
    "two errors at once": (set(), {0}),
    "a deleted record does not exist by its name": ({BAD}, {1}),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_costs_no_record_or_names_the_one_it_costs(harvest: Harvest, name: str):
    cannot, codes = DEVIATIONS[name]
    tried("worlds of one misbehaviour")
    harvest.settings = ["HARVEST_TRIES=2"]
    with serving(type("Deviant", (Provider,), {"deviation": name})) as base:
        code = harvest.run(f"{base}/oai")
    assert code in codes, harvest.output[-3000:]
    archive_builder.check(harvest.archive)
    account = read_account(harvest.archive)
    assert account.balanced
    held = {record.identifier for *_, record in archive_builder.stored(harvest.archive)}
    assert held == {f"oai:x:{number}" for number in range(RECORDS) if number not in cannot}, harvest.output[-3000:]
    last = dict(archive_builder.rows(harvest.archive, "SELECT identifier, state FROM outcomes ORDER BY outcome"))
    for number in cannot:
        assert last[f"oai:x:{number}"] in ("refused", "lost", "absent")
    if code:
        assert archive_builder.rows(harvest.archive, "SELECT code FROM findings")
