"""The loss guard: what a run has to say of records that were held live before it, and that it found gone.

A repository that was moved, closed or emptied, or a filter that went wrong, looks like many deletions. What is held
is never erased, but an index, a dump or a mirror made of such a run would lose the records: it ends unfinished, with a
finding, until its operator accepts the loss (`accept-loss=true`). The same command again asks once more.
"""

from archive.findings import Finding, finding
from archive.store import ChannelLoss, in_bulk

# findings that are taken back when a run is resumed, and judged again when it ends
JUDGED_AT_END = (
    "loss-in-bulk",
    "loss-accepted",
    "vanished",
    "vanished-accepted",
    "empty-list",
    "empty-repository",
    "listed-by-set",
    "increments-unproven",
    "no-longer-found",
)


def judge(loss: ChannelLoss, *, accepted: bool, tombstones: bool = True) -> list[Finding]:
    """Say what becomes of a run that found these records gone; no finding for the few deletions of a day.

    A record that a whole list no longer names is a warning however few there are: no provider is expected to drop
    records without a tombstone and without a word. Lists that have no `tombstones` (a search) do so whenever a record
    is deleted or replaced by a newer version, so that a few of them are only told.
    """
    lost = loss.gone + loss.unnamed
    if in_bulk(loss.held, lost) and not accepted:
        return [_say("loss-in-bulk", loss, loss.first_gone or loss.first_unnamed, lost)]
    found = []
    if in_bulk(loss.held, lost) and loss.gone:
        found.append(_say("loss-accepted", loss, loss.first_gone, loss.gone))
    if loss.unnamed:
        code = "vanished-accepted" if accepted else "vanished" if tombstones else "no-longer-found"
        found.append(_say(code, loss, loss.first_unnamed, loss.unnamed))
    return found


def _say(code: str, loss: ChannelLoss, identifier: str | None, lost: int) -> Finding:
    return finding(code, name=loss.name, identifier=identifier, expected=loss.held, found=lost)
