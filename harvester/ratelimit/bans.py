"""Whether a 403 is an answer or a ban. Pure: answers in, a verdict out.

A ban never turns ids into forbidden ones, and a restricted record never holds up a harvest. What the API itself says
of a record (a JSON object) is an answer. A page of the front end is held back and asked for again after a wait: it is
an answer when the host has answered others meanwhile, or says the same again with no sign of a ban left.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import Literal

# the first wait; each one that was in vain doubles it
BAN_FIRST_SECONDS, SUSPICION_FIRST_SECONDS = 30.0, 5.0
# a 429 explains a 403 for so long, unless the host has answered in between
TOLD_SECONDS = 300.0
# a host that says nothing but 403 is asked again after so long before that counts
PROBE_SECONDS = 30.0
# a page that came and went so often is no ban
TIMES = 3
# without any sign of a ban it is given up after so many waits, 21 minutes
STRIKES_MOST = 8
SUSPECTS_MOST = 100_000
Verdict = Literal["answer", "taken", "ban"]
_WORDS = re.compile(
    rb"blocked|\bban(?:ned)?\b|rate.?limit|too many requests|captcha|unusual traffic|abus(?:e|ive)|ddos|"
    rb"your (?:ip|address)\b|automated (?:access|queries|requests)|write to info@",
    re.IGNORECASE,
)
_TAGS = re.compile(rb"<[a-z!/][^\s>]{0,20}", re.IGNORECASE)


@dataclass(slots=True)
class Bans:
    """What is known of the 403s of one host. `sent` is when the request left that is answered.

    `strikes` counts waits for the same ban.
    """

    strikes: int = 0
    strong: bool = False
    _told: float = -math.inf
    _good: float = -math.inf
    _barred: float = -math.inf
    _data: bool = False
    _orders: bool = False
    _suspects: dict[str, float] = field(default_factory=dict)
    _proven: set[bytes] = field(default_factory=set)
    _seen: dict[bytes, tuple[int, float]] = field(default_factory=dict)

    def told(self, clock: float) -> None:
        """The host said "not now"."""
        self._told = clock

    def good(self, sent: float, content_type: str, *, ordered: bool) -> None:
        """The host answered, with anything but 403, 429 and 5xx; `ordered` when Retry-After came with it."""
        self._good = max(self._good, sent)
        self._data = self._data or _is_data(content_type)
        self._orders = self._orders or ordered
        if self.strikes and sent > self._barred:
            self.strikes, self.strong = 0, False

    def judge(self, clock: float, url: str, sent: float, content_type: str, body: bytes, *, ordered: bool) -> Verdict:
        """Judge a 403, to which Retry-After came or not. `taken` is an answer that proves nothing for others."""
        words = _WORDS.search(body) is not None
        told = self._told > self._good and clock - self._told < TOLD_SECONDS
        # Zenodo sends Retry-After with every answer
        ordered = ordered and self._good > -math.inf and not self._orders
        shape, own = _shape(content_type, body), _is_error_object(content_type, body)
        if not ordered and ((own and not words) or (shape in self._proven and not told)):
            return "answer"
        first = self._suspects.get(url)
        if first is not None and self._good > first and not (ordered or told):
            # asked after this one was held back, others were answered: it is about this URL
            self._proven.add(shape)
            return "answer"
        if self._comes_and_goes(shape, clock) and not (ordered or told or words):
            self._proven.add(shape)
            return "answer"
        waited = first is not None and clock - first >= PROBE_SECONDS and sent > first
        if waited and not (ordered or words or told or self._data):
            if self._good > -math.inf:
                self._proven.add(shape)
            return "taken"
        if len(self._suspects) < SUSPECTS_MOST:
            self._suspects.setdefault(url, clock)
        if sent > self._barred:  # all that was on its way then is the same ban
            self._barred, self.strikes = clock, self.strikes + 1
            self.strong = self.strong or ordered or words or told
        return "ban"

    def _comes_and_goes(self, shape: bytes, clock: float) -> bool:
        """Whether such a page was seen some times, and the host answered others between any two."""
        times, last = self._seen.get(shape, (0, -math.inf))
        if self._good > last:
            times += 1
        self._seen[shape] = times, clock
        return times > TIMES

    @property
    def hopeless(self) -> bool:
        """Whether a host that only says 403, and not why, was asked often enough."""
        return not self.strong and self.strikes > STRIKES_MOST

    def wait_seconds(self, chance: float) -> float:
        """How long to stay away; `chance` in [0, 1) spreads the clients."""
        first = BAN_FIRST_SECONDS if self.strong else SUSPICION_FIRST_SECONDS
        return float(first * 2 ** min(self.strikes - 1, 20) * (1 + 0.1 * chance))


def _is_data(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.endswith(("json", "xml")) and "html" not in kind


def _is_error_object(content_type: str, body: bytes) -> bool:
    """Whether a body is the API's own word: a JSON object, of which the first bytes may be all there is."""
    start = body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return len(body) >= 2048 and "json" in content_type.lower()


def _shape(content_type: str, body: bytes) -> bytes:
    """What two pages of one template have in common: their type, and their tags without the text."""
    tags = b" ".join(_TAGS.findall(body[:2048])) or body[:64]
    return hashlib.blake2b(content_type.encode() + b"\0" + tags.lower(), digest_size=16).digest()
