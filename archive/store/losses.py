"""Losses: records that were held live before a run and that the run found to be gone.

What an increment builds on is read here too: the state in which earlier runs of its channels ended. All of it comes
from the ledger, so that a resumed run decides the same. A run that found nothing gone, or that is the first of its
channels, costs two short queries.
"""

from dataclasses import dataclass

from archive.queries import Queries
from archive.store.ledger import Ledger

_SQL = Queries(__package__)


def known_before(ledger: Ledger, run: int, channel: int) -> list[tuple[str, str | None, str]]:
    """List some outcomes that a channel had before a run, as (identifier, datestamp, state), newest first."""
    rows = ledger.db.execute(_SQL["increment_known"], {"channel": channel, "run": run})
    return [(str(identifier), stamp, str(state)) for identifier, stamp, state in rows]


# At least this many records, and this share of what a channel held live, are a bulk loss: a repository that was moved,
# closed or emptied, or a broken filter, rather than the withdrawals of a day.
BULK_LEAST, BULK_SHARE = 3, 0.1


@dataclass(frozen=True, slots=True)
class ChannelLoss:
    """Losses among the `held` records that one channel held live before a run.

    The run found `gone` of them deleted, absent or forbidden; `unnamed` were in no list of the run. `first_gone` and
    `first_unnamed` name one of each, None if there is none.
    """

    channel: int
    name: str
    held: int
    gone: int
    first_gone: str | None
    unnamed: int
    first_unnamed: str | None


def in_bulk(held: int, lost: int) -> bool:
    """Return whether losing `lost` of `held` live records is a bulk loss: at least three, and at least a tenth."""
    return lost >= BULK_LEAST and lost >= BULK_SHARE * held


def read_loss(ledger: Ledger, run: int, channel: int, *, whole: bool) -> ChannelLoss | None:
    """Read what a run found of the records held before it; None if nothing was held or nothing can be lost.

    `whole` says that the run listed all that the channel has; otherwise no record counts as unnamed. Records in other
    lists of the same format count as held in a list without a set; a census is compared with what harvests hold.
    """
    words = {"run": run, "channel": channel}
    if not ledger.db.execute(_SQL["loss_held_before"], words).fetchone()[0]:
        return None
    if not whole and not ledger.db.execute(_SQL["loss_gone_now"], words).fetchone()[0]:
        return None
    row = ledger.db.execute(_SQL["loss_of_channel"], words).fetchone()
    name, held, gone, first_gone, unnamed, first_unnamed = row
    return ChannelLoss(
        channel=channel,
        name=name,
        held=held,
        gone=gone,
        first_gone=first_gone,
        unnamed=unnamed if whole else 0,
        first_unnamed=first_unnamed if whole else None,
    )


def lost_ids(ledger: Ledger, run: int, channel: int) -> list[str]:
    """List the ids that a run found gone in a channel by id, and that were held live before it."""
    return [row[0] for row in ledger.db.execute(_SQL["loss_ids"], {"run": run, "channel": channel})]
