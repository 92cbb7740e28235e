"""A crawl: its arguments, first windows, decoders, background writer, retries and progress.

This is what spiders and pipelines share, and what runs them.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "STALE",
    "Again",
    "Batch",
    "Decoders",
    "Ending",
    "Filling",
    "Gap",
    "Keeper",
    "KeeperStopped",
    "PartWalk",
    "Step",
    "Told",
    "WindowEnd",
    "ask_again",
    "crawl",
    "ending_of",
    "files",
    "fillings",
    "first_windows",
    "full_identifier",
    "lossguard",
    "next_named",
    "notes_of",
    "run_crawler",
    "run_steps",
    "spider_class",
    "spider_names",
    "split",
    "summary",
]

if TYPE_CHECKING:
    from harvester.crawl import files, first_windows, lossguard
    from harvester.crawl.background_writer import Keeper, KeeperStopped
    from harvester.crawl.decoders import Decoders
    from harvester.crawl.files import PartWalk, next_named
    from harvester.crawl.filestep import run_steps, split
    from harvester.crawl.records import Batch, WindowEnd, notes_of
    from harvester.crawl.retry import (
        STALE,
        Again,
        Filling,
        Gap,
        Step,
        Told,
        ask_again,
        fillings,
        full_identifier,
        summary,
    )
    from harvester.crawl.run import Ending, crawl, ending_of, run_crawler, spider_class, spider_names
else:
    __getattr__ = lazy.exports(__name__)
