"""Text of strangers as one line that a terminal or a page can show."""

# what takes the place of a character that is not shown
MARK = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, keep: str = "") -> str:
    """Replace each control, format and surrogate character and each line end by MARK, except those in `keep`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in keep else MARK for character in text)
