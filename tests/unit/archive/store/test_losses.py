"""archive/store/losses.py and harvester/crawl/lossguard.py: what of the records held before a run it found gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.store.ledger import Ledger
from archive.store.losses import ChannelLoss, in_bulk, read_loss
from harvester.crawl.lossguard import JUDGED_AT_END, judge

NOW = "2026-03-04T05:06:07Z"
States = dict[str, str]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite", create=True)
    yield made
    made.close()


def run_of(ledger: Ledger, channel: str, states: States, mode: str = "full") -> tuple[int, int]:
    """One run that found these states. Returns its number and that of the channel."""
    run = ledger.add_run("oaipmh", mode, {"url": "u"}, {}, NOW).run
    _, format_, *spec = channel.split(":", 2)
    number = ledger.channel(channel, format_, spec[0] if spec else None)
    with ledger.transaction():
        outcomes = [(identifier, NOW, state, None) for identifier, state in states.items()]
        ledger.add_request(run, number, None, 1, "u", "read", 200, None, 1, NOW, len(states), outcomes)
    return run, number


def loss_of(ledger: Ledger, run: tuple[int, int], *, whole: bool = True) -> tuple[int, int, int] | None:
    loss = read_loss(ledger, *run, whole=whole)
    return None if loss is None else (loss.held, loss.gone, loss.unnamed)


def read(*names: str) -> States:
    return dict.fromkeys(names, "read")


@pytest.mark.parametrize(
    ("held", "lost", "bulk"),
    [(3, 2, False), (3, 3, True), (30, 3, True), (31, 3, False), (1000, 99, False), (1000, 100, True), (0, 0, False)],
)
def test_three_records_and_a_tenth_are_a_loss_in_bulk(held: int, lost: int, bulk: bool):
    assert in_bulk(held, lost) == bulk


def test_the_first_harvest_loses_nothing(ledger: Ledger):
    assert loss_of(ledger, run_of(ledger, "oaipmh:oai_dc", {"a": "deleted", "b": "absent", "c": "read"})) is None


def test_what_was_live_and_is_gone_or_not_named_is_counted(ledger: Ledger):
    run_of(ledger, "oaipmh:oai_dc", read("a", "b", "c", "d", "e") | {"x": "deleted"})
    states = {"a": "deleted", "b": "absent", "c": "forbidden", "d": "read", "x": "deleted"}
    run = run_of(ledger, "oaipmh:oai_dc", states)
    assert loss_of(ledger, run) == (5, 3, 1)
    assert loss_of(ledger, run, whole=False) == (5, 3, 0)


def test_what_was_refused_or_lost_since_is_still_held(ledger: Ledger):
    run_of(ledger, "idrange:json", read("1", "2"))
    run_of(ledger, "idrange:json", {"1": "lost", "2": "refused"})
    assert loss_of(ledger, run_of(ledger, "idrange:json", {"1": "absent", "2": "absent"}), whole=False) == (2, 2, 0)


def test_what_came_back_in_the_same_run_is_not_gone(ledger: Ledger):
    run_of(ledger, "oaipmh:oai_dc", read("a", "b"))
    run, channel = run_of(ledger, "oaipmh:oai_dc", {"a": "deleted", "b": "read"})
    with ledger.transaction():
        ledger.add_request(run, channel, None, 2, "u", "read", 200, None, 1, NOW, 1, [("a", NOW, "read", None)])
    assert loss_of(ledger, (run, channel)) == (2, 0, 0)


def test_a_list_without_a_set_is_compared_with_all_sets_and_a_set_with_itself(ledger: Ledger):
    run_of(ledger, "oaipmh:oai_dc:one", read("a", "b"))
    run_of(ledger, "oaipmh:oai_dc:two", read("c"))
    run_of(ledger, "oaipmh:other", read("z"))
    assert loss_of(ledger, run_of(ledger, "oaipmh:oai_dc", read("a"))) == (3, 0, 2)
    assert loss_of(ledger, run_of(ledger, "oaipmh:oai_dc:one", {})) == (2, 0, 2)


def test_a_census_is_compared_with_what_is_held(ledger: Ledger):
    run_of(ledger, "oaipmh:oai_dc", read("a", "b", "c"))
    run_of(ledger, "census:oai_dc", read("never-held"), "census")
    assert loss_of(ledger, run_of(ledger, "census:oai_dc", read("a"), "census")) == (3, 0, 2)


def test_a_loss_that_a_harvest_accepted_is_not_said_again(ledger: Ledger):
    run_of(ledger, "oaipmh:oai_dc", read("a", "b", "c"))
    for mode, unnamed in (("census", 2), ("full", 1)):
        run, channel = run_of(ledger, "oaipmh:oai_dc", read("a", "b") if mode == "full" else read("a"), mode)
        with ledger.transaction():
            ledger.add_finding(run, "vanished-accepted", "info", "", NOW, channel=channel)
        assert loss_of(ledger, (run, channel)) == (3, 0, unnamed)
    assert loss_of(ledger, run_of(ledger, "oaipmh:oai_dc", read("a"))) == (3, 0, 1)


def test_what_is_said_of_a_loss():
    def codes(gone: int, unnamed: int, *, accepted: bool, tombstones: bool = True) -> list[str]:
        loss = ChannelLoss(1, "oaipmh:oai_dc", 20, gone, "a", unnamed, "b")
        return [found.code for found in judge(loss, accepted=accepted, tombstones=tombstones)]

    assert codes(2, 0, accepted=False) == []
    assert codes(0, 1, accepted=False) == ["vanished"]
    assert codes(2, 1, accepted=False) == codes(5, 5, accepted=False) == ["loss-in-bulk"]
    assert codes(0, 5, accepted=True) == ["vanished-accepted"]
    assert codes(0, 1, accepted=False, tombstones=False) == ["no-longer-found"]
    assert codes(0, 5, accepted=False, tombstones=False) == ["loss-in-bulk"]
    assert codes(0, 5, accepted=True, tombstones=False) == ["vanished-accepted"]
    assert codes(5, 5, accepted=True) == ["loss-accepted", "vanished-accepted"]


def test_a_loss_in_bulk_leaves_a_run_unfinished_until_it_is_taken_back(ledger: Ledger):
    run, channel = run_of(ledger, "oaipmh:oai_dc", read("a"))
    with ledger.transaction():
        ledger.add_finding(run, "loss-in-bulk", "error", "", NOW, channel=channel)
        ledger.add_finding(run, "torn-tail", "info", "", NOW)
    assert ledger.settled_state(run) == "unfinished"
    assert ledger.take_back(run, JUDGED_AT_END) == ["loss-in-bulk"]
    assert ledger.settled_state(run) == "complete"
