"""Before a harvest: probe the platform, write a source file, forecast requests and hours, plan the channels."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "ENDS_ROUND",
    "UNKNOWN",
    "Answers",
    "Cost",
    "OaiSeen",
    "RestSeen",
    "Seen",
    "Verdict",
    "channel_costs",
    "from_counts",
    "is_known",
    "known_licence",
    "licence_at",
    "licence_values",
    "plan",
    "probing",
    "source_text",
    "step_cost",
    "survey",
    "total",
    "worst",
]

if TYPE_CHECKING:
    from harvester.planning import plan, probing
    from harvester.planning.forecast import Answers, Cost, channel_costs, from_counts, step_cost, total
    from harvester.planning.licences import UNKNOWN, is_known, known_licence, licence_at, licence_values
    from harvester.planning.plan import ENDS_ROUND, worst
    from harvester.planning.preflight import survey
    from harvester.planning.probing import OaiSeen, RestSeen, Seen, Verdict
    from harvester.planning.template import source_text
else:
    __getattr__ = lazy.exports(__name__)
