"""harvester/crawl/run.py: who is sent to a log learns where it is."""

from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.settings import Settings

from harvester.crawl.run import ending_of
from harvester.exits import DAMAGED


@pytest.mark.parametrize(
    ("settings", "told"), [({"LOG_FILE": "/var/log/h.log"}, "see /var/log/h.log"), ({}, "-s LOG_FILE=FILE")]
)
def test_a_crawl_without_a_state_names_its_log(settings: dict[str, Any], told: str):
    crawler: Any = SimpleNamespace(spider=None, settings=Settings(settings))
    ending = ending_of(crawler, None)
    assert ending.code == DAMAGED
    assert told in ending.sentence
