"""Bodies that were refused, kept byte for byte with their headers, so that a person can look."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import orjson

from archive.disk import durable
from archive.errors import Damaged


@dataclass(frozen=True, slots=True)
class RefusedBody:
    """An answer that came and was unusable. `headers` are (name, value) in the order received."""

    url: str
    http_status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    retrieved: str
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a refused body lies: `name` without ending, size of the body in bytes, SHA-256 of the .json file."""

    name: str
    size_bytes: int
    sha256: str


def write_refused(folder: Path, number: int, refused: RefusedBody) -> Kept:
    """Write `NNNNNN.body`, then `NNNNNN.json` which describes it and carries its SHA-256."""
    durable.make_folder(folder)
    name = f"{number:06d}"
    described = {
        "url": refused.url,
        "http_status": refused.http_status,
        "headers": [list(header) for header in refused.headers],
        "retrieved": refused.retrieved,
        "reason": refused.reason,
        "bytes": len(refused.body),
        "sha256": hashlib.sha256(refused.body).hexdigest(),
    }
    text = orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    durable.write_new(folder / f"{name}.body", refused.body, "quarantine-body")
    durable.write_new(folder / f"{name}.json", text, "quarantine-description")
    return Kept(name, len(refused.body), hashlib.sha256(text).hexdigest())


def check_refused(folder: Path, name: str, sha256: str) -> None:
    """Raises Damaged, naming the file, unless both files are what was written."""
    description, body = folder / f"{name}.json", folder / f"{name}.body"
    for path in (description, body):
        if not path.exists():
            raise Damaged(f"{path} is missing; take it from a copy of the archive")
    text = description.read_bytes()
    if hashlib.sha256(text).hexdigest() != sha256:
        raise Damaged(f"{description} is not what was written; take it from a copy of the archive")
    with body.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != orjson.loads(text)["sha256"]:
        raise Damaged(f"{body} is not what was received; take it from a copy of the archive")
