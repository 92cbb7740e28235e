"""The rights that a provider states for its metadata, as the harvest noted them."""

from pathlib import Path

from archive.findings import CODES
from archive.queries import Queries
from archive.store.layout import Layout
from archive.store.snapshots import snapshot

_SQL = Queries(__package__)


def stated_rights(archive: Path) -> tuple[str, ...]:
    """Read what the last Identify that stated rights named; usually one address, and none for most archives."""
    _, sentence = CODES["rights-stated"]
    before = sentence.partition("{")[0]
    with snapshot(Layout(archive)) as ledger:
        return tuple(message.removeprefix(before) for (message,) in ledger.execute(_SQL["rights_stated"]))
