"""Fixity and repair: verify anything written here, at once or over days; diagnose, mend and rebuild archives."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "GOOD",
    "FixityReport",
    "MendReport",
    "Pace",
    "Schedule",
    "detect",
    "mend",
    "read_history",
    "report_fixity",
    "run_fixity",
]

if TYPE_CHECKING:
    from archive.integrity import detect
    from archive.integrity.fixity_log import GOOD, read_history
    from archive.integrity.mend_archive import MendReport, mend
    from archive.integrity.rolling import FixityReport, Pace, Schedule, report_fixity, run_fixity
else:
    __getattr__ = lazy.exports(__name__)
