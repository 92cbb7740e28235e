"""What a client takes: Accept and Accept-Encoding (RFC 9110, section 12.5), for a record that is JSON and XML."""

import re

JSON, XML = "application/json", "application/xml"
_Q = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


def accepted_form(accept: str) -> str | None:
    """Of JSON and XML the one a client likes better, JSON when it does not care, None when it takes neither."""
    qualities = _qualities(accept) or {"*/*": 1.0}
    rest = qualities.get("application/*", qualities.get("*/*", 0.0))
    json = qualities.get(JSON, rest)
    xml = max(qualities.get(XML, rest), qualities.get("text/xml", qualities.get("text/*", 0.0)))
    if not json and not xml:
        return None
    return XML if xml > json else JSON


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a body may be sent gzipped; a client that says nothing gets it as it is."""
    qualities = _qualities(accept_encoding)
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _qualities(header: str) -> dict[str, float]:
    """The members of a header with their q; one that cannot be read counts as 0. Other parameters are ignored."""
    qualities = {}
    for member in header.split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        q = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if name:
            qualities[name] = float(q) if _Q.fullmatch(q) else 0.0
    return qualities
