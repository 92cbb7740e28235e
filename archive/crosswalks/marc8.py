"""MARC-8 to Unicode, strictly: pymarc has the tables, but its own converter replaces unreadable characters by blanks.

https://www.loc.gov/marc/specifications/speccharmarc8.html
"""

import unicodedata

from pymarc import marc8_mapping

from archive.crosswalks.errors import ConversionError

_ESCAPE = 0x1B
_ASCII, _ANSEL, _EACC = 0x42, 0x45, 0x31
# final bytes after ESC alone, which designate G0: Greek symbols, subscript, superscript, and back to ASCII
_SHORT = {0x67: 0x67, 0x62: 0x62, 0x70: 0x70, 0x73: _ASCII}
_G0, _G1 = b"(,", b")-"
# non-sorting begin and end, joiner and non-joiner (MARC-8 C1)
_CONTROLS = {0x88: "\x98", 0x89: "\x9c", 0x8D: "\u200d", 0x8E: "\u200c"}
_SETS: dict[int, dict[int, tuple[int, int]]] = marc8_mapping.CODESETS
_ODD: dict[int, int] = marc8_mapping.ODD_MAP


def unicode_of(data: bytes) -> str:
    """Decode MARC-8 bytes, composed (NFC); the initial sets are ASCII and ANSEL.

    Raises ConversionError for what no table has, an escape sequence that is not of MARC-8, or a mark without a letter.
    """
    if data.isascii() and _ESCAPE not in data:
        return data.decode("ascii")
    out, marks, at = list[str](), list[str](), 0
    g0, g1 = _ASCII, _ANSEL
    while at < len(data):
        byte = data[at]
        if byte == _ESCAPE:
            is_g1, charset, at = _designated(data, at)
            g0, g1 = (g0, charset) if is_g1 else (charset, g1)
            continue
        width = 1
        if byte < 0x20 or byte == 0x7F:
            text, is_mark = chr(byte), False
        elif byte in _CONTROLS:
            text, is_mark = _CONTROLS[byte], False
        elif byte == 0x20:
            text, is_mark = " ", False
        else:
            charset = g1 if byte >= 0x80 else g0
            width = 3 if charset == _EACC else 1
            text, is_mark = _mapped(data[at : at + width], charset, width, at)
        at += width
        if is_mark:
            marks.append(text)
        else:
            out += [text, *marks]
            marks.clear()
    if marks:
        raise ConversionError(f"MARC-8 that ends in a combining mark, U+{ord(marks[0]):04X}, without a letter")
    return unicodedata.normalize("NFC", "".join(out))


def _designated(data: bytes, at: int) -> tuple[bool, int, int]:
    """Parse an escape sequence: whether it is about G1, the set, and where the text continues."""
    sequence = data[at + 1 : at + 5]
    if sequence[:1] and sequence[0] in _SHORT:
        return False, _SHORT[sequence[0]], at + 2
    rest, is_g1 = sequence.removeprefix(b"$"), False
    if rest[:1] and rest[0] in _G0 + _G1:
        is_g1, rest = rest[0] in _G1, rest[1:]
    elif rest == sequence:
        rest = b""
    rest = rest.removeprefix(b"!")
    if not rest or rest[0] not in _SETS:
        raise ConversionError(f"{data[at : at + 4]!r} is no escape sequence of MARC-8")
    return is_g1, rest[0], at + 2 + len(sequence) - len(rest)


def _mapped(code: bytes, charset: int, width: int, at: int) -> tuple[str, bool]:
    value = int.from_bytes(bytes(byte & 0x7F for byte in code) if width == 3 else code, "big")
    table = _SETS[charset]
    found = table.get(value) or (table.get(value ^ 0x80) if width == 1 else None)
    if found is not None and len(code) == width:
        return chr(found[0]), bool(found[1])
    if len(code) == width and value in _ODD:
        return chr(_ODD[value]), False
    raise ConversionError(f"byte {at}: {code.hex(' ').upper()} is no character of MARC-8 in set {chr(charset)!r}")
