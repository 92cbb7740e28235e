"""A run of OAI-PMH as those see it who question its lists: what it listed, and how more is asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from archive.findings import Finding
from archive.store import NewWindow, WindowRow
from harvester.crawl import Keeper
from harvester.crawl.arguments import OaipmhArguments
from harvester.oaipmh import Identify
from harvester.walks.attempt import Channel
from harvester.walks.list_walk import WalkRules
from harvester.walks.questions import Questions


class ListRun(Protocol):
    """What the spider of one run lets others see and do.

    `given` are the channels that the arguments name, out of all `channels`; `sinces` is where each increment begins,
    `answered` the provider's clock when the run began in this process, `began` when it began at all. `windows` are
    those of the run, by number.
    """

    arguments: OaipmhArguments
    keeper: Keeper
    questions: Questions
    rules: WalkRules
    identity: Identify
    channels: dict[int, Channel]
    given: tuple[int, ...]
    sinces: dict[int, datetime | None]
    answered: datetime
    windows: dict[int, WindowRow]

    @property
    def began(self) -> datetime | None: ...

    @property
    def stopping(self) -> bool: ...

    @property
    def list_verb(self) -> str: ...

    def name_of(self, channel: Channel) -> str:
        """Name a channel as findings do."""

    def channel_of(self, row: WindowRow) -> Channel:
        """Return the list that a window belongs to: its channel, or a set of it."""

    def is_tail(self, row: WindowRow) -> bool:
        """Return whether a window is, or descends from, the tail of its channel."""

    async def find(self, found: Finding, channel: int | None = None, window: int | None = None) -> None:
        """Write one finding."""

    async def advise(self, found: Finding, channel: int | None = None) -> None:
        """Write a finding and tell the operator of it at the end of the run."""

    async def open_channel(self, prefix: str, spec: str | None) -> Channel:
        """Open the channel of one list."""

    async def open_more(self, windows: Sequence[NewWindow], parent: int | None = None) -> None:
        """Open windows that were not planned, and queue them."""

    async def open_named(self, channel: int, names: Sequence[str], why: str, parent: int | None = None) -> bool:
        """Open windows for ids that are asked for one by one, and queue them. Returns whether there are any."""
