"""Search everything that a harvest wrote for a secret, in each form that it may have there."""

import base64
import sqlite3
import zlib
from pathlib import Path
from urllib.parse import quote

from archive.store import shards

SECRET = "s3cret+T0ken/of=9"


BASE64 = base64.b64encode(f"Bearer {SECRET}".encode()).decode()


# what depends on nothing but the secret, in base64 at each of the three offsets
FORMS = [
    form.encode()
    for form in (
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        SECRET[:12],
        BASE64[12:-4],
        base64.b64encode(SECRET.encode()).decode()[:20],
        base64.b64encode(f"a{SECRET}".encode()).decode()[4:20],
        base64.b64encode(f"ab{SECRET}".encode()).decode()[4:20],
    )
]


def everything(folder: Path) -> bytes:
    """Every byte below a folder, with what is packed unpacked, and the ledger as SQL."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        parts.append(body := path.read_bytes())
        if body[:3] == b"\x1f\x8b\x08":
            parts.append(zlib.decompressobj(47).decompress(body))
        if path.name.endswith(".zst"):
            parts += [text for frame in shards.iter_frames(path) for text in frame.texts()]
        if path.name == "ledger.sqlite":
            parts.append("\n".join(sqlite3.connect(path).iterdump()).encode())
    return b"\n".join(parts)


def shown(text: bytes) -> list[bytes]:
    return [form for form in FORMS if form in text]
