"""Normal forms of identifiers, so that the same thing is the same text everywhere."""

import re
from operator import mul

_DOI = re.compile(
    r"\s*((?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|(?:info:)?doi[:/]\s*)*)(10\.[0-9]{3,9}(?:\.[0-9]+)*/\S+)\s*",
    re.IGNORECASE,
)
# a URL of a resolver, whose DOI is percent-encoded where a URL requires it (DOI Handbook, 3.5.3)
_ESCAPE = re.compile(r"%([2-7][0-9A-Fa-f])")
_OTHER_ESCAPE = re.compile(r"%(?![2-7][0-9A-Fa-f])")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# a DOI and nothing else, the most frequent case: the same result in a third of the time
_BARE_DOI = re.compile(r"10\.[0-9]{3,9}(?:\.[0-9]+)*/\S+")
_ORCID = re.compile(
    r"\s*(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid:\s*)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dx])/?\s*",
    re.IGNORECASE | re.ASCII,
)
# weights that equal doubling the sum at each of the first 15 digits, and check digits by remainder
_ORCID_WEIGHTS = tuple(1 << place for place in range(15, 0, -1))
_ORCID_OF_ZEROS = sum(ord("0") * weight for weight in _ORCID_WEIGHTS)
_ORCID_CHECKS = "10X98765432"
_ROR = re.compile(
    r"\s*(?:(?:https?://)?(?:www\.)?ror\.org/|ror:\s*)?(0[a-hj-km-np-tv-z0-9]{6}\d{2})/?\s*", re.IGNORECASE | re.ASCII
)
_ROR_DIGITS = {digit: value for value, digit in enumerate("0123456789abcdefghjkmnpqrstvwxyz")}


def normalise_doi(text: str | None) -> str | None:
    """Return a DOI without resolver or scheme, None if `text` is not a DOI.

    Case is folded for ASCII letters only (DOI Handbook, 2.4), and escapes are decoded only in the URL of a resolver, if
    all of them are of ASCII: `%3C` in a bare DOI is part of it.
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
    """Return an ORCID iD as 0000-0000-0000-000X, None if `text` is not one or its check digit is wrong.

    The check digit is that of ISO 7064, 11-2.
    """
    match = _ORCID.fullmatch(text) if text else None
    if match is None:
        return None
    found = "-".join(match.groups()).upper()
    total = sum(map(mul, found.replace("-", "").encode(), _ORCID_WEIGHTS))
    return found if found[-1] == _ORCID_CHECKS[(total - _ORCID_OF_ZEROS) % 11] else None


def normalise_ror(text: str | None) -> str | None:
    """Return a ROR id as https://ror.org/0..., None if `text` is not a ROR id or its check digits are wrong.

    The check digits are those of ISO 7064, 97-10.
    """
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
    """Return the normal form of an identifier of a scheme; unchanged if there is none, or the text is not valid."""
    by_scheme = _BY_SCHEME.get(scheme.lower()) if scheme else None
    return (by_scheme(text) if by_scheme else None) or text


def namespace(identifier: str) -> str:
    """Return HOST of `oai:HOST:…`, empty for any other identifier."""
    parts = identifier.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "oai" else ""


def local_id(identifier: str) -> str:
    """Return the id in its repository: the part after `oai:HOST:`, a DOI in normal form, otherwise all of it."""
    parts = identifier.split(":", 2)
    local = parts[2] if len(parts) == 3 and parts[0] == "oai" and parts[2] else identifier
    return normalise_doi(local) or local if "10." in local else local
