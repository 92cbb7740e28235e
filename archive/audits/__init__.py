"""Audits: the ids that a target lists compared with those of an archive; estimates, samples and sketches."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "CELLS",
    "DIFFERS",
    "EXTRA",
    "FORGOTTEN",
    "MISSING",
    "SAME",
    "UNTOLD",
    "AuditReport",
    "Captures",
    "Compared",
    "Comparison",
    "Differences",
    "Drawn",
    "Family",
    "Here",
    "Interval",
    "Item",
    "Knowledge",
    "Sketch",
    "Stratum",
    "Total",
    "Unseen",
    "Wish",
    "audit",
    "cells_for",
    "differences",
    "differences_in",
    "is_sketch",
    "iter_ids",
    "list_totals",
    "named",
    "read_captures",
    "read_sketch",
    "sketch_of",
    "stratified",
    "unseen",
    "wilson",
    "write_sketch",
]

if TYPE_CHECKING:
    from archive.audits import audit
    from archive.audits.audit import Comparison
    from archive.audits.capture_recapture import Unseen, unseen
    from archive.audits.idfiles import iter_ids
    from archive.audits.intervals import Interval, Stratum, stratified, wilson
    from archive.audits.known_ids import Captures, Drawn, Family, Here, Knowledge, read_captures
    from archive.audits.result import (
        DIFFERS,
        EXTRA,
        FORGOTTEN,
        MISSING,
        SAME,
        UNTOLD,
        AuditReport,
        Total,
        Wish,
        list_totals,
    )
    from archive.audits.sketch import (
        CELLS,
        Compared,
        Differences,
        Item,
        Sketch,
        cells_for,
        differences,
        differences_in,
        is_sketch,
        read_sketch,
        write_sketch,
    )
    from archive.audits.sketching import named, sketch_of
else:
    __getattr__ = lazy.exports(__name__)
