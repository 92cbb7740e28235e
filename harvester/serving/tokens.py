"""The resumption tokens a provider gives: a state and its signature, so that nothing is kept between requests.

A token serves one verb. What was not made here, or is not whole, is badResumptionToken. The key keeps accidents out
and is no secret: a state is no more than a query, and whoever reads one checks what it holds.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import orjson

from harvester.errors import ProviderError

# 96 bits: nobody guesses one by asking
_MAC_BYTES = 12


def make_token(key: bytes, verb: str, state: Sequence[Any]) -> str:
    """A state, which is JSON, signed for one verb; in characters that need no encoding in a URL."""
    text = orjson.dumps(state)
    return _encoded(_mac(key, verb, text) + text)


def read_token(key: bytes, verb: str, token: str) -> list[Any]:
    """The state in a token. Raises ProviderError for badResumptionToken unless it is what was made, to the bit."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # the last character may have bits that decoding drops: only the token that these bytes have is good
    if _encoded(raw) != token or not hmac.compare_digest(mac, _mac(key, verb, text)):
        raise not_given(verb)
    try:
        state = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise not_given(verb) from None
    return state if isinstance(state, list) else []


def not_given(verb: str) -> ProviderError:
    """A token was sent that is none."""
    return ProviderError("badResumptionToken", f"not a token that this repository gave for {verb}")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(key: bytes, verb: str, text: bytes) -> bytes:
    return hmac.digest(key, verb.encode() + b"\0" + text, hashlib.sha256)[:_MAC_BYTES]
