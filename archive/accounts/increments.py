"""What the ledger knows of earlier runs that an increment builds on."""

from archive.ledger import Ledger
from archive.questions import question


def known_before(ledger: Ledger, run: int, channel: int) -> list[tuple[str, str | None, str]]:
    """Some of the outcomes that a channel had before a run, as (identifier, datestamp, state), the newest first."""
    rows = ledger.db.execute(question("increment_known"), {"channel": channel, "run": run})
    return [(str(identifier), stamp, str(state)) for identifier, stamp, state in rows]
