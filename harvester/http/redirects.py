"""Where a redirect leads: to another id, to another place of the same record, to a login, or out of the source."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

from archive.crosswalks import local_id

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# a chain this long leads nowhere
HOPS_MOST = 5
ALLOWED_BY_ARGUMENT = "allow it: -a hosts={host}"
# the characters of a URL (RFC 3986, section 2)
_SENDABLE = "!#$%&'()*+,/:;=?@[]~"
_LOGIN = re.compile(r"/(login|signin|sign-in|log-in|saml|shibboleth|oauth|sso)(/|$|\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redirect:
    """`moved`: `target` is another id; `follow`: the URL to ask for the same id; `login`: who is not known is sent to
    one; `refused`: why it is not followed.
    """

    kind: Literal["moved", "follow", "login", "refused"]
    target: str


def leads_to_login(url: str) -> bool:
    """Tell whether a URL is of a page to log in at."""
    return _LOGIN.search(urlsplit(url).path) is not None


def sendable(url: str) -> str:
    """Percent-encode what may not stand in a request: white space, controls, other than ASCII."""
    return quote(url.strip(), safe=_SENDABLE, errors="surrogateescape")


def resolve(url: str, location: str) -> str:
    """Return the absolute URL that a Location header names. Raises ValueError for what is no URL."""
    return urljoin(url, sendable(location))


def _leads_out(url: str, target: str, hosts: frozenset[str]) -> Literal["scheme", "host", "unencrypted"] | None:
    """Find what forbids a redirect: only to a host of the source, over HTTP, and never from https to http.

    A user name makes any host another one. Raises ValueError for what is no URL.
    """
    here, there = urlsplit(url), urlsplit(target)
    if there.scheme not in ("http", "https") or "@" in there.netloc:
        return "scheme"
    if there.netloc.lower() not in hosts:
        return "host"
    return "unencrypted" if (here.scheme, there.scheme) == ("https", "http") else None


def not_followed(url: str, target: str, hosts: frozenset[str], remedy: str = ALLOWED_BY_ARGUMENT) -> str | None:
    """Say why a redirect from `url` to `target` must not be followed; None when it may be.

    `remedy` says how a person allows another host. An OAI-PMH endpoint that is redirected without its query, or with
    one that is percent-encoded a second time, would answer another question. Raises ValueError for what is no URL.
    """
    here, there = urlsplit(url), urlsplit(target)
    host = there.netloc.lower()
    bare = f"{there.scheme}://{host.rpartition('@')[2]}{there.path}"[:200]
    match _leads_out(url, target, hosts):
        case "scheme":
            return f"redirects to {bare}, which is no address of a provider; it is not followed"
        case "host":
            return f"redirects to {bare}, which is no host of this source; if it is right, {remedy.format(host=host)}"
        case "unencrypted":
            return f"redirects from https to {bare}; it is not followed"
    if not here.query.startswith("verb=") and "&verb=" not in here.query:
        return None
    if "verb=" not in there.query:
        return f"redirects to {bare} without the query (verb=... is lost); name that address instead: -a url={bare}"
    if "%" in here.query and there.query.replace("%25", "%") == here.query != there.query:
        return f"redirects to {bare} with a query that is encoded twice; name that address instead: -a url={bare}"
    return None


class IdUrls:
    """The URLs of records: one template with {id} in it, and the hosts that belong to the source."""

    def __init__(self, template: str, pattern: str, hosts: frozenset[str]) -> None:
        self.template, self.hosts = template, hosts
        parts = urlsplit(template)
        self._in_path = "{id}" in parts.path
        place = parts.path if self._in_path else f"{parts.path}?{parts.query}"
        before, after = place.split("{id}")
        id_ = "(?P<id>.+?)" if self._in_path else "(?P<id>[^&#]+)"
        self._match = re.compile(re.escape(before) + id_ + re.escape(after) + "/?")
        self._fits = re.compile(pattern).fullmatch

    def url(self, identifier: str) -> str:
        """Return where the record of an id is."""
        return self.template.replace("{id}", quote(self._sent(identifier), safe=""))

    def _sent(self, identifier: str) -> str:
        """Write an id as its provider knows it: Dataverse wants doi: before a DOI (in any case of letters)."""
        named = f"doi:{identifier}"
        return named if self._fits(named) and not self._fits(identifier) else identifier

    def id_in(self, url: str) -> str | None:
        """Find the id whose record is at a URL, None when it is no record's."""
        parts = urlsplit(url)
        match = self._match.fullmatch(parts.path if self._in_path else f"{parts.path}?{parts.query}")
        if match is None:
            return None
        found = unquote(match["id"])
        # as it stands in the path, or as it is: a DOI has a slash, which most paths have escaped
        return found if not self._in_path or self._fits(match["id"]) or self._fits(found) else None

    def redirect(self, identifier: str, url: str, location: str | None, hops: int) -> Redirect:
        """Judge the Location of an answer for `url`; `hops` redirects were followed before (RFC 9110, 10.2.2)."""
        if not location:
            return Redirect("refused", "a redirect without a Location")
        try:
            target = resolve(url, location)
            parts = urlsplit(target)
            out = _leads_out(url, target, self.hosts)
        except ValueError:
            return Redirect("refused", "a redirect to what is no URL")
        if out == "unencrypted":
            return Redirect("refused", "redirects from https to http")
        if out is not None:
            host = parts.netloc.lower()
            where = host.rpartition("@")[2] or parts.scheme
            allowed = "" if "@" in host or not host else f"; if it is right, allow it: -a hosts={host[:100]}"
            return Redirect("refused", f"redirects to {where[:100]}, which is no host of this source{allowed}")
        if (found := self.id_in(target)) is not None and found.casefold() != self._sent(identifier).casefold():
            return Redirect("moved", local_id(found))
        if leads_to_login(target):
            return Redirect("login", parts.path[:200])
        if hops >= HOPS_MOST or target == url:
            return Redirect("refused", f"redirects in a circle, or more than {HOPS_MOST} times")
        return Redirect("follow", target)
