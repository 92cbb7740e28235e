"""SQL text cut into statements, as they are typed: where one ends, and whether one has ended yet."""

import re
from dataclasses import dataclass

# What a semicolon in it does not end a statement. Each alternative also takes what has no end yet, so that the
# text after it is seen as a part of it.
_PIECE = re.compile(
    r"""
    (?P<end>;)
    | (?P<comment>--[^\n]*(?:\n|(?P<open_line>\Z)))
    | (?P<block>/\*.*?(?:\*/|(?P<open_block>\Z)))
    | [eE]'(?:\\.|''|[^'\\])*(?:'|(?P<open_escaped>\Z))
    | '(?:''|[^'])*(?:'|(?P<open_text>\Z))
    | "(?:""|[^"])*(?:"|(?P<open_name>\Z))
    | \$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|(?P<open_dollar>\Z))
    | [A-Za-z_0-9$]+
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Statements that have ended, each with its semicolon, and what follows the last of them."""

    statements: tuple[str, ...]
    rest: str


def cut(text: str) -> Cut:
    """Cut SQL at the semicolons that end a statement; the texts, one after the other, are what was given."""
    statements = []
    start = 0
    for piece in _PIECE.finditer(text):
        if piece["end"]:
            statements.append(text[start : piece.end()])
            start = piece.end()
    return Cut(tuple(statements), text[start:])


def is_blank(text: str) -> bool:
    """Whether there is nothing in it to run: white space, comments, semicolons."""
    for piece in _PIECE.finditer(text):
        if not (piece["end"] or piece["comment"] or piece["block"]):
            return False
    return not _PIECE.sub("", text).strip()
