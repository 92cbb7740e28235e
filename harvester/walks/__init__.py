"""Decisions of the spiders: what follows each reply, failure and record of a run.

The spiders send requests and pass on what arrives; the walks decide which window, page, slice or id comes next, what
is asked again, and what is reported as lost. `list_walk` (OAI-PMH), `slice_walk` (search APIs) and `id_walk` (ids) are
pure: no network, clock, log or ledger. The other modules ask OAI-PMH providers what settles doubts about their lists.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "GATHERED",
    "VERB",
    "AskAgain",
    "Beginning",
    "Channel",
    "Closing",
    "Doubts",
    "FormState",
    "GiveUp",
    "IdWalk",
    "Keep",
    "Over",
    "PageReader",
    "Questions",
    "Reply",
    "SliceRules",
    "SliceWalk",
    "Steps",
    "StrayCheck",
    "Unusable",
    "Walk",
    "WalkRules",
    "judged",
    "list_walk",
    "not_asked",
    "received",
    "refused_by_status",
    "without_decoding",
]

if TYPE_CHECKING:
    from harvester.walks import list_walk
    from harvester.walks.attempt import Channel, Walk
    from harvester.walks.beginning import Beginning
    from harvester.walks.closing import Closing
    from harvester.walks.doubts import Doubts
    from harvester.walks.id_walk import FormState, IdWalk, judged, not_asked, received, without_decoding
    from harvester.walks.list_walk import Steps, WalkRules
    from harvester.walks.outcomes import Keep
    from harvester.walks.pagereader import PageReader
    from harvester.walks.questions import Questions
    from harvester.walks.replies import Reply, Unusable, refused_by_status
    from harvester.walks.slice_walk import GATHERED, VERB, AskAgain, GiveUp, Over, SliceRules, SliceWalk
    from harvester.walks.strays import StrayCheck
else:
    __getattr__ = lazy.exports(__name__)
