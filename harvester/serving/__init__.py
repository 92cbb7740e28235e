"""An archive served over HTTP: an OAI-PMH 2.0 data provider, and its records by REST."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = ["ArchiveHoldings", "Listening", "Rate", "Repository", "Server"]

if TYPE_CHECKING:
    from harvester.serving.holdings import ArchiveHoldings
    from harvester.serving.http import Rate
    from harvester.serving.provider import Repository
    from harvester.serving.server import Listening, Server
else:
    __getattr__ = lazy.exports(__name__)
