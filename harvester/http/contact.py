"""Who is harvesting: the contact in User-Agent, without which no host but this machine is asked."""

import os
import re
from collections.abc import Iterable, Mapping

from harvester import __version__
from harvester.errors import UsageError
from harvester.sources import is_loopback

VARIABLE = "HARVESTER_CONTACT"
_DOMAIN = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_DOMAIN}")
# without a user name; in printable ASCII that neither ends a comment (RFC 9110, section 5.6.5) nor begins a header
_URL = re.compile(rf"https?://{_DOMAIN}(:[0-9]+)?([/?][!#-'*-;=?-\[\]-~]*)?", re.IGNORECASE)


def user_agent(hosts: Iterable[str], contact: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """Make the User-Agent for requests to `hosts` (network locations, with or without a port).

    `contact` is the setting's value and wins over the environment. Providers write to an address: DataCite names
    `mailto:` as what it looks for. Raises UsageError for a contact that is none, and without any when a host is not
    this machine.
    """
    contact = contact or environment.get(VARIABLE, "")
    if contact:
        return f"harvester/{__version__} ({_comment(contact)})"
    strangers = sorted(host for host in hosts if not is_loopback(host))
    if strangers:
        raise UsageError(
            f"say who is harvesting before {strangers[0]} is asked: --contact you@example.org, or {VARIABLE} in the "
            "environment, or -s HARVEST_CONTACT=; providers throttle or refuse clients they cannot write to"
        )
    return f"harvester/{__version__}"


def email(contact: str = "", environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the contact's e-mail address, None without one. Raises UsageError as `user_agent`."""
    contact = contact or environment.get(VARIABLE, "")
    comment = _comment(contact) if contact else ""
    return comment.removeprefix("mailto:") if comment.startswith("mailto:") else None


def _comment(contact: str) -> str:
    address = contact[7:] if contact[:7].lower() == "mailto:" else contact
    if _EMAIL.fullmatch(address):
        return f"mailto:{address}"
    if _URL.fullmatch(contact):
        return f"+{contact}"
    raise UsageError(
        "the contact is neither an e-mail address nor a URL that a provider can open; write it as you@example.org "
        "or https://example.org/harvest"
    )
