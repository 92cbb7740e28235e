"""How a form answers for an id that is not there, learned by asking for one that cannot exist.

A 404 is evidence only when it comes from what serves the records. A proxy, a servlet container and a login page send
404s of their own, for every id alike; some providers answer 200 for ids that they do not have.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from html import escape
from typing import Any, Self
from urllib.parse import quote

import orjson

from archive.crosswalks import local_id
from archive.store import NotJson, envelope, first_tag
from harvester.http import kind_of

EMPTY, HTML, TEXT, JSON, XML = "empty", "html", "text", "json", "xml"
# highest id that fits 32 bits, less some: larger ones end in an error of the database instead of a 404
_NUMBERS = (2_147_483_629, 9_007_199_254_740_881)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# times of day, seconds since 1970, what requests are numbered by, and how long they took
_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(Z|[+-]\d\d:?\d\d)?|\b[0-9a-fA-F-]{8,}\b"
    r'|"(took|elapsed|duration|time|\w{0,12}Time|QTime)"\s*:\s*"?[\d.]+'
)
# so many bytes of a body are looked at
_LOOK_BYTES = 65536
# of the words of two pages so large a part must be the same
_ALIKE = 0.6
_SAID = {EMPTY: "no body", HTML: "an HTML page", TEXT: "plain text", JSON: "JSON", XML: "XML"}


def impossible_ids(identifiers: Collection[str], taken: Collection[range] = ()) -> tuple[str, ...]:
    """Two ids of the shape of these that no provider has; none where none can be made.

    `taken` are ranges of ids that are asked for. Numbers stay numbers: others are turned away by a provider's router,
    which answers in other words than what looks for records.
    """
    names = list(identifiers)
    if not names:
        return ()
    if all(name.isascii() and name.isdigit() for name in names):
        highest = max(map(int, names))
        for number in _NUMBERS:
            free = all(number not in one and number - 10 not in one for one in taken)
            if number - 10 > highest and free:
                return str(number), str(number - 10)
        return ()
    name = local_id(next(name for name in names if not name.isdigit()))
    found = _letters(name, "z", "9"), _letters(name, "y", "8")
    return () if set(found) & set(names) else found


def _letters(name: str, letter: str, digit: str) -> str:
    """An id with the last part of `name` written over."""
    if match := _UUID.search(name):
        made = "f" if letter == "z" else "e"
        return f"{name[: match.start()]}{re.sub('[0-9a-fA-F]', made, match[0])}{name[match.end() :]}"
    start = max(name.rfind(mark) for mark in "/:") + 1
    part = name[start:]
    over = "".join(letter if char.isalpha() else digit if char.isdigit() else char for char in part)
    return f"{name[:start]}{over}" + (f"{letter}{digit}" * 4 if len(part) < 8 else "")


@dataclass(frozen=True, slots=True)
class Look:
    """What an answer looks like: its status, what its body is, and the names or words in it.

    `words` are the members of a JSON object, or the words of a page and its markup. `digest` is of the body without its
    id and times, "" where it is known to have numbers that change with each answer; `shape` is without any number.
    """

    status: int
    kind: str
    words: frozenset[str]
    digest: str
    shape: str

    def __str__(self) -> str:
        return f"HTTP status {self.status} with {_SAID[self.kind]}"

    @classmethod
    def of(cls, status: int, body: bytes, identifier: str) -> Self:
        """Look at a body that is unpacked, sent for an id."""
        text = _TIMES.sub("\0", body[:_LOOK_BYTES].decode("utf-8", "replace"))
        kind = kind_of_body(body)
        for written in {identifier, quote(identifier, safe=""), quote(identifier), escape(identifier)}:
            text = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", "\0", text)
        shape = re.sub(r"\d+|\0", "0", text)
        words = re.findall(r"[^\W\d_]{2,}", shape)
        if kind == JSON:
            try:
                value = envelope.parse_json(body).value
                words = list(value) if isinstance(value, dict) else []
            except NotJson:
                kind = TEXT
        return cls(status, kind, frozenset(words), *(sha256(one.encode()).hexdigest() for one in (text, shape)))

    def is_like(self, own: "Look") -> bool:
        """Whether a 404 or 410 comes from the same place as the answer for an id that cannot exist."""
        if self.kind == JSON:  # another kind of answer for that id was not the provider's own
            return own.kind != JSON or self.words >= own.words
        if self.kind != own.kind:
            return False
        union = self.words | own.words
        return not union or len(self.words & own.words) >= _ALIKE * len(union)

    def is_same(self, own: "Look") -> bool:
        """Whether an answer says the same, word for word, as the one for an id that cannot exist."""
        alike = self.digest == own.digest if own.digest else self.shape == own.shape
        return alike and (self.status, self.kind) == (own.status, own.kind)

    def encoded(self) -> str:
        """Write it as JSON."""
        return orjson.dumps({**asdict(self), "words": sorted(self.words)}).decode()

    @classmethod
    def decoded(cls, text: str) -> Self:
        """Read what `encoded` wrote."""
        found: dict[str, Any] = orjson.loads(text)
        return cls(found["status"], found["kind"], frozenset(found["words"]), found["digest"], found["shape"])


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a form before an answer is judged.

    `own` is how it answers for an id that is not there, `now` how the provider answered for one that cannot exist when
    that was last asked; they differ while something else answers in its place. `deleted` has the datestamps of ids that
    an OAI-PMH list of the same archive names as deleted.
    """

    own: Look | None = None
    now: Look | None = None
    deleted: Mapping[str, str] = field(default_factory=dict)


def kind_of_body(body: bytes) -> str:
    """What a body is by its first characters: empty, html, json, xml or text."""
    start = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return EMPTY
    tag = start[first_tag(start) :][:40].lower()
    if re.match(rb"<!doctype\s+html|<(html|head|body|h1|p|center|title)\b", tag):
        return HTML
    if start[:1] in b"{[":
        return JSON
    return XML if start[:1] == b"<" or body[:2] in (b"\xff\xfe", b"\xfe\xff") else TEXT


def is_machine(kind: str, accept: str) -> bool:
    """Whether a 404 with a body of this kind may be the own one of a form that is asked for as `accept`."""
    return kind in (JSON, XML) or kind == kind_of(accept)
