"""A whole harvest, killed without warning at random moments: what the same command makes of it is the truth."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support import archive_builder, oracle
from support.example_counts import amount, tried
from support.harvest_runs import Harvest, Hostile

KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(amount(2, 25)))
def test_killed_at_twenty_random_moments_nothing_is_missing_and_nothing_is_twice(
    hostile: Callable[..., Hostile], tmp_path: Path, seed: int
):
    dice = random.Random(seed if os.environ.get("CI") == "true" else None)
    server = hostile("--records", "2000", "--page-size", "20", "--latency-ms", "25", "--deep-limit", "1500")
    harvest = Harvest(tmp_path / "archive")
    kills = 0
    while kills < KILLS and harvest.kill_after(server.url, moment := dice.uniform(0.15, 0.5)):
        kills += 1
    tried("random kills", kills)
    assert harvest.run(server.url) == 0, harvest.output[-2000:]
    assert kills >= 2, f"only killed {kills} times, the last time after {moment} s"
    archive_builder.check(harvest.archive)
    found = oracle.compare(harvest.archive, server.truth())
    assert not any(found[kind] for kind in ("missing", "unexpected", "datestamp", "status", "sets", "content"))
    runs = archive_builder.rows(harvest.archive, "SELECT count(*), min(state) FROM runs")
    assert runs == [(1, "complete")]
    # a page asked twice may be stored twice, but only by what the last commit before a kill had not seen
    (copies,) = archive_builder.rows(
        harvest.archive, "SELECT count(*) FROM outcomes WHERE state IN ('read', 'deleted')"
    )[0]
    assert copies < 2000 * (2 + kills)
