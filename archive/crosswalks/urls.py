"""Normal form of URLs, in which they are compared (RFC 3986, section 6.2)."""

import re
from urllib.parse import SplitResult, urlsplit

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalise_url(text: str) -> str | None:
    """Return an http or https URL normalised by syntax and scheme (6.2.2 and 6.2.3); None if `text` is not one.

    Scheme and host in lower case, the host in its ASCII form, no default port, dot segments removed, escapes in upper
    case and only where needed, characters outside ASCII escaped as UTF-8; the fragment stays.
    """
    text = text.strip()
    if not text[:8].lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if not host:
        return None
    scheme = parts.scheme.lower()
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    place = "" if port is None or port == _DEFAULT_PORTS[scheme] else f":{port}"
    path = _without_dots(_escaped(parts.path)) or "/"
    return SplitResult(
        scheme, f"{user}{_ascii_host(host)}{place}", path, _escaped(parts.query), _escaped(parts.fragment)
    ).geturl()


def without_scheme(url: str) -> str:
    """Return a normalised URL without scheme, fragment and final slash: http and https lead to one page."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.netloc}{parts.path.rstrip('/')}{query}"


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _escaped(text: str) -> str:
    """Decode escapes of unreserved characters, write others in upper case, and escape characters outside ASCII."""
    text = _ESCAPE.sub(_one_escape, text)
    if text.isascii():
        return text
    return "".join(
        one if one.isascii() else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "surrogatepass"))
        for one in text
    )


def _one_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else f"%{match[1].upper()}"


def _without_dots(path: str) -> str:
    """Remove dot segments (5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
            if last:
                kept.append("")
        elif segment == ".":
            if last:
                kept.append("")
        else:
            kept.append(segment)
    return "/".join(kept)
