"""HTTP: requests beside Scrapy and its downloader middlewares, redirects, encodings, credentials and robots.txt.

A token is sent to the hosts it belongs to and nowhere else.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "GATEWAY",
    "HOPS_MOST",
    "NOT_SERVED",
    "REDIRECTS",
    "TRANSIENT",
    "UNPACKED_MOST",
    "Asked",
    "Asker",
    "BlockResponse",
    "BodyTooLong",
    "Client",
    "Credentials",
    "Downloader",
    "Exchange",
    "Fetched",
    "Filling",
    "IdUrls",
    "Policy",
    "PoliteSickle",
    "RangeFiles",
    "RateLimiter",
    "Refused",
    "Response",
    "Retries",
    "Service",
    "Transfer",
    "Wanted",
    "as_declared",
    "block_request",
    "check",
    "download_policy",
    "downloads",
    "email",
    "encoding",
    "essence",
    "fill",
    "hide_in_logs",
    "host_of",
    "hosts_to_ask",
    "is_marc",
    "kind_of",
    "mediatypes",
    "parameters",
    "pause_seconds",
    "redirect_not_followed",
    "robots",
    "same",
    "sendable",
    "short_name",
    "user_agent",
]

if TYPE_CHECKING:
    from harvester.http import downloads, encoding, mediatypes, robots
    from harvester.http.asking import Asker, PoliteSickle
    from harvester.http.asyncclient import Client, RateLimiter
    from harvester.http.blocks import NOT_SERVED, Asked, BlockResponse, Fetched, Service, block_request, host_of
    from harvester.http.charsets import as_declared
    from harvester.http.client import BodyTooLong, Exchange, Policy, Response
    from harvester.http.contact import email, user_agent
    from harvester.http.credentials import Credentials, hide_in_logs
    from harvester.http.downloads import Downloader, Refused, Transfer, Wanted, check, download_policy
    from harvester.http.encoding import UNPACKED_MOST
    from harvester.http.filling import Filling, fill, hosts_to_ask
    from harvester.http.mediatypes import essence, is_marc, kind_of, parameters, same, short_name
    from harvester.http.middlewares import redirect_not_followed
    from harvester.http.ranges import RangeFiles
    from harvester.http.redirects import HOPS_MOST, REDIRECTS, IdUrls, sendable
    from harvester.http.retries import GATEWAY, TRANSIENT, Retries, pause_seconds
else:
    __getattr__ = lazy.exports(__name__)
