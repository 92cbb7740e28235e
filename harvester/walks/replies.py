"""Replies: HTTP responses as those take them who decide, and why one of them does not count."""

from dataclasses import dataclass

from archive.store import RefusedBody
from harvester.errors import MalformedPage
from harvester.http import GATEWAY, as_declared
from harvester.rest import answers

# headers that are not kept
SECRET_HEADERS = frozenset({"set-cookie", "authorization"})


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response; `not_followed` says why the redirect that it is was not followed, None where it is none."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    not_followed: str | None = None

    def header(self, name: str) -> str:
        """Return the last value of a header, "" without one."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[-1] if values else ""

    def plain_body(self) -> bytes:
        """Return the body, unpacked where a provider sends gzip without saying so, in the charset that it shows.

        Raises MalformedPage when it is cut short.
        """
        try:
            body = answers.unpacked(self.body, self.header("Content-Encoding"), undeclared=True)
        except answers.Unusable as cause:
            raise MalformedPage(str(cause)) from cause
        return as_declared(body, self.header("Content-Type"))


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a reply does not count: `end` is the name the window gets when no try brings a better one.

    `code` is the protocol's error code, None when the reply is not such an error. `reply` is None when none came.
    """

    end: str
    reason: str
    status: int | None = None
    reply: Reply | None = None
    code: str | None = None

    def refused_body(self, url: str, at: str) -> RefusedBody | None:
        """Return what goes into quarantine, None when there was no body."""
        if self.reply is None:
            return None
        headers = tuple(pair for pair in self.reply.headers if pair[0].lower() not in SECRET_HEADERS)
        return RefusedBody(
            url=url,
            http_status=self.reply.status,
            headers=headers,
            body=self.reply.body,
            retrieved=at,
            reason=self.reason,
        )


def refused_by_status(reply: Reply, *, lost: str, refused: str) -> Unusable | None:
    """Judge a reply without records by its status; None if the status is none of an error.

    `lost` and `refused` are the names of a window's end: for a gateway error behind which nobody answered, and for any
    other status from 300 on.
    """
    if reply.status < 300:
        return None
    end = lost if reply.status in GATEWAY else refused
    return Unusable(end, f"HTTP status {reply.status}", reply.status, reply)
