"""Secrets: read from the environment, sent to the hosts they belong to, and hidden wherever else they could surface.

A token is held here and nowhere else. It is added to a request at the last moment, by the request's own URL, so that
a redirect never takes it along. Providers repeat what they were sent (in errors, in links, in records): what comes
in is masked before anything reads it, so that no body, ledger line, error or log has it. That a record is then no
longer verbatim is said in a finding; a token in a public archive would be worse.
"""

import base64
import html
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from archive.store import Answer, RefusedBody
from harvester.errors import UsageError
from harvester.http.encoding import WHOLE, inflated
from harvester.sources import Source, is_loopback

MASK = "***"
# a shorter one would be found, and masked, in what has nothing to do with it
LENGTH_LEAST = 8
_GZIP = b"\x1f\x8b\x08"


class Credentials:
    """The token of a source, or none. `header` is the name of the header that carries it, "" without a token."""

    __slots__ = ("_bytes", "_forms", "_hosts", "_text", "_value", "header")

    def __init__(
        self, header: str = "", prefix: str = "", secret: str = "", hosts: frozenset[str] = frozenset()
    ) -> None:
        self.header, self._value, self._hosts = header, prefix + secret, hosts
        forms = sorted(set(_forms(secret)), key=len, reverse=True) if secret else []
        self._forms = [form.encode() for form in forms]
        self._text = re.compile("|".join(map(re.escape, forms)))
        self._bytes = re.compile(b"|".join(map(re.escape, self._forms)))

    @classmethod
    def of(cls, source: Source, environment: Mapping[str, str] = os.environ) -> "Credentials":
        """Read what the environment has for a source. Raises UsageError, naming the variable, for what is no token."""
        token = source.token
        secret = environment.get(token.environment, "") if token is not None else ""
        if token is None or not secret:
            return cls()
        _check(token.environment, secret)
        hosts = frozenset(host.lower() for host in token.hosts) or source.own_hosts
        return cls(token.header, token.prefix, secret, hosts)

    @classmethod
    def bearer(cls, variable: str, host: str, environment: Mapping[str, str] = os.environ) -> "Credentials":
        """Read the token in an environment variable, for one host. Raises UsageError without one, as `of` does."""
        if not (secret := environment.get(variable, "")):
            raise UsageError(f"{variable} is not set in the environment, or empty; put the token there")
        _check(variable, secret)
        return cls("Authorization", "Bearer ", secret, frozenset({host.lower()}))

    def __repr__(self) -> str:
        return f"Credentials(has_token={self.has_token})"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("credentials stay in the process that read them")

    @property
    def has_token(self) -> bool:
        """Whether there is a secret; without one nothing here costs anything."""
        return bool(self._forms)

    def headers(self, url: str) -> dict[str, str]:
        """Return the header to send to `url`: none unless the host is the token's, and nobody can listen."""
        if not self._forms:
            return {}
        try:
            parts = urlsplit(url)
        except ValueError:
            return {}
        host = parts.netloc.lower()
        if host not in self._hosts or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))):
            return {}
        return {self.header: self._value}

    def scrub(self, text: str) -> str:
        """Mask the secret in a text, in whatever form it stands there."""
        return self._text.sub(MASK, text) if self._forms else text

    def scrub_bytes(self, data: bytes) -> bytes:
        """Mask the secret in bytes."""
        return self._bytes.sub(MASK.encode(), data) if self._in(data) else data

    def clean_body(self, body: bytes, encoding: str = "") -> bytes | None:
        """Mask the secret in a body. Returns None when it has none (then it stays as it is).

        A body that is packed comes back unpacked: its Content-Encoding no longer holds. One that is packed, holds
        the secret and is cut short comes back empty: the part that can be read must not pass for the whole.
        """
        if self._in(body):
            return self.scrub_bytes(body)
        if not self._forms or (encoding.strip().lower() not in ("gzip", "x-gzip", "deflate") and body[:3] != _GZIP):
            return None
        plain, whole = _unpacked(body)
        return None if not self._in(plain) else self.scrub_bytes(plain) if whole else b""

    def clean_answer(self, answer: Answer) -> Answer:
        """Mask the secret in all that the ledger and the quarantine would keep of an answer, its records excepted."""
        refused = answer.refused
        return replace(
            answer,
            url=self.scrub(answer.url),
            reason=self._maybe(answer.reason),
            outcomes=[one._replace(reason=self._maybe(one.reason)) for one in answer.outcomes],
            refused=self._clean_refused(refused) if refused is not None else None,
            notes=[replace(note, message=self.scrub(note.message)) for note in answer.notes],
        )

    def _clean_refused(self, refused: RefusedBody) -> RefusedBody:
        body = self.clean_body(refused.body)
        return replace(
            refused,
            url=self.scrub(refused.url),
            reason=self.scrub(refused.reason),
            headers=tuple((name, self.scrub(value)) for name, value in refused.headers),
            body=refused.body if body is None else body,
        )

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self.scrub(text)

    def _in(self, data: bytes) -> bool:
        return any(form in data for form in self._forms)


class SecretFilter(logging.Filter):
    """Masks the secret in every log record that passes a handler, its traceback included."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._scrub = credentials.scrub

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            record.msg, record.args = self._scrub(record.getMessage()), ()
        except (TypeError, ValueError, KeyError):  # what logging itself would report, with the arguments
            record.msg, record.args = f"a message of {record.name} that cannot be put together", ()
        if record.exc_info:
            record.exc_text = self._scrub(record.exc_text or logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = self._scrub(record.stack_info)
        return True


def hide_in_logs(credentials: Credentials) -> None:
    """Have every handler of the root logger mask the secret, from now on."""
    if credentials.has_token:
        for handler in logging.getLogger().handlers:
            handler.addFilter(SecretFilter(credentials))


def _check(variable: str, secret: str) -> None:
    if not all("!" <= character <= "~" for character in secret):
        raise UsageError(
            f"{variable} holds white space, a line end or what is not ASCII: not a token; set it again without (its "
            "value is not shown)"
        )
    if len(secret) < LENGTH_LEAST:
        raise UsageError(f"{variable} holds {len(secret)} characters, too few for a token; set it again")


def _forms(secret: str) -> Iterator[str]:
    """List the secret as it may stand in a text: plain, escaped for a URL, JSON or HTML, in base64 at any offset."""
    escaped = quote(secret, safe="")
    quoted = orjson.dumps(secret).decode()[1:-1]
    yield from (secret, escaped, re.sub("%..", lambda found: found[0].lower(), escaped), quote(secret))
    yield from (quoted, quoted.replace("/", "\\/"), html.escape(secret), repr(secret)[1:-1])
    for offset in range(3):
        # characters of base64 that depend on nothing but the secret
        text = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        inner = text[-(-offset * 8 // 6) : len(text) - (1 if (offset + len(secret)) % 3 else 0)]
        yield from (inner, inner.replace("+", "-").replace("/", "_"), quote(inner, safe=""))


def _unpacked(body: bytes) -> tuple[bytes, bool]:
    """Unpack a gzip or deflate body as far as it can be read. Returns that, and whether it is all."""
    try:
        plain, end = inflated(body, 47 if body[:2] == _GZIP[:2] or body[:1] == b"\x78" else -15)
        while end == WHOLE and plain[:3] == _GZIP:  # packed twice
            plain, end = inflated(plain, 47)
    except ValueError as cause:
        (plain,) = cause.args[1:]
        return plain, False
    return plain, end == WHOLE
