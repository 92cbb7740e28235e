"""One form for each identifier, so that the same thing is the same text everywhere."""

import re
from operator import mul

_DOI = re.compile(
    r"\s*((?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|(?:info:)?doi[:/]\s*)*)(10\.[0-9]{3,9}(?:\.[0-9]+)*/\S+)\s*",
    re.IGNORECASE,
)
# a URL of a resolver, whose DOI is percent-encoded where a URL demands it (DOI Handbook, 3.5.3)
_ESCAPE = re.compile(r"%([2-7][0-9A-Fa-f])")
_OTHER_ESCAPE = re.compile(r"%(?![2-7][0-9A-Fa-f])")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# one that is a DOI and nothing else, as most are: the same, found in a third of the time
_BARE_DOI = re.compile(r"10\.[0-9]{3,9}(?:\.[0-9]+)*/\S+")
_ORCID = re.compile(
    r"\s*(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid:\s*)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dx])/?\s*",
    re.IGNORECASE | re.ASCII,
)
# what doubling the sum at each of the first 15 digits comes to, and the check digit by what is left of it
_ORCID_WEIGHTS = tuple(1 << place for place in range(15, 0, -1))
_ORCID_OF_ZEROS = sum(ord("0") * weight for weight in _ORCID_WEIGHTS)
_ORCID_CHECKS = "10X98765432"
_ROR = re.compile(
    r"\s*(?:(?:https?://)?(?:www\.)?ror\.org/|ror:\s*)?(0[a-hj-km-np-tv-z0-9]{6}\d{2})/?\s*", re.IGNORECASE | re.ASCII
)
_ROR_DIGITS = {digit: value for value, digit in enumerate("0123456789abcdefghjkmnpqrstvwxyz")}


def normalise_doi(text: str | None) -> str | None:
    """Return a DOI without resolver or scheme, None if `text` is not a DOI.

    Case is folded for ASCII letters alone (DOI Handbook, 2.4), and escapes are decoded in the URL of a resolver alone,
    where all of them are of ASCII: `%3C` of a bare DOI is part of it.
    """
    if not text or "10." not in text:
        return None
    if _BARE_DOI.fullmatch(text):
        return text.translate(_ASCII_LOWER)
    match = _DOI.fullmatch(text)
    if match is None:
        return None
    name = match[2]
    if "%" in name and "doi.org/" in match[1].lower() and not _OTHER_ESCAPE.search(name):
        name = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), name)
    return name.translate(_ASCII_LOWER)


def normalise_orcid(text: str | None) -> str | None:
    """An ORCID iD as 0000-0000-0000-000X, None when the text is none or its check digit is wrong (ISO 7064, 11-2)."""
    match = _ORCID.fullmatch(text) if text else None
    if match is None:
        return None
    found = "-".join(match.groups()).upper()
    total = sum(map(mul, found.replace("-", "").encode(), _ORCID_WEIGHTS))
    return found if found[-1] == _ORCID_CHECKS[(total - _ORCID_OF_ZEROS) % 11] else None


def normalise_ror(text: str | None) -> str | None:
    """A ROR id as https://ror.org/0..., None when the text is none or its check digits are wrong (ISO 7064, 97-10)."""
    match = _ROR.fullmatch(text) if text else None
    if match is None:
        return None
    name = match[1].lower()
    total = 0
    for digit in name[:-2]:
        total = total * 32 + _ROR_DIGITS[digit]
    return f"https://ror.org/{name}" if 98 - total * 100 % 97 == int(name[-2:]) else None


_BY_SCHEME = {"doi": normalise_doi, "orcid": normalise_orcid, "ror": normalise_ror}


def normalise(scheme: str | None, text: str) -> str:
    """An identifier of a scheme in its one form; as it is when its scheme has none here, or it is none of it."""
    by_scheme = _BY_SCHEME.get(scheme.lower()) if scheme else None
    return (by_scheme(text) if by_scheme else None) or text


def namespace(identifier: str) -> str:
    """HOST in `oai:HOST:…`, empty for any other identifier."""
    parts = identifier.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "oai" else ""


def local_id(identifier: str) -> str:
    """What an identifier is in its repository: behind `oai:HOST:`, a DOI in its one form, otherwise all of it."""
    parts = identifier.split(":", 2)
    local = parts[2] if len(parts) == 3 and parts[0] == "oai" and parts[2] else identifier
    return normalise_doi(local) or local if "10." in local else local
