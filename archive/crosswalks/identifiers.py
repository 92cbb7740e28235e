"""One form for each identifier, so that the same thing is the same text everywhere."""

import re

_DOI = re.compile(
    r"\s*(?:https?://)?(?:(?:dx\.|www\.)?doi\.org/|doi:\s*)?(10\.\d{3,9}(?:\.\d+)*/\S+)\s*", re.IGNORECASE
)


def normalise_doi(text: str | None) -> str | None:
    """A DOI in lower case without resolver or scheme, None when the text is no DOI (ISO 26324: case is nothing)."""
    match = _DOI.fullmatch(text) if text else None
    return match[1].lower() if match else None


def local_id(identifier: str) -> str:
    """What an identifier is in its repository: behind `oai:HOST:`, otherwise all of it."""
    parts = identifier.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "oai" and parts[2] else identifier
