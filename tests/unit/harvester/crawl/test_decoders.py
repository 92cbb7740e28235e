import asyncio
import re

import pytest

from harvester.crawl.decoders import Decoders
from harvester.errors import MalformedPage


def hang() -> None:
    """Computing that no other thread can interrupt: the interpreter's lock is held to its end."""
    re.match(r"(a|a)*b", "a" * 64)


def say(word: str) -> str:
    return word


def test_a_page_made_to_take_for_ever_ends_its_process_and_the_next_one_is_decoded():
    async def run() -> str:
        decoders = Decoders(1, most_seconds=0.5)
        try:
            assert await decoders.run(say, "before") == "before"
            with pytest.raises(MalformedPage):
                await decoders.run(hang)
            return await decoders.run(say, "after")
        finally:
            decoders.close()

    assert asyncio.run(run()) == "after"
