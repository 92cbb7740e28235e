"""Protocol errors (OAI-PMH 2.0, section 3.6): which of them another request can answer, and with what."""

import re
from dataclasses import dataclass

from harvester.errors import MalformedPage, ProviderError
from harvester.oaipmh.protocol import parse_list_sets
from harvester.oaipmh.xml import MAX_BYTES

NO_RECORDS_MATCH = "noRecordsMatch"
# what GetRecord says of an id that has no record in the format; an error of the arguments says nothing of the record
NO_RECORD = ("idDoesNotExist", "cannotDisseminateFormat")
# errors in the request itself: the same request is answered in the same way
DETERMINISTIC = frozenset({"badArgument", "badVerb", "cannotDisseminateFormat", "idDoesNotExist", "noSetHierarchy"})
_PREFIX = re.compile(r"metadata\s*_?prefix", re.IGNORECASE)
# ordinary words as well, and so names of arguments only in quotation marks or right after such a noun
_NAMED = re.compile(
    r"""["'`<\[(](set|from|until)["'`>\])]|\b(?:arguments?|parameters?)[:\s]+(set|from|until)(?=\s*(?:[.,;]|is\b|and\b|$))"""
    r"|\b(set|from|until)\s+(?:argument|parameter)"
)


def says_no_records(body: bytes) -> bool:
    """Detect whether a response is the error noRecordsMatch, rather than a list without records."""
    if NO_RECORDS_MATCH.encode() not in body or len(body) > MAX_BYTES:
        return False
    try:
        parse_list_sets(body)
    except ProviderError as error:
        return error.code == NO_RECORDS_MATCH
    except MalformedPage:
        return False
    return False


def missing_arguments(reason: str) -> tuple[str, ...]:
    """Name the arguments of the list that an error misses beside its resumption token; none when it names none.

    The token is an exclusive argument (3.5), but pycsw and, in 2016, Zenodo want metadataPrefix with it.
    """
    names = ["metadataPrefix"] if _PREFIX.search(reason) else []
    found = {name for groups in _NAMED.findall(reason) for name in groups if name}
    return (*names, *(name for name in ("set", "from", "until") if name in found))


@dataclass(slots=True)
class BesideToken:
    """What is sent beside resumption tokens in this run, as the provider's errors taught it; nothing by default.

    Each set of names is tried once: where it does not help, tokens are sent alone again.
    """

    names: tuple[str, ...] = ()
    works: bool = False
    _tried: bool = False

    def answered(self) -> None:
        """Remember that a token was answered with a page."""
        self.works = self.works or bool(self.names)

    def refused(self, reason: str) -> bool:
        """Learn from an error that answered a token. Returns whether the token should be sent once more, otherwise."""
        if self.names:
            if not self.works:
                self.names = ()
            return False
        self.names = missing_arguments(reason) if not self._tried else ()
        self._tried = self._tried or bool(self.names)
        return bool(self.names)
