"""How texts stand in the content of a frame: a JSON text sequence (RFC 7464), lines, or members of a tar archive.

A tar archive has one file a record (POSIX ustar), without anything that differs between machines or days. It goes on
over all frames of a part; what ends it is `TAR_END`, in a frame of its own.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence

import orjson

from archive.jsonseq import LF, RS
from archive.zstdframes import Broken

# layout -> the ending of a file's name, before that of its compression
ENDINGS = {"jsonseq": "json-seq", "jsonl": "jsonl", "tar": "tar"}
# two blocks of zeros
TAR_END = bytes(1024)

_TAR_BLOCK = 512
# a ustar header holds a name of so many bytes
_NAME_MOST = 100
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._-")
# as in Pairtree for the two that nearly every id has; all else is written as ^ and two hexadecimal digits
_WRITTEN = {ord(":"): "+", ord("/"): "="}
# what are devices on Windows, whatever follows the dot
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\.")
_HEADER_BEFORE = b"0000644\0" + b"0000000\0" * 2
_HEADER_AFTER = b"0" + bytes(100) + b"ustar\0" + b"00" + bytes(64) + b"0000000\0" * 2 + bytes(167)


def member_name(identifier: str, format_: str) -> str:
    """The name of a record's file in a tar archive: 100 characters at most, of `a-z 0-9 . _ - + = ^ @ ~`.

    No two records have the same one, not even where upper and lower case are one: capitals are written as bytes. A name
    that would be too long ends in `~` and a part of its SHA-256.
    """
    stem = f"{_clean(identifier)}@{_clean(format_)}"
    most = _NAME_MOST - len(".json")
    if len(stem) > most:
        digest = hashlib.sha256(orjson.dumps([identifier, format_])).hexdigest()[:32]
        stem = f"{stem[: most - 33]}~{digest}"
    return f"{stem}.json"


def _clean(name: str) -> str:
    raw = name.encode()
    clean = "".join(chr(byte) if byte in _PLAIN else _WRITTEN.get(byte) or f"^{byte:02x}" for byte in raw)
    # hidden files, options of a command, `..`, and devices
    return f"^{raw[0]:02x}{clean[1:]}" if clean[:1] in (".", "-") or _DEVICE.match(clean) else clean


def encode_texts(layout: str, names: Sequence[str], texts: Sequence[bytes]) -> bytes:
    """The content of a frame. `names` are those of the members of a tar archive, and not looked at in other layouts."""
    if layout == "jsonseq":
        return (LF + RS).join([RS + texts[0], *texts[1:]]) + LF if texts else b""
    if layout == "jsonl":
        return LF.join([*texts, b""])
    return b"".join(_member(name.encode(), text) for name, text in zip(names, texts, strict=True))


def split_texts(layout: str, content: bytes, only: Collection[int] | None = None) -> list[bytes]:
    """The texts in the content of a frame; none in that of the end of a tar archive.

    Raises Broken unless it is what `encode_texts` writes, and each (with `only`, those) a JSON text.
    """
    texts = _SPLITTERS[layout](content)
    for record, text in enumerate(texts):
        try:
            if only is None or record in only:
                orjson.loads(text)
        except orjson.JSONDecodeError as cause:
            raise Broken(f"record {record}: no JSON text ({cause})") from cause
    return texts


def _split_sequence(content: bytes) -> list[bytes]:
    before, *texts = content.split(RS)
    if before:
        raise Broken("its content does not begin with a record separator")
    return [_without_line_end(text, record) for record, text in enumerate(texts)]


def _without_line_end(text: bytes, record: int) -> bytes:
    if text[-1:] != LF:
        raise Broken(f"record {record}: no line feed at its end")
    return text[:-1]


def _split_lines(content: bytes) -> list[bytes]:
    *texts, after = content.split(LF)
    if after:
        raise Broken(f"record {len(texts)}: no line feed at its end")
    return texts


def _split_tar(content: bytes) -> list[bytes]:
    if content == TAR_END:
        return []
    texts: list[bytes] = []
    place = 0
    while place < len(content):
        try:
            name, size = _read_header(content[place : place + _TAR_BLOCK])
        except ValueError as cause:
            raise Broken(f"record {len(texts)}: {cause}") from cause
        text = content[place + _TAR_BLOCK : place + _TAR_BLOCK + size]
        member = _member(name, text)
        if len(text) != size or content[place : place + len(member)] != member:
            raise Broken(f"record {len(texts)}: its file is cut, or not padded with zeros")
        texts.append(text)
        place += len(member)
    return texts


_SPLITTERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "jsonseq": _split_sequence, "jsonl": _split_lines, "tar": _split_tar,
}  # fmt: skip


def _member(name: bytes, text: bytes) -> bytes:
    return _header(name, len(text)) + text + bytes(-len(text) % _TAR_BLOCK)


def _header(name: bytes, size: int) -> bytes:
    """A ustar header (POSIX.1-2017, pax, "ustar Interchange Format"): a plain file of nobody, from 1970."""
    before = name.ljust(_NAME_MOST, b"\0") + _HEADER_BEFORE + b"%011o\0%011o\0" % (size, 0)
    # the checksum counts its own 8 bytes as spaces
    checksum = sum(before) + sum(_HEADER_AFTER) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + _HEADER_AFTER


def _read_header(block: bytes) -> tuple[bytes, int]:
    """(name, size) of a header that is one of ours. Raises ValueError."""
    name = block[:_NAME_MOST].rstrip(b"\0")
    size = int(block[124:135], 8)
    if block != _header(name, size):
        raise ValueError("a header of a file that is not one of ours")
    return name, size
