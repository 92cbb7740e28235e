"""Second opinion on a bag: the verdict of bagit-python, the validator of the Library of Congress, beside ours.

Only verdicts are compared, because bagit-python stops at the first kind of error: both must say valid, or both invalid
(a bag with files still to be fetched is invalid to both). It checks less than RFC 8493 asks for (repeated or malformed
Payload-Oxum, files that only some payload manifests list, bag-info.txt line by line) and reads % in names differently,
so a disagreement does not say who is right; it names the file to look at.

bagit-python reads whatever a manifest lists, also in a folder beside the bag whose name begins as the bag's does,
follows links and keeps manifests in memory. It is not run on a bag in which our check found special files, links out of
the bag, or tag files too large to be read, nor on one whose manifests, as it reads them, list files out of the bag.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath

from archive.bags.check import BagReport
from archive.formats import printable

# findings after which another reader may hang, read outside of the bag, or run out of memory
_UNSAFE = ("special-file", "link-escapes", "link-to-folder", "tag-file-too-large")
# how many of the files that the validators disagree about are named
NAMED_MOST = 20


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """The verdict of another validator.

    `software` is its name and version. `valid` and `agrees` are None if it was not run; `message` then says why, and
    otherwise why a bag is invalid. `files` are the files about which the verdicts differ, relative to the bag, at most
    NAMED_MOST; empty if they agree, or differ about the bag as a whole.
    """

    software: str
    valid: bool | None
    agrees: bool | None
    message: str = ""
    files: tuple[str, ...] = ()


def ask_bagit(report: BagReport) -> SecondOpinion:
    """Validate the bag that `report` is about with bagit-python, and compare the verdicts.

    After a quick check of ours only completeness is compared, and no checksum is computed.
    """
    import bagit

    software = f"bagit {bagit.VERSION}"
    for found in report.findings:
        if found.code in _UNSAFE:
            reason = f"it may not read this bag safely: {found.path or report.path.name} [{found.code}]"
            return SecondOpinion(software=software, valid=None, agrees=None, message=reason)
    message = ""
    files: tuple[str, ...] = ()
    with _quiet():
        try:
            bag = bagit.Bag(str(report.path))
            if any(".." in PurePath(name).parts for name in bag.entries):
                reason = "it would read files out of the bag, which a manifest lists"
                return SecondOpinion(software=software, valid=None, agrees=None, message=reason)
            bag.validate(processes=1, completeness_only=report.quick)
        except bagit.BagError as error:
            details = getattr(error, "details", ())
            files = tuple(dict.fromkeys(str(one.path) for one in details if getattr(one, "path", None)))
            message = _shortened(str(details[0]) if details else str(error)) or type(error).__name__
        except Exception as error:  # whatever a malformed tag file makes it raise
            message = f"{type(error).__name__}: {_shortened(str(error))}"
    valid, ours = not message, report.valid
    if valid == ours:
        return SecondOpinion(software=software, valid=valid, agrees=True, message=message)
    if valid:
        errors = [found for found in report.findings if found.severity == "error"]
        files = tuple(dict.fromkeys(found.path for found in errors if found.path))
    return SecondOpinion(software=software, valid=valid, agrees=False, message=message, files=files[:NAMED_MOST])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep bagit-python's log messages off stderr: the verdict says the same."""
    logger = logging.getLogger("bagit")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _shortened(text: str, most: int = 300) -> str:
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[:most]}…"
